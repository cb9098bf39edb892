"""Folders of models: made beside their destination, and moved there when they are complete."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

_LOG = logging.getLogger(__name__)

_BUILDING = ".building-"


@contextlib.contextmanager
def building_folder(output: Path, name: str) -> Iterator[Path]:
    """Create a folder beside the models that is always removed afterward."""
    folder = output / f"{_BUILDING}{os.getpid()}-{name}-{time.monotonic_ns()}"
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def swap(new: Path, target: Path) -> None:
    """Move a complete folder to its destination; an existing one is moved aside first and then removed.

    Foreign files beside the model are kept. What is moved is on the disk before, so that a power cut leaves the old
    folder or the complete new one.

    Raises:
        OSError: It cannot be moved; an existing folder is unchanged.
    """
    for path in new.iterdir():
        if path.is_file():
            with path.open("rb+") as file:
                os.fsync(file.fileno())
    old = new.with_name(new.name + "-old")
    if target.exists():
        target.replace(old)
    try:
        new.replace(target)
    except OSError:
        if old.exists():
            old.replace(target)
        raise
    if old.exists():
        for path in old.iterdir():
            if not (target / path.name).exists():
                path.replace(target / path.name)
    shutil.rmtree(old, ignore_errors=True)


def clear_leftovers(output: Path) -> None:
    """Remove leftovers of builds that were killed; folders of running builds are kept."""
    for folder in output.glob(f"{_BUILDING}*"):
        number = folder.name.removeprefix(_BUILDING).split("-")[0]
        if number.isdecimal() and int(number) != os.getpid() and psutil.pid_exists(int(number)):
            continue
        _LOG.info("Removing %s, left by a build that did not finish", folder)
        shutil.rmtree(folder, ignore_errors=True)
