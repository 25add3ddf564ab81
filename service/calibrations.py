"""What corrections changed about the model since it was trained, in step with the store."""

import logging
from collections.abc import Iterator, Mapping
from typing import Protocol

import msgspec
from msgspec import Struct

from service.inference.calibration import Calibration
from service.store import calibrations
from service.store.calibrations import State
from service.store.database import Connection

log = logging.getLogger(__name__)


class _Keys(Struct, frozen=True):
    keys: tuple[bytes, ...] = ()


_keys = msgspec.json.Decoder(_Keys)
_decoder = msgspec.json.Decoder(Calibration)


class Calibrates(Protocol):
    """What the door needs of it."""

    def of(self, version: str, /) -> Calibration | None: ...


class CalibratesNothing:
    def of(self, _: str, /) -> Calibration | None:
        return None


class Calibrations:
    def __init__(self) -> None:
        self._state: State = (0, 0)
        self._of: Mapping[str, Calibration] = {}

    def of(self, version: str, /) -> Calibration | None:
        """That of this model; the same object until it changes."""
        return self._of.get(version)

    def catch_up(self, connection: Connection) -> None:
        """A look costs 20 µs."""
        if (state := calibrations.state(connection)) == self._state:
            return
        self._of = dict(_readable(connection))
        self._state = state
        for model, one in self._of.items():
            log.info("%s answers by the calibration %s from now on: %d articles", model, one.version, one.articles)


def _readable(connection: Connection) -> Iterator[tuple[str, Calibration]]:
    for row in calibrations.read(connection):
        try:
            if row.body is not None:
                yield row.model, _decoder.decode(row.body)
        except msgspec.MsgspecError as error:  # by another version of the service; a model answers without it as well
            log.warning("the calibration of %s can't be read, and is not heeded: %s", row.model, error)


def forget(connection: Connection, key: bytes) -> None:
    """After an erasure: a calibration that was made from the article, too, goes, and one that doesn't say."""
    for row in calibrations.read(connection):
        try:
            its = row.body is not None and key in _keys.decode(row.body).keys
        except msgspec.MsgspecError:
            its = True
        if its:
            calibrations.remove(connection)
