"""A command run to its end: what it took by the clock, in CPU seconds and in memory."""

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryFile
from typing import NamedTuple

from tests.bench.server import RUBRICATOR


class Cost(NamedTuple):
    """`seconds` by the clock, `cpu` of it and all that it waited for, `peak` the largest RSS of one process, MB."""

    seconds: float
    cpu: float
    peak: float


class CommandError(Exception):
    """It ended with another code than 0: what it said."""


def run(
    arguments: Sequence[str], home: Path, *, niced: bool = False, environment: Mapping[str, str] | None = None
) -> Cost:
    """`rubricator` with these arguments."""
    command = [*(["nice"] if niced else []), *RUBRICATOR, *arguments]
    with TemporaryFile("w+") as told:
        began = time.monotonic()
        process = subprocess.Popen(
            command,
            env={**os.environ, "RUBRICATOR_HOME": str(home), **(environment or {})},
            stdout=subprocess.DEVNULL,
            stderr=told,
        )
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.monotonic() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            told.seek(0)
            raise CommandError(
                f"rubricator {arguments[0]} ended with {process.returncode}: {told.read()[-400:].strip()}"
            )
    return Cost(seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def knows(command: str, option: str) -> bool:
    """Whether the command has the option."""
    said = subprocess.run([*RUBRICATOR, command, "--help"], capture_output=True, text=True, check=True).stdout
    return option in said
