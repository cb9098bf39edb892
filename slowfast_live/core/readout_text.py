"""Readouts as text: the only source of these texts for window, recordings and reports.

What is shown, or why nothing is, was determined before, in `pipeline.readouts`.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum

from slowfast_live.types import Readout, ReadoutState, Status

NONE_KNOWN = "none of the known actions"
"""Text for a background label such as "something else"."""
NO_ACTION = "no confident action"
UNTRAINED = "untrained model: scores are meaningless"
NO_ANSWER = "the model does not answer"
NOT_RECOGNIZED = "not recognized yet"
SEPARATOR = " · "
"""Between the labels of a model that gives several answers at once."""
_SENTENCES = {
    ReadoutState.NO_MODEL: "no model",
    ReadoutState.WARMING_UP: "warming up",
    ReadoutState.TOO_SHORT: "too short to recognize",
    ReadoutState.NOT_SEEN: NOT_RECOGNIZED,
    ReadoutState.FAILED: NO_ANSWER,
    ReadoutState.UNTRAINED: UNTRAINED,
    ReadoutState.RESTING: "idle, resting",
    ReadoutState.NOBODY: "nobody in the picture",
    ReadoutState.NO_CONFIDENT_ACTION: NO_ACTION,
}


class Tone(Enum):
    """Emphasis of a line of text."""

    PLAIN = "plain"
    QUIET = "quiet"
    AMBER = "amber"


@dataclass(frozen=True, slots=True)
class ReadoutText:
    """A readout as text.

    Attributes:
        headline: The action, or the reason why there is none.
        value: Its score in percent; "" if a score would be meaningless.
        tone: Emphasis of the headline.
        action: The label that determines the color; None if there is no action.
    """

    headline: str
    value: str = ""
    tone: Tone = Tone.QUIET
    action: str | None = None


def percent(score: float) -> str:
    """Format a share 0..1 in whole percent: "91 %"."""
    return f"{round(score * 100)} %"


def label_text(label: str, background: Collection[str] = ()) -> str:
    """Return the display text of a model's class; background labels are spelled out.

    Args:
        label: The class name.
        background: The model's background labels.
    """
    return NONE_KNOWN if label in background else label


def readout_text(readout: Readout, status: Status | None = None) -> ReadoutText:
    """Return the text for a readout. Pure function: the same arguments give the same text.

    Args:
        readout: The readout.
        status: The pipeline's state, if available, for details such as the share of the span that is covered.
    """
    match readout.state:
        case ReadoutState.ACTION if readout.label is not None and readout.others:
            names = SEPARATOR.join(label for label, _score in readout.shown)
            return ReadoutText(names, tone=Tone.PLAIN, action=readout.label)
        case ReadoutState.ACTION if readout.label is not None:
            return ReadoutText(readout.label, percent(readout.score), Tone.PLAIN, readout.label)
        case ReadoutState.NO_CONFIDENT_ACTION if readout.none_known:
            return ReadoutText(NONE_KNOWN, percent(readout.score))
        case ReadoutState.NO_PICTURE if status is not None and status.reconnect_attempt:
            return ReadoutText(f"reconnecting ({status.reconnect_attempt})", tone=Tone.AMBER)
        case ReadoutState.NO_PICTURE:
            return ReadoutText("no picture", tone=Tone.AMBER)
        case ReadoutState.WARMING_UP:
            covered = status.coverage if status is not None else 1.0
            return ReadoutText("warming up", percent(max(0.0, covered)) if round(covered, 2) < 1 else "")
        case ReadoutState.NO_MODEL if status is not None and status.held:
            return ReadoutText("recognition paused")
        case ReadoutState.NO_MODEL if status is not None and status.switching:
            return ReadoutText("no model yet")
        case ReadoutState.UNTRAINED | ReadoutState.FAILED:
            return ReadoutText(_SENTENCES[readout.state], tone=Tone.AMBER)
        case _:
            return ReadoutText(_SENTENCES.get(readout.state, NO_ACTION))


def scores(readout: Readout, count: int = 5) -> tuple[tuple[str, float], ...]:
    """Return up to `count` pairs of (class text, score rounded to whole percent), best first.

    All background labels are one row with their sum.
    """
    merged: dict[str, float] = {}
    for label, score in readout.top:
        text = label_text(label, readout.background)
        merged[text] = merged.get(text, 0.0) + score
    best = sorted(merged.items(), key=lambda row: -row[1])
    return tuple((text, round(score, 2)) for text, score in best[:count])
