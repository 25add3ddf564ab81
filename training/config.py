"""What a training run is told: corpora, split and the knobs of each step, from a TOML file and `--data`.

Every key has a default, so `--data` alone is enough; a key that no one reads is an error, never ignored.
"""

import datetime
import re
import tomllib
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from service.inference.article import Policy as LabelPolicy

Format = Literal["records", "csv", "lenta_csv", "wordpress"]
Label = Literal["rubric", "tags", "regions"]

Count = Annotated[int, Meta(ge=0)]
Share = Annotated[float, Meta(ge=0, le=1)]
Weight = Annotated[float, Meta(ge=0, le=100)]
Positive = Annotated[float, Meta(gt=0, le=1e6)]

DEFAULT = Path(__file__).parent / "configs" / "default.toml"
PACKED = (".gz", ".zst")
FORMATS: dict[str, Format] = {".jsonl": "records", ".ndjson": "records", ".csv": "csv", ".xml": "wordpress"}


class ConfigError(Exception):
    """A training config that can't be used, or data that isn't there: says which key or path and what to write."""


class Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One table of the TOML file."""


class Corpus(Table, frozen=True):
    """One file of labelled articles. `since` is inclusive, `until` exclusive; 0 and empty mean no limit."""

    path: Path
    format: Format | None = None  # None: by the file's name
    source: str | None = None  # overrides the outlet that the rows name
    use: tuple[Label, ...] = ("rubric", "tags", "regions")
    rubric_map: str | None = None  # FILE.json#name, relative to the config file
    drop_rubrics: tuple[str, ...] = ()  # the outlet's own labels: articles under them are left out
    drop_titles: tuple[str, ...] = ()  # regular expressions: a series that is no news, such as a podcast's stubs
    since: datetime.date | None = None
    until: datetime.date | None = None
    min_chars: Count = 0  # of lead and text
    cap: Count = 0  # articles of one rubric and outlet
    strip: tuple[str, ...] = ()  # regular expressions: what names the outlet is blanked before anything is learnt

    @property
    def name(self) -> str:
        """The file's name without its endings."""
        return self.path.name.removesuffix(_ending(self.path))


class Split(Table, frozen=True):
    """Each part is a fraction of the articles or a period "2023-07-01/2023-10-01", its end exclusive."""

    by: Literal["time", "hash"] | None = None  # None: by time where nearly all articles are dated
    validation: float | str = 0.15
    test: float | str = 0.0
    # what a retraining is judged by and never learns from, besides: shares of all articles and of the latest quarter
    anchor: Share = 0.0
    latest: Share = 0.0


class Model(Table, frozen=True):
    seed: Annotated[int, Meta(ge=0, lt=2**32)] = 0
    max_tags: Count = 2000
    notes: tuple[str, ...] = ()  # for the card: what to mind


class Vocabulary(Table, frozen=True):
    min_lemma_articles: Annotated[int, Meta(ge=1)] = 4
    min_pair_articles: Annotated[int, Meta(ge=1)] = 6
    max_features: Count = 0  # over all blocks, the most frequent; 0 = all
    rare_name_articles: Count = 25  # a first name with a surname stays out unless in so many articles: privacy
    title_weight: Weight = 0.6
    lead_weight: Weight = 0.3


class Rubric(Table, frozen=True):
    C: Positive = 0.1
    class_weight_power: Annotated[float, Meta(ge=0, le=2)] = 0.8
    lift: Share = 0.25
    outlet_weights: bool = False
    title_copies: Weight = 0.0
    no_news: tuple[str, ...] = ()  # learnt and never answered: such articles are not published unseen


class Tags(Table, frozen=True):
    C: Positive = 0.5
    min_positives: Annotated[int, Meta(ge=1)] = 2
    min_examples: Annotated[int, Meta(ge=1)] = 3
    weights_per_tag: Annotated[int, Meta(ge=1)] = 1000
    max_negatives: Annotated[int, Meta(ge=10)] = 6000
    beta: Positive = 1.0
    drop: tuple[str, ...] = ()
    vocabulary: str = ""  # a file of the newsroom's own tags and their synonyms, TSV, relative to the config file


class Regions(Table, frozen=True):
    home_region: str = ""  # a subject's id, "RU-69": what lies in it wins among places of one name
    places: str = ""  # a file of the newsroom's own places, TSV or JSONL, relative to the config file


class Policy(Table, frozen=True):
    """Labels of the newsroom for which something else holds than datasets/taxonomy/policy.toml says."""

    review_only: tuple[str, ...] = ()
    never_suggest: tuple[str, ...] = ()
    normal: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        named = [label for label, _ in self.by_label()]
        if twice := next((label for label in named if named.count(label) > 1), None):
            raise ValueError(f"«{twice}» stands here twice: leave the one that is to hold")

    def by_label(self) -> Iterator[tuple[str, LabelPolicy]]:
        for label in self.review_only:
            yield label, "review_only"
        for label in self.never_suggest:
            yield label, "never_suggest"
        for label in self.normal:
            yield label, "normal"


class Decision(Table, frozen=True):
    precision: Share = 0.9
    profile_precision: Share = 0.95
    least_rubric: Share = 0.3
    publish: bool = True


class Artifact(Table, frozen=True):
    compress: bool = False
    report: bool = True


