"""Picture files: which files are pictures, which of them form a video, and in what order."""

from __future__ import annotations

import glob
import os
import re
import stat
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from slowfast_live.sources.remote_files import remote_state, url_of

PICTURE_SUFFIXES = (
    ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".dib", ".tif", ".tiff", ".webp", ".avif",
    ".ppm", ".pgm", ".pnm", ".tga", ".jp2",
)  # fmt: skip
"""Suffixes of files in a folder of pictures."""

_UNREAD_SUFFIXES = (".heic", ".heif", ".jxl", ".dng", ".cr2", ".cr3", ".nef", ".arw", ".psd", ".svg")
"""Suffixes of picture formats that the app cannot decode."""

_JPEG = b"\xff\xd8\xff"
_MOTION_JPEG_SUFFIXES = (".mjpeg", ".mjpg")
_JPEG_SCAN_BYTES = 16 * 1024 * 1024
_MAX_IN_PHOTOGRAPH = 6

STILL_HEAD = 64
READABLE_STILLS = frozenset({"AVIF"})

_PATTERN = re.compile(r"%0?\d*d")
_NUMBER = re.compile(r"(\d+)")
_MIN_PICTURES = 2
_MIN_UNASKED = 8
_ALIKE = 0.9
"""Minimum share of similarly named pictures for a folder to be treated as a video automatically."""

_MAX_WALK = 1_000_000


@dataclass(frozen=True, slots=True)
class NamedPictures:
    """The pictures of a sequence, in order.

    Attributes:
        files: Paths of the pictures.
        places: Index of each picture in the sequence: 0, 1, 2, ..., with gaps where numbers are missing.
        missing: How many numbers are missing.
        first_gap: The first missing numbers, as "50" or "50 to 52"; "" if none are missing.
    """

    files: tuple[Path, ...]
    places: tuple[int, ...]
    missing: int = 0
    first_gap: str = ""


def is_picture_name(name: str) -> bool:
    """Whether a file name is that of a picture."""
    return name.lower().endswith(PICTURE_SUFFIXES)


def names_pictures(path: Path) -> bool:
    """Whether a path refers to pictures that form a video: a folder of at least two, or a pattern ("f_%04d.jpg").

    Such a folder is played as one video if the user names it. For folders found by a search, see `is_picture_sequence`.
    """
    if is_pattern(path):
        return True
    return _is_folder(path) and len(_in_folder(path, _MIN_PICTURES)) >= _MIN_PICTURES


def is_picture_sequence(folder: Path) -> bool:
    """Whether a folder found by a search contains the frames of one video.

    This requires at least eight pictures whose names differ only by a number, as written by programs that split videos.
    Photos next to videos, covers and thumbnails are ignored.
    """
    names = _in_folder(folder, _MAX_WALK) if _is_folder(folder) else []
    return len(names) >= _MIN_UNASKED and _alike(names) >= _ALIKE * len(names)


def is_pattern(path: Path) -> bool:
    """Whether a path is a name pattern; not if a file with exactly this name exists."""
    name = path.name
    if not is_picture_name(name) or not (_PATTERN.search(name) or glob.has_magic(name)):
        return False
    return not os.path.lexists(path)


def pictures_of(path: Path) -> NamedPictures:
    """Return the pictures of a folder or pattern in natural order: 2 before 10.

    Raises:
        OSError: The folder cannot be read.
    """
    if is_pattern(path):
        wanted = _matcher(path.name)
        names = [file.name for file in path.parent.iterdir() if wanted.fullmatch(file.name)]
        folder = path.parent
    else:
        names, folder = [file.name for file in path.iterdir() if _shown(file.name)], path
    names.sort(key=natural)
    places, missing, gap = _places(names)
    return NamedPictures(tuple(folder / name for name in names), places, missing, gap)


def natural(name: str) -> tuple[tuple[int, int, str], ...]:
    """Return a sort key for names in which numbers sort by value."""
    parts = _NUMBER.split(name.casefold())
    return tuple((1, int(part), part) if part.isdecimal() else (0, 0, part) for part in parts if part)


def still_kind(head: bytes) -> str | None:
    """Return the format of a single picture that FFmpeg takes for a video or does not know.

    Args:
        head: The first `STILL_HEAD` bytes of a file.

    Returns:
        "AVIF", "HEIC" or "JPEG XL"; None for anything else, including animated AVIF and HEIC.
    """
    if head.startswith((b"\xff\x0a", b"\0\0\0\x0cJXL \r\n\x87\n")):
        return "JPEG XL"
    if head[4:8] != b"ftyp":
        return None
    brand = head[8:12]
    if brand in (b"avis", b"msf1", b"hevc", b"hevx"):
        return None
    length = min(int.from_bytes(head[:4], "big"), len(head))
    brands = [brand, *(head[at : at + 4] for at in range(16, length, 4))]
    if brand == b"avif" or (brand == b"mif1" and b"avif" in brands):
        return "AVIF"
    return "HEIC" if brand in (b"heic", b"heix", b"heim", b"heis", b"mif1") else None


