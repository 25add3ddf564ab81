"""The gazetteer files -> places and phrases: every declined form of every name, so that serving needs no dictionary."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from service.inference.article import Level
from service.inference.labels import slug
from service.inference.places import (
    ALONE,
    CLEAR,
    NAMELIKE,
    OWN,
    SUPPORTED,
    WORDLIKE,
    Kind,
    Phrase,
    Place,
)
from service.inference.scenes import HAPPENS, JUDGES
from training.declension import WORD, adjective_forms, by_doubt, doubt_of, event_forms, name_forms, noun_forms
from training.morphology import fold
from training.own_places import NO_NEWSROOM, Newsroom, PlacesError

FOLDER = Path(__file__).parent.parent / "datasets" / "gazetteer"
IN_HOME_REGION = 1  # of Place.home
FEDERAL_CITIES = {"77", "78", "92"}  # a subject and a city in one: they yield the subject alone
LARGE = 100_000  # under this a city named like a common word (Клин, Холм) is read only after «в», «из», «под»

Forms = tuple[frozenset[str], ...]


@dataclass(frozen=True)
class Gazetteer:
    """`forms[i]` are the surface words of `phrases[i]`: for each word all its folded lower-case forms."""

    places: tuple[Place, ...]
    phrases: tuple[Phrase, ...]
    forms: tuple[Forms, ...]
    labels: dict[str, int]  # `label_key` of every name a newsroom may use as a label -> place

    def place_of(self, label: str) -> int | None:
        """The place a training label names («КИЕВ», «Республика Саха»), or None: then it is a topic tag."""
        return self.labels.get(label_key(label))

    def above(self, place: int) -> list[int]:
        """What a place stands for besides, as in the answers: all it lies in, up to its subject."""
        found = []
        while (place := self.places[place].parent) >= 0 and self.places[place].level != "country":
            found.append(place)
        return found


def label_key(label: str) -> str:
    """Labels agree when their words do, whatever the case, ё and punctuation."""
    return " ".join(WORD.findall(fold(label)))


def build(folder: Path = FOLDER, newsroom: Newsroom = NO_NEWSROOM) -> Gazetteer:
    """Reads the files of the gazetteer; takes about two seconds, most of it declension."""
    builder = _Builder()
    builder.countries(_rows(folder / "countries.jsonl"))
    builder.subjects(_rows(folder / "regions.jsonl"))
    builder.cities(_rows(folder / "cities.jsonl"))
    builder.world(_rows(folder / "world_cities.jsonl"))
    builder.not_places(lines_of(folder / "not_places.txt"))
    builder.events(lines_of(folder / "events.txt"))
    builder.newsroom(newsroom)
    return Gazetteer(tuple(builder.places), tuple(builder.phrases), tuple(builder.forms), builder.labels)


Row = dict[str, object]


def _rows(path: Path) -> Iterator[Row]:
    with path.open(encoding="utf-8") as lines:
        yield from (json.loads(line) for line in lines if line.strip())


def _text(row: Row, key: str) -> str:
    return str(row[key])


def _texts(row: Row, key: str) -> list[str]:
    found = row.get(key) or []
    assert isinstance(found, list)
    return [str(item) for item in found]


class _Builder:
    def __init__(self) -> None:
        self.places: list[Place] = []
        self.phrases: list[Phrase] = []
        self.forms: list[Forms] = []
        self.labels: dict[str, int] = {}
        self.index: dict[str, int] = {}  # place id -> index
        self.seen: set[tuple[Forms, int]] = set()
        self.adjectives: dict[str, int] = {}  # country and subject adjectives: a city's equal one gives way

    def countries(self, rows: Iterable[Row]) -> None:
        for row in rows:
            place = self.place(_text(row, "id"), _text(row, "name"), "country")
            self.names(place, row, [row.get("cldr_name")], self.doubt(row, LARGE))

    def subjects(self, rows: Iterable[Row]) -> None:
        russia = self.index["RU"]
        for row in rows:
            label = _text(row, "short") or _text(row, "name")
            place = self.place(f"RU-{row['code']}", label, "subject", russia)
            self.names(place, row, [row["short"]], CLEAR)

    def cities(self, rows: Iterable[Row]) -> None:
        for row in rows:
            subject = self.index[f"RU-{row['region']}"]
            population = int(str(row["population"] or 0))
            if row["region"] in FEDERAL_CITIES and row["name"] == self.places[subject].label:
                place = subject
            else:
                key = str(row["geonames_id"] or "-" + slug(_text(row, "name")))
                place = self.place(f"c{key}", _text(row, "name"), "city", subject, population)
            self.names(place, row, [], self.doubt(row, population))

    def world(self, rows: Iterable[Row]) -> None:
        for row in rows:
            country = self.index[_text(row, "country")]
            name = _text(row, "name")
            place = self.place(f"c-{slug(name)}", name, "city", country)
            self.names(place, row, [], self.doubt(row, LARGE))

    def not_places(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.phrase(Kind.BLOCK, line, -1, CLEAR)

    def events(self, lines: Iterable[str]) -> None:
        """Words under «happens» and «judges», the classes of `service.inference.scenes`."""
        classes = {"[happens]": HAPPENS, "[judges]": JUDGES}
        class_ = HAPPENS
        for line in lines:
            if line in classes:
                class_ = classes[line]
            else:
                for lemma in line.split():
                    self.add(Kind.EVENT, (event_forms(fold(lemma)),), -1, class_)

    def newsroom(self, newsroom: Newsroom) -> None:
        """The places of a newsroom's own, and what lies in its region."""
        home = self.index.get(newsroom.home_region, -1)
        if newsroom.home_region and (home < 0 or self.places[home].level != "subject"):
            raise PlacesError(f"home_region {newsroom.home_region!r} is no subject: give its id, such as RU-69")
        for number, known in enumerate(self.places):
            if home >= 0 and known.parent == home:
                self.places[number] = known._replace(home=IN_HOME_REGION)
        for row in newsroom.places:
            if row.id in self.index:
                raise PlacesError(f"places, {row.where}: the id {row.id} is taken: choose another")
            parent = self.index.get(row.parent, -1) if row.parent else home
            if parent < 0:
                asked = (
                    f"its parent {row.parent!r} is no place"
                    if row.parent
                    else "it has no parent and home_region is empty"
                )
                raise PlacesError(f"places, {row.where}: {asked}: give the id of a subject, a city or a place above it")
            place = self.place(row.id, row.label, row.level, parent)
            self.places[place] = self.places[place]._replace(home=OWN)
            self.labels[label_key(row.label)] = place
            self.phrase(Kind.NAME, row.label, place, doubt_of(row.label))
            for form in row.forms:
                self.add(
                    Kind.NAME, tuple(frozenset({fold(word)}) for word in WORD.findall(form)), place, doubt_of(form)
                )

    def place(self, id_: str, label: str, level: Level, parent: int = -1, population: int = 0) -> int:
        if id_ in self.index:  # two places of one name without a number: Сан-Хосе of Costa Rica and California
            id_ = f"{id_}-{self.places[parent].id.lower()}"
        self.index[id_] = len(self.places)
        self.places.append(Place(id_, label, level, parent, population))
        return self.index[id_]

    def doubt(self, row: Row, population: int) -> int:
        """How sure a capitalised form is to be this place; see `service.inference.places`."""
        flags = set(_texts(row, "ambiguous"))
        if flags & {"surname", "first_name"}:
            return NAMELIKE
        if "common_word" in flags:
            return WORDLIKE if population >= LARGE else ALONE
        return CLEAR

    def names(self, place: int, row: Row, more: Iterable[object], doubt: int) -> None:
        names = [_text(row, "name"), *(str(name) for name in more if name), *_texts(row, "aliases")]
        for position, name in enumerate(dict.fromkeys(names)):
            key = label_key(name)
            # the larger of two cities of one name owns the label; countries and subjects come first
            if key not in self.labels or self.outgrows(place, self.labels[key]):
                self.labels[key] = place
            kind = Kind.ABBREVIATION if name.isupper() and " " not in name else Kind.ALIAS if position else Kind.NAME
            self.phrase(kind, name, place, doubt)
        for name in _texts(row, "supported"):
            kind = Kind.ABBREVIATION if name.isupper() else Kind.ADJECTIVE if name.islower() else Kind.ALIAS
            self.phrase(kind, name, place, SUPPORTED)
        for key, doubted in (("wordlike", WORDLIKE), ("namelike", NAMELIKE)):
            for name in _texts(row, key):
                self.labels.setdefault(label_key(name), place)
                self.phrase(Kind.ALIAS, name, place, doubted)
        level = self.places[place].level
        for adjective in _texts(row, "adjectives"):
            owner = self.adjectives.setdefault(fold(adjective), place) if level != "city" else None
            if owner is None and fold(adjective) in self.adjectives:
                continue  # «тульский» is the oblast, which Тула would yield anyway; «черногорский» is the country
            self.phrase(Kind.ADJECTIVE, adjective, place, CLEAR)
        for demonym in _texts(row, "demonyms"):
            self.phrase(Kind.DEMONYM, demonym, place, CLEAR)

    def outgrows(self, place: int, other: int) -> bool:
        new, old = self.places[place], self.places[other]
        return new.level == old.level == "city" and new.population > old.population

    def phrase(self, kind: Kind, text: str, place: int, doubt: int) -> None:
        words = WORD.findall(text)
        if kind is Kind.ADJECTIVE:
            forms = (*(frozenset({fold(word)}) for word in words[:-1]), adjective_forms(fold(words[-1])))
        elif kind is Kind.DEMONYM:
            forms = (noun_forms(fold(words[0])),)
        elif kind is Kind.ABBREVIATION:
            forms = tuple(frozenset({fold(word)}) for word in words)
        else:
            forms = tuple(name_forms(word, alone=len(words) == 1) for word in words)
        if len(forms) == 1 and kind <= Kind.ALIAS and doubt <= WORDLIKE and self.places[place].level == "city":
            at_home = self.places[self.places[place].parent].level == "subject"
            small = at_home and self.places[place].population < LARGE
            for part_doubt, part in by_doubt(forms[0], doubt, small or fold(text).endswith("о")):
                self.add(kind, (part,), place, part_doubt)
        elif kind is Kind.DEMONYM:
            for part_doubt, part in by_doubt(forms[0], doubt, check_people=True):
                self.add(kind, (part,), place, part_doubt)
        else:
            self.add(kind, forms, place, doubt)

    def add(self, kind: Kind, forms: Forms, place: int, doubt: int) -> None:
        if (forms, place) not in self.seen:
            self.seen.add((forms, place))
            self.forms.append(forms)
            self.phrases.append(Phrase(kind, place, doubt))


def lines_of(path: Path) -> list[str]:
    """Without empty lines and comments."""
    lines = path.read_text("utf-8").splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]
