from __future__ import annotations

import threading
import time
from collections.abc import Callable

import numpy as np
import pytest

from slowfast_live.core.clock import SystemClock
from slowfast_live.errors import ModelError
from slowfast_live.people.boxes import Detections, cleaned
from slowfast_live.people.now import MOTION, OFF
from slowfast_live.pipeline import people_follower
from slowfast_live.pipeline.people_follower import PeopleFollower
from slowfast_live.types import U8, Notice, Topic

IMAGE = np.zeros((90, 160, 3), np.uint8)
SOMEONE = Detections(np.array([[0.4, 0.2, 0.6, 0.9]], np.float32), np.array([0.9], np.float32))


class Detector:
    title, found = "fake", 0.5

    def __init__(self, detect: Callable[[U8, float], Detections] = lambda image, t_s: SOMEONE) -> None:
        self._detect = detect
        self.calls = 0

    def detect(self, image: U8, t_s: float) -> Detections:
        self.calls += 1
        return self._detect(image, t_s)

    def reset(self) -> None:
        pass


class Run:
    """A follower that is offered a frame every few milliseconds until a condition holds."""

    def __init__(self, detector: Detector | Exception) -> None:
        self.notices: list[Notice] = []
        self.detector = detector
        self.follower = PeopleFollower(self._make, SystemClock(), self.notices.append)
        self.t_s = 0.0

    def _make(self, name: str) -> Detector:
        if isinstance(self.detector, Exception):
            raise self.detector
        return self.detector

    def until(self, condition: Callable[[], bool], generation: int = 1) -> None:
        for _ in range(3000):
            if condition():
                return
            self.t_s += 1 / 30
            self.follower.offer(IMAGE, self.t_s, generation)
            threading.Event().wait(0.005)
        pytest.fail("it never happened")


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(people_follower, "SHORTEST_STEP_S", 0.0)
    monkeypatch.setattr(people_follower, "LONGEST_STEP_S", 0.001)


def test_people_are_followed_until_it_is_switched_off() -> None:
    run = Run(Detector())
    assert not run.follower.on
    run.follower.use("fake")
    run.until(lambda: bool(run.follower.people(1)))
    assert run.follower.title == "fake" and [p.id for p in run.follower.people(1)] == [1]
    assert run.follower.people(2) == ()
    run.follower.use(OFF)
    assert run.follower.people(1) == () and not run.follower.on
    run.follower.stop()
    assert not run.notices


def test_another_generation_has_other_people() -> None:
    run = Run(Detector())
    run.follower.use("fake")
    run.until(lambda: bool(run.follower.people(1)))
    run.until(lambda: bool(run.follower.people(2)), generation=2)
    assert [p.id for p in run.follower.people(2)] == [2]
    run.follower.stop()


def _nan(image: U8, t_s: float) -> Detections:
    return cleaned(np.full((1, 4), np.nan, np.float32), np.ones(1, np.float32), threshold=0.5, overlap=0.5)


def _fails(image: U8, t_s: float) -> Detections:
    raise RuntimeError("driver lost")


@pytest.mark.parametrize(("detect", "words"), [(_nan, "not a number"), (_fails, "driver lost")])
def test_a_detector_that_fails_is_replaced_by_what_moves(detect: Callable[[U8, float], Detections], words: str) -> None:
    run = Run(Detector(detect))
    run.follower.use("fake")
    run.until(lambda: bool(run.notices) and run.follower.title == "Motion")
    assert len(run.notices) == 1 and run.notices[0].topic is Topic.PEOPLE
    assert words in run.notices[0].message and "What moves is followed instead" in run.notices[0].message
    assert run.follower.on and run.follower.people(1) == ()
    run.follower.stop()


def test_one_failure_is_forgiven() -> None:
    failed = []

    def once(image: U8, t_s: float) -> Detections:
        if not failed:
            failed.append(t_s)
            raise RuntimeError("busy")
        return SOMEONE

    run = Run(Detector(once))
    run.follower.use("fake")
    run.until(lambda: bool(run.follower.people(1)))
    assert run.follower.title == "fake" and not run.notices
    run.follower.stop()


def test_a_detector_that_hangs_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(people_follower, "HUNG_AFTER_S", 0.05)
    monkeypatch.setattr(people_follower, "STOP_WITHIN_S", 0.05)
    released = threading.Event()

    def hangs(image: U8, t_s: float) -> Detections:
        released.wait(60)
        return SOMEONE

    run = Run(Detector(hangs))
    run.follower.use("fake")
    run.until(lambda: run.follower.title == "Motion")
    assert len(run.notices) == 1 and "has not answered" in run.notices[0].message
    released.set()
    run.until(lambda: run.follower.detections > 2)
    assert run.follower.title == "Motion" and run.follower.people(1) == ()
    run.follower.stop()


def test_a_detector_that_cannot_be_loaded_is_a_notice() -> None:
    run = Run(ModelError("There is no person detector 'x'."))
    run.follower.use("x")
    run.until(lambda: run.follower.title == "Motion")
    assert ["There is no person detector 'x'" in notice.message for notice in run.notices] == [True]
    run.follower.stop()


def test_a_thousand_boxes_are_bounded() -> None:
    rng = np.random.default_rng(0)
    low = rng.uniform(0, 0.9, (1000, 2))
    boxes = np.concatenate([low, low + 0.05], 1).astype(np.float32)

    def crowd(image: U8, t_s: float) -> Detections:
        return cleaned(boxes, np.ones(1000, np.float32), threshold=0.5, overlap=0.9)

    run = Run(Detector(crowd))
    run.follower.use("fake")
    run.until(lambda: bool(run.follower.people(1)))
    assert len(run.follower.people(1)) <= 30
    run.follower.stop()


def test_offering_a_frame_never_waits_for_the_detector() -> None:
    released = threading.Event()

    def slow(image: U8, t_s: float) -> Detections:
        released.wait(60)
        return SOMEONE

    run = Run(Detector(slow))
    run.follower.use("fake")
    run.until(lambda: isinstance(run.detector, Detector) and run.detector.calls > 0)
    began_s = time.process_time()
    for i in range(1000):
        run.follower.offer(IMAGE, run.t_s + i, 1)
    assert time.process_time() - began_s < 1.0
    released.set()
    run.follower.use(MOTION)
    run.follower.stop()
