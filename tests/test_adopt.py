"""A newsroom's archive -> a model of the house and one page for the chief editor."""

import csv
import dataclasses
import datetime
import io
import json
import os
import re
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from msgspec.structs import replace

from service.inference.annotator import Annotator, load
from service.inference.article import Profile, TagAnswer
from service.inference.decisions import Options
from service.records import Rejects
from tests.sample_model import labelled_articles, small_archive, trained
from tests.wxr import export, item
from training import adopt_page, archive
from training.adopt import Base, adopt, tags_shown
from training.adopt_command import doubtful_labels
from training.calibrate import NEVER
from training.config import Corpus
from training.examples import EmptyTrainingSetError, Example, Examples
from training.findings import Findings, Part, TagsShown
from training.progress import Progress
from training.run import Trained

RUBRICATOR = str(Path(sys.executable).with_name("rubricator"))
PROFILES: tuple[Profile, Profile] = ("precision", "recall")
EVIL = "<script>alert(1)</script>"


def adopted(path: Path, **options: Any) -> tuple[Trained, Findings]:
    return adopt(path, Base("sample", trained().parts), Rejects(), Progress(quiet=True), **options)


@cache
def small() -> tuple[Trained, Findings]:
    """A part of the sample corpus as a house's archive, on top of the model that learnt from all of it."""
    with tempfile.TemporaryDirectory() as folder:
        return adopted(small_archive(Path(folder) / "news.jsonl"))


def page_of(found: Findings) -> str:
    return adopt_page.render(found, version="20250101-00c0ffee", listed="list.csv", activated=False)


def text_of(page: str) -> str:
    return " ".join(re.sub(r"<style>.*?</style>|<[^>]+>", " ", page, flags=re.DOTALL).split())


def written(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    return path


@pytest.mark.slow
def test_a_small_archive_never_publishes_unseen_and_the_page_says_so() -> None:
    model, found = small()
    assert found.from_base
    assert not found.may_publish and not found.unseen.n
    assert set(model.parts["decisions"]["rubric_auto_by_label"]) == {NEVER}
    answers = Annotator("new", model.parts).annotate([replace(a, source="sample") for a in labelled_articles()])
    assert not [answer for answer in answers if "auto" in str(msgspec.to_builtins(answer))]
    text = text_of(page_of(found))
    assert "Публиковать не глядя рано" in text
    assert "меньше 200 статей" in text


@pytest.mark.slow
def test_an_adopted_model_is_an_ordinary_artifact(tmp_path: Path) -> None:
    model, found = small()
    version = model.write(tmp_path / "model", compress=False)
    served = load(tmp_path / "model")
    assert served.version == version
    assert served.rubric.labels == found.rubrics
    assert len(served.tags.labels) == found.tags


@pytest.mark.slow
@pytest.mark.parametrize("profile", ["precision", "balanced", "recall"])
def test_an_adopted_model_has_profiles_and_policies_of_its_own(profile: Profile) -> None:
    model, found = small()
    served = Annotator("new", model.parts)
    answers = served.annotate(labelled_articles(), Options(profile=profile))
    assert not [warning for answer in answers for warning in answer.warnings]
    assert served.decisions.profiles["precision"].tags.mean() > served.decisions.profiles["recall"].tags.mean()
    incidents = {id_ for id_, label in zip(served.rubric.ids, found.rubrics, strict=True) if label == "Происшествия"}
    assert set(model.parts["policy"]["incidents"]) == incidents
    assert model.manifest["labels"]["policy"].keys() == {"review_only", "never_suggest", "persons"}


@pytest.mark.slow
def test_the_tags_of_the_base_stay_as_sensitive_as_they_were(tmp_path: Path) -> None:
    """A house that has rubrics alone answers with the base's tags and places."""
    rows = [
        {"id": row.id, "title": row.title, "text": row.text, "rubric": row.rubric} for row in labelled_articles()[:120]
    ]
    base = dict(trained().parts)
    first, second, third, *_ = base["tags"]["ids"]
    own = {
        "tags": {first: "never_suggest", second: "review_only"},
        "persons": [third],
        "regions": {"RU": "review_only"},
    }
    base["policy"] = {**base["policy"], **own}
    path = written(tmp_path / "a.jsonl", rows)
    model, found = adopt(path, Base("sample", base), Rejects(), Progress(quiet=True))
    assert found.from_base and not found.tags
    assert model.parts["tags"] is base["tags"]
    policies = Annotator("new", model.parts).decisions.policies
    assert policies.tags[:2] == ["never_suggest", "review_only"]
    assert policies.persons == {2}
    assert {model.parts["regions"]["places"][place][0] for place in policies.regions} == {"RU"}
    [incident] = model.parts["policy"]["incidents"]
    assert policies.of_tags(model.parts["rubric"]["ids"].index(incident))[2] == "review_only"


@pytest.mark.slow
def test_a_threshold_of_each_rubric_leaves_none_of_all_of_them() -> None:
    of_precision = small()[0].parts["decisions"]["profiles"]["precision"]
    assert "rubric_auto_by_label" in of_precision
    assert "rubric_auto" not in of_precision


def test_the_page_needs_nothing_from_anywhere_and_escapes_what_it_quotes() -> None:
    found = small()[1]
    rows = [replace_title(row) for row in found.rows]
    page = page_of(changed(found, rows=rows, name=EVIL))
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert re.findall(r"""(?:src|href)\s*=\s*["'](?!#|data:)|@import|url\((?!#)""", page) == []
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))


