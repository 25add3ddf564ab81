"""The service calibrates itself: after every so many corrections, and anew where a calibration went with an article."""

import logging
import subprocess
import sys
import threading
from collections.abc import Callable

import msgspec

from service.calibrating import IN_VAIN
from service.keeping import Keeping
from service.lead import Lead
from service.settings import Settings
from service.store import calibrations, journal
from service.store.database import StoreError

log = logging.getLogger(__name__)

EVERY = 5.0  # seconds between two looks
PATIENCE = 0.1  # seconds until a child hears that the service ends


class ByItself:
    """A thread; of all workers on a machine one does it."""

    def __init__(self, settings: Settings, keeping: Keeping, active: Callable[[], str]) -> None:
        self._settings, self._keeping, self._active = settings, keeping, active
        self._closing = threading.Event()
        self._lead = Lead(settings.home / ".calibrating")
        self._in_vain = "", 0  # the model, and the last number of the journal when nothing came of it
        self._thread = threading.Thread(target=self._run, name="calibrating", daemon=True)

    def start(self) -> None:
        if self._settings.calibrate_after:
            self._thread.start()

    def close(self) -> None:
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._closing.wait(EVERY):
            try:
                # corrections are counted by the one that would do it: without a calibration yet all of them are
                if self._keeping.database.exists() and self._lead.taken() and self._is_due():
                    self.once()
            except StoreError:
                pass  # it is told elsewhere
            except Exception:
                log.exception("the calibration stumbled")
        self._lead.close()

    def _is_due(self) -> bool:
        """Where the model has no calibration, also because an article of it was erased, all corrections count."""
        version = self._active()
        model, number = self._in_vain
        with self._keeping.readers.one() as connection:
            since = max(calibrations.last_change(connection, version), number if model == version else 0)
            return journal.taught_since(connection, since) >= self._settings.calibrate_after

    def once(self) -> None:
        """In a process of its own that gives way to the answers. Raises StoreError."""
        version = self._active()
        with self._keeping.readers.one() as connection:
            number = journal.last_number(connection)
        self._in_vain = version, number
        code, said = self._child()
        if self._closing.is_set():
            return
        level = logging.INFO if code in {0, IN_VAIN} else logging.ERROR
        log.log(level, "calibration: %s", said.splitlines()[-1] if said else f"exit code {code}")
        if not code:
            self._in_vain = "", 0

    def _child(self) -> tuple[int, str]:
        """Its exit code, and what it said."""
        command = [sys.executable, "-m", "service.calibrating"]
        pipe = subprocess.PIPE
        sent: bytes | None = msgspec.json.encode(self._settings, enc_hook=str)
        with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.STDOUT) as child:  # noqa: S603
            while True:
                try:
                    said, _ = child.communicate(sent, timeout=PATIENCE)
                except subprocess.TimeoutExpired:
                    sent = None  # it goes on with what it was given
                    if self._closing.is_set():
                        child.terminate()
                else:
                    return child.returncode, said.decode(errors="replace").strip()
