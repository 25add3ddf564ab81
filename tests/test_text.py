"""Reading: from fields as sent to the words of title and body, with every word's place in the field."""

import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from service.inference.article import Annotation, Article, ModelReference, Notice
from service.inference.datelines import dateline
from service.inference.language import foreign
from service.inference.notices import marks
from service.inference.spans import utf16
from service.inference.text import BODY_LIMIT, Text, read
from service.inference.words import positions, words
from tests.corpora import corpus, shared_example

CASES = Path(__file__).parent / "cases"
MARKED = re.compile("⟦(.*?)⟧")
PARAGRAPH = "Губернатор открыл в Туле новый мост через Упу, его строили три года и сдали раньше срока."


def table(name: str) -> list[list[str]]:
    lines = (CASES / f"{name}.tsv").read_text(encoding="utf-8").splitlines()
    width = lines[0].count("\t") + 1
    return [(line.split("\t") + [""] * width)[:width] for line in lines[1:]]


def said(text: str) -> str:
    return b" ".join(words(text)).replace(b"\x98", b"?").decode("cp1251")


def words_in_place(text: Text) -> list[tuple[str, str]]:
    """Each word of the body as it was taken and as it stands in the field."""
    return [
        (text.body[start:end], text.locate("body", start, end).text)
        for start, end in zip(*map(list, positions(text.body)), strict=True)
    ]


# Scraped pages -------------------------------------------------------------------------------------------------------


def test_the_scraped_page_loses_its_furniture_and_nothing_else() -> None:
    page = shared_example("scraped_page.txt")
    text = read(Article(text=page))
    lines = [line for line in page.split("\n") if line.strip()]
    headline = lines[3]
    furniture = {0, 1, 2, 3, 6, 7, len(lines) - 3, len(lines) - 2, len(lines) - 1}
    assert lines[6] == headline
    assert text.title == headline
    kept = " ".join(line for number, line in enumerate(lines) if number not in furniture)
    assert text.body.split() == kept.split()
    assert text.body.lstrip().startswith(lines[4])
    assert text.locate("title", 0, 8).text == headline[:8]


@pytest.mark.parametrize(("line", "verdict"), table("furniture"))
def test_lines_are_furniture_as_the_table_says(line: str, verdict: str) -> None:
    text = read(Article(title="В Туле открыли мост", text=f"{line}\n\n{PARAGRAPH}\n\n{PARAGRAPH}"))
    assert said(text.body) == said(f"{line if verdict == 'kept' else ''} {PARAGRAPH} {PARAGRAPH}")


def test_the_title_said_again_is_furniture() -> None:
    text = read(Article(title="«Мост» открыт", text=f"«Мост» открыт\n{PARAGRAPH}\nМост открыт.\n{PARAGRAPH}"))
    assert said(text.body) == said(f"{PARAGRAPH} {PARAGRAPH}")


def test_related_headlines_go_with_their_heading_and_the_next_paragraph_stays() -> None:
    related = "Читайте также\nВ Калуге починили фонтан\nВ Рязани открыли музей"
    text = read(Article(title="Мост", text=f"{PARAGRAPH}\n{related}\n{PARAGRAPH}"))
    assert said(text.body) == said(f"{PARAGRAPH} {PARAGRAPH}")


def test_a_rubric_heads_a_chapter_below_the_first_paragraph_and_a_menu_in_threes() -> None:
    chapter = read(Article(title="Итоги", text=f"{PARAGRAPH} {PARAGRAPH}\nЭкономика\n{PARAGRAPH}"))
    menu = read(Article(title="Итоги", text=f"{PARAGRAPH} {PARAGRAPH}\nЭкономика\nСпорт\nКультура\n{PARAGRAPH}"))
    assert "экономика" in said(chapter.body)
    assert "экономика" not in said(menu.body)


def test_a_text_of_one_line_has_no_furniture_and_no_headline() -> None:
    text = read(Article(text="Новости дня"))
    assert (text.title, text.body) == ("", "Новости дня")


def test_a_draft_without_headline_keeps_its_first_sentence() -> None:
    text = read(Article(text=f"{PARAGRAPH}\n{PARAGRAPH}"))
    assert text.title == ""
    assert said(text.body) == said(f"{PARAGRAPH} {PARAGRAPH}")


