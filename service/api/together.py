"""What all workers of a service counted. Each writes its own tally beside the others' once a second; whichever is asked
for the metrics adds them up. What a worker that died had counted stays, so that counters never fall."""

import asyncio
import os
from pathlib import Path

import msgspec

from service.api.tally import Tally

EVERY = 1.0  # seconds


class Together:
    """The tally of this process and those beside it in `folder`; without a folder, this one alone."""

    def __init__(self, tally: Tally, folder: Path | None) -> None:
        self._tally = tally
        self._folder = folder
        self._writing: asyncio.Task[None] | None = None

    def total(self) -> Tally:
        """Reads the disk, or a memory that looks like one."""
        total = Tally()
        total.add(self._tally)
        for path in self._folder.iterdir() if self._folder is not None else ():
            if path.name.isdecimal() and int(path.name) != os.getpid():
                total.add(msgspec.msgpack.decode(path.read_bytes(), type=Tally))
        return total

    async def start(self) -> None:
        if self._folder is not None:
            self._writing = asyncio.create_task(self._write_on(self._folder / str(os.getpid())))

    async def stop(self) -> None:
        if self._writing is not None:
            self._writing.cancel()

    async def _write_on(self, path: Path) -> None:
        beside = path.with_suffix(".new")
        while True:
            try:
                await asyncio.sleep(EVERY)
            finally:  # the last time when the service ends
                beside.write_bytes(msgspec.msgpack.encode(self._tally))
                beside.replace(path)
