"""Which files are looked at, and what their results are called."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from slowfast_live.analysis.names import absolute, printable
from slowfast_live.errors import UsageError
from slowfast_live.sources.address import VIDEO_SUFFIXES

_LONGEST_STEM = 180
"""Bytes of UTF-8; most file systems take names of 255, and the results' endings need some."""


@dataclass(frozen=True, slots=True)
class Video:
    """One file to look at.

    Attributes:
        path: The file.
        name: What to call it: its path below the folder that was given.
        stem: Its results' path below the output folder, without an ending.
    """

    path: Path
    name: str
    stem: str


def find_videos(given: Sequence[Path], leave_out: Path | None = None) -> list[Video]:
    """Return the files that are meant, each once, in a stable order.

    A file is taken as it is named, whatever it ends with; a folder is searched for videos with all that is in it,
    hidden files and folders apart.

    Args:
        given: Files and folders.
        leave_out: A folder that is not searched: that of the results.

    Raises:
        UsageError: A path does not exist, or no video is found at all.
    """
    found: dict[str, tuple[Path, Path]] = {}
    for path in given:
        if not path.exists():
            raise UsageError(f"There is no file or folder {path}.")
        inside = _walk(path, leave_out) if path.is_dir() else [path]
        for file in inside:
            relative = file.relative_to(path) if path.is_dir() else Path(file.name)
            found.setdefault(absolute(file), (file, relative))
    if not found:
        folders = ", ".join(str(path) for path in given)
        raise UsageError(f"No video was found in {folders}. Looked for {' '.join(VIDEO_SUFFIXES)}.")
    return _named(list(found.values()))


def _walk(folder: Path, leave_out: Path | None) -> Iterator[Path]:
    out = absolute(leave_out) if leave_out is not None else None
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(n for n in folders if not n.startswith(".") and absolute(Path(place, n)) != out)
        for name in sorted(names):
            if not name.startswith(".") and name.lower().endswith(VIDEO_SUFFIXES):
                yield Path(place, name)


def _named(files: Sequence[tuple[Path, Path]]) -> list[Video]:
    """Name the results: as short as tells them apart, also where upper and lower case are the same."""
    ways: tuple[Callable[[Path, Path], str], ...] = (
        lambda _file, relative: relative.with_suffix("").as_posix(),
        lambda _file, relative: relative.as_posix(),
        lambda file, relative: f"{relative.as_posix()}~{_digest(file)}",
    )
    stems = [""] * len(files)
    for way in ways:
        count = Counter(stem.casefold() for stem in stems)
        for i, (file, relative) in enumerate(files):
            if not stems[i] or count[stems[i].casefold()] > 1:
                stems[i] = _short(printable(way(file, relative)), file)
    return [
        Video(file, printable(relative.as_posix()), stem) for (file, relative), stem in zip(files, stems, strict=True)
    ]


def _short(stem: str, file: Path) -> str:
    folder, slash, name = stem.rpartition("/")
    if len(name.encode()) <= _LONGEST_STEM:
        return stem
    return f"{folder}{slash}{name.encode()[:_LONGEST_STEM].decode(errors='ignore')}~{_digest(file)}"


def _digest(file: Path) -> str:
    return hashlib.blake2b(os.fsencode(absolute(file)), digest_size=4).hexdigest()
