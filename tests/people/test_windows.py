"""The clip of one person: what it shows, and that it follows."""

from __future__ import annotations

import numpy as np

from slowfast_live.inference.spec import Clip
from slowfast_live.people.tracker import TrackedPerson
from slowfast_live.people.windows import PersonFraming, PersonView, following_squares
from slowfast_live.types import U8

CLIP = Clip(frames=8, stride=1, side=32, fps=8.0, resize_side=64)
MOTION = Clip(frames=8, stride=1, side=32, fps=8.0, resize_side=64, crop="motion")
TIMES = tuple(i / 8 for i in range(8))


def walker(start: float, end: float) -> TrackedPerson:
    """Somebody who walks from one x to another in the eight pictures."""
    rows = [(t, x - 0.05, 0.2, x + 0.05, 0.9) for t, x in zip(TIMES, np.linspace(start, end, 8), strict=True)]
    return TrackedPerson(1, rows[-1][1:], 0.9, 0.0, TIMES[-1], False, np.array(rows, np.float32), TIMES[-1])


def pictures(*people: tuple[TrackedPerson, int]) -> list[U8]:
    """Each person is a block of one gray level, 180 x 320."""
    out = []
    for index in range(8):
        image = np.zeros((180, 320, 3), np.uint8)
        for person, gray in people:
            _, x1, y1, x2, y2 = person.path[index]
            image[round(y1 * 180) : round(y2 * 180), round(x1 * 320) : round(x2 * 320)] = gray + 3 * index
        out.append(image)
    return out


def clip_of(clip: Clip, person: TrackedPerson, frames: list[U8]) -> U8:
    framing = PersonFraming(clip)
    admitted = [framing.admit(frame) for frame in frames]
    out = np.empty((8, 32, 32, 3), np.uint8)
    PersonView(framing, person, TIMES).compose(admitted, out)
    return out


def test_each_clip_shows_its_own_person_only() -> None:
    left, right = walker(0.2, 0.2), walker(0.8, 0.8)
    frames = pictures((left, 90), (right, 200))
    for clip in (CLIP, MOTION):
        for person, gray in ((left, 90), (right, 200)):
            shown = clip_of(clip, person, frames)
            assert abs(int(shown[0].max()) - gray) <= 4, clip.crop
            assert (shown[0] > 40).mean() > 0.05


def test_the_square_follows_who_walks() -> None:
    person = walker(0.2, 0.8)
    shown = clip_of(CLIP, person, pictures((person, 200)))
    columns = [np.flatnonzero((picture > 100).any((0, 2))).mean() for picture in shown]
    assert max(abs(column - 15.5) for column in columns) < 6, "the person stays near the middle"


def test_the_side_does_not_pulsate() -> None:
    boxes = np.array([[10, 10, 30, 90 + 6 * (i % 2)] for i in range(8)], np.float32)
    assert len({side for _, _, side in following_squares(boxes, TIMES)}) == 1


def test_who_stands_at_the_edge_gets_a_black_border_and_no_error() -> None:
    person = walker(0.0, 0.0)
    for clip in (CLIP, MOTION):
        assert clip_of(clip, person, pictures((person, 200))).shape == (8, 32, 32, 3)


def test_left_and_right_are_swapped_back_for_models_that_must_not_see_it() -> None:
    person = walker(0.2, 0.8)
    framing = PersonFraming(CLIP)
    admitted = [framing.admit(frame) for frame in pictures((person, 200))]
    plain, swapped = (np.empty((8, 32, 32, 3), np.uint8) for _ in range(2))
    PersonView(framing, person, TIMES).compose(admitted, plain)
    PersonView(framing, person, TIMES, swapped=True).compose(admitted, swapped)
    assert (swapped == plain[:, :, ::-1]).all()


def test_the_whole_picture_shows_the_same_while_nothing_else_moves() -> None:
    one, other = walker(0.2, 0.3), walker(0.8, 0.7)
    for clip, people, same in ((MOTION, (one,), True), (MOTION, (one, other), False), (CLIP, (one,), False)):
        frames = [clip.framing().admit(frame) for frame in pictures(*((person, 120) for person in people))]
        assert PersonFraming(clip).shows_whole(frames, TIMES, one) is same, (clip.crop, len(people))
    still = [MOTION.framing().admit(np.full((180, 320, 3), 90, np.uint8))] * 8
    assert not PersonFraming(MOTION).shows_whole(still, TIMES, one)
