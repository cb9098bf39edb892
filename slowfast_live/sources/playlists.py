"""Files that are not videos but refer to videos: playlists, segment lists, stream descriptions.

FFmpeg would follow any reference: a playlist to itself, a pipe, or an unfinished recording that never ends. Local HLS
playlists are therefore read here, and FFmpeg receives a complete playlist with an end, absolute names, and only
segments that exist. Other kinds are checked, or rejected with advice on what to open instead.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from urllib.parse import unquote

from slowfast_live.errors import SourceError
from slowfast_live.messages import Message
from slowfast_live.urls import display_url

_HEAD = 4096
_LARGEST = 16 * 1024 * 1024
"""Maximum size of a playlist in bytes, about 200,000 segments."""
_DEEPEST = 4
"""Maximum nesting; a playlist of playlists has two levels."""
_WEB_NAME = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]+:")
_URI = re.compile(r'URI="([^"]*)"')
_BANDWIDTH = re.compile(r"(?<![-A-Z])BANDWIDTH=(\d+)")


class ListKind(Enum):
    """Kinds of files that refer to other files; the value is used in messages."""

    HLS = Message("an HLS playlist")
    M3U = Message("a playlist (M3U)")
    PLS = Message("a playlist (PLS)")
    ASX = Message("a playlist (ASX)")
    XSPF = Message("a playlist (XSPF)")
    DASH = Message("a DASH manifest")
    CONCAT = Message("a list of pieces (ffconcat)")
    SDP = Message("the description of a live stream (SDP)")


ADVICE = {
    ListKind.DASH: Message("This app does not read DASH; open the video itself, or its HLS address (.m3u8)."),
    ListKind.SDP: Message("Open the sender's own address, such as rtsp://host/path or udp://@:port."),
}
"""What to open instead of a list that contains no addresses."""


@dataclass(frozen=True, slots=True)
class Playlist:
    """A complete playlist that only refers to existing segments.

    Attributes:
        text: An HLS playlist with absolute names and an end.
        warning: What is missing from it; "" if nothing is.
    """

    text: bytes
    warning: str


def kind_of(path: Path) -> ListKind | None:
    """Return the kind of list, detected from the file's beginning (and for M3U, which may have no marker, its name)."""
    with path.open("rb") as file:
        head = file.read(_HEAD)
    return kind_of_head(head, path.suffix.lower())


def kind_of_head(head: bytes, suffix: str = "") -> ListKind | None:
    """Return the kind of list that begins with `head`; None for anything else.

    Args:
        head: The first few kilobytes.
        suffix: Suffix of the file name, with the dot, in lower case.
    """
    text = head.decode("utf-8-sig", "replace").lstrip()
    lowered = text[:_HEAD].lower()
    if "\0" in text:
        return None
    if text.startswith("#EXTM3U"):
        return ListKind.HLS if "#EXT-X-" in text else ListKind.M3U
    if lowered.startswith("[playlist]"):
        return ListKind.PLS
    if lowered.startswith("ffconcat version"):
        return ListKind.CONCAT
    if lowered.startswith("<asx") or lowered.startswith("[reference]"):
        return ListKind.ASX
    if re.match(r"v=0\s*\n", lowered) and re.search(r"^m=(video|audio|application)", lowered, re.MULTILINE):
        return ListKind.SDP
    if lowered.startswith("<?xml") or lowered.startswith("<"):
        if "<mpd" in lowered:
            return ListKind.DASH
        if "<playlist" in lowered and "xspf" in lowered:
            return ListKind.XSPF
    return ListKind.M3U if suffix in (".m3u", ".m3u8") and _is_text(text) else None


def _is_text(text: str) -> bool:
    return "\ufffd" not in text and bool(text.strip())


def refuse(path: Path, kind: ListKind) -> SourceError:
    """Return the error for a list that cannot be played; it names what to open instead."""
    entries = list(_entries(_read(path), kind))
    if kind in ADVICE:
        advice = ADVICE[kind]
    elif entries:
        shown = display_url(entries[0])
        advice = Message("Open what it names instead: {shown}.", shown=shown)
        if len(entries) > 1:
            advice = Message("Open what it names instead: {shown}; it names {count}.", shown=shown, count=len(entries))
    else:
        advice = Message("It names nothing.")
    return SourceError(
        Message("{name} is {kind}, not a video. {advice}", name=path.name, kind=kind.value, advice=advice),
        details=str(path),
    )


def check_concat(path: Path) -> None:
    """Check that a segment list only refers to existing files, and not to other lists.

    Raises:
        SourceError: It does not.
    """
    for name in _entries(_read(path), ListKind.CONCAT):
        piece = _local(name, path)
        if piece is None:
            raise SourceError(
                Message(
                    "{name} refers to the network ({url}); open that address instead.",
                    name=path.name,
                    url=display_url(name),
                )
            )
        if not _is_file(piece):
            raise SourceError(
                Message("{name} names {target}, which does not exist or is not a file.", name=path.name, target=name),
                details=str(piece),
            )
        if kind_of(piece) is not None:
            raise SourceError(
                Message("{name} names another list, {target}; name the videos themselves.", name=path.name, target=name)
            )


def complete(path: Path) -> Playlist:
    """Return the completed HLS playlist at `path`: the best of several qualities, existing segments, and an end.

    Raises:
        SourceError: It refers to nothing that exists, to itself, or to the network.
    """
    place = path
    seen: set[Path] = set()
    for _level in range(_DEEPEST):
        real = place.resolve()
        if real in seen:
            break
        seen.add(real)
        lines = _read(place).splitlines()
        variants = list(_variants(lines))
        if not variants:
            return _media(path, place, lines)
        place = _best(path, place, variants)
    raise SourceError(
        Message("{name} is a playlist that leads back to itself: it names no video.", name=path.name), details=str(path)
    )


