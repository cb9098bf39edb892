"""The count in the corner of recordings and annotated copies: there while something repeats."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from slowfast_live.counting.counter import RepetitionCounter, RepetitionSet
from slowfast_live.export.count_overlay import STAYS_S, draw_count, shown_set
from slowfast_live.export.video import annotate
from slowfast_live.export.writer import VideoWriter
from slowfast_live.types import Readout, ReadoutState
from tests.counting.test_counter import squats
from tests.export.videos import needs_ffmpeg, pictures

SET = RepetitionSet(0.0, 12.0, 6.0, 2.0)


@pytest.mark.parametrize("size", [(96, 160), (480, 640), (1080, 1920), (640, 360)])
def test_the_count_stands_in_the_upper_right_corner(size: tuple[int, int]) -> None:
    image = np.full((*size, 3), 200, np.uint8)
    drawn = draw_count(image, SET)
    changed = np.argwhere((drawn != image).any(axis=2))
    assert (image == 200).all(), "the frame itself is left alone"
    (top, left), (bottom, right) = changed.min(axis=0), changed.max(axis=0)
    assert left > size[1] / 2
    assert bottom < size[0] / 2
    assert top > 0 and right < size[1] - 1
    assert (drawn == draw_count(image, SET)).all()
    assert (drawn != draw_count(image, RepetitionSet(0.0, 14.0, 7.0, 2.0))).any()


def test_without_a_set_or_on_a_tiny_frame_nothing_is_drawn() -> None:
    image = np.zeros((480, 640, 3), np.uint8)
    assert draw_count(image, None) is image
    tiny = np.zeros((24, 24, 3), np.uint8)
    assert draw_count(tiny, SET) is tiny


def test_the_last_set_stays_for_a_little_while() -> None:
    counter = RepetitionCounter()
    assert shown_set(counter, 0.0) is None
    for t_s, image in squats(5, 20):
        counter.push(image, t_s)
    found = shown_set(counter, 10.0)
    assert found is not None
    assert found.count == 5
    assert shown_set(counter, found.end_s + STAYS_S + 0.1) is None


@needs_ffmpeg
def test_an_annotated_copy_shows_the_count_once_something_repeats(tmp_path: Path) -> None:
    source, copy = tmp_path / "squats.mp4", tmp_path / "copy.mp4"
    writer = VideoWriter(source, fps=20, keep=False, replace=True)
    for t_s, image in squats(4, 20):
        writer.write(np.ascontiguousarray(np.repeat(np.repeat(image, 4, 0), 4, 1)), t_s)
    writer.close()
    annotate(source, copy, [(0.0, Readout(ReadoutState.NO_MODEL))])
    plain, drawn = pictures(source, (384, 256)), pictures(copy, (384, 256))
    corner = (slice(10, 60), slice(320, 370))
    apart = np.abs(plain[:, *corner].astype(int) - drawn[:, *corner]).mean(axis=(1, 2, 3))
    assert apart[:60].max() < 10
    assert apart[120:].min() > 40
