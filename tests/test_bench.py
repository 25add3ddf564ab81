"""The benchmark's own arithmetic, and its client against servers whose behaviour is known."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path

import msgspec
import numpy as np
import pytest

from service.inference.article import Article
from tests.bench import every, lanes, swaps
from tests.bench import memory as memory_part
from tests.bench.growth import Curve
from tests.bench.load import Got, Plan, load, posts
from tests.bench.material import Material, Row
from tests.bench.right import right
from tests.bench.scikit_learn import Places
from tests.bench.server import home_with, rubricator
from tests.bench.systems import ratio
from tests.sample_model import labelled_articles, trained
from training.progress import Progress

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
REQUESTS = posts("/annotate", [Article(id=str(i), text="Госдума приняла закон") for i in range(3)])


def answer(status: str, *headers: str, body: bytes = b"{}") -> bytes:
    lines = [f"HTTP/1.1 {status}", f"content-length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def answering(answers: Iterator[bytes], seen: list[bytes], pieces: int = 1) -> Handler:
    """A server that answers each request with the next of these, in so many pieces."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError):  # the client has gone
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
                seen.append(await reader.readexactly(length))
                content = next(answers)
                step = -(-len(content) // pieces)
                for start in range(0, len(content), step):
                    writer.write(content[start : start + step])
                    await asyncio.sleep(0.001 if pieces > 1 else 0)
        writer.close()
        await writer.wait_closed()

    return handle


def got_from(handle: Handler, plan: Plan) -> Got:
    async def session() -> Got:
        async with await asyncio.start_server(handle, "127.0.0.1", 0) as server:
            got = await asyncio.wait_for(load(server.sockets[0].getsockname()[1], REQUESTS, plan), 10)
            await asyncio.sleep(0.01)  # until the server has seen that its clients are gone
            return got

    return asyncio.run(session())


def forever(content: bytes) -> Iterator[bytes]:
    return (content for _ in count())


async def hanging_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()
    await writer.wait_closed()


def test_the_client_sends_as_many_requests_as_planned_and_all_of_them_in_turn() -> None:
    seen: list[bytes] = []
    got = got_from(answering(forever(answer("200 OK", "x-model-version: v1")), seen), Plan(2, 7))
    assert got.count(200) == len(got.status) == 7
    assert {json.loads(body)["id"] for body in seen} == {"0", "1", "2"}
    assert set(got.version) == {b"v1"}
    assert got.failed == 0
    assert 0 < got.seconds < 5


def test_an_answer_that_comes_in_pieces_is_one_answer() -> None:
    got = got_from(answering(forever(answer("200 OK", body=b"x" * 5_000)), [], pieces=7), Plan(1, 3))
    assert got.count(200) == 3


def test_an_answer_in_chunks_ends_with_the_empty_chunk() -> None:
    chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\n0\r\n\r\n\r\n2\r\nab\r\n0\r\n\r\n"
    assert got_from(answering(forever(chunked), []), Plan(1, 3)).count(200) == 3


def test_a_refused_client_comes_again_when_it_was_told_to() -> None:
    answers = iter([answer("503 Service Unavailable", "retry-after: 0.05"), answer("200 OK")])
    got = got_from(answering(answers, []), Plan(1, 2))
    assert got.status == [503, 200]
    assert got.retry_after == [True, False]
    assert got.sent[1] - got.sent[0] >= 0.05
    assert got.failed == 0


def test_an_error_and_a_lost_connection_have_failed() -> None:
    assert got_from(answering(iter([answer("500 Oops"), answer("200 OK")]), []), Plan(1, 2)).failed == 1
    assert got_from(hanging_up, Plan(1, 1)).status == [0]


def test_a_plan_of_seconds_ends() -> None:
    got = got_from(answering(forever(answer("200 OK")), []), Plan(2, seconds=0.1, pause=0.01))
    assert 2 <= got.count(200) <= 40


def test_a_ratio_is_the_median_over_the_articles() -> None:
    assert ratio(np.array([2.0, 4.0, 90.0]), np.array([1.0, 1.0, 1.0])) == 4.0


def test_an_old_version_counts_from_the_answer_to_the_activation_until_the_next_one_begins() -> None:
    got = Got(sent=[0.9, 1.1, 1.4, 1.6, 2.05], version=[b"a", b"a", b"a", b"b", b"b"])
    # (version, seconds that the activation took, when it was answered)
    assert swaps.lag(got, [("b", 0.5, 1.0), ("a", 0.5, 2.5)]) == pytest.approx(0.4)
    assert swaps.lag(got, [("b", 0.5, 1.5)]) == 0.0


def test_memory_that_settles_has_not_grown() -> None:
    settled = [80.0, 95.0, *[100.0] * 20]
    assert memory_part.grown(settled) == 0.0
    assert memory_part.grown([100.0 + i for i in range(22)]) > 0.1


def test_a_slope_of_one_is_in_proportion() -> None:
    curve = Curve("words", (10, 100, 1_000), (5.0, 50.0, 500.0))
    assert curve.slope == pytest.approx(1.0)
    assert curve.last_slope == pytest.approx(1.0)


def test_an_article_counts_for_what_its_outlet_labels() -> None:
    rows = [
        Row("test", "", "", "Спорт", None),
        Row("test", "", "", "Мир", None),
        Row("test", "", "", None, ("a", "b")),
    ]
    found = right(rows, ["Спорт", "Спорт", "Спорт"], [{"z"}, set(), {"a"}])
    assert found.accuracy == 0.5
    assert found.micro_f1 == pytest.approx(2 / 3)


def test_the_longest_name_is_meant() -> None:
    places = Places(lambda text: text.lower().split())
    places.names |= {("нижний",): "?", ("нижний", "тагил"): "Нижний Тагил"}
    [found] = [one for one in places(["вчера", "нижний", "тагил"]) if one[0] == 1]
    assert found == (1, 3, "Нижний Тагил")


def test_every_part_of_the_list_can_be_run() -> None:
    folder = Path(every.__file__).parent
    assert all((folder / f"{name}.py").is_file() for name in every.PARTS)


@pytest.fixture
def material(tmp_path: Path) -> Material:
    """The sample corpus and its model in place of real articles."""
    rows = [
        Row("test", one.title or "", one.text or "", one.rubric, None, one.tags, one.regions)
        for one in labelled_articles()
    ]
    (tmp_path / "rows.jsonl").write_bytes(b"\n".join(map(msgspec.json.encode, rows)))
    trained().write(tmp_path / "model", compress=False, with_report=False)
    return Material(tmp_path, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["retag", "cluster"])
def test_archives_are_retagged_and_every_figure_has_a_number(material: Material, name: str) -> None:
    [section] = every.sections_of(name, material, "smoke", Progress(quiet=True))
    found = {one.what: one.got for one in section.asked}
    assert all(got is None or got > -1 for got in found.values())
    assert found.get("the resumed result is that of an undisturbed run", 1) == 1
    rates = [row[1] for table in section.tables for row in table.rows]
    assert rates and all(isinstance(rate, float) and rate > 0 for rate in rates)


@pytest.mark.slow
def test_a_job_runs_beside_the_calls_as_long_as_they_take(material: Material) -> None:
    lines = b"\n".join(msgspec.json.encode(one) for one in labelled_articles())
    with home_with(material.model) as (home, _), rubricator(home) as server:
        with lanes.job_beside(server.port, lines, seconds=2.0) as meanwhile:
            time.sleep(1.0)
        assert len(meanwhile) == 1  # else the job has ended too early, which is told
