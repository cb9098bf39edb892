"""Repetitions of drawn movements, at any rate of the camera; nothing where nothing repeats."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest

from slowfast_live import paths
from slowfast_live.counting.counter import RepetitionCounter, RepetitionSet, repetitions_between
from slowfast_live.types import U8


def figure(height: float, width: int = 96, side: int = 64) -> U8:
    """Draw a person whose body is `height` (0..1) of its full height."""
    image = np.full((side, width, 3), 140, np.uint8)
    top = round(side * (0.9 - 0.7 * height))
    cv2.rectangle(image, (width // 2 - 8, top), (width // 2 + 8, round(side * 0.9)), (40, 60, 190), cv2.FILLED)
    cv2.circle(image, (width // 2, max(4, top - 5)), 5, (150, 180, 220), cv2.FILLED)
    return image


def squat(t_s: float, period_s: float = 2.0) -> U8:
    return figure(0.75 + 0.25 * math.cos(2 * math.pi * t_s / period_s))


def counted(pictures: list[tuple[float, U8]]) -> RepetitionCounter:
    counter = RepetitionCounter()
    for t_s, image in pictures:
        counter.push(image, t_s)
    return counter


def squats(number: int, fps: float, period_s: float = 2.0, begin_s: float = 0.0) -> list[tuple[float, U8]]:
    times = [begin_s + i / fps for i in range(round(number * period_s * fps) + 1)]
    return [(t_s, squat(t_s - begin_s, period_s)) for t_s in times]


@pytest.mark.parametrize("fps", [10.0, 15.0, 29.97, 60.0])
def test_eight_squats_are_eight_at_any_frame_rate(fps: float) -> None:
    (found,) = counted(squats(8, fps)).sets
    assert found.count == 8
    assert found.per_minute == pytest.approx(30, abs=2)
    assert found.begin_s == pytest.approx(0, abs=0.3)


@pytest.mark.parametrize("period_s", [0.7, 1.1, 2.3, 4.0])
def test_tempo_does_not_change_the_count(period_s: float) -> None:
    counter = counted(squats(6, 25, period_s))
    assert sum(each.count for each in counter.sets) in (5, 6)


def test_counting_starts_by_itself_with_the_second_repetition() -> None:
    counter = RepetitionCounter()
    shown: list[tuple[float, int]] = []
    for t_s, image in squats(5, 20):
        counter.push(image, t_s)
        if counter.current is not None:
            shown.append((t_s, counter.current.count))
    assert shown[0][1] == 2
    assert 3.5 < shown[0][0] < 5.0
    assert [count for _, count in shown] == sorted(count for _, count in shown)


def test_a_pause_ends_the_set_and_the_next_one_counts_from_the_beginning() -> None:
    standing = [(10 + i / 20, squat(0)) for i in range(1, 160)]
    counter = counted([*squats(5, 20), *standing, *squats(4, 20, begin_s=18.1)])
    assert [each.count for each in counter.sets] == [5, 4]
    first, second = counter.sets
    assert first.end_s < second.begin_s


def test_nothing_is_counted_where_nothing_repeats() -> None:
    rng = np.random.default_rng(1)
    still = [(i / 20, np.asarray(squat(0) + rng.integers(0, 4, (64, 96, 3)), np.uint8)) for i in range(200)]
    crossing = [(i / 20, np.ascontiguousarray(np.roll(squat(0), i // 2 - 48, axis=1))) for i in range(160)]
    once = [(i / 20, figure(0.5 if 40 < i < 70 else 1.0)) for i in range(120)]
    for pictures in (still, once, crossing):
        assert counted(pictures).sets == ()


def test_time_that_goes_back_starts_anew_and_keeps_the_sets() -> None:
    counter = counted([*squats(5, 20), *squats(4, 20)])
    assert [each.count for each in counter.sets] == [5, 4]


def test_a_camera_that_stops_for_long_is_not_counted_through() -> None:
    counter = counted([*squats(4, 20), *squats(4, 20, begin_s=60.0)])
    assert [each.count for each in counter.sets] == [4, 4]


def test_a_picture_of_another_size_starts_anew() -> None:
    counter = RepetitionCounter()
    for t_s, image in squats(4, 20):
        counter.push(image, t_s)
    for t_s, image in squats(4, 20, begin_s=8.05):
        counter.push(np.ascontiguousarray(cv2.resize(image, (64, 64))), t_s)
    assert sum(each.count for each in counter.sets) in (7, 8)


def test_repetitions_of_an_event_are_those_of_its_time() -> None:
    sets = [RepetitionSet(0, 10, 10.0, 1.0), RepetitionSet(20, 25, 5.0, 1.0)]
    assert repetitions_between(sets, 0, 10) == 10
    assert repetitions_between(sets, 0, 30) == 15
    assert repetitions_between(sets, 12, 18) == 0
    assert repetitions_between(sets, 2.0, 7.0) == 5


@pytest.mark.parametrize("before", ["dark", "another place", "nobody there"])
def test_what_was_before_does_not_stop_the_count(before: str) -> None:
    """A light that goes on, a cut or somebody who comes in changes more than any movement after it."""
    still: dict[str, U8] = {
        "dark": np.zeros((64, 96, 3), np.uint8),
        "another place": np.random.default_rng(0).integers(0, 256, (64, 96, 3), np.uint8),
        "nobody there": np.full((64, 96, 3), 240, np.uint8),
    }

    def waving(t_s: float) -> U8:  # a small movement
        image = figure(1.0)
        x = 64 + round(7 * math.sin(2 * math.pi * t_s))
        cv2.rectangle(image, (x, 20), (x + 5, 25), (20, 20, 20), cv2.FILLED)
        return image

    times = [i / 20 for i in range(8 * 20 + 1)]
    counter = counted([(t_s, still[before] if t_s < 1 else waving(t_s)) for t_s in times])
    assert repetitions_between(counter.sets, 0.0, 8.0) == pytest.approx(7, abs=1)


def test_what_the_demo_shows_is_counted() -> None:
    """Cuts and a fade stand between its actions."""
    counter, capture = RepetitionCounter(), cv2.VideoCapture(str(paths.bundled("assets") / "demo.mp4"))
    fps, number = capture.get(cv2.CAP_PROP_FPS), 0
    while (read := capture.read())[0]:
        counter.push(np.asarray(read[1], np.uint8), number / fps)
        number += 1
    capture.release()
    # From the motions it is rendered with: 6.2 claps, 3 jumping jacks, 3.5 punches of both hands, 2.8 arm circles.
    for begin_s, end_s, fewest, most in ((4.2, 7.4, 5, 7), (11.6, 14.8, 2, 4), (23.0, 26.2, 3, 5), (26.6, 29.8, 2, 4)):
        assert fewest <= repetitions_between(counter.sets, begin_s, end_s) <= most, (begin_s, counter.sets)
