"""Protocols: what they say of what was asked, the page and the JSON of it, and one of them on made-up articles."""

import gzip
import json
import random
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
import pytest

from service.inference.article import Decision, LabelledArticle
from tests.test_report import EVIL, Page
from training.evaluation import Word, WorstError
from training.label_map import Label, Truth
from training.progress import Progress
from training.protocols import __main__ as protocols
from training.protocols import across_outlets, every, few_labels, outlet_over_time
from training.protocols.few_labels import Measured
from training.protocols.outlet_over_time import AIMS, Origin
from training.protocols.peers import LINEAR_SVC, LOGISTIC_REGRESSION
from training.protocols.peers.peer import Answers
from training.protocols.section import Asked, Plot, Section, Table
from training.protocols.side_by_side import Ours
from training.quality_page import render
from training.score_heads import Answer, Row

SVG = '<svg class="chart" viewBox="0 0 300 100"><g id="a"/><use xlink:href="#a"/></svg>'
FOUND = (
    Section(
        "one",
        "Один",
        f"about {EVIL}",
        1234,
        (
            Asked("kept figure", 0.5, least=0.4, interval=(0.45, 0.55)),
            Asked("short figure", 0.3, most=0.2, note=f"because {EVIL}"),
            Asked("figure without a corpus", None, least=0.1),
        ),
        (Table("Systems", ("System", "Accuracy", "Share"), (("rubricator", -0.25, 0.5), ("peer", None, 7))),),
        (Plot("drawn", SVG), Plot("not drawn", "")),
        (WorstError("1", "дом", "2023-01-01", EVIL, f"Мост {EVIL}", "Спорт", "Город", 0.9, (Word("мост", 1.0),)),),
    ),
    Section("two", "Два", "", 10, (), (), (Plot("drawn", SVG),)),
)


def test_the_page_says_first_what_was_asked_and_what_of_it_is_short() -> None:
    html = render(FOUND, about={"corpora": "two"})
    page = Page(html)
    assert "1 of 3 figures asked for are kept, 2 fall short." in page.text
    first = page.text.index("short figure")
    assert first < page.text.index("Systems")
    assert "≤ 0.200" in page.text
    assert "not measured" in page.text
    assert "−0.250" in page.text
    assert "50.0%" in page.text
    assert page.text.count("not drawn") == 0


def test_drawings_of_all_sections_keep_their_parts_apart() -> None:
    html = render(FOUND, about={})
    page = Page(html)
    assert len(page.ids) == len(set(page.ids))
    assert '<g id="p1-1-a"/><use xlink:href="#p1-1-a"/>' in html
    assert '<g id="p2-1-a"/>' in html


def test_the_page_trusts_no_text_and_needs_nothing_from_anywhere() -> None:
    html = render(FOUND, about={EVIL: EVIL})
    assert "<script" not in html
    assert "http" not in html


def test_a_page_of_kept_figures_says_so() -> None:
    kept = msgspec.structs.replace(FOUND[0], asked=FOUND[0].asked[:1])
    assert "All that was asked is kept." in Page(render([kept], about={})).text


