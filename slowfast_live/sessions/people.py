"""People in a session: where each one was, what was said of them, and their events."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Annotated

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from slowfast_live.core.corrections import Person
from slowfast_live.core.events import Event
from slowfast_live.errors import SessionError
from slowfast_live.messages import Message
from slowfast_live.people.now import PersonEvent
from slowfast_live.people.records import MAX_EVENTS, MAX_ROWS, KnownPeople, PersonTrail, SaidOfPerson
from slowfast_live.sessions.naming import THE_SESSION
from slowfast_live.sessions.packing import pack, unpack
from slowfast_live.text_safety import controls

PEOPLE = "(people)"
"""In place of a model's name; parentheses cannot stand in one."""
_MAX_PEOPLE = MAX_ROWS
_MAX_LABELS = 65_535
_MAX_TIME_S = 1e9
_OUTSIDE = 2.0
"""A box may leave the picture by as much as a track may."""
_TOP = 3
_BOX = np.dtype([("t_s", "<f8"), ("box", "<f4", 4)])
_SAID = np.dtype([("t_s", "<f8"), ("label", "<i4"), ("score", "<f4"), ("top", "<i4", _TOP), ("scores", "<f4", _TOP)])
_NO_LABEL = -1

Rows = Annotated[int, Meta(ge=0, le=MAX_ROWS)]


class KeptPerson(msgspec.Struct, frozen=True, kw_only=True):
    """One person.

    Attributes:
        id: Identity, which edits refer to.
        formerly: Identities of the same person that were given up; edits may still refer to them.
        events: Events, oldest first; those of one label do not overlap.
        boxes: Number of rows that say where the person was.
        said: Number of rows that say what was shown of the person.
    """

    id: Person
    formerly: Annotated[tuple[Person, ...], Meta(max_length=MAX_EVENTS)] = ()
    events: Annotated[tuple[Event, ...], Meta(max_length=MAX_EVENTS)] = ()
    boxes: Rows = 0
    said: Rows = 0


