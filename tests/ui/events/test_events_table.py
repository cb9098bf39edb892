"""Which columns the list of events shows: the action is readable at any width."""

import pytest

from slowfast_live.ui.events.events_model import ACTION, LENGTH, PERSON, REPETITIONS, SCORE, TIME
from slowfast_live.ui.events.events_table import columns_for

EVERYTHING = {PERSON, SCORE, REPETITIONS, LENGTH}


@pytest.mark.parametrize(
    ("width", "known", "shown"),
    [
        (500, EVERYTHING, {TIME, ACTION, PERSON, SCORE, REPETITIONS, LENGTH}),
        (290, {SCORE, LENGTH}, {TIME, ACTION, SCORE, LENGTH}),
        (290, EVERYTHING, {TIME, ACTION, PERSON, SCORE}),
        (230, {SCORE, LENGTH}, {TIME, ACTION, SCORE}),
        (100, EVERYTHING, {TIME, ACTION}),
    ],
)
def test_less_important_columns_go_first(width: int, known: set[int], shown: set[int]) -> None:
    assert columns_for(width, known, live=False) == shown


def test_times_of_day_take_more_room() -> None:
    assert columns_for(274, {SCORE, LENGTH}, live=False) > columns_for(274, {SCORE, LENGTH}, live=True)
