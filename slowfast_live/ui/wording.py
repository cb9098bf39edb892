"""Numbers and states in words, the same everywhere in the window."""

from __future__ import annotations

from slowfast_live.types import SourceKind, SourceSpec


def clock(t_s: float) -> str:
    """Return seconds as "01:23", or "1:01:23" from an hour on."""
    seconds = max(0, int(t_s))
    hours, minutes = divmod(seconds // 60, 60)
    return f"{hours}:{minutes:02d}:{seconds % 60:02d}" if hours else f"{minutes:02d}:{seconds % 60:02d}"


def percent(score: float) -> str:
    """Return 0..1 as "91 %"."""
    return f"{round(score * 100)} %"


def rate(value: float) -> str:
    """Return a rate with one decimal below 20, none above: "11.2", "30"."""
    return f"{value:.1f}" if value < 19.95 else f"{value:.0f}"


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


def source_title(source: SourceSpec) -> str:
    """Return how the source dropdown calls a source."""
    if source.kind is SourceKind.CAMERA:
        return f"Camera: {source.name}"
    if source.kind is SourceKind.STREAM:
        return f"Stream: {source_name(source)}"
    return "Demo clip" if source.kind is SourceKind.DEMO else source.name
