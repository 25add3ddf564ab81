"""Why the linear model chose a label: its exact addends, given back to the words they came from.

A margin is the bias plus value times weight over the article's columns. A column's addend is shared equally by the
places where its feature stands, so all attributions of a label sum to its margin without the bias.
"""

from collections import defaultdict
from typing import Literal

import numpy as np
import numpy.typing as npt

from service.inference.article import Attribution
from service.inference.features import LEAD, TITLE, Features, Tokens, stream_of
from service.inference.text import Text
from service.inference.words import positions

Span = tuple[Literal["title", "body"], int, int]  # part, first word, last word


def addends_by_words(
    features: Features, tokens: Tokens, columns: npt.NDArray[np.int32], addends: npt.NDArray[np.floating]
) -> dict[Span, float]:
    """Addend of each word or pair of words; `columns` are the article's, `addends` value times weight."""
    stream = stream_of([tokens], features.lemma_of_class)
    block = features.features + 1
    pair = features.pairs_of(stream.lemma).tolist()
    words = (stream.kept - stream.whole_starts[stream.section]).tolist()
    lead, lead_pairs = (set(where.tolist()) for where in stream.lead())
    places: defaultdict[int, list[Span]] = defaultdict(list)
    for i, lemma in enumerate(stream.lemma.tolist()):
        part: Literal["title", "body"] = "body" if stream.section[i] & 1 else "title"
        home = TITLE * block if part == "title" else 0
        for feature, last, opening in ((lemma, i, lead), (pair[i], i + 1, lead_pairs)):
            if feature:
                span = (part, words[i], words[last])
                places[home + feature].append(span)
                if i in opening:
                    places[LEAD * block + feature].append(span)
    by_key = dict(zip(features.keys[columns].tolist(), addends.tolist(), strict=True))
    spans: defaultdict[Span, float] = defaultdict(float)
    for key, addend in by_key.items():
        for span in places[key]:
            spans[span] += addend / len(places[key])
    return dict(spans)


def in_one_part(spans: dict[Span, float], part: Literal["title", "body"]) -> dict[Span, float]:
    """Of a headline that was read as title and as body: all that a word adds, where it stands."""
    together: defaultdict[Span, float] = defaultdict(float)
    for (_, first, last), addend in spans.items():
        together[part, first, last] += addend
    return dict(together)


def attributions(text: Text, spans: dict[Span, float], limit: int | None) -> tuple[Attribution, ...]:
    """The weightiest spans first, as stretches of the fields that were sent."""
    found = sorted(((weight, span) for span, weight in spans.items() if weight), key=lambda one: (-abs(one[0]), one[1]))
    where = {"title": positions(text.title), "body": positions(text.body)}
    answer = []
    for weight, (part, first, last) in found[:limit]:
        starts, ends = where[part]
        place = text.locate(part, int(starts[first]), int(ends[last]))
        answer.append(Attribution(place.field, place.start, place.end, place.text, round(weight, 5)))
    return tuple(answer)
