"""The labels of each person: smoothing, hysteresis and events, one set for each identity."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Hashable, Sequence

from slowfast_live.core.events import EventRule, EventTracker
from slowfast_live.core.several import OverlapTracker
from slowfast_live.inference.spec import Model
from slowfast_live.people.choice import Lead, turns
from slowfast_live.people.now import PeopleEvents, PeopleNow, PersonEvent, PersonNow
from slowfast_live.people.records import Box, KnownPeople, PersonEvents, PersonRecords, PersonTrail
from slowfast_live.people.tracker import MEMORY_S, TrackedPerson
from slowfast_live.pipeline.postprocessing import Postprocessor
from slowfast_live.types import Prediction, Readout

_RECENT = 24
_MAX_LEFT = 2
"""Sources that were left, whose people are still known for whoever stores them."""


class _Labels:
    """What is known of one person."""

    def __init__(self, rule: EventRule) -> None:
        self.postprocessor = Postprocessor()
        self.tracker = EventTracker(rule)
        self.overlapping = OverlapTracker(rule)  # for models that give several answers at once
        self.readout: Readout | None = None
        self.asked_s: deque[float] = deque(maxlen=_RECENT)


class LivePersonLabels:
    """Keeps the labels of the people who are in the picture. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_person: dict[int, _Labels] = {}
        self._lead = Lead()
        self._lead_id: int | None = None
        self._events = PersonEvents()
        self._records = PersonRecords()
        self._mirrored = False
        self._source: Hashable = None
        self._left: dict[Hashable, KnownPeople] = {}

    def forget(self) -> None:
        """Forget everybody who is in the picture, because the following frames do not continue; events are kept."""
        with self._lock:
            for identity in list(self._by_person):
                self._finish(identity)
            self._events.end_pass()

    def begin(self, source: Hashable = None) -> None:
        """Forget everything: another source follows. What was known of the last one can still be asked for.

        Args:
            source: Key that identifies the source that follows.
        """
        with self._lock:
            self._left.pop(self._source, None)
            self._left[self._source] = self._known()
            for old in list(self._left)[:-_MAX_LEFT]:
                del self._left[old]
            self._source = source
            self._by_person.clear()
            self._events.clear()
            self._records.clear()
            self._lead = Lead()
            self._lead_id = None

    def saw(self, people: Sequence[TrackedPerson], t_s: float) -> None:
        """Note where people are at a time."""
        with self._lock:
            for identity, other in self._records.earlier(people, t_s):
                self._records.join(identity, other)
                self._events.join(identity, other)
                if self._lead.followed == other:
                    self._lead.followed = identity
            self._records.saw(people, t_s)

    def mirror(self) -> None:
        """Swap left and right of what is known: the pictures are mirrored from now on, or no longer."""
        with self._lock:
            self._records.mirror()
            self._mirrored = not self._mirrored

    def follow(self, identity: int | None) -> None:
        """Let a person lead as long as they are in the picture; None: the most prominent one."""
        with self._lock:
            self._lead.followed = identity

    def next_person(self, people: Sequence[TrackedPerson], window_end_s: float) -> TrackedPerson | None:
        """Return whose turn it is for a frame window that ends at a time; None if everybody was asked about it."""
        with self._lock:
            self._retire(people, window_end_s)
            lead = self._lead.choose([p for p in people if not p.lost] or people)
            self._lead_id = lead.id if lead is not None else None
            asked = {i: labels.asked_s[-1] for i, labels in self._by_person.items() if labels.asked_s}
            by_id = {person.id: person for person in people}
            for identity in turns(people, asked, self._lead_id):
                if asked.get(identity, float("-inf")) < window_end_s:
                    return by_id[identity]
        return None

    def unasked(self, identity: int, window_end_s: float) -> bool:
        """Whether the model was not asked about a person for a window that ends at a time, nor for a later one."""
        with self._lock:
            labels = self._by_person.get(identity)
            return labels is None or not labels.asked_s or labels.asked_s[-1] < window_end_s

    def everyone(
        self, people: Sequence[TrackedPerson], window_end_s: float, rule: EventRule
    ) -> tuple[TrackedPerson, ...]:
        """Return the people who are in the picture, and note that the model is being asked about all of them."""
        with self._lock:
            self._retire(people, window_end_s)
            there = tuple(person for person in people if not person.lost)
            lead = self._lead.choose(there)
            self._lead_id = lead.id if lead is not None else None
            for person in there:
                self._by_person.setdefault(person.id, _Labels(rule)).asked_s.append(window_end_s)
            return there

    def asked(self, identity: int, window_end_s: float, rule: EventRule) -> None:
        """Note that the model is being asked about a person for a window that ends at a time."""
        with self._lock:
            labels = self._by_person.setdefault(identity, _Labels(rule))
            labels.asked_s.append(window_end_s)

    def take(self, identity: int, prediction: Prediction, model: Model, threshold: float | None) -> Readout | None:
        """Take a prediction about a person; return the readout, or None if the person has left."""
        with self._lock:
            labels = self._by_person.get(identity)
            if labels is None:
                return None
            readout = labels.postprocessor.read(prediction, model, threshold)
            labels.readout = readout
            self._records.said(identity, readout)
            self._events.reached(prediction.t_end_s - labels.tracker.rule.lag_s, prediction.t_end_s)
            if readout.several:
                finished = tuple(labels.overlapping.update(prediction.t_end_s, readout.shown))
            else:
                finished = labels.tracker.update(prediction.t_end_s, readout.label, readout.score)
            self._events.add(identity, finished)
            return readout

    def is_lead(self, identity: int) -> bool:
        """Whether the label of the window is about this person."""
        with self._lock:
            return identity == self._lead_id

    def now(self, people: Sequence[TrackedPerson], detector: str) -> PeopleNow:
        """Return the people with their labels."""
        with self._lock:
            rows = []
            for person in people:
                labels = self._by_person.get(person.id)
                rows.append(PersonNow(person, labels.readout if labels is not None else None))
            there = {person.id for person in people}
            lead = self._lead_id if self._lead_id in there else None
            return PeopleNow(tuple(rows), lead, self._lead.followed, detector, self._every_s(there))

    def events(self) -> PeopleEvents:
        """Return the events of everybody."""
        with self._lock:
            return PeopleEvents(self._events.version, self._all_events(), dict(self._events.joined))

    def known_of(self, source: Hashable) -> KnownPeople | None:
        """Return everything that is known of the people in a source; None if that was left long ago."""
        with self._lock:
            return self._known() if source == self._source else self._left.get(source)

    def restore(self, source: Hashable, known: KnownPeople) -> bool:
        """Take what an earlier run knew of the people in a source; return False if another source is shown.

        What was found since the source was opened is dropped: the same identities may mean other people there.
        """
        with self._lock:
            if source != self._source:
                return False
            if known.mirrored != self._mirrored:
                known = known.mirror()
            self._by_person.clear()
            self._events.restore(known.events, known.joined)
            self._records.restore(known.trails)
            self._lead = Lead()
            self._lead_id = None
            return True

    def _known(self) -> KnownPeople:
        return KnownPeople(
            self._records.trails(), self._all_events(), dict(self._events.joined), mirrored=self._mirrored
        )

    def _all_events(self) -> tuple[PersonEvent, ...]:
        going_on = [
            PersonEvent(identity, event, True)
            for identity, labels in self._by_person.items()
            for event in (labels.tracker.current(), *labels.overlapping.current())
            if event is not None
        ]
        return self._events.all(going_on)

    def box_at(self, identity: int, t_s: float) -> Box | None:
        """Return where a person was at a time, in shares of the picture as it is shown; None if that is not known."""
        with self._lock:
            return self._records.box_at(identity, t_s)

    def who_at(self, t_s: float) -> list[tuple[int, Box]]:
        """Return everybody who is known to have been in the picture at a time, and where."""
        with self._lock:
            return self._records.who_at(t_s)

    def trails(self) -> tuple[PersonTrail, ...]:
        """Return where everybody was and what was said of them, by identity."""
        with self._lock:
            return self._records.trails()

    @property
    def followed(self) -> int | None:
        """The person whom the user follows."""
        with self._lock:
            return self._lead.followed

    def readout_of(self, identity: int) -> Readout | None:
        """Return what may be shown of a person; None before the first prediction."""
        with self._lock:
            labels = self._by_person.get(identity)
            return labels.readout if labels is not None else None

    @property
    def known(self) -> int:
        """Number of people whose labels are kept."""
        with self._lock:
            return len(self._by_person)

    def _every_s(self, there: set[int]) -> float:
        """Return the mean time from one prediction about a person to the next."""
        spans = [
            (labels.asked_s[-1] - labels.asked_s[0]) / (len(labels.asked_s) - 1)
            for identity, labels in self._by_person.items()
            if identity in there and len(labels.asked_s) > 1
        ]
        return sum(spans) / len(spans) if spans else 0.0

    def _retire(self, people: Sequence[TrackedPerson], now_s: float) -> None:
        there = {person.id for person in people}
        for identity, labels in list(self._by_person.items()):
            last_s = labels.asked_s[-1] if labels.asked_s else now_s
            if identity not in there and not 0 <= now_s - last_s <= MEMORY_S:
                self._finish(identity)

    def _finish(self, identity: int) -> None:
        labels = self._by_person.pop(identity)
        self._events.add(identity, (*labels.tracker.finish(), *labels.overlapping.finish()))
