"""From frames to takes: frame windows at several offsets, their features, and a thumbnail."""

from __future__ import annotations

import threading
import time
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from slowfast_live.core.framing import Framing, shrink
from slowfast_live.core.sampling import ClipTiming, coverage
from slowfast_live.errors import TeachingError
from slowfast_live.inference.spec import ModelSpec
from slowfast_live.messages import Message
from slowfast_live.sources.local import bounded_source
from slowfast_live.teaching.clips import ClipFile
from slowfast_live.teaching.takes import Take, make_take
from slowfast_live.types import F32, U8, Frame

if TYPE_CHECKING:
    from slowfast_live.teaching.trunks import Trunk

STEP_S = 0.2
"""Seconds between the ends of frame windows."""
LONGEST_S = 120.0
"""Longest passage that is read for one take; the rest is left out."""
BUDGET_S = 8.0
"""Time that the features of one take may cost; a slow network gets fewer windows."""
_FEWEST_WINDOWS, _MOST_WINDOWS = 6, 64
_THUMBNAIL_PX, _JPEG_QUALITY = 160, 80
_MAX_RATE = 32.0
"""Frames per second that are held in memory."""

Stamped = tuple[float, U8]
"""Time in seconds, and an admitted frame."""
Check = Callable[[], None]
"""Called between steps; raises to end the work."""


def windows_of(frames: Sequence[Stamped], timing: ClipTiming, step_s: float = STEP_S) -> list[list[U8]]:
    """Return the frame windows of a passage: T admitted frames each, a window every `step_s`.

    In a passage shorter than a window the first frame stands for the time before it.

    Args:
        frames: Ascending times, and frames of one shape.
        timing: The clip of the network.
        step_s: Seconds between the ends of windows.
    """
    times = [t_s for t_s, _ in frames]
    if not times:
        return []
    first_s, last_s = times[0] + timing.span_s, times[-1]
    covered = coverage(times, timing) >= 1
    ends = np.arange(first_s, last_s + timing.tolerance_s, step_s) if covered else np.array([last_s])
    if covered and not len(ends):
        ends = np.array([last_s])
    return [
        [frames[max(0, bisect_right(times, end + offset + timing.tolerance_s) - 1)][1] for offset in timing.offsets_s]
        for end in (float(end) for end in ends)
    ]


