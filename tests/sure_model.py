"""The sample model made sure of everything: each score it gives is 1.0, and each score would be published unseen."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from msgspec.structs import replace

from service.inference.article import Article
from service.inference.regions import FEATURES
from service.inference.tags import EVIDENCE
from tests.sample_model import articles, trained

SOURCE = "sample"
ENOUGH, TOO_FEW = 200, 199  # articles of the outlet to calibrate on
LIKELIEST = "Спорт"
SURE = 60.0  # log-odds
HELD: dict[str, Any] = {"rubrics": {}, "tags": {}, "regions": {}, "persons": [], "incidents": []}


def sure_parts(
    policy: Mapping[str, Any] = HELD, calibrated: int = ENOUGH, likeliest: str = LIKELIEST
) -> dict[str, Any]:
    """Every article's rubric is `likeliest`, every candidate is a tag, every place that is named a region."""
    parts = dict(trained().parts)
    bias = np.where(np.array(parts["rubric"]["labels"]) == likeliest, SURE, -SURE).astype(np.float32)
    parts["rubric"] = {**parts["rubric"], "bias": bias, "slope": np.ones_like(bias), "offset": np.zeros_like(bias)}
    parts["tags"] = {**parts["tags"], "ranker": one_of(EVIDENCE, "always")}
    weights = [one_of(FEATURES, "one").tolist(), 0.5]
    parts["regions"] = {**parts["regions"], "coefficients": dict.fromkeys(("country", "subject", "city"), weights)}
    auto = {"rubric_auto": 0.0, "tags_auto": 0.0, "regions_auto": 0.0, "rubric_review": 0.0}
    parts["decisions"] = {**auto, "sources": {SOURCE: calibrated}, "profiles": {"precision": auto, "recall": auto}}
    parts["policy"] = {**HELD, **policy}
    return parts


def one_of(names: tuple[str, ...], wanted: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.where(np.array(names) == wanted, SURE, 0.0)


def everything(policy: str) -> dict[str, dict[str, str]]:
    """This policy for every label of the sample model."""
    parts = trained().parts
    return {
        "rubrics": dict.fromkeys(parts["rubric"]["ids"], policy),
        "tags": dict.fromkeys(parts["tags"]["ids"], policy),
        "regions": dict.fromkeys([place[0] for place in parts["regions"]["places"]], policy),
    }


def sent(count: int = 12) -> list[Article]:
    return [replace(article, source=SOURCE) for article in articles()[:count]]
