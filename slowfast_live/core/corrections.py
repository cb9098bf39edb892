"""The user's edits of events: renames, deletions and additions that take precedence over the model's decisions.

The edits form a log. Each edit has a unique id, and undoing an edit increments a counter instead of removing it. Two
logs of the same source can therefore be merged in any order, any number of times, without losing an edit.
"""

from __future__ import annotations

import uuid
from bisect import bisect_left
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated

import msgspec

from slowfast_live.core.events import Event

MAX_EDITS = 10_000
"""Maximum number of edits kept per source; undone edits are discarded first."""
MIN_PART_S = 0.2
"""Minimum length of what remains of an event that an added event overlaps; anything shorter is dropped."""
Person = Annotated[int, msgspec.Meta(ge=1, le=1 << 53)]
"""Identity of a person in one source."""
_SAME: Mapping[int, int] = {}


@dataclass(frozen=True, slots=True)
class AnnotatedEvent:
    """An event with the user's edits applied.

    Attributes:
        event: The event, labeled with the user's name for the action.
        said: The model's name for the action; for an event added by the user, its original name.
        going_on: Whether the event is still in progress and may grow.
        person: Identity of the person whose action it is; None for the whole picture.
    """

    event: Event
    said: str
    going_on: bool = False
    person: int | None = None

    @property
    def corrected(self) -> bool:
        """Whether the user's name for the action differs from the model's."""
        return self.event.label != self.said

    def same_as(self, other: AnnotatedEvent) -> bool:
        """Whether both describe the same event, possibly before and after it grew or was renamed."""
        one, two = self.event, other.event
        same = self.said == other.said and self.person == other.person
        return same and one.begin_s < two.end_s and two.begin_s < one.end_s


class Target(msgspec.Struct, frozen=True):
    """The event that an edit applies to, as it was when the edit was made.

    Attributes:
        event: The event, with the model's label.
        shown: The name that the user saw.
        person: Identity of the person whose action it is; None for the whole picture.
    """

    event: Event
    shown: str
    person: Person | None = None

    @classmethod
    def of(cls, noted: AnnotatedEvent) -> Target:
        """Return the target that identifies this event."""
        return cls(replace(noted.event, label=noted.said), noted.event.label, noted.person)


class Rename(msgspec.Struct, frozen=True, tag="rename"):
    """Rename one event.

    Attributes:
        target: The event.
        name: The user's name for the action.
        model: Name of the model that recognized the event; "" if unknown.
    """

    target: Target
    name: str
    model: str = ""

    def __str__(self) -> str:
        return f"“{self.target.shown}” renamed to “{self.name}”"


class RenameAll(msgspec.Struct, frozen=True, tag="rename all"):
    """Rename all events with a label, including future ones.

    Attributes:
        label: The label.
        name: The user's name for the action.
    """

    label: str
    name: str

    def __str__(self) -> str:
        return f"all “{self.label}” renamed to “{self.name}”"


class Delete(msgspec.Struct, frozen=True, tag="delete"):
    """Delete events.

    Attributes:
        targets: The events; at least one.
    """

    targets: tuple[Target, ...]

    def __str__(self) -> str:
        return f"{len(self.targets)} events deleted" if len(self.targets) > 1 else f"“{self.targets[0].shown}” deleted"


class Add(msgspec.Struct, frozen=True, tag="add"):
    """Add an event.

    Attributes:
        event: The event; `by_hand` is set.
        person: Identity of the person whose action it is; None for the whole picture.
    """

    event: Event
    person: Person | None = None

    def __str__(self) -> str:
        return f"“{self.event.label}” added"


class Move(msgspec.Struct, frozen=True, tag="move"):
    """Move the boundaries of an event.

    Attributes:
        target: The event.
        begin_s: Its new begin.
        end_s: Its new end, after the begin.
    """

    target: Target
    begin_s: float
    end_s: float

    def __str__(self) -> str:
        return f"“{self.target.shown}” moved"


Change = Rename | RenameAll | Delete | Add | Move


class Edit(msgspec.Struct, frozen=True):
    """One edit made by the user.

    Attributes:
        id: Globally unique identifier.
        order: Position in the order of application; edits with the same order, made in two windows at the same time,
            are sorted by id.
        change: The change.
        flips: Number of undo and redo steps; if it is odd, the edit is undone.
    """

    id: str
    order: int
    change: Change
    flips: int = 0

    @property
    def undone(self) -> bool:
        """Whether the edit is undone."""
        return self.flips % 2 == 1


