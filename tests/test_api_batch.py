"""POST /annotate/batch: arrays and streams of lines; what is bad answers in its place."""

import asyncio
import json
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import suppress
from typing import Any, Self

import pytest

from service.api.lines import GROUP, Line, Splitter, groups
from tests.serving import Served, serving

LIMIT = 100_000
NDJSON = {"Content-Type": "application/x-ndjson"}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("home"), max_body=LIMIT, max_batch=50) as served:
        yield served


def article(number: int) -> dict[str, str]:
    return {"id": str(number), "title": f"Новость номер {number}"}


def lines_of(content: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in content.splitlines()]


def stream(served: Served, content: Any, **headers: str) -> list[dict[str, Any]]:
    response = served.client.post("/annotate/batch", content=content, headers=NDJSON | headers)
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/x-ndjson"
    return lines_of(response.content)


def test_an_array_is_answered_in_order(served: Served) -> None:
    response = served.client.post("/annotate/batch", json=[article(number) for number in range(50)])
    assert [answer["id"] for answer in response.json()] == [str(number) for number in range(50)]
    assert response.headers["x-model-version"] == "baseline"
    assert served.client.post("/annotate/batch", json=[]).json() == []


def test_a_bad_item_answers_in_its_place(served: Served) -> None:
    items = [
        b'{"id":"1","title":"x"}',
        b'{"id":"2"}',
        b"7",
        b'{"title":"\xff"}',
        b'{"id":"5","title":"!"}',
        b'{"title":"x"}',
        b'{"id":7,"title":"x"}',
    ]
    answers = served.client.post("/annotate/batch", content=b"[" + b",".join(items) + b"]").json()
    pointers = [[error["pointer"] for error in answer.get("problem", {}).get("errors", ())] for answer in answers]
    assert pointers == [[], ["/1"], ["/2"], ["/3"], ["/4"], [], ["/6/id"]]
    assert answers[1]["problem"]["errors"][0]["detail"] == answers[1]["problem"]["detail"]
    assert [answer["id"] for answer in answers] == ["1", "2", None, None, "5", None, None]
    assert [answer.get("problem", {}).get("status") for answer in answers] == [None, 400, 400, 400, 500, None, 400]


@pytest.mark.parametrize(
    ("body", "status", "told"),
    [
        (b"", 400, "the body is empty: send [{…}, {…}]"),
        (b'{"title":"a"}', 400, "a batch must be an array, not an object: send [{…}, {…}]"),
        (b"[{]", 400, "not JSON"),
        (b"[" * 50_000, 400, "nested too deeply"),
        (b"[" + b",".join([b"{}"] * 51) + b"]", 413, "more than 50 articles"),
        (b"[" + b" " * LIMIT + b"]", 413, "RUBRICATOR_MAX_BODY"),
    ],
)
def test_a_bad_array_is_refused_whole(served: Served, body: bytes, status: int, told: str) -> None:
    response = served.client.post("/annotate/batch", content=body)
    assert response.status_code == status
    assert told in response.json()["detail"]


def test_lines_are_answered_one_for_one_and_in_order(served: Served) -> None:
    sent = [json.dumps(article(number)) for number in range(1000)]
    answers = stream(served, "\n".join(sent).encode())
    assert [answer["id"] for answer in answers] == [str(number) for number in range(1000)]
    assert {answer["rubric"]["label"] for answer in answers} == {"Рубрика baseline"}


def test_a_broken_line_answers_in_its_place(served: Served) -> None:
    sent = [
        b'{"id":"1","title":"\xd0\xb0"}',
        b"",
        b"{",
        b'{"id":"3"}',
        b"  \r",
        b"\xff\xfe",
        b'{"id":"5","title":"x"}\r',
    ]
    answers = stream(served, b"\n".join(sent), **{"Accept-Language": "ru"})
    assert [answer["id"] for answer in answers] == ["1", None, "3", None, "5"]
    assert ["problem" in answer for answer in answers] == [False, True, True, True, False]
    assert [answer.get("line") for answer in answers] == [None, 3, 4, 6, None]
    assert "нужна хотя бы одна строка" in answers[2]["problem"]["detail"]


def test_a_line_over_the_limit_answers_413_in_its_place(served: Served) -> None:
    long = b'{"title":"' + b"x" * 300_000 + b'"}'
    answers = stream(served, b"\n".join([b'{"id":"1","title":"x"}', long, b'{"id":"2","title":"x"}', long]))
    assert [answer.get("problem", {}).get("status") for answer in answers] == [None, 413, None, 413]
    assert [answer.get("line") for answer in answers] == [None, 2, None, 4]
    assert answers[1]["problem"]["max_bytes"] == LIMIT


def test_a_body_of_any_length_is_streamed(served: Served) -> None:
    line = json.dumps(article(1) | {"text": "слово " * 100}).encode() + b"\n"
    count = 10 * LIMIT // len(line)

    def sent() -> Iterator[bytes]:
        for _ in range(count):
            yield line

    assert len(stream(served, sent())) == count


def test_no_lines_are_no_answers(served: Served) -> None:
    assert stream(served, b"") == []
    assert stream(served, b"\n \n\n") == []


class Conversation:
    """A client that reads while it sends, byte for byte."""

    def __init__(self, served: Served) -> None:
        self.connection = socket.create_connection(served.address, timeout=10)
        self.connection.sendall(
            b"POST /annotate/batch HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n"
        )
        self._received = self.connection.makefile("rb")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._received.close()
        self.connection.close()

    def send(self, content: bytes) -> None:
        self.connection.sendall(b"%x\r\n%s\r\n" % (len(content), content))

    def headers(self) -> list[bytes]:
        return list(iter(self._received.readline, b"\r\n"))

    def piece(self) -> bytes:
        size = int(self._received.readline(), 16)
        return self._received.read(size + 2)[:-2]


