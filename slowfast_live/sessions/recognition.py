"""Converts between the history of recognized actions and its stored form."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, replace

import numpy as np

from slowfast_live.core.curves import CELL_S, LiveCurves
from slowfast_live.core.decisions import DecisionSet
from slowfast_live.core.events import Event
from slowfast_live.core.history import History, LiveState, Snapshot
from slowfast_live.people.records import KnownPeople
from slowfast_live.sessions.format import MAX_EVENTS, Curves, ModelRef, Moments, Recognized
from slowfast_live.sessions.people import PEOPLE, KeptPeople


@dataclass(frozen=True, slots=True)
class DecidedPart:
    """The decisions of one model about a file. Cheap to create: the decisions are copied only by `pack`, which is slow.

    Attributes:
        key: The model's key.
        decisions: The decisions, which may still grow.
    """

    key: str
    decisions: DecisionSet

    @property
    def version(self) -> int:
        """Counter that increases with every new decision."""
        return self.decisions.version

    @property
    def known_s(self) -> float:
        """Seconds that are known, approximately."""
        return self.decisions.count * self.decisions.step_s

    def pack(self) -> Recognized:
        """Return the stored form. Thread-safe."""
        decided = self.decisions.decided()
        begin_s, end_s = self.decisions.range_s or (0.0, 0.0)
        return Recognized(
            model=ModelRef(name=decided.rule.model or "unnamed", key=self.key),
            begin_s=begin_s,
            end_s=end_s,
            known_s=decided.known_s,
            events=_newest(self.decisions.events()[0]),
            overlapping=decided.rule.several,
            moments=Moments.of(decided),
        )


@dataclass(frozen=True, slots=True)
class LivePart:
    """What was recognized in a live source.

    Attributes:
        state: The complete state.
    """

    state: LiveState

    @property
    def version(self) -> int:
        """Counter that increases with everything new."""
        return self.state.snapshot.version

    @property
    def known_s(self) -> float:
        """Seconds that are known."""
        return max(0.0, self.state.snapshot.end_s - self.state.snapshot.begin_s)

    def pack(self) -> Recognized:
        """Return the stored form. Thread-safe."""
        snapshot, curves = self.state.snapshot, self.state.curves
        return Recognized(
            model=ModelRef(name=self.state.model or "unnamed"),
            begin_s=snapshot.begin_s,
            end_s=snapshot.end_s,
            known_s=self.known_s,
            events=_newest(snapshot.events),
            overlapping=snapshot.overlapping,
            curves=Curves.of(curves.cell_s, curves.first, curves.names, curves.label, curves.score, curves.activity),
        )


@dataclass(frozen=True, slots=True)
class PeoplePart:
    """What is known of the people in a source.

    Attributes:
        known: Their boxes, labels and events.
    """

    known: KnownPeople

    @property
    def version(self) -> int:
        """Counter that changes with everything new."""
        return self.known.rows + len(self.known.events)

    @property
    def known_s(self) -> float:
        """Seconds from the first to the last thing that is known."""
        begin_s, end_s = self.known.range_s
        return end_s - begin_s

    def pack(self) -> Recognized:
        """Return the stored form. Thread-safe."""
        begin_s, end_s = self.known.range_s
        return Recognized(
            model=ModelRef(name=PEOPLE),
            begin_s=begin_s,
            end_s=end_s,
            known_s=end_s - begin_s,
            events=(),
            people=KeptPeople.of(self.known),
        )


Part = DecidedPart | LivePart | PeoplePart


def at_last(part: LivePart | None, model: str, snapshot: Snapshot) -> LivePart:
    """Return what is known about a live source that was closed: its final events and its last recorded curves."""
    nothing = np.empty(0, np.float32)
    curves = (
        LiveCurves(CELL_S, 0, (), nothing.astype(np.int32), nothing, nothing) if part is None else part.state.curves
    )
    return LivePart(LiveState(model, replace(snapshot, going_on=None), curves))


def capture(history: History, file: Hashable) -> list[Part]:
    """Return what each model recognized in a file that is or was shown, or what is known about the current live source.

    Args:
        history: The history of recognized actions.
        file: Key that identifies the file; see `History.file`.
    """
    sets = history.sets(file)
    if sets:
        return [DecidedPart(key, decisions) for key, decisions in sets.items() if decisions.count]
    live = history.live() if history.file == file else None
    return [] if live is None or live.snapshot.end_s <= live.snapshot.begin_s else [LivePart(live)]


def restore(history: History, file: Hashable, recognized: Iterable[Recognized]) -> None:
    """Show what was recognized in an earlier run in the history; the first item is shown if nothing is shown yet.

    Args:
        history: The history to restore to.
        file: Key that identifies the file; if another file is shown, nothing is restored.
        recognized: What was stored.
    """
    for found in recognized:
        if found.moments is not None:
            history.restore(file, found.model.key, found.moments.decided(found.model.name))
        elif found.curves is not None:
            label, score, activity = found.curves.arrays()
            curves = LiveCurves(found.curves.cell_s, found.curves.first, found.curves.labels, label, score, activity)
            snapshot = Snapshot(0, found.events, None, found.begin_s, found.end_s, found.overlapping)
            history.restore_live(LiveState(found.model.name, snapshot, curves))


def people_of(recognized: Iterable[Recognized]) -> KnownPeople | None:
    """Return what was stored of the people in a source; None if nothing was."""
    return next((found.people.known() for found in recognized if found.people is not None), None)


def model_of(recognized: Iterable[Recognized]) -> str:
    """Return the name of the model whose events are shown first; "" if there is none."""
    return next((found.model.name for found in recognized if found.people is None), "")


def _newest(events: tuple[Event, ...]) -> tuple[Event, ...]:
    return events[-MAX_EVENTS:]
