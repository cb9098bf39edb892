"""Which part of the picture a clip shows: a mark in the picture is found where `area` says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from slowfast_live.core.framing import CenterCrop, FollowMotion, Framing
from slowfast_live.inference.spec import Model
from slowfast_live.pipeline.newest_clip import NewestClip, compose
from slowfast_live.types import FrameWindow
from tests.tiny_model import tiny_spec

MODEL = Model(Path("x"), tiny_spec("x", trained=True))


def newest(framing: Framing, images: list[np.ndarray], *, flipped: bool = False) -> NewestClip:
    pictures = tuple(framing.admit(image[:, ::-1].copy() if flipped else image) for image in images)
    window = FrameWindow(pictures, 0.0, 1.0, 1.0, 1)
    return compose(MODEL, "CPU", window, framing, flipped=flipped)


@pytest.mark.parametrize(("width", "height"), [(640, 360), (360, 640), (500, 500), (2000, 200)])
@pytest.mark.parametrize("flipped", [False, True])
@pytest.mark.parametrize(
    "framing", [CenterCrop(64), CenterCrop(64, 80), FollowMotion(64)], ids=["crop", "test", "follow"]
)
def test_a_mark_is_found_where_the_area_says(framing: Framing, width: int, height: int, flipped: bool) -> None:
    side = MODEL.spec.clip.side
    x, y = round(width * 0.53), round(height * 0.45)
    images = []
    for number in range(MODEL.spec.clip.frames):
        image = np.zeros((height, width, 3), np.uint8)
        size = round(min(width, height) * (0.06 + 0.02 * (number % 3)))  # it moves, and the crop may follow it
        image[y - size : y + size, x - size : x + size] = 255
        images.append(image)
    found = newest(framing, images, flipped=flipped)
    left, top, wide, high = found.area(width, height)
    rows, columns = np.nonzero(found.clip[..., 0].mean(0) > 100)
    across, down = columns.mean() / side, rows.mean() / side
    if flipped:
        across = 1 - across
    assert (left + across * wide) * width == pytest.approx(x, abs=0.04 * min(width, height))
    assert (top + down * high) * height == pytest.approx(y, abs=0.04 * min(width, height))
    assert wide * width == pytest.approx(high * height, rel=0.05), "what the model sees is square"
