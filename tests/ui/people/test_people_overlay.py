"""Boxes and labels over the picture: nothing covers a face or another label, nothing jumps, a click follows."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSizeF
from PySide6.QtGui import QImage, QPainter
from pytestqt.qtbot import QtBot

from slowfast_live.people.now import PeopleNow, PersonNow
from slowfast_live.people.tracker import TrackedPerson
from slowfast_live.types import Readout, ReadoutState
from slowfast_live.ui.people.people_overlay import Company, PeoplePainter, SteadyScores, summary, summary_rect, tag_of
from slowfast_live.ui.people.placement import Label, LabelPlacer, Side

BOUNDS = QRectF(0, 0, 960, 540)
SIZE = QSizeF(140, 60)
WALKING = Readout(
    ReadoutState.ACTION,
    "walking",
    0.83,
    (("walking", 0.83), ("running", 0.31), ("waving", 0.22), ("squat", 0.21), ("other", 0.2)),
    1.0,
    background=frozenset({"other"}),
)


def person(
    identity: int, x1: float, x2: float, *, readout: Readout | None = WALKING, lost: bool = False, seen_s: float = 1.0
) -> PersonNow:
    box = (x1, 0.3, x2, 0.9)
    return PersonNow(
        TrackedPerson(identity, box, 0.9, 0.0, seen_s, lost, np.array([[0, *box]], np.float32), 1.0), readout
    )


def paint(painter: PeoplePainter, now: PeopleNow, t_s: float = 1.0) -> QImage:
    image = QImage(960, 540, QImage.Format.Format_RGB32)
    image.fill(0x808080)
    pen = QPainter(image)
    painter.paint(pen, now, t_s, BOUNDS)
    pen.end()
    return image


def test_up_to_three_labels_the_shown_one_first() -> None:
    tag = tag_of(person(2, 0.1, 0.2))
    assert tag.name == "Person 2" and tag.certain
    assert tag.rows == (("walking", 0.85), ("running", 0.3), ("waving", 0.2))
    assert tag_of(person(1, 0, 1, readout=None)).note == "looking…"


def test_in_a_crowd_only_actions_are_written() -> None:
    quiet = Readout(ReadoutState.NO_CONFIDENT_ACTION)
    assert tag_of(person(1, 0, 1, readout=quiet), crowded=True).note == ""
    assert tag_of(person(1, 0, 1), crowded=True).rows


def test_labels_cover_neither_faces_nor_each_other() -> None:
    rng = np.random.default_rng(4)
    for _ in range(50):
        labels = []
        for identity in range(1, 5):
            x = 40 + 220 * (identity - 1) + float(rng.uniform(-20, 20))
            labels.append(Label(identity, QRectF(x, float(rng.uniform(60, 240)), 90, 260), SIZE))
        placed = LabelPlacer().place(labels, BOUNDS)
        rects = list(placed.values())
        for index, rect in enumerate(rects):
            assert not any(rect.intersects(other) for other in rects[:index])
            for label in labels:
                face = QRectF(label.box.left(), label.box.top(), label.box.width(), 0.2 * label.box.height())
                assert not rect.intersects(face)
            assert BOUNDS.contains(rect)


def test_a_label_does_not_jump_while_the_box_moves_a_little() -> None:
    placer = LabelPlacer()
    above = []
    for step in range(60):
        y = 66 + 6 * np.sin(step)  # where above and below are about equally good
        box = QRectF(300, y, 90, 300)
        rect = placer.place([Label(1, box, SIZE)], BOUNDS)[1]
        above.append(rect.top() < box.top())
    assert sum(a != b for a, b in pairwise(above)) <= 1


def test_labels_stay_off_the_main_label(qtbot: QtBot) -> None:
    obstacle = QRectF(16, 400, 336, 124)
    box = QRectF(60, 10, 90, 380)  # no room above; below is the main label
    rect = LabelPlacer().place([Label(1, box, SIZE)], BOUNDS, [obstacle])[1]
    assert not rect.intersects(obstacle)
    assert Side.BELOW.value == 1


def test_a_click_means_the_person_in_front(qtbot: QtBot) -> None:
    painter = PeoplePainter()
    paint(painter, PeopleNow((person(1, 0.1, 0.6), person(2, 0.3, 0.4)), lead=1))
    assert painter.person_at(QPointF(340, 300)) == 2
    assert painter.person_at(QPointF(120, 300)) == 1
    assert painter.person_at(QPointF(900, 100)) is None


def test_who_is_lost_fades(qtbot: QtBot) -> None:
    there = paint(PeoplePainter(), PeopleNow((person(1, 0.2, 0.4),), lead=1))
    gone = paint(PeoplePainter(), PeopleNow((person(1, 0.2, 0.4, lost=True, seen_s=0.3),), lead=1))
    empty = paint(PeoplePainter(), PeopleNow())

    def difference(image: QImage) -> int:
        return sum(image.pixel(x, y) != empty.pixel(x, y) for x in range(0, 960, 3) for y in range(0, 540, 3))

    def strength(image: QImage) -> int:
        return sum(
            abs((image.pixel(x, y) & 255) - (empty.pixel(x, y) & 255))
            for x in range(0, 960, 3)
            for y in range(0, 540, 3)
        )

    assert difference(there) > 0 and 0 < strength(gone) < strength(there)


def test_the_corner_says_how_many_and_how_often() -> None:
    two = (person(1, 0.1, 0.2), person(2, 0.3, 0.4))
    assert summary(PeopleNow()) == "" and summary(PeopleNow(two[:1])) == ""
    assert summary(PeopleNow(two)) == "2 people"
    assert summary(PeopleNow(two, every_s=1.42)) == "2 people, each recognized every 1.4 s"
    assert summary(PeopleNow(two, followed=2)) == "Following Person 2. Click again to stop."


def test_nothing_flickers_while_people_move_and_scores_tremble() -> None:
    """Ten seconds at 30 pictures a second: four people sway, scores tremble by two points around every limit."""
    rng = np.random.default_rng(0)
    painter, written, sides = PeoplePainter(), [], []
    base = {"walking": 0.875, "running": 0.2, "waving": 0.525}
    lefts = np.array([0.05, 0.3, 0.55, 0.8])
    for step in range(300):
        lefts += rng.normal(0, 0.002, 4)
        people = []
        for identity, left in enumerate(lefts, 1):
            top = tuple((label, score + float(rng.uniform(-0.02, 0.02))) for label, score in base.items())
            readout = Readout(ReadoutState.ACTION, "walking", top[0][1], top, step / 30)
            people.append(person(identity, float(left), float(left) + 0.1, readout=readout, seen_s=step / 30))
        paint(painter, PeopleNow(tuple(people)), step / 30)
        written.append([tag_of(one, scores=painter._scores[one.person.id]).rows for one in people])
        sides.append(dict(painter._placer._sides))
    changes = sum(a != b for one, two in pairwise(written) for a, b in zip(one, two, strict=True))
    jumps = sum(one != two for one, two in pairwise(sides))
    assert changes <= 4, "a second label may appear once at each person"
    assert jumps <= 2
    assert [row[0] for row in written[-1][0]][:2] == ["walking", "waving"]


def test_a_score_that_changes_is_followed() -> None:
    scores = SteadyScores()
    assert scores.steady({"walking": 0.9}) == {"walking": 0.9}
    assert scores.steady({"walking": 0.86}) == {"walking": 0.9}
    assert scores.steady({"walking": 0.84}) == {"walking": 0.85}
    assert scores.steady({"walking": 0.16}) == {"walking": 0.15}
    assert scores.steady({"walking": 0.05}) == {}
    assert scores.steady({"walking": 0.16}) == {}


def test_the_summary_stands_beside_the_count(qtbot: QtBot) -> None:
    picture, count = QRectF(0, 0, 800, 450), QRectF(640, 16, 152, 130)
    alone = summary_rect("3 people", picture, [])
    assert alone.right() == picture.right() - 16 and alone.intersects(count)
    beside = summary_rect("3 people", picture, [QRectF(0, 300, 400, 150), count])
    assert not beside.intersects(count) and beside.right() == count.left() - 8 and beside.top() == alone.top()
    narrow = summary_rect("3 people, each recognized every 1.4 s", QRectF(0, 0, 300, 450), [QRectF(100, 0, 200, 130)])
    assert narrow.left() >= 0


def test_one_alone_needs_no_label_but_two_do() -> None:
    """What moves beside somebody for a moment may be nobody, and labels do not blink when one of two goes."""
    company, one, two = Company(), person(1, 0.1, 0.3), person(2, 0.6, 0.8)
    assert not company.several(PeopleNow((one,)), 5.0)
    assert not company.several(PeopleNow((one, two)), 0.5), "two since half a second"
    assert company.several(PeopleNow((one, two)), 5.0)
    assert company.several(PeopleNow((one, person(2, 0.6, 0.8, lost=True))), 6.0)
    assert not company.several(PeopleNow((one,)), 7.5)
    assert company.several(PeopleNow((one,), followed=1), 8.0), "who is followed is labeled"
    assert company.several(PeopleNow((one, two)), 9.0)
    assert not company.several(PeopleNow((one,)), 2.0), "another place of a file"


def test_the_box_of_one_alone_has_no_label(qtbot: QtBot) -> None:
    below = [painted_below(PeopleNow((person(1, 0.3, 0.5),), followed=followed)) for followed in (None, 1)]
    assert not below[0] and below[1]


def painted_below(now: PeopleNow) -> bool:
    """Whether anything is painted beside the box."""
    image, empty = paint(PeoplePainter(), now), paint(PeoplePainter(), PeopleNow())
    places = [(x, y) for x in range(0, 960, 3) for y in range(60, 540, 3) if not (280 < x < 490 and 155 < y < 495)]
    return any(image.pixel(x, y) != empty.pixel(x, y) for x, y in places)
