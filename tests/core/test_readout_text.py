"""One state has one wording, and scores one format, wherever they are shown."""

from dataclasses import replace

import numpy as np
import pytest

from slowfast_live.core.history import History
from slowfast_live.core.readout_text import NO_ACTION, NONE_KNOWN, Tone, label_text, percent, readout_text, scores
from slowfast_live.core.smoothing import LabelHysteresis
from slowfast_live.export.label_overlay import words_of
from slowfast_live.types import Prediction, Readout, ReadoutState, Status

LABELS = ("squat", "clapping", "something else")
BACKGROUND = frozenset({"something else"})


def readout_of(*probs: float) -> Readout:
    return LabelHysteresis(LABELS, ("something else",)).update(np.array(probs, np.float32), 0.0, 0.49)


def test_the_class_for_everything_else_is_spelled_out() -> None:
    sure = readout_of(0.1, 0.08, 0.82)
    assert sure.state is ReadoutState.NO_CONFIDENT_ACTION and sure.background == BACKGROUND
    text = readout_text(sure)
    assert (text.headline, text.value, text.action) == (NONE_KNOWN, "82 %", None)
    assert scores(sure)[0] == (NONE_KNOWN, 0.82)
    assert all("something else" not in label for label, _ in scores(sure))


def test_it_is_only_said_where_it_is_more_probable_than_all_actions_together() -> None:
    unsure = readout_of(0.32, 0.28, 0.40)
    assert readout_text(unsure).headline == NO_ACTION and readout_text(unsure).value == ""
    assert readout_text(readout_of(0.3, 0.3, 0.4)).action is None


def test_an_action_has_its_score_in_whole_percent() -> None:
    text = readout_text(readout_of(0.876, 0.1, 0.024))
    assert (text.headline, text.value, text.tone) == ("squat", "88 %", Tone.PLAIN)
    assert [percent(share) for share in (0.0, 0.004, 0.49, 0.876, 1.0)] == ["0 %", "0 %", "49 %", "88 %", "100 %"]
    assert label_text("squat", BACKGROUND) == "squat"


@pytest.mark.parametrize("state", [s for s in ReadoutState if s is not ReadoutState.NO_MODEL])
def test_a_recording_says_what_the_window_says(state: ReadoutState) -> None:
    readout = Readout(state, "squat" if state is ReadoutState.ACTION else None, 0.7, (("squat", 0.7),))
    text, words = readout_text(readout, Status(coverage=1.0)), words_of(readout)
    assert words is not None and (words.headline, words.value) == (text.headline, text.value)


def test_without_pictures_nothing_is_said_of_actions() -> None:
    nothing = Readout(ReadoutState.NO_PICTURE)
    assert readout_text(nothing, Status(reconnect_attempt=2)).headline == "reconnecting (2)"
    assert readout_text(nothing, Status(silent_s=3.0)).headline == readout_text(nothing).headline == "no picture"


def test_the_history_keeps_why_there_was_no_action() -> None:
    history = History()
    for t_s, readout in ((1.0, readout_of(0.1, 0.08, 0.82)), (3.0, readout_of(0.32, 0.28, 0.40))):
        probs = np.zeros(3, np.float32)
        prediction = Prediction(probs, readout.top, t_s, 10.0, 10.0, "tiny", "CPU", 0)
        history.add(prediction, replace(readout, t_end_s=t_s))
    first, second = history.at(1.0), history.at(3.0)
    assert first is not None and first.none_known and first.label is None
    assert second is not None and not second.none_known and second.label is None
