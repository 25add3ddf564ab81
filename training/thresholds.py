"""Scores and what was right -> the thresholds of the profiles, by articles that the weights behind them haven't seen.

`balanced` is what a model is trained for: its `auto` aims at [decision] precision, its tags at F-beta, its regions at
F1. The others move from there:

    precision   `auto` aims at profile_precision; what is shown at F-beta with half the beta: fewer and surer labels
    recall      what is shown aims at twice the beta; `auto` stays: nothing goes out because somebody asked for more

A rubric that is shown is weighed in the same way, with betas of 1/2 and 2. No profile is ever on the other side of
balanced: where a curve says so, it is noise.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from service.inference.rubric import DIGITS
from training.calibrate import aimed, threshold_for_f, threshold_for_precision
from training.config import Decision
from training.trust import least_score

Doubles = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
NARROW, WIDE = 0.5, 2.0  # times the beta of balanced
BETAS = {"precision": NARROW, "recall": WIDE}

Profiles = dict[str, dict[str, Any]]
NO_PROFILES: Profiles = {profile: {} for profile in BETAS}


class Pool(NamedTuple):
    """Candidates by score, whether each is right, and how many right labels were none; weights of None are all one."""

    scores: Doubles
    right: Flags
    missed: float
    weights: Doubles | None = None


def for_rubric(top: Doubles, right: Flags, decision: Decision) -> Profiles:
    """`top` is the probability of each article's likeliest rubric, `right` whether it is the editors'."""
    pool = Pool(top, right, int((~right).sum()))  # the right rubric of such an article can't be reached
    shown = shifted([pool], [decision.least_rubric], 1.0, {profile: [decision.least_rubric] for profile in BETAS})
    auto = threshold_for_precision(top, right, stricter(decision.precision, decision))
    return {
        "precision": {"rubric_auto": auto, "rubric_review": shown["precision"][0]},
        "recall": {"rubric_review": shown["recall"][0]},
    }


def shifted(
    pools: Sequence[Pool], balanced: Sequence[float], beta: float, default: Mapping[str, Sequence[float]]
) -> dict[str, list[float]]:
    """For each profile a threshold a pool; those of `default` where there is too little to choose by. `balanced` are
    the thresholds at `beta`."""
    found = {
        profile: [
            threshold_for_f(pool.scores, pool.right, pool.missed, fallback, beta * times, pool.weights)
            for pool, fallback in zip(pools, default[profile], strict=True)
        ]
        for profile, times in BETAS.items()
    }
    return {
        "precision": [max(pair) for pair in zip(found["precision"], balanced, strict=True)],
        "recall": [min(pair) for pair in zip(found["recall"], balanced, strict=True)],
    }


def stricter(precision: float, decision: Decision) -> float:
    """What the profile precision aims at where balanced aims at `precision`: so many times fewer errors as
    profile_precision has of the config's precision."""
    if decision.profile_precision <= decision.precision:
        return precision
    return 1.0 - (1.0 - precision) * (1.0 - decision.profile_precision) / (1.0 - decision.precision)


def for_tags(scores: Doubles, right: Flags, decision: Decision) -> tuple[float, float]:
    """The score from which a tag may go out unseen; the same for profile=precision. With 95 % confidence, as the
    ranker is fitted on these very articles.

    On parts of ria_2023 before its test, what was to be right in .90 was .835 of 635 tags by the share alone, by this
    .923 of 375.
    """
    shown = np.asarray(np.round(scores, DIGITS), np.float64)
    wanted = (decision.precision, stricter(decision.precision, decision))
    sure, surer = (least_score(shown, right, aimed(precision)) for precision in wanted)
    return sure, surer


def merged(*parts: Profiles) -> Profiles:
    """The profiles of all heads as the artifact's decisions hold them."""
    return {profile: {key: value for part in parts for key, value in part[profile].items()} for profile in BETAS}
