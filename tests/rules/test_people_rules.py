"""Rules for what people do: somebody, or several at the same time."""

from __future__ import annotations

import pytest

from slowfast_live.rules.rule import Rule, RuleWatch, done_by
from slowfast_live.types import Readout, ReadoutState


def doing(label: str | None, score: float = 0.9, t_s: float = 1.0) -> Readout:
    state = ReadoutState.NO_CONFIDENT_ACTION if label is None else ReadoutState.ACTION
    return Readout(state, label, score, t_end_s=t_s)


def test_somebody_falls_although_the_one_in_front_sits() -> None:
    watch = RuleWatch(Rule("falling", hold_s=1.0, people=1))
    fired = []
    for t in range(5):
        people = [doing("sitting", t_s=t), doing("falling" if t > 1 else None, t_s=t)]
        fired.append(watch.update(done_by(people, 1), float(t)) is not None)
    assert fired == [False, False, False, True, False]


def test_two_people_hug_only_if_two_do() -> None:
    assert done_by([doing("hugging", 0.9), doing("walking")], 2).label is None
    both = done_by([doing("hugging", 0.9), doing("hugging", 0.6), doing("walking")], 2)
    assert both.shown == (("hugging", 0.6),)
    assert done_by([], 1).state is ReadoutState.NO_CONFIDENT_ACTION


def test_a_rule_says_by_whom() -> None:
    assert Rule("falling").name == "falling"
    assert Rule("falling", people=1).name == "falling by somebody"
    assert Rule("hugging", people=2).name == "hugging by 2 people"
    with pytest.raises(ValueError, match="number of people"):
        Rule("hugging", people=99)
