from __future__ import annotations

import numpy as np
import pytest

from slowfast_live.people.assignment import IMPOSSIBLE, assign
from slowfast_live.people.boxes import Detections
from slowfast_live.people.tracker import MEMORY_S, MOST_TRACKS, TrackedPerson, Tracker
from slowfast_live.types import U8

STEP_S = 1 / 7.5


def detections(*boxes: tuple[float, float], score: float = 0.9, width: float = 0.1) -> Detections:
    """People of one size, by center x and score."""
    rows = [(x - width / 2, 0.2, x + width / 2, 0.9) for x, _ in boxes]
    return Detections(np.array(rows, np.float32).reshape(-1, 4), np.array([s * score for _, s in boxes], np.float32))


def run(tracker: Tracker, frames: list[Detections], start_s: float = 0.0) -> list[tuple[TrackedPerson, ...]]:
    return [tracker.update(found, start_s + i * STEP_S) for i, found in enumerate(frames)]


def test_somebody_is_shown_at_the_second_detection_and_keeps_the_identity() -> None:
    shown = run(Tracker(), [detections((0.2 + 0.02 * i, 1)) for i in range(20)])
    assert [[p.id for p in people] for people in shown] == [[], *[[1]] * 19]
    left, _, right, _ = shown[-1][0].box
    assert (left + right) / 2 == pytest.approx(0.2 + 0.02 * 19, abs=0.01)


def test_a_single_false_box_is_never_shown() -> None:
    frames = [detections((0.2, 1), (0.7, 1)) if i == 5 else detections((0.2, 1)) for i in range(12)]
    assert {p.id for people in run(Tracker(), frames) for p in people} == {1}


def test_a_weak_box_continues_a_track_but_begins_none() -> None:
    frames = [detections((0.2, 1), (0.7, 0.3)), *[detections((0.2, 0.3), (0.7, 0.3))] * 6]
    tracker = Tracker()
    assert run(tracker, frames)[-1] == ()
    tracker = Tracker()
    frames = [detections((0.2, 1)), detections((0.2, 1)), *[detections((0.2, 0.4))] * 10]
    people = run(tracker, frames)[-1]
    assert [p.id for p in people] == [1] and not people[0].lost


def test_who_is_hidden_for_less_than_the_memory_comes_back_as_the_same() -> None:
    gone = int(MEMORY_S / STEP_S) - 1
    frames = [*[detections((0.3, 1))] * 5, *[Detections.none()] * gone, *[detections((0.3, 1))] * 3]
    shown = run(Tracker(), frames)
    assert all(people and people[0].lost for people in shown[5 : 5 + gone])
    assert [p.id for p in shown[-1]] == [1] and not shown[-1][0].lost
    frames = [*[detections((0.3, 1))] * 5, *[Detections.none()] * (gone + 3), *[detections((0.3, 1))] * 3]
    assert [p.id for p in run(Tracker(), frames)[-1]] == [2]


def test_two_who_walk_past_each_other_keep_their_identities() -> None:
    """While one is hidden, there is one box; afterward the motion says who is who."""
    frames = []
    for i in range(40):
        a, b = 0.1 + 0.02 * i, 0.9 - 0.02 * i
        frames.append(detections((a, 1)) if abs(a - b) < 0.05 else detections((a, 1), (b, 1)))
    shown = run(Tracker(), frames)
    middle = {p.id: (p.box[0] + p.box[2]) / 2 for p in shown[-1]}
    assert middle == {1: pytest.approx(0.1 + 0.02 * 39, abs=0.02), 2: pytest.approx(0.9 - 0.02 * 39, abs=0.02)}


def test_colors_tell_apart_who_turns_round_behind_another() -> None:
    """They meet, one hides the other, and both go back: motion alone would swap them."""

    def picture(a: float, b: float) -> U8:
        image = np.full((90, 160, 3), 128, np.uint8)
        for x, color in ((b, (40, 40, 200)), (a, (200, 40, 40))):
            image[18:81, round((x - 0.05) * 160) : round((x + 0.05) * 160)] = color
        return image

    tracker = Tracker()
    people: tuple[TrackedPerson, ...] = ()
    for i in range(40):
        a = 0.1 + 0.02 * min(i, 39 - i)
        b = 1 - a
        found = detections((a, 1)) if abs(a - b) < 0.1 else detections((a, 1), (b, 1))
        people = tracker.update(found, i * STEP_S, picture(a, b))
    middle = {p.id: (p.box[0] + p.box[2]) / 2 for p in people}
    assert middle == {1: pytest.approx(0.1, abs=0.03), 2: pytest.approx(0.9, abs=0.03)}


def test_a_second_box_within_a_known_person_is_nobody_new() -> None:
    both = Detections(
        np.array([[0.3, 0.1, 0.5, 0.95], [0.32, 0.12, 0.48, 0.45]], np.float32), np.array([0.9, 0.8], np.float32)
    )
    one = Detections(both.boxes[:1], both.scores[:1])
    assert {p.id for people in run(Tracker(), [one, *[both] * 8]) for p in people} == {1}


def test_a_second_box_beside_somebody_takes_nothing_over() -> None:
    """A detector gives a box between two people once; the next box of the person fits it better than the track."""
    frames = [detections((0.2, 1), (0.5, 1))] * 6
    frames += [detections((0.2, 1), (0.5, 1), (0.25, 1))]
    frames += [detections((0.24, 1), (0.5, 1)), detections((0.24, 1), (0.5, 1))]
    shown = run(Tracker(), frames)
    assert [[p.id for p in people if not p.lost] for people in shown[1:]] == [[1, 2]] * 8


