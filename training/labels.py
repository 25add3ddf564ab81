"""Labels as newsrooms write them -> one vocabulary: joined over outlets, split into places and tags, with ids."""

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple

from service.inference.article import LabelledArticle
from service.inference.labels import slug
from training.gazetteer import Gazetteer
from training.morphology import fold, forms_of, lemma_of, morphology

WORD = re.compile(r"[^\W_]+")
INSIDE = re.compile(r"[\w,;»)] [«(\"]?$")  # what stands before a word that doesn't begin a sentence
BRACKETED = re.compile(r"\(([^()]*)\)")
COUNTRY_TAIL = re.compile(r"\s+(?:РФ|России|Российской Федерации)$")
OFFICE = re.compile(r"(?:Мин|Рос|Гос|Глав|Центр)\w+$|(?:МИД|МВД|МЧС|ФСБ)$")
READ_FOR_SPELLING = 5_000  # articles
MENTIONS_FOR_CASE = 3  # a spelling must be seen so often before it corrects a label's


@dataclass(frozen=True)
class Tag:
    """A topic tag of the model. `names` are what the text may call it, as words: whole names first, parts after."""

    id: str
    label: str
    names: tuple[tuple[str, ...], ...]
    parts: tuple[tuple[str, ...], ...]
    examples: int


class OwnTag(NamedTuple):
    """A tag that the newsroom names itself, whether any article has it or not."""

    label: str
    synonyms: tuple[str, ...] = ()


class EditedTags(NamedTuple):
    """What editors made of the tags since: their own ones, the names of retired ones, and the id that a label's key has
    had. Another tag never gets such an id."""

    own: tuple[OwnTag, ...] = ()
    retired: tuple[str, ...] = ()
    ids: Mapping[str, str] = {}


AS_TRAINED = EditedTags()


def tag_key(label: str) -> str:
    """Labels of one key are one tag: case, ё, punctuation and what stands in brackets don't matter."""
    return " ".join(WORD.findall(fold(BRACKETED.sub(" ", label)))) or " ".join(WORD.findall(fold(label)))


@dataclass(frozen=True)
class Tags:
    """The topic tags of a model; `number` leads from the key of a label to its tag, several keys to one.

    Labels that are none, with their articles: `rare` ones have too few, those `over` the limit are less frequent.
    """

    tags: list[Tag]
    number: dict[str, int]
    rare: Mapping[str, int] = field(default_factory=dict)
    over: Mapping[str, int] = field(default_factory=dict)

    def of(self, labels: Iterable[str]) -> frozenset[int]:
        """Which tags these labels are; labels that are none are left out."""
        return frozenset(self.number[key] for key in map(tag_key, labels) if key in self.number)


def tags_of(
    articles: Sequence[LabelledArticle],
    gazetteer: Gazetteer,
    drop: Iterable[str],
    at_least: int,
    at_most: int,
    own: Sequence[OwnTag] = (),
    ids: Mapping[str, str] = AS_TRAINED.ids,
) -> Tags:
    """The newsroom's own tags and the most frequent other labels that are no places, most examples first.

    A label that names a place of the gazetteer is a region, never a tag. Labels are shown as the archive mostly writes
    them, names in lower case as its articles do. «Путин» is «Владимир Путин» where that is the only person of the name.
    Own tags are shown as given, need no article, and take the labels that are their synonyms. `ids` are those that keys
    have had.
    """
    spellings: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for article in articles:
        for label in dict.fromkeys(article.tags):
            if key := tag_key(label):
                spellings[key][" ".join(label.split())] += 1
    given = {tag_key(tag.label): tag for tag in own}
    for key, tag in given.items():
        spellings[key][tag.label] += 0
    dropped = set(map(tag_key, drop))
    for key in list(spellings):
        if key in dropped or any(gazetteer.place_of(label) is not None for label in spellings[key]):
            del spellings[key]
            given.pop(key, None)
    merged = _joined(_merged(spellings), given, spellings)
    for key, into in merged.items():
        spellings[into].update(spellings.pop(key))
    frequent = [key for key, spelt in spellings.items() if spelt.total() >= at_least or key in given]
    frequent.sort(key=lambda key: (-spellings[key].total(), key))
    others = [key for key in frequent if key not in given]
    over_limit = set(others[max(0, at_most - len(given)) :])
    chosen = [key for key in frequent if key not in over_limit]
    ids = unique_ids(chosen, ids)
    labels = {
        key: given[key].label
        if key in given
        else best_spelling({one: n for one, n in spellings[key].items() if tag_key(one) == key})
        for key in chosen
    }
    seen = spellings_in(
        articles, {word for label in labels.values() if label == label.lower() for word in WORD.findall(label)}
    )
    tags = [
        Tag(
            ids[key],
            labels[key] if key in given else written_as_in(labels[key], seen),
            names_of((*spellings[key], *(given[key].synonyms if key in given else ()))),
            parts_of(labels[key]),
            spellings[key].total(),
        )
        for key in chosen
    ]
    number = {key: i for i, key in enumerate(chosen)}
    kept = set(frequent)
    rare = {best_spelling(spelt): spelt.total() for key, spelt in spellings.items() if key not in kept}
    over = {best_spelling(spellings[key]): spellings[key].total() for key in others if key in over_limit}
    joined = merged | {tag_key(name): key for key, tag in given.items() for name in tag.synonyms}
    return Tags(tags, {key: number[into] for key, into in joined.items() if into in number} | number, rare, over)


