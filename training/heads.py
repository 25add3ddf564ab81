"""The middle of a training run: texts and labels -> the parts of an artifact, top to bottom."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from service.inference.decisions import outlet
from service.inference.features import Features, Matrix, Tokens, headline_of, joined, tokenise
from service.inference.lemmas import Lemmas
from service.inference.phrases import Named, Phrases
from service.inference.regions import PlaceFound, Regions
from service.inference.rubric import UNTOUCHED, RubricHead
from service.inference.text import Text
from training import fit_regions, no_news
from training.calibrate import (
    NEVER,
    latest,
    lift,
    platt,
    shares_unseen,
    sharpened,
    sharpness,
    threshold_for_precision,
    top_curve,
)
from training.config import Config
from training.cores import on_all_cores
from training.crossfit import cross_fitted, folds_of, in_order
from training.fit import RubricTask, as_large, csr, fit_rubric
from training.gazetteer import Gazetteer
from training.labels import Tag, unique_ids
from training.lexicon import build
from training.names import Names, names_of
from training.progress import Progress
from training.tagging import Tagged, TagTraining, users_of
from training.thresholds import NO_PROFILES, Profiles, for_rubric, merged, shifted, stricter

Longs = npt.NDArray[np.int64]
WORTH_ALL_CORES = 20_000  # articles: some 4 s for a fit of all rubrics
FEWEST_TO_CALIBRATE = 300  # validation articles; with fewer the whole set is cross-fitted
SURE_PLACE = 0.95  # precision aimed at for places: a wrong one is seen at once, and editors tag few of those named


@dataclass(frozen=True)
class Labelled:
    """Articles ready to learn from; `rubric` is -1 where the article has none that the model uses."""

    texts: Sequence[Text]
    rubric: Longs
    tags: Sequence[frozenset[int] | None]  # None: the outlet doesn't tag
    places: Sequence[frozenset[int] | None]  # None: the outlet doesn't label places
    outlets: Sequence[str]
    weights: npt.NDArray[np.float32]
    days: Longs  # of publication, to order by; all 0 where the split is not by time
    groups: Sequence[str]  # near-duplicates share one


def fit_heads(
    data: Labelled, train: Longs, validation: Longs, rubrics: Sequence[str], tags: Sequence[Tag], gazetteer: Gazetteer,
    config: Config, progress: Progress,
) -> dict[str, Any]:  # fmt: skip
    """Parts of an artifact. Weights are fitted on `train` (the rubrics' on the older part of `validation` too),
    probabilities and thresholds on articles of `validation` that they have not seen; then the weights are fitted again
    on both, because the latest quarter is worth most."""
    both = np.concatenate((train, validation))
    names = names_of(gazetteer, tags)
    with progress.step(f"vocabulary of {len(both)} articles"):
        lexicon = build([data.texts[i] for i in both], names.patterns, config.vocabulary)
    lemmas = Lemmas(lexicon.lemmas)
    features = Features(lexicon.features, lemmas.lemma_of_class)
    phrases = Phrases(names.arrays(), lemmas, names.places)
    with progress.step("features"):
        tokens = tokenise(data.texts, lemmas)
        matrix = in_batches(features, tokens)

    rubric, decisions = _rubric(
        data, rubric_matrix(features, tokens, matrix), tokens, features, train, validation, rubrics, config, progress
    )
    judged = validation if len(validation) >= FEWEST_TO_CALIBRATE else both
    decisions["fewest_features"] = no_news.fewest_features(np.diff(matrix.start)[judged])
    regions = {
        "places": [list(place) for place in gazetteer.places],
        "phrases": [[int(kind), place, doubt] for kind, place, doubt in gazetteer.phrases],
    }
    named = [phrases.named(one.title, one.body) for one in tokens]
    coefficients, regions_auto, of_regions = _regions(
        data, tokens, named, gazetteer, train, validation, config, progress
    )
    regions["coefficients"] = coefficients
    tag_part, tags_auto, of_tags = _tags(data, matrix, named, train, validation, tags, names, config, progress)
    profiles = merged(decisions["profiles"], of_regions, of_tags)
    sources = {
        "rubric": decisions["sources"],
        "regions": outlets_of(data, [i for i in validation.tolist() if data.places[i]]),
        "tags": outlets_of(data, [i for i in validation.tolist() if data.tags[i]]),
    }
    if not config.decision.publish:
        sources = {head: {} for head in sources}
    return {
        "lexicon": lexicon.lemmas,
        "features": lexicon.features,
        "phrases": names.arrays(),
        "rubric": rubric,
        "tags": tag_part,
        "regions": regions,
        "decisions": {
            **decisions, "sources": sources, "tags_auto": tags_auto, "regions_auto": regions_auto, "profiles": profiles,
        },
    }  # fmt: skip


def outlets_of(data: Labelled, rows: Iterable[int]) -> dict[str, int]:
    """How many of these articles each outlet has, as its name is compared."""
    return dict(sorted(Counter(outlet(data.outlets[i]) for i in rows).items()))


def rubric_matrix(features: Features, tokens: Sequence[Tokens], whole: Matrix | None = None) -> Matrix:
    """The features as the rubric head sees them: headlines alone in all blocks. `whole` is `in_batches` of the same."""
    headlines = [headline_of(one) for one in tokens]
    if whole is not None and not any(headlines):
        return whole
    return in_batches(features, [headline or one for headline, one in zip(headlines, tokens, strict=True)])


def in_batches(features: Features, tokens: Sequence[Tokens], size: int = 2000) -> Matrix:
    """One matrix, made piece by piece to bound memory."""
    pieces = [features.matrix(tokens[i : i + size]) for i in range(0, len(tokens), size)]
    return joined(pieces, features.width)


def _rubric(
    data: Labelled, matrix: Matrix, tokens: Sequence[Tokens], features: Features, train: Longs, validation: Longs,
    rubrics: Sequence[str], config: Config, progress: Progress,
) -> tuple[dict[str, Any], dict[str, Any]]:  # fmt: skip
    """The rubric head's part and its decisions."""
    rows = csr(matrix)
    both = np.concatenate((train, validation))
    both = both[data.rubric[both] >= 0]

    def task(on: Longs) -> RubricTask:
        x, y, weights = rows[on], data.rubric[on], data.weights[on]
        if config.rubric.title_copies and any(len(tokens[i].title) for i in on):
            titled = np.array([len(tokens[i].title) > 0 for i in on], np.bool_)
            headlines = [Tokens(tokens[i].title, tokens[i].title) for i in on[titled]]
            x = sparse.vstack((x, csr(in_batches(features, headlines)))).tocsr()
            y, weights = (
                np.concatenate((y, y[titled])),
                np.concatenate((weights, weights[titled] * config.rubric.title_copies)),
            )
        strength = as_large(config.rubric.C, len(on), len(both))
        return RubricTask(x, y, len(rubrics), weights, strength, config.rubric.class_weight_power, config.model.seed)

    rated = validation[data.rubric[validation] >= 0]
    judged, between = latest(rated, data.days[rated], [outlet(data.outlets[i]) for i in rated])
    if not rubrics:
        none: dict[str, Any] = {"rubric_auto": NEVER, "rubric_review": NEVER, "sources": {}, "profiles": NO_PROFILES}
        return _no_rubric(matrix.width), none
    with progress.step(f"rubric: {len(rubrics)} labels"):
        if len(judged) >= FEWEST_TO_CALIBRATE:
            alike = {data.groups[i] for i in judged}
            apart = np.array([data.groups[i] not in alike for i in both], np.bool_)
            earlier = np.setdiff1d(both[apart], between)
            judge, final = on_all_cores(fit_rubric, [task(earlier), task(both)], worth=len(both) >= WORTH_ALL_CORES)
            margins = judge.margins(rows[judged])
        else:  # where few are set aside, all must serve
            judged = both
            folds = folds_of(data.rubric[judged].tolist(), [data.groups[i] for i in judged])
            margins = cross_fitted(lambda on: fit_rubric(*task(on)), rows, judged, folds)
            final = fit_rubric(*task(both))
        labels = data.rubric[judged]
        slope, offset = platt(margins, labels)
        raised = lift(np.bincount(data.rubric[both], minlength=len(rubrics)), config.rubric.lift)
        shares = shares_unseen(margins, labels, raised, _folds(data, judged))
    exponent = sharpness(shares, labels)
    ids = unique_ids(rubrics)
    part = {
        "ids": [ids[label] for label in rubrics],
        "labels": list(rubrics),
        "weights": final.weights.astype(np.float16),
        "bias": final.bias,
        "slope": slope.astype(np.float32),
        "offset": (offset + raised).astype(np.float32),
        "sharpness": exponent,
        "top": list(top_curve(sharpened(shares, exponent), labels)),
    }
    scores = RubricHead(part).probabilities(margins)
    top, right = scores.max(axis=1), scores.argmax(axis=1) == labels
    unsaid = no_news.numbers(rubrics, config)
    least = no_news.least_score(scores, labels, unsaid)
    answered = no_news.answered(scores, unsaid)  # what is no news is not published, and counts neither for nor against
    top, right = top[answered], right[answered]
    profiles = for_rubric(top, right, config.decision)
    profiles["precision"]["rubric_auto"] = max(least, profiles["precision"]["rubric_auto"])
    return part, {
        "rubric_auto": max(least, threshold_for_precision(top, right, config.decision.precision)),
        "rubric_review": config.decision.least_rubric,
        "sources": outlets_of(data, judged),
        "profiles": profiles,
        "no_news": unsaid,
    }


def _no_rubric(width: int) -> dict[str, Any]:
    """For an archive that has tags or places only."""
    none = np.zeros(0, np.float32)
    weights = np.zeros((width, 0), np.float32)
    return {
        "ids": [], "labels": [], "weights": weights, "bias": none, "slope": none, "offset": none, "sharpness": 1.0,
        "top": list(UNTOUCHED),
    }  # fmt: skip


def _folds(data: Labelled, judged: Longs) -> Longs:
    """Stretches of time, as articles of one day are alike; without dates every label in all folds."""
    if data.days[judged].any():
        return in_order(data.days[judged])
    return folds_of(data.rubric[judged].tolist(), [data.groups[i] for i in judged])


def _regions(
    data: Labelled, tokens: Sequence[Tokens], named: Sequence[Named], gazetteer: Gazetteer, train: Longs,
    validation: Longs, config: Config, progress: Progress,
) -> tuple[dict[str, Any], float, Profiles]:  # fmt: skip
    """Weights of the regions head, the score from which a place may be published, and what profiles change."""
    head = Regions(gazetteer.places, gazetteer.phrases, fit_regions.DEFAULT)

    def judged(rows: Longs) -> tuple[list[list[PlaceFound]], list[frozenset[int]]]:
        labelled = [int(i) for i in rows if data.places[i] is not None]
        found = [head.found(data.texts[i], tokens[i], named[i].places) for i in labelled]
        return found, [data.places[i] or frozenset() for i in labelled]

    with progress.step("regions"):
        seen, unseen = judged(train), judged(validation)
        trial = fit_regions.fit(*seen, gazetteer.places)
        pools = fit_regions.pools(*unseen, gazetteer.places, trial)
        scores, right = (np.concatenate([pool[i] for pool in pools.values()]) for i in (0, 1))
        wanted = max(config.decision.precision, SURE_PLACE)
        auto = threshold_for_precision(scores, right, wanted)
        final = fit_regions.fit(seen[0] + unseen[0], seen[1] + unseen[1], gazetteer.places)
        about = [final[level].about for level in pools]
        fallback = {name: [own[level] for level in pools] for name, own in fit_regions.DEFAULT_OF_PROFILES.items()}
        shown = shifted(list(pools.values()), about, 1.0, fallback)
    profiles: Profiles = {
        profile: {"regions": dict(zip(pools, least, strict=True))} for profile, least in shown.items()
    }
    surer = threshold_for_precision(scores, right, stricter(wanted, config.decision))
    profiles["precision"]["regions_auto"] = surer
    return {level: [list(one.features), one.about] for level, one in final.items()}, auto, profiles


def _tags(
    data: Labelled, matrix: Matrix, named: Sequence[Named], train: Longs, validation: Longs,
    tags: Sequence[Tag], names: Names, config: Config, progress: Progress,
) -> tuple[dict[str, Any], float, Profiles]:  # fmt: skip
    """The tag head's part, the score from which a tag may be published, and what profiles change."""
    both = np.concatenate((train, validation)).tolist()
    users = users_of((data.outlets[i], data.tags[i] or ()) for i in both)
    training = TagTraining(tags, names, users, config)

    def tagged(rows: Longs) -> Tagged:
        chosen = [int(i) for i in rows if data.tags[i] is not None]
        return Tagged(
            _rows(matrix, chosen),
            [named[i].tags for i in chosen],
            [data.tags[i] or frozenset() for i in chosen],
            [data.outlets[i] for i in chosen],
        )

    with progress.step(f"tags: {len(tags)} labels"):
        seen, unseen = tagged(train), tagged(validation)
        trial = training.fit(seen, progress.at)
        ranking, profiles = training.rank(trial, unseen)
        auto, profiles["precision"]["tags_auto"] = (
            training.auto_thresholds(trial, ranking, unseen) if config.decision.publish else (NEVER, NEVER)
        )
        final = training.fit(tagged(np.concatenate((train, validation))), progress.at).ranked(ranking)
    final["weight"] = final["weight"].astype(np.float16)
    return final, auto, profiles


def _rows(matrix: Matrix, chosen: Sequence[int]) -> Matrix:
    part = csr(matrix)[np.array(chosen, np.int64)] if chosen else csr(matrix)[:0]
    return Matrix(part.indptr.astype(np.int64), part.indices.astype(np.int32), part.data, matrix.width)
