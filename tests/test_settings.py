import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from service.settings import Settings, SettingsError, read_settings


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def file(tmp_path: Path) -> Callable[[str], Path]:
    def write(text: str, name: str = "rubricator.toml") -> Path:
        (tmp_path / name).write_text(text, encoding="utf-8")
        return tmp_path / name

    return write


def test_nothing_has_to_be_set() -> None:
    settings = read_settings({})
    assert settings == Settings()
    assert settings.home == Path("var")
    assert settings.max_body == 2 * 1024 * 1024
    assert settings.cache == Path("var/cache")


def test_settings_are_frozen() -> None:
    with pytest.raises(AttributeError):
        Settings().port = 1  # type: ignore[misc]


@pytest.mark.parametrize(
    ("variable", "value", "field", "expected"),
    [
        ("RUBRICATOR_HOME", "/srv/rubricator", "home", Path("/srv/rubricator")),
        ("RUBRICATOR_HOME", "~/x", "home", Path.home() / "x"),
        ("RUBRICATOR_HOME", "", "home", Path("var")),
        ("RUBRICATOR_DATA", "corpora", "data", Path("corpora")),
        ("RUBRICATOR_DATA", "", "data", None),
        ("RUBRICATOR_PORT", "0", "port", 0),
        ("RUBRICATOR_PROFILE", "recall", "profile", "recall"),
        ("RUBRICATOR_PROFILE", "", "profile", "balanced"),
        ("RUBRICATOR_MAX_BATCH", "10", "max_batch", 10),
        ("RUBRICATOR_PREDICTOR", "true", "predictor", True),
        ("RUBRICATOR_PREDICTOR", "1", "predictor", True),
        ("RUBRICATOR_PREDICTOR", "0", "predictor", False),
        ("RUBRICATOR_LOG_LEVEL", "WARNING", "log_level", "warning"),
        ("RUBRICATOR_TRUSTED_KEYS", "/a.pem:/b.pem", "trusted_keys", (Path("/a.pem"), Path("/b.pem"))),
        ("RUBRICATOR_TRUSTED_KEYS", "", "trusted_keys", ()),
        ("RUBRICATOR_JOBS_URLS", "s3://a/b,s3://c", "jobs_urls", ("s3://a/b", "s3://c")),
    ],
)
def test_a_variable_sets_a_field(variable: str, value: str, field: str, expected: object) -> None:
    assert getattr(read_settings({variable: value}), field) == expected


def test_a_file_sets_fields_and_a_variable_wins(file: Callable[..., Path]) -> None:
    file('port = 9000\nhost = "0.0.0.0"\ntrusted_keys = ["a.pem"]\n')
    settings = read_settings({"RUBRICATOR_PORT": "9001"})
    assert (settings.port, settings.host, settings.trusted_keys) == (9001, "0.0.0.0", (Path("a.pem"),))


def test_the_file_may_be_named(file: Callable[..., Path]) -> None:
    file("port = 1\n")
    named = file("port = 2\n", "other.toml")
    assert read_settings({"RUBRICATOR_CONFIG": str(named)}).port == 2


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"RUBRICATOR_PORT": "http"}, r"RUBRICATOR_PORT = 'http': Expected `int`"),
        ({"RUBRICATOR_PORT": "65536"}, r"RUBRICATOR_PORT = '65536': Expected `int` <= 65535"),
        ({"RUBRICATOR_MAX_BODY": "0"}, r"RUBRICATOR_MAX_BODY = '0': Expected `int` >= 1"),
        ({"RUBRICATOR_PREDICTOR": "maybe"}, r"RUBRICATOR_PREDICTOR = 'maybe'"),
        (
            {"RUBRICATOR_LOG_LEVEL": "loud"},
            r"RUBRICATOR_LOG_LEVEL = 'loud': it must be debug or info or warning or error or critical",
        ),
        (
            {"RUBRICATOR_PROFILE": "nonsense"},
            r"RUBRICATOR_PROFILE = 'nonsense': it must be precision or balanced or recall",
        ),
        ({"RUBRICATOR_PROFILE": "null"}, r"RUBRICATOR_PROFILE = 'null': it must be precision or balanced or recall"),
        ({"RUBRICATOR_PROT": "1"}, r"RUBRICATOR_PROT is not a setting: did you mean RUBRICATOR_PORT\?"),
        ({"RUBRICATOR_HOM": "1"}, r"did you mean RUBRICATOR_HOME\?"),
        ({"RUBRICATOR_QQQ": "1"}, r"RUBRICATOR_QQQ is not a setting: .*known are CONFIG, HOME"),
        ({"RUBRICATOR_port": "1"}, r"did you mean RUBRICATOR_PORT\?"),
        ({"RUBRICATOR_CONFIG": "absent.toml"}, r"RUBRICATOR_CONFIG: absent\.toml can't be read"),
    ],
)
def test_an_error_names_the_variable(environment: dict[str, str], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        read_settings(environment)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("prot = 1", r"rubricator\.toml: prot is not a setting: did you mean rubricator\.toml: port\?"),
        ("port = -1", r"rubricator\.toml: port = -1"),
        ("profile = 1", r"rubricator\.toml: profile = 1: it must be precision or balanced or recall"),
        ("home = 1", r"rubricator\.toml: home = 1: Expected a path"),
        ("trusted_keys = 'a.pem'", r"rubricator\.toml: trusted_keys"),
        ("port =", r"rubricator\.toml is not TOML"),
        ("[serve]\nport = 1", r"rubricator\.toml: serve is not a setting"),
    ],
)
def test_an_error_names_the_file_and_the_key(file: Callable[..., Path], text: str, message: str) -> None:
    file(text)
    with pytest.raises(SettingsError, match=message):
        read_settings({})


def test_variables_of_others_are_none_of_our_business() -> None:
    assert read_settings({"PATH": "/bin", "RUBRICATORX": "1", "rubricator_port": "1"}) == Settings()


def test_reading_settings_imports_nothing_slow() -> None:
    """Ready within a second: pydantic alone would take 0.4 s of it."""
    code = "import sys, service.settings, service.records; print(*sorted(sys.modules))"
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(__file__).parent.parent
    )
    assert not {"pydantic", "pydantic_settings", "numpy", "joblib", "zstandard", "tomllib"} & set(run.stdout.split())