def _joined(merged: Mapping[str, str], own: Mapping[str, OwnTag], keys: Collection[str]) -> dict[str, str]:
    """Keys to join with what they are joined to: an own tag stays one, and takes what it has for a synonym."""
    into = {key: target for key, target in merged.items() if key not in own}
    for key, tag in own.items():
        into |= {alias: key for alias in map(tag_key, tag.synonyms) if alias in keys and alias not in own}
    # «Минфин России» joins «Минфин», which may have become a synonym of something else
    return {key: into.get(target, target) for key, target in into.items()}


def _merged(spellings: Mapping[str, Counter[str]]) -> dict[str, str]:
    """Keys that are another key said shorter or longer: a surname alone, a ministry with «России» behind."""
    into: dict[str, str] = {}
    persons: defaultdict[str, list[str]] = defaultdict(list)
    for key, spelt in spellings.items():
        for words in parts_of(key):
            persons[" ".join(words)].append(key)
        short = COUNTRY_TAIL.sub("", best_spelling(spelt))
        if tag_key(short) != key and tag_key(short) in spellings and (OFFICE.match(short) or short.isupper()):
            into[key] = tag_key(short)
    for surname, full in persons.items():
        if surname in spellings and len(full) == 1:
            into[surname] = full[0]
    return {key: target for key, target in into.items() if target not in into}


def unique_ids(labels: Iterable[str], had: Mapping[str, str] = AS_TRAINED.ids) -> dict[str, str]:
    """An id for each label: the one that it had, else its Latin slug, numbered where two would be equal."""
    ids: dict[str, str] = {}
    taken: Counter[str] = Counter(had.values())
    for label in labels:
        if label in had:
            ids[label] = had[label]
            continue
        base = slug(label)[:60].strip("-") or "tag"
        taken[base] += 1
        ids[label] = base if taken[base] == 1 else f"{base}-{taken[base]}"
    return ids


def best_spelling(spellings: Mapping[str, int]) -> str:
    """The way people write it, without brackets: the most frequent one, but never in capitals throughout where
    somebody writes it otherwise, nor «дональд трамп» where somebody writes «Дональд Трамп»."""
    without = Counter[str]()
    for label, count in spellings.items():
        without[BRACKETED.sub("", label).strip(' "«»') if WORD.search(BRACKETED.sub("", label)) else label] += count
    calm = [label for label in without if not (label.isupper() and len(label) > 5)] or list(without)
    best = max(calm, key=lambda label: (without[label], label))
    names = [label for label in calm if label[1:] != label[1:].lower()]
    return max(names, key=lambda label: (without[label], label)) if names and best == best.lower() else best


def written_as_in(label: str, seen: Mapping[str, Counter[str]]) -> str:
    """A label in lower case, its words spelt as the articles mostly spell them: «нато» -> «НАТО»."""
    if label != label.lower():
        return label

    def spelt(match: re.Match[str]) -> str:
        word = match.group()
        counts = seen.get(word)
        if counts and counts.total() >= MENTIONS_FOR_CASE:
            return counts.most_common(1)[0][0]
        names = {part for reading in morphology().parse(word) for part in ("Name", "Surn") if part in reading.tag}
        return word.capitalize() if names else word

    return WORD.sub(spelt, label)


def spellings_in(articles: Iterable[LabelledArticle], words: Collection[str]) -> dict[str, Counter[str]]:
    """How tagged articles write these lower-case words, as far as READ_FOR_SPELLING of them tell. The first word of a
    sentence has its capital from there, so it doesn't count."""
    seen: defaultdict[str, Counter[str]] = defaultdict(Counter)
    tagged = (article for article in articles if article.tags)
    for article in islice(tagged, READ_FOR_SPELLING):
        text = article.text or ""
        for match in WORD.finditer(text):
            word = match.group()
            if (low := word.lower()) in words and (
                word != word.capitalize() or INSIDE.search(text, max(0, match.start() - 3), match.start())
            ):
                seen[low][word] += 1
    return seen


def names_of(spellings: Iterable[str]) -> tuple[tuple[str, ...], ...]:
    """Whole names of a tag: each spelling, what stands in its brackets, both also without «РФ» or «России» behind."""
    found: dict[tuple[str, ...], None] = {}
    for label in spellings:
        bare = BRACKETED.sub(" ", label).strip()
        # «(Минфин России)» is a name, «(аэропорт)» only says which Домодедово is meant
        inside = [name for name in BRACKETED.findall(label) if name != name.lower()]
        for name in (bare, *inside):
            for variant in (name, COUNTRY_TAIL.sub("", name)):
                words = tuple(WORD.findall(fold(variant)))
                if any(len(word) > 2 for word in words) or (variant.isupper() and len(variant) > 1):
                    found[words] = None
    return tuple(found)


def parts_of(label: str) -> tuple[tuple[str, ...], ...]:
    """What may stand for a whole name: a person's surname."""
    words = WORD.findall(fold(label))
    if (
        len(words) in (2, 3)
        and any("Name" in reading.tag for reading in morphology().parse(words[0]))
        and len(words[-1]) > 2
    ):
        return ((words[-1],),)
    return ()


def pattern_of(word: str) -> frozenset[str]:
    """Every form that may stand for one word of a name."""
    return frozenset(forms_of(lemma_of(word)) | {word})
