"""Chooses the frame windows of a file by the file's own clock, so that the machine's speed does not matter."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from slowfast_live.core.ring import Ring
from slowfast_live.core.sampling import ClipTiming
from slowfast_live.pipeline.clip_buffer import ClipBuffer
from slowfast_live.sources.base import FrameSource, Picture
from slowfast_live.types import U8, FrameWindow

_SAME_MOMENT_S = 0.25e-3
_FAR_BEYOND_S = 1e9
_LEAD_S = 1.0

OnTime = Callable[[float], None]
"""Called with the time of each frame that was read, in seconds."""
AdmittedFrame = tuple[float, Callable[[], U8]]
"""Time of a frame in seconds, and what resizes and crops it, uint8 (h, w, 3); called only if the ring keeps it."""


@dataclass(frozen=True, slots=True)
class VideoPart:
    """A part of a file's frame windows, so that several machines can share one file.

    Time is divided into cells of `stride_s` from the end of the first complete window on; the first frame in each cell
    ends a window. That depends on no frame before the window's own, so that parts join exactly.

    Attributes:
        first_s: End of the file's first complete frame window, in seconds; cell 0 begins there.
        begin: First cell.
        end: Cell after the last one; None for all to the end of the file.
    """

    first_s: float
    begin: int
    end: int | None


def sliding(
    source: FrameSource, buffer: ClipBuffer, stride_s: float, on_time: OnTime, part: VideoPart | None = None
) -> Iterator[FrameWindow]:
    """Yield a frame window every `stride_s` seconds from the first complete one on, and the last one of the file.

    Args:
        source: An open source; read to its end without skipping frames.
        buffer: An empty clip buffer; holds the frames of one window.
        stride_s: Seconds between the ends of consecutive windows; if frames are further apart, every frame ends a
            window.
        on_time: Called with the position.
        part: Yield only the windows of this part, and before them the last one of the part before it, to compare; the
            source stands far enough before it (see `lead_s`).
    """
    first_s = part.first_s if part is not None else None
    newest, taken_s = -1, -math.inf
    entry: FrameWindow | None = None
    for picture in _pictures(source, on_time):
        buffer.push(picture.image, picture.t_s, 0.0)
        if buffer.ring.coverage < 1:
            if part is not None:  # the frame may have begun its cell before the ring could tell
                newest = max(newest, _cell(picture.t_s, part.first_s, stride_s))
            continue
        window = _window(buffer)
        first_s = window.t_end_s if first_s is None else first_s
        cell = _cell(window.t_end_s, first_s, stride_s)
        if cell <= newest:
            continue
        newest = cell
        if part is not None and cell < part.begin:
            entry = window
            continue
        if entry is not None:
            yield entry
            entry = None
        if part is not None and part.end is not None and cell >= part.end:
            return
        taken_s = window.t_end_s
        yield window
    if entry is not None:
        taken_s = entry.t_end_s
        yield entry
    if first_s is not None and buffer.ring.coverage >= 1 and (last := _window(buffer)).t_end_s > taken_s:
        yield last


def lead_s(timing: ClipTiming, stride_s: float) -> float:
    """Return how many seconds before a part its source has to be read, so that its first windows are complete."""
    return timing.span_s + 2 * stride_s + _LEAD_S


def _cell(t_s: float, first_s: float, stride_s: float) -> int:
    return math.floor((t_s - first_s + _SAME_MOMENT_S) / stride_s)


def every(
    frames: Iterable[tuple[float, Callable[[], U8]]], ring: Ring, stride_s: float, tolerance_s: float
) -> Iterator[FrameWindow]:
    """Yield a frame window every `stride_s` seconds from the first complete one on.

    Args:
        frames: Frames in order of time.
        ring: An empty ring; holds the frames of one window.
        stride_s: Seconds between the ends of consecutive windows.
        tolerance_s: A window may end this many seconds before it is due.
    """
    due_s: float | None = None
    for t_s, admit in frames:
        ring.push(admit, t_s, 0.0)
        if ring.coverage < 1 or (due_s is not None and t_s < due_s - tolerance_s):
            continue
        if (window := ring.window(0)) is None or (due_s is not None and window.t_end_s < due_s - tolerance_s):
            continue
        due_s = window.t_end_s if due_s is None else due_s
        due_s += stride_s * (math.floor((window.t_end_s - due_s + _SAME_MOMENT_S) / stride_s) + 1)
        yield window


def uniform(source: FrameSource, buffer: ClipBuffer, clips: int, on_time: OnTime) -> Iterator[FrameWindow]:
    """Yield `clips` frame windows, uniformly spaced from the first frame to the last; none if the file is too short.

    The windows overlap in a short file. The spacing follows SlowFast's test clips: start i of n is at i / (n - 1) of
    the difference between the length of the file and that of a window.
    """
    first = source.read()
    source.seek(_FAR_BEYOND_S)
    last = source.read()
    span_s = buffer.ring.timing.span_s
    if first is None or last is None or last.t_s - first.t_s < span_s - buffer.ring.timing.tolerance_s:
        return
    for i in range(clips):
        start_s = first.t_s + i * max(0.0, last.t_s - first.t_s - span_s) / (clips - 1)
        end_s = min(start_s + span_s, last.t_s)
        source.seek(start_s)
        buffer = buffer.emptied(live=False)
        for picture in _pictures(source, on_time):
            buffer.push(picture.image, picture.t_s, 0.0)
            if picture.t_s >= end_s - _SAME_MOMENT_S and buffer.ring.coverage >= 1:
                break
        yield _window(buffer)


def section(
    source: FrameSource, buffer: ClipBuffer, begin_s: float, end_s: float, on_time: OnTime
) -> Iterator[FrameWindow]:
    """Yield one frame window that is spread from one mark to the other; none if the file has no frame between them.

    A frame is taken from the middle of each of T equal parts, as clips of whole actions are tested
    (Something-Something).
    """
    length_s = end_s - begin_s
    count = buffer.clip.frames
    instants = [begin_s + (i + 0.5) / count * length_s for i in range(count)]
    taken: list[U8] = []
    times: list[float] = []
    latest: tuple[float, U8] | None = None
    source.seek(begin_s)
    for picture in _pictures(source, on_time):
        while latest is not None and len(taken) < count and picture.t_s > instants[len(taken)] + _SAME_MOMENT_S:
            times.append(latest[0])
            taken.append(latest[1])
        if picture.t_s > end_s + _SAME_MOMENT_S:
            break
        latest = picture.t_s, buffer.framing.admit(picture.image)
    if latest is None or latest[0] < begin_s - _SAME_MOMENT_S:
        return
    times += [latest[0]] * (count - len(taken))
    taken += [latest[1]] * (count - len(taken))
    yield FrameWindow(tuple(taken), times[0], times[-1], 0.0, 0)


def _pictures(source: FrameSource, on_time: OnTime) -> Iterator[Picture]:
    while (picture := source.read()) is not None:
        on_time(picture.t_s)
        yield picture


def _window(buffer: ClipBuffer) -> FrameWindow:
    window = buffer.ring.window(0)
    assert window is not None, "the ring covers the span"
    return window
