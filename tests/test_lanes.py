"""Who is answered when, and who is turned away."""

import asyncio
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import httpx
import pytest

from service.annotate import Answer, Door, Model, OneModel, Options, Refused
from service.api import lanes
from service.api.admission import lane_of
from service.api.lanes import Alike, Lanes
from service.app import create_app
from service.settings import Settings
from tests.fake_service import FakeModel, fake_registry
from tests.serving import listening

SLICE = lanes.SLICE["bulk"]
MODEL = FakeModel("1")
ALIKE = Alike(MODEL, Options(), False)


@dataclass
class Noted(Door):
    """Remembers which records came in which call; answers each with itself."""

    calls: list[list[bytes]] = field(default_factory=list)
    heads: list[frozenset[str]] = field(default_factory=list)

    def answer(
        self, model: Model, records: Sequence[bytes], options: Options, *, strict: bool = False, stamped: bool = False
    ) -> list[Answer]:
        self.calls.append(list(records))
        self.heads.append(options.heads)
        return [Refused(record.decode(), Exception()) for record in records]


@pytest.fixture
def door() -> Noted:
    return Noted()


def ids(answers: Sequence[Answer]) -> list[str | None]:
    return [answer.id for answer in answers]


def test_editors_are_answered_before_bulk_that_came_earlier(door: Noted) -> None:
    async def ask() -> None:
        lane = Lanes(door)
        bulk = asyncio.create_task(lane.answer("bulk", ALIKE, [b"b" * SLICE, b"c" * SLICE]))
        editor = asyncio.create_task(lane.answer("editors", ALIKE, [b"e"]))
        await asyncio.gather(bulk, editor)

    asyncio.run(ask())
    assert [call[0][:1] for call in door.calls] == [b"e", b"b", b"c"]


def test_calls_that_wait_together_are_answered_in_one(door: Noted) -> None:
    async def ask() -> list[list[Answer]]:
        lane = Lanes(door)
        return await asyncio.gather(*(lane.answer("editors", ALIKE, [b"%d" % i]) for i in range(5)))

    answers = asyncio.run(ask())
    assert [ids(each) for each in answers] == [["0"], ["1"], ["2"], ["3"], ["4"]]
    assert len(door.calls) == 1


def test_calls_that_ask_for_other_things_are_answered_apart(door: Noted) -> None:
    other = ALIKE._replace(options=Options(explain=True))

    async def ask() -> None:
        lane = Lanes(door)
        await asyncio.gather(*(lane.answer("editors", alike, [b"x"]) for alike in (ALIKE, other, ALIKE)))

    asyncio.run(ask())
    assert len(door.calls) == 3


