"""What a rule is, and when it fires."""

from __future__ import annotations

import math
import os
import shlex
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from slowfast_live.types import Readout, ReadoutState

ANY = ""
"""Stands for any action."""
LONGEST_GAP_S = 3.0
"""Where nothing was recognised for longer, what follows is another occasion."""


@dataclass(frozen=True, slots=True)
class Rule:
    """When to tell somebody, and how.

    Attributes:
        action: The action to wait for; `ANY` for whichever is shown.
        threshold: Least smoothed score, 0..1.
        hold_s: How long it must have been seen without a break.
        cool_down_s: After the rule fired it does not fire again for this long.
        enabled: Whether it is in force.
        notify: Show a desktop notification.
        sound: Make a sound.
        command: Run a program: its name and arguments, without a shell; empty for none.
        webhook: Post to this http(s) address; "" for none.

    Raises:
        ValueError: A value makes no sense; says which.
    """

    action: str = ANY
    threshold: float = 0.5
    hold_s: float = 2.0
    cool_down_s: float = 60.0
    enabled: bool = True
    notify: bool = True
    sound: bool = False
    command: tuple[str, ...] = ()
    webhook: str = ""

    def __post_init__(self) -> None:
        if not 0 <= self.threshold <= 1:
            raise ValueError(f"a threshold lies between 0 and 1, got {self.threshold}")
        for name, value in (("hold_s", self.hold_s), ("cool_down_s", self.cool_down_s)):
            if not (math.isfinite(value) and value >= 0):
                raise ValueError(f"{name} is a number of seconds, 0 or more, got {value}")
        if self.webhook:
            check_address(self.webhook)

    @property
    def name(self) -> str:
        """What to call it: its action."""
        return self.action or "any action"


@dataclass(frozen=True, slots=True)
class RuleBook:
    """All rules, as the settings keep them.

    Attributes:
        version: Of this form.
        enabled: Whether any rule is in force.
        rules: The rules.
    """

    version: Literal[1] = 1
    enabled: bool = False
    rules: tuple[Rule, ...] = ()


@dataclass(frozen=True, slots=True)
class Firing:
    """A rule that fired.

    Attributes:
        rule: The rule.
        action: What was seen.
        score: Its smoothed score.
        since_s: Since when, on the source's clock.
        t_s: When the rule fired, on the source's clock.
    """

    rule: Rule
    action: str
    score: float
    since_s: float
    t_s: float

    @property
    def seen_s(self) -> float:
        """How long it had been seen."""
        return self.t_s - self.since_s


class RuleWatch:
    """One rule over time: fires at most once while an action is seen without a break, and never while cooling down.

    Args:
        rule: The rule.
    """

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self._seen: str | None = None
        self._since_s = self._newest_s = 0.0
        self._fired = False
        self._fired_at_s = -math.inf

    def update(self, readout: Readout, now_s: float) -> Firing | None:
        """Take in what is shown now; return a firing where the rule fires.

        How long an action is seen is told from the source's clock, so that a paused file does not count; the
        cool-down runs on the monotonic one.

        Args:
            readout: What is shown.
            now_s: Monotonic seconds.
        """
        t_s, label = readout.t_end_s, self._label(readout)
        broken = t_s < self._newest_s or t_s - self._newest_s > LONGEST_GAP_S
        if label != self._seen or (label is not None and broken):
            self._seen, self._since_s, self._fired = label, t_s, False
        self._newest_s = t_s
        held = label is not None and t_s - self._since_s >= self.rule.hold_s
        cooled = now_s - self._fired_at_s >= self.rule.cool_down_s
        if label is None or not held or not cooled or self._fired or not self.rule.enabled:
            return None
        self._fired, self._fired_at_s = True, now_s
        return Firing(self.rule, label, readout.score, self._since_s, t_s)

    def _label(self, readout: Readout) -> str | None:
        """Return the action where it is one that the rule waits for, well enough seen."""
        if readout.state is not ReadoutState.ACTION or readout.label is None:
            return None
        wanted = self.rule.action in (ANY, readout.label)
        return readout.label if wanted and readout.score >= self.rule.threshold else None


def split_command(text: str) -> tuple[str, ...]:
    """Split a command line as it is typed into program and arguments: quotes hold words together.

    Raises:
        ValueError: A quote is not closed.
    """
    lexer = shlex.shlex(text, posix=True, punctuation_chars=False)
    lexer.whitespace_split = True
    lexer.commenters = ""
    if os.name == "nt":
        lexer.escape = ""  # a backslash parts folders there
    return tuple(lexer)


def join_command(command: tuple[str, ...]) -> str:
    """Return a command as it may be typed: `split_command` gives it back."""
    return shlex.join(command)


def check_address(address: str) -> None:
    """Check that an address can be posted to.

    Raises:
        ValueError: It is not an http(s) address with a host.
    """
    try:
        parts = urlsplit(address)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good or any(character.isspace() or not character.isprintable() for character in address):
        raise ValueError(f"'{address}' is no web address. Expected http://host/path or https://host/path")
