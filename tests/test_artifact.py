import errno
import json
import os
import pickle
import shutil
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import joblib
import msgspec
import numpy as np
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from service.inference import artifact
from service.inference.article import Article
from service.inference.artifact import (
    AlteredError,
    ArtifactError,
    MissingError,
    SelfTestError,
    TruncatedError,
    UnsignedError,
    WrongFormatError,
)
from service.inference.manifest import sha256
from service.inference.parts import PartError, pack, unpack
from tests.fakes import FakeAnnotator, write_fake_artifact

FILES = ("manifest.json", "card.md", "rubric.joblib", "names.joblib")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    write_fake_artifact(tmp_path / "model")
    return tmp_path / "model"


@pytest.fixture
def keys(tmp_path: Path) -> Callable[[str], tuple[Path, Path]]:
    def make(name: str) -> tuple[Path, Path]:
        key = Ed25519PrivateKey.generate()
        secret, public = tmp_path / f"{name}.pem", tmp_path / f"{name}.pub.pem"
        secret.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        public.write_bytes(
            key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        )
        return secret, public

    return make


def change_manifest(directory: Path, change: Callable[[dict[str, Any]], None]) -> None:
    manifest = json.loads((directory / "manifest.json").read_bytes())
    change(manifest)
    (directory / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")


def replace_listed(directory: Path, name: str, content: bytes) -> None:
    """What an attacker who can also write the manifest does."""
    (directory / name).write_bytes(content)
    entry = {"sha256": sha256(content), "size": len(content)}
    change_manifest(directory, lambda manifest: manifest["files"].__setitem__(name, entry))


def test_what_was_written_is_read(model: Path) -> None:
    parts = artifact.read(model)
    assert parts["rubric"]["label"] == "Спорт"
    assert parts["names"] == ["а", "б"]
    np.testing.assert_array_equal(parts["rubric"]["weights"], np.full((40, 30), 0.5, dtype=np.float32))
    assert parts.card == "# Спорт\n"
    assert parts.manifest.versions == {"code": "0.1.0"}
    assert artifact.inspect(model) == parts.manifest


def test_the_version_is_the_day_of_the_newest_row_and_a_hash(tmp_path: Path) -> None:
    version = write_fake_artifact(tmp_path / "a")
    assert version.startswith("20231031-")
    assert artifact.read(tmp_path / "a").version == artifact.version_of(tmp_path / "a") == version
    assert write_fake_artifact(tmp_path / "b", newest_row=None).startswith("undated-")
    assert write_fake_artifact(tmp_path / "c", "Культура") != version


@pytest.mark.parametrize("compress", [False, True])
def test_the_same_parts_give_the_same_bytes(tmp_path: Path, compress: bool) -> None:
    first = write_fake_artifact(tmp_path / "a", compress=compress)
    second = write_fake_artifact(tmp_path / "b", compress=compress)
    assert first == second
    for name in FILES:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_bytes_depend_neither_on_identity_nor_on_the_order_of_keys() -> None:
    shared, equal = (bytes([1, 2, 3]).hex() for _ in range(2))
    assert shared is not equal
    assert pack([shared, shared]) == pack([shared, equal])
    assert pack({"a": 1, "b": 2}) == pack({"b": 2, "a": 1})


def test_a_mapped_array_gives_the_same_bytes_as_one_in_memory(tmp_path: Path) -> None:
    array = np.arange(6.0).reshape(2, 3)
    np.save(tmp_path / "a.npy", array)
    assert pack(np.load(tmp_path / "a.npy", mmap_mode="r")) == pack(array)


plain_data = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.dictionaries(st.integers(), inner),
    max_leaves=20,
)


@given(plain_data)
def test_any_plain_data_comes_back(data: object) -> None:
    assert unpack(pack(data)) == data


@pytest.mark.parametrize(
    "array",
    [
        np.arange(12, dtype="f2").reshape(3, 4),
        np.asfortranarray(np.arange(12, dtype="i8").reshape(3, 4)),
        np.arange(24, dtype=">u4").reshape(2, 3, 4)[:, ::2],
        np.zeros((0, 5)),
        np.array(3.0),
        np.array(["а", "яя"]),
        np.array([True, False]),
    ],
)
def test_any_array_comes_back_to_us_and_to_joblib(tmp_path: Path, array: np.ndarray[Any, Any]) -> None:
    packed = pack({"before": 1, "array": array, "after": ["z"]})
    (tmp_path / "part.joblib").write_bytes(packed)
    (tmp_path / "small.joblib").write_bytes(zlib.compress(packed))
    ours: Any = unpack(packed)
    theirs = [joblib.load(tmp_path / name) for name in ("part.joblib", "small.joblib")]
    for loaded in (ours, *theirs):
        np.testing.assert_array_equal(loaded["array"], array)
        assert loaded["after"] == ["z"]
    assert ours["array"].dtype == array.dtype


