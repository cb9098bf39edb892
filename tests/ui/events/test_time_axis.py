"""Seconds and pixels: there and back, zooming and ticks."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from slowfast_live.ui.events.time_axis import (
    LIVE_WHOLES_S,
    STEPS_S,
    Scale,
    Span,
    file_whole,
    live_whole,
    tick_step_s,
    ticks,
)

begins = st.floats(0, 1e5)
lengths = st.floats(0.5, 1e5)
spans = st.builds(lambda begin_s, length_s: Span(begin_s, begin_s + length_s), begins, lengths)
scales = st.builds(Scale, spans, st.floats(0, 200), st.floats(50, 4000))
parts = st.floats(0, 1)


@given(scales, parts)
def test_there_and_back(scale: Scale, part: float) -> None:
    t_s = scale.span.begin_s + part * scale.span.length_s
    assert scale.t(scale.x(t_s)) == pytest.approx(t_s, abs=1e-6 * scale.span.length_s + 1e-9)
    assert scale.left - 1e-6 <= scale.x(t_s) <= scale.left + scale.width + 1e-6


@given(scales, parts, parts)
def test_later_is_further_right(scale: Scale, one: float, other: float) -> None:
    assume(abs(one - other) > 1e-6)
    x = [scale.x(scale.span.begin_s + part * scale.span.length_s) for part in sorted((one, other))]
    assert x[0] < x[1]


@given(spans, parts, parts, st.floats(0.05, 20))
def test_a_zoom_stays_in_the_whole_and_keeps_the_time_under_the_cursor(
    whole: Span, begin: float, about: float, factor: float
) -> None:
    assume(whole.length_s > 4)
    view = Span(whole.begin_s, whole.begin_s + whole.length_s / 4).moved(begin * whole.length_s * 0.75)
    about_s = view.begin_s + about * view.length_s
    zoomed = view.zoomed(about_s, factor, whole)
    assert whole.begin_s - 1e-6 <= zoomed.begin_s < zoomed.end_s <= whole.end_s + 1e-6
    assert zoomed.length_s >= min(1.0, whole.length_s) - 1e-6
    before, after = Scale(view, 0, 1000), Scale(zoomed, 0, 1000)
    touches_the_edge = zoomed.begin_s <= whole.begin_s + 1e-6 or zoomed.end_s >= whole.end_s - 1e-6
    if not touches_the_edge:
        assert after.x(about_s) == pytest.approx(before.x(about_s), abs=1e-3)


@given(spans, st.floats(-1e5, 1e5))
def test_panning_stays_in_the_whole(whole: Span, by_s: float) -> None:
    view = Span(whole.begin_s, whole.begin_s + whole.length_s / 3)
    moved = view.moved(by_s).within(whole)
    assert moved.length_s == pytest.approx(view.length_s)
    assert whole.begin_s - 1e-6 <= moved.begin_s and moved.end_s <= whole.end_s + 1e-6


@given(scales, st.floats(30, 150), st.floats(0, 1e4))
def test_ticks_stand_apart_in_the_span_on_whole_steps(scale: Scale, apart: float, offset_s: float) -> None:
    assume(scale.width >= apart)
    step_s = tick_step_s(scale, apart)
    assert step_s in STEPS_S
    found = ticks(scale, step_s, offset_s)
    slack_s = 1e-6 * scale.span.length_s + 1e-6
    assert all(scale.span.begin_s - slack_s <= t_s <= scale.span.end_s + slack_s for t_s in found)
    assert all((t_s + offset_s) / step_s == pytest.approx(round((t_s + offset_s) / step_s), abs=1e-5) for t_s in found)
    if step_s < STEPS_S[-1]:
        assert len(found) <= scale.width / apart + 1.01


@given(st.floats(0, 1e6), st.floats(0, 1e5))
def test_a_live_whole_ends_now_and_grows_in_steps(begin_s: float, age_s: float) -> None:
    whole = live_whole(begin_s, begin_s + age_s)
    assert whole.end_s == begin_s + age_s
    assert any(whole.length_s == pytest.approx(step_s) for step_s in LIVE_WHOLES_S)
    assert whole.length_s >= min(age_s, 600) - 1e-3


@given(st.floats(0, 1e5), st.floats(0, 1e5))
def test_a_file_whole_holds_what_is_stated_and_what_was_reached(stated_s: float, reached_s: float) -> None:
    whole = file_whole(stated_s, reached_s)
    assert whole.begin_s == 0 and whole.end_s >= max(stated_s, reached_s) and whole.length_s >= 1


def test_a_file_of_unknown_length_grows_in_steps() -> None:
    assert len({file_whole(0.0, reached_s / 10) for reached_s in range(6000)}) < 25
    assert file_whole(60.0, 61.0) == Span(0.0, 61.0), "one that states a little too little shows no empty end"