def test_whose_own_box_is_weak_does_not_take_the_box_of_a_neighbor() -> None:
    """One comes near another who is not followed yet: their own box is weak at the moment, the other one is sure."""
    frames = [detections((0.30, 1))] * 6
    frames += [detections((0.30, 0.4), (0.40, 1)), detections((0.30, 0.4), (0.40, 1)), detections((0.30, 1), (0.40, 1))]
    shown = run(Tracker(), frames)
    for people in shown[6:]:
        assert {p.id: (p.box[0] + p.box[2]) / 2 for p in people}[1] == pytest.approx(0.3, abs=0.01)
    assert [p.id for p in shown[-1]] == [1, 2]


def test_who_is_found_weakly_now_and_then_stays_the_same_while_they_rest() -> None:
    """Somebody on the floor, whom a detector hardly recognizes: for longer than the memory there is no sure box."""
    weak, nobody = detections((0.3, 0.4)), Detections.none()
    frames = (
        [detections((0.3, 1))] * 3 + [nobody, nobody, weak, nobody, nobody, nobody] * 3 + [detections((0.3, 1))] * 2
    )
    assert {p.id for people in run(Tracker(), frames) for p in people} == {1}
    beside = detections((0.37, 0.4))
    frames = [detections((0.3, 1))] * 3 + [nobody, nobody, beside]
    assert run(Tracker(), frames)[-1][0].lost, "a weak box beside the place is nobody"


@pytest.mark.parametrize("side", ["left", "right"])
def test_who_stays_at_the_edge_of_the_picture_stays_the_same(side: str) -> None:
    """The part that is in the picture shrinks: that is no movement that goes on, out of the picture."""
    tracker = Tracker()
    seen = []
    widths = [(width, 0.9) for width in (0.12, 0.12, 0.12, 0.09, 0.06)]
    for i, (width, score) in enumerate([*widths, *[(0.03, 0.4)] * 4, *[(0.05, 0.9)] * 3]):
        x1, x2 = (0.0, width) if side == "left" else (1 - width, 1.0)
        found = Detections(np.array([[x1, 0.3, x2, 0.8]], np.float32), np.array([score], np.float32))
        seen.append([p.id for p in tracker.update(found, i * STEP_S)])
    assert seen[1:] == [[1]] * 11


def test_somebody_who_runs_is_found_far_from_where_they_were() -> None:
    frames = [detections((0.1, 1))] * 5 + [detections((0.1 + 0.1 * i, 1)) for i in range(1, 8)]
    shown = run(Tracker(), frames)
    assert {p.id for people in shown for p in people} == {1}


def test_a_jump_in_time_forgets_everybody_and_uses_no_identity_again() -> None:
    tracker = Tracker()
    run(tracker, [detections((0.3, 1))] * 4)
    assert tracker.update(detections((0.3, 1)), 100.0) == ()
    assert [p.id for p in tracker.update(detections((0.3, 1)), 100.1)] == [2]
    assert tracker.update(detections((0.3, 1)), 0.0) == ()


def test_ten_thousand_people_leave_nothing_behind() -> None:
    tracker = Tracker()
    for i in range(10_000):
        at = i * 4 * STEP_S
        for k in range(3):
            tracker.update(detections((0.1 + 0.8 * (i % 7) / 6, 1)), at + k * STEP_S)
    assert len(tracker._tracks) <= 3
    assert max(len(track.path) for track in tracker._tracks) < 60
    assert tracker.next_id > 2_000


def test_a_crowd_is_bounded_and_paths_too() -> None:
    crowd = detections(*(((i + 0.5) / 60, 1.0) for i in range(60)), width=0.01)
    tracker = Tracker()
    people = run(tracker, [crowd] * 100)[-1]
    assert len(people) == MOST_TRACKS
    assert max(len(p.path) for p in people) <= 6.0 / STEP_S + 2


def test_where_somebody_was_a_moment_ago() -> None:
    person = run(Tracker(), [detections((0.2 + 0.02 * i, 1)) for i in range(20)])[-1][0]
    x1, _, x2, _ = person.box_at(10 * STEP_S)
    assert (x1 + x2) / 2 == pytest.approx(0.4, abs=0.02)


def test_the_assignment_has_the_lowest_sum_of_costs() -> None:
    rng = np.random.default_rng(3)
    for shape in ((3, 3), (2, 5), (6, 4), (1, 1), (0, 3)):
        cost = rng.random(shape).astype(np.float32)
        best = _cheapest(cost)
        assert sum(float(cost[r, c]) for r, c in assign(cost)) == pytest.approx(best, abs=1e-6)


def _cheapest(cost: np.ndarray) -> float:
    from itertools import permutations

    rows, columns = cost.shape
    if rows > columns:
        return _cheapest(cost.T)
    return min((sum(float(cost[r, c]) for r, c in enumerate(p)) for p in permutations(range(columns), rows)), default=0)


def test_impossible_pairs_are_not_assigned() -> None:
    cost = np.array([[IMPOSSIBLE, 0.5], [IMPOSSIBLE, 0.2]], np.float32)
    assert assign(cost) == [(1, 1)]