@pytest.mark.parametrize("sizes", [[10] * 200, [SLICE // 2 + 1] * 5, [SLICE * 2, 10, 10], [70_000, 10, 70_000], []])
def test_a_batch_is_cut_into_slices_and_keeps_its_order(door: Noted, sizes: list[int]) -> None:
    records = [b"%d " % i + b"x" * size for i, size in enumerate(sizes)]
    answers = asyncio.run(Lanes(door).answer("bulk", ALIKE, records))
    assert ids(answers) == [record.decode() for record in records]
    assert all(len(call) == 1 or sum(map(len, call)) <= SLICE + len(call[-1]) for call in door.calls)


def test_what_waits_too_long_for_its_caller_is_answered_in_part(door: Noted) -> None:
    async def ask() -> tuple[list[Answer], list[Answer]]:
        lane = Lanes(Door(OneModel(MODEL)))
        body = '{"id":"1","title":"Мост открыли"}'.encode()
        bulk = [asyncio.create_task(lane.answer("bulk", ALIKE, [body + b" " * SLICE] * 3)) for _ in range(20)]
        late = asyncio.create_task(lane.answer("bulk", ALIKE, [body], timeout=0.0))
        in_time = asyncio.create_task(lane.answer("editors", ALIKE, [body], timeout=60.0))
        await asyncio.gather(*bulk)
        return await late, await in_time

    [late], [in_time] = asyncio.run(ask())
    assert not isinstance(late, Refused)
    assert not isinstance(in_time, Refused)
    assert (late.status, in_time.status) == ("partial", "ok")
    assert late.rubric
    assert not late.tags
    assert [warning.code for warning in late.warnings] == ["timed_out"]
    assert in_time.warnings == ()


@pytest.mark.parametrize(("waiting", "full"), [(lanes.FEW["editors"] - 1, False), (lanes.FEW["editors"], True)])
def test_a_few_calls_are_never_too_many_however_long_they_wait(door: Noted, waiting: int, full: bool) -> None:
    async def ask() -> bool:
        lane = Lanes(door)
        calls = [asyncio.ensure_future(lane.answer("editors", ALIKE, [b"x"])) for _ in range(waiting)]
        await asyncio.sleep(0)  # they are in the queue, none is answered yet
        time.sleep(lanes.PATIENCE["editors"] * 1.5)
        found = lane.is_full("editors")
        await asyncio.gather(*calls)
        return found

    assert asyncio.run(ask()) is full


def test_whoever_has_gone_is_not_answered(door: Noted) -> None:
    async def ask() -> None:
        lane = Lanes(door)
        gone = asyncio.create_task(lane.answer("editors", ALIKE, [b"gone"]))
        stays = asyncio.create_task(lane.answer("editors", ALIKE, [b"stays"]))
        await asyncio.sleep(0)
        gone.cancel()
        await stays

    asyncio.run(ask())
    assert [b"stays"] in door.calls
    assert all(b"gone" not in call for call in door.calls[1:])


def test_an_error_reaches_everybody_who_waited_for_it_and_nobody_else(door: Noted, monkeypatch: Any) -> None:
    async def ask() -> list[Any]:
        lane = Lanes(door)
        monkeypatch.setattr(door, "answer", lambda *_, **__: 1 / 0)
        failed = await asyncio.gather(
            *(lane.answer("editors", ALIKE, [b"x"]) for _ in range(2)), return_exceptions=True
        )
        monkeypatch.undo()
        return [*failed, *await lane.answer("editors", ALIKE, [b"y"])]

    first, second, third = asyncio.run(ask())
    assert isinstance(first, ZeroDivisionError)
    assert isinstance(second, ZeroDivisionError)
    assert third.id == "y"


@pytest.mark.parametrize(
    ("priority", "lane"),
    [
        ("", "editors"),
        ("u=3", "editors"),
        ("u=4", "bulk"),
        ("i, u=7", "bulk"),
        ("u=x", "editors"),
        ("u=0,i", "editors"),
    ],
)
def test_a_caller_says_how_urgent_a_call_is(priority: str, lane: str) -> None:
    assert lane_of(priority) == lane


@pytest.fixture
def slow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[httpx.Client]:
    """A service whose model takes 0.3 s a call, and which lets nobody queue behind another."""
    monkeypatch.setitem(lanes.PATIENCE, "editors", 0.0)
    monkeypatch.setitem(lanes.FEW, "editors", 1)
    registry, _ = fake_registry(tmp_path)
    app = create_app(Settings(home=tmp_path), registry, lambda directory: FakeModel(directory.name, slow=0.3))
    with listening(app) as (_, port), httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20) as client:
        yield client


def test_too_many_calls_are_turned_away_at_once_and_told_when_to_come_again(slow: httpx.Client) -> None:
    article = json.dumps({"id": "1", "title": "Мост открыли " + "а" * 8_000})
    connections = [HTTPConnection("127.0.0.1", slow.base_url.port or 0) for _ in range(8)]
    for connection in connections:  # all of them are there before it gets busy
        connection.request("GET", "/health/live")
        connection.getresponse().read()
    for number, connection in enumerate(connections):
        connection.request("POST", "/annotate", article, {"Accept-Language": "ru", "Content-Type": "application/json"})
        time.sleep(0.1 * (number == 0))  # the others come while the first is answered
    answers = [connection.getresponse() for connection in connections]
    refused = [answer for answer in answers if answer.status == 503]
    assert {answer.status for answer in answers} == {200, 503}
    problem = json.loads(refused[0].read())
    assert refused[0].headers["Retry-After"] == "1"
    assert refused[0].headers["Content-Type"] == "application/problem+json"
    assert (problem["type"], problem["title"]) == ("urn:rubricator:problem:busy", "Сервис занят")
    assert "секунд" in problem["detail"]
    for connection in connections:
        connection.close()
    metrics = slow.get("/metrics").text
    assert f'rubricator_requests_total{{method="POST",route="/annotate",status="503"}} {len(refused)}.0' in metrics


def test_one_long_call_keeps_nobody_out(slow: httpx.Client) -> None:
    for _ in range(3):
        assert slow.post("/annotate", json={"title": "Мост открыли"}).status_code == 200