def test_the_runner_writes_page_and_json_and_tells_what_is_short(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    asked_for: list[str] = []

    def sections_of(name: str, folder: Path) -> Sequence[Section]:
        asked_for.append(name)
        return FOUND[:1]

    monkeypatch.setattr(every, "sections_of", sections_of)
    page, data = tmp_path / "page.html", tmp_path / "data.json"
    line = ["protocols", "--data", ".", "--only", "regions", "few_labels", "--html", str(page), "--json", str(data)]
    monkeypatch.setattr("sys.argv", line)
    protocols.main()
    assert asked_for == ["regions", "few_labels"]
    out = capsys.readouterr().out
    assert out.count("missed: Один: short figure: 0.3000, at most 0.200 was asked") == 2
    assert out.count("missed: Один: figure without a corpus: not measured") == 2
    assert "missed: Один: kept" not in out
    assert "short figure" in page.read_text("utf-8")
    one, _ = json.loads(data.read_bytes())
    assert [asked["kept"] for asked in one["asked"]] == [True, False, False]
    assert one["tables"][0]["rows"][0] == ["rubricator", -0.25, 0.5]
    assert "plots" not in one


@pytest.mark.parametrize("jobs", ["0", "-1", "many"])
def test_no_jobs_at_a_time_is_wrong_usage(
    jobs: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(every, "sections_of", lambda *_: FOUND[:1])
    monkeypatch.setattr("sys.argv", ["protocols", "--data", ".", "--only", "regions", "--jobs", jobs])
    with pytest.raises(SystemExit) as end:
        protocols.main()
    assert end.value.code == 2
    assert f"argument --jobs: '{jobs}' is no whole number from 1 on" in capsys.readouterr().err


def test_every_protocol_of_the_list_can_be_run() -> None:
    for name in every.PROTOCOLS:
        assert callable(every.run_of(name))


def rows(right: int, of: int, score: float, auto: int, auto_right: int) -> Ours:
    """Articles of two rubrics; the first `auto` were published, `auto_right` of these rightly."""
    found = []
    for i in range(of):
        truth = Label("ab"[i % 2], "аб"[i % 2])
        is_right = i < auto_right if i < auto else i - auto < right - auto_right
        given = truth if is_right else Label("c", "в")
        decision: Decision = "auto" if i < auto else "review"
        answer = Answer((given,), score, decision, (), {}, frozenset())
        found.append(Row(LabelledArticle(id=str(i)), Truth(truth, {}, frozenset(), ()), answer))
    return Ours(found, [])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("ours", "short"),
    [
        (rows(900, 1000, 0.9, 400, 385), []),
        (rows(900, 1000, 0.7, 400, 385), ["calibration error above its floor"]),
        (rows(805, 1000, 0.805, 400, 385), ["accuracy over the best peer", "macro-F1 over the best peer"]),
        (rows(900, 1000, 0.9, 400, 360), ["published unseen, aimed at 95%: right"]),
        (
            rows(900, 1000, 0.9, 10, 10),
            ["published unseen, aimed at 95%: covered", "published unseen, aimed at 90%: covered"],
        ),
    ],
)
def test_one_outlet_over_time_says_what_falls_short(ours: Ours, short: list[str]) -> None:
    truth = [row.truth.rubric.label for row in ours.rows if row.truth.rubric]
    peer = Answers(truth[:800] + ["в"] * 200, np.full(1000, 0.8))
    origin = Origin("2023-01-01/2023-04-01", dict.fromkeys(AIMS, ours), {"peer": peer})
    found = outlet_over_time.section([origin], {"peer": {"epoch": 5}})
    assert [one.what for one in found.asked if not one.kept] == short
    assert "peer epoch 5" in found.about


def test_a_model_that_publishes_nothing_has_no_precision_to_keep() -> None:
    ours = rows(900, 1000, 0.9, 0, 0)
    peer = Answers(["в"] * 1000, np.full(1000, 0.8))
    origin = Origin("2023-01-01/2023-04-01", dict.fromkeys(AIMS, ours), {"peer": peer})
    right = [one for one in outlet_over_time.section([origin], {}).asked if one.what.endswith("right")]
    assert [(one.got, one.kept) for one in right] == [(None, False)] * 2


def test_few_labels_are_judged_on_both_years_and_on_the_outlet_that_gains_least() -> None:
    def measured(outlet: str, count: int, gain: float) -> Measured:
        base = np.full(20, 0.6)
        return Measured(outlet, 2000, count, base, base + gain, base, 20)

    fine = [measured(few_labels.JUDGED, count, 0.2) for count in (50, 100)]
    assert all(one.kept for one in few_labels.section(fine).asked)
    found = few_labels.section([*fine, measured("ria_2020", 10, -0.01)])
    assert [one.kept for one in found.asked] == [True, True, False]
    assert "ria_2020, 10 labels" in found.asked[-1].note
    assert [one.got for one in few_labels.section([]).asked] == [None] * 3


def write(path: Path, articles: Sequence[dict[str, str]]) -> None:
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(article) + "\n" for article in articles)