def replace_title(row: Example) -> Example:
    return Example(replace(row.article, title=EVIL), row.corpus, row.outlet, row.date, row.key)


def changed(found: Findings, **fields: Any) -> Findings:
    return dataclasses.replace(found, **fields)


def test_the_list_to_go_through_is_a_table_that_no_spreadsheet_runs() -> None:
    found = small()[1]
    rows = [
        Example(replace(row.article, title="=cmd|' /C calc'!A0"), row.corpus, row.outlet, row.date, row.key)
        for row in found.rows
    ]
    table = list(csv.reader(io.StringIO(doubtful_labels(changed(found, rows=rows))), delimiter=";"))
    members = sum(len(one) for one in found.contradictions.of_two_minds)
    assert len(table) == 1 + len(found.suspects) + members
    assert {row[3] for row in table[1:]} <= {"'=cmd|' /C calc'!A0"}


@pytest.mark.slow
def test_tags_alone_are_learnt_where_all_have_one_rubric(tmp_path: Path) -> None:
    rows = [msgspec.to_builtins(article) | {"rubric": "Новости"} for article in labelled_articles()]
    model, found = adopted(written(tmp_path / "a.jsonl", rows))
    assert found.rubrics == [] and found.tags
    assert model.parts["rubric"]["labels"] == []
    assert "модель предлагает только теги" in text_of(page_of(found))


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ([{"title": f"Статья {i}", "rubric": "Новости"} for i in range(30)], "nothing to tell apart"),
        ([{"title": f"Статья {i}", "rubric": f"Рубрика {i % 2}"} for i in range(6)], "too few"),
        ([{"title": "Без меток"}], "no article can be used"),
    ],
)
def test_an_archive_that_teaches_nothing_is_refused(tmp_path: Path, rows: list[dict[str, Any]], why: str) -> None:
    with pytest.raises(EmptyTrainingSetError, match=why):
        adopted(written(tmp_path / "a.jsonl", rows))


@pytest.mark.parametrize(
    ("rows", "option", "outlet"),
    [
        ([{"source": "own.ru", "url": "https://a.ru/1"}], None, "own.ru"),
        ([{"url": "https://www.a.ru/1"}], None, "a.ru"),
        ([{}], None, "archive"),
        ([{"source": "own.ru"}], "Наш сайт", "Наш сайт"),
    ],
)
def test_every_article_names_the_outlet_that_the_cms_has_to_name(
    tmp_path: Path, rows: list[dict[str, Any]], option: str | None, outlet: str
) -> None:
    path = written(tmp_path / "archive.jsonl", [row | {"title": "Один", "rubric": "Мир"} for row in rows])
    _, examples = archive.read(path, option, 0.9, Rejects())
    assert {row.article.source for row in examples.rows} == {outlet}


