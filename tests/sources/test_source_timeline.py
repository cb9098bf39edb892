from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slowfast_live.sources.timeline import FrameTimes

STEP_S = 0.04


def placed(stamps, may_jump=False):
    timeline = FrameTimes(STEP_S, may_jump)
    return [timeline.place(stamp) for stamp in stamps], timeline.repaired


@pytest.mark.parametrize(
    ("stamps", "expected"),
    [
        ([5.0, 5.04, 5.2], [0, 0.04, 0.2]),
        ([-0.08, -0.04, 0.0], [0, 0.04, 0.08]),
        ([0.0, 100.0], [0, 100.0]),
    ],
)
def test_sound_timestamps_pass(stamps, expected):
    times, repaired = placed(stamps)
    assert times == pytest.approx(expected)
    assert not repaired


@pytest.mark.parametrize(
    ("stamps", "expected"),
    [
        ([0.0, None, 0.08], [0, 0.04, 0.08]),
        ([None, None, None], [0, 0.04, 0.08]),
        ([None, 7.0, 7.04], [0, 0.04, 0.08]),
        ([0.0, 0.0, 0.0], [0, 0.04, 0.08]),
        ([0.0, 0.08, 0.04, 0.16], [0, 0.08, 0.12, 0.16]),
        ([100.0, 100.04, 0.0, 0.04], [0, 0.04, 0.08, 0.12]),
    ],
)
def test_broken_timestamps_are_repaired(stamps, expected):
    times, repaired = placed(stamps)
    assert times == pytest.approx(expected)
    assert repaired


def test_one_timestamp_that_stands_twice_does_not_move_a_slow_time_lapse():
    timeline = FrameTimes(5.0)
    assert [timeline.place(stamp) for stamp in (0.0, 5.0, 5.0, 15.0, 20.0)] == [0, 5, 10, 15, 20]


def test_decoding_times_are_late_by_the_delay_of_the_decoder():
    timeline = FrameTimes(STEP_S, start_s=0.0)
    timeline.distrust(decoded_from_s=3.0)
    assert [timeline.place(stamp) for stamp in (3.08, 3.12)] == pytest.approx([3.0, 3.04])
    assert (timeline.zero_s, timeline.origin_s) == (0.0, pytest.approx(0.08))


def test_a_jump_ahead_is_closed_only_where_clocks_jump():
    assert placed([0.0, 500.0, 500.04], may_jump=True)[0] == pytest.approx([0, 0.04, 0.08])
    assert placed([0.0, 500.0, 500.04])[0] == pytest.approx([0, 500.0, 500.04])


@given(st.lists(st.one_of(st.none(), st.floats(-1e5, 1e5)), min_size=1, max_size=50), st.booleans())
def test_times_start_at_0_and_rise_strictly(stamps, may_jump):
    times, _ = placed(stamps, may_jump)
    assert times[0] == 0
    assert all(late > early for early, late in pairwise(times))


def test_landing_keeps_the_origin_and_rewinding_does_not():
    timeline = FrameTimes(STEP_S)
    timeline.place(5.0)
    timeline.place(9.0)
    timeline.land()
    assert timeline.place(6.0) == pytest.approx(1.0)
    assert not timeline.repaired
