"""Rubrics that are no news («Реклама», «Прочее»): learnt, so as to tell such articles, and never answered."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from msgspec.structs import replace

from service.inference.article import LabelledArticle
from service.inference.decisions import rounded
from training.config import Config, ConfigError
from training.morphology import fold

Doubles = npt.NDArray[np.float64]
Longs = npt.NDArray[np.int64]
# Of the articles that probabilities are calibrated on, so many may have fewer features than is asked of one to be
# published: it costs fontanka .002 of its coverage, and of Telegram posts that are no news, answered by fontanka's
# model, .06 are published instead of .31 (chosen on half of the channels).
SHORTEST = 0.01
MOST_PUBLISHED = 0.05  # of held-out articles that are no news


def numbers(rubrics: Sequence[str], config: Config) -> list[int]:
    """Which of the rubrics are no news. Raises ConfigError for one that no article has."""
    number = {fold(label): i for i, label in enumerate(rubrics)}
    if missing := [label for label in config.rubric.no_news if fold(label) not in number]:
        raise ConfigError(f"[rubric] no_news: no article has the rubric «{missing[0]}»; write it as the archive does")
    return sorted({number[fold(label)] for label in config.rubric.no_news})


def unlabelled(articles: Sequence[LabelledArticle], config: Config) -> list[LabelledArticle]:
    """For a test: an article that is no news has no right rubric, so it counts for the other heads alone."""
    none = frozenset(map(fold, config.rubric.no_news))
    return [replace(one, rubric=None) if one.rubric and fold(one.rubric) in none else one for one in articles]


def fewest_features(features: Longs) -> int:
    """Fewer than all but SHORTEST of the articles have."""
    return int(np.quantile(features, SHORTEST)) if len(features) else 0


def answered(scores: Doubles, no_news: Sequence[int]) -> npt.NDArray[np.bool_]:
    """Of held-out articles, by their `scores` (articles, rubrics), those that would be answered as news."""
    return ~np.isin(scores.argmax(axis=1), no_news)


def least_score(scores: Doubles, labels: Longs, no_news: Sequence[int]) -> float:
    """Below this no rubric is published: only MOST_PUBLISHED of the held-out articles that are no news lie above."""
    none = np.isin(labels, no_news)
    strays = np.sort(scores.max(axis=1)[none & answered(scores, no_news)])[::-1]
    allowed = int(MOST_PUBLISHED * np.count_nonzero(none))
    return rounded(rounded(float(strays[allowed])) + 1e-4) if len(strays) > allowed else 0.0
