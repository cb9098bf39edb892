"""Which moments of a file are looked at: by its own clock, so that no machine's speed changes them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

from slowfast_live.pipeline.lane import Lane
from slowfast_live.sources.base import FrameSource, Picture
from slowfast_live.types import Window

_SAME_MOMENT_S = 0.25e-3
_FAR_BEYOND_S = 1e9

OnTime = Callable[[float], None]
"""Called with the time of each picture that was read, in seconds."""


def sliding(source: FrameSource, lane: Lane, stride_s: float, on_time: OnTime) -> Iterator[Window]:
    """Yield a window each `stride_s` seconds from the first that the file fills on, and the very last one.

    Args:
        source: Opened; read to its end, no picture left out.
        lane: Empty; keeps the pictures of one window.
        stride_s: Seconds from one window's end to the next one's; of pictures that come later than that, each.
        on_time: Told how far it is.
    """
    due_s: float | None = None
    taken_s = -math.inf
    for picture in _pictures(source, on_time):
        lane.push(picture.image, picture.t_s, 0.0)
        if lane.ring.coverage < 1:
            continue
        window = _window(lane)
        due_s = window.t_end_s if due_s is None else due_s
        if window.t_end_s < due_s - _SAME_MOMENT_S:
            continue
        due_s += stride_s * (math.floor((window.t_end_s - due_s + _SAME_MOMENT_S) / stride_s) + 1)
        taken_s = window.t_end_s
        yield window
    if due_s is not None and (last := _window(lane)).t_end_s > taken_s:
        yield last


def uniform(source: FrameSource, lane: Lane, clips: int, on_time: OnTime) -> Iterator[Window]:
    """Yield `clips` windows, uniform from the file's first picture to its last; none where it is too short.

    They overlap where the file is short. The rule of SlowFast's test clips: start i of n at i / (n - 1) of what
    the file is longer than a window.
    """
    source.seek(_FAR_BEYOND_S)
    last = source.read()
    span_s = lane.ring.timing.span_s
    if last is None or last.t_s < span_s - lane.ring.timing.tolerance_s:
        return
    for i in range(clips):
        start_s = i * max(0.0, last.t_s - span_s) / (clips - 1)
        end_s = min(start_s + span_s, last.t_s)
        source.seek(start_s)
        lane = lane.emptied(live=False)
        for picture in _pictures(source, on_time):
            lane.push(picture.image, picture.t_s, 0.0)
            if picture.t_s >= end_s - _SAME_MOMENT_S and lane.ring.coverage >= 1:
                break
        yield _window(lane)


def _pictures(source: FrameSource, on_time: OnTime) -> Iterator[Picture]:
    while (picture := source.read()) is not None:
        on_time(picture.t_s)
        yield picture


def _window(lane: Lane) -> Window:
    window = lane.ring.window(0)
    assert window is not None, "the ring covers the span"
    return window
