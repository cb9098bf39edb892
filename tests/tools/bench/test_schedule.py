from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slowfast_live.tools.bench.processes import AbsentError
from slowfast_live.tools.bench.protocol import repeat
from slowfast_live.tools.bench.results import Facts, Figure, Measurement, ResultRow
from slowfast_live.tools.bench.schedule import Entrant, measure, order_of


class FakePlayer:
    """Notes what happens to it in a common diary; gives readings of one figure each."""

    def __init__(self, name: str, diary: list[str], speeds: list[float], fails: str = "") -> None:
        self.name, self.diary, self.speeds, self.fails = name, diary, list(speeds), fails

    def prepare(self) -> Facts:
        self.diary.append(f"prepare {self.name}")
        if self.fails == "prepare":
            raise AbsentError("its package is not installed")
        return Facts("f32", 2, 1, "1.0", "it said so itself")

    def turn(self, seconds: float) -> Measurement:
        self.diary.append(f"turn {self.name}")
        if self.fails == "turn":
            raise AbsentError("it broke")
        return Measurement(predictions=4, elapsed_s=seconds, per_s=self.speeds.pop(0), clip_ms=1.0)

    def close(self) -> None:
        self.diary.append(f"close {self.name}")


def silent(message: str, fraction: float) -> None:
    assert message and 0 <= fraction <= 1


def test_contenders_take_turns_forwards_and_backwards() -> None:
    diary: list[str] = []
    players = [FakePlayer(name, diary, [1.0, 2.0, 9.0]) for name in "ab"]
    rows = measure([Entrant(p.name, p.name, p) for p in players], 2.0, 3, silent)
    turns = ["turn a", "turn b", "turn b", "turn a", "turn a", "turn b"]
    assert diary == ["prepare a", "prepare b", *turns, "close a", "close b"]
    assert [row.per_s for row in rows] == [Figure(2.0, 1.0, 9.0)] * 2
    assert rows[0].rounds == 3 and rows[0].facts.note == "it said so itself"


@pytest.mark.parametrize(("fails", "reason"), [("prepare", "its package is not installed"), ("turn", "it broke")])
def test_who_cannot_take_part_is_listed_with_the_reason(fails: str, reason: str) -> None:
    diary: list[str] = []
    players = [FakePlayer("a", diary, [1.0, 2.0]), FakePlayer("b", diary, [], fails)]
    well, broken = measure([Entrant(p.name, p.name, p, "a note") for p in players], 1.0, 2, silent)
    assert (well.absent, well.rounds) == ("", 2)
    assert broken.absent == reason and broken.per_s is None
    assert diary.count("turn b") == (0 if fails == "prepare" else 1)
    assert diary[-2:] == ["close a", "close b"]


def test_all_are_closed_when_the_user_interrupts() -> None:
    diary: list[str] = []

    class Interrupting(FakePlayer):
        def turn(self, seconds: float) -> Measurement:
            raise KeyboardInterrupt

    players = [FakePlayer("a", diary, [1.0]), Interrupting("b", diary, [])]
    with pytest.raises(KeyboardInterrupt):
        measure([Entrant(p.name, p.name, p) for p in players], 1.0, 1, silent)
    assert diary[-2:] == ["close a", "close b"]


@given(st.integers(1, 12), st.integers(0, 50))
def test_every_contender_plays_once_a_round_and_in_the_middle_on_average(count: int, round_number: int) -> None:
    order = order_of(count, round_number)
    assert sorted(order) == list(range(count))
    after = order_of(count, round_number + 1)
    assert [order.index(i) + after.index(i) for i in range(count)] == [count - 1] * count


@given(st.lists(st.one_of(st.none(), st.floats(0.001, 1e6))))
def test_a_figure_lies_between_its_lowest_and_its_highest(values: list[float | None]) -> None:
    figure = Figure.of(values)
    there = [value for value in values if value is not None]
    if not there:
        assert figure is None
        return
    assert figure is not None and figure.low <= figure.median <= figure.high
    assert figure.low == pytest.approx(min(there), rel=1e-5) and figure.high == pytest.approx(max(there), rel=1e-5)
    assert figure.spread >= 0


def ticking(step_s: float) -> Callable[[], float]:
    now_s = 0.0

    def clock_s() -> float:
        nonlocal now_s
        now_s += step_s
        return now_s

    return clock_s


def test_a_turn_counts_whole_predictions_and_leaves_the_first_one_out() -> None:
    now_s, cpu_s, calls = [0.0], [0.0], [0]

    def predict() -> None:
        calls[0] += 1
        now_s[0] += 0.3
        cpu_s[0] += 0.5

    reading = repeat(predict, 1.0, lambda: now_s[0], lambda: cpu_s[0])
    assert calls == [5] and reading.predictions == 4
    assert reading.elapsed_s == pytest.approx(1.2) and reading.per_s == pytest.approx(1 / 0.3)
    assert reading.clip_ms == pytest.approx(300, rel=0.01)
    assert reading.cpu_ms == pytest.approx(500)


def test_a_prediction_longer_than_the_turn_is_measured_once() -> None:
    reading = repeat(lambda: None, 0.5, ticking(10.0), ticking(1.0))
    assert reading.predictions == 1


def test_processor_time_is_shared_out_between_network_and_rest() -> None:
    readings = [
        Measurement(
            predictions=10, elapsed_s=2.0, per_s=5.0, clip_ms=100, cpu_s=4.0, network_cpu_s=network, parts={"window": w}
        )
        for network, w in ((3.8, 0.1), (3.6, 0.2), (3.9, 0.05))
    ]
    row = ResultRow.of("window", "our window", Facts(), readings)
    assert row.outside is not None and row.outside.median == pytest.approx(0.05)
    assert row.cpu_ms is not None and row.cpu_ms.median == pytest.approx(400)
    assert row.parts["window"] == pytest.approx(0.025)


def test_a_figure_that_was_not_taken_is_none_and_not_nought() -> None:
    row = ResultRow.of("torch", "PyTorch", Facts(), [Measurement(predictions=1, elapsed_s=1.0, per_s=1.0, clip_ms=1.0)])
    assert row.cpu_ms is None and row.outside is None and row.rss_mb is None and row.shown_fps is None
