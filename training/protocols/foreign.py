"""What is foreign to a model: other languages, posts that are no news, headlines without an article.

Russian, of every corpus, and the Ukrainian and English of tests/cases/foreign.tsv are read by the bundled baseline.
Telegram posts are asked of two models that may say `auto`: one of the posts themselves, all channels as one outlet, by
near-duplicate-safe hash, with advertisement, weather and other as rubrics that are no news; and a newsroom's, fontanka
until 2023-09 and tested on 2023-10, posts sent as if they were its own. Three minutes on one core.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from zlib import crc32

import msgspec
from msgspec.structs import replace

from service.inference.annotator import Annotator, load
from service.inference.article import Annotation, Article, LabelledArticle
from service.inference.decisions import Options
from service.lines import open_lines
from service.loading import BASELINE
from service.records import Rejects
from training import gazetteer as places
from training.config import Config, Corpus, Rubric, Split
from training.evaluate import unlabelled
from training.examples import load as load_examples
from training.heads import fit_heads
from training.labels import Tags
from training.progress import Progress
from training.protocols import outlet_over_time
from training.protocols.section import Asked, Cell, Section, Table
from training.run import labelled, rubrics_of
from training.split import split

OTHER_LANGUAGES = Path(__file__).parents[2] / "tests" / "cases" / "foreign.tsv"
SAMPLED = 1_000  # articles of each outlet
POSTS, NO_NEWS = "telegram_silver.jsonl.gz", ("advertisement", "weather", "other")
ORDINARY = ("rt", "ria_2023", "ria_2020", "lenta_1999_2018", "lenta_tags")
SHAPES = ("article", "title", "first sentence")
RUBRIC = Options(heads=frozenset({"rubric"}))
RANKING = Options(heads=frozenset({"rubric"}), threshold=0.0)
LEAST_ABSTAINED, MOST_RUSSIAN, MOST_AUTO, MOST_MARKED = 0.98, 0.01, 0.10, 0.005
_SENTENCE_END = re.compile(r"(?<=[.!?…])\s")


class Auto(NamedTuple):
    """What a model would publish unseen."""

    n: int
    published: int
    right: int

    @property
    def share(self) -> float:
        return self.published / max(1, self.n)

    @property
    def precision(self) -> float | None:
        return self.right / self.published if self.published else None


def run(folder: Path, progress: Progress) -> Section:
    baseline = load(BASELINE)
    with progress.step("Russian"):
        russian = {name: taken_for_foreign(baseline, rows) for name, rows in samples(folder)}
    abstained = {language: abstains(baseline, language) for language in ("uk", "en")}
    posts, ordinary_posts = posts_of_a_model(folder, progress, NO_NEWS)
    plain_posts, plain_ordinary = posts_of_a_model(folder, progress, ())
    parts, tested = newsroom_model(folder, progress)
    decisions = {name: value for name, value in parts["decisions"].items() if name != "fewest_features"}
    newsroom, unchecked = Annotator("protocol", parts), Annotator("protocol", {**parts, "decisions": decisions})
    strangers = posts_at_a_newsroom(newsroom, folder, tested[0].source or "")
    before = posts_at_a_newsroom(unchecked, folder, tested[0].source or "")
    own, own_before = (auto(model, tested) for model in (newsroom, unchecked))
    headlines = list(shapes_of_an_article(newsroom, tested))
    marked = {name: reasons_of(newsroom, articles) for name, articles in ordinary(folder, tested)}
    asked = [
        *(
            Asked(f"{name} that is not answered", share, least=LEAST_ABSTAINED, note=f"{n} texts, title or text alone")
            for name, (share, _, n) in zip(("Ukrainian", "English"), abstained.values(), strict=True)
        ),
        Asked(
            "Russian taken for foreign, the worst outlet and length",
            max(cell for shares in russian.values() for cell in shares if cell is not None),
            most=MOST_RUSSIAN,
        ),
        *(
            Asked(f"{kind} that is auto, {of}", found[kind].share, most=MOST_AUTO, note=f"{found[kind].n} posts")
            for of, found in (("the channels' own model", posts), ("a newsroom's model", strangers))
            for kind in NO_NEWS
        ),
        Asked(
            "Ordinary articles with advertisement or not_news, the worst outlet",
            max((of["advertisement"] + of["not_news"]) / max(1, of["n"]) for of in marked.values()),
            most=MOST_MARKED,
        ),
    ]
    tables = (
        Table("Russian taken for foreign", ("outlet", *SHAPES), tuple((n, *s) for n, s in sorted(russian.items()))),
        Table(
            "Other languages",
            ("language", "not answered", "of it not_russian", "texts"),
            tuple((name, *found) for name, found in abstained.items()),
        ),
        Table(
            "Published unseen",
            ("model", *NO_NEWS, "ordinary: coverage", "ordinary: precision"),
            (
                ("the channels' own, with no_news", *shares(posts), ordinary_posts.share, ordinary_posts.precision),
                ("the channels' own, without", *shares(plain_posts), plain_ordinary.share, plain_ordinary.precision),
                ("a newsroom's", *shares(strangers), own.share, own.precision),
                ("a newsroom's, short ones too", *shares(before), own_before.share, own_before.precision),
            ),
            note="Ordinary are the other posts of those channels, and the newsroom's own articles of the test month.",
        ),
        Table(
            "Headlines alone", ("sent", "accuracy", "among the first two", "abstained", "articles"), tuple(headlines)
        ),
        Table(
            "Reasons given to ordinary articles by the newsroom's model",
            ("outlet", "advertisement", "not_news", "too_short", "not_russian", "articles"),
            tuple(
                (
                    name,
                    *(of[r] / max(1, of["n"]) for r in ("advertisement", "not_news", "too_short", "not_russian")),
                    of["n"],
                )
                for name, of in marked.items()
            ),
        ),
    )
    n = sum(found.n for found in (*posts.values(), *strangers.values(), ordinary_posts, own))
    about = (
        "Other languages: own sentences, half with Russian names or quotations. Telegram's labels are machine-made. "
        "How short is too short was chosen on half of the channels (by crc32 of the name); the newsroom's rows have "
        "the other half."
    )
    return Section("foreign", "Unknown and foreign", about, n, tuple(asked), tables)


def samples(folder: Path) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    for path in sorted(folder.glob("*.jsonl.gz")):
        rows = [msgspec.json.decode(line) for _, line in open_lines(path)]
        rows.sort(key=lambda row: crc32(str(row["id"]).encode()))
        yield path.name.removesuffix(".jsonl.gz"), rows[:SAMPLED]


def taken_for_foreign(annotator: Annotator, rows: Sequence[Mapping[str, Any]]) -> list[float | None]:
    """The share of `not_russian` in whole articles, titles and first sentences; None where there are none."""
    found: list[float | None] = []
    texts = [(row.get("title") or "", row.get("text") or "") for row in rows]
    for articles in (
        [Article(title=title, text=text) for title, text in texts],
        [Article(title=title) for title, _ in texts if title.strip()],
        [Article(text=_SENTENCE_END.split(text.strip(), maxsplit=1)[0]) for _, text in texts if text.strip()],
    ):
        foreign = sum("not_russian" in answer.reasons for answer in annotator.annotate(articles, RUBRIC))
        found.append(foreign / len(articles) if articles else None)
    return found


def abstains(annotator: Annotator, language: str) -> tuple[float, float, int]:
    """The share that gets no rubric and the status abstained; the share of not_russian; how many texts."""
    lines = OTHER_LANGUAGES.read_text("utf-8").splitlines()[1:]
    texts = [text for text, its in (line.split("\t") for line in lines) if its == language]
    articles = [*(Article(title=text) for text in texts), *(Article(text=text) for text in texts)]
    answers = annotator.annotate(articles, RUBRIC)
    silent = sum(answer.status == "abstained" and not answer.rubric for answer in answers)
    return (
        silent / len(answers),
        sum("not_russian" in answer.reasons for answer in answers) / len(answers),
        len(answers),
    )


def posts_of_a_model(folder: Path, progress: Progress, no_news: tuple[str, ...]) -> tuple[dict[str, Auto], Auto]:
    """By a model of the posts: what is published of each kind that is no news, and of all others.

    Without `no_news` those kinds are not learnt from.
    """
    corpus = Corpus(path=folder / POSTS, format="records", use=("rubric",), source="telegram")
    config = Config(corpus=(corpus,), split=Split("hash", 0.25, 0.25), rubric=Rubric(no_news=no_news))
    learnt = config if no_news else replace(config, corpus=(replace(corpus, drop_rubrics=NO_NEWS),))
    annotator = Annotator("protocol", fitted(learnt, progress)[0])
    examples = load_examples(config, Rejects())
    tested = [replace(examples.rows[i].article, source="telegram") for i in split(examples, config.split).test]
    kinds = {kind: auto(annotator, [post for post in tested if post.rubric == kind]) for kind in NO_NEWS}
    return kinds, auto(annotator, [post for post in tested if post.rubric not in NO_NEWS])


def newsroom_model(folder: Path, progress: Progress) -> tuple[dict[str, Any], list[LabelledArticle]]:
    config = outlet_over_time.config_for(folder)
    return fitted(replace(config, split=Split("time", *outlet_over_time.ORIGINS[-1])), progress)


def fitted(config: Config, progress: Progress) -> tuple[dict[str, Any], list[LabelledArticle]]:
    """The parts of a model of rubrics alone, and the articles set aside for a test."""
    examples = load_examples(config, Rejects())
    parts = split(examples, config.split)
    gazetteer = places.build()
    rubrics = rubrics_of([examples.rows[i] for i in (*parts.train, *parts.validation)])
    data = labelled(examples, rubrics, Tags([], {}), gazetteer, config, by_time=parts.by == "time")
    heads = fit_heads(data, parts.train, parts.validation, rubrics, [], gazetteer, config, progress)
    return heads, [examples.rows[i].article for i in parts.test]


def posts_at_a_newsroom(annotator: Annotator, folder: Path, source: str) -> dict[str, Auto]:
    """Posts of the channels that nothing was chosen on, as if they were the newsroom's own; none has a right rubric."""
    found = {}
    rows = [msgspec.json.decode(line) for _, line in open_lines(folder / POSTS)]
    for kind in NO_NEWS:
        found[kind] = auto(
            annotator,
            [
                LabelledArticle(title=row["title"], text=row["text"], source=source)
                for row in rows
                if row["rubric"] == kind and crc32(row["source"].encode()) % 2
            ],
        )
    return found


