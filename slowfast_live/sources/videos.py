"""Search for videos in folders, for the file dialog and for dropped items."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from slowfast_live.errors import UsageError
from slowfast_live.messages import Message, system_reason
from slowfast_live.sources.address import VIDEO_SUFFIXES
from slowfast_live.sources.picture_files import (
    is_animated_webp,
    is_pattern,
    is_picture_sequence,
    is_there,
    names_pictures,
)
from slowfast_live.sources.remote_files import remote_videos, url_of

_TEXT = frozenset({".ts", ".mts"})
"""Suffixes that are also used by TypeScript."""
_PROGRAM_STREAM = frozenset({".mod", ".tod"})
"""Camcorder suffixes that are also used by trackers and languages; camcorder files begin with a start code."""
_START_CODE, _SYNC = b"\x00\x00\x01", b"\x47"
_HEAD_BYTES = 1024

ANNOTATED_MARK = "slowfast-live:annotated"
"""Marker in the comment of every copy of a video that this program has drawn labels into.

Other programs keep the comment when they copy or convert a video, so the marker remains recognizable.
"""
_ENDS_BYTES = 32 * 1024
_LARGEST_NOTES_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Unread:
    """A place that could not be searched.

    Attributes:
        path: The folder or link.
        reason: The reason, as a sentence.
    """

    path: Path
    reason: str


@dataclass(frozen=True, slots=True)
class FoundVideo:
    """A video found by a search.

    Attributes:
        path: The file.
        below: Its path relative to the given folder, or its name if the file itself was given.
    """

    path: Path
    below: Path


@dataclass(slots=True)
class Search:
    """Result of a search.

    Attributes:
        files: The videos, without duplicates, in a stable order.
        unread: Places that could not be searched; their contents are missing.
        own: Copies with labels drawn in by this program, which are excluded.
    """

    files: list[FoundVideo] = field(default_factory=list)
    unread: list[Unread] = field(default_factory=list)
    own: list[Path] = field(default_factory=list)

    @property
    def remark(self) -> str:
        """A sentence about what was excluded; "" if nothing was."""
        if not self.own:
            return ""
        names = ", ".join(path.name for path in self.own[:3]) + (", ..." if len(self.own) > 3 else "")
        if len(self.own) == 1:
            return Message("1 copy with labels drawn in by this program was left out: {names}.", names=names)
        return Message(
            "{count} copies with labels drawn in by this program were left out: {names}.",
            count=len(self.own),
            names=names,
        )


def is_video_name(name: str) -> bool:
    """Whether a file of this name is offered or found as a video (case-insensitive)."""
    return name.lower().endswith(VIDEO_SUFFIXES)


def find_videos(given: Sequence[Path]) -> Search:
    """Find the videos in the given files and folders.

    Pictures count too if they form a video: a name pattern, a folder of pictures that is given itself and contains no
    video, a folder of numbered pictures (`picture_files.is_picture_sequence`), or an animated picture.

    A given file is always included. A folder is searched recursively, including linked folders, each once; hidden files
    and folders and copies that this program drew labels into are excluded.

    Args:
        given: Files and folders.

    Raises:
        UsageError: A path does not exist, or there is no video at all.
    """
    search = _Searcher()
    for path in given:
        search.take(path)
    found = search.found
    if not found.files:
        places = ", ".join(str(path) for path in given)
        notes = "".join(f" {note}" for note in (*(each.reason for each in found.unread), found.remark) if note)
        raise UsageError(
            Message(
                "No video was found in {places}.{notes} Looked for {video_suffixes}.",
                places=places,
                notes=notes,
                video_suffixes=" ".join(VIDEO_SUFFIXES),
            )
        )
    return found


class _Searcher:
    """Keeps track of visited folders, so that circular links end."""

    def __init__(self) -> None:
        self.found = Search()
        self._files: set[str] = set()
        self._folders: set[tuple[int, int]] = set()
        self._links: list[tuple[Path, Path]] = []

    def take(self, path: Path) -> None:
        """Add the videos of one given path or URL."""
        if (url := url_of(path)) is not None:
            for each, below in remote_videos(url, is_video_name):
                if each not in self._files:
                    self._files.add(each)
                    self.found.files.append(FoundVideo(Path(each), Path(below)))
            return
        if is_pattern(path) and is_there(path):
            self._add(path, Path(re.sub(r"[*?\[\]]", "_", path.name)))
            return
        try:
            is_folder = stat.S_ISDIR(path.stat().st_mode)
        except FileNotFoundError as error:
            if path.is_symlink():
                target = path.readlink()
                raise UsageError(
                    Message("{path} is a link to {target}, which does not exist.", path=path, target=target)
                ) from error
            raise UsageError(Message("There is no file or folder {path}.", path=path)) from error
        except (OSError, ValueError) as error:
            raise UsageError(
                Message("{path} cannot be read: {reason}.", path=path, reason=system_reason(error))
            ) from error
        if not is_folder:
            self._add(path, Path(path.name))
            return
        before = len(self.found.files) + len(self.found.own)
        self._walk(path, Path())
        if len(self.found.files) + len(self.found.own) == before and names_pictures(path):
            self._add(path, Path(path.absolute().name))
        while self._links:  # last, so that a file is listed at its own place if it has one
            self._walk(*self._links.pop(0))

    def _add(self, path: Path, below: Path) -> None:
        try:
            real = os.path.realpath(path)
        except OSError:
            real = os.path.abspath(path)  # noqa: PTH100 - links cannot be followed here
        if real not in self._files:
            self._files.add(real)
            self.found.files.append(FoundVideo(path, below))

    def _walk(self, folder: Path, below: Path) -> None:
        waiting = [(folder, below)]
        while waiting:
            folder, below = waiting.pop()
            try:
                status = folder.stat()
                if (status.st_dev, status.st_ino) in self._folders and status.st_ino:
                    continue
                self._folders.add((status.st_dev, status.st_ino))
                with os.scandir(folder) as listing:
                    entries = sorted(listing, key=lambda entry: entry.name)
            except OSError as error:
                self._miss(
                    folder,
                    Message(
                        "The folder {folder} cannot be read: {reason}.", folder=folder, reason=system_reason(error)
                    ),
                )
                continue
            waiting += reversed(list(self._inside(entries, folder, below)))

    def _inside(self, entries: list[os.DirEntry[str]], folder: Path, below: Path) -> Iterator[tuple[Path, Path]]:
        """Add the videos of a folder; yield its subfolders."""
        for entry in entries:
            if entry.name.startswith("."):
                continue
            path, place = folder / entry.name, below / entry.name
            try:
                is_folder = entry.is_dir()
            except OSError as error:  # circular links, or a server that does not respond
                self._miss(path, Message("{path} cannot be read: {reason}.", path=path, reason=system_reason(error)))
                continue
            if is_folder:
                if is_picture_sequence(path):
                    self._add(path, place)
                if entry.is_symlink():
                    self._links.append((path, place))
                else:
                    yield path, place
            elif is_video_name(entry.name) or (entry.name.lower().endswith(".webp") and is_animated_webp(path)):
                if is_annotated(path):
                    self.found.own.append(path)
                elif _plausible(path):
                    self._add(path, place)
            elif entry.is_symlink() and not path.suffix and not path.exists():
                self._miss(
                    path,
                    Message("{path} is a link to {target}, which does not exist.", path=path, target=path.readlink()),
                )

    def _miss(self, path: Path, reason: str) -> None:
        self.found.unread.append(Unread(path, reason))


def is_annotated(path: Path) -> bool:
    """Whether a file is a copy that this program drew labels into.

    Checks the start, the end, and an MP4's header, which is faster than opening the file as a video.
    """
    mark = ANNOTATED_MARK.encode()
    try:
        if not path.is_file():
            return False
        with path.open("rb") as file:
            if mark in file.read(_ENDS_BYTES):
                return True
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - _ENDS_BYTES))
            return mark in file.read() or mark in _mp4_notes(file, size)
    except OSError:
        return False


def _mp4_notes(file: BinaryIO, size: int) -> bytes:
    """Return the metadata of an MP4 or MOV file; b"" if there is none or it is another kind of file."""
    return b"".join(
        _content(file, begin, end)
        for kind, within, until in _boxes(file, 0, size)
        if kind == b"moov"
        for kind_inside, begin, end in _boxes(file, within, until)
        if kind_inside in (b"udta", b"meta")
    )


def _boxes(file: BinaryIO, begin: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield type, start and end of the content of each MP4 box between two positions."""
    while begin + 8 <= end:
        file.seek(begin)
        head = file.read(16)
        length, kind, used = int.from_bytes(head[:4], "big"), head[4:8], 8
        if length == 1:
            length, used = int.from_bytes(head[8:16], "big"), 16
        if length == 0:  # up to the end
            length = end - begin
        if not kind.isalnum() or length < used:
            return
        yield kind, begin + used, min(begin + length, end)
        begin += length


def _content(file: BinaryIO, begin: int, end: int) -> bytes:
    file.seek(begin)
    return file.read(min(end - begin, _LARGEST_NOTES_BYTES))


def _plausible(path: Path) -> bool:
    """Whether a file with an ambiguous suffix may be a video."""
    suffix = path.suffix.lower()
    if suffix not in _TEXT | _PROGRAM_STREAM:
        return True
    try:
        if not path.is_file():
            return True  # opening it reports the problem
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except OSError:
        return True
    if suffix in _PROGRAM_STREAM and head:
        return head.startswith((_START_CODE, _SYNC))
    return not head or not _is_text(head)  # an empty file is not text: opening it reports that it is empty


def _is_text(data: bytes) -> bool:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < len(data) - 3:  # not just a truncated character
            return False
        text = data[: error.start].decode("utf-8")
    return all(letter.isprintable() or letter in "\t\r\n\f\ufeff" for letter in text)