def _best(path: Path, place: Path, variants: list[tuple[int, str]]) -> Path:
    """Return the existing playlist with the highest bit rate."""
    for _rate, name in sorted(variants, key=lambda variant: -variant[0]):
        file = _local(name, place)
        if file is None:
            raise SourceError(
                Message(
                    "{name} refers to the network ({url}); open that address instead.",
                    name=path.name,
                    url=display_url(name),
                )
            )
        if _is_file(file) and kind_of(file) is ListKind.HLS:
            return file
    raise SourceError(
        Message(
            "None of the {count} playlists that {name} names exists. Copy them beside it.",
            count=len(variants),
            name=path.name,
        ),
        details=f"{path}: {', '.join(name for _rate, name in variants[:5])}",
    )


def _variants(lines: list[str]) -> Iterator[tuple[int, str]]:
    rate: int | None = None
    for line in lines:
        if line.startswith("#EXT-X-STREAM-INF"):
            found = _BANDWIDTH.search(line)
            rate = int(found[1]) if found else 0
        elif line.strip() and not line.startswith("#") and rate is not None:
            yield rate, line.strip()
            rate = None


def _media(path: Path, place: Path, lines: list[str]) -> Playlist:
    kept: list[str] = []
    tags: list[str] = []
    there = missing = 0
    for raw in lines:
        line = raw.strip()
        if not line or line == "#EXT-X-ENDLIST" or line.startswith("#EXT-X-PLAYLIST-TYPE"):
            continue
        if line.startswith("#"):
            # Tags before a segment belong to it, so they are dropped together with a missing segment.
            (tags if line.startswith(("#EXTINF", "#EXT-X-BYTERANGE")) else kept).append(_absolute(path, place, line))
            continue
        piece = _local(line, place)
        if piece is None:
            raise SourceError(
                Message(
                    "{name} refers to the network ({url}); open that address instead.",
                    name=path.name,
                    url=display_url(line),
                )
            )
        if _is_file(piece) and kind_of(piece) is None:
            kept += [*tags, f"file:{piece.absolute()}"]
            there += 1
        else:
            kept.append("#EXT-X-DISCONTINUITY")
            missing += 1
        tags = []
    if not there:
        what = (
            Message("none of the {missing} pieces that it names exists", missing=missing)
            if missing
            else Message("it names no pieces")
        )
        raise SourceError(Message("{name} cannot be played: {what}.", name=path.name, what=what), details=str(place))
    warning = (
        Message(
            "{name}: {missing} of {total} pieces are missing.", name=path.name, missing=missing, total=there + missing
        )
        if missing
        else ""
    )
    return Playlist("\n".join([*kept, "#EXT-X-ENDLIST", ""]).encode("utf-8", "surrogateescape"), warning)


def _absolute(path: Path, place: Path, line: str) -> str:
    """Return a tag with the names in it made absolute, for an initialization segment or a key."""

    def replace(found: re.Match[str]) -> str:
        file = _local(found[1], place)
        if file is None or not _is_file(file):
            raise SourceError(
                Message(
                    "{name} needs {target} to be decoded, but that does not exist.",
                    name=path.name,
                    target=display_url(found[1]),
                ),
                details=line,
            )
        return f'URI="file:{file.absolute()}"'

    needed = line.startswith(("#EXT-X-MAP", "#EXT-X-KEY"))
    return _URI.sub(replace, line) if needed and "METHOD=NONE" not in line else line


def _local(name: str, beside: Path) -> Path | None:
    """Return the path of a name in a list, relative to the list; None for a network address."""
    if name.lower().startswith("file:"):
        name = unquote(re.sub(r"^file:(//(localhost)?)?", "", name, flags=re.IGNORECASE))
    elif _WEB_NAME.match(name):
        return None
    return beside.parent / name


def _is_file(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except (OSError, ValueError):
        return False


def _read(path: Path) -> str:
    with path.open("rb") as file:
        data = file.read(_LARGEST + 1)
    if len(data) > _LARGEST:
        raise SourceError(
            Message(
                "{name} is a list of more than {largest} MB: it is not played.",
                name=path.name,
                largest=_LARGEST // 1024**2,
            )
        )
    return data.decode("utf-8-sig", "surrogateescape")


def _entries(text: str, kind: ListKind) -> Iterator[str]:
    """Yield the entries of a list, in order."""
    if kind is ListKind.CONCAT:
        for found in re.finditer(r"^\s*file\s+(.+?)\s*$", text, re.MULTILINE):
            yield _unquoted(found[1])
    elif kind is ListKind.PLS:
        yield from (found[1].strip() for found in re.finditer(r"^File\d+\s*=(.+)$", text, re.MULTILINE | re.IGNORECASE))
    elif kind is ListKind.ASX:
        yield from re.findall(r"""(?:href\s*=\s*["']|^Ref\d+=)([^"'\r\n]+)""", text, re.MULTILINE | re.IGNORECASE)
    elif kind is ListKind.XSPF:
        yield from (found.strip() for found in re.findall(r"<location>([^<]+)</location>", text, re.IGNORECASE))
    elif kind is ListKind.M3U:
        yield from (line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#"))


def _unquoted(text: str) -> str:
    """Remove FFmpeg's quotes and backslashes from a name in an ffconcat list."""
    parts = re.findall(r"'([^']*)'|\\(.)|([^'\\]+)", text)
    return "".join(quoted or escaped or plain for quoted, escaped, plain in parts)