class KeptPeople(msgspec.Struct, frozen=True, kw_only=True):
    """Everybody who was followed in a source.

    Attributes:
        detector: Title of the person detector; "" if unknown.
        mirrored: Whether left and right of the boxes are swapped.
        labels: The labels that the label indices refer to.
        persons: The people, by identity.
        data: Base64 of zlib-compressed little-endian rows, those of all people one after the other, each oldest first:
            where they were (float64 time, float32 x1, y1, x2, y2 in shares of the picture), then what was said
            (float64 time, int32 label index or -1 for none, float32 score, three int32 label indices of the best
            classes or -1, their float32 scores).
    """

    detector: Annotated[str, Meta(max_length=500)] = ""
    mirrored: bool = False
    labels: Annotated[tuple[Annotated[str, Meta(max_length=8192)], ...], Meta(max_length=_MAX_LABELS)] = ()
    persons: Annotated[tuple[KeptPerson, ...], Meta(max_length=_MAX_PEOPLE)] = ()
    data: str

    @classmethod
    def of(cls, known: KnownPeople) -> KeptPeople:
        """Return what is known of people in its compressed form."""
        numbers: dict[str, int] = {}
        trails = {trail.id: trail for trail in known.trails}
        events: dict[int, list[Event]] = {}
        for one in known.events:
            events.setdefault(one.person, []).append(one.event)
        persons, boxes, said = [], [], []
        for identity in sorted(trails.keys() | events.keys()):
            trail = trails.get(identity, PersonTrail(identity, (), ()))
            boxes += [(row[0], row[1:]) for row in trail.boxes]
            said += [_said_row(one, numbers) for one in trail.said]
            persons.append(
                KeptPerson(
                    id=identity,
                    formerly=tuple(sorted(old for old, now in known.joined.items() if now == identity)),
                    events=tuple(events.get(identity, ())),
                    boxes=len(trail.boxes),
                    said=len(trail.said),
                )
            )
        return cls(
            detector=known.detector,
            mirrored=known.mirrored,
            labels=tuple(numbers),
            persons=tuple(persons),
            data=pack(np.array(boxes, _BOX).tobytes() + np.array(said, _SAID).tobytes()),
        )

    def known(self) -> KnownPeople:
        """Return what is known of people.

        Raises:
            SessionError: The data does not match its description, or contains impossible values.
        """
        self._check()
        count, said_count = sum(p.boxes for p in self.persons), sum(p.said for p in self.persons)
        if count + said_count > 2 * MAX_ROWS:
            raise SessionError(Message("{where} contains too many boxes of people.", where=THE_SESSION))
        raw = unpack(self.data, _BOX.itemsize * count + _SAID.itemsize * said_count)
        boxes = np.frombuffer(raw, _BOX, count)
        said = np.frombuffer(raw, _SAID, said_count, _BOX.itemsize * count)
        self._check_rows(boxes, said)
        box_rows = [(t_s, *box) for t_s, box in zip(boxes["t_s"].tolist(), boxes["box"].tolist(), strict=True)]
        said_rows = [self._said(*row) for row in said.tolist()]
        trails, at, said_at = [], 0, 0
        for person in self.persons:
            own, own_said = box_rows[at : at + person.boxes], said_rows[said_at : said_at + person.said]
            _check_order([row[0] for row in own])
            _check_order([one.t_s for one in own_said])
            if own or own_said:
                trails.append(PersonTrail(person.id, tuple(own), tuple(own_said)))
            at, said_at = at + person.boxes, said_at + person.said
        events = sorted(
            (PersonEvent(person.id, event) for person in self.persons for event in person.events),
            key=lambda one: one.event.begin_s,
        )
        joined = {old: person.id for person in self.persons for old in person.formerly}
        return KnownPeople(tuple(trails), tuple(events), joined, self.mirrored, self.detector)

    def _said(self, t_s: float, label: int, score: float, top: list[int], scores: list[float]) -> SaidOfPerson:
        best = tuple((self.labels[k], value) for k, value in zip(top, scores, strict=True) if k != _NO_LABEL)
        return SaidOfPerson(t_s, None if label == _NO_LABEL else self.labels[label], score, best)

    def _check(self) -> None:
        identities = [identity for person in self.persons for identity in (person.id, *person.formerly)]
        if len(set(identities)) < len(identities):
            raise SessionError(Message("{where} contains one person twice.", where=THE_SESSION))
        for text in (self.detector, *self.labels):
            if controls(text):
                raise SessionError(
                    Message("{where} contains text with control characters.", where=THE_SESSION),
                    details=repr(text)[:200],
                )
        if sum(len(person.events) for person in self.persons) > MAX_EVENTS:
            raise SessionError(Message("{where} contains too many events of people.", where=THE_SESSION))

    def _check_rows(self, boxes: NDArray[np.void], said: NDArray[np.void]) -> None:
        for times in (boxes["t_s"], said["t_s"]):
            if not (np.abs(times) <= _MAX_TIME_S).all():
                raise SessionError(Message("{where} contains impossible times.", where=THE_SESSION))
        corners, scores = boxes["box"], np.concatenate([said["score"], said["scores"].ravel()])
        right = (np.abs(corners) <= _OUTSIDE).all() and (corners[:, :2] <= corners[:, 2:]).all()
        indices = np.concatenate([said["label"], said["top"].ravel()])
        known = ((indices >= _NO_LABEL) & (indices < len(self.labels))).all()
        if not right or not known or not ((scores >= 0) & (scores <= 1)).all():
            raise SessionError(Message("{where} contains impossible values.", where=THE_SESSION))


def _said_row(one: SaidOfPerson, numbers: dict[str, int]) -> tuple[float, int, float, list[int], list[float]]:
    def number(label: str) -> int:
        return numbers.setdefault(label, len(numbers))

    top = [(number(label), score) for label, score in one.top[:_TOP]]
    top += [(_NO_LABEL, 0.0)] * (_TOP - len(top))
    label = _NO_LABEL if one.label is None else number(one.label)
    return one.t_s, label, _share(one.score), [k for k, _ in top], [_share(score) for _, score in top]


def _share(score: float) -> float:
    return min(1.0, max(0.0, score)) if math.isfinite(score) else 0.0


def _check_order(times: list[float]) -> None:
    if any(earlier > later for earlier, later in pairwise(times)):
        raise SessionError(Message("{where} contains times in disorder.", where=THE_SESSION))