def dated(dates: list[datetime.date | None]) -> Examples:
    sample = labelled_articles()
    rows = []
    for i, date in enumerate(dates):
        own = " ".join(f"слово{(i * 37 + k) % 997}ъ{i}" for k in range(8))
        article = replace(sample[i % len(sample)], id=str(i), title=own, text=own, lead=None, body_html=None)
        rows.append(Example(article, 0, "a", date, str(i)))
    return Examples(rows, [Corpus(path=Path("a.jsonl"))], {}, {})


def test_the_last_three_months_are_the_test_and_what_is_before_is_learnt() -> None:
    first = datetime.date(2024, 1, 1)
    dates = [first + datetime.timedelta(days=i // 2) for i in range(1000)]
    examples = dated([*dates])
    split, _ = archive.set_aside(examples)
    tested = [examples.rows[i].date for i in split.test]
    assert split.by == "time"
    assert min(d for d in tested if d) == dates[-1] - datetime.timedelta(days=90)
    assert max(d for d in (examples.rows[i].date for i in split.validation) if d) < min(d for d in tested if d)


def test_one_article_of_a_far_future_is_no_quarter() -> None:
    first = datetime.date(2024, 1, 1)
    dates: list[datetime.date | None] = [first + datetime.timedelta(days=i // 3) for i in range(1000)]
    split, _ = archive.set_aside(dated([*dates, datetime.date(2099, 1, 1)]))
    assert 0.2 < len(split.test) / 1001 < 0.3


def test_without_dates_a_random_quarter_is_tested() -> None:
    split, _ = archive.set_aside(dated([None] * 1000))
    assert split.by == "hash"
    assert 0.15 < len(split.test) / 1000 < 0.35


def test_a_small_archive_is_not_cut() -> None:
    split, _ = archive.set_aside(dated([None] * 100))
    assert len(split.train) == 100 and not len(split.test)


def large(path: Path, clear: str = "Спорт") -> Path:
    """1,000 articles of three rubrics: one told apart by its words, two that only the editors can tell apart."""
    random = np.random.default_rng(0)
    words = {clear: "матч гол тренер команда турнир", "Город": "улица двор дом лифт ремонт", "Власть": ""}
    words["Власть"] = words["Город"]
    others = ["сегодня", "новый", "большой", "время", "человек", "день", "вопрос", "место", "слово", "рука", "дело"]
    rows = []
    for i in range(1000):
        rubric = list(words)[i % 3]
        text = " ".join(random.permutation([*random.choice(words[rubric].split(), 9), *random.choice(others, 30)]))
        date = datetime.date(2024, 1, 1) + datetime.timedelta(days=i // 3)
        rows.append({"id": str(i), "source": "a.ru", "published_at": str(date), "title": text[:40], "text": text})
        rows[-1]["rubric"] = rubric
    return written(path, rows)


def test_the_tags_told_are_those_that_the_service_shows() -> None:
    tags = [TagAnswer(f"t{i}", f"Т{i}", 0.9 - i / 100, "auto" if i < 2 else "review", "model") for i in range(9)]
    found = tags_shown([tags[:5], tags[:1], tags[:2]], [{"t0", "t4", "t7"}, {"t1"}, set()])
    assert found == TagsShown(articles=2, shown=Part(6, 2), given=4, unseen=Part(5, 1))


@pytest.mark.slow
def test_an_archive_with_tags_is_told_of_at_most_five_an_article(tmp_path: Path) -> None:
    rows = [json.loads(line) for line in large(tmp_path / "large.jsonl").read_text("utf-8").splitlines()]
    words = ["матч", "гол", "тренер", "команда", "турнир", "улица", "двор", "дом", "лифт", "ремонт"]
    for row in rows:
        told = [word for word in words if word in row["text"].split()]
        row["tags"] = told + (["стадион", "медаль", "сборная"] if told[0] in words[:5] else ["округ", "район", "жильё"])
    model, found = adopted(written(tmp_path / "tagged.jsonl", rows))
    served = Annotator("new", model.parts)
    answers = served.annotate([replace(found.rows[i].article, rubric=None, tags=()) for i in found.tested.rows])
    assert found.of_tags and found.evaluation
    shown = sum(len(answer.tags or ()) for answer in answers)
    assert found.of_tags.shown.n == shown > 2 * len(answers)
    assert found.of_tags.shown.n < (found.evaluation.tags.shown_per_article or 0) * len(answers)
    assert f"служба показывает {shown / len(answers):.1f}".replace(".", ",") + ": не больше пяти" in text_of(
        page_of(found)
    )


@pytest.mark.slow
def test_only_what_the_evidence_carries_goes_out_unseen(tmp_path: Path) -> None:
    model, found = adopted(large(tmp_path / "large.jsonl"))
    assert [one.label for one in found.by_rubric if one.allowed] == ["Спорт"]
    assert found.may_publish and found.evaluation and found.split_by == "time"
    served = Annotator("new", model.parts)
    articles = [replace(found.rows[i].article, rubric=None) for i in found.tested.rows]
    rubrics = [msgspec.to_builtins(answer)["rubric"] or {} for answer in served.annotate(articles)]
    published = [rubric["label"] for rubric in rubrics if rubric.get("decision") == "auto"]
    assert set(published) == {"Спорт"}
    assert len(published) == found.unseen.n > 50
    assert found.unseen.share and found.unseen.share > 0.9
    surer, more = (msgspec.to_builtins(served.annotate(articles, Options(profile=one))) for one in PROFILES)
    counts = [sum((answer["rubric"] or {}).get("decision") == "auto" for answer in one) for one in (surer, more)]
    assert counts[0] <= counts[1] == len(published)
    elsewhere = served.annotate([replace(article, source="b.ru") for article in articles])
    assert "auto" not in str(msgspec.to_builtins(elsewhere))
    text = text_of(page_of(found))
    assert "можно публиковать не глядя" in text and "Без редактора: Спорт." in text


@pytest.mark.slow
def test_a_sensitive_rubric_stays_with_the_editor_however_well_it_is_told(tmp_path: Path) -> None:
    model, found = adopted(large(tmp_path / "large.jsonl", "Дети"))
    [children] = [one for one in found.by_rubric if one.label == "Дети"]
    assert children.answered.share and children.answered.share > 0.9
    assert not children.allowed and not found.unseen.n and not found.promised.n
    assert "деликатная тема: решает редактор" in text_of(page_of(found))
    assert "Дети" in model.manifest["labels"]["policy"]["review_only"]
    answers = msgspec.to_builtins(Annotator("new", model.parts).annotate([row.article for row in found.rows[:50]]))
    assert {answer["rubric"]["policy"] for answer in answers if (answer["rubric"] or {}).get("label") == "Дети"} == {
        "review_only"
    }


@pytest.mark.slow
def test_a_wordpress_site_is_adopted_from_the_command_line(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RUBRICATOR_")}
    environment["RUBRICATOR_HOME"] = str(tmp_path / "home")

    def command(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [RUBRICATOR, *words], check=False, env=environment, capture_output=True, text=True, timeout=300
        )

    posts = map(msgspec.structs.asdict, labelled_articles())
    skipped = item(900, {"title": "Черновик"}, status="draft") + item(901, {"title": "О нас"}, kind="page")
    (tmp_path / "site.xml").write_bytes(export(posts, skipped))
    done = command("adopt", str(tmp_path / "site.xml"), "--activate", "--json")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["activated"] and answer["rejects"] == 2
    page = text_of(Path(answer["page"]).read_text("utf-8"))
    assert "черновики — 1" in page and "страницы сайта — 1" in page
    assert Path(answer["page"]).with_suffix(".csv").read_bytes().startswith(b"\xef\xbb\xbf")
    (tmp_path / "one.jsonl").write_text('{"title": "Вратарь отбил буллит, и команда выиграла матч"}\n', "utf-8")
    annotation = json.loads(command("annotate", str(tmp_path / "one.jsonl")).stdout)
    assert annotation["model"]["version"] == answer["version"]
    assert annotation["rubric"]["label"] == "Спорт" and annotation["rubric"]["decision"] == "review"

    (tmp_path / "empty.csv").touch()
    refused = command("adopt", str(tmp_path / "empty.csv"))
    assert refused.returncode == 1
    assert "is empty: there is nothing to learn from" in refused.stderr
