"""The plate of videos: readable over any picture, and out of the way of the rest."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slowfast_live.colors import LABEL_OVERLAY, contrast
from slowfast_live.export import label_overlay
from slowfast_live.types import Readout, ReadoutState

ACTION = Readout(ReadoutState.ACTION, "jumping jacks", 0.91)
LONG = Readout(ReadoutState.ACTION, "passing American football (not in game)", 0.5)


def gray(level: int, width: int = 640, height: int = 480) -> np.ndarray:
    return np.full((height, width, 3), level, np.uint8)


def text_of(color: np.ndarray) -> str:
    return "#" + "".join(f"{value:02x}" for value in color[::-1])


@pytest.mark.parametrize("level", [0, 128, 255])
@pytest.mark.parametrize("readout", [ACTION, Readout(ReadoutState.UNTRAINED), Readout(ReadoutState.WARMING_UP)])
def test_words_stand_out_over_any_picture(level: int, readout: Readout) -> None:
    words = label_overlay.words_of(readout)
    assert words is not None
    image = label_overlay.draw(gray(level), readout)
    inside = image[-40:-20, 40:200].reshape(-1, 3)
    brightness = inside.astype(int).sum(axis=1)
    text, ground = inside[brightness.argmax()], inside[brightness.argmin()]
    assert contrast(text_of(text), text_of(ground)) >= 4.5
    wanted = [int(words.color[i : i + 2], 16) for i in (5, 3, 1)]
    assert np.abs(text.astype(int) - wanted).max() <= 40


def test_the_upper_part_of_the_picture_is_untouched() -> None:
    before = np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8)
    after = label_overlay.draw(before, ACTION)
    assert (after[:380] == before[:380]).all()
    assert (after[380:] != before[380:]).any()


def test_the_picture_given_is_not_written_to() -> None:
    image = gray(90)
    image.flags.writeable = False
    label_overlay.draw(image, ACTION)
    assert (image == 90).all()


def test_nothing_is_drawn_without_a_model() -> None:
    image = gray(90)
    assert label_overlay.draw(image, Readout(ReadoutState.NO_MODEL)) is image


def test_each_action_has_its_color_at_the_edge() -> None:
    image = label_overlay.draw(gray(0), ACTION)
    edge = label_overlay.words_of(ACTION).edge  # type: ignore[union-attr]
    assert edge is not None
    wanted = np.array([int(edge[i : i + 2], 16) for i in (5, 3, 1)])
    column = image[-60:-10, 15:18].reshape(-1, 3).astype(int)
    assert np.abs(column - wanted).max(axis=1).min() <= 12


@given(
    st.integers(1, 700),
    st.integers(1, 500),
    st.sampled_from([ACTION, LONG, Readout(ReadoutState.NO_CONFIDENT_ACTION)]),
)
def test_any_size_of_picture_keeps_its_size(width: int, height: int, readout: Readout) -> None:
    image = gray(77, width, height)
    drawn = label_overlay.draw(image, readout)
    assert drawn.shape == image.shape
    assert (drawn[:, -1] == 77).all() or width < 32


def test_a_long_label_takes_two_lines() -> None:
    short = (label_overlay.draw(gray(0, 480, 848), ACTION) != 0).any(axis=(1, 2)).sum()
    long = (label_overlay.draw(gray(0, 480, 848), LONG) != 0).any(axis=(1, 2)).sum()
    assert long > 1.3 * short


def test_the_ground_is_the_windows() -> None:
    image = label_overlay.draw(gray(255), ACTION)
    ground = [round(int(LABEL_OVERLAY.ground[i : i + 2], 16) * 0.8 + 255 * 0.2) for i in (5, 3, 1)]
    assert np.abs(image[-45, 25].astype(int) - ground).max() <= 2
