"""Parsing of source addresses: cameras, files, URLs, the screen, "demo"."""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from slowfast_live.errors import UsageError
from slowfast_live.messages import Message
from slowfast_live.sources.screens import parse_address
from slowfast_live.types import SourceKind, SourceSpec
from slowfast_live.urls import display_url

STREAM_SCHEMES = ("rtsp", "rtsps", "http", "https", "rtmp", "rtmps", "tcp", "udp", "rtp", "srt")
VIDEO_SUFFIXES = (
    ".mp4", ".mkv", ".avi", ".mov", ".webm", ".gif", ".m4v", ".mpg", ".mpeg", ".ts", ".wmv", ".flv", ".ogv", ".3gp",
    ".3g2", ".amv", ".apng", ".asf", ".divx", ".dv", ".f4v", ".h264", ".264", ".h265", ".265", ".hevc", ".ivf",
    ".m1v", ".m2p", ".m2t", ".m2ts", ".m2v", ".mjpeg", ".mjpg", ".mk3d", ".mod", ".mpe", ".mpv", ".mts", ".mxf",
    ".nut", ".obu", ".ogm", ".qt", ".rm", ".rmvb", ".tod", ".trp", ".vob", ".vro", ".wtv", ".y4m",
)  # fmt: skip
"""Suffixes of files that are offered or found in folders; files named by the user may have any suffix."""

_EXPECTED = Message(
    'Expected a camera ("0", "camera:0", "/dev/video0"), a video file, a folder of pictures, a URL ({schemes}), '
    '"screen" or "demo".',
    schemes=", ".join(scheme + "://" for scheme in STREAM_SCHEMES),
)


def parse_source(text: str) -> SourceSpec:
    """Parse the address of a source; whether the source exists is checked when it is opened.

    >>> parse_source("camera:0").kind
    <SourceKind.CAMERA: 'camera'>
    >>> parse_source("rtsp://camera.local/live").address
    'rtsp://camera.local/live'

    Args:
        text: "0", "camera:0", "camera:/dev/video0", "/dev/video0", "screen", "screen:1", "demo", a URL, a file:// URL
            or a path.

    Raises:
        UsageError: The text is not the address of a source.
    """
    text = text.strip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        text = text[1:-1].strip()
    if not text or "\0" in text:
        raise UsageError(Message("No source given. {expected}", expected=_EXPECTED))
    lowered = text.lower()
    if lowered in ("demo", "demo:"):
        return SourceSpec(SourceKind.DEMO)
    if text.isascii() and text.isdecimal():
        return SourceSpec(SourceKind.CAMERA, str(int(text)))
    if lowered == "screen" or lowered.startswith("screen:"):
        return parse_address(text[len("screen:") :].strip()).spec
    if lowered.startswith("camera:"):
        return _camera(text[len("camera:") :].strip(), text)
    if re.fullmatch(r"/dev/(video\d+|v4l/.+)", text):
        return SourceSpec(SourceKind.CAMERA, text)
    scheme, separator, rest = text.partition("://")
    if separator and re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*", scheme):
        return _url(scheme.lower(), rest, text)
    return SourceSpec(SourceKind.FILE, str(file_path(text)))


def file_path(text: str) -> Path:
    """Return the path that a text means as a file name; expands "~" and reads file: URLs.

    The path is absolute, so that a stored path means the same file regardless of the current folder.

    Raises:
        UsageError: It is a file: URL of another machine, or without a path.
    """
    if re.match(r"(?i)file:/", text) and not os.path.lexists(text):
        return _file_of_url(text)
    try:
        path = Path(text).expanduser()
    except RuntimeError:  # "~name" of an unknown user: treat it as part of the file name
        path = Path(text)
    try:
        return path.absolute()
    except OSError:  # the current folder was deleted
        return path


def _file_of_url(text: str) -> Path:
    parts = urlsplit(text, allow_fragments=False)
    if parts.netloc.lower() not in ("", "localhost"):
        raise UsageError(
            Message(
                "{text!r} names a file on another machine ({netloc}). {expected}",
                text=text,
                netloc=parts.netloc,
                expected=_EXPECTED,
            )
        )
    # "?" is part of the file name, because only a path can follow file://.
    path = url2pathname(parts.path + (f"?{parts.query}" if parts.query else ""))
    if not path:
        raise UsageError(Message("{text!r} names no file. {expected}", text=text, expected=_EXPECTED))
    return Path(path)


def _camera(address: str, text: str) -> SourceSpec:
    if address.isascii() and address.isdecimal():
        return SourceSpec(SourceKind.CAMERA, str(int(address)))
    if address.startswith("/dev/"):
        return SourceSpec(SourceKind.CAMERA, address)
    raise UsageError(Message("{text!r} names no camera. {expected}", text=text, expected=_EXPECTED))


def _url(scheme: str, rest: str, text: str) -> SourceSpec:
    if scheme == "file":
        return SourceSpec(SourceKind.FILE, str(_file_of_url(text)))
    if scheme not in STREAM_SCHEMES:
        raise UsageError(Message("{scheme}:// is no kind of source. {expected}", scheme=scheme, expected=_EXPECTED))
    try:
        host = urlsplit(text).netloc
    except ValueError:  # for example an unclosed bracket
        host = ""
    if not host:
        raise UsageError(Message("{text!r} names no host. {expected}", text=text, expected=_EXPECTED))
    address = f"{scheme}://{rest}"
    shown = display_url(address)
    return SourceSpec(SourceKind.STREAM, address, title=shown if shown != address else "")