def test_a_line_is_answered_before_the_next_one_is_sent(served: Served) -> None:
    with Conversation(served) as talk:
        for number in range(5):
            talk.send(json.dumps(article(number)).encode() + b"\n")
            if number == 0:
                assert talk.headers()[0].startswith(b"HTTP/1.1 200")
            [answer] = lines_of(talk.piece())
            assert answer["id"] == str(number)
        talk.send(b"")
        assert talk.piece() == b""


def test_a_stream_keeps_its_model_through_a_swap(served: Served) -> None:
    with Conversation(served) as talk:
        talk.send(json.dumps(article(0)).encode() + b"\n")
        headers = talk.headers()
        assert b"x-model-version: baseline\r\n" in headers
        talk.piece()
        try:
            assert served.client.post(f"/models/{served.versions[0]}/activate").status_code == 200
            talk.send(json.dumps(article(1)).encode() + b"\n")
            [answer] = lines_of(talk.piece())
            assert answer["model"]["version"] == "baseline"
            assert answer["rubric"]["label"] == "Рубрика baseline"
        finally:
            assert served.client.post("/models/rollback").status_code == 200


@pytest.mark.slow
def test_a_client_that_reads_nothing_before_it_has_sent_everything_is_answered(served: Served) -> None:
    """As most HTTP libraries do it. More than the buffers between the two sides hold: some of it waits on disk."""
    line = json.dumps(article(1) | {"text": "слово " * 400}, ensure_ascii=False).encode() + b"\n"
    with Conversation(served) as talk:
        for _ in range(400):
            talk.send(line * 40)
        talk.send(b"")
        talk.headers()
        content = b"".join(iter(talk.piece, b""))
    assert content.count(b"\n") == 16_000


@pytest.mark.slow
def test_what_waits_for_a_client_is_bounded(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.api.spool.LARGEST", 1 << 20)
    line = json.dumps(article(0)).encode() + b"\n"
    sent = 0
    with Conversation(served) as talk:
        talk.connection.settimeout(1)
        with suppress(TimeoutError):
            while sent < 50_000_000:
                talk.send(line * 500)
                sent += 500 * len(line)
    assert sent < 50_000_000


def test_a_client_that_takes_nothing_is_left(
    served: Served, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("service.api.spool.LARGEST", 1 << 20)
    monkeypatch.setattr("service.api.streaming.PATIENCE", 0.2)
    line = json.dumps(article(0)).encode() + b"\n"
    with Conversation(served) as talk:
        talk.connection.settimeout(1)
        with suppress(TimeoutError, ConnectionError):
            for _ in range(1000):
                talk.send(line * 500)
    assert "took none of its answers" in caplog.text


def test_a_client_that_sends_slowly_is_not_left(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.api.streaming.PATIENCE", 0.05)
    with Conversation(served) as talk:
        for number in range(3):
            time.sleep(0.2)
            talk.send(json.dumps(article(number)).encode() + b"\n")
            if number == 0:
                talk.headers()
            assert lines_of(talk.piece())[0]["id"] == str(number)


def test_work_stops_when_the_client_has_gone(served: Served) -> None:
    line = json.dumps(article(0)).encode() + b"\n"
    with Conversation(served) as talk:
        talk.send(line * 10)
        talk.headers()
    deadline = time.monotonic() + 5
    while not (gone := _count(served, 'route="/annotate/batch",status="499"')) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert gone


def _count(served: Served, labels: str) -> float:
    text = served.client.get("/metrics").text
    return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if labels in line and "_total" in line)


@pytest.mark.slow
def test_a_flood_of_lines_leaves_room_for_others(served: Served) -> None:
    lines = b"\n".join(json.dumps(article(number)).encode() for number in range(20_000))
    flood = threading.Thread(target=stream, args=(served, lines))
    flood.start()
    waited = []
    while flood.is_alive():
        started = time.monotonic()
        assert served.client.post("/annotate", json=article(1)).status_code == 200
        waited.append(time.monotonic() - started)
    assert sorted(waited)[len(waited) // 2] < 0.5


@pytest.mark.parametrize(
    ("pieces", "lines"),
    [
        ([b"a\nb\n", b"c"], [(1, b"a"), (2, b"b"), (3, b"c")]),
        ([b"a", b"b", b"\n", b"\n\n", b"c\n"], [(1, b"ab"), (4, b"c")]),
        ([b"abcdef\nx"], [(1, None), (2, b"x")]),
        ([b"abc", b"def", b"ghi\nx\n"], [(1, None), (2, b"x")]),
        ([b"abcdef"], [(1, None)]),
        ([b"abcde\n"], [(1, b"abcde")]),
        ([b" \r\n\t\n"], []),
        ([], []),
    ],
)
def test_pieces_become_lines_wherever_they_are_cut(pieces: Sequence[bytes], lines: list[Line]) -> None:
    splitter = Splitter(5)
    found = [line for piece in pieces for line in splitter.feed(piece)]
    assert found + splitter.end() == lines


async def _groups(pieces: list[bytes]) -> list[list[Line]]:
    async def given() -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece

    return [group async for group in groups(given(), 5)]


def test_lines_go_in_groups_of_what_is_there() -> None:
    found = asyncio.run(_groups([b"a\n" * (GROUP + 1), b"b\n", b"c"]))
    assert [len(group) for group in found] == [GROUP, 1, 1, 1]