def merge_edits(one: Iterable[Edit], other: Iterable[Edit]) -> tuple[Edit, ...]:
    """Merge two logs and return their edits in order of application.

    If both logs contain an edit, the copy that was undone or redone more often is the newer one and is kept.
    """
    merged: dict[str, Edit] = {}
    for edit in (*one, *other):
        known = merged.get(edit.id)
        if known is None or edit.flips > known.flips:
            merged[edit.id] = edit
    return tuple(sorted(merged.values(), key=lambda edit: (edit.order, edit.id)))


class Corrections:
    """The user's edits of one source, with undo and redo; later edits take precedence. Not thread-safe.

    An edit finds its event again by the model's label and its place in time. It therefore still applies after part of a
    file is recognized again, and while an event grows. For a different model, whose labels may differ, a renamed event
    is matched by time only; if that model detects no event there, the user's event is inserted. Deletions only apply to
    events with the same label, because the user has not reviewed any others.

    Args:
        edits: Edits to start from.
    """

    def __init__(self, edits: Iterable[Edit] = ()) -> None:
        self._edits = merge_edits(edits, ())
        self._done = [edit.id for edit in self._edits if not edit.undone]
        self._redoable: list[str] = []
        self.version = 0
        """Incremented with every change."""

    @property
    def edits(self) -> tuple[Edit, ...]:
        """The log, including undone edits."""
        return self._edits

    @property
    def count(self) -> int:
        """Number of edits that are in effect."""
        return sum(not edit.undone for edit in self._edits)

    @property
    def last(self) -> str:
        """Description of the edit that `undo` would revert; "" if there is none."""
        return str(self.last_change or "")

    @property
    def next(self) -> str:
        """Description of the edit that `redo` would restore; "" if there is none."""
        return str(self.next_change or "")

    @property
    def last_change(self) -> Change | None:
        """The change that `undo` would revert; None if there is none."""
        return self._edit(self._done[-1]).change if self._done else None

    @property
    def next_change(self) -> Change | None:
        """The change that `redo` would restore; None if there is none."""
        return self._edit(self._redoable[-1]).change if self._redoable else None

    def merge(self, edits: Iterable[Edit]) -> bool:
        """Merge edits made elsewhere; return whether anything changed.

        New edits are not added to the undo stack: `undo` only reverts edits made here.
        """
        merged = merge_edits(self._edits, edits)
        if merged == self._edits:
            return False
        self._edits = merged
        undone = {edit.id: edit.undone for edit in merged}
        self._done = [number for number in self._done if not undone[number]]
        self._redoable = [number for number in self._redoable if undone[number]]
        self.version += 1
        return True

    def load(self, edits: Iterable[Edit]) -> None:
        """Load the edits of earlier runs and place them before those made since; `undo` can reach them too."""
        earlier = merge_edits(edits, ())
        ids = {edit.id for edit in earlier}
        first = earlier[-1].order + 1 if earlier else 0
        known = [edit for edit in self._edits if edit.id in ids]
        since = [msgspec.structs.replace(e, order=e.order + first) for e in self._edits if e.id not in ids]
        self._edits = merge_edits(merge_edits(earlier, known), since)
        done_since = [number for number in self._done if number not in ids]
        self._done = [edit.id for edit in self._edits if edit.id in ids and not edit.undone] + done_since
        self._redoable = [number for number in self._redoable if self._edit(number).undone]
        self.version += 1

    def take_over(self, edits: Iterable[Edit]) -> None:
        """Append edits that were made here but are not in this log; `undo` reverts them first."""
        known = {edit.id for edit in self._edits}
        new = [edit for edit in merge_edits(edits, ()) if edit.id not in known]
        if new:
            first = self._edits[-1].order + 1 if self._edits else 0
            moved = [msgspec.structs.replace(edit, order=first + i) for i, edit in enumerate(new)]
            self._edits = merge_edits(self._edits, moved)
            self._done += [edit.id for edit in moved if not edit.undone]
            self._redoable.clear()
            self.version += 1

    def rename(self, noted: AnnotatedEvent, name: str, model: str = "") -> None:
        """Rename one event. An empty name has no effect."""
        if name and name != noted.event.label:
            self._append(Rename(Target.of(noted), name, model))

    def rename_all(self, label: str, name: str) -> None:
        """Rename all current and future events with this label. An empty name has no effect."""
        if name and name != label:
            self._append(RenameAll(label, name))

    def delete(self, noted: Sequence[AnnotatedEvent]) -> None:
        """Delete events in one step."""
        if noted:
            self._append(Delete(tuple(Target.of(one) for one in noted)))

    def add(self, label: str, begin_s: float, end_s: float, person: int | None = None) -> None:
        """Add an event, of a person or of the whole picture; it replaces the model's events during its time.

        Raises:
            ValueError: The label is empty, or the event does not begin before it ends.
        """
        if not label or not begin_s < end_s:
            raise ValueError(f"an event needs a label and a time, got {label!r} from {begin_s} to {end_s}")
        self._append(Add(Event(label, begin_s, end_s, 1.0, 1.0, (begin_s + end_s) / 2, by_hand=True), person))

    def move(self, noted: AnnotatedEvent, begin_s: float, end_s: float) -> None:
        """Give an event other boundaries; it replaces what else lies between them.

        Raises:
            ValueError: The event would not begin before it ends.
        """
        if not begin_s < end_s:
            raise ValueError(f"an event begins before it ends, got {begin_s} to {end_s}")
        if (begin_s, end_s) != (noted.event.begin_s, noted.event.end_s):
            self._append(Move(Target.of(noted), begin_s, end_s))

    def undo(self) -> bool:
        """Undo the latest edit made here; return False if there is none."""
        return self._flip(self._done, self._redoable)

    def redo(self) -> bool:
        """Redo the edit that was undone last; return False if there is none."""
        return self._flip(self._redoable, self._done)

    def apply(
        self,
        events: Sequence[Event],
        going_on: int | Collection[int] | None = None,
        model: str = "",
        *,
        overlapping: bool = False,
        person: int | None = None,
        joined: Mapping[int, int] = _SAME,
    ) -> tuple[AnnotatedEvent, ...]:
        """Apply the edits to events; returns them oldest first, without overlaps unless they may overlap.

        The events are those of the whole picture or of one person; edits of other events do not apply.

        Args:
            events: Events with the model's labels, oldest first, without overlaps.
            going_on: Index of the event in progress, if any; indices, if there may be several.
            model: Name of the model that recognized the events; "" if unknown.
            overlapping: Whether events of different labels may overlap: an added event then replaces only those with
                its own label.
            person: Whose events they are; None for the whole picture.
            joined: Former identities of people, and their present ones.
        """
        progressing = {going_on} if going_on is None or isinstance(going_on, int) else set(going_on)
        items = [AnnotatedEvent(event, event.label, i in progressing, person) for i, event in enumerate(events)]
        for edit in self._edits:
            change = None if edit.undone else _about(edit.change, person, joined)
            if change is None:
                continue
            if isinstance(change, RenameAll):
                items = [_renamed(item, change.name) if item.event.label == change.label else item for item in items]
            elif isinstance(change, Rename):
                _rename(items, change, model, overlapping, person)
            elif isinstance(change, Delete):
                found = {i for target in change.targets for i in _found(target, items, overlapping)}
                for i in sorted(found, reverse=True):
                    del items[i]
            elif isinstance(change, Move):
                _move(items, change, overlapping)
            else:
                _insert(items, AnnotatedEvent(change.event, change.event.label, person=person), overlapping)
        return tuple(items)

    def people(self, joined: Mapping[int, int] = _SAME) -> set[int]:
        """Return the present identities of all whose events were edited, other than by renaming all of a label."""
        found = set()
        for edit in self._edits:
            change = edit.change
            if edit.undone or isinstance(change, RenameAll):
                continue
            if isinstance(change, Delete):
                whose = [target.person for target in change.targets]
            else:
                whose = [change.person if isinstance(change, Add) else change.target.person]
            found |= {joined.get(person, person) for person in whose if person is not None}
        return found

    def _edit(self, number: str) -> Edit:
        return next(edit for edit in reversed(self._edits) if edit.id == number)

    def _append(self, change: Change) -> None:
        order = self._edits[-1].order + 1 if self._edits else 0
        edit = Edit(uuid.uuid4().hex, order, change)
        self._edits = _bounded((*self._edits, edit))
        kept = {edit.id for edit in self._edits}
        self._done = [number for number in self._done if number in kept] + [edit.id]
        self._redoable.clear()
        self.version += 1

    def _flip(self, taken_from: list[str], given_to: list[str]) -> bool:
        if not taken_from:
            return False
        number = taken_from.pop()
        given_to.append(number)
        self._edits = tuple(
            msgspec.structs.replace(edit, flips=edit.flips + 1) if edit.id == number else edit for edit in self._edits
        )
        self.version += 1
        return True


