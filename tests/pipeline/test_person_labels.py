from __future__ import annotations

import numpy as np

from slowfast_live.core.events import EventRule
from slowfast_live.inference.spec import Model
from slowfast_live.people.records import MAX_EVENTS
from slowfast_live.people.tracker import TrackedPerson
from slowfast_live.pipeline.person_labels import LivePersonLabels
from slowfast_live.types import Prediction


def someone(
    identity: int, *, t_s: float = 10.0, x: float = 0.1, width: float = 0.1, lost: bool = False
) -> TrackedPerson:
    box = (x, 0.2, x + width, 0.9)
    return TrackedPerson(identity, box, 0.9, 0.0, t_s, lost, np.array([[0, *box]], np.float32), t_s)


def predicted(model: Model, label: int, t_s: float) -> Prediction:
    probs = np.full(len(model.spec.labels), 0.01, np.float32)
    probs[label] = 0.9
    return Prediction(probs, ((model.spec.labels[label], 0.9),), t_s, 0.0, 0.0, model.name, "CPU", 1)


def test_everybody_is_asked_equally_often() -> None:
    labels = LivePersonLabels()
    people = [someone(i, x=0.1 * i) for i in range(1, 8)]
    asked = []
    for step in range(70):  # the machine can ask about one person for each window
        person = labels.next_person(people, step / 10)
        assert person is not None
        labels.asked(person.id, step / 10, EventRule())
        asked.append(person.id)
    assert {asked.count(i) for i in range(1, 8)} == {10}
    assert abs(labels.now(people, "fake").every_s - 0.7) < 0.01


def test_nobody_is_asked_twice_about_the_same_window() -> None:
    labels = LivePersonLabels()
    people = [someone(1), someone(2, x=0.5)]
    for _ in range(2):
        person = labels.next_person(people, 1.0)
        assert person is not None
        labels.asked(person.id, 1.0, EventRule())
    assert labels.next_person(people, 1.0) is None


def test_each_person_has_labels_and_events_of_their_own(tiny: Model) -> None:
    labels = LivePersonLabels()
    people = [someone(1), someone(2, x=0.5)]
    for step in range(30):
        for person, label in zip(people, (0, 3), strict=True):
            labels.asked(person.id, step / 5, EventRule())
            labels.take(person.id, predicted(tiny, label, step / 5), tiny, 0.5)
    now = labels.now(people, "fake")
    assert [p.readout.top[0][0] for p in now.people if p.readout] == [
        tiny.spec.labels[0],
        tiny.spec.labels[3],
    ]


def test_who_is_followed_leads_as_long_as_they_are_there() -> None:
    labels = LivePersonLabels()
    people = [someone(1, width=0.4), someone(2, x=0.6)]
    labels.next_person(people, 1.0)
    assert labels.now(people, "fake").lead == 1
    labels.follow(2)
    labels.next_person(people, 1.1)
    assert labels.now(people, "fake").lead == 2 and labels.is_lead(2)
    labels.next_person(people[:1], 1.2)
    assert labels.now(people[:1], "fake").lead == 1


def test_ten_thousand_people_leave_nothing_behind(tiny: Model) -> None:
    labels = LivePersonLabels()
    for i in range(1, 10_001):
        t_s = 3.0 * i
        person = labels.next_person([someone(i, t_s=t_s)], t_s)
        assert person is not None
        for step in range(6):
            labels.asked(i, t_s + step / 5, EventRule())
        labels.take(i, predicted(tiny, 0, t_s), tiny, 0.5)
    assert labels.known <= 2
    assert len(labels.events().events) <= MAX_EVENTS
