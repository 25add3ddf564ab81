"""A newsroom's own vocabulary of tags: they work by name and synonyms before any article has them."""

from functools import cache
from pathlib import Path

import pytest
from msgspec.structs import replace

from service.inference.annotator import Annotator
from service.inference.article import Article, LabelledArticle, TagAnswer
from service.inference.decisions import Options
from service.records import Rejects
from tests.sample_model import SAMPLE
from training.config import load
from training.gazetteer import Gazetteer, build
from training.labels import OwnTag, tags_of
from training.own_tags import OwnTagsError, own_tags
from training.progress import Progress
from training.run import Trained, train

VOCABULARY = Path(__file__).parent / "cases" / "own_tags.tsv"


@pytest.fixture(scope="module")
def trained() -> Trained:
    config = load(None, [SAMPLE])
    config = replace(config, tags=replace(config.tags, vocabulary=str(VOCABULARY)))
    return train(config, Rejects(), Progress(quiet=True))


@pytest.fixture(scope="module")
def model(trained: Trained) -> Annotator:
    return Annotator("own", trained.parts)


def answered(model: Annotator, article: Article) -> dict[str, TagAnswer]:
    [answer] = model.annotate([article], Options(threshold=0.0, most_tags=None))
    assert isinstance(answer.tags, tuple)
    return {tag.label: tag for tag in answer.tags}


@pytest.mark.parametrize(
    ("title", "text", "label"),
    [
        ("За налоговым вычетом стало проще прийти", "О налоговом вычете говорили в инспекции.", "Налоговый вычет"),
        ("Возврат подоходного налога упростили", "О возврате подоходного налога знают немногие.", "Налоговый вычет"),
        ("Нашествие DDoS отбили под утро", "Сайт снова открыт.", "Кибератаки"),
        ("Иван Петров выиграл гонку", "Гонку Ивана Петрова видели многие.", "Иван Петров"),
    ],
)
def test_a_tag_without_examples_is_found_by_name_and_synonym(
    model: Annotator, title: str, text: str, label: str
) -> None:
    found = answered(model, Article(title=title, text=text))[label]
    assert (found.decision, found.origin) == ("review", "lexical")


def test_the_words_of_a_synonym_explain_the_tag(model: Annotator) -> None:
    article = Article(title="Возврат подоходного налога упростили", text="Решение приняли утром в инспекции.")
    [answer] = model.annotate([article], Options(explain=True))
    [tag] = [tag for tag in answer.tags or () if tag.label == "Налоговый вычет"]
    words = answer.explain.tags[tag.id] if answer.explain else ()
    assert [(word.field, word.text) for word in words] == [("title", "Возврат подоходного налога")]
    assert words[0].weight > 0


def test_a_surname_alone_explains_the_person(model: Annotator) -> None:
    article = Article(title="Петров выиграл гонку", text="Гонку видели многие, и Петрова поздравили на финише.")
    [answer] = model.annotate([article], Options(explain=True, threshold=0.0, most_tags=None))
    [tag] = [tag for tag in answer.tags or () if tag.label == "Иван Петров"]
    words = answer.explain.tags[tag.id] if answer.explain else ()
    assert {word.text for word in words} == {"Петров", "Петрова"}


def test_what_is_not_named_is_not_found(model: Annotator) -> None:
    found = answered(model, Article(title="Возврат книг", text="Вычет сделан, книги на месте."))
    assert "Налоговый вычет" not in found


def test_the_archive_says_nothing_against_a_tag_that_it_never_had(trained: Trained, model: Annotator) -> None:
    part = trained.parts["tags"]
    number = part["labels"].index("Налоговый вычет")
    used = [tag for tag in range(len(part["ids"])) if part["regime"][tag] > 0]
    assert part["regime"][number] == 0
    assert part["precision"][number] == pytest.approx(-0.8)
    assert used


def test_synonyms_are_the_tag_in_archive_and_evaluation(trained: Trained) -> None:
    aliases = trained.manifest["labels"]["aliases"]
    assert aliases["возврат ндфл"] == aliases["возврат подоходного налога"] == "nalogovyy-vychet"
    assert trained.manifest["config"]["tags"]["vocabulary"] == "own_tags.tsv"


