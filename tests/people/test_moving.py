"""Regions that move: two people are two, before a resting and a moving camera."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from slowfast_live.people.moving import MotionDetector
from slowfast_live.people.tracker import Tracker
from slowfast_live.types import U8

STEP_S = 1 / 7.5


def scene(t_s: float, *, pan: float = 0.0, still: bool = False) -> U8:
    """Two people who sway and move their arms before a textured wall, 320 x 180; `pan`: pixels per second."""
    rng = np.random.default_rng(1)
    wall = cv2.resize(rng.integers(60, 200, (23, 60), np.uint8), (480, 180), interpolation=cv2.INTER_CUBIC)
    image = np.repeat(wall[:, :, None], 3, 2).copy()
    for index, place in enumerate((170, 310)):
        swing = 0.0 if still else np.sin(2 * np.pi * 1.2 * t_s + index)
        x = place + round(6 * swing)
        cv2.rectangle(image, (x - 10, 60), (x + 10, 150), (30, 30, 220 - 150 * index), -1)
        for side in (-1, 1):
            hand = (round(x + side * 28), round(90 + 26 * swing))
            cv2.line(image, (x + side * 10, 75), hand, (240, 240, 240), 7)
    left = round(80 + pan * t_s)
    return np.ascontiguousarray(image[:, left : left + 320])


@pytest.mark.parametrize("pan", [0.0, 14.0])
def test_two_who_move_are_two(pan: float) -> None:
    detector, tracker = MotionDetector(), Tracker(MotionDetector.found)
    counts, identities = [], set()
    for i in range(30):
        t_s = i * STEP_S
        image = scene(t_s, pan=pan)
        people = tracker.update(detector.detect(image, t_s), t_s, image)
        if i > 6:
            counts.append(len([p for p in people if not p.lost]))
            identities |= {p.id for p in people}
    assert counts.count(2) >= 0.8 * len(counts), counts
    assert len(identities) <= 3


def test_nobody_moves_and_nobody_is_found_even_if_the_camera_turns() -> None:
    for pan in (0.0, 14.0):
        detector = MotionDetector()
        found = [len(detector.detect(scene(i * STEP_S, pan=pan, still=True), i * STEP_S)) for i in range(20)]
        assert sum(found) <= 1, (pan, found)


def test_a_cut_or_a_change_of_the_light_is_nobody() -> None:
    detector = MotionDetector()
    for i in range(5):
        detector.detect(scene(i * STEP_S, still=True), i * STEP_S)
    dark = (scene(0, still=True) * 0.5).astype(np.uint8)
    assert len(detector.detect(dark, 5 * STEP_S)) == 0
