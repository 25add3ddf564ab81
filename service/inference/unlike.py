"""What a model must not publish unseen, however sure it is: its probabilities hold for articles like those it knows.

A model has to answer with one of its rubrics, so an advertisement or a horoscope gets the likeliest of them, often with
a high probability. Two things tell, both learnt from the newsroom's own archive: the article looks most like what the
newsroom files under a rubric that is no news; or it has fewer known words than nearly all articles on which the
probabilities were calibrated. Such an article is still answered, for an editor to look at.
"""

from collections.abc import Mapping, Sequence
from typing import Any


class Unlike:
    """Two comparisons an article."""

    def __init__(self, decisions: Mapping[str, Any]) -> None:
        """`decisions`: `fewest_features` (columns of an article; fewer are too few), `no_news` (numbers of rubrics that
        are learnt and never answered). Artifacts from before have neither."""
        self._fewest = int(decisions.get("fewest_features", 0))
        self.no_news: tuple[int, ...] = tuple(decisions.get("no_news", ()))

    def too_short(self, columns: int) -> bool:
        """Whether an article has too few known words and pairs for its probability to be believed."""
        return columns < self._fewest

    def is_news(self, probabilities: Sequence[float]) -> bool:
        """Whether the likeliest rubric is one to answer with."""
        return not self.no_news or probabilities.index(max(probabilities)) not in self.no_news
