"""Runs contenders in alternating turns, so that changes of the machine's state affect all of them alike."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from slowfast_live.tools.bench.processes import AbsentError, Player
from slowfast_live.tools.bench.results import Facts, Measurement, ResultRow

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Entrant:
    """A contender to be measured.

    Attributes:
        name: Short, stable name for the JSON file.
        title: Name in tables.
        player: Runs the contender.
        note: What a reader must know about it.
    """

    name: str
    title: str
    player: Player
    note: str = ""


OnProgress = Callable[[str, float], None]
"""Receives the current activity and the total progress, 0..1."""


def order_of(count: int, round_number: int) -> list[int]:
    """Return the order of a round: forward in even rounds, backward in odd ones, so that a drift affects all alike."""
    order = list(range(count))
    return order if round_number % 2 == 0 else order[::-1]


def measure(
    entrants: Sequence[Entrant], seconds: float, repeats: int, on_progress: OnProgress
) -> tuple[ResultRow, ...]:
    """Let the contenders take turns; one that cannot take part, or fails, is listed with the reason.

    Args:
        entrants: The contenders; they are always closed at the end.
        seconds: Length of a turn.
        repeats: Number of rounds.
        on_progress: Receives the progress.
    """
    facts: dict[str, Facts] = {}
    absent: dict[str, str] = {}
    readings: dict[str, list[Measurement]] = {entrant.name: [] for entrant in entrants}
    steps = len(entrants) * (1 + repeats)
    try:
        for number, entrant in enumerate(entrants):
            on_progress(f"{entrant.title}: getting ready", number / steps)
            try:
                facts[entrant.name] = entrant.player.prepare()
            except AbsentError as reason:
                absent[entrant.name] = _reason(entrant, reason)
        done = len(entrants)
        for round_number in range(repeats):
            for index in order_of(len(entrants), round_number):
                entrant = entrants[index]
                on_progress(f"{entrant.title}: round {round_number + 1} of {repeats}", done / steps)
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


def _row(
    entrant: Entrant, facts: dict[str, Facts], absent: dict[str, str], readings: Sequence[Measurement]
) -> ResultRow:
    known = facts.get(entrant.name, Facts())
    note = " ".join(part for part in (entrant.note, known.note) if part)
    known = Facts(known.execution_precision, known.threads, known.streams, known.version, note)
    if entrant.name in absent:
        return ResultRow(contender=entrant.name, title=entrant.title, absent=absent[entrant.name], facts=known)
    return ResultRow.of(entrant.name, entrant.title, known, readings)
