"""What a user may type or drop: cameras, files, URLs, "demo"."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from slowfast_live.errors import UsageError
from slowfast_live.types import SourceKind, SourceSpec

STREAM_SCHEMES = ("rtsp", "rtsps", "http", "https", "rtmp", "rtmps", "tcp", "udp", "rtp", "srt")
VIDEO_SUFFIXES = (
    ".mp4", ".mkv", ".avi", ".mov", ".webm", ".gif", ".m4v",
    ".mpg", ".mpeg", ".ts", ".wmv", ".flv", ".ogv", ".3gp",
)  # fmt: skip
"""What a file that is offered, or found in a folder, ends with; what is named by the user may end with anything."""

_EXPECTED = (
    'Expected a camera ("0", "camera:0", "/dev/video0"), a video file, '
    f'a URL ({", ".join(scheme + "://" for scheme in STREAM_SCHEMES)}) or "demo".'
)


def parse_source(text: str) -> SourceSpec:
    """Return the source that a text names; whether it is there shows when it is opened.

    Args:
        text: "0", "camera:0", "camera:/dev/video0", "/dev/video0", "demo", a URL, a file:// URL or a path.

    Raises:
        UsageError: The text names no kind of source.
    """
    text = text.strip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        text = text[1:-1].strip()
    if not text or "\0" in text:
        raise UsageError(f"No source given. {_EXPECTED}")
    lowered = text.lower()
    if lowered in ("demo", "demo:"):
        return SourceSpec(SourceKind.DEMO)
    if text.isascii() and text.isdecimal():
        return SourceSpec(SourceKind.CAMERA, str(int(text)))
    if lowered.startswith("camera:"):
        return _camera(text[len("camera:") :].strip(), text)
    if re.fullmatch(r"/dev/(video\d+|v4l/.+)", text):
        return SourceSpec(SourceKind.CAMERA, text)
    scheme, separator, rest = text.partition("://")
    if separator and re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*", scheme):
        return _url(scheme.lower(), rest, text)
    try:
        path = Path(text).expanduser()
    except RuntimeError:  # "~name" of a user who is not there: then that is how the file is called
        path = Path(text)
    return SourceSpec(SourceKind.FILE, str(path))


def _camera(address: str, text: str) -> SourceSpec:
    if address.isascii() and address.isdecimal():
        return SourceSpec(SourceKind.CAMERA, str(int(address)))
    if address.startswith("/dev/"):
        return SourceSpec(SourceKind.CAMERA, address)
    raise UsageError(f"{text!r} names no camera. {_EXPECTED}")


def _url(scheme: str, rest: str, text: str) -> SourceSpec:
    if scheme == "file":
        parts = urlsplit(text)
        if parts.netloc not in ("", "localhost"):
            raise UsageError(f"{text!r} names a file on another machine ({parts.netloc}). {_EXPECTED}")
        path = url2pathname(parts.path)
        if not path:
            raise UsageError(f"{text!r} names no file. {_EXPECTED}")
        return SourceSpec(SourceKind.FILE, path)
    if scheme not in STREAM_SCHEMES:
        raise UsageError(f"{scheme}:// is no kind of source. {_EXPECTED}")
    try:
        host = urlsplit(text).netloc
    except ValueError:  # an unclosed bracket, say
        host = ""
    if not host:
        raise UsageError(f"{text!r} names no host. {_EXPECTED}")
    address = f"{scheme}://{rest}"
    shown = display_url(address)
    return SourceSpec(SourceKind.STREAM, address, title=shown if shown != address else "")


def display_url(url: str) -> str:
    """Return a URL without its user name and password, for messages and logs."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return url
    return url if "@" not in parts.netloc else parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
