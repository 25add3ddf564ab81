"""What editors tag of the places an article names -> the weights of the regions head, one logistic for each level."""

from collections.abc import Collection, Mapping, Sequence

import numpy as np
from sklearn.linear_model import LogisticRegression

from service.inference.places import Place
from service.inference.regions import PlaceFound, Weights
from training.thresholds import Pool

LEVELS = ("country", "subject", "city")
ENOUGH = 300  # candidates of a level; with fewer the weights at hand are better than fitted ones
FOLDS = 5
THRESHOLDS = np.arange(0.1, 0.81, 0.05)

# Fitted by `fit` on ria_2023 (crc32(id) % 100 < 60) and, at weight 0.3, the same share of lenta_tags.
# On ria_2020, which neither saw: F1 .618 / .644 / .493 for country / subject / city; elsewhere in ria_2023 .840 / .692
# / .684. A model fitted on ria_2023 alone is measured by `python -m training.protocols --data FOLDER --only regions`.
DEFAULT: Mapping[str, Weights] = {
    "country": Weights(
        (0.049, 0.7899, -0.023, 1.0134, -0.0614, 1.1553, 0.7231, -1.3633, -0.0884, 0.0, 0.0, -1.076, -0.1928), about=0.4
    ),
    "subject": Weights(
        (-0.2142, 0.6181, 0.3469, 0.7009, -0.0066, 1.1202, 0.3165, -0.6342, 0.0236, 0.1011, 0.0, -1.0372, 0.6487),
        about=0.35,
    ),
    "city": Weights(
        (-0.1603, 0.5485, 0.0116, 0.9188, -0.0577, 0.853, 0.354, -0.6379, 0.0368, 0.0, -0.5933, -0.8856, 0.3429),
        about=0.25,
    ),
}
# Scores from which places are shown in other profiles, where an archive is too small to tell: the best F0.5 and F2 of
# the weights above on the share of ria_2023 that they were fitted on.
DEFAULT_OF_PROFILES: Mapping[str, Mapping[str, float]] = {
    "precision": {"country": 0.65, "subject": 0.65, "city": 0.5},
    "recall": {"country": 0.25, "subject": 0.15, "city": 0.2},
}


def fit(
    found: Sequence[Sequence[PlaceFound]],
    labels: Sequence[Collection[int]],
    places: Sequence[Place],
    importance: Sequence[float] | None = None,
    start: Mapping[str, Weights] = DEFAULT,
) -> dict[str, Weights]:
    """`found[i]` are the head's places of article i, `labels[i]` its editors' (indices; a city's subject included).

    Levels with fewer than ENOUGH candidates keep the weights of `start`.
    """
    weighed = [1.0] * len(found) if importance is None else importance
    weights = dict(start)
    for level in LEVELS:
        rows, tagged, trust, article = [], [], [], []
        for number, (one, wanted, weight) in enumerate(zip(found, labels, weighed, strict=True)):
            for place in one:
                if places[place.place].level == level:
                    rows.append(place.features)
                    tagged.append(place.place in wanted)
                    trust.append(weight)
                    article.append(number)
        if len(rows) < ENOUGH or len(set(tagged)) < 2:
            continue
        x, y, trusted = np.array(rows), np.array(tagged), np.array(trust)
        model = _logistic().fit(x, y, trusted)
        missed = sum(
            weight * sum(places[place].level == level for place in set(wanted) - {p.place for p in one})
            for one, wanted, weight in zip(found, labels, weighed, strict=True)
        )
        about = _best_threshold(_unseen_scores(x, y, trusted, np.array(article)), y, trusted, missed)
        weights[level] = Weights(tuple(round(float(value), 4) for value in model.coef_[0]), about)
    return weights


def pools(
    found: Sequence[Sequence[PlaceFound]],
    labels: Sequence[Collection[int]],
    places: Sequence[Place],
    weights: Mapping[str, Weights],
) -> dict[str, Pool]:
    """By level, the candidates of articles that `weights` haven't seen. Places of other levels are left out."""
    by_level: dict[str, tuple[list[float], list[bool]]] = {level: ([], []) for level in LEVELS}
    missed = dict.fromkeys(LEVELS, 0)
    for one, wanted in zip(found, labels, strict=True):
        for place in one:
            level = places[place.place].level
            if level in by_level:
                scores, right = by_level[level]
                scores.append(1 / (1 + np.exp(-np.dot(weights[level].features, place.features))))
                right.append(place.place in wanted)
        for left in set(wanted) - {place.place for place in one}:
            if places[left].level in missed:
                missed[places[left].level] += 1
    return {
        level: Pool(np.array(scores, np.float64), np.array(right, np.bool_), missed[level])
        for level, (scores, right) in by_level.items()
    }


def _logistic() -> LogisticRegression:
    """Trained on ria_2023, this C gave the best F1 on lenta_tags, of .03 to 3: another outlet's habit asks for less."""
    return LogisticRegression(C=0.1, fit_intercept=False, max_iter=1000)


def _unseen_scores(x: np.ndarray, y: np.ndarray, trust: np.ndarray, article: np.ndarray) -> np.ndarray:
    """Every candidate's score by weights that have not seen its article."""
    scores = np.zeros(len(x))
    for fold in range(FOLDS):
        out = article % FOLDS == fold
        if out.any() and len(set(y[~out])) > 1:
            scores[out] = _logistic().fit(x[~out], y[~out], trust[~out]).predict_proba(x[out])[:, 1]
    return scores


def _best_threshold(scores: np.ndarray, tagged: np.ndarray, trust: np.ndarray, missed: float) -> float:
    """The score with the highest F1, labels that no text names counted as missed."""

    def f1(threshold: float) -> float:
        taken = scores >= threshold
        hits = float(trust[taken & tagged].sum())
        wrong, left = float(trust[taken & ~tagged].sum()), float(trust[~taken & tagged].sum()) + missed
        return 2 * hits / max(1.0, 2 * hits + wrong + left)

    return round(float(max(THRESHOLDS, key=f1)), 2)
