"""Where something moves, and how the camera does."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slowfast_live.core.motion import camera_motion, motion_box
from slowfast_live.types import U8

HEIGHT, WIDTH, COUNT = 128, 192, 16
MARGIN = 60


def scenery(seed: int = 0) -> U8:
    """A background larger than the picture, with corners at every scale, uint8 (h, w)."""
    rng = np.random.default_rng(seed)
    size = (HEIGHT + 2 * MARGIN, WIDTH + 2 * MARGIN)
    layers = [cv2.resize(rng.uniform(0, 255, (size[0] // n, size[1] // n)), size[::-1]) for n in (6, 16, 40)]
    return np.asarray(np.mean(layers, axis=0), np.uint8)


def filmed(camera: Callable[[int], tuple[float, float]], person: Callable[[int], tuple[int, int]] | None) -> list[U8]:
    """Pictures of a camera that looks at `camera(i)`, with somebody of 24 x 12 pixels at `person(i)` of the picture."""
    ground, clothes = scenery(), np.random.default_rng(1).integers(0, 256, (24, 12), np.uint8)
    out = []
    for i in range(COUNT):
        x, y = camera(i)
        view = np.array([[1, 0, MARGIN + x], [0, 1, MARGIN + y]], np.float32)
        image = cv2.warpAffine(ground, view, (WIDTH, HEIGHT), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
        if person is not None:
            left, top = person(i)
            image[top : top + 24, left : left + 12] = clothes
        out.append(np.repeat(np.asarray(image, np.uint8)[:, :, None], 3, axis=2))
    return out


def gray(pictures: list[U8]) -> list[U8]:
    return [np.ascontiguousarray(picture[..., 1]) for picture in pictures]


CAMERAS = {
    "rests": lambda i: (0.0, 0.0),
    "pans": lambda i: (3.0 * i - 24, 0.0),
    "trembles": lambda i: (4 * np.sin(1.9 * i), 3 * np.cos(2.7 * i)),
}


@pytest.mark.parametrize("camera", CAMERAS)
def test_somebody_is_found_however_the_camera_moves(camera: str) -> None:
    box = motion_box(filmed(CAMERAS[camera], lambda i: (80 + i % 4 * 3, 50)))
    assert box is not None
    left, top, right, bottom = box
    assert 70 <= left <= 84 and 40 <= top <= 54
    assert 88 <= right <= 112 and 70 <= bottom <= 84


@pytest.mark.parametrize("camera", ["rests", "pans"])
def test_nobody_is_found_where_only_the_camera_moves(camera: str) -> None:
    assert motion_box(filmed(CAMERAS[camera], None)) is None


@settings(max_examples=40)
@given(st.floats(-12, 12), st.floats(-12, 12))
def test_the_camera_is_measured(x: float, y: float) -> None:
    first, second = gray(filmed(lambda i: (0.0, 0.0) if i == 0 else (x, y), None)[:2])
    motion = camera_motion(first, second)
    if max(abs(x), abs(y)) < 0.1:
        assert motion is None
    elif max(abs(x), abs(y)) > 0.3:
        assert motion is not None
        middle = motion @ np.array([WIDTH / 2, HEIGHT / 2, 1])
        assert middle == pytest.approx([WIDTH / 2 - x, HEIGHT / 2 - y], abs=0.35)


def test_a_wall_without_corners_says_nothing_of_the_camera() -> None:
    wall = np.full((HEIGHT, WIDTH), 120, np.uint8)
    assert camera_motion(wall, wall) is None


def test_two_views_without_anything_in_common_have_no_motion() -> None:
    first, second = (np.ascontiguousarray(scenery(seed)[:HEIGHT, :WIDTH]) for seed in (0, 1))
    assert camera_motion(first, second) is None
