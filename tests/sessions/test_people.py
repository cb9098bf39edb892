"""People are read back from a session as they were, and nothing impossible is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from slowfast_live.core.events import Event
from slowfast_live.errors import SessionError
from slowfast_live.people.now import PersonEvent
from slowfast_live.people.records import KnownPeople, PersonTrail, SaidOfPerson
from slowfast_live.sessions.format import decode, encode
from slowfast_live.sessions.packing import pack, unpack
from slowfast_live.sessions.people import _BOX, KeptPeople
from slowfast_live.sessions.recognition import PeoplePart, model_of, people_of
from slowfast_live.sessions.store import SessionStore
from tests.sessions.made import make_recognized, make_session


def known(until_s: float = 10.0) -> KnownPeople:
    """Two people, one of whom has been somebody else, and one who is known by an event only."""
    trails = []
    for person in (2, 5):
        boxes = tuple((t / 5, 0.125 * person, 0.25, 0.125 * person + 0.0625, 1.0) for t in range(int(5 * until_s)))
        said = (
            SaidOfPerson(1.0, "squat", 0.75, (("squat", 0.75), ("lunge", 0.125))),
            SaidOfPerson(2.0, None, 0.25, (("lunge", 0.25),)),
        )
        trails.append(PersonTrail(person, boxes, said))
    events = tuple(
        PersonEvent(person, Event(label, begin_s, begin_s + 2, 0.5, 0.75, begin_s))
        for begin_s, (person, label) in enumerate(((2, "squat"), (5, "lunge"), (9, "squat"), (2, "lunge")))
    )
    return KnownPeople(tuple(trails), events, {3: 5}, mirrored=True, detector="YOLOX-nano")


def same(one: KnownPeople, other: KnownPeople) -> bool:
    trails = [(trail.id, trail.boxes, trail.said) for trail in one.trails]
    return (
        trails == [(trail.id, trail.boxes, trail.said) for trail in other.trails]
        and (one.events, one.joined, one.mirrored) == (other.events, other.joined, other.mirrored)
        and one.detector == other.detector
    )


def test_people_are_read_back_as_they_were() -> None:
    session = make_session(recognized=(PeoplePart(known()).pack(), make_recognized()))
    again = decode(encode(session), "x")
    assert again == session and model_of(again.recognized) == "slowfast_r50"
    found = people_of(again.recognized)
    assert found is not None and same(found, known())
    assert found.highest == 9 and found.range_s == (0.0, 9.8)
    assert people_of((make_recognized(),)) is None and model_of(()) == ""


def test_people_are_kept_beside_the_models_and_the_later_state_counts(tmp_path: Path) -> None:
    store, session = SessionStore(tmp_path), make_session()
    store.keep(session)
    store.keep_recognized(session.id, make_recognized())
    store.keep_recognized(session.id, PeoplePart(known(6.0)).pack())
    store.keep_recognized(session.id, PeoplePart(known()).pack())
    store.keep_recognized(session.id, PeoplePart(known(6.0)).pack())
    found = people_of(store.recognized(session.id))
    assert len(store.recognized(session.id)) == 2 and found is not None and same(found, known())
    store.restore(store.delete(session.id))
    assert people_of(store.recognized(session.id)) is not None


def test_left_and_right_are_swapped_and_back() -> None:
    turned = known().mirror()
    assert not turned.mirrored and turned.trails[0].boxes[0] == (0.0, 0.6875, 0.25, 0.75, 1.0)
    assert same(turned.mirror(), known())


def spoiled_boxes(**changes: Any) -> KeptPeople:
    kept = KeptPeople.of(replace(known(), trails=tuple(replace(t, said=()) for t in known().trails)))
    rows = np.frombuffer(unpack(kept.data, _BOX.itemsize * 100), _BOX).copy()
    for name, value in changes.items():
        rows[name][3] = value
    return msgspec.structs.replace(kept, data=pack(rows.tobytes()))


@pytest.mark.parametrize(
    ("kept", "why"),
    [
        (spoiled_boxes(t_s=float("nan")), "impossible times"),
        (spoiled_boxes(t_s=1e10), "impossible times"),
        (spoiled_boxes(t_s=9.0), "disorder"),
        (spoiled_boxes(box=(0.5, 0.2, 0.4, 0.9)), "impossible values"),
        (spoiled_boxes(box=(0.5, 0.2, float("inf"), 0.9)), "impossible values"),
        (msgspec.structs.replace(spoiled_boxes(), data=pack(b"short")), "damaged"),
        (msgspec.structs.replace(spoiled_boxes(), detector="a\x00b"), "control characters"),
        (msgspec.structs.replace(KeptPeople.of(known()), labels=("squat",)), "impossible values"),
        (msgspec.structs.replace(spoiled_boxes(), persons=2 * spoiled_boxes().persons), "twice"),
    ],
)
def test_impossible_people_are_refused(kept: KeptPeople, why: str) -> None:
    found = msgspec.structs.replace(PeoplePart(known()).pack(), people=kept)
    with pytest.raises(SessionError, match=why):
        decode(encode(make_session(recognized=(found,))), "x")
