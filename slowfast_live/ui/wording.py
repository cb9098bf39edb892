"""Numbers and states in words, the same everywhere in the window."""

from __future__ import annotations

from html import escape
from pathlib import Path

from slowfast_live.types import SourceKind, SourceSpec


def tooltip(text: str) -> str:
    """Return a text for a tooltip that Qt shows letter by letter, whatever markup a name or label holds."""
    if "<" not in text and "&" not in text:
        return text
    return f'<span style="white-space: pre-wrap">{escape(text)}</span>'


def clock(t_s: float) -> str:
    """Return seconds as "01:23", or "1:01:23" from an hour on."""
    seconds = max(0, int(t_s))
    hours, minutes = divmod(seconds // 60, 60)
    return f"{hours}:{minutes:02d}:{seconds % 60:02d}" if hours else f"{minutes:02d}:{seconds % 60:02d}"


def clock_tenths(t_s: float) -> str:
    """Return seconds as "01:23.4"."""
    tenths = max(0, round(t_s * 10))
    return f"{clock(tenths // 10)}.{tenths % 10}"


def time_of_day(day_s: float, *, seconds: bool = True) -> str:
    """Return seconds since midnight as "14:03:27", or "14:03"."""
    whole = int(day_s + 1e-6) % 86400
    text = f"{whole // 3600:02d}:{whole // 60 % 60:02d}"
    return f"{text}:{whole % 60:02d}" if seconds else text


def length(seconds: float) -> str:
    """Return a length as "3.2 s", or "1:05" from a minute on."""
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    return (
        f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"
        if whole >= 3600
        else f"{whole // 60}:{whole % 60:02d}"
    )


def percent(score: float) -> str:
    """Return 0..1 as "91 %"."""
    return f"{round(score * 100)} %"


def rate(value: float) -> str:
    """Return a rate with one decimal below 20, none above: "11.2", "30"."""
    return f"{value:.1f}" if value < 19.95 else f"{value:.0f}"


def size(count: float) -> str:
    """Return a number of bytes as "12.3 MB", "380 kB" or "1.2 GB"."""
    if count < 999_500:
        return f"{count / 1e3:.0f} kB"
    if count < 999_500_000:
        return f"{count / 1e6:.1f} MB" if count < 99_950_000 else f"{count / 1e6:.0f} MB"
    return f"{count / 1e9:.1f} GB"


def left_out(count: int) -> str:
    """Return "3 pictures were left out", or "" for none."""
    if not count:
        return ""
    return "1 picture was left out" if count == 1 else f"{count} pictures were left out"


def stats_line(source_fps: float, predictions_per_s: float, latency_ms: float) -> str:
    """Return "30 fps · 11.2 predictions/s · 96 ms"; what is not known yet is left out."""
    parts = [f"{source_fps:.0f} fps"] if source_fps >= 0.5 else []
    if predictions_per_s > 0:
        parts += [f"{rate(predictions_per_s)} predictions/s", f"{latency_ms:.0f} ms"]
    return " · ".join(parts)


def without_password(url: str) -> str:
    """Return a URL without user name and password, for showing."""
    scheme, mark, rest = url.partition("://")
    if not mark:
        return url
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"


def source_name(source: SourceSpec) -> str:
    """Return a source's name, without the password that a stream's address may hold."""
    return without_password(source.name) if source.kind is SourceKind.STREAM else source.name


def source_stem(source: SourceSpec | None) -> str:
    """Return a source's name for the name of a file: without an ending of its own, "" for none."""
    if source is None:
        return ""
    return Path(source.address).stem if source.kind is SourceKind.FILE else source_name(source)


def source_title(source: SourceSpec) -> str:
    """Return how the source dropdown calls a source."""
    if source.kind is SourceKind.CAMERA:
        return f"Camera: {source.name}"
    if source.kind is SourceKind.STREAM:
        return f"Stream: {source_name(source)}"
    return "Demo clip" if source.kind is SourceKind.DEMO else source.name
