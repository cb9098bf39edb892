from __future__ import annotations

import pytest

from slowfast_live.core.rate_limit import RateLimit, saved_share


def test_inferences_are_as_far_apart_as_the_limit_says() -> None:
    limit = RateLimit()
    assert limit.wait_s(0.0) == 0
    limit.started(5.0)
    assert limit.wait_s(5.0) == 0, "without a limit nothing waits"
    limit.per_s = 2.0
    assert limit.wait_s(5.1) == pytest.approx(0.4) and limit.wait_s(5.5) == 0
    limit.started(5.5)
    assert limit.wait_s(5.6) == pytest.approx(0.4)


def test_a_clock_that_is_set_back_stops_nothing() -> None:
    limit = RateLimit()
    limit.per_s = 1.0
    limit.started(1000.0)
    assert limit.wait_s(10.0) == 0


@pytest.mark.parametrize(
    ("per_s", "infer_ms", "share"), [(1.0, 200.0, 0.8), (None, 200.0, 0.0), (10.0, 200.0, 0.0), (1.0, 0.0, 0.0)]
)
def test_what_a_limit_saves(per_s: float | None, infer_ms: float, share: float) -> None:
    assert saved_share(per_s, infer_ms) == pytest.approx(share)
