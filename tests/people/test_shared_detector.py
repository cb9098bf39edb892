"""One person detector for several pipelines."""

from __future__ import annotations

import threading

import numpy as np

from slowfast_live.people.boxes import Detections
from slowfast_live.people.now import AUTOMATIC, MOTION
from slowfast_live.people.shared_detector import SharedDetectors
from slowfast_live.types import U8


class Detector:
    title, found = "Network", 0.4

    def __init__(self) -> None:
        self.seen = self.most = self.inside = 0

    def detect(self, image: U8, t_s: float) -> Detections:
        self.inside += 1
        self.most = max(self.most, self.inside)
        threading.Event().wait(0.001)
        self.seen += 1
        self.inside -= 1
        return Detections.none()

    def reset(self) -> None:
        raise AssertionError("what one pipeline forgets must not matter to the others")


def test_a_network_is_loaded_once_and_used_in_turns() -> None:
    made: list[Detector] = []

    def make(name: str) -> Detector:
        made.append(Detector())
        return made[-1]

    shared = SharedDetectors(make, follows=lambda detector: False)
    detectors = [shared.make(AUTOMATIC) for _ in range(4)]
    assert len(made) == 1 and detectors[0].title == "Network" and detectors[0].found == 0.4
    image = np.zeros((4, 4, 3), np.uint8)

    def look(number: int) -> None:
        detectors[number].reset()
        for at in range(5):
            detectors[number].detect(image, float(at))

    threads = [threading.Thread(target=look, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (made[0].seen, made[0].most) == (20, 1)


def test_what_follows_a_source_is_made_for_each() -> None:
    made: list[str] = []

    def make(name: str) -> Detector:
        made.append(name)
        return Detector()

    shared = SharedDetectors(make, follows=lambda detector: True)
    assert shared.make(MOTION) is not shared.make(MOTION)
    assert shared.make(AUTOMATIC) is not shared.make(AUTOMATIC)
    assert made == [MOTION, MOTION, AUTOMATIC, AUTOMATIC]
