import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slowfast_live.core.activity import IDLE_AFTER_S, ActivityMeter, motion, recent_motion
from slowfast_live.types import U8


def scene(seed: int = 0, size: tuple[int, int] = (128, 170)) -> U8:
    """A soft, coloured picture."""
    y, x = np.mgrid[: size[0], : size[1]]
    phases = np.random.default_rng(seed).uniform(0, 6, 3)
    waves = [120 + 60 * np.sin(x / (19 + 7 * k) + p) + 40 * np.sin(y / (31 - 4 * k) - p) for k, p in enumerate(phases)]
    return np.clip(np.stack(waves, -1), 0, 255).astype(np.uint8)


def with_box(picture: U8, left: int, side: int = 20) -> U8:
    picture = picture.copy()
    picture[40 : 40 + 2 * side, left : left + side] = (20, 20, 20)
    return picture


def noisy(picture: U8, sigma: float, seed: int) -> U8:
    noise = np.random.default_rng(seed).normal(0, sigma, picture.shape)
    return np.clip(picture + noise, 0, 255).astype(np.uint8)


@given(st.integers(0, 50), st.integers(0, 50))
def test_motion_is_a_share(one: int, other: int) -> None:
    assert 0 <= motion(scene(one), scene(other)) <= 1


def test_a_still_picture_has_none() -> None:
    assert motion(scene(), scene()) == 0


@settings(max_examples=30)
@given(st.floats(0, 12), st.integers(0, 1000))
def test_noise_is_no_motion(sigma: float, seed: int) -> None:
    assert motion(noisy(scene(), sigma, seed), noisy(scene(), sigma, seed + 1)) < 0.05


@settings(max_examples=30)
@given(st.floats(0.7, 1.2), st.floats(-20, 20))
def test_a_change_of_light_is_no_motion(gain: float, offset: float) -> None:
    dimmed = (scene() * 0.7 + 25).astype(np.uint8)
    relit = np.clip(dimmed * gain + offset, 0, 255).astype(np.uint8)
    assert motion(dimmed, relit) < 0.05


@settings(max_examples=30)
@given(st.floats(0, 8), st.integers(8, 60))
def test_something_that_moves_is_seen_in_noise(sigma: float, way: int) -> None:
    before, after = with_box(scene(), 40), with_box(scene(), 40 + way)
    assert motion(noisy(before, sigma, 1), noisy(after, sigma, 2)) > 0.3


def test_a_moving_camera_is_motion() -> None:
    wide = scene(size=(128, 260))
    assert motion(wide[:, :170], wide[:, 30:200]) > 0.5


def test_pictures_of_two_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="one shape"):
        motion(scene(), scene(size=(64, 64)))


@pytest.mark.parametrize("frames", [16, 32, 64])
def test_a_window_tells_the_same_however_many_pictures_it_has(frames: int) -> None:
    """Two seconds; the box jumps half a second before the end."""
    pictures = [with_box(scene(), 100 if i / (frames - 1) >= 0.8 else 40) for i in range(frames)]
    still_before = [with_box(scene(), 100 if i / (frames - 1) >= 0.5 else 40) for i in range(frames)]
    assert recent_motion(pictures, 2.0) == motion(pictures[0], pictures[-1])
    assert recent_motion(still_before, 2.0) == 0


def test_one_picture_tells_no_motion() -> None:
    assert recent_motion([scene()], 0.0) == 0


readings = st.lists(st.tuples(st.floats(0.01, 2), st.floats(0, 1), st.none() | st.floats(0, 1)), max_size=60)


@given(readings)
def test_a_level_lies_between_half_the_motion_and_all_of_it(rows: list[tuple[float, float, float | None]]) -> None:
    meter, t_s = ActivityMeter(), 0.0
    for gap_s, moving, confidence in rows:
        t_s += gap_s
        activity = meter.update(t_s, moving, confidence)
        assert moving / 2 <= activity.level <= moving and activity.t_s == t_s
        assert not (activity.idle and activity.level >= meter.until), "idleness ends at once"


@given(readings)
def test_idle_only_after_a_quiet_while(rows: list[tuple[float, float, float | None]]) -> None:
    meter, t_s, busy_s = ActivityMeter(), 0.0, None
    for gap_s, moving, confidence in rows:
        t_s += gap_s
        activity = meter.update(t_s, moving, confidence)
        if busy_s is None or activity.level >= meter.until:
            busy_s = t_s
        assert not activity.idle or t_s - busy_s >= IDLE_AFTER_S


def test_between_the_two_levels_nothing_changes() -> None:
    meter = ActivityMeter(below=0.1, until=0.3, after_s=1.0)
    between = 0.4  # of motion: a level of 0.2
    assert not any(meter.update(t / 2, between).idle for t in range(10))
    assert meter.update(6.0, 0.0).idle
    assert meter.update(6.5, between).idle
    assert not meter.update(7.0, 0.9).idle


def test_a_clock_that_goes_back_starts_afresh() -> None:
    meter = ActivityMeter(after_s=1.0)
    meter.update(10.0, 0.0)
    assert meter.update(11.0, 0.0).idle
    assert not meter.update(3.0, 0.0).idle