def _bounded(edits: tuple[Edit, ...]) -> tuple[Edit, ...]:
    """Limit the number of edits: drop the oldest undone ones first, then the oldest of the rest."""
    surplus = len(edits) - MAX_EDITS
    if surplus <= 0:
        return edits
    undone = {edit.id for edit in [edit for edit in edits if edit.undone][:surplus]}
    return tuple(edit for edit in edits if edit.id not in undone)[-MAX_EDITS:]


def _about(change: Change, person: int | None, joined: Mapping[int, int]) -> Change | None:
    """Return what a change does to the events of a person, or of the whole picture; None if nothing."""

    def same(whose: int | None) -> bool:
        return (whose if whose is None else joined.get(whose, whose)) == person

    match change:
        case RenameAll():
            return change
        case Delete():
            targets = tuple(target for target in change.targets if same(target.person))
            return Delete(targets) if targets else None
        case Add():
            return change if same(change.person) else None
        case _:
            return change if same(change.target.person) else None


def _renamed(item: AnnotatedEvent, name: str) -> AnnotatedEvent:
    return replace(item, event=replace(item.event, label=name))


def _rename(items: list[AnnotatedEvent], change: Rename, model: str, overlapping: bool, person: int | None) -> None:
    """Rename the targeted event; if it does not exist, insert the user's event instead."""
    found = _found(change.target, items, overlapping)
    if not found and model != change.model and not overlapping:
        found = _found_by_time(change.target.event, items)
    for i in found:
        items[i] = _renamed(items[i], change.name)
    if not found:
        said = change.target.event
        _insert(items, AnnotatedEvent(replace(said, label=change.name), said.label, person=person), overlapping)


