"""When rules fire: laws over any sequence of readouts, on a stepped clock."""

from __future__ import annotations

import math
from itertools import groupby, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slowfast_live.rules.rule import ANY, LONGEST_GAP_S, Rule, RuleWatch, Trigger, join_command, split_command
from slowfast_live.types import Readout, ReadoutState
from tests.stepped_clock import SteppedClock

NOTHING = Readout(ReadoutState.NO_CONFIDENT_ACTION)


def seen(label: str = "squat", score: float = 0.9) -> Readout:
    return Readout(ReadoutState.ACTION, label, score)


def play(rule: Rule, readouts: list[Readout], step_s: float = 0.1) -> list[tuple[float, Trigger]]:
    """Show readouts, one each step; return when the rule fired."""
    clock, watch, fired = SteppedClock(50.0), RuleWatch(rule), []
    for number, readout in enumerate(readouts):
        at = Readout(readout.state, readout.label, readout.score, (), 7.0 + number * step_s)
        if (firing := watch.update(at, clock.now_s())) is not None:
            fired.append((clock.now_s(), firing))
        clock.step(step_s)
    return fired


def test_an_action_seen_long_enough_fires_once() -> None:
    ((_, firing),) = play(Rule("squat", hold_s=2, cool_down_s=0), [seen()] * 100)
    assert (firing.action, firing.score) == ("squat", 0.9)
    assert firing.seen_s == pytest.approx(2.0, abs=0.11)
    assert firing.since_s == 7.0


def test_an_action_seen_too_short_does_not_fire() -> None:
    assert play(Rule("squat", hold_s=2, cool_down_s=0), ([seen()] * 19 + [NOTHING]) * 5) == []


def test_a_low_score_is_not_seen() -> None:
    assert play(Rule("squat", threshold=0.8, hold_s=1), [seen(score=0.79)] * 50) == []
    assert len(play(Rule("squat", threshold=0.8, hold_s=1), [seen(score=0.8)] * 50)) == 1


def test_only_the_action_waited_for_counts() -> None:
    assert play(Rule("squat", hold_s=1), [seen("clapping")] * 50) == []
    assert play(Rule("squat", hold_s=1), [Readout(ReadoutState.UNTRAINED, "squat", 1.0)] * 50) == []


def test_any_action_counts_one_by_one() -> None:
    shown = [seen("squat")] * 8 + [seen("clapping")] * 15
    ((_, firing),) = play(Rule(ANY, hold_s=1, cool_down_s=0), shown)
    assert firing.action == "clapping"


def test_while_it_cools_down_it_waits_and_then_fires_in_the_same_stretch() -> None:
    shown = [seen()] * 15 + [NOTHING] + [seen()] * 100
    first, second = play(Rule("squat", hold_s=1, cool_down_s=5), shown)
    assert second[0] - first[0] == pytest.approx(5, abs=0.11)


def test_a_rule_that_is_off_never_fires() -> None:
    assert play(Rule("squat", hold_s=0, enabled=False), [seen()] * 20) == []


def test_a_paused_file_does_not_count() -> None:
    clock, watch = SteppedClock(), RuleWatch(Rule("squat", hold_s=2))
    for _ in range(100):
        assert watch.update(seen(), clock.now_s()) is None
        clock.step(1)


def test_after_a_gap_it_is_another_occasion() -> None:
    watch = RuleWatch(Rule("squat", hold_s=2))
    assert watch.update(Readout(ReadoutState.ACTION, "squat", 1, (), 1.0), 0) is None
    assert watch.update(Readout(ReadoutState.ACTION, "squat", 1, (), 1.5 + LONGEST_GAP_S), 4) is None
    assert watch.update(Readout(ReadoutState.ACTION, "squat", 1, (), 0.0), 5) is None
    assert watch.update(Readout(ReadoutState.ACTION, "squat", 1, (), 2.0), 7) is not None


shown_things = st.lists(
    st.tuples(st.sampled_from(["squat", "clapping", ""]), st.sampled_from([0.3, 0.6, 0.9]), st.integers(1, 30)),
    max_size=12,
).map(lambda runs: [seen(label, score) if label else NOTHING for label, score, n in runs for _ in range(n)])
rules = st.builds(
    Rule,
    action=st.sampled_from(["squat", ANY]),
    threshold=st.sampled_from([0.0, 0.5, 0.8]),
    hold_s=st.sampled_from([0.0, 0.5, 2.0]),
    cool_down_s=st.sampled_from([0.0, 1.0, 4.0]),
)


def stretches(rule: Rule, readouts: list[Readout]) -> list[tuple[int, int]]:
    """Return (first, last + 1) of each stretch in which the rule's action is seen without a break."""
    found, place = [], 0

    def wanted(readout: Readout) -> str | None:
        meant = readout.label is not None and rule.action in (ANY, readout.label)
        return readout.label if meant and readout.score >= rule.threshold else None

    for label, group in groupby(readouts, wanted):
        count = len(list(group))
        if label is not None:
            found.append((place, place + count))
        place += count
    return found


@given(rules, shown_things)
def test_never_twice_within_the_cool_down(rule: Rule, readouts: list[Readout]) -> None:
    times = [now_s for now_s, _ in play(rule, readouts)]
    assert all(later - earlier >= rule.cool_down_s - 1e-9 for earlier, later in pairwise(times))


@given(rules, shown_things)
def test_at_most_once_a_stretch_and_never_outside(rule: Rule, readouts: list[Readout]) -> None:
    fired = [round((now_s - 50) / 0.1) for now_s, _ in play(rule, readouts)]
    for first, end in stretches(rule, readouts):
        inside = [place for place in fired if first <= place < end]
        assert len(inside) <= 1
        assert all((place - first) * 0.1 >= rule.hold_s - 1e-6 for place in inside)
        fired = [place for place in fired if place not in inside]
    assert fired == []


@given(rules.map(lambda rule: Rule(rule.action, rule.threshold, rule.hold_s, 0.0)), shown_things)
def test_without_a_cool_down_each_long_stretch_fires(rule: Rule, readouts: list[Readout]) -> None:
    long_enough = [1 for first, end in stretches(rule, readouts) if (end - 1 - first) * 0.1 >= rule.hold_s - 1e-6]
    assert len(play(rule, readouts)) in (len(long_enough), len(long_enough) - _edge(rule, readouts))


def _edge(rule: Rule, readouts: list[Readout]) -> int:
    """Return how many stretches last exactly as long as asked for, to within rounding."""
    return sum(abs((end - 1 - first) * 0.1 - rule.hold_s) < 1e-6 for first, end in stretches(rule, readouts))


@pytest.mark.parametrize(
    "wrong",
    [
        {"threshold": 1.2},
        {"threshold": math.nan},
        {"hold_s": -1},
        {"cool_down_s": math.inf},
        {"webhook": "ftp://example.org/"},
        {"webhook": "file:///etc/passwd"},
        {"webhook": "https://"},
        {"webhook": "https://exa mple.org/"},
        {"webhook": "example.org"},
        {"webhook": "http://[::1"},
    ],
)
def test_what_makes_no_sense_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"threshold|hold_s|cool_down_s|is no web address"):
        Rule(**wrong)  # type: ignore[arg-type]


@given(st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), max_size=5).map(tuple))
def test_a_command_survives_being_shown_and_read(command: tuple[str, ...]) -> None:
    assert split_command(join_command(command)) == command


def test_a_command_is_split_at_blanks_only() -> None:
    assert split_command("lamp --on 'two words' #1;|$HOME") == ("lamp", "--on", "two words", "#1;|$HOME")
