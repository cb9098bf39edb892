"""Curves: columns hold the highest values, whatever their width, and memory is bounded."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slowfast_live.core.curves import CELL_S, LIVE_SPAN_S, Cells, columns_of
from slowfast_live.core.moments import Curve


@given(st.lists(st.tuples(st.floats(0, 50), st.floats(0.01, 5), st.floats(0, 1)), max_size=20), st.integers(1, 200))
def test_columns_of_a_file_hold_the_highest_of_what_stands_there(parts: list, count: int) -> None:
    begins = np.array([begin for begin, _, _ in parts])
    ends = begins + np.array([length for _, length, _ in parts])
    values = np.array([score for _, _, score in parts], np.float32)
    columns = columns_of(Curve(begins, ends, values, values), 0.0, 60.0, count)
    for i, value in enumerate(columns.score):
        low, high = i * 60 / count, (i + 1) * 60 / count
        surely = values[(begins < high - 1e-6) & (ends > low + 1e-6)]
        perhaps = values[(begins < high + 1e-6) & (ends > low - 1e-6)]
        assert math.isnan(value) == (not perhaps.size) or not surely.size
        assert math.isnan(value) or surely.max(initial=0) <= value <= perhaps.max()


@given(
    st.lists(st.tuples(st.floats(0, 50), st.floats(0, 5), st.floats(0, 1)), min_size=1, max_size=20),
    st.floats(-5, 60),
    st.floats(0.01, 60),
    st.integers(1, 300),
)
def test_columns_hold_the_highest_of_what_was_written(
    writes: list, begin_s: float, length_s: float, count: int
) -> None:
    cells, naive = Cells(span_s=60), np.full(2000, np.nan, np.float32)
    for at_s, for_s, score in writes:
        cells.write(at_s, at_s + for_s, 0, score, score)
        naive[math.floor(at_s / CELL_S) : math.floor((at_s + for_s) / CELL_S) + 1] = score
    columns = cells.columns(begin_s, begin_s + length_s, count)
    edges = np.linspace(begin_s, begin_s + length_s, count + 1)
    for i, value in enumerate(columns.score):
        low = math.floor(edges[i] / CELL_S)
        high = max(math.ceil(edges[i + 1] / CELL_S), low + 1)
        inside = naive[max(0, low) : max(0, high)]
        known = inside[~np.isnan(inside)]
        assert (math.isnan(value) and not known.size) or value == known.max()
    assert np.array_equal(columns.score, columns.activity, equal_nan=True)


@given(st.lists(st.floats(0, 30), min_size=1, max_size=300), st.floats(1000, 1e6))
def test_a_live_source_rolls_in_bounded_memory(steps: list, start_s: float) -> None:
    cells = Cells(span_s=20)
    t_s = start_s
    written: list[float] = []
    for step_s in steps:
        t_s += step_s
        cells.write(t_s, t_s, 1, 0.5, 0.5)
        written.append(t_s)
    assert cells.count <= 2 * 20 / CELL_S + 1024 + 4
    for when_s in written:
        known = cells.at(when_s) is not None
        assert known == (math.floor(when_s / CELL_S) > math.floor(t_s / CELL_S) - math.ceil(20 / CELL_S) - 1)


def test_a_clock_that_starts_again_starts_the_roll_again() -> None:
    cells = Cells(span_s=LIVE_SPAN_S)
    cells.write(5000, 5001, 1, 0.9, 0.9)
    cells.write(2, 3, 2, 0.4, 0.4)
    assert cells.at(5000.5) is None
    assert cells.at(2.5) == pytest.approx((2, 0.4, 0.4))