def jpeg_format(path: Path) -> str | None:
    """Return FFmpeg's name of the format of a file that begins as a JPEG: one picture, or a sequence of them.

    FFmpeg decides by the size of the pictures. Simple cameras record such sequences; a photograph may hold further
    pictures, too: thumbnails, a depth map, the same in other exposures. None for any other file.

    Raises:
        OSError: It cannot be read.
    """
    with path.open("rb") as file:
        if file.read(len(_JPEG)) != _JPEG:
            return None
        if path.suffix.lower() in _MOTION_JPEG_SUFFIXES:
            return "mjpeg"
        several = not is_picture_name(path.name) and file.read(_JPEG_SCAN_BYTES).count(_JPEG) >= _MAX_IN_PHOTOGRAPH
        return "mjpeg" if several else "jpeg_pipe"


def unread_pictures(folder: Path) -> str:
    """Return the suffixes of the undecodable pictures in a folder, separated by commas; "" if there are none."""
    found: set[str] = set()
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                found.update(suffix for suffix in _UNREAD_SUFFIXES if entry.name.lower().endswith(suffix))
    except OSError:
        return ""
    return ", ".join(sorted(found))


def is_there(path: Path) -> bool:
    """Whether a path refers to something that may be played: a file, a folder of pictures, or a matching pattern."""
    try:
        if is_pattern(path):
            wanted = _matcher(path.name)
            return any(wanted.fullmatch(file.name) for file in path.parent.iterdir())
        return path.is_file() or names_pictures(path)
    except (OSError, ValueError):
        return False


def size_and_date(path: Path) -> tuple[int, int]:
    """Return the size in bytes and the modification time in nanoseconds of a file, or of pictures taken together.

    Raises:
        OSError: It does not exist.
    """
    if (url := url_of(path)) is not None:
        return remote_state(url)
    if not names_pictures(path):
        status = path.stat()
        return status.st_size, status.st_mtime_ns
    every = [file.stat() for file in pictures_of(path).files]
    if not every:
        raise FileNotFoundError(f"no picture is named like {path.name}")
    return sum(status.st_size for status in every), max(status.st_mtime_ns for status in every)


def is_animated_webp(path: Path) -> bool:
    """Whether a file is an animated WebP picture."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return False
        with path.open("rb") as file:
            head = file.read(21)
    except (OSError, ValueError):
        return False
    return len(head) == 21 and head[:4] == b"RIFF" and head[8:16] == b"WEBPVP8X" and bool(head[20] & 2)


def _shown(name: str) -> bool:
    return is_picture_name(name) and not name.startswith(".")


def _in_folder(folder: Path, enough: int) -> list[str]:
    return list(_some(folder, enough))


def _some(folder: Path, enough: int) -> Iterator[str]:
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if _shown(entry.name):
                    yield entry.name
                    enough -= 1
                    if enough <= 0:
                        return
    except OSError:
        return


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


def _split(name: str) -> tuple[str, str, str] | None:
    """Split a name into the text before its last number, the number, and the rest; None without a number."""
    found = re.fullmatch(r"(.*?)(\d+)(\D*)", name)
    return (found[1], found[2], found[3].lower()) if found else None


def _alike(names: Sequence[str]) -> int:
    """Return how many names are equal except for a number."""
    kinds = Counter((parts[0], parts[2]) for parts in map(_split, names) if parts)
    return kinds.most_common(1)[0][1] if kinds else 0


def _matcher(pattern: str) -> re.Pattern[str]:
    """Return a regular expression for a name pattern; "f_%04d.jpg" matches any number of four or more digits."""
    text = ""
    for part in re.split(r"(%0?\d*d|\*|\?|\[[^]]*\])", pattern):
        if part in ("*", "?"):
            text += ".*" if part == "*" else "."
        elif part.startswith("["):
            text += f"[{'^' if part[1:2] == '!' else ''}{part[1:-1].lstrip('!')}]"
        elif (found := re.fullmatch(r"%(0?)(\d*)d", part)) is not None:
            text += rf"\d{{{int(found[2])},}}" if found[1] and found[2] else r"\d+"
        else:
            text += re.escape(part)
    return re.compile(text)


def _places(names: Sequence[str]) -> tuple[tuple[int, ...], int, str]:
    """Return each picture's index, how many numbers are missing, and the first missing ones.

    If all names are alike, the number determines the index: the previous picture lasts for a missing one. The numbers
    may have any constant step, such as 10; irregular numbers (times of day) do not determine an index.
    """
    plain = tuple(range(len(names)))
    parts = [_split(name) for name in names]
    if len(names) < 3 or any(part is None for part in parts):
        return plain, 0, ""
    known = [part for part in parts if part is not None]
    if len({(part[0].casefold(), part[2]) for part in known}) > 1:
        return plain, 0, ""
    numbers = [int(part[1]) for part in known]
    steps = [late - early for early, late in pairwise(numbers)]
    step, count = Counter(steps).most_common(1)[0]
    if step <= 0 or count < 0.8 * len(steps) or any(each <= 0 or each % step for each in steps):
        return plain, 0, ""
    places = tuple((number - numbers[0]) // step for number in numbers)
    missing = places[-1] + 1 - len(places)
    gap = ""
    for early, late in pairwise(numbers):
        if late - early > step:
            first, last = early + step, late - step
            gap = str(first) if first == last else f"{first} to {last}"
            break
    return places, missing, gap
