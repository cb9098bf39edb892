"""How paths are told: the same on every run, and in any output."""

from __future__ import annotations

import os
from pathlib import Path


def absolute(path: Path) -> str:
    """Return a path from the root on, by the name that it was given: links are not followed."""
    return os.path.abspath(path)  # noqa: PTH100 - resolve() would follow them


def printable(name: str) -> str:
    """Return a file name that any output can hold: bytes that are no UTF-8 become replacement characters."""
    return os.fsencode(name).decode("utf-8", "replace")