@pytest.mark.parametrize(
    ("name", "share"), [("rt", 0.004), ("nplus1", 0.0001), ("ng", 0.0005), ("telegram_silver", 0.03)]
)
def test_real_articles_lose_next_to_nothing(name: str, share: float) -> None:
    sent = left = 0
    for row in corpus(name, 1000):
        text = read(Article(title=row["title"] or "Заголовок", text=row["text"]))
        without_links = re.sub(r"https?://[^\s<>«»\"()\[\]]+", " ", row["text"])
        sent += len(words(without_links))
        left += len(words(text.body))
    assert 1 - left / sent < share + 0.006  # marks and datelines are a little more


# Marks ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", [row for [row] in table("datelines")])
def test_datelines_are_those_of_the_table(row: str) -> None:
    expected = MARKED.findall(row)
    text = re.sub("[⟦⟧]", "", row)
    found = dateline(text)
    assert [text[slice(*found)]] == expected if found else expected == []


@pytest.mark.parametrize(("row", "kinds"), table("notices"))
def test_marks_are_those_of_the_table(row: str, kinds: str) -> None:
    text = re.sub("[⟦⟧]", "", row)
    found = marks(text)
    assert [text[mark.start : mark.end] for mark in found] == MARKED.findall(row)
    assert [mark.kind for mark in found] == kinds.split()


MARKS = [
    " (признан иноагентом)",
    " (признан в РФ иностранным агентом)",
    ", признан иноагентом,",
    "* (внесён в реестр иноагентов)",
    " (организация признана экстремистской и запрещена в России)",
    " (запрещена в РФ)",
]


@pytest.mark.parametrize("mark", MARKS)
def test_a_mark_changes_no_other_word(mark: str) -> None:
    article = "Артист Иван Петров{} дал концерт в Риге. Зал был полон, сообщает издание."
    plain, marked = (read(Article(title="Концерт", text=article.format(added))) for added in ("", mark))
    assert words(plain.body) == words(marked.body)
    [notice] = marked.notices
    assert article.format(mark)[notice.start : notice.end].strip(", *") in mark


@pytest.mark.parametrize("name", ["fontanka", "rt", "ria_2023"])
def test_a_mark_put_into_a_real_article_changes_no_other_word(name: str) -> None:
    for row in corpus(name, 300):
        text = row["text"].rstrip() + ("" if row["text"].rstrip()[-1:] in ".!?…" else ".")
        for mark in (" Признан иноагентом.", "\n* Признан иноагентом"):
            plain, marked = (read(Article(title=row["title"], text=body)) for body in (text, text + mark))
            assert words(marked.body) == words(plain.body), (row["id"], mark)


def test_marks_in_the_fields_of_an_article_are_listed_as_sent() -> None:
    sent = Article(
        title="Певец (признан\u00a0иноагентом) спел", lead="МОСКВА, 13 мар — РИА Новости. Концерт", text="Зал.&nbsp;18+"
    )
    text = read(sent)
    assert [(notice.kind, notice.field) for notice in text.notices] == [
        ("foreign_agent", "title"),
        ("age_limit", "text"),
        ("dateline", "lead"),
    ]
    assert [(getattr(sent, n.field) or "")[n.start : n.end] for n in text.notices] == [
        "(признан\u00a0иноагентом)",
        "18+",
        "МОСКВА, 13 мар — РИА Новости.",
    ]
    assert said(text.title + " " + text.body) == "певец спел концерт зал"


@pytest.mark.parametrize(
    ("body", "advertisement"),
    [
        (f"{PARAGRAPH}\nРеклама. ООО «Мост», ИНН 7700000000", True),
        (f"{PARAGRAPH}\nerid: 2VtzqwpDvb4", True),
        (f"{PARAGRAPH} [Здесь](https://example.org/?erid=2VtzqwpDvb4)", True),
        (f"На правах рекламы\n{PARAGRAPH}", True),
        (f"{PARAGRAPH}\nРеклама", True),
        (f"Новости дня\nРеклама\n{PARAGRAPH}\n{PARAGRAPH}", False),
        (f"{PARAGRAPH} Закон о рекламе приняли.", False),
    ],
)
def test_an_advertisement_is_known_by_its_marks(body: str, advertisement: bool) -> None:
    assert read(Article(title="Мост", text=body)).advertisement is advertisement


