"""How old a model is: the days since the newest article it learnt from. News change, and a model does not."""

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, date, datetime

from msgspec import Struct

log = logging.getLogger(__name__)

DAY = 24 * 3600.0  # seconds


class Age(Struct, frozen=True):
    """`days` is None where a version does not say when its newest row was; `most` 0: it is never too old."""

    days: int | None
    most: int
    too_old: bool

    def __str__(self) -> str:
        ends = f"the newest article it learnt from is {self.days} days old"
        return f"{ends}, {self.most} are allowed: `rubricator retrain`, or `rubricator adopt` your archive"


class Aging:
    """`newest_row` tells the day of a version, ISO 8601."""

    def __init__(self, newest_row: Callable[[str], str | None], most: int) -> None:
        self._newest_row, self._most = newest_row, most

    def of(self, version: str, today: date | None = None) -> Age:
        newest = self._newest_row(version)
        if newest is None:
            return Age(None, self._most, too_old=False)
        days = days_since(newest, today)
        return Age(days, self._most, too_old=0 < self._most < days)

    async def watch(self, version: Callable[[], str]) -> None:
        """Says so in the log, at once and each day, until it is cancelled."""
        while True:
            if (age := self.of(version())).too_old:
                log.warning("the model %s is old: %s", version(), age)
            await asyncio.sleep(DAY)


def days_since(moment: str, today: date | None = None) -> int:
    """0 of what is still to come."""
    return max(0, ((today or datetime.now(UTC).date()) - date.fromisoformat(moment[:10])).days)
