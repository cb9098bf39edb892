"""What keeps a person from being recognized, seen in pictures alone."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest

from slowfast_live.core.scene import Hindrance, SceneWatch
from slowfast_live.types import U8
from tests.ui.fakes import figure

RNG = np.random.default_rng(3)
ROOM = cv2.resize(RNG.integers(40, 215, (18, 32, 3), np.uint8), (640, 360), interpolation=cv2.INTER_CUBIC)


def noisy(image: U8) -> U8:
    return np.clip(image + RNG.normal(0, 3, image.shape), 0, 255).astype(np.uint8)


def someone(t_s: float) -> U8:
    """All of a person, in the middle."""
    return figure(t_s * 0.9, 640, 360)


def dark(t_s: float) -> U8:
    return (figure(t_s * 0.9, 640, 360) * 0.15).astype(np.uint8)


def nobody(_t_s: float) -> U8:
    return ROOM


def shaky(t_s: float) -> U8:
    shift = (round(25 * math.sin(3 * t_s)), round(18 * math.cos(2.3 * t_s)))
    return np.roll(ROOM, shift, (1, 0))


def near(t_s: float) -> U8:
    """Head and arms fill the picture."""
    large = figure(t_s * 0.9, 1920, 1080)
    return cv2.resize(large[150:700, 560:1560], (640, 352))


CASES = [
    (someone, Hindrance.NOT_KNOWN),
    (dark, Hindrance.DARK),
    (nobody, Hindrance.NOBODY),
    (shaky, Hindrance.CAMERA_MOVES),
    (near, Hindrance.TOO_NEAR),
]


@pytest.mark.parametrize(("film", "wanted"), CASES, ids=lambda value: getattr(value, "__name__", str(value)))
@pytest.mark.parametrize("fps", [10, 30])
def test_the_reason_is_found(film: object, wanted: Hindrance, fps: int) -> None:
    watch = SceneWatch()
    for k in range(9 * fps):
        watch.see(noisy(film(k / fps)), k / fps)  # type: ignore[operator]
    assert watch.judge() is wanted


def test_too_little_is_not_judged() -> None:
    watch = SceneWatch()
    for k in range(8):
        watch.see(noisy(ROOM), k * 0.25)
    assert watch.judge() is None


def test_a_jump_begins_anew() -> None:
    watch = SceneWatch()
    for k in range(40):
        watch.see(dark(k / 4), k / 4)
    assert watch.judge() is Hindrance.DARK
    watch.see(ROOM, 100.0)
    assert watch.judge() is None