WORDS = {
    "Спорт": ("матч", "гол", "тренер", "команда"),
    "Экономика": ("банк", "рубль", "цена", "рынок"),
    "Культура": ("театр", "фильм", "актёр", "сцена"),
}


def made_up(rubrics: Sequence[str], count: int, seed: int, days: Sequence[str]) -> list[dict[str, str]]:
    """Articles whose words tell their rubric."""
    draw = random.Random(seed)
    found = []
    for i in range(count):
        rubric = rubrics[i % len(rubrics)]
        its = WORDS[
            {"sport": "Спорт", "business": "Экономика", "economy": "Экономика", "culture": "Культура"}.get(
                rubric, rubric
            )
        ]
        text = " ".join(draw.choice(its) if draw.random() < 0.5 else f"слово{draw.randrange(900)}" for _ in range(60))
        day = days[i % len(days)]
        found.append(
            {
                "id": f"{seed}-{i}",
                "title": text[:30],
                "text": text,
                "rubric": rubric,
                "published_at": day,
                "source": "дом",
            }
        )
    return found


@pytest.mark.slow
def test_one_outlet_over_time_runs_on_made_up_articles(tmp_path: Path) -> None:
    days = [f"2023-{month:02}-{day:02}" for month in range(1, 11) for day in range(1, 28)]
    write(tmp_path / outlet_over_time.CORPUS, made_up(tuple(WORDS), 3000, 0, days))
    [found] = outlet_over_time.run(
        tmp_path, Progress(quiet=True), outlet_over_time.ORIGINS[-2:], (LOGISTIC_REGRESSION, LINEAR_SVC)
    )
    assert found.n > 800
    assert [row[0] for row in found.tables[0].rows] == ["rubricator", LOGISTIC_REGRESSION.name, LINEAR_SVC.name]
    accuracy = found.tables[0].rows[0][1]
    assert isinstance(accuracy, float)
    assert accuracy > 0.95
    published = [one.got for one in found.asked if one.what.startswith("published unseen")]
    assert all(got is not None and got > 0.3 for got in published)  # the outlet's name was given, so it may say `auto`
    assert render([found], about={}).count("<svg") >= 3


@pytest.mark.slow
def test_across_outlets_leaves_out_places_and_learns_from_no_test_outlet(tmp_path: Path) -> None:
    days = ["2023-01-01"]
    write(
        tmp_path / "fontanka.jsonl.gz", [{**one, "text": one["text"] * 2} for one in made_up(("Спорт",), 200, 1, days)]
    )
    write(tmp_path / "rt.jsonl.gz", made_up(("sport", "business"), 200, 2, days))
    write(tmp_path / "lenta_headlines.jsonl.gz", made_up(tuple(WORDS), 300, 3, days))
    for empty in ("nplus1", "ng"):
        write(tmp_path / f"{empty}.jsonl.gz", [])
    for unused in ("lenta_tags", "ria_2023"):
        write(tmp_path / f"{unused}.jsonl.gz", made_up(("economy", "culture"), 60, 4, days))
    write(tmp_path / "lenta_1999_2018.jsonl.gz", made_up(tuple(WORDS), 60, 5, days))
    write(
        tmp_path / "ria_2020.jsonl.gz",
        [*made_up(tuple(WORDS), 90, 6, days), {"title": "Т", "text": "т", "rubric": "В мире"}],
    )
    assert {corpus.name for corpus in across_outlets.recipe(tmp_path).corpus} == set(across_outlets.LEARNT)
    [found] = across_outlets.run(tmp_path, Progress(quiet=True), (LOGISTIC_REGRESSION,))
    assert found.n == 150
    assert "ria_2020: 1 rows, its rubric becomes none" in found.about
    assert "ria_2023: none" in found.about
    assert [one.what.rsplit(", ", 1)[1] for one in found.asked] == ["both years", "ria_2020", "ria_2023"]
    assert all(one.got is not None for one in found.asked)
