import datetime
import tomllib
from pathlib import Path

import msgspec
import pytest

from training import config
from training.config import Config, ConfigError, load

CONFIGS = Path(config.__file__).parent / "configs"


def written(folder: Path, text: str) -> Path:
    file = folder / "train.toml"
    file.write_text(text, encoding="utf-8")
    return file


def empty(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


def test_data_alone_is_enough(tmp_path: Path) -> None:
    file = empty(tmp_path / "news.jsonl")
    assert [(corpus.path, corpus.format) for corpus in load(None, [file]).corpus] == [(file, "records")]


def test_each_data_file_of_a_folder_is_a_corpus_in_the_order_of_names(tmp_path: Path) -> None:
    for name in ("b.csv", "a.jsonl.gz", "c.ndjson", "d.csv.zst", "readme.md", "picture.gz"):
        empty(tmp_path / name)
    found = load(None, [tmp_path]).corpus
    assert [(corpus.path.name, corpus.name, corpus.format) for corpus in found] == [
        ("a.jsonl.gz", "a", "records"),
        ("b.csv", "b", "csv"),
        ("c.ndjson", "c", "records"),
        ("d.csv.zst", "d", "csv"),
    ]


def test_corpora_are_looked_for_in_the_data_folder_then_beside_the_config(tmp_path: Path) -> None:
    near, far = empty(tmp_path / "near.jsonl"), empty(tmp_path / "data" / "far.jsonl")
    file = written(tmp_path, '[[corpus]]\npath = "near.jsonl"\n[[corpus]]\npath = "far.jsonl"\n')
    assert [corpus.path for corpus in load(file, [tmp_path / "data"]).corpus] == [near, far]


def test_a_data_file_that_the_config_names_is_one_corpus_and_another_is_added(tmp_path: Path) -> None:
    named, other = empty(tmp_path / "x" / "a.jsonl"), empty(tmp_path / "x" / "b.csv")
    file = written(tmp_path, '[[corpus]]\npath = "a.jsonl"\nmin_chars = 5\n')
    assert [(corpus.path, corpus.min_chars) for corpus in load(file, [named, other]).corpus] == [(named, 5), (other, 0)]


def test_a_rubric_map_is_relative_to_the_config(tmp_path: Path) -> None:
    empty(tmp_path / "a.jsonl")
    file = written(tmp_path, '[[corpus]]\npath = "a.jsonl"\nrubric_map = "maps/m.json#a"\n')
    assert load(file, []).corpus[0].rubric_map == f"{tmp_path}/maps/m.json#a"


def test_an_empty_string_is_a_key_that_is_not_set(tmp_path: Path) -> None:
    empty(tmp_path / "a.jsonl")
    file = written(
        tmp_path, '[[corpus]]\npath = "a.jsonl"\nsince = ""\nuntil = "2023-09-30"\nrubric_map = ""\n[split]\nby = ""\n'
    )
    loaded = load(file, [])
    assert (loaded.corpus[0].since, loaded.corpus[0].rubric_map, loaded.split.by) == (None, None, None)
    assert loaded.corpus[0].until == datetime.date(2023, 9, 30)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[model]\nmax_tag = 5", r"unknown key «max_tag» in \[model\], did you mean «max_tags»"),
        ("[split]\nvalidaton = 0.1", "did you mean «validation»"),
        ('[[corpus]]\npath = "a.jsonl"\nminchars = 1', r"«minchars» in \[corpus\], did you mean «min_chars»"),
        ("[vocab]\nx = 1", "unknown key «vocab» at the top, did you mean «vocabulary»"),
        ("[model]\nzzz = 1", "Known are seed, max_tags"),
        ('[model]\nseed = "a"', r"in \[model.seed\]: Expected `int`, got `str`"),
        ('[[corpus]]\npath = "a.jsonl"\nformat = "xml"', "Invalid enum value 'xml'"),
        ('[[corpus]]\npath = "a.jsonl"\nsince = "yesterday"', "corpus.since"),
        ("[model", "is not TOML"),
    ],
)
def test_a_mistake_is_named_with_what_was_likely_meant(tmp_path: Path, text: str, said: str) -> None:
    empty(tmp_path / "a.jsonl")
    with pytest.raises(ConfigError, match=said):
        load(written(tmp_path, text), [tmp_path / "a.jsonl"])


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    missing = tmp_path / "gone.jsonl"
    with pytest.raises(ConfigError, match=r"gone\.jsonl: there is no such file"):
        load(None, [missing])
    with pytest.raises(ConfigError, match=r"corpus gone\.jsonl is not there"):
        load(written(tmp_path, '[[corpus]]\npath = "gone.jsonl"'), [])
    with pytest.raises(ConfigError, match="can't be read"):
        load(tmp_path / "no.toml", [])
    with pytest.raises(ConfigError, match="nothing to train on"):
        load(None, [])
    (tmp_path / "folder").mkdir()
    with pytest.raises(ConfigError, match=r"no \.jsonl, \.csv or \.xml"):
        load(None, [tmp_path / "folder"])


def test_a_name_without_a_known_ending_needs_a_format(tmp_path: Path) -> None:
    empty(tmp_path / "dump.txt")
    with pytest.raises(ConfigError, match="which format"):
        load(written(tmp_path, '[[corpus]]\npath = "dump.txt"'), [])
    loaded = load(written(tmp_path, '[[corpus]]\npath = "dump.txt"\nformat = "records"'), [])
    assert loaded.corpus[0].format == "records"


def test_the_default_config_spells_out_every_default() -> None:
    raw = tomllib.loads((CONFIGS / "default.toml").read_text(encoding="utf-8"))
    assert msgspec.convert(raw, Config) == Config()
    told = {name: set(table) for name, table in raw.items()}
    assert told.pop("split") == {"anchor", "latest", "test", "validation"}
    assert told == {
        name: set(type(getattr(Config(), name)).__struct_fields__)
        for name in Config.__struct_fields__
        if name not in ("corpus", "split")
    }


def test_the_baseline_config_is_valid_and_never_publishes(tmp_path: Path) -> None:
    file = CONFIGS / "baseline.toml"
    for corpus in tomllib.loads(file.read_text(encoding="utf-8"))["corpus"]:
        empty(tmp_path / corpus["path"])
    loaded = load(file, [tmp_path])
    assert not loaded.decision.publish
    assert {"ria_2020", "lenta_1999_2018"}.isdisjoint(corpus.name for corpus in loaded.corpus)
    assert all(corpus.cap == 1000 for corpus in loaded.corpus)


def test_own_places_lie_beside_the_config(tmp_path: Path) -> None:
    file = written(tmp_path, '[regions]\nhome_region = "RU-69"\nplaces = "places.tsv"\n')
    regions = load(file, [empty(tmp_path / "news.jsonl")]).regions
    assert (regions.home_region, regions.places) == ("RU-69", str(tmp_path / "places.tsv"))
