"""What the user says of events: names and deletions that stand over the model's words."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace

from slowfast_live.core.events import Event


@dataclass(frozen=True, slots=True)
class Noted:
    """An event as the user wants to read it.

    Attributes:
        event: With the user's name for the action.
        said: The model's name for it.
        going_on: It is seen right now, and may still grow.
    """

    event: Event
    said: str
    going_on: bool = False

    @property
    def corrected(self) -> bool:
        """Whether the user calls it something else than the model."""
        return self.event.label != self.said

    def same_as(self, other: Noted) -> bool:
        """Whether the two are one event, seen at two times: it may have grown or been renamed between them."""
        one, two = self.event, other.event
        return self.said == other.said and one.begin_s < two.end_s and two.begin_s < one.end_s


@dataclass(frozen=True, slots=True)
class _RenameAll:
    label: str
    name: str

    def __str__(self) -> str:
        return f"all “{self.label}” renamed to “{self.name}”"


@dataclass(frozen=True, slots=True)
class _Rename:
    of: Event  # with the model's label
    name: str

    def __str__(self) -> str:
        return f"“{self.of.label}” renamed to “{self.name}”"


@dataclass(frozen=True, slots=True)
class _Delete:
    of: tuple[Event, ...]

    def __str__(self) -> str:
        return f"{len(self.of)} events deleted" if len(self.of) > 1 else f"“{self.of[0].label}” deleted"


class Corrections:
    """Corrections in the order they were made; later ones stand over earlier ones. One thread only.

    They find their event again by the model's label and its place in time, so they outlive that a stretch of a
    file is recognised anew, or that an event is still growing.
    """

    def __init__(self) -> None:
        self._made: list[_RenameAll | _Rename | _Delete] = []

    @property
    def last(self) -> str:
        """What `undo` would take back, in words; "" where there is nothing."""
        return str(self._made[-1]) if self._made else ""

    def clear(self) -> None:
        """Forget all corrections."""
        self._made.clear()

    def rename(self, noted: Noted, name: str) -> None:
        """Call one event something else. An empty name changes nothing."""
        if name and name != noted.event.label:
            self._made.append(_Rename(_as_said(noted), name))

    def rename_all(self, label: str, name: str) -> None:
        """Call every event with this label, now and later, something else. An empty name changes nothing."""
        if name and name != label:
            self._made.append(_RenameAll(label, name))

    def delete(self, noted: Sequence[Noted]) -> None:
        """Leave events out, all in one step."""
        if noted:
            self._made.append(_Delete(tuple(_as_said(one) for one in noted)))

    def undo(self) -> bool:
        """Take back the newest correction; False where there is none."""
        if not self._made:
            return False
        self._made.pop()
        return True

    def apply(self, events: Sequence[Event], going_on: int | None = None) -> tuple[Noted, ...]:
        """Return events as the user wants to read them.

        Args:
            events: With the model's labels; oldest first, none overlapping another.
            going_on: Index of the one that is seen right now.
        """
        names: list[str | None] = [event.label for event in events]
        for made in self._made:
            if isinstance(made, _RenameAll):
                names = [made.name if name == made.label else name for name in names]
            elif isinstance(made, _Rename):
                for i in _found(made.of, events):
                    names[i] = made.name if names[i] is not None else None
            else:
                for i in (i for of in made.of for i in _found(of, events)):
                    names[i] = None
        return tuple(
            Noted(event if name == event.label else replace(event, label=name), event.label, i == going_on)
            for i, (event, name) in enumerate(zip(events, names, strict=True))
            if name is not None
        )


def _as_said(noted: Noted) -> Event:
    return replace(noted.event, label=noted.said)


def _found(wanted: Event, events: Sequence[Event]) -> list[int]:
    """Return the indices of what was `wanted` then: the same label, over most of the shorter one's time."""
    found = []
    first = bisect_left(events, wanted.begin_s, key=lambda event: event.end_s)
    for i in range(first, len(events)):
        event = events[i]
        if event.begin_s >= wanted.end_s:
            break
        shared_s = min(event.end_s, wanted.end_s) - max(event.begin_s, wanted.begin_s)
        if event.label == wanted.label and shared_s > min(event.length_s, wanted.length_s) / 2:
            found.append(i)
    return found
