"""Of all processes on a machine one does a thing: whoever has the lock, which the system opens when its holder dies."""

import fcntl
from pathlib import Path
from typing import BinaryIO


class Lead:
    def __init__(self, path: Path) -> None:
        """`path`: of the file to be locked, whose folder has to be there."""
        self._path = path
        self._lock: BinaryIO | None = None

    def taken(self) -> bool:
        """Whether it is this process; it is kept until it is closed. Raises OSError where the file can't be made."""
        if self._lock is None:
            lock = self._path.open("ab")
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                lock.close()
                return False
            self._lock = lock
        return True

    def close(self) -> None:
        if self._lock is not None:
            self._lock.close()
