from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slowfast_live.types import Frame
from slowfast_live.ui.video.frame_scaler import FrameScaler, fit, scale_to_bgra
from tests.ui.fakes import figure

SIDE = st.integers(1, 5000)


@given(SIDE, SIDE, SIDE, SIDE)
def test_fit_is_inside_centerd_and_as_large_as_it_can_be(w: int, h: int, tw: int, th: int) -> None:
    x, y, width, height = fit(w, h, tw, th)
    assert 1 <= width <= tw and 1 <= height <= th
    assert x == (tw - width) // 2 and y == (th - height) // 2
    assert width == tw or height == th
    assert abs(width * h - height * w) <= max(w, h), "aspect kept to within a pixel"


@pytest.mark.parametrize("size", [(72, 128), (40, 71), (144, 256), (100, 300)])
def test_scaling_keeps_colors_and_is_opaque(size: tuple[int, int]) -> None:
    image = np.zeros((72, 128, 3), np.uint8)
    image[:, :64] = (255, 10, 20)
    image[:, 64:] = (1, 200, 90)
    out = np.zeros((*size, 4), np.uint8)
    scale_to_bgra(image, out)
    assert (out[..., 3] == 255).all()
    assert out[2, 2].tolist() == [255, 10, 20, 255]
    assert out[-3, -3].tolist() == [1, 200, 90, 255]


def test_shrinking_averages() -> None:
    image = np.zeros((100, 100, 3), np.uint8)
    image[:, ::2] = 200
    out = np.zeros((50, 50, 4), np.uint8)
    scale_to_bgra(image, out)
    assert (out[..., :3] == 100).all(), "stripes a pixel wide become even grey, not a pattern"


def test_the_newest_frame_wins_and_buffers_take_turns(qtbot: object) -> None:
    frames = [Frame(figure(k / 10, 64, 36), k, k / 10, 0.0) for k in range(4)]
    scaler = FrameScaler(lambda: None)
    scaler.set_target(64, 64)
    for frame in frames[:2]:
        scaler._present(frame, (64, 64))
    first = scaler.take()
    assert first is not None and first.frame is frames[1]
    assert first.pixels.shape == (36, 64, 4)
    assert scaler.take() is None
    kept = first.pixels.copy()
    for frame in frames[2:]:
        scaler._present(frame, (64, 64))
        assert (first.pixels == kept).all(), "what is on the screen is not written to"
    second = scaler.take()
    assert second is not None and second.frame is frames[3]
    buffers = {first.pixels.ctypes.data, second.pixels.ctypes.data} | {s.ctypes.data for s in scaler._spare}
    assert len(buffers) <= 3


@settings(max_examples=20)
@given(st.lists(st.tuples(st.integers(1, 80), st.integers(1, 80)), min_size=1, max_size=12))
def test_changing_sizes_keep_few_buffers(targets: list[tuple[int, int]]) -> None:
    frame = Frame(figure(0, 32, 18), 0, 0.0, 0.0)
    scaler = FrameScaler(lambda: frame)
    for number, target in enumerate(targets):
        scaler._present(frame, target)
        if number % 2:
            assert scaler.take() is not None
    assert len(scaler._spare) <= 2


def test_the_thread_presents_each_frame_once_and_ends(qtbot: object) -> None:
    frame = Frame(figure(0, 32, 18), 0, 0.0, 0.0)
    asked = []

    def newest() -> Frame:
        asked.append(1)
        return frame

    scaler = FrameScaler(newest)
    scaler.set_target(64, 64)
    scaler.start()
    qtbot.waitUntil(lambda: scaler._ready is not None, timeout=20_000)  # type: ignore[attr-defined]
    taken = scaler.take()
    assert taken is not None and taken.frame is frame
    seen = len(asked)
    qtbot.waitUntil(lambda: len(asked) > seen + 3, timeout=20_000)  # type: ignore[attr-defined]
    assert scaler.take() is None
    scaler.set_target(32, 32)
    qtbot.waitUntil(lambda: scaler._ready is not None, timeout=20_000)  # type: ignore[attr-defined]
    assert scaler.stop()


def test_stop_before_start_is_harmless() -> None:
    assert FrameScaler(lambda: None).stop()
