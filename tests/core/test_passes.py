"""Splicing: the events of a new pass replace those of earlier ones."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slowfast_live.core.events import Event, EventRule
from slowfast_live.core.passes import splice

RULE = EventRule(shortest_s=0.5, gap_s=0.5, lag_s=1.0)


def check_in_order(events: tuple[Event, ...] | list[Event]) -> None:
    assert all(event.begin_s < event.end_s and event.begin_s <= event.peak_s <= event.end_s for event in events)
    assert all(0 <= event.mean_score <= event.peak_score + 1e-9 for event in events)
    assert all(one.end_s <= other.begin_s for one, other in pairwise(events))


@st.composite
def sequences(draw: st.DrawFn, begin_s: float = 0.0, end_s: float = 40.0) -> list[Event]:
    times = sorted(draw(st.lists(st.floats(begin_s, end_s), max_size=12, unique=True)))
    events = []
    for low, high in zip(times[::2], times[1::2], strict=False):
        label = draw(st.sampled_from(["squat", "clapping"]))
        events.append(Event(label, low, high, 0.5, 0.7, draw(st.floats(low, high))))
    return events


@given(st.data())
def test_splicing_keeps_the_order_and_what_lies_outside(data: st.DataObject) -> None:
    old = data.draw(sequences())
    begin_s, end_s = sorted((data.draw(st.floats(0, 40)), data.draw(st.floats(0, 40))))
    new = data.draw(sequences(begin_s, end_s))
    joined = splice(old, new, begin_s, end_s, RULE)
    check_in_order(joined)

    def named(events: list[Event], t_s: float) -> str | None:
        return next((e.label for e in events if e.begin_s < t_s < e.end_s), None)

    for t_s in np.linspace(0.05, 39.95, 80):
        then = named(joined, t_s)
        if begin_s < t_s < end_s:
            assert then == named(new, t_s) or named(new, t_s) is None
        elif then is not None and named(old, t_s) is None:
            pytest.fail("an event where there was none")
