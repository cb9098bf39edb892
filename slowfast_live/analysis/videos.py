"""The files to analyze and the names of their results."""

from __future__ import annotations

import hashlib
import os
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from slowfast_live.analysis.names import absolute, printable
from slowfast_live.sources.videos import FoundVideo, Search

_LONGEST_STEM = 180
"""In bytes of UTF-8.

Most file systems allow names of 255 bytes, and the extensions of the results need some of them.
"""
_DEVICES = {"CON", "PRN", "AUX", "NUL", *(f"{port}{n}" for port in ("COM", "LPT") for n in range(1, 10))}
"""Names that Windows reserves for devices, with any extension."""


@dataclass(frozen=True, slots=True)
class Video:
    """One file to analyze.

    Attributes:
        path: The file.
        name: Display name: its path relative to the folder that was given.
        stem: Path of its results relative to the output folder, without an extension.
        further: Alternative stems in case that one is taken.
    """

    path: Path
    name: str
    stem: str
    further: tuple[str, ...] = ()


def videos_of(search: Search) -> list[Video]:
    """Return the files that a search found, with the names that their results would have in an empty folder."""
    return _named(search.files)


def _named(files: Sequence[FoundVideo]) -> list[Video]:
    """Choose the result names: as short as possible while distinct, even on case-insensitive file systems."""
    offers = [_stems(file) for file in files]
    chosen = [0] * len(files)
    for way in range(1, len(offers[0]) if offers else 0):
        count = Counter(same_name(offer[at]) for offer, at in zip(offers, chosen, strict=True))
        chosen = [way if count[same_name(offer[at])] > 1 else at for offer, at in zip(offers, chosen, strict=True)]
    return [
        Video(file.path, printable(file.below.as_posix()), offer[at], offer[at + 1 :])
        for file, offer, at in zip(files, offers, chosen, strict=True)
    ]


def _stems(file: FoundVideo) -> tuple[str, ...]:
    """Return the possible names of a file's results, shortest first."""
    digest = path_digest(file.path)[:8]
    ways = (file.below.with_suffix("").as_posix(), file.below.as_posix(), f"{file.below.as_posix()}~{digest}")
    return tuple(_short(_usable(printable(way)), digest) for way in ways)


def same_name(stem: str) -> str:
    """Return a key that is equal for names that some file systems treat as one: by case, or by Unicode composition."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", stem).casefold())


def _usable(stem: str) -> str:
    """Return a name that Windows accepts, too, if it would take this one for a device."""
    folder, slash, name = stem.rpartition("/")
    return f"{folder}{slash}_{name}" if name.partition(".")[0].strip().upper() in _DEVICES else stem


def _short(stem: str, digest: str) -> str:
    folder, slash, name = stem.rpartition("/")
    if len(name.encode()) <= _LONGEST_STEM:
        return stem
    return f"{folder}{slash}{name.encode()[:_LONGEST_STEM].decode(errors='ignore')}~{digest}"


def path_digest(file: Path) -> str:
    """Return a short digest of a path, whatever bytes its name holds."""
    return hashlib.blake2b(os.fsencode(absolute(file)), digest_size=8).hexdigest()
