"""Counts in what is shown, on a thread of its own."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass

from slowfast_live.core.mailbox import Latest
from slowfast_live.core.priority import step_back
from slowfast_live.counting.counter import RepetitionCounter, RepetitionSet
from slowfast_live.counting.periodicity import RATE
from slowfast_live.types import Frame, SourceSpec

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Count:
    """What was counted so far.

    Attributes:
        generation: Generation of the frames.
        source: The source that they come from.
        current: The set in progress; None if nothing repeats.
        sets: All sets of the source, oldest first, with the one in progress.
    """

    generation: int = -1
    source: SourceSpec | None = None
    current: RepetitionSet | None = None
    sets: tuple[RepetitionSet, ...] = ()


class LiveCounter:
    """Takes the newest frame ten times a second and counts; `push` returns at once. Thread-safe.

    When the source, the model or the position in a file changes, the set in progress ends. The sets of a file are kept
    while it is shown, those that are played again replace the earlier ones.
    """

    def __init__(self) -> None:
        self._frames: Latest[Frame] = Latest()
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._count = Count()
        self.taken = 0
        """Number of frames that were counted in."""
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the thread."""
        self._thread = threading.Thread(target=self._run, name="counting", daemon=True)
        self._thread.start()

    @property
    def running(self) -> bool:
        """Whether the thread was started."""
        return self._thread is not None

    def stop(self) -> None:
        """End the thread."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(1.0)

    def push(self, frame: Frame) -> None:
        """Take in a frame; called from any thread."""
        self._frames.put(frame)

    def count(self) -> Count:
        """Return what was counted so far."""
        with self._lock:
            return self._count

    def _run(self) -> None:
        step_back()
        counter, last = RepetitionCounter(), None
        earlier: tuple[RepetitionSet, ...] = ()
        while not self._stop.wait(0.5 / RATE):
            frame = self._frames.get()
            if frame is None or frame is last:
                continue
            if last is not None and frame.source != last.source:
                counter.clear()
                earlier = ()
            elif last is not None and (frame.generation != last.generation or frame.t_s < last.t_s):
                earlier = _joined(earlier, counter.sets)
                counter.clear()
            last = frame
            try:
                counter.push(frame.image, frame.t_s)
            except Exception:  # a frame that cannot be counted must not end counting
                log.exception("Counting failed")
                counter.clear()
                continue
            with self._lock:
                self.taken += 1
                sets = _joined(earlier, counter.sets)
                self._count = Count(frame.generation, frame.source, counter.current, sets)


def _joined(earlier: tuple[RepetitionSet, ...], later: tuple[RepetitionSet, ...]) -> tuple[RepetitionSet, ...]:
    """Return all sets in order of time, without earlier ones that were counted again."""
    kept = [one for one in earlier if not any(one.begin_s < new.end_s and new.begin_s < one.end_s for new in later)]
    return tuple(sorted([*kept, *later], key=lambda each: each.begin_s))