def test_arrays_are_read_only_and_aligned(model: Path) -> None:
    weights = artifact.read(model)["rubric"]["weights"]
    assert not weights.flags.writeable
    assert weights.ctypes.data % 16 == 0


@pytest.mark.parametrize(
    "part", [(1, 2), {1, 2}, np.float64(0.5), object(), np.array([None]), {"a": 1, 2: 3}, np.array([{}]), Path()]
)
def test_only_arrays_and_plain_data_are_written(tmp_path: Path, part: object) -> None:
    with pytest.raises(TypeError, match="part"):
        artifact.write(tmp_path / "model", {"a": part}, {}, "")
    assert list(tmp_path.iterdir()) == []


def test_a_field_that_no_manifest_has_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(msgspec.ValidationError, match="treshold"):
        artifact.write(tmp_path / "model", {}, {"treshold": {}}, "")


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("name", FILES)
def test_a_file_cut_short_is_noticed(tmp_path: Path, name: str, compress: bool) -> None:
    write_fake_artifact(tmp_path / "model", compress=compress)
    path = tmp_path / "model" / name
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(AlteredError if name == "manifest.json" else TruncatedError, match=r"restore"):
        artifact.read(tmp_path / "model")


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("name", FILES[1:])
def test_one_flipped_bit_in_any_byte_is_noticed(tmp_path: Path, name: str, compress: bool) -> None:
    write_fake_artifact(tmp_path / "model", compress=compress)
    path = tmp_path / "model" / name
    content = path.read_bytes()
    for position in {0, 1, len(content) // 2, len(content) - 1}:
        flipped = bytearray(content)
        flipped[position] ^= 1
        path.write_bytes(flipped)
        with pytest.raises(AlteredError, match=name):
            artifact.read(tmp_path / "model")


def test_a_changed_manifest_is_another_version(model: Path) -> None:
    version = artifact.version_of(model)
    change_manifest(model, lambda manifest: manifest["thresholds"].__setitem__("rubric", 0.1))
    assert artifact.version_of(model) != version


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(model: Path, name: str) -> None:
    (model / name).unlink()
    for look in (artifact.read, artifact.inspect):
        with pytest.raises(MissingError, match=name):
            look(model)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b'{"format":"1"}', b"[" * 100_000, b'{"format":2}'])
def test_a_manifest_that_is_none_is_an_error(model: Path, content: bytes) -> None:
    (model / "manifest.json").write_bytes(content)
    with pytest.raises(AlteredError, match=r"manifest"):
        artifact.read(model)


def test_an_older_and_a_newer_format_have_their_own_advice(model: Path) -> None:
    change_manifest(model, lambda manifest: manifest.__setitem__("format", 1))
    with pytest.raises(WrongFormatError, match=r"older format 1, this service reads 2: retrain"):
        artifact.read(model)
    (model / "manifest.json").write_bytes(b'{"format":3,"files":"another shape"}')
    with pytest.raises(WrongFormatError, match=r"newer format 3, this service reads 2: update"):
        artifact.read(model)


@pytest.mark.parametrize("name", ["extra.joblib", "extra.pkl", "rubric.npy"])
def test_an_unlisted_pickle_is_refused_and_an_unlisted_note_is_not(model: Path, name: str) -> None:
    (model / "notes.txt").write_text("gut", encoding="utf-8")
    artifact.read(model)
    (model / name).write_bytes(b"")
    with pytest.raises(AlteredError, match=name):
        artifact.read(model)


@pytest.mark.parametrize("name", ["../secret.joblib", "/etc/passwd", "a/b.joblib", "..", ".hidden", "", "a\x00b"])
def test_a_manifest_may_not_point_out_of_its_directory(model: Path, name: str) -> None:
    change_manifest(model, lambda manifest: manifest["files"].__setitem__(name, {"sha256": "0", "size": 1}))
    with pytest.raises(AlteredError, match="lists"):
        artifact.read(model)


def test_a_symbolic_link_is_not_followed(model: Path, tmp_path: Path) -> None:
    (model / "rubric.joblib").rename(tmp_path / "elsewhere.joblib")
    (model / "rubric.joblib").symlink_to(tmp_path / "elsewhere.joblib")
    with pytest.raises(AlteredError, match=r"rubric\.joblib can't be opened"):
        artifact.read(model)


