"""What would fail after the work is found before it."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from service.inference.signature import KeyFileError
from tests.sample_model import SAMPLE
from training import commands, run
from training.beforehand import BeforehandError, check_file, check_folder, check_home, check_keys


def keys(folder: Path, name: str) -> tuple[Path, Path]:
    private = Ed25519PrivateKey.generate()
    secret, public = folder / f"{name}.pem", folder / f"{name}.pub"
    secret.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public.write_bytes(private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return secret, public


def test_a_model_needs_a_folder_of_its_own(tmp_path: Path) -> None:
    check_folder("--output", tmp_path / "new")
    (tmp_path / "empty").mkdir()
    check_folder("--output", tmp_path / "empty")
    (tmp_path / "file").write_text("x")
    for path, told in (
        (tmp_path, "is not empty"),
        (tmp_path / "file", "is a file"),
        (tmp_path / "nowhere" / "model", "there is no folder"),
        (tmp_path / "file" / "model", "there is no folder"),
    ):
        with pytest.raises(BeforehandError, match=f"--output .*{told}"):
            check_folder("--output", path)


def test_measures_need_a_file_that_can_be_written(tmp_path: Path) -> None:
    check_file("--json", tmp_path / "new.json")
    (tmp_path / "old.json").write_text("{}")
    check_file("--json", tmp_path / "old.json")
    for path, told in ((tmp_path, "is a folder"), (tmp_path / "nowhere" / "new.json", "there is no folder")):
        with pytest.raises(BeforehandError, match=f"--json .*{told}"):
            check_file("--json", path)


@pytest.mark.parametrize("check", [check_folder, check_file])
def test_a_folder_without_rights_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, check: Callable[[str, Path], None]
) -> None:
    monkeypatch.setattr("os.access", lambda *_: False)  # root, as whom images are tested, may write anywhere
    with pytest.raises(BeforehandError, match="may not be written"):
        check("--output", tmp_path / "new")


def test_a_home_is_made_and_a_file_in_its_place_is_told(tmp_path: Path) -> None:
    check_home(tmp_path / "a" / "home")
    assert (tmp_path / "a" / "home").is_dir()
    (tmp_path / "a" / "home" / "registry").write_text("x")
    with pytest.raises(BeforehandError, match="RUBRICATOR_HOME"):
        check_home(tmp_path / "a" / "home")


def test_a_model_that_is_to_answer_needs_a_trusted_signature(tmp_path: Path) -> None:
    secret, public = keys(tmp_path, "ours")
    _, foreign = keys(tmp_path, "theirs")
    check_keys(secret, [foreign, public], activate=True)
    check_keys(None, [], activate=True)
    check_keys(None, [public], activate=False)
    with pytest.raises(BeforehandError, match="set RUBRICATOR_SIGNING_KEY"):
        check_keys(None, [public], activate=True)
    with pytest.raises(BeforehandError, match="doesn't name"):
        check_keys(secret, [foreign], activate=True)
    with pytest.raises(KeyFileError, match="can't be read"):
        check_keys(tmp_path / "nowhere.pem", [], activate=False)


@pytest.mark.parametrize("wrong", ["key", "output", "json"])
def test_nothing_is_read_or_trained_before(
    wrong: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("the work has begun")

    monkeypatch.setattr(run, "train", never)
    monkeypatch.setattr("service.loading.open_model", never)
    for name in os.environ:
        if name.startswith("RUBRICATOR_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    nowhere = tmp_path / "nowhere" / "x"
    if wrong == "key":
        monkeypatch.setenv("RUBRICATOR_SIGNING_KEY", str(nowhere))
    calls: dict[str, Callable[[], None]] = {
        "key": lambda: commands.train(data=[SAMPLE]),
        "output": lambda: commands.train(data=[SAMPLE], output=nowhere),
        "json": lambda: commands.evaluate(data=[SAMPLE], json_file=nowhere),
    }
    with pytest.raises(SystemExit) as stopped:
        calls[wrong]()
    assert stopped.value.code == 1
    told = capsys.readouterr().err
    assert str(nowhere) in told
    assert told.count("\n") == 1
