"""Where the names of a tag stand that no model has learnt: as the words that speak for it."""

from collections.abc import Sequence
from typing import Literal

from service.inference.article import Article, Attribution
from service.inference.explain import Span, attributions
from service.inference.spans import Units
from service.inference.text import read_all

MOST = 12  # words shown for a label: as many as an editor reads


def words_of_names(
    article: Article, spans: Sequence[Span], score: float, how: Literal["codepoints", "utf16"]
) -> tuple[Attribution, ...]:
    """The places share the score, for without them the tag would not be there. Reads the text again: 0.1 ms."""
    [(text, _)] = read_all([article])
    words = attributions(text, {span: score / len(spans) for span in spans}, MOST)
    return tuple(map(Units(article).moved, words)) if how == "utf16" else words