def test_a_pipe_in_place_of_a_file_does_not_hang(model: Path) -> None:
    (model / "card.md").unlink()
    os.mkfifo(model / "card.md")
    with pytest.raises(AlteredError, match="not a plain file"):
        artifact.read(model)


class Malice:
    """Unpickled anywhere it would leave a file."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return os.mkdir, (str(self.target),)


@pytest.mark.parametrize("protocol", [0, 2, 4, 5])
@pytest.mark.parametrize("dump", ["pickle", "joblib", "array of objects"])
def test_a_malicious_pickle_is_never_executed(model: Path, tmp_path: Path, protocol: int, dump: str) -> None:
    target = tmp_path / "executed"
    if dump == "pickle":
        content = pickle.dumps(Malice(target), protocol)
    else:
        value = Malice(target) if dump == "joblib" else np.array([Malice(target)], dtype=object)
        joblib.dump(value, tmp_path / "malice", protocol=protocol)
        content = (tmp_path / "malice").read_bytes()

    original = (model / "rubric.joblib").read_bytes()
    (model / "rubric.joblib").write_bytes(content)
    with pytest.raises(ArtifactError):
        artifact.read(model)
    (model / "rubric.joblib").write_bytes(original)
    # also when the checksum says that all is well
    replace_listed(model, "rubric.joblib", content)
    with pytest.raises(AlteredError, match=r"rubric\.joblib can't be read, though its checksum is right"):
        artifact.read(model)
    assert not target.exists()


@given(st.binary(max_size=200))
def test_rubbish_is_no_part(rubbish: bytes) -> None:
    with suppress(PartError):
        unpack(rubbish)


def test_a_signed_artifact_is_the_same_version(tmp_path: Path, keys: Callable[[str], tuple[Path, Path]]) -> None:
    secret, public = keys("ours")
    _, foreign = keys("foreign")
    signed = write_fake_artifact(tmp_path / "signed", signing_key=secret)
    assert signed == write_fake_artifact(tmp_path / "unsigned")
    artifact.read(tmp_path / "signed", trusted_keys=[foreign, public])
    artifact.read(tmp_path / "signed")


def test_with_trusted_keys_unsigned_or_wrongly_signed_is_refused(
    tmp_path: Path, keys: Callable[[str], tuple[Path, Path]]
) -> None:
    secret, public = keys("ours")
    _, foreign = keys("foreign")
    write_fake_artifact(tmp_path / "signed", signing_key=secret)
    write_fake_artifact(tmp_path / "unsigned")
    with pytest.raises(UnsignedError, match="not signed"):
        artifact.read(tmp_path / "unsigned", trusted_keys=[public])
    with pytest.raises(UnsignedError, match="not by a trusted key"):
        artifact.read(tmp_path / "signed", trusted_keys=[foreign])
    for signature in (b"", b"rubbish", b"\xff" * 64, b"00" * 64):
        (tmp_path / "signed" / "manifest.sig").write_bytes(signature)
        with pytest.raises(UnsignedError):
            artifact.read(tmp_path / "signed", trusted_keys=[public])


def test_a_signature_does_not_cover_a_changed_manifest(
    tmp_path: Path, keys: Callable[[str], tuple[Path, Path]]
) -> None:
    secret, public = keys("ours")
    write_fake_artifact(tmp_path / "signed", signing_key=secret)
    replace_listed(tmp_path / "signed", "card.md", b"# another card\n")
    artifact.read(tmp_path / "signed")
    with pytest.raises(UnsignedError):
        artifact.read(tmp_path / "signed", trusted_keys=[public])


def test_a_key_file_that_is_none_is_named(tmp_path: Path, keys: Callable[[str], tuple[Path, Path]]) -> None:
    secret, _ = keys("ours")
    (tmp_path / "rubbish.pem").write_text("no key", encoding="utf-8")
    with pytest.raises(ValueError, match=r"rubbish\.pem"):
        write_fake_artifact(tmp_path / "model", signing_key=tmp_path / "rubbish.pem")
    write_fake_artifact(tmp_path / "model", signing_key=secret)
    with pytest.raises(ValueError, match=r"rubbish\.pem"):
        artifact.read(tmp_path / "model", trusted_keys=[tmp_path / "rubbish.pem"])


def test_a_compressed_artifact_is_unpacked_once_into_the_cache(tmp_path: Path) -> None:
    write_fake_artifact(tmp_path / "model", compress=True)
    cache = tmp_path / "home" / "cache"
    first = artifact.read(tmp_path / "model", cache=cache)
    cached = {path: path.stat().st_mtime_ns for path in cache.iterdir()}
    assert len(cached) == 2
    second = artifact.read(tmp_path / "model", cache=cache)
    np.testing.assert_array_equal(first["rubric"]["weights"], second["rubric"]["weights"])
    assert {path: path.stat().st_mtime_ns for path in cache.iterdir()} == cached


@pytest.mark.parametrize(
    "spoil", [lambda content: content[:-1], lambda content: b"x" + content[1:], lambda content: b""]
)
def test_a_spoilt_cache_is_made_anew(tmp_path: Path, spoil: Callable[[bytes], bytes]) -> None:
    write_fake_artifact(tmp_path / "model", compress=True)
    artifact.read(tmp_path / "model", cache=tmp_path / "cache")
    for path in (tmp_path / "cache").iterdir():
        content = path.read_bytes()
        path.write_bytes(spoil(content))
        assert artifact.read(tmp_path / "model", cache=tmp_path / "cache")["rubric"]["label"] == "Спорт"
        assert path.read_bytes() == content


def test_an_unusable_cache_costs_memory_not_the_service(tmp_path: Path) -> None:
    write_fake_artifact(tmp_path / "model", compress=True)
    (tmp_path / "file").write_bytes(b"")
    parts = artifact.read(tmp_path / "model", cache=tmp_path / "file" / "cache")
    assert parts["rubric"]["weights"].shape == (40, 30)


def test_a_small_file_can_not_fill_the_memory(tmp_path: Path) -> None:
    write_fake_artifact(tmp_path / "model", compress=True)
    bomb = zlib.compress(bytes(1 << 26))
    (tmp_path / "model" / "names.joblib").write_bytes(bomb)
    entry = {"sha256": sha256(bomb), "size": len(bomb), "unpacked": {"sha256": "0", "size": 10}}
    change_manifest(tmp_path / "model", lambda manifest: manifest["files"].__setitem__("names.joblib", entry))
    with pytest.raises(AlteredError, match="unpacks to something else"):
        artifact.read(tmp_path / "model")


def test_a_model_in_use_survives_the_removal_of_its_directory(model: Path) -> None:
    weights = artifact.read(model)["rubric"]["weights"]
    shutil.rmtree(model)
    assert float(weights.sum()) == 600


def test_a_full_disk_publishes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, content: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space left"):
        write_fake_artifact(tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


def test_an_artifact_is_never_written_over_another(model: Path) -> None:
    before = artifact.version_of(model)
    with pytest.raises(OSError, match="not empty"):
        write_fake_artifact(model, "Культура")
    assert artifact.version_of(model) == before


def test_documents_are_kept_with_the_model(tmp_path: Path) -> None:
    artifact.write(tmp_path / "model", {}, {}, "", documents={"report.html": b"<p>"})
    assert "report.html" in artifact.read(tmp_path / "model").manifest.files
    with pytest.raises(ValueError, match="report"):
        artifact.write(tmp_path / "other", {}, {}, "", documents={"../report.html": b"<p>"})


def self_test(expected: dict[str, Any], got: dict[str, Any]) -> None:
    question = artifact.Question(Article(id="1", title="т"), expected)
    artifact.check_self_test(artifact.Manifest(self_test=[question]), lambda articles: [got])


def test_the_self_test_allows_numbers_their_last_digits_and_nothing_else() -> None:
    answer = {"status": "ok", "tags": [{"id": "a", "score": 0.51}, {"id": "b", "score": 0.51}], "rubric": None}
    self_test(answer, {**answer, "took_ms": 3.1, "model": {"version": "x"}, "new": 1})
    self_test(answer, {**answer, "tags": ({"id": "b", "score": 0.51004}, {"id": "a", "score": 0.50996})})
    for changed in (
        {"status": "abstained"},
        {"tags": [{"id": "a", "score": 0.52}, {"id": "b", "score": 0.51}]},
        {"tags": [{"id": "a", "score": float("nan")}, {"id": "b", "score": 0.51}]},
        {"tags": [{"id": "a", "score": 0.51}]},
        {"tags": [{"id": "a", "score": 0.51}, {"id": "c", "score": 0.51}]},
        {"rubric": {"id": "a"}},
    ):
        with pytest.raises(SelfTestError, match=f"/{next(iter(changed))}"):
            self_test(answer, {**answer, **changed})
    with pytest.raises(SelfTestError, match="rubric"):
        self_test(answer, {"status": "ok", "tags": answer["tags"], "rubrics": None, "rubric": 1})


def test_a_model_that_answers_differently_is_refused(tmp_path: Path) -> None:
    write_fake_artifact(tmp_path / "model", "Спорт", promised="Культура")
    with pytest.raises(SelfTestError, match=r"'Культура', is 'Спорт'.*retrain or roll back"):
        FakeAnnotator.load(tmp_path / "model")
