"""Profiles of a model's decisions: `balanced` as it was trained, `precision` surer of what it shows, `recall` rather
more. The thresholds of each were chosen on validation data; here they are made into what a request looks up."""

from collections.abc import Mapping
from typing import Any, NamedTuple, get_args

import numpy as np
import numpy.typing as npt

from service.inference.article import Level, Profile
from service.inference.tags import TagHead

BALANCED: Profile = "balanced"
OTHERS: Mapping[str, Profile] = {profile: profile for profile in get_args(Profile) if profile != BALANCED}
NEVER = 2.0  # a score that nothing reaches
ROUNDED_AWAY = 1e-4  # of a score, at most: it is answered with four digits


class Thresholds(NamedTuple):
    """Scores from which something is shown, and published unseen; one above 1 is never reached."""

    rubric: float
    rubric_auto: list[float]  # of each rubric
    tags: npt.NDArray[np.float64]  # of each tag
    tags_log_odds: npt.NDArray[np.float64]  # of each tag; below them its score is less than `tags`, above it may be
    tags_auto: npt.NDArray[np.float64]  # of each tag
    regions: Mapping[str, float] | None  # by level; None: as the weights of the regions have it
    regions_auto: float


def thresholds(part: Mapping[str, Any], rubrics: int, tags: TagHead) -> dict[Profile, Thresholds]:
    """By profile. `part` is the artifact's of decisions: rubric_auto, tags_auto, regions_auto, rubric_review, all of
    them scores; `rubric_auto_by_label`, where it is there, stands in for rubric_auto: some rubrics can be published
    unseen, others of the same model can't. `profiles`, where it is there, has for precision and recall what differs:
    the same keys, and tags (by regime) and regions (by level) from which one is shown.

    Whatever a profile says, it publishes nothing that balanced doesn't; recall publishes the same. So a rubric or a tag
    that balanced would not even show is below every threshold of publishing; of places Decisions sees to that.
    """
    by_label = part.get("rubric_auto_by_label", [part["rubric_auto"]] * rubrics)
    least, least_of_tags = float(part["rubric_review"]), tags.thresholds_of_each()
    balanced = Thresholds(
        least,
        np.maximum(np.asarray(by_label, np.float64), least).tolist(),
        least_of_tags,
        _log_odds_below(least_of_tags),
        np.maximum(least_of_tags, float(part["tags_auto"])),
        None,
        float(part["regions_auto"]),
    )
    found = {BALANCED: balanced}
    for name, own in part.get("profiles", {}).items():
        found[_known(name)] = _differing(balanced, own, tags)
    return found


def with_unpublished(part: Mapping[str, Any], rubrics: int, more: int) -> dict[str, Any]:
    """The artifact's part of decisions for so many more rubrics behind its own, none of which is ever published."""
    balanced = part.get("rubric_auto_by_label", [part["rubric_auto"]] * rubrics)
    profiles = {
        name: {**own, "rubric_auto_by_label": [*own["rubric_auto_by_label"], *[NEVER] * more]}
        if "rubric_auto_by_label" in own
        else own
        for name, own in part.get("profiles", {}).items()
    }
    return {**part, "rubric_auto_by_label": [*balanced, *[NEVER] * more], "profiles": profiles}


def _differing(balanced: Thresholds, own: Mapping[str, Any], tags: TagHead) -> Thresholds:
    stricter = own.get("rubric_auto_by_label", [own.get("rubric_auto", 0.0)] * len(balanced.rubric_auto))
    regions = own.get("regions")
    least_of_tags = tags.thresholds_of_each(own["tags"]) if "tags" in own else balanced.tags
    return Thresholds(
        float(own.get("rubric_review", balanced.rubric)),
        np.maximum(balanced.rubric_auto, np.asarray(stricter, np.float64)).tolist(),
        least_of_tags,
        _log_odds_below(least_of_tags),
        np.maximum(balanced.tags_auto, float(own.get("tags_auto", 0.0))),
        None if regions is None else {level: float(regions[level]) for level in get_args(Level) if level in regions},
        max(balanced.regions_auto, float(own.get("regions_auto", 0.0))),
    )


def _log_odds_below(scores: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Log-odds that no rounding lifts to these scores: most candidates are told by them, without their score."""
    below = np.clip(scores - ROUNDED_AWAY, 0.0, 1.0)
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(below) - np.log1p(-below))


def _known(name: str) -> Profile:
    if name not in OTHERS:
        raise ValueError(f"there is no profile {name!r}")
    return OTHERS[name]
