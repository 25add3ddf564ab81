"""What editors tag of the places an article names -> the weights of the regions head, one logistic for each level."""

from collections.abc import Collection, Mapping, Sequence

import numpy as np
from sklearn.linear_model import LogisticRegression

from service.inference.places import Place
from service.inference.regions import PlaceFound, Weights

LEVELS = ("country", "subject", "city")
ENOUGH = 300  # candidates of a level; with fewer the weights at hand are better than fitted ones
THRESHOLDS = np.arange(0.1, 0.81, 0.05)

# Fitted by `fit` on ria_2023 (crc32(id) % 100 < 60) and, at weight 0.3, the same share of lenta_tags.
# On ria_2020, which neither saw: F1 .595 / .666 / .567 for country / subject / city; elsewhere in ria_2023 .838 / .680
# / .667. `pytest -m slow tests/test_regions.py` prints them again.
DEFAULT: Mapping[str, Weights] = {
    "country": Weights(
        (0.1629, 0.9845, -0.045, 1.0663, 0.2113, 1.1911, 0.7993, -1.9064, -1.0152, 0.0, 0.0, -1.2009), about=0.35
    ),
    "subject": Weights(
        (-0.4231, 0.491, 1.2858, 0.7506, 0.324, 1.1012, 0.5715, -1.3029, -0.0279, 0.2291, 0.0, -1.1113), about=0.3
    ),
    "city": Weights(
        (-0.4421, 0.843, -0.255, 1.6277, 0.6006, 0.2358, 0.8451, -1.4551, -0.0706, 0.0, -2.9075, -0.8676), about=0.25
    ),
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
        rows, tagged, trust = [], [], []
        for one, wanted, weight in zip(found, labels, weighed, strict=True):
            for place in one:
                if places[place.place].level == level:
                    rows.append(place.features)
                    tagged.append(place.place in wanted)
                    trust.append(weight)
        if len(rows) < ENOUGH or len(set(tagged)) < 2:
            continue
        model = LogisticRegression(C=1.0, fit_intercept=False, max_iter=1000)
        model.fit(np.array(rows), np.array(tagged), np.array(trust))
        missed = sum(
            weight * sum(places[place].level == level for place in set(wanted) - {p.place for p in one})
            for one, wanted, weight in zip(found, labels, weighed, strict=True)
        )
        scores = model.predict_proba(np.array(rows))[:, 1]
        about = _best_threshold(scores, np.array(tagged), np.array(trust), missed)
        weights[level] = Weights(tuple(round(float(value), 4) for value in model.coef_[0]), about)
    return weights


def _best_threshold(scores: np.ndarray, tagged: np.ndarray, trust: np.ndarray, missed: float) -> float:
    """The score with the highest F1, labels that no text names counted as missed."""

    def f1(threshold: float) -> float:
        taken = scores >= threshold
        hits = float(trust[taken & tagged].sum())
        wrong, left = float(trust[taken & ~tagged].sum()), float(trust[~taken & tagged].sum()) + missed
        return 2 * hits / max(1.0, 2 * hits + wrong + left)

    return round(float(max(THRESHOLDS, key=f1)), 2)
