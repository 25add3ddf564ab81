"""Bulk retagging: what becomes of the labels of an archive, and what must not."""

import json
from functools import partial
from typing import Any

import msgspec
import pytest

from service.annotate import Door, OneModel
from service.correction import Suggester
from service.importing import import_lines
from service.jobs.plan import Scope, WrongUsageError
from service.loading import open_keeping, open_model
from service.store.terms import put
from service.vocabulary import Entry
from tests.retagging import Newsroom, archive, held, newsroom, sure, sure_model  # noqa: F401 - fixtures
from tests.sure_model import SOURCE

MATCH = {
    "id": "m1",
    "title": "«Зенит» обыграл ЦСКА в Казани",
    "text": "Футболисты «Зенита» обыграли ЦСКА со счётом 2:1. Матч чемпионата России прошёл в Казани при зрителях.",
    "source": SOURCE,
}


def one(newsroom: Newsroom, record: dict[str, Any], **asked: Any) -> dict[str, Any]:
    newsroom.retag(newsroom.file("in.jsonl", [record]), **asked)
    [found] = newsroom.read()
    return found


def test_a_record_gets_what_was_decided_auto_and_the_annotation(newsroom: Newsroom) -> None:
    found = one(newsroom, MATCH)
    annotation = found["annotation"]
    decided = {head: [each["label"] for each in annotation[head] if each["decision"] == "auto"] for head in LISTS}
    assert found == {**MATCH, **decided, "annotation": annotation}
    assert "Казань" in found["regions"]
    assert annotation["id"] == "m1"
    assert not annotation.keys() & {"prediction_id", "took_ms", "rubric"}
    assert annotation["unseen"] == decided
    assert annotation["warnings"] == []


LISTS = ("regions", "tags")


def test_what_is_not_ours_keeps_its_bytes_and_its_place(newsroom: Newsroom) -> None:
    line = (
        '{"cms": {"n": 1.50e3, "t": [1,  2]}, "id":"m1","title":"\\u0417енит", "text": "Матч прошёл в Казани.",'
        f'"tags":null,"weight":12345678901234567890.1,"source":"{SOURCE}"' + "}"
    ).encode()
    newsroom.retag(newsroom.file("in.jsonl", [line]))
    written = (newsroom.folder / "out.jsonl").read_bytes()
    before, _, rest = written.partition(b',"tags":')
    assert (
        before
        == b'{"cms":{"n": 1.50e3, "t": [1,  2]},"id":"m1","title":"\\u0417\xd0\xb5\xd0\xbd\xd0\xb8\xd1\x82",'
        + ('"text":"Матч прошёл в Казани."'.encode())
    )
    assert b'"weight":12345678901234567890.1,' in rest
    assert json.loads(written)["annotation"]["warnings"][0]["pointer"] == "/cms"


def test_labels_that_people_set_stay_and_the_others_are_replaced(newsroom: Newsroom) -> None:
    current = {
        "regions": [{"id": "RU-77", "by": "editor"}, {"label": "Тверь", "by": "import"}],
        "tags": [{"label": "Наш тег", "by": "ivanova"}, {"label": "Старый тег", "by": "auto"}, {"label": "Ещё наш"}],
    }
    found = one(newsroom, {**MATCH, "current": current})
    assert {"Москва", "Казань"} <= set(found["regions"])
    assert "Тверь" not in found["regions"]
    assert found["tags"][:2] == ["Наш тег", "Ещё наш"]
    assert "Старый тег" not in found["tags"]
    assert found["current"] == current
    assert not {"Наш тег", "Москва"} & {
        *found["annotation"]["unseen"]["tags"],
        *found["annotation"]["unseen"]["regions"],
    }


def test_a_list_that_does_not_say_who_set_it_counts_as_an_editors(newsroom: Newsroom) -> None:
    record = {**MATCH, "tags": ["Наш тег"], "regions": ["тверь"]}
    found = one(newsroom, record)
    assert found["tags"][0] == "Наш тег"
    assert found["regions"][0] == "тверь"
    found = one(newsroom, record, labels_by="auto")
    assert "Наш тег" not in found["tags"]
    assert "тверь" not in found["regions"]


def test_what_an_earlier_retagging_wrote_is_known_from_what_people_added_since(
    newsroom: Newsroom,
    held: str,
) -> None:
    found = one(newsroom, {**MATCH, "tags": ["Наш тег"]})
    assert found["regions"]
    found["tags"].append("Добавлен потом")
    found = one(newsroom, found, model=held)
    assert (found["regions"], found["tags"]) == ([], ["Наш тег", "Добавлен потом"])


def test_a_list_that_does_not_change_is_not_written_anew(newsroom: Newsroom, held: str) -> None:
    record = {**MATCH, "tags": ["наш  ТЕГ", "другой"], "regions": ["москва"]}
    found = one(newsroom, record, model=held)
    assert (found["tags"], found["regions"]) == (record["tags"], record["regions"])


