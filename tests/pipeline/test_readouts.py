"""The one judge of what is said of the moment on the screen."""

from dataclasses import replace

import pytest

from slowfast_live.pipeline.readouts import Situation, readout
from slowfast_live.types import Readout, ReadoutState

DECIDED = Readout(ReadoutState.ACTION, "squat", 0.8, (("squat", 0.8),), 3.0, 0.5)
KNOWN = Situation(decided=DECIDED, covered=True)
UNKNOWN = replace(KNOWN, decided=None)


@pytest.mark.parametrize(
    ("now", "state"),
    [
        (replace(KNOWN, model=False), ReadoutState.NO_MODEL),
        (replace(KNOWN, model=False, switching=True), ReadoutState.WARMING_UP),
        (replace(KNOWN, no_picture=True), ReadoutState.NO_PICTURE),
        (replace(KNOWN, no_picture=True, model=False), ReadoutState.NO_PICTURE),
        (replace(KNOWN, resting=True), ReadoutState.RESTING),
        (replace(UNKNOWN, failing=True), ReadoutState.FAILED),
        (replace(UNKNOWN, covered=False, too_short=True), ReadoutState.TOO_SHORT),
        (replace(UNKNOWN, covered=False, too_short=True, held=True), ReadoutState.TOO_SHORT),
        (replace(UNKNOWN, covered=False), ReadoutState.WARMING_UP),
        (UNKNOWN, ReadoutState.WARMING_UP),
        (replace(UNKNOWN, held=True), ReadoutState.NOT_SEEN),
        (replace(UNKNOWN, held=True, covered=False), ReadoutState.NOT_SEEN),
        (replace(UNKNOWN, held=True, covered=False, before_span=True), ReadoutState.WARMING_UP),
    ],
)
def test_where_there_is_no_label_there_is_one_reason(now: Situation, state: ReadoutState) -> None:
    said = readout(now)
    assert said.state is state and said.label is None


@pytest.mark.parametrize("now", [KNOWN, replace(KNOWN, held=True), replace(KNOWN, failing=True, covered=False)])
def test_what_is_decided_is_shown(now: Situation) -> None:
    assert readout(now) is DECIDED
