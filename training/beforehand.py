"""What would fail after hours of training is tried before."""

import os
from collections.abc import Sequence
from pathlib import Path

from service.inference.signature import is_signed, sign


class BeforehandError(Exception):
    """The work would be lost at its end: names the option or variable and what to give instead."""


def check_folder(option: str, folder: Path) -> None:
    """That a model can be written there: not there yet, or empty."""
    if folder.is_dir():
        if any(folder.iterdir()):
            raise BeforehandError(f"{option} {folder} is not empty: name a folder that is not there yet")
    elif folder.exists():
        raise BeforehandError(f"{option} {folder} is a file: name a folder that is not there yet")
    _check_place(option, folder)


def check_file(option: str, file: Path) -> None:
    """That a file can be written there, over the one that may be there."""
    if file.is_dir():
        raise BeforehandError(f"{option} {file} is a folder: name a file")
    _check_place(option, file)
    if file.exists() and not os.access(file, os.W_OK):
        raise BeforehandError(f"{option} {file} may not be written: name another, or set its rights")


def check_home(home: Path) -> None:
    """That a model can be registered in it; it is made if it isn't there."""
    home.mkdir(parents=True, exist_ok=True)
    for folder in (home, home / "registry", home / "registry" / "versions"):
        if folder.exists() and not (folder.is_dir() and os.access(folder, os.W_OK)):
            raise BeforehandError(f"{folder} is no folder that may be written: set its rights, or RUBRICATOR_HOME")


def check_keys(signing_key: Path | None, trusted_keys: Sequence[Path], *, activate: bool) -> None:
    """That the model can be signed, and if it is to answer, that the service will trust it. Raises KeyFileError for a
    key that can't be read."""
    signature = sign(b"", signing_key) if signing_key else None
    if not activate or not trusted_keys:
        return
    if signature is None:
        raise BeforehandError(
            "--activate: this service trusts signed models only (RUBRICATOR_TRUSTED_KEYS): set RUBRICATOR_SIGNING_KEY"
        )
    if not is_signed(b"", signature, trusted_keys):
        raise BeforehandError(f"--activate: {signing_key} signs with a key that RUBRICATOR_TRUSTED_KEYS doesn't name")


def _check_place(option: str, path: Path) -> None:
    if not path.parent.is_dir():
        raise BeforehandError(f"{option} {path}: there is no folder {path.parent}: make it first")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise BeforehandError(f"{option} {path}: {path.parent} may not be written: name another folder")
