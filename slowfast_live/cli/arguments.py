"""Types of arguments: each turns a text into a value, or says what was expected."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from slowfast_live.cli.program import PROGRAM
from slowfast_live.errors import UsageError
from slowfast_live.urls import display_url


def share(text: str) -> float:
    """Read a score from 0 to 1."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"expected a number from 0 to 1, got '{text}'")
    return value


def seconds(text: str) -> float:
    """Read a time above 0, in seconds."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 < value < 1e6:
        raise argparse.ArgumentTypeError(f"expected a number of seconds above 0, got '{text}'")
    return value


def rate(text: str) -> float:
    """Read frames per second."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 < value <= 1000:
        raise argparse.ArgumentTypeError(f"expected pictures a second, more than 0 and at most 1000, got '{text}'")
    return value


def moment(text: str) -> float:
    """Read a time of a video, such as 1:02.5, in seconds."""
    match = re.fullmatch(r"(?:(?:(\d{1,6}):)?(\d{1,6}):)?(\d{1,9}(?:\.\d{0,6})?)", text.strip(), re.ASCII)
    if match is None:
        raise argparse.ArgumentTypeError(f"expected a time in the file such as 83.5 or 1:23.5, got '{text}'")
    hours, minutes, seconds = match.groups()
    return int(hours or 0) * 3600 + int(minutes or 0) * 60 + float(seconds)


def predictions(text: str) -> float:
    """Read a limit of predictions a second."""
    from slowfast_live.core.rate_limit import HIGHEST, LOWEST

    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not LOWEST <= value <= HIGHEST:
        raise argparse.ArgumentTypeError(f"expected predictions a second, from {LOWEST:g} to {HIGHEST:g}, got '{text}'")
    return value


def path_or_url(text: str) -> Path:
    """Read a path or the URL of a file; the address of a stream is refused."""
    """Read the name of a file or folder as the window does: `file:///...`, too."""
    from slowfast_live.sources.address import STREAM_SCHEMES, file_path

    scheme, separator, _rest = text.partition("://")
    if (
        separator
        and scheme.lower() in STREAM_SCHEMES
        and scheme.lower() not in ("http", "https")  # a file on a web server
        and not Path(text).exists()
    ):
        raise argparse.ArgumentTypeError(
            f"{display_url(text)} is the address of a stream; expected files and folders. Save the video first, "
            f"or watch it with {PROGRAM} --source"
        )
    try:
        return file_path(text) if re.match(r"(?i)file:/", text) else Path(text)
    except UsageError as error:
        raise argparse.ArgumentTypeError(error.message) from None


def port(text: str) -> int:
    """Read a port that needs no privileges."""
    if not (text.isascii() and text.isdecimal()) or not 1024 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"expected a port from 1024 to 65535, got '{text}'")
    return int(text)


def minutes(text: str) -> float:
    """Read a time above 0, in minutes."""
    try:
        return seconds(text)
    except argparse.ArgumentTypeError:
        raise argparse.ArgumentTypeError(f"expected a number of minutes above 0, got '{text}'") from None


def count(text: str) -> int:
    """Read a whole number from 1 to 1000."""
    if not text.isdigit() or not 1 <= int(text) <= 1000:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1 to 1000, got '{text}'")
    return int(text)
