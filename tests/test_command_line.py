"""The command line: what it prints, what it writes, how it ends."""

import gzip
import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from service.__main__ import main
from service.api.schemas import Limit
from service.inference import artifact
from tests.fake_service import FakeModel, fake_registry

BRIDGE = {"id": "1", "title": "В Вологде открыли мост"}
COMMAND = [sys.executable, "-m", "service"]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with a baseline and two versions, all of them fake; nothing of the caller's environment."""
    for name in os.environ:
        if name.startswith("RUBRICATOR_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("RUBRICATOR_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    fake_registry(tmp_path, ["first", "second"])
    monkeypatch.setattr("service.loading.BASELINE", tmp_path / "baseline")
    monkeypatch.setattr("service.loading.load", fake_load)
    return tmp_path


class Ended:
    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]


@pytest.fixture
def run(home: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: Any) -> Any:
    def run_here(*arguments: str) -> Ended:
        monkeypatch.setattr(sys, "argv", ["rubricator", *arguments])
        with pytest.raises(SystemExit) as end:
            main()
        out, err = capfdbinary.readouterr()
        return Ended(int(end.value.code or 0), out.decode(), err.decode())

    return run_here


def fake_load(directory: Path, *, version: str | None = None, **_: object) -> FakeModel:
    """Verified as ever; only the model is fake."""
    parts = artifact.read(directory)
    return FakeModel(version or parts.version)


def versions(home: Path) -> list[str]:
    return sorted(path.name for path in (home / "registry" / "versions").iterdir())


def write(path: Path, *lines: object) -> str:
    text = "\n".join(line if isinstance(line, str) else json.dumps(line, ensure_ascii=False) for line in lines)
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_each_line_is_answered_in_order(run: Any, home: Path) -> None:
    file = write(home / "in.jsonl", BRIDGE, "", {"id": "2"}, "  ", "not json", BRIDGE | {"id": "5", "body": "x"})
    ended = run("annotate", file)
    assert ended.code == 0
    first, second, third, fourth = ended.lines
    assert first["id"] == "1"
    assert first["rubric"]["label"] == "Рубрика baseline"
    assert not {"prediction_id", "took_ms"} & first.keys()
    assert (second["id"], second["line"], second["problem"]["status"]) == ("2", 3, 400)
    assert (third["id"], third["line"]) == (None, 5)
    assert "not JSON" in third["problem"]["detail"]
    assert fourth["warnings"] == [{"code": "unknown_field", "pointer": "/body", "did_you_mean": "text"}]
    assert "4 articles in" in ended.err
    assert "2 of them could not be read" in ended.err


def test_strict_ends_with_1_if_a_line_is_bad(run: Any, home: Path) -> None:
    assert run("annotate", write(home / "bad.jsonl", BRIDGE, "x"), "--strict").code == 1
    assert run("annotate", write(home / "good.jsonl", BRIDGE), "--strict").code == 0


@pytest.mark.parametrize("limit", [1, 1000])
def test_a_limit_holds_for_every_list_and_has_the_range_of_http(run: Any, home: Path, limit: int) -> None:
    file = write(home / "in.jsonl", BRIDGE)
    [answer] = run("annotate", file, "--limit", str(limit)).lines
    assert (len(answer["tags"]), len(answer["alternatives"])) == (limit, limit)
    assert msgspec.convert(limit, Limit) == limit
    over = 0 if limit == 1 else limit + 1
    assert run("annotate", file, "--limit", str(over)).code == 2
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(over, Limit)


def test_only_what_was_asked_for_is_answered(run: Any, home: Path) -> None:
    file = write(home / "in.jsonl", BRIDGE)
    [rubric], [tags] = (run("annotate", file, "--heads", heads).lines for heads in ("rubric", "tags,regions"))
    assert (rubric.keys() & {"rubric", "regions", "tags"}, tags.keys() & {"rubric", "regions", "tags"}) == (
        {"rubric"},
        {"regions", "tags"},
    )


def test_more_lines_than_one_group(run: Any, home: Path) -> None:
    file = write(home / "in.jsonl", *({"id": str(number), "title": "мост"} for number in range(1234)))
    assert [line["id"] for line in run("annotate", file).lines] == [str(number) for number in range(1234)]


