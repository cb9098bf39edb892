"""Rules and when they trigger."""

from __future__ import annotations

import math
import os
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from slowfast_live.messages import Message
from slowfast_live.types import Readout, ReadoutState

ANY = ""
"""Matches any action."""
MOST_PEOPLE = 30
LONGEST_GAP_S = 3.0
"""After a longer time without a recognized action, a new occurrence begins."""


@dataclass(frozen=True, slots=True)
class Rule:
    """When to act, and what to do.

    Attributes:
        action: The action to wait for; `ANY` for any action.
        threshold: Minimum smoothed score, 0..1.
        hold_s: How long the action must be seen without interruption.
        cool_down_s: Minimum time between two triggers of the rule.
        people: How many people must do it at the same time; 0: the action of the picture as a whole.
        enabled: Whether the rule is active.
        notify: Show a desktop notification.
        sound: Play a sound.
        command: Run a program: its name and arguments, without a shell; empty for none.
        webhook: Post to this http(s) address; "" for none.

    Raises:
        ValueError: A value is invalid; the message names it.
    """

    action: str = ANY
    threshold: float = 0.5
    hold_s: float = 2.0
    cool_down_s: float = 60.0
    people: int = 0
    enabled: bool = True
    notify: bool = True
    sound: bool = False
    command: tuple[str, ...] = ()
    webhook: str = ""

    def __post_init__(self) -> None:
        if not 0 <= self.threshold <= 1:
            raise ValueError(Message("a threshold lies between 0 and 1, got {value}", value=self.threshold))
        for name, value in (("hold_s", self.hold_s), ("cool_down_s", self.cool_down_s)):
            if not (math.isfinite(value) and value >= 0):
                raise ValueError(
                    Message("{name} is a number of seconds, 0 or more, got {value}", name=name, value=value)
                )
        if not 0 <= self.people <= MOST_PEOPLE:
            raise ValueError(
                Message(
                    "a number of people lies between 0 and {most}, got {value}", most=MOST_PEOPLE, value=self.people
                )
            )
        if self.webhook:
            check_address(self.webhook)

    @property
    def name(self) -> str:
        """Display name: its action, and by how many people."""
        who = "" if not self.people else " by somebody" if self.people == 1 else f" by {self.people} people"
        return f"{self.action or 'any action'}{who}"


@dataclass(frozen=True, slots=True)
class RuleBook:
    """All rules, as stored in the settings.

    Attributes:
        version: Version of this format.
        enabled: Whether any rule is active.
        rules: The rules.
    """

    version: Literal[1] = 1
    enabled: bool = False
    rules: tuple[Rule, ...] = ()


@dataclass(frozen=True, slots=True)
class Trigger:
    """A rule that was triggered.

    Attributes:
        rule: The rule.
        action: The action that was seen.
        score: Its smoothed score.
        since_s: Since when it was seen, on the source's clock.
        t_s: When the rule was triggered, on the source's clock.
    """

    rule: Rule
    action: str
    score: float
    since_s: float
    t_s: float

    @property
    def seen_s(self) -> float:
        """How long the action had been seen."""
        return self.t_s - self.since_s


class RuleWatch:
    """Evaluates one rule over time: triggers once per uninterrupted action, and never during the cool-down.

    Args:
        rule: The rule.
    """

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self._seen: str | None = None
        self._since_s = self._newest_s = 0.0
        self._fired = False
        self._fired_at_s = -math.inf

    def update(self, readout: Readout, now_s: float) -> Trigger | None:
        """Process the current readout; return a trigger if the rule's condition is met.

        How long an action is seen is measured on the source's clock, so that a paused file does not count; the
        cool-down runs on the monotonic clock.

        Args:
            readout: What is shown.
            now_s: Monotonic seconds.
        """
        t_s, (label, score) = readout.t_end_s, self._label(readout)
        broken = t_s < self._newest_s or t_s - self._newest_s > LONGEST_GAP_S
        if label != self._seen or (label is not None and broken):
            self._seen, self._since_s, self._fired = label, t_s, False
        self._newest_s = t_s
        held = label is not None and t_s - self._since_s >= self.rule.hold_s
        cooled = now_s - self._fired_at_s >= self.rule.cool_down_s
        if label is None or not held or not cooled or self._fired or not self.rule.enabled:
            return None
        self._fired, self._fired_at_s = True, now_s
        return Trigger(self.rule, label, score, self._since_s, t_s)

    def _label(self, readout: Readout) -> tuple[str | None, float]:
        """Return the shown action that the rule waits for, and its score, if it suffices.

        If several are shown, it is the one that has been seen so far, as long as it is shown; else the best one.
        """
        if readout.state is not ReadoutState.ACTION:
            return None, 0.0
        fitting = [
            (label, score)
            for label, score in readout.shown
            if self.rule.action in (ANY, label) and score >= self.rule.threshold
        ]
        if not fitting:
            return None, 0.0
        return next((pair for pair in fitting if pair[0] == self._seen), fitting[0])


def done_by(readouts: Sequence[Readout], people: int) -> Readout:
    """Return what at least so many people do at the same time, as one readout for `RuleWatch`.

    The score of an action is that of the least certain of these people.

    >>> waving = Readout(ReadoutState.ACTION, "waving", 0.9, t_end_s=1.0)
    >>> done_by([waving, Readout(ReadoutState.ACTION, "waving", 0.6, t_end_s=1.2)], 2).shown
    (('waving', 0.6),)

    Args:
        readouts: What is shown of each person.
        people: How many people, at least 1.
    """
    scores: dict[str, list[float]] = {}
    for readout in readouts:
        if readout.state is ReadoutState.ACTION:
            for label, score in readout.shown:
                scores.setdefault(label, []).append(score)
    enough = [(label, sorted(own)[-people]) for label, own in scores.items() if len(own) >= people]
    enough.sort(key=lambda pair: (-pair[1], pair[0]))
    t_end_s = max((readout.t_end_s for readout in readouts), default=0.0)
    if not enough:
        return Readout(ReadoutState.NO_CONFIDENT_ACTION, t_end_s=t_end_s)
    (label, score), *others = enough
    return Readout(ReadoutState.ACTION, label, score, t_end_s=t_end_s, others=tuple(others), several=True)


def split_command(text: str) -> tuple[str, ...]:
    """Split a typed command line into program and arguments; quotes keep words together.

    Raises:
        ValueError: A quote is not closed.
    """
    lexer = shlex.shlex(text, posix=True, punctuation_chars=False)
    lexer.whitespace_split = True
    lexer.commenters = ""
    if os.name == "nt":
        lexer.escape = ""  # a backslash separates folders there
    return tuple(lexer)


def join_command(command: tuple[str, ...]) -> str:
    """Return a command as the user may type it; the inverse of `split_command`."""
    return shlex.join(command)


def check_address(address: str) -> None:
    """Check that it is possible to post to an address.

    Raises:
        ValueError: It is not an http(s) address with a host.
    """
    try:
        parts = urlsplit(address)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good or any(character.isspace() or not character.isprintable() for character in address):
        raise ValueError(
            Message("'{address}' is no web address. Expected http://host/path or https://host/path", address=address)
        )