def test_own_tags_take_their_synonyms_and_stay_whatever_the_limits() -> None:
    articles = [LabelledArticle(tags=("ставка цб", "суд"))] * 5 + [LabelledArticle(tags=("мосты",))] * 4
    own = (OwnTag("Ключевая ставка", ("Ставка ЦБ",)), OwnTag("Маркетплейсы"), OwnTag("Пермь"))
    found = tags_of(articles, gazetteer(), [], 3, 3, own)
    assert [(tag.label, tag.examples) for tag in found.tags] == [
        ("Ключевая ставка", 5),
        ("суд", 5),
        ("Маркетплейсы", 0),
    ]
    assert found.over == {"мосты": 4}
    assert found.of(["ставка ЦБ"]) == found.of(["ключевая ставка"]) == {0}
    assert ("ставка", "цб") in found.tags[0].names


def test_an_own_tag_is_joined_to_no_other() -> None:
    articles = [LabelledArticle(tags=("Владимир Путин",))] * 5 + [LabelledArticle(tags=("Путин",))] * 4
    assert [tag.label for tag in tags_of(articles, gazetteer(), [], 3, 9).tags] == ["Владимир Путин"]
    apart = tags_of(articles, gazetteer(), [], 3, 9, (OwnTag("Путин"),))
    assert {tag.label: tag.examples for tag in apart.tags} == {"Владимир Путин": 5, "Путин": 4}


@cache
def gazetteer() -> Gazetteer:
    return build()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("Суд\n\tсудья\n", "line 2: a line begins with the tag's label"),
        ("Суд\n# и\nСудьи\tсуд\n", "line 3: «суд» is already a name of «Суд», line 1: leave it to one of the two"),
        ("Суд\n" + "х" * 201 + "\n", "line 2: «х+…» has 201 characters, 200 are the most"),
        ("Суд\nСтолица\tМОСКВА\n", "line 2: «МОСКВА» is the region «Москва», and a place is never a tag: leave it out"),
        ("Республика Саха\tалмазы\n", "line 1: «Республика Саха» is the region «Якутия», and a place is never a tag"),
    ],
)
def test_a_vocabulary_that_can_not_be_used_says_which_line(tmp_path: Path, content: str, told: str) -> None:
    (tmp_path / "tags.tsv").write_text(content, "utf-8")
    with pytest.raises(OwnTagsError, match=told):
        own_tags(tmp_path / "tags.tsv", gazetteer())


def test_a_label_may_begin_with_a_hash_and_a_comment_has_a_blank_behind_it(tmp_path: Path) -> None:
    (tmp_path / "tags.tsv").write_text("# сноска\n#\n#МыВместе\t#мывместе2020\n#\tещё сноска\n", "utf-8")
    assert own_tags(tmp_path / "tags.tsv", gazetteer()) == (OwnTag("#МыВместе", ("#мывместе2020",)),)


@pytest.mark.parametrize("mark", ["\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c"])
def test_only_a_line_feed_ends_a_line(tmp_path: Path, mark: str) -> None:
    content = f"Ключевая{mark}ставка\tставка{mark}ЦБ\r\n\r\nСуд\tсуд\n"
    (tmp_path / "tags.tsv").write_bytes(content.encode())
    assert own_tags(tmp_path / "tags.tsv", gazetteer()) == (
        OwnTag("Ключевая ставка", ("ставка ЦБ",)),
        OwnTag("Суд", ("суд",)),
    )


def test_a_vocabulary_that_is_not_there_is_told() -> None:
    with pytest.raises(OwnTagsError, match=r"nowhere\.tsv can't be read"):
        own_tags("nowhere.tsv", gazetteer())


def test_the_file_is_looked_for_beside_the_config(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text('[tags]\nvocabulary = "tags.tsv"\n', "utf-8")
    (tmp_path / "tags.tsv").write_text("Суд\tсудебный процесс\n", "utf-8")
    config = load(tmp_path / "own.toml", [SAMPLE])
    assert own_tags(config.tags.vocabulary, gazetteer()) == (OwnTag("Суд", ("судебный процесс",)),)
