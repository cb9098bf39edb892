import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from slowfast_live.core.mailbox import Latest
from slowfast_live.core.meters import Distribution, RateMeter


@given(st.floats(0.6, 240), st.floats(0, 1e6))
def test_a_steady_rate_is_told(rate: float, start: float) -> None:
    meter = RateMeter(4.0)
    now = start
    for _ in range(int(rate * 6) + 2):
        meter.tick(now)
        now += 1 / rate
    assert math.isclose(meter.rate(now), rate, rel_tol=1e-2)


def test_a_source_that_stops_loses_its_rate_at_once() -> None:
    meter = RateMeter()
    for i in range(60):
        meter.tick(i / 30)
    assert meter.rate(2.0) > 29
    assert meter.rate(3.0) < 22
    assert meter.rate(5.0) == 0


def test_a_clock_that_jumps_back() -> None:
    meter = RateMeter()
    meter.tick(100.0)
    for i in range(30):
        meter.tick(i / 10)
    assert math.isclose(meter.rate(3.0), 10, rel_tol=0.05)


@given(st.lists(st.floats(0.01, 1e5), min_size=1, max_size=300), st.floats(1, 100))
def test_percentiles_are_right_to_two_percent(values: list[float], percent: float) -> None:
    distribution = Distribution()
    for value in values:
        distribution.add(value)
    exact = float(np.percentile(values, percent, method="inverted_cdf"))
    assert math.isclose(distribution.percentile(percent), exact, rel_tol=0.025)
    assert distribution.max == max(values) and distribution.count == len(values)


def test_an_empty_distribution_says_zero() -> None:
    assert Distribution().percentile(50) == 0 and Distribution().max == 0


def test_the_newest_wins_and_missed_ones_are_counted() -> None:
    box: Latest[int] = Latest()
    box.put(1)
    box.put(2)
    assert box.missed == 0  # nobody reads yet
    assert box.get() == 2 and box.get() == 2
    box.put(3)
    box.put(4)
    assert box.get() == 4 and box.missed == 1