def _move(items: list[AnnotatedEvent], change: Move, overlapping: bool) -> None:
    """Give the targeted event its new boundaries; nothing if it does not exist."""
    found = _found(change.target, items, overlapping)
    if not found:
        return
    item = items[found[0]]
    for i in reversed(found):
        del items[i]
    peak_s = min(max(item.event.peak_s, change.begin_s), change.end_s)
    event = replace(item.event, begin_s=change.begin_s, end_s=change.end_s, peak_s=peak_s)
    _insert(items, replace(item, event=event, going_on=False), overlapping)


def _insert(items: list[AnnotatedEvent], new: AnnotatedEvent, overlapping: bool) -> None:
    """Insert an event, keeping the parts of other events that lie before or after it.

    If events may overlap, only those with the same label make room.
    """
    if overlapping:
        same = [item for item in items if item.event.label == new.event.label]
        rest = [item for item in items if item.event.label != new.event.label]
        _insert(same, new, overlapping=False)
        items[:] = sorted([*rest, *same], key=lambda item: (item.event.begin_s, item.event.end_s, item.event.label))
        return
    begin_s, end_s = new.event.begin_s, new.event.end_s
    first = bisect_left(items, True, key=lambda item: item.event.end_s > begin_s)
    last = bisect_left(items, end_s, lo=first, key=lambda item: item.event.begin_s)
    middle = [new]
    if first < last:
        middle[:0] = _part(items[first], items[first].event.begin_s, begin_s)
        middle += _part(items[last - 1], end_s, items[last - 1].event.end_s)
    items[first:last] = middle


def _part(item: AnnotatedEvent, begin_s: float, end_s: float) -> list[AnnotatedEvent]:
    event = item.event
    if end_s - begin_s < MIN_PART_S:
        return []
    peak_s = min(max(event.peak_s, begin_s), end_s)
    peak_score = event.peak_score if peak_s == event.peak_s else event.mean_score
    part = replace(event, begin_s=begin_s, end_s=end_s, peak_s=peak_s, peak_score=peak_score)
    return [replace(item, event=part, going_on=item.going_on and end_s == event.end_s)]


def _shared(wanted: Event, items: Sequence[AnnotatedEvent], overlapping: bool = False) -> Iterable[tuple[int, float]]:
    """Yield (index, seconds of overlap) for each event that overlaps `wanted`."""
    first = 0 if overlapping else bisect_left(items, wanted.begin_s, key=lambda item: item.event.end_s)
    for i in range(first, len(items)):
        event = items[i].event
        if event.begin_s >= wanted.end_s:
            break
        if event.end_s <= wanted.begin_s:
            continue
        yield i, min(event.end_s, wanted.end_s) - max(event.begin_s, wanted.begin_s)


def _found(target: Target, items: Sequence[AnnotatedEvent], overlapping: bool) -> list[int]:
    """Return the indices of the targeted events: same label, overlapping most of the shorter one."""
    wanted = target.event
    found = []
    for i, shared_s in _shared(wanted, items, overlapping):
        item = items[i]
        same = item.said == wanted.label or (item.corrected and item.event.label == target.shown)
        most = shared_s > min(item.event.length_s, wanted.length_s) / 2
        if same and most and item.event.by_hand == wanted.by_hand:
            found.append(i)
    return found


def _found_by_time(wanted: Event, items: Sequence[AnnotatedEvent]) -> list[int]:
    """Return the index of the event that overlaps most of the longer one, if there is one."""
    return [
        i
        for i, shared_s in _shared(wanted, items)
        if shared_s > max(items[i].event.length_s, wanted.length_s) / 2 and not items[i].event.by_hand
    ]
