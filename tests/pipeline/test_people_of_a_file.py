"""People of a file through the whole pipeline: whom one follows, where everybody was, and what they did."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from slowfast_live.core.history import History
from slowfast_live.inference.spec import Model
from slowfast_live.people.boxes import Detections
from slowfast_live.people.records import KnownPeople
from slowfast_live.pipeline import Pipeline
from slowfast_live.sources.base import Picture
from slowfast_live.types import U8, PipelineState
from tests.pipeline.fakes import FILE, FileFake
from tests.pipeline.test_each_person import ByBrightness, picture
from tests.waiting import eventually

BOXES = np.array([[0.12, 0.2, 0.28, 0.95], [0.71, 0.2, 0.87, 0.95]], np.float32)


class TwoPeople:
    """A detector that finds a dark person on the left and a bright one on the right."""

    title, found = "two", 0.5

    def detect(self, image: U8, t_s: float) -> Detections:
        boxes = BOXES if image[50, 30, 0] == 90 else BOXES[::-1]
        return Detections(boxes.copy(), np.full(2, 0.9, np.float32))

    def reset(self) -> None:
        pass


class Film(FileFake):
    def read(self) -> Picture | None:
        made = super().read()
        if made is None:
            return None
        image = picture()
        image.flags.writeable = False
        return Picture(image, made.t_s)


@pytest.fixture
def pipeline(tiny: Model) -> Iterator[Pipeline]:
    made = Pipeline(
        ByBrightness(tiny), lambda _spec: Film(150, 30.0), history=History(), make_detector=lambda _name: TwoPeople()
    )
    made.set_loop(True)
    made.use_people("two")
    made.use_model(tiny)
    made.open(FILE)
    eventually(lambda: made.status().state is PipelineState.RUNNING and len(made.people().people) == 2, timeout_s=60)
    yield made
    made.stop()


def test_label_and_panel_are_about_whom_one_follows(pipeline: Pipeline, tiny: Model) -> None:
    labels = tiny.spec.labels
    eventually(lambda: pipeline.readout().label == labels[1], "the whole picture", timeout_s=60)
    dark = min(pipeline.people().people, key=lambda one: one.person.box[0]).person.id
    pipeline.follow(dark)
    eventually(lambda: pipeline.readout().label == labels[0], "the person", timeout_s=60)
    pipeline.follow(None)
    eventually(lambda: pipeline.readout().label == labels[1], "the whole picture again", timeout_s=60)


def test_people_keep_their_numbers_while_the_file_plays_again(pipeline: Pipeline, tiny: Model) -> None:
    def done() -> dict[int, set[str]]:
        return {
            one: {e.event.label for e in pipeline.person_events().events if e.person == one}
            for one in {e.person for e in pipeline.person_events().events}
        }

    eventually(lambda: len(done()) == 2, timeout_s=60)
    first, generation = done(), pipeline.status().generation
    eventually(lambda: pipeline.status().generation >= generation + 2, "played twice more", timeout_s=60)
    eventually(lambda: len(pipeline.people().people) == 2, timeout_s=60)
    assert done() == first and sorted(map(sorted, first.values())) == [[tiny.spec.labels[0]], [tiny.spec.labels[1]]]
    for trail in pipeline.person_trails():
        assert trail.id in first and len(trail.boxes) <= 30 and trail.said
        box = pipeline.person_at(trail.id, 2.0)
        assert box is not None and min(np.abs(BOXES - np.array(box)).max(1)) < 0.03
    ends = [e.event.end_s for e in pipeline.person_events().events]
    assert max(ends) <= 5.0 and len(ends) <= 4, "the same events, not more of them"


def test_people_of_an_earlier_run_are_the_same_people(pipeline: Pipeline, tiny: Model) -> None:
    history = pipeline._history
    assert history is not None
    eventually(lambda: len(pipeline.person_events().events) == 2, timeout_s=60)
    dark = min(pipeline.people().people, key=lambda one: one.person.box[0]).person.id
    known = pipeline.known_people(history.file)
    assert known is not None and known.detector == "two" and known.highest == 2 and known.rows > 4
    renumbered = {one: one + 6 for one in (1, 2)}
    earlier = KnownPeople(
        tuple(replace(trail, id=renumbered[trail.id]) for trail in known.trails),
        tuple(replace(one, person=renumbered[one.person], going_on=False) for one in known.events),
        {3: 7},
    )
    pipeline.restore_people("another file", earlier)
    assert {one.person for one in pipeline.person_events().events} == {1, 2}
    pipeline.restore_people(history.file, earlier)
    assert pipeline.person_events().joined == {3: 7}
    eventually(lambda: len(pipeline.people().people) == 2, timeout_s=60)
    eventually(
        lambda: min(pipeline.people().people, key=lambda one: one.person.box[0]).person.id == renumbered[dark],
        "who stands where somebody stood is that person",
        timeout_s=60,
    )
    generation = pipeline.status().generation
    eventually(lambda: pipeline.status().generation >= generation + 2, "played twice more", timeout_s=60)
    assert {one.person for one in pipeline.person_events().events} == {7, 8}


def test_people_of_the_last_source_are_still_known_when_another_one_follows(pipeline: Pipeline) -> None:
    history = pipeline._history
    assert history is not None
    eventually(lambda: len(pipeline.person_trails()) == 2, timeout_s=60)
    left = history.file
    pipeline.open(replace(FILE, address="other.mp4"))
    eventually(lambda: history.file != left, timeout_s=60)
    known = pipeline.known_people(left)
    assert known is not None and len(known.trails) == 2
    assert pipeline.known_people("a file that was never opened") is None
