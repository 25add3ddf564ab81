"""Articles in, annotations out: features once, three heads, then decisions. The only door to a model's answers."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from functools import cached_property
from itertools import repeat
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from service.inference import artifact, kernel
from service.inference.article import (
    Alternative,
    Annotation,
    Article,
    Attribution,
    Explanation,
    ModelReference,
    RegionAnswer,
    RequestWarning,
    RubricAnswer,
    TagAnswer,
    Why,
)
from service.inference.calibration import Calibration, Recalibrated
from service.inference.compiled import Compiled, Found
from service.inference.decisions import Decisions, Options
from service.inference.explain import addends_by_words, attributions, in_one_part
from service.inference.features import Features, Floats, Matrix, Tokens, headline_of, joined, tokenise
from service.inference.labels import Labels
from service.inference.lemmas import Ints, Lemmas
from service.inference.phrases import Phrases
from service.inference.places import Kind, Phrase, Place
from service.inference.policy import Policies
from service.inference.profiles import BALANCED, with_unpublished
from service.inference.regions import PlaceFound, Regions, Weights
from service.inference.rubric import Ranked, RubricHead
from service.inference.spans import utf16
from service.inference.tags import TagHead
from service.inference.text import Raw, Text, read_all
from service.inference.unlike import Unlike
from service.inference.why import WhyNot
from service.inference.words import folded

TOGETHER = 1000  # articles whose words are held at a time
EXPLAINED = 12  # words shown for a label: as many as an editor reads
FEWEST_WORDS = 3  # a headline has more
UNUSABLE = {"empty", "too_short", "not_russian"}  # nothing is answered for such a text
NOT_UNSEEN = {"advertisement", "not_news", "too_short", "truncated"}  # answered for an editor to look at
EVERYTHING = Options()
# Answered by `balanced` instead: a CMS must be able to save with a model that has been trained without profiles.
PROFILE_NOT_AVAILABLE = RequestWarning("profile_not_available", "?profile", BALANCED)
NONE: frozenset[str] = frozenset()


class Annotator:
    """A loaded model. Holds no state between calls but memos of words, so threads may share it."""

    def __init__(self, version: str, parts: Mapping[str, Any], *, predict_unknown: bool = False) -> None:
        """`parts` are the artifact's: lexicon, features, phrases, rubric, tags, regions, decisions, and policy where
        it is there."""
        self.version = version
        self.lemmas = Lemmas(parts["lexicon"], predict_unknown=predict_unknown)
        self.features = Features(parts["features"], self.lemmas.lemma_of_class)
        self.phrases = Phrases(parts["phrases"], self.lemmas, len(parts["regions"]["phrases"]))
        self.rubric = RubricHead(parts["rubric"])
        self.tags = TagHead(parts["tags"], self.features.width)
        regions = parts["regions"]
        self.places = [Place(*place) for place in regions["places"]]
        phrases = [Phrase(Kind(kind), place, doubt) for kind, place, doubt in regions["phrases"]]
        coefficients = {level: Weights(tuple(w), about) for level, (w, about) in regions["coefficients"].items()}
        self.regions = Regions(self.places, phrases, coefficients)
        self._compiled = Compiled(self.lemmas, self.features, self.rubric, self.phrases, self.tags, self.regions)
        self._deciding: tuple[Mapping[str, Any], Any] = parts["decisions"], parts.get("policy")
        self._recalibrated: Recalibrated | None = None
        self._decide(parts["decisions"])
        self.unlike = Unlike(parts["decisions"])
        self._least_of_places = {
            profile: self.regions.least_of_each(of.regions)
            for profile, of in self.decisions.profiles.items()
            if of.regions is not None
        }
        self._least_compiled = {
            profile: np.array(self._least_of_places.get(profile, self.regions.about))
            for profile in self.decisions.profiles
        }
        self.reference = ModelReference(version, self._vocabulary())

    def _decide(self, part: Mapping[str, Any]) -> None:
        places = [place.id for place in self.places]
        policies = Policies(self._deciding[1], self.rubric.ids, self.tags.ids, places)
        self.decisions = Decisions(part, self.rubric, self.tags, self.regions, policies)
        self.why_not = WhyNot(self.rubric, self.tags, self.regions, self.decisions)

    def under(self, calibration: Calibration) -> "Annotator":
        """The same model as the calibration has it; all else is shared. Whatever it says, it publishes unseen only what
        the model publishes by itself. Raises ValueError for the calibration of another model."""
        one = copy(self)
        one.__dict__.pop("labels", None)
        one._recalibrated = over = Recalibrated(calibration, self.rubric)
        if over.new:
            one.rubric = over.head
            one._decide(with_unpublished(self._deciding[0], len(self.rubric.ids), len(over.new)))
            one._compiled = Compiled(
                self.lemmas, self.features, one.rubric, self.phrases, self.tags, self.regions, tell_margins=True
            )
        one.reference = ModelReference(self.version, self.reference.vocabulary, over.version)
        return one

    @cached_property
    def labels(self) -> Labels:
        """All it can answer with."""
        rubrics, tags = (
            zip(self.rubric.ids, self.rubric.labels, strict=True),
            zip(self.tags.ids, self.tags.labels, strict=True),
        )
        return Labels(rubrics, tags, self.places, self.decisions.policies.by_id())

    def annotate(
        self,
        articles: Sequence[Article],
        options: Options = EVERYTHING,
        heard: Callable[[tuple[bytes, bytes]], object] | None = None,
    ) -> list[Annotation]:
        """One annotation for each article, in order; the same bits alone as in a batch. CPU only, under 1 ms each.

        `heard` is told each article's title and body as words were cut from them.
        """
        # stage by stage: of 500 articles the loops find their tables and the interpreter its code in the cache
        readings = self._readings(read_all(articles), options)
        if heard is not None:
            for reading in readings:
                heard((folded(reading.text.title), folded(reading.text.body)))
        return list(map(self._annotation, articles, readings, repeat(options)))

    def rows_for_the_rubric(self, articles: Sequence[Article]) -> Matrix:
        """What the rubric head sees of articles: for whoever fits something to it."""
        pieces = [self._rows(articles[i : i + TOGETHER]) for i in range(0, len(articles), TOGETHER)]
        return joined(pieces, self.features.width)

    def _rows(self, articles: Sequence[Article]) -> Matrix:
        tokens = tokenise([text for text, _ in read_all(articles)], self.lemmas)
        return self.features.matrix([headline_of(one) or one for one in tokens])

    def named(self, text: str) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        """The words of a text that name places, and those that name tags: of each hit the first, and the one behind
        the last."""
        named = self.phrases.named(self.lemmas.classes(folded(text)), self.lemmas.classes(b""))
        places, tags = ([(first, last) for first, last, _ in hits[0].tolist()] for hits in (named.places, named.tags))
        return places, tags

    def known_words(self, text: str) -> tuple[int, int]:
        """Words of a text, and how many of them mean something to the model; 30 µs for 1,000 characters."""
        classes = self.lemmas.classes(folded(text))
        return len(classes), int(np.count_nonzero(classes))

    def score_of_name(self, in_title: bool, in_lead: bool, times: int, words: int) -> tuple[float, float]:
        """Of a tag that the model does not know, by where its name of so many words stands: score and threshold."""
        return self.tags.score_of_name(in_title, in_lead, times, words)

    def _readings(self, texts: Sequence[tuple[Text, Raw]], options: Options) -> list["Reading"]:
        wanted = "regions" in options.heads
        if kernel.library is None or self.lemmas.predicts:
            return [Reading(text, self._found(text, options), self._places_of(text, options)) for text, _ in texts]
        least = self._least_compiled[self.decisions.known(options.profile)] if wanted else None
        found = self._compiled.find([raw for _, raw in texts], self.decisions.near(options), least)
        return [
            Reading(text, one, self._places_of(text, options) if one.places is None else one.places)
            for (text, _), one in zip(texts, found, strict=True)
        ]

    def _found(self, text: Text, options: Options) -> Found:
        """What the loops find, by numpy."""
        tokens = self._tokens(text)
        matrix = self.features.matrix([tokens])
        named = self.phrases.named(tokens.title, tokens.body)
        candidates = self.tags.candidates(matrix.columns, matrix.values, *named.tags)
        headline = headline_of(tokens)
        margins = self.rubric.margins(self.features.matrix([headline]) if headline else matrix)
        probabilities = self.rubric.probabilities_of(margins[0])
        return Found(
            (len(tokens.title), len(tokens.body)),
            not tokens.foreign,
            len(matrix.columns),
            probabilities,
            self.rubric.ranked(probabilities),
            self.tags.likely(candidates, self.decisions.near(options)),
            None,
            margins[0].tolist() if self._recalibrated is not None else None,
        )

    def _tokens(self, text: Text) -> Tokens:
        return tokenise([text], self.lemmas)[0]

    def _places_of(self, text: Text, options: Options) -> list[PlaceFound]:
        if "regions" not in options.heads:
            return []
        tokens = self._tokens(text)
        named = self.phrases.named(tokens.title, tokens.body)
        return self.regions.found(text, tokens, named.places, self._least_of_places.get(options.profile))

    def _annotation(self, article: Article, reading: "Reading", options: Options) -> Annotation:
        reasons = self._reasons(reading)
        heads, found, decisions = options.heads, reading.found, self.decisions
        calibrated = decisions.knows(article.source)
        unusable = not UNUSABLE.isdisjoint(reasons)
        rubric: RubricAnswer | UnsetType | None = None if "rubric" in heads else UNSET
        alternatives: tuple[Alternative, ...] | UnsetType = () if "rubric" in heads else UNSET
        regions: tuple[RegionAnswer, ...] | UnsetType = () if "regions" in heads else UNSET
        tags: tuple[TagAnswer, ...] | UnsetType = () if "tags" in heads else UNSET
        explanation: Explanation | UnsetType = UNSET
        doubtful = False
        if not unusable:
            own = probabilities = found.probabilities
            ranked, agreed = found.ranked, calibrated
            if self._recalibrated is not None:
                own = self._recalibrated.own(found)
                probabilities = self._recalibrated.shares(own, found.margins)
                ranked = self.rubric.ranked(probabilities)
                agreed = self._as_published_anyway(calibrated, own, ranked, options)
            if not self.unlike.is_news(probabilities) or (own is not probabilities and not self.unlike.is_news(own)):
                reasons.append("not_news")
            if calibrated and self.unlike.too_short(found.columns):
                reasons.append("too_short")
            publishable = agreed if agreed and NOT_UNSEEN.isdisjoint(reasons) else NONE
            if "rubric" in heads:
                rubric, alternatives, doubtful = decisions.rubric(ranked, "rubric" in publishable, options)
                if doubtful:
                    reasons.append("low_confidence")
            if "regions" in heads:
                regions = decisions.regions(reading.places, reading.text.locate, "regions" in publishable, options)
            chosen: Sequence[tuple[int, TagAnswer]] = ()
            if "tags" in heads:
                chosen = decisions.tags(found.tags, probabilities, "tags" in publishable, options)
                tags = tuple([tag for _, tag in chosen])
            if options.explain:
                explanation = self._explanation(reading, probabilities, chosen, options)
            if heads & decisions.heads - calibrated:
                reasons.append("not_calibrated_for_source")
        annotation = Annotation(
            article.id,
            "abstained" if unusable or doubtful else "ok",
            tuple(reasons),
            self.reference,
            () if options.profile in decisions.profiles else (PROFILE_NOT_AVAILABLE,),
            rubric,
            alternatives,
            regions,
            tags,
            notices=reading.text.notices,
            explain=explanation,
        )
        return utf16(annotation, article) if options.spans == "utf16" else annotation

    def _as_published_anyway(
        self, calibrated: frozenset[str], own: Sequence[float], ranked: Sequence[Ranked], options: Options
    ) -> frozenset[str]:
        """Those heads that may be published unseen without a calibration too: thresholds were chosen on the model's own
        scores. Which tags are sensitive hangs on the rubric, so that has to be the same for them."""
        if not calibrated or not own:
            return calibrated
        [(top, score), *_] = self.rubric.ranked(own)
        if top != ranked[0][0]:
            return calibrated - {"rubric", "tags"}
        return calibrated if score >= self.decisions.of(options.profile).rubric_auto[top] else calibrated - {"rubric"}

    def _reasons(self, reading: "Reading") -> list[str]:
        """Why this text is not answered, or not to be published unseen."""
        text, words = reading.text, sum(reading.found.words)
        reasons = []
        if not words:
            reasons.append("empty")
        elif words < FEWEST_WORDS:
            reasons.append("too_short")
        elif not reading.found.surely_russian and self._tokens(text).foreign:
            reasons.append("not_russian")
        if text.advertisement:
            reasons.append("advertisement")
        if text.truncated:
            reasons.append("truncated")
        return reasons

    def _explanation(
        self,
        reading: "Reading",
        probabilities: Sequence[float],
        tags: Sequence[tuple[int, TagAnswer]],
        options: Options,
    ) -> Explanation:
        """The words of the likeliest rubric that may be shown, if it was asked for, and each shown tag's."""
        rubric: tuple[Attribution, ...] = ()
        own = self._row(self._tokens(reading.text))
        if "rubric" in options.heads and (likeliest := self.decisions.likeliest(probabilities)) >= 0:
            row = self._row_for_the_rubric(own)
            rubric = self._words(reading, row, self.rubric.rows(row.columns)[:, likeliest])
        named = self.phrases.named(own.tokens.title, own.tokens.body)
        return Explanation(
            rubric,
            {
                tag.id: self._words(reading, own, self.tags.weights_of(number, own.columns))
                if tag.origin == "model"
                else attributions(reading.text, self.tags.name_spans(number, *named.tags), EXPLAINED)
                for number, tag in tags
            },
            self._why(reading, probabilities, own, options) if options.why else UNSET,
        )

    def _why(self, reading: "Reading", probabilities: Sequence[float], own: "Row", options: Options) -> Why | UnsetType:
        """Of the label that was asked about; UNSET where the model has none with this id."""
        head, id_ = options.why or ("tags", "")
        if head == "rubric" and id_ in self.rubric.ids:
            number = self.rubric.ids.index(id_)
            row = self._row_for_the_rubric(own)
            words = self._words(reading, row, self.rubric.rows(row.columns)[:, number])
            return self.why_not.rubric(number, probabilities, words, options)
        if head == "tags" and id_ in self.tags.ids:
            number = self.tags.ids.index(id_)
            hits = self.phrases.named(own.tokens.title, own.tokens.body).tags
            log_odds = self.tags.log_odds_of(number, own.columns, own.values, *hits)
            named = self.tags.is_named(number, *hits)
            if self.tags.is_trained(number):
                words = self._words(reading, own, self.tags.weights_of(number, own.columns))
            else:
                spans = self.tags.name_spans(number, *hits) if named else {}
                words = attributions(reading.text, spans, EXPLAINED)
            likeliest = self.decisions.likeliest(probabilities)
            return self.why_not.tag(number, log_odds, named, likeliest, words, options)
        if head == "regions" and self.labels.place(id_) is not None:
            everything = replace(options, limit=None, threshold=None)
            places = self._places_of(reading.text, replace(options, heads=EVERYTHING.heads))
            answers = self.decisions.regions(places, reading.text.locate, False, everything)
            number = next(i for i, place in enumerate(self.places) if place.id == id_)
            return self.why_not.region(number, next((one for one in answers if one.id == id_), None), options)
        return UNSET

    def _row(self, tokens: Tokens) -> "Row":
        matrix = self.features.matrix([tokens])
        return Row(tokens, matrix.columns, matrix.values)

    def _row_for_the_rubric(self, own: "Row") -> "Row":
        headline = headline_of(own.tokens)
        return self._row(headline) if headline else own

    def _words(self, reading: "Reading", row: "Row", weights: Floats) -> tuple[Attribution, ...]:
        spans = addends_by_words(self.features, row.tokens, row.columns, row.values * weights)
        if row.tokens.title is row.tokens.body:  # a headline
            spans = in_one_part(spans, "title" if reading.found.words[0] else "body")
        return attributions(reading.text, spans, EXPLAINED)

    def _vocabulary(self) -> str:
        """Version of the labels that this model can answer with."""
        labels = [*self.rubric.ids, *self.rubric.labels, *self.tags.ids, *self.tags.labels, *map(str, self.places)]
        return hashlib.sha256("\n".join(labels).encode()).hexdigest()[:8]


