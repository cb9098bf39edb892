"""The admitted pictures of the last few seconds."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from slowfast_live.core.sampling import ClipTiming, coverage, pick
from slowfast_live.types import U8, Window

HIGHEST_RATE = 130.0
"""Pictures a second that the ring keeps; a faster camera is thinned, so that memory stays bounded."""


class Ring:
    """Keeps as many pictures as one window needs. One thread writes, any thread reads.

    A time that does not grow (a clock that jumped back, a file that starts again) empties the ring first, and
    so does a gap longer than `max_gap_s`: a window never spans two occasions.

    Args:
        timing: The clip that windows are taken for.
        max_gap_s: Longest time between two pictures, in seconds; None for files, where a picture is shown
            until the next one, however long that is.
    """

    def __init__(self, timing: ClipTiming, max_gap_s: float | None = None) -> None:
        self.timing = timing
        self.max_gap_s = max_gap_s
        self._lock = threading.Lock()
        self._pictures: deque[tuple[U8, float]] = deque()
        self._times_s: deque[float] = deque()
        self._version = 0

    def push(self, picture: Callable[[], U8], t_s: float, captured_s: float) -> bool:
        """Add the picture of time `t_s`.

        Args:
            picture: Makes the admitted picture; called only where the ring wants it, outside the lock.
            t_s: Seconds on the source's clock.
            captured_s: Monotonic time of capture.

        Returns:
            False where it came too soon after the one before (see `HIGHEST_RATE`) and was left out.
        """
        with self._lock:
            gap_s = t_s - self._times_s[-1] if self._times_s else 0.0
            if gap_s < 0 or (self.max_gap_s is not None and gap_s > self.max_gap_s):
                self._clear()
            elif self._times_s and gap_s < 1 / HIGHEST_RATE:
                return False
        admitted = picture()
        with self._lock:
            if self._pictures and self._pictures[-1][0].shape != admitted.shape:
                self._clear()  # the source changed its size: one clip cannot hold both
            self._pictures.append((admitted, captured_s))
            self._times_s.append(t_s)
            oldest_needed_s = t_s - self.timing.span_s + self.timing.tolerance_s
            while len(self._times_s) > 1 and self._times_s[1] <= oldest_needed_s:
                self._times_s.popleft()
                self._pictures.popleft()
            self._version += 1
        return True

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._clear()

    def _clear(self) -> None:
        self._pictures.clear()
        self._times_s.clear()

    @property
    def version(self) -> int:
        """Grows with each picture."""
        with self._lock:
            return self._version

    @property
    def coverage(self) -> float:
        """How much of the span is held, 0..1."""
        with self._lock:
            return coverage(self._times_s, self.timing)

    def window(self, epoch: int) -> Window | None:
        """Return the window that ends with the newest picture; None while the span is not covered."""
        with self._lock:
            times_s = list(self._times_s)
            indices = pick(times_s, self.timing)
            if indices is None:
                return None
            pictures = list(self._pictures)
        return Window(
            pictures=tuple(pictures[i][0] for i in indices),
            t_start_s=times_s[indices[0]],
            t_end_s=times_s[-1],
            captured_s=pictures[-1][1],
            epoch=epoch,
        )

    def __len__(self) -> int:
        with self._lock:
            return len(self._times_s)