def auto(annotator: Annotator, articles: Sequence[LabelledArticle]) -> Auto:
    answers = annotator.annotate([unlabelled(article) for article in articles], RUBRIC)
    published = [
        answer.rubric.label == article.rubric
        for article, answer in zip(articles, answers, strict=True)
        if answer.rubric and answer.rubric.decision == "auto"
    ]
    return Auto(len(articles), len(published), sum(published))


def shares(found: Mapping[str, Auto]) -> list[float]:
    return [found[kind].share for kind in NO_NEWS]


def shapes_of_an_article(annotator: Annotator, tested: Sequence[LabelledArticle]) -> Iterator[tuple[Cell, ...]]:
    shapes = {
        "the article": [unlabelled(article) for article in tested],
        "its title as title": [Article(title=article.title) for article in tested],
        "its title as text": [Article(text=article.title) for article in tested],
        "its text without the title": [Article(text=article.text) for article in tested],
    }
    for name, articles in shapes.items():
        answers = annotator.annotate(articles, RANKING)
        ranked = [ranking(answer) for answer in answers]
        right = [article.rubric in labels[:1] for article, labels in zip(tested, ranked, strict=True)]
        near = [article.rubric in labels[:2] for article, labels in zip(tested, ranked, strict=True)]
        silent = sum(answer.status == "abstained" for answer in answers)
        yield name, sum(right) / len(right), sum(near) / len(near), silent / len(right), len(right)


def ranking(answer: Annotation) -> list[str]:
    first = [answer.rubric.label] if answer.rubric else []
    return first + [other.label for other in answer.alternatives or ()]


def ordinary(folder: Path, tested: Sequence[LabelledArticle]) -> Iterator[tuple[str, list[Article]]]:
    source = tested[0].source
    yield "fontanka, test", [unlabelled(article) for article in tested]
    for name, rows in samples(folder):
        if name in ORDINARY:
            yield name, [Article(title=row["title"], text=row["text"], source=source) for row in rows]


def reasons_of(annotator: Annotator, articles: Sequence[Article]) -> Counter[str]:
    counts = Counter(reason for answer in annotator.annotate(articles, RUBRIC) for reason in answer.reasons)
    counts["n"] = len(articles)
    return counts
