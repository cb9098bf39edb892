"""Messages for the tests of this folder."""

import time
from datetime import UTC, datetime

from slowfast_live.publish.message import ReadoutMessage
from slowfast_live.types import Readout, ReadoutState


def readout(label: str | None = "squat", score: float = 0.87654, t_s: float = 12.5) -> Readout:
    state = ReadoutState.ACTION if label else ReadoutState.NO_CONFIDENT_ACTION
    return Readout(state, label, score, ((label or "walking", score), ("bending", 0.05)), t_s)


def message(label: str | None = "squat", score: float = 0.87654, t_s: float = 12.5) -> ReadoutMessage:
    when = datetime(2026, 11, 27, 9, 30, tzinfo=UTC)
    return ReadoutMessage(readout(label, score, t_s), "Kamera ü", "slowfast_demo-int8", when)


def until(condition, timeout_s=20.0):
    deadline_s = time.monotonic() + timeout_s
    while not (found := condition()):
        assert time.monotonic() < deadline_s, "it never came to that"
        time.sleep(0.01)
    return found
