"""Format numbers and states as text, consistently throughout the window."""

from __future__ import annotations

import math
import re
from html import escape
from pathlib import Path

from slowfast_live.core.readout_text import percent as percent
from slowfast_live.core.sampling import ClipTiming
from slowfast_live.types import SourceKind, SourceSpec
from slowfast_live.ui.style.language import tr


def tooltip(text: str) -> str:
    """Return tooltip text that Qt shows literally, even if a name or label contains markup."""
    if "<" not in text and "&" not in text:
        return text
    return f'<span style="white-space: pre-wrap">{escape(text)}</span>'


_SLACK_S = 5e-4
"""Clocks round down, so that all of them advance to the next second together. This tolerance keeps 11.9999 s, which is
how a file with another time base may represent 12 s, at 12."""


def clock(t_s: float) -> str:
    """Return a time rounded down to the second as "01:23", or "1:01:23" from one hour on."""
    seconds = max(0, math.floor(t_s + _SLACK_S))
    hours, minutes = divmod(seconds // 60, 60)
    return f"{hours}:{minutes:02d}:{seconds % 60:02d}" if hours else f"{minutes:02d}:{seconds % 60:02d}"


def clock_tenths(t_s: float) -> str:
    """Return a time rounded down to the tenth of a second as "01:23.4"."""
    tenths = max(0, math.floor((t_s + _SLACK_S) * 10))
    return f"{clock(tenths // 10)}.{tenths % 10}"


def parse_clock(text: str) -> float | None:
    """Parse "1:02:03.4", "1:23" or "83.4" into seconds; return None if the text is not a time."""
    match = re.fullmatch(r"(?:(?:(\d{1,6}):)?(\d{1,6}):)?(\d{1,9}(?:[.,]\d{0,6})?)", text.strip(), re.ASCII)
    if match is None:
        return None
    hours, minutes, seconds = match.groups()
    return int(hours or 0) * 3600 + int(minutes or 0) * 60 + float(seconds.replace(",", "."))


def time_of_day(day_s: float, *, seconds: bool = True) -> str:
    """Return seconds since midnight as "14:03:27" or "14:03"."""
    whole = math.floor(day_s + _SLACK_S) % 86400
    text = f"{whole // 3600:02d}:{whole // 60 % 60:02d}"
    return f"{text}:{whole % 60:02d}" if seconds else text


def length(seconds: float) -> str:
    """Return a duration as "3.2 s", or "1:05" from one minute on."""
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    return (
        f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"
        if whole >= 3600
        else f"{whole // 60}:{whole % 60:02d}"
    )


def counted(count: int, thing: str, things: str = "") -> str:
    """Return "1 model" or "18 models"; pass `things` if the plural is irregular."""
    known = _COUNTED.get(thing)
    if known is not None:
        return known[count != 1].format(count=f"{count:,}")
    return f"{count:,} {thing if count == 1 else things or thing + 's'}"


_COUNTED = {
    "action": (tr("{count} action"), tr("{count} actions")),
    "event": (tr("{count} event"), tr("{count} events")),
    "model": (tr("{count} model"), tr("{count} models")),
    "session": (tr("{count} session"), tr("{count} sessions")),
    "repetition": (tr("{count} repetition"), tr("{count} repetitions")),
    "edit": (tr("{count} edit"), tr("{count} edits")),
}


def clip_length(timing: ClipTiming) -> str:
    """Return the time that a clip covers, from its first frame to its last: "1.5 s"."""
    return f"{timing.span_s:.1f} s"


def rate(value: float) -> str:
    """Return a rate with one decimal below 20 and none above: "11.2", "30"."""
    return f"{value:.1f}" if value < 19.95 else f"{value:.0f}"


def size(count: float) -> str:
    """Return a number of bytes as "12.3 MB", "380 kB" or "1.2 GB"."""
    if count < 999_500:
        return f"{count / 1e3:.0f} kB"
    if count < 999_500_000:
        return f"{count / 1e6:.1f} MB" if count < 99_950_000 else f"{count / 1e6:.0f} MB"
    return f"{count / 1e9:.1f} GB"


def left_out(count: int) -> str:
    """Return "3 pictures were dropped", or "" for none."""
    if not count:
        return ""
    return tr("1 picture was dropped") if count == 1 else tr("{count} pictures were dropped", count=count)


def stats_line(source_fps: float, predictions_per_s: float, latency_ms: float) -> str:
    """Return "30 fps · 11.2 predictions/s · 96 ms", without the values that are not known yet."""
    parts = [f"{source_fps:.0f} fps"] if source_fps >= 0.5 else []
    if predictions_per_s > 0:
        parts.append(tr("{predictions_per_s} predictions/s", predictions_per_s=rate(predictions_per_s)))
        if latency_ms > 0:  # predictions about single people of a file have none of the whole picture
            parts.append(f"{latency_ms:.0f} ms")
    return " · ".join(parts)


def without_password(url: str) -> str:
    """Return a URL without user name and password, for display."""
    scheme, mark, rest = url.partition("://")
    if not mark:
        return url
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"


def source_name(source: SourceSpec) -> str:
    """Return a source's name, without the password that a stream's URL may contain."""
    return without_password(source.name) if source.kind is SourceKind.STREAM else source.name


def source_stem(source: SourceSpec | None) -> str:
    """Return a source's name for use in a file name, without its own extension; "" for no source."""
    if source is None:
        return ""
    return Path(source.address).stem if source.kind is SourceKind.FILE else source_name(source)


def source_title(source: SourceSpec) -> str:
    """Return the text for a source in the source dropdown."""
    if source.kind is SourceKind.CAMERA:
        return tr("Camera: {name}", name=source.name)
    if source.kind is SourceKind.STREAM:
        return tr("Stream: {source}", source=source_name(source))
    return tr("Demo clip") if source.kind is SourceKind.DEMO else source.name
