"""Turns by rounds: every contender meets the machine in the same moods."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from slowfast_live.bench.crew import AbsentError, Player
from slowfast_live.bench.results import Facts, Reading, Row

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Entrant:
    """A contender that is to be measured.

    Attributes:
        name: Short and stable, for the JSON file.
        title: What a table calls it.
        player: Who runs it.
        note: What a reader must know of it.
    """

    name: str
    title: str
    player: Player
    note: str = ""


Told = Callable[[str, float], None]
"""Takes what is being done, and how much of all is done, 0..1."""


def order_of(count: int, round_number: int) -> list[int]:
    """Return who plays when: forwards in even rounds, backwards in odd ones, so that a drift hits all alike."""
    order = list(range(count))
    return order if round_number % 2 == 0 else order[::-1]


def measure(entrants: Sequence[Entrant], seconds: float, repeats: int, tell: Told) -> tuple[Row, ...]:
    """Let the entrants take turns; one that cannot take part, or breaks, is listed with the reason.

    Args:
        entrants: They are closed at the end, whatever happens.
        seconds: Length of a turn.
        repeats: Rounds.
        tell: Hears of the progress.
    """
    facts: dict[str, Facts] = {}
    absent: dict[str, str] = {}
    readings: dict[str, list[Reading]] = {entrant.name: [] for entrant in entrants}
    steps = len(entrants) * (1 + repeats)
    try:
        for number, entrant in enumerate(entrants):
            tell(f"{entrant.title}: getting ready", number / steps)
            try:
                facts[entrant.name] = entrant.player.prepare()
            except AbsentError as reason:
                absent[entrant.name] = _reason(entrant, reason)
        done = len(entrants)
        for round_number in range(repeats):
            for index in order_of(len(entrants), round_number):
                entrant = entrants[index]
                tell(f"{entrant.title}: round {round_number + 1} of {repeats}", done / steps)
                done += 1
                if entrant.name in absent:
                    continue
                try:
                    readings[entrant.name].append(entrant.player.turn(seconds))
                except AbsentError as reason:
                    absent[entrant.name] = _reason(entrant, reason)
    finally:
        for entrant in entrants:
            entrant.player.close()
    return tuple(_row(entrant, facts, absent, readings[entrant.name]) for entrant in entrants)


def _reason(entrant: Entrant, error: AbsentError) -> str:
    log.info("%s does not take part: %s", entrant.title, error.message)
    return error.message


def _row(entrant: Entrant, facts: dict[str, Facts], absent: dict[str, str], readings: Sequence[Reading]) -> Row:
    told = facts.get(entrant.name, Facts())
    note = " ".join(part for part in (entrant.note, told.note) if part)
    told = Facts(told.computes_in, told.threads, told.streams, told.version, note)
    if entrant.name in absent:
        return Row(contender=entrant.name, title=entrant.title, absent=absent[entrant.name], facts=told)
    return Row.of(entrant.name, entrant.title, told, readings)