def test_marks_beyond_a_thousand_are_blanked_but_not_listed() -> None:
    text = read(Article(title="Мост", text=f"{PARAGRAPH} " + "Кино 18+ идёт. " * 2_000))
    assert len(text.notices) == 1_000
    assert "18" not in text.body


def test_an_interviewer_is_named_by_one_word_or_three() -> None:
    for line, furniture in [("Беседовала Анна", True), ("Беседовал Иван Петров", True), ("Беседовал я", False)]:
        text = read(Article(title="Мост", text=f"{PARAGRAPH}\n{line}"))
        assert ("беседовал" not in said(text.body)) is furniture


# HTML ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("source", "title", "body"), table("html"))
def test_html_gives_the_title_and_words_of_the_table(source: str, title: str, body: str) -> None:
    for article in (Article(body_html=source), Article(text=source)):
        text = read(article)
        assert (said(text.title), said(text.body)) == (title, body)


@pytest.mark.parametrize(
    "text", ["a < b и c > d", "Рекорд <3", "Procter & Gamble, AT&T", "<Спартак> выиграл", "1 <2> 3"]
)
def test_plain_text_with_a_lone_sign_is_left_alone(text: str) -> None:
    assert read(Article(title="Знак", text=text)).body == text


def test_text_wins_over_html() -> None:
    assert read(Article(text="Текст", body_html="<p>Разметка</p>")).body == "Текст"
    assert said(read(Article(text=" ", body_html="<p>Разметка</p>")).body) == "разметка"


INLINE = ["b", "i", "a", "em", "strong", "span"]
BLOCKS = ["p", "div", "li", "blockquote", "h2", "td"]


@st.composite
def fragments(draw: st.DrawFn) -> str:
    """Well-formed HTML of the kinds that editors' tools write."""
    leaf = st.text("абвгд АБВ .,-", min_size=1, max_size=12) | st.sampled_from(
        [
            "&amp;",
            "&nbsp;",
            "&laquo;ё&raquo;",
            "&#1078;",
            "<br>",
            "<!-- х -->",
            "<script>1 < 2</script>",
            "<img src='a>b'>",
        ]
    )
    parts = []
    for _ in range(draw(st.integers(1, 5))):
        inside = "".join(
            f"<{tag}>{draw(leaf)}</{tag}>" if (tag := draw(st.sampled_from(["", *INLINE]))) else draw(leaf)
            for _ in range(draw(st.integers(1, 4)))
        )
        block = draw(st.sampled_from(["p", "div", "blockquote", "h2"]))
        parts.append(f"<{block}>{inside}</{block}>")
    return "".join(parts)


@given(fragments())
def test_the_words_of_html_are_those_of_selectolax(source: str) -> None:
    tree = LexborHTMLParser(source)
    tree.strip_tags(["script", "style"])
    for line_break in tree.css("br, img"):
        line_break.replace_with(" ")
    reference = "\n".join(node.text(separator="") for node in tree.css("p, div, blockquote, h2"))
    assert words(read(Article(title="Заголовок", body_html=source)).body) == words(reference)


# Characters and places -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ("Москва\u0301", "москва"),
        ("до\u00adро\u00adга", "дорога"),
        ("за\u200bвод и\ufeff цех", "завод и цех"),
        ("и\u0306од и е\u0308лка", "йод и елка"),
        ("Сто\u00a0рублей", "сто рублей"),
        ("Мос\0ква", "москва"),
        ("„Спартак“ – «ЦСКА» — ‘два’ ‑ “один”", "спартак цска два один"),
        ("раз\r\nдва\u2028три", "раз два три"),
    ],
)
def test_characters_that_nobody_sees_change_no_word(sent: str, expected: str) -> None:
    text = read(Article(title="Знаки", text=sent))
    assert said(text.body) == expected
    assert said(" ".join(as_sent for _, as_sent in words_in_place(text) if as_sent.isalpha())) in expected