@pytest.mark.parametrize("accept", ["auto", "review"])
def test_a_label_with_a_policy_is_never_added(newsroom: Newsroom, held: str, accept: str) -> None:
    found = one(newsroom, MATCH, model=held, accept=accept, heads=("rubric", "regions", "tags"))
    assert (found["rubric"], found["regions"], found["tags"]) == (None, [], [])
    assert found["annotation"]["regions"]
    assert one(newsroom, {**MATCH, "regions": ["Казань"]}, model=held, accept=accept)["regions"] == ["Казань"]


def test_the_rubric_is_replaced_only_when_it_is_asked_for_and_never_an_editors(newsroom: Newsroom) -> None:
    old = {"current": {"rubric": {"label": "Политика", "by": "auto"}}}
    assert "rubric" not in one(newsroom, {**MATCH, **old})
    heads = ("rubric", "regions", "tags")
    assert one(newsroom, {**MATCH, **old}, heads=heads)["rubric"] == "Спорт"
    assert one(newsroom, {**MATCH, "rubric": "Политика"}, heads=heads)["rubric"] == "Политика"
    assert one(newsroom, {**MATCH, "rubric": "Политика"}, heads=heads, labels_by="auto")["rubric"] == "Спорт"


def test_a_model_that_is_not_calibrated_adds_nothing_and_takes_nothing_away(
    newsroom: Newsroom,
    tmp_path: Any,
) -> None:
    model = sure_model(tmp_path / "unsure", calibrated=199)
    record = {**MATCH, "current": {"tags": [{"label": "Старый тег", "by": "auto"}]}}
    assert one(newsroom, record, model=model)["tags"] == ["Старый тег"]
    found = one(newsroom, record, model=model, accept="review")
    assert "Казань" in found["regions"]
    assert "Старый тег" not in found["tags"]


def test_articles_of_an_outlet_that_the_model_does_not_know_are_counted(newsroom: Newsroom) -> None:
    records = [MATCH, {**MATCH, "source": "elsewhere"}, {**MATCH, "source": None}]
    job, outcome = newsroom.retag(newsroom.file("in.jsonl", records))
    assert [bool(each["regions"]) for each in newsroom.read()] == [True, False, False]
    assert outcome.totals.uncalibrated == 2
    assert "2\u00a0статьи — изданий" in job.report.read_text("utf-8")


def test_where_the_model_abstains_the_labels_stay(newsroom: Newsroom) -> None:
    current = {"tags": [{"label": "Старый тег", "by": "auto"}]}
    record = {"text": "The quick brown fox jumps over the lazy dog.", "source": SOURCE, "current": current}
    _, outcome = newsroom.retag(newsroom.file("in.jsonl", [record]))
    assert newsroom.read()[0]["tags"] == ["Старый тег"]
    assert (outcome.totals.changed, outcome.totals.abstained) == (0, 1)


def corrected(newsroom: Newsroom, final: dict[str, Any]) -> None:
    """By an editor who saw what the model answers."""
    door = Door(OneModel(open_model(newsroom.settings, newsroom.model)))
    suggester = Suggester(lambda article: door.annotate([article])[0], door.take().labels)
    line = json.dumps({"article": MATCH, "final": final, "seen": True}).encode()
    keeping = open_keeping(newsroom.settings)
    keeping.start()
    try:
        list(import_lines([(1, line)], keeping, suggester, lambda _, reason: pytest.fail(reason)))
    finally:
        keeping.close()


def test_corrections_hold_in_bulk(newsroom: Newsroom) -> None:
    assert "Казань" in one(newsroom, MATCH)["regions"]
    corrected(newsroom, {"regions": ["Тверь"]})
    found = one(newsroom, {**MATCH, "regions": ["Казань"]})
    assert found["regions"] == ["Тверь"]
    assert "regions" not in found["annotation"]["unseen"]


def test_a_list_that_an_editor_emptied_stays_empty(newsroom: Newsroom) -> None:
    corrected(newsroom, {"regions": []})
    assert one(newsroom, MATCH)["regions"] == []


def test_merged_and_retired_tags_are_followed_in_what_people_set(newsroom: Newsroom, held: str) -> None:
    tags = open_model(newsroom.settings, held).labels.all("tags")
    (merged, old), (target, new), (retired, gone) = list(tags.items())[:3]
    keeping = open_keeping(newsroom.settings)
    keeping.start()
    entries = [
        Entry(merged, status="merged", merged_into=target, into_label=new, known_as=old),
        Entry(retired, status="retired", known_as=gone),
    ]
    try:
        for entry in entries:
            keeping.writer.do(partial(put, id_=entry.id, entry=msgspec.json.encode(entry))).result(10)
    finally:
        keeping.close()
    for record in ({"tags": [old, gone, "Наш тег"]}, {"current": {"tags": [{"label": old}, {"id": retired}]}}):
        found = one(newsroom, {**MATCH, **record}, model=held)
        assert found["tags"] == [new, *(["Наш тег"] if "tags" in record else [])]
        assert found["annotation"]["tags"][0]["id"] == target