def test_files_are_packed_by_their_names(run: Any, home: Path) -> None:
    (home / "in.jsonl.gz").write_bytes(gzip.compress(json.dumps(BRIDGE).encode()))
    ended = run("annotate", "in.jsonl.gz", "--output", "out.jsonl.gz")
    assert (ended.code, ended.out) == (0, "")
    assert json.loads(gzip.decompress((home / "out.jsonl.gz").read_bytes()))["id"] == "1"


def test_a_damaged_file_fails_and_leaves_no_output(run: Any, home: Path) -> None:
    (home / "in.jsonl.gz").write_bytes(gzip.compress(json.dumps(BRIDGE).encode() * 100)[:-9])
    ended = run("annotate", "in.jsonl.gz", "--output", "out.jsonl")
    assert ended.code == 1
    assert "in.jsonl.gz is damaged" in ended.err
    assert not (home / "out.jsonl").exists()


def test_a_model_is_named_by_version_path_or_baseline(run: Any, home: Path) -> None:
    file = write(home / "in.jsonl", BRIDGE)
    first, second = versions(home)
    run("models", "activate", first)
    for arguments, version in [
        ((), first),
        (("--model", second), second),
        (("--model", "baseline"), "baseline"),
        (("--model", str(home / "incoming" / "first")), artifact.version_of(home / "incoming" / "first")),
    ]:
        assert run("annotate", file, *arguments).lines[0]["model"]["version"] == version
    unknown = run("annotate", file, "--model", "20200101-00000000")
    assert unknown.code == 1
    assert "rubricator models list" in unknown.err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("annotate", "nowhere.jsonl"), "nowhere.jsonl is not a file"),
        (("annotate",), "Missing argument"),
        (("annotate", "-", "--explain", "all"), "'none', 'words'"),
        (("annotate", "-", "--heads", "rubrics,tags"), "there is no 'rubrics'"),
        (("anotate", "-"), "No such command"),
        (("serve", "--port", "70000"), "less than or equal to 65535"),
        (("models", "activate"), "Missing argument"),
    ],
)
def test_wrong_usage_ends_with_2(run: Any, arguments: tuple[str, ...], told: str) -> None:
    ended = run(*arguments)
    assert ended.code == 2
    assert told in ended.err
    assert "Traceback" not in ended.err