class Row(NamedTuple):
    """One article as a linear model sees it."""

    tokens: Tokens
    columns: Ints
    values: Floats


class Reading(NamedTuple):
    """One article on its way through the heads."""

    text: Text
    found: Found
    places: Sequence[PlaceFound]


def load(
    directory: Path,
    *,
    version: str | None = None,
    trusted_keys: Sequence[Path] = (),
    cache: Path | None = None,
    predict_unknown: bool = False,
) -> Annotator:
    """The artifact as an annotator, verified and self-tested. Raises ArtifactError: what is wrong, what to do."""
    parts = artifact.read(directory, trusted_keys=trusted_keys, cache=cache)
    try:
        annotator = Annotator(version or parts.version, parts.parts)
    except (KeyError, ValueError, IndexError, TypeError) as error:
        problem = f"{directory} holds something else than this service reads ({type(error).__name__}: {error})"
        raise artifact.AlteredError(f"{problem}: retrain or roll back") from error
    artifact.check_self_test(parts.manifest, lambda articles: plain_answers(annotator, articles))
    # the self-test was written without the predictor, which may move a score
    return Annotator(annotator.version, parts.parts, predict_unknown=True) if predict_unknown else annotator


def plain_answers(annotator: Annotator, articles: Sequence[Article]) -> list[dict[str, Any]]:
    """Annotations as plain data: what the self-test stores and compares."""
    return [msgspec.to_builtins(annotation) for annotation in annotator.annotate(articles)]
