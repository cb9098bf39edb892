import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slowfast_live.core.sampling import ClipTiming, coverage, pick, uniform_temporal_indices

TIMINGS = [
    ClipTiming(32, 2),
    ClipTiming(16, 5),
    ClipTiming(4, 12),
    ClipTiming(13, 6),
    ClipTiming(64, 2),
    ClipTiming(32, 3),
]


def test_slow_pathway_indices_are_those_of_the_published_code() -> None:
    assert uniform_temporal_indices(32, 8) == (0, 4, 8, 13, 17, 22, 26, 31)
    assert uniform_temporal_indices(64, 32)[:4] == (0, 2, 4, 6) and uniform_temporal_indices(64, 32)[-1] == 63


@given(st.integers(1, 300), st.integers(1, 300))
def test_indices_ascend_and_hold_both_ends(total: int, samples: int) -> None:
    indices = uniform_temporal_indices(total, samples)
    assert len(indices) == samples and indices[0] == 0 and list(indices) == sorted(indices)
    assert indices[-1] == (total - 1 if samples > 1 else 0)


@pytest.mark.parametrize("timing", TIMINGS, ids=str)
def test_video_of_the_training_rate_gives_the_truncated_indices(timing: ClipTiming) -> None:
    count = timing.frames * timing.stride
    for start in range(40):
        times = [i / timing.fps for i in range(start + count)]
        assert pick(times, timing) == tuple(start + i for i in uniform_temporal_indices(count, timing.frames))


def test_slowfast_takes_the_same_pictures_from_ntsc_video_and_from_rounded_timestamps() -> None:
    timing = ClipTiming(32, 2)
    for fps, digits in ((30000 / 1001, 9), (30.0, 3), (30000 / 1001, 3)):
        for start in range(40):
            times = [round(i / fps, digits) for i in range(start + 64)]
            picked = pick(times, timing)
            assert picked is not None
            off = np.array(picked) - start - np.array(uniform_temporal_indices(64, 32))
            # Two stamps, each rounded to a millisecond, can be further apart than an instant is from a frame.
            assert np.abs(off).max() <= (1 if digits == 3 else 0)
            assert np.count_nonzero(off) <= 2


@pytest.mark.parametrize("fps", [10, 15, 24, 25, 50, 60, 120])
def test_other_rates_give_the_newest_picture_at_each_instant(fps: int) -> None:
    timing = ClipTiming(32, 2)
    times = [i / fps for i in range(5 * fps)]
    indices = pick(times, timing)
    assert indices is not None and indices[-1] == len(times) - 1
    for index, offset in zip(indices, timing.offsets_s, strict=True):
        wanted = times[-1] + offset
        assert times[index] <= wanted + timing.tolerance_s + 1e-9
        assert index == len(times) - 1 or times[index + 1] > wanted - 1e-9


@st.composite
def arrival_times(draw: st.DrawFn) -> list[float]:
    """Any rate from 5 to 240, jitter, and gaps of up to a second."""
    fps = draw(st.floats(5, 240))
    gaps = draw(st.lists(st.floats(0.2, 3.0), min_size=2, max_size=300))
    start = draw(st.floats(0, 1e6))
    long_gap = draw(st.sampled_from([0.0, 0.3, 1.0]))
    steps = np.array(gaps) / fps
    steps[len(steps) // 2] += long_gap
    return [float(t) for t in start + np.cumsum(steps)]


@given(arrival_times(), st.sampled_from(TIMINGS))
def test_properties_of_any_clip(times: list[float], timing: ClipTiming) -> None:
    indices = pick(times, timing)
    share = coverage(times, timing)
    assert 0 <= share <= 1
    assert (indices is None) == (share < 1)
    if indices is None:
        assert times[-1] - times[0] < timing.span_s
        return
    assert len(indices) == timing.frames
    assert list(indices) == sorted(indices) and indices[-1] == len(times) - 1
    # Never a picture from the future of its instant, never one that was replaced by then.
    for index, offset in zip(indices, timing.offsets_s, strict=True):
        wanted = times[-1] + offset
        assert index == 0 or times[index] <= wanted + 2 * timing.tolerance_s
        assert index + 1 == len(times) or times[index + 1] > wanted - 1e-9


def test_nothing_is_sampled_from_nothing() -> None:
    assert pick([], ClipTiming(32, 2)) is None
    assert coverage([], ClipTiming(32, 2)) == 0
    assert math.isclose(coverage([0.0, 1.05], ClipTiming(32, 2)), 0.5)


def test_a_clip_without_frames_is_refused() -> None:
    with pytest.raises(ValueError, match="frames"):
        ClipTiming(0, 2)
    with pytest.raises(ValueError, match="total"):
        uniform_temporal_indices(0, 3)