def test_a_misspelt_setting_ends_with_2(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUBRICATOR_MAX_BODDY", "1")
    ended = run("models", "list")
    assert ended.code == 2
    assert "did you mean RUBRICATOR_MAX_BODY?" in ended.err


def test_versions_are_listed_shown_activated_and_rolled_back(run: Any, home: Path) -> None:
    first, second = versions(home)
    listed = [line.split()[:2] for line in run("models", "list").out.splitlines()]
    assert [words[0] for words in listed] == ["version", "*", first, second]
    assert listed[1][1] == "baseline"
    assert run("models", "activate", first, "--reason", "better").out == f"{first} is active, before it was baseline\n"
    assert [line["active"] for line in run("models", "list", "--json").lines] == [False, True, False]
    assert run("models", "show").out.startswith("# ")
    assert run("models", "show", second, "--json").lines[0]["version"] == second
    [event] = run("models", "activate", second, "--json").lines
    assert (event["version"], event["previous"]) == (second, first)
    assert run("models", "rollback", "--reason", "worse", "--json").lines[0]["version"] == first
    assert run("models", "verify").out.startswith(first)
    (home / "registry" / "versions" / second / "card.md").write_text("another", encoding="utf-8")
    for command in ("verify", "activate"):
        ended = run("models", command, second)
        assert ended.code == 1
        assert "card.md" in ended.err
    assert "card.md" in run("models", "list").out


def test_a_host_that_is_no_name_is_told(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUBRICATOR_HOST", "a..b")
    ended = run("serve")
    assert ended.code == 1
    assert "can't listen on a..b:" in ended.err
    assert "choose another with --host" in ended.err


def test_closed_standard_input_ends_with_1(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    ended = run("annotate", "-")
    assert ended.code == 1
    assert "rubricator: standard input is closed" in ended.err


def test_help_names_what_other_packages_bring_without_importing_them(run: Any) -> None:
    ended = run("--help")
    assert ended.code == 0
    for command in ("serve", "annotate", "models", "train", "evaluate"):
        assert re.search(rf"^  {command} +\S", ended.out, re.MULTILINE)


def test_without_training_its_commands_end_with_2(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "training.commands", None)
    for arguments in (("train",), ("evaluate", "--help")):
        ended = run(*arguments)
        assert ended.code == 2
        assert "training is not installed here" in ended.err


def test_help_answers_at_once() -> None:
    """Within 0.4 s: what takes longer to import is not imported. A stopwatch would measure the other tests."""
    imported = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "service", "--help"], capture_output=True, text=True, check=True
    )
    for heavy in ("numpy", "litestar", "msgspec", "rich", "training", "uvicorn"):
        assert not re.search(rf"\| +{heavy}$", imported.stderr, re.MULTILINE), heavy


@pytest.fixture
def environment(home: Path) -> dict[str, str]:
    """For a process of its own, where nothing is fake: the baseline that comes with the service."""
    return {**os.environ, "RUBRICATOR_HOME": str(home / "real")}


@pytest.mark.slow
def test_a_reader_that_goes_away_is_no_traceback(environment: dict[str, str], home: Path) -> None:
    file = write(home / "in.jsonl", *[BRIDGE] * 20_000)
    with subprocess.Popen(
        [*COMMAND, "annotate", file], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        told = process.stderr.read().decode()
        assert process.wait(30) == 1
    assert "Traceback" not in told
    assert "BrokenPipe" not in told


@pytest.mark.slow
def test_interrupting_is_no_traceback(environment: dict[str, str]) -> None:
    with subprocess.Popen(
        [*COMMAND, "annotate", "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdin.write((json.dumps(BRIDGE) + "\n").encode() * 500)
        process.stdin.flush()
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        told = process.stderr.read().decode()
        assert process.wait(30) == 130
    assert "Traceback" not in told


@pytest.mark.slow
def test_a_terminal_gets_a_bar(environment: dict[str, str], home: Path) -> None:
    ours, theirs = pty.openpty()
    file = write(home / "in.jsonl", *[BRIDGE] * 600)
    try:
        subprocess.run(
            [*COMMAND, "annotate", file], stdout=subprocess.DEVNULL, stderr=theirs, env=environment, check=True
        )
        shown = os.read(ours, 100_000).decode()
    finally:
        os.close(ours)
        os.close(theirs)
    assert "600 articles" in shown
    assert "\x1b[" in shown


@pytest.fixture
def service(environment: dict[str, str]) -> Iterator[tuple[subprocess.Popen[str], str]]:
    with subprocess.Popen(
        [*COMMAND, "serve", "--port", "0"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        found = re.fullmatch(r"listening on (http://127\.0\.0\.1:\d+)\n", line)
        assert found, line
        yield process, found[1]
        process.kill()


@pytest.mark.slow
def test_the_service_says_when_it_is_ready_and_drains_when_told(service: tuple[subprocess.Popen[str], str]) -> None:
    process, url = service
    assert httpx.get(f"{url}/health/ready").json()["status"] == "ready"
    slow = httpx.Client(timeout=20)

    def pieces() -> Iterator[bytes]:
        yield b'{"title":'
        process.send_signal(signal.SIGTERM)
        time.sleep(1)
        yield '"мост"}'.encode()

    with slow:
        assert slow.post(f"{url}/annotate", content=pieces()).status_code == 200
    assert process.wait(20) == 0
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{url}/health/live")


@pytest.mark.slow
def test_ctrl_c_ends_the_service_cleanly(service: tuple[subprocess.Popen[str], str]) -> None:
    process, _ = service
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 0
    assert process.stderr is not None
    assert "Traceback" not in process.stderr.read()


@pytest.mark.slow
def test_a_port_that_is_taken_is_told(service: tuple[subprocess.Popen[str], str], environment: dict[str, str]) -> None:
    port = service[1].rsplit(":", 1)[1]
    ended = subprocess.run(
        [*COMMAND, "serve", "--port", port], capture_output=True, text=True, env=environment, check=False
    )
    assert ended.returncode == 1
    assert "choose another with --host and --port" in ended.stderr
    assert "Traceback" not in ended.stderr
