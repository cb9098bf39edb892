"""One way to tell the time: every clock turns to the next second at once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slowfast_live.ui.style import formatting


@pytest.mark.parametrize(
    ("t_s", "shown", "tenths"),
    [
        (0.0, "00:00", "00:00.0"),
        (11.4, "00:11", "00:11.4"),
        (11.96, "00:11", "00:11.9"),
        (11.9996, "00:12", "00:12.0"),
        (59.999, "00:59", "00:59.9"),
        (59.9999, "01:00", "01:00.0"),
        (3599.9999, "1:00:00", "1:00:00.0"),
        (-0.3, "00:00", "00:00.0"),
    ],
)
def test_a_clock_shows_the_second_that_a_moment_lies_in(t_s: float, shown: str, tenths: str) -> None:
    assert formatting.clock(t_s) == shown
    assert formatting.clock_tenths(t_s) == tenths


@given(st.floats(0, 86_399))
def test_all_clocks_agree(t_s: float) -> None:
    clock = formatting.clock(t_s)
    assert formatting.clock_tenths(t_s).startswith(f"{clock}.")
    assert formatting.time_of_day(t_s).endswith(clock.rjust(7, "0")[-5:])