def test_only_what_is_in_scope_is_looked_at(newsroom: Newsroom) -> None:
    records = [
        {**MATCH, "id": "1", "published_at": "2023-09-30T23:00:00+03:00", "tags": ["А"]},
        {**MATCH, "id": "2", "published_at": "2023-10-01T00:00:00+03:00", "rubric": "Спорт", "tags": ["а", "Б"]},
        {**MATCH, "id": "3", "current": {"rubric": {"label": "спорт"}}},
    ]
    for scope, wanted in (
        (Scope(since="2023-10-01"), ["2"]),
        (Scope(until="2023-10"), ["1"]),
        (Scope(rubrics=("Спорт",)), ["2", "3"]),
        (Scope(tags=("А",)), ["1", "2"]),
        (Scope(tags=("А",), ids=("1", "3")), ["1"]),
    ):
        _, outcome = newsroom.retag(newsroom.file("in.jsonl", records), scope=scope)
        found = newsroom.read()
        assert [each["id"] for each in found if "annotation" in each] == wanted
        assert [each["id"] for each in found] == ["1", "2", "3"]
        assert outcome.totals.passed == 3 - len(wanted)


def test_only_changed_records_are_written_if_that_is_asked_for(newsroom: Newsroom) -> None:
    empty = {"id": "e", "text": "The quick brown fox jumps over the lazy dog.", "source": SOURCE}
    newsroom.retag(newsroom.file("in.jsonl", [empty, MATCH, empty]), only_changes=True)
    assert [each["id"] for each in newsroom.read()] == ["m1"]


def test_a_dry_run_says_what_would_change_and_writes_nothing(newsroom: Newsroom) -> None:
    job, outcome = newsroom.retag(newsroom.file("in.jsonl", [MATCH]), dry_run=True)
    assert outcome.status == "done"
    assert outcome.totals.added["regions"]["Казань"] == 1
    [example] = outcome.totals.examples
    assert (example.id, example.line, example.title) == ("m1", 1, MATCH["title"])
    assert not (newsroom.folder / "out.jsonl").exists()
    assert not list((job.folder / "parts").glob("*[0-9]"))


def test_more_changes_than_allowed_stop_it_before_the_output_is_touched(newsroom: Newsroom) -> None:
    source = newsroom.file("in.jsonl", archive())
    target = newsroom.file("out.jsonl", [b"earlier"])
    job, outcome = newsroom.retag(source, max_change=0.05)
    assert outcome.status == "held" == job.state.status
    assert target.read_bytes() == b"earlier\n"
    assert job.report.exists()
    # nothing is worked out again: the model is not even there any more
    plan = job.folder / "plan.json"
    plan.write_text(plan.read_text().replace(newsroom.model, "/nowhere"))
    again, outcome = newsroom.retag(source, resume=True, max_change=1.0)
    assert (again.id, outcome.status) == (job.id, "done")
    assert len(newsroom.read()) == 60


def test_bad_records_go_to_a_file_with_their_line_and_the_rest_goes_on(newsroom: Newsroom) -> None:
    records: list[Any] = archive(60)
    records[3:3] = [b"nonsense", b"", {"id": "t"}]
    records.append({**MATCH, "tags": "один"})
    records.append(b'{"id": "\xff", "text": "x"}')
    source = newsroom.file("in.jsonl", records)
    job, outcome = newsroom.retag(source)
    assert outcome.totals.rejected == 4
    rejects = [json.loads(line) for line in job.rejects.read_bytes().splitlines()]
    assert [(each["file"], each["line"]) for each in rejects] == [(str(source), line) for line in (4, 6, 64, 65)]
    assert rejects[0]["reason"].startswith("not JSON")
    assert rejects[2]["reason"].startswith("/tags")
    lines = source.read_bytes().splitlines()
    assert (job.folder / "rejected.jsonl").read_bytes().splitlines() == [lines[i] for i in (3, 5, 63, 64)]
    assert [each["id"] for each in newsroom.read()] == [each["id"] for each in archive(60)]


def test_in_place_bad_records_stay_where_they_are(newsroom: Newsroom) -> None:
    source = newsroom.file("in.jsonl", [MATCH, b"nonsense", MATCH])
    job, outcome = newsroom.retag(source, "in.jsonl")
    lines = source.read_bytes().splitlines()
    assert (lines[1], len(lines), outcome.totals.rejected) == (b"nonsense", 3, 1)
    assert json.loads(job.rejects.read_bytes())["line"] == 2


def test_a_wrong_input_or_output_is_refused_before_anything_is_done(newsroom: Newsroom) -> None:
    source = newsroom.file("archive/in.jsonl", [MATCH])
    with pytest.raises(WrongUsageError, match="Parquet becomes Parquet"):
        newsroom.retag(source, "out.parquet")
    with pytest.raises(WrongUsageError, match="lies in"):
        newsroom.retag("archive", "archive/new")
    with pytest.raises(WrongUsageError, match="nothing to read"):
        newsroom.retag(newsroom.file("texts/a.txt", []).parent, "out")
