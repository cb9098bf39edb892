"""Ring buffer of the admitted frames of the last few seconds."""

from __future__ import annotations

import math
import threading
from collections import deque
from collections.abc import Callable

from slowfast_live.core.sampling import ClipTiming, coverage, pick
from slowfast_live.types import U8, FrameWindow

HIGHEST_RATE = 130.0
"""Maximum frame rate; frames of faster sources are dropped, so that memory stays bounded.

The first frame in each `1 / HIGHEST_RATE` of the source's clock is kept, so the selection does not depend on where
reading began.
"""


class Ring:
    """Keeps as many frames as one frame window needs. One thread writes, any thread may read.

    If time does not increase (a clock that jumped back, a file that starts again) or a gap is longer than `max_gap_s`,
    the ring is emptied first: a frame window never spans a discontinuity.

    >>> import numpy as np
    >>> ring = Ring(ClipTiming(frames=4, stride=2, fps=10))
    >>> picture = np.zeros((8, 8, 3), np.uint8)
    >>> for i in range(8):
    ...     _ = ring.push(lambda: picture, t_s=i / 10, captured_s=0.0)
    >>> window = ring.window(generation=0)
    >>> len(window.pictures), window.t_start_s, window.t_end_s
    (4, 0.0, 0.7)

    Args:
        timing: The clip that frame windows are taken for.
        max_gap_s: Longest time between two frames, in seconds; None for files, in which a frame is shown until the next
            one, however long that takes.
    """

    def __init__(self, timing: ClipTiming, max_gap_s: float | None = None) -> None:
        self.timing = timing
        self.max_gap_s = max_gap_s
        self._lock = threading.Lock()
        self._pictures: deque[tuple[U8, float]] = deque()
        self._times_s: deque[float] = deque()
        self._before_s: float | None = None
        self._version = 0

    def push(self, picture: Callable[[], U8], t_s: float, captured_s: float) -> bool:
        """Add the frame of time `t_s`.

        Args:
            picture: Returns the admitted frame; called only if the ring keeps it, outside the lock.
            t_s: Seconds on the source's clock.
            captured_s: Monotonic time of capture.

        Returns:
            False if the frame was dropped because it followed the previous one too soon (see `HIGHEST_RATE`).
        """
        with self._lock:
            gap_s = t_s - self._times_s[-1] if self._times_s else 0.0
            if gap_s < 0 or (self.max_gap_s is not None and gap_s > self.max_gap_s):
                self._clear()
            elif self._times_s and _place(t_s) == _place(self._times_s[-1]):
                return False
        admitted = picture()
        with self._lock:
            if self._pictures and self._pictures[-1][0].shape != admitted.shape:
                self._clear()  # the source changed its size: one clip cannot contain both
            self._pictures.append((admitted, captured_s))
            self._before_s = self._times_s[-1] if self._times_s else None
            self._times_s.append(t_s)
            oldest_needed_s = t_s - self.timing.span_s + self.timing.tolerance_s
            while len(self._times_s) > 1 and self._times_s[1] <= oldest_needed_s:
                self._times_s.popleft()
                self._pictures.popleft()
            self._version += 1
        return True

    def clear(self) -> None:
        """Remove all frames."""
        with self._lock:
            self._clear()

    def _clear(self) -> None:
        self._pictures.clear()
        self._times_s.clear()

    @property
    def newest_s(self) -> tuple[float | None, float] | None:
        """Times of the second newest frame (None if there is none) and of the newest one; None if the ring is empty."""
        with self._lock:
            return (self._before_s, self._times_s[-1]) if self._times_s else None

    @property
    def version(self) -> int:
        """Incremented with each frame."""
        with self._lock:
            return self._version

    @property
    def coverage(self) -> float:
        """Share of the span that is covered, 0..1."""
        with self._lock:
            return coverage(self._times_s, self.timing)

    def window(self, generation: int) -> FrameWindow | None:
        """Return the frame window that ends with the newest frame; None while the span is not covered."""
        with self._lock:
            times_s = list(self._times_s)
            indices = pick(times_s, self.timing)
            if indices is None:
                return None
            pictures = list(self._pictures)
        return FrameWindow(
            pictures=tuple(pictures[i][0] for i in indices),
            t_start_s=times_s[indices[0]],
            t_end_s=times_s[-1],
            captured_s=pictures[-1][1],
            generation=generation,
            times_s=tuple(times_s[i] for i in indices),
        )

    def __len__(self) -> int:
        with self._lock:
            return len(self._times_s)


def _place(t_s: float) -> int:
    return math.floor(t_s * HIGHEST_RATE + 1e-6)
