"""One person detector for several pipelines."""

from __future__ import annotations

import threading
from collections.abc import Callable

from slowfast_live.people.boxes import Detections
from slowfast_live.people.detector_port import PersonDetector
from slowfast_live.people.now import MOTION
from slowfast_live.types import U8


class SharedDetectors:
    """Makes each detector once; those that follow a source from picture to picture are made for each pipeline.

    Thread-safe.

    Args:
        make: Makes the detector of a name.
        follows: Whether a detector remembers earlier pictures, so that it cannot be shared.
    """

    def __init__(self, make: Callable[[str], PersonDetector], follows: Callable[[PersonDetector], bool]) -> None:
        self._make, self._follows = make, follows
        self._lock = threading.Lock()
        self._made: dict[str, PersonDetector] = {}

    def make(self, name: str) -> PersonDetector:
        """Return a detector for one pipeline; see `people.detector.make_detector`."""
        if name == MOTION:
            return self._make(name)
        with self._lock:
            detector = self._made.get(name)
            if detector is None:
                detector = self._make(name)
                if self._follows(detector):
                    return detector
                detector = self._made[name] = DetectorInTurns(detector)
            return detector


class DetectorInTurns:
    """A detector that several threads use, one at a time; see `PersonDetector`.

    Args:
        detector: The detector; it sees each picture by itself.
    """

    def __init__(self, detector: PersonDetector) -> None:
        self._detector = detector
        self._lock = threading.Lock()

    @property
    def title(self) -> str:
        """See `PersonDetector.title`."""
        return self._detector.title

    @property
    def found(self) -> float:
        """See `PersonDetector.found`."""
        return self._detector.found

    def detect(self, image: U8, t_s: float) -> Detections:
        """See `PersonDetector.detect`; waits for its turn."""
        with self._lock:
            return self._detector.detect(image, t_s)

    def reset(self) -> None:
        """See `PersonDetector.reset`: there is nothing to forget."""
