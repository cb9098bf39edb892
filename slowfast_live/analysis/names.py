"""How paths are written: the same in every run and in every output."""

from __future__ import annotations

import os
from pathlib import Path

from slowfast_live.sources.remote_files import url_of
from slowfast_live.urls import display_url


def absolute(path: Path) -> str:
    """Return the absolute path without resolving links; of a file by URL its address, without keys."""
    if (url := url_of(path)) is not None:
        return display_url(url)
    return os.path.abspath(path)  # noqa: PTH100 - resolve() would follow them


def printable(name: str) -> str:
    """Return a file name that any output can hold: bytes that are not UTF-8 become replacement characters."""
    return os.fsencode(name).decode("utf-8", "replace")
