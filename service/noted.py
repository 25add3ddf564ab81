"""The names that stand in an article, noted behind its answer: what new tags are proposed from (service/new_names.py).

A capital letter counts where no sentence begins, so that what is left are names, and few other words.
"""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice

from service.inference.article import Article
from service.inference.text import read_all

DAYS = 7  # that a name counts
MOST_NAMES = 100  # of one article
LONGEST = 100  # characters of a name

# No sentence begins behind a letter, a digit, or one of these. Looked for behind a space: half of the 40 µs that a look
# back at each letter takes for 1,000 characters.
_NAME = re.compile(r" ([«\"]?[A-ZА-ЯЁ][\w-]+(?: [A-ZА-ЯЁ][\w-]+){0,3})")
_GOES_ON = frozenset(",;)(%")


def oldest(now: datetime) -> str:
    """The first day that counts, ISO 8601."""
    return (now - timedelta(days=DAYS)).date().isoformat()


def names_of(article: Article, since: str) -> str:
    """The names that stand in a finished article that was published since that day, one a line; 25 µs."""
    if article.id is None or article.stage == "draft" or not _is_of_late(article.published_at, since):
        return ""
    texts = [article.title or "", article.lead or "", article.text or ""]
    if article.text is None and article.body_html is not None:
        [(read, _)] = read_all([article])
        texts = [read.title, read.body]
    return "\n".join(islice(dict.fromkeys(name for text in texts for name in _names(text)), MOST_NAMES))


def _names(text: str) -> Iterator[str]:
    for found in _NAME.finditer(text):
        before = text[max(0, found.start() - 1)]
        if (before.isalnum() or before in _GOES_ON) and found.end() - found.start() <= LONGEST:
            yield found[1]


def _is_of_late(published_at: str | None, since: str) -> bool:
    """An archive that is answered again tells nothing of these days. What can't be read as a date is taken for new."""
    return published_at is None or published_at[:10] >= since or not published_at[:4].isdigit()