class Config(Table, frozen=True):
    corpus: tuple[Corpus, ...] = ()
    split: Split = Split()
    model: Model = Model()
    vocabulary: Vocabulary = Vocabulary()
    rubric: Rubric = Rubric()
    tags: Tags = Tags()
    regions: Regions = Regions()
    policy: Policy = Policy()
    decision: Decision = Decision()
    artifact: Artifact = Artifact()


def load(path: Path | None, data: Sequence[Path]) -> Config:
    """The config with every corpus found on the disk.

    Without corpora in the file, each file of `data` and of the folders in it is one. With them, their relative paths
    are looked for in the folders of `data`, then beside the config; single files of `data` that none of them names
    are corpora besides.
    """
    file = path or DEFAULT
    config = _decode(file)
    for place in data:
        if not place.exists():
            raise ConfigError(f"--data {place}: there is no such file or folder")
    corpora = [_found(corpus, file.parent, data) for corpus in config.corpus]
    named = {corpus.path for corpus in corpora}
    loose = _files(data, with_folders=not corpora)
    corpora += [Corpus(path=found, format=format_of(found)) for found in loose if found not in named]
    if not corpora:
        raise ConfigError("there is nothing to train on: give --data FILE or DIR, or [[corpus]] path in the config")
    places, tags = (str(file.parent / own) if own else "" for own in (config.regions.places, config.tags.vocabulary))
    return msgspec.structs.replace(
        config,
        corpus=tuple(corpora),
        regions=msgspec.structs.replace(config.regions, places=places),
        tags=msgspec.structs.replace(config.tags, vocabulary=tags),
    )


def defaults() -> Config:
    """What holds where nothing is said, without corpora."""
    return _decode(DEFAULT)


def _decode(file: Path) -> Config:
    try:
        raw = tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ConfigError(f"{file} can't be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file} is not TOML: {error}") from error
    try:
        return msgspec.convert(_without_empty(raw), Config, dec_hook=_path)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{file}: {_explained(str(error))}") from error


def _path(wanted: type, value: Any) -> Any:
    if wanted is Path and isinstance(value, str):
        return Path(value)
    raise msgspec.ValidationError(f"Expected a path, got `{type(value).__name__}`")


def _without_empty(value: Any) -> Any:
    """TOML has no null: an empty string stands for a key that is not set."""
    if isinstance(value, dict):
        return {key: _without_empty(item) for key, item in value.items() if item != ""}
    if isinstance(value, list):
        return [_without_empty(item) for item in value]
    return value


def _explained(message: str) -> str:
    """msgspec says "Object contains unknown field `max_tag` - at `$.model`"; the likely key is what helps."""
    what, _, where = message.partition(" - at ")
    table = re.sub(r"\[[^]]*]", "", where.strip("`").removeprefix("$").removeprefix("."))
    place = f"in [{table}]" if table else "at the top"
    if not (unknown := re.search(r"unknown field `(.*)`", what)):
        return f"{place}: {what}"
    known: Any = Config
    for name in table.split(".") if table else ():
        known = Corpus if name == "corpus" else type(getattr(Config(), name))
    keys = known.__struct_fields__
    close = get_close_matches(unknown[1].lower(), keys, n=1)
    meant = f", did you mean «{close[0]}»?" if close else ""
    return f"unknown key «{unknown[1]}» {place}{meant} Known are {', '.join(keys)}"


def _found(corpus: Corpus, beside: Path, data: Sequence[Path]) -> Corpus:
    """The corpus with the path where its file is; its rubric map becomes a path from the config's folder."""
    places = [place / corpus.path if place.is_dir() else place for place in data]
    candidates = [place for place in places if place.name == corpus.path.name] + [beside / corpus.path]
    path = next((candidate for candidate in candidates if candidate.is_file()), None)
    if path is None:
        looked = ", ".join(dict.fromkeys(str(candidate) for candidate in candidates))
        raise ConfigError(f"corpus {corpus.path} is not there (looked at {looked}): name its folder with --data DIR")
    rubric_map = str(beside / corpus.rubric_map) if corpus.rubric_map else None
    return msgspec.structs.replace(corpus, path=path, format=corpus.format or format_of(path), rubric_map=rubric_map)


def _files(data: Sequence[Path], *, with_folders: bool) -> Iterator[Path]:
    for place in data:
        if place.is_file():
            yield place
        elif with_folders:
            files = sorted(file for file in place.iterdir() if _ending(file) and file.is_file())
            if not files:
                raise ConfigError(
                    f"--data {place}: there is no .jsonl, .csv or .xml file in this folder (.gz and .zst are read too)"
                )
            yield from files


def _ending(path: Path) -> str:
    """`.jsonl.gz` of a name that is known to be data, else nothing."""
    packed = path.suffix if path.suffix in PACKED else ""
    kind = Path(path.name.removesuffix(packed)).suffix
    return kind + packed if kind in FORMATS else ""


def format_of(path: Path) -> Format:
    """By the file's name."""
    ending = _ending(path)
    if not ending:
        raise ConfigError(
            f'{path}: which format? Say format = "records", "csv", "lenta_csv" or "wordpress", '
            "or name it .jsonl, .csv or .xml"
        )
    return FORMATS["." + ending.split(".")[1]]