def features_of_windows(trunk: Trunk, windows: Sequence[Sequence[U8]], check: Check = lambda: None) -> F32:
    """Return float32 (W, 2, F) of frame windows; as many of them, evenly spread, as `BUDGET_S` allows.

    Args:
        trunk: The network.
        windows: T admitted frames each.
        check: Called before each inference.
    """
    spec = trunk.model.spec
    framing, clip = spec.framing(), np.empty(spec.input_shape[1:], np.uint8)

    def infer(window: Sequence[U8]) -> F32:
        check()
        framing.compose(window, clip)
        return trunk(clip)

    began = time.perf_counter()
    first = infer(windows[len(windows) // 2])
    cost_s = max(time.perf_counter() - began, 1e-4)
    most = int(min(max(BUDGET_S / cost_s, _FEWEST_WINDOWS), _MOST_WINDOWS, len(windows)))
    if most == 1:
        return first[None]
    chosen = np.linspace(0, len(windows) - 1, most).round().astype(int)
    return np.stack([infer(windows[i]) for i in chosen])


def thumbnail_of(image: U8) -> bytes:
    """Return a JPEG of a frame, uint8 (H, W, 3), BGR, with its longer side reduced to 160 pixels."""
    height, width = image.shape[:2]
    scale = min(1.0, _THUMBNAIL_PX / max(height, width))
    small = shrink(image, max(1, round(width * scale)), max(1, round(height * scale)))
    done, data = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    return data.tobytes() if done else b""


class FrameCollector:
    """Collects the frames of a take while they arrive. `push` and the rest may be called from different threads.

    Args:
        spec: The model whose framing and timing apply.
    """

    def __init__(self, spec: ModelSpec) -> None:
        self._framing: Framing = spec.framing()
        self._lock = threading.Lock()
        self._frames: list[Stamped] = []
        self._pictures: list[Stamped] = []

    def push(self, frame: Frame) -> None:
        """Add a frame; of a source faster than 32 frames a second some are left out. A new shape starts anew."""
        with self._lock:
            last_s = self._frames[-1][0] if self._frames else None
        if last_s is not None and 0 <= frame.t_s - last_s < 0.9 / _MAX_RATE:
            return
        admitted = self._framing.admit(frame.image)
        with self._lock:
            if self._frames and (frame.t_s <= self._frames[-1][0] or admitted.shape != self._frames[-1][1].shape):
                self._frames, self._pictures = [], []
            if self._frames and frame.t_s - self._frames[0][0] > LONGEST_S:
                return
            self._frames.append((frame.t_s, admitted))
            if not self._pictures or frame.t_s - self._pictures[-1][0] >= 1.0:
                self._pictures.append((frame.t_s, frame.image))

    @property
    def length_s(self) -> float:
        """Seconds from the first frame to the last."""
        with self._lock:
            return self._frames[-1][0] - self._frames[0][0] if self._frames else 0.0

    def finish(self) -> tuple[list[Stamped], bytes]:
        """Return the frames and a thumbnail from the middle, and forget them."""
        with self._lock:
            frames, pictures = self._frames, self._pictures
            self._frames, self._pictures = [], []
        return frames, thumbnail_of(pictures[len(pictures) // 2][1]) if pictures else b""


def take_of_frames(
    trunk: Trunk, label: str, frames: Sequence[Stamped], thumbnail: bytes, source: str, *, mirrored: bool = True
) -> Take:
    """Return a take of frames that were collected.

    Raises:
        TeachingError: There are too few frames.
    """
    windows = windows_of(frames, trunk.model.spec.timing)
    if len(frames) < 2 or not windows:
        raise TeachingError(
            Message(
                "No pictures came from {source} meanwhile. Check the source, and take the example again.", source=source
            )
        )
    return make_take(
        label,
        features_of_windows(trunk, windows),
        trunk=trunk.identity,
        source=source,
        length_s=frames[-1][0] - frames[0][0],
        mirrored=mirrored,
        thumbnail=thumbnail,
    )


def take_of_pictures(
    trunk: Trunk, label: str, pictures: Iterable[Frame], source: str, *, mirrored: bool = True
) -> Take:
    """Return a take of frames as a source delivered them.

    Raises:
        TeachingError: There are too few frames.
    """
    collector = FrameCollector(trunk.model.spec)
    for picture in pictures:
        collector.push(picture)
    return take_of_frames(trunk, label, *collector.finish(), source, mirrored=mirrored)


def take_of_file(
    trunk: Trunk,
    label: str,
    path: Path,
    passage: tuple[float, float] | None = None,
    *,
    mirrored: bool = True,
    check: Check = lambda: None,
    retouch: Callable[[U8], U8] = lambda image: image,
    clip: Path | None = None,
) -> Take:
    """Return a take of a video, or of a passage of it.

    Args:
        trunk: The network.
        label: The action; `NOTHING` for none.
        path: The video.
        passage: Begin and end in seconds on the player's clock; None for the whole file, up to `LONGEST_S`.
        mirrored: Whether mirror images are examples, too.
        check: Called between steps; raises to end the work.
        retouch: Modifies each frame, uint8 (H, W, 3), BGR.
        clip: Where to keep what was read as a video; None not to keep it.

    Raises:
        ExportError: The clip cannot be written.
        SourceError: It cannot be read as a video.
        TeachingError: There is nothing in it.
    """
    collector = FrameCollector(trunk.model.spec)
    with ClipFile(clip) as kept:
        for index, (t_s, image) in enumerate(_pictures(path, passage)):
            check()
            if collector.length_s >= LONGEST_S:
                break
            collector.push(Frame(retouch(image), index, t_s, 0.0))
            kept.write(image, t_s)
        frames, thumbnail = collector.finish()
        if len(frames) < 2:
            where = "" if passage is None else f" from {passage[0]:.1f} to {passage[1]:.1f} s"
            raise TeachingError(
                Message("{path}{where} is a single picture or none; expected a moving one.", path=path, where=where)
            )
        features = features_of_windows(trunk, windows_of(frames, trunk.model.spec.timing), check)
    return make_take(
        label,
        features,
        trunk=trunk.identity,
        source=path.name,
        length_s=frames[-1][0] - frames[0][0],
        mirrored=mirrored,
        thumbnail=thumbnail,
        clip=kept.name,
    )


def _pictures(path: Path, passage: tuple[float, float] | None) -> Iterator[Stamped]:
    with closing(bounded_source(path)) as source:
        source.open()
        if passage is not None:
            source.seek(passage[0])
        while (picture := source.read()) is not None:
            if passage is not None and picture.t_s > passage[1]:
                return
            if passage is None or picture.t_s >= passage[0] - 1e-3:
                yield picture.t_s, picture.image


def passages_without(
    length_s: float, taken: Iterable[tuple[float, float]], piece_s: float = 10.0, shortest_s: float = 2.0
) -> list[tuple[float, float]]:
    """Return passages between those that are taken, in pieces of `piece_s`: what to offer as none of the actions.

    >>> passages_without(30.0, [(12.0, 18.0)])
    [(0.0, 10.0), (10.0, 12.0), (18.0, 28.0), (28.0, 30.0)]
    """
    free: list[tuple[float, float]] = []
    at_s = 0.0
    for begin_s, end_s in [*sorted(taken), (length_s, length_s)]:
        while begin_s - at_s >= shortest_s:
            free.append((at_s, min(at_s + piece_s, begin_s)))
            at_s = free[-1][1]
        at_s = max(at_s, end_s)
    return free
