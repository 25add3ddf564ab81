"""The lenta.ru archive as it is passed around: `url,title,text,topic,tags[,date]`.

Its `tags` hold one sub-rubric or «Все», so they tell about the rubric and are no topic tags; older files have no date,
but each address does: /news/2018/12/14/cancer/.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from service.inference.article import LabelledArticle
from training.readers import Rejects, Row
from training.readers.csv import cells_by_column

_DAY = re.compile(r"(\d{4})[/-](\d\d)[/-](\d\d)")
_NO_SUBRUBRIC = ("", "Все")


def read(path: Path, rejects: Rejects) -> Iterator[Row]:
    for line, cells in cells_by_column(path, rejects):
        title, text, url = (cells.get(name, "").strip() for name in ("title", "text", "url"))
        if not title and not text:
            rejects.add(path, line, "neither title nor text")
            continue
        day = _DAY.search(cells.get("date", "")) or _DAY.search(url)
        article = LabelledArticle(
            id=url or None,
            title=title,
            text=text,
            source="lenta.ru",
            url=url or None,
            published_at="-".join(day.groups()) if day else None,
            rubric=cells.get("topic", "").strip() or None,
        )
        subrubric = cells.get("tags", "").strip()
        yield Row(line, article, {"subrubrics": [] if subrubric in _NO_SUBRUBRIC else [subrubric]})