ODD = st.text("абйё Б.\n\u0301\u0306\u00ad\u200b\u00a0\0&;<>b/p*()«»😀")


@given(ODD, ODD, st.sampled_from(["", "<p>", "&nbsp;", "<b>"]))
def test_every_word_stands_where_it_is_said_to_stand(title: str, body: str, markup: str) -> None:
    text = read(Article(title=title, text=body + markup + body))
    reached = 0
    for start, end in zip(*map(list, positions(text.body)), strict=True):
        place = text.locate("body", start, end)
        assert place.text == (body + markup + body)[place.start : place.end]
        assert reached <= place.start < place.end
        reached = place.end
    for start, end in zip(*map(list, positions(text.title)), strict=True):
        place = text.locate("title", start, end)
        assert place.text == (title if place.field == "title" else body + markup + body)[place.start : place.end]


@given(ODD, st.integers(0, 60), st.integers(0, 60))
def test_spans_for_javascript_are_those_of_the_encoded_text(sent: str, one: int, other: int) -> None:
    start, end = sorted(min(place, len(sent)) for place in (one, other))
    reference = ModelReference("v", "w")
    found = Annotation(
        id=None,
        status="abstained",
        reasons=(),
        model=reference,
        rubric=None,
        notices=(Notice("erid", "text", start, end),),
    )
    [notice] = utf16(found, Article(text=sent)).notices
    assert [notice.start, notice.end] == [len(sent[:place].encode("utf-16-le")) // 2 for place in (start, end)]


def test_many_spans_of_a_long_text_are_moved_at_once() -> None:
    sent = "🙂" + "а" * BODY_LIMIT
    notices = tuple(Notice("erid", "text", place, place + 1) for place in range(0, BODY_LIMIT, 20))
    found = Annotation(
        id=None, status="abstained", reasons=(), model=ModelReference("v", "w"), rubric=None, notices=notices
    )
    start = time.process_time()
    moved = utf16(found, Article(text=sent)).notices
    assert time.process_time() - start < 1
    assert [notice.start for notice in moved[:3]] == [0, 21, 41]


def test_a_place_in_the_body_names_lead_or_text() -> None:
    text = read(Article(title="Мост", lead="Открыт мост", text="В Туле открыт мост."))
    lead, body = text.body.index("мост"), text.body.rindex("мост")
    assert text.locate("body", lead, lead + 4).field == "lead"
    place = text.locate("body", body, body + 4)
    assert (place.field, place.start, place.text) == ("text", 14, "мост")


def test_a_very_long_text_is_read_to_its_limit() -> None:
    for article in (Article(text="слово " * 50_000), Article(body_html="<p>слово</p> " * 50_000)):
        text = read(article)
        assert text.truncated
        assert len(text.body) <= BODY_LIMIT
    assert not read(Article(text="слово " * 1000)).truncated


@pytest.mark.parametrize("article", [Article(), Article(title=""), Article(text=" \n "), Article(body_html="<p></p>")])
def test_nothing_comes_from_nothing(article: Article) -> None:
    text = read(article)
    assert words(text.title + text.body) == []
    assert text.notices == ()


# Language ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "language"), table("language"))
def test_russian_is_told_from_other_languages(text: str, language: str) -> None:
    assert foreign(words(text)) is (language == "foreign")


@pytest.mark.parametrize("name", ["fontanka", "lenta_headlines", "ria_2023", "rt", "telegram_silver"])
def test_russian_articles_and_headlines_are_russian(name: str) -> None:
    texts = [read(Article(text=text)) for row in corpus(name, 1000) for text in (row["title"], row["text"]) if text]
    taken_for_foreign = sum(foreign(words(f"{text.title} {text.body}")) for text in texts)
    assert taken_for_foreign <= 0.01 * len(texts)


# Time ----------------------------------------------------------------------------------------------------------------

N = 1_000_000
HOSTILE: dict[str, Callable[[], str]] = {
    "nested tags": lambda: "<div>" * 100_000 + "слово" + "</div>" * 100_000,
    "nested spans": lambda: "<span>" * 200_000,
    "nested forms": lambda: "<form>" * 100_000 + "</form>" * 100_000,
    "one letter": lambda: "а" * N,
    "comments": lambda: "<!--" * (N // 2),
    "open tags": lambda: "<a " * (2 * N // 3),
    "unbalanced quotes": lambda: '<a href="' * (2 * N // 9),
    "mixed quotes": lambda: "<a '\">" * (N // 3),
    "ampersands": lambda: "&" * N,
    "entities": lambda: "&amp;" * (N // 4),
    "no line ends": lambda: "слово " * (N // 6),
    "only line ends": lambda: "\n" * N,
    "spaces": lambda: "а" + " " * N,
    "short lines": lambda: "а\n" * (N // 2),
    "furniture": lambda: "Фото: а\n" * (N // 8),
    "headings": lambda: "Читайте также\nа б\n" * (N // 20),
    "accents": lambda: "а" + "\u0301" * N,
    "decomposed": lambda: "и\u0306" * (N // 2),
    "unknown letters": lambda: "я中" * (N // 2),
    "open brackets": lambda: "(" * N + "признан иноагентом",
    "marks": lambda: "(признан иноагентом" * (N // 20),
    "traces": lambda: "иноагент " * (N // 9),
    "stars": lambda: "* запрещена " * (N // 12),
    "banned": lambda: "запрещён в " * (N // 11),
    "advertisements": lambda: "Реклама. " * (N // 9),
    "erids": lambda: "erid " * (N // 5),
    "cities": lambda: "МОСКВА, " * (N // 8),
    "long city": lambda: "М" + "о" * N,
    "capitals": lambda: "М" * N + ", 14 янв — М",
    "words of capitals": lambda: "МОСКВА " * (N // 7) + ", 14 янв — М",
    "spaces after a day of no agency": lambda: "МОСКВА, 14 янв. —" + " " * N + "x",
    "links": lambda: "http://" * (N // 7),
    "less-than": lambda: "<" * (2 * N),
    "titles": lambda: "<title" * (N // 3),
    "metas": lambda: "<meta " * (N // 3),
    "subscription": lambda: ("читайте " * 19 + "\n") * (N // 160),
    "spaces in a dateline": lambda: "12 мая" + " \n" * (N // 2) + "Вологда",
    "spaces after a day": lambda: "1 янв" + " " * N + "x",
    "spaces around a day": lambda: ("Москва, 1 янв" + " " * (N // 20) + "-" * (N // 20)) * 10,
    "spaces after a city": lambda: "МОСКВА" + " " * N + "x",
    "spaces after an agency": lambda: "1 янв - ТАСС, Иван Петров" + " " * N + "x",
    "furniture in a dateline": lambda: "1 янв\n" + "Читать далее\n" * (N // 13) + "Вологда",
    "author of one word": lambda: ("автор: " + "а" * 150 + "%б\n") * (N // 160),
    "author of a few words": lambda: ("беседовала " + "а " * 70 + "%б\n") * (N // 150),
    "spaces after a time": lambda: ("опубликовано" + " " * 150 + "%б\n") * (N // 165),
    "spaces after a counter": lambda: ("просмотров" + " " * 75 + "1" + " " * 75 + "%б\n") * (N // 165),
    "digits": lambda: ("просмотров " + "1 " * 75 + "%б\n") * (N // 165),
    "menu": lambda: "Читать далее\n" * (N // 13),
    "labels": lambda: "а\n" + "реклама\n" * (N // 8) + "а",
    "paragraphs": lambda: "<html>" + "<p>а</p>" * (N // 9),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_texts_take_linear_time(name: str) -> None:
    text = HOSTILE[name]()
    start = time.process_time()
    read(Article(text=text))
    read(Article(body_html=text))
    assert time.process_time() - start < 3  # two readings: each well under a second on a quiet core


def test_age_limits_stand_at_their_own_plus() -> None:
    found = [(mark.start, mark.end) for mark in marks("Фильм 6+-+ (16+), 18+ и 12++, 0+", False)]
    assert found == [(6, 8), (11, 16), (18, 21), (30, 32)]
