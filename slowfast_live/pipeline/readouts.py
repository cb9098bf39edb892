"""Determines the readout for the position shown, or the reason why there is none: the only place that does so."""

from __future__ import annotations

from dataclasses import dataclass

from slowfast_live.types import Readout, ReadoutState


@dataclass(frozen=True, slots=True)
class Situation:
    """Everything that determines the readout.

    Attributes:
        decided: The decision for the position shown: the latest one of a live source, or the stored one of a file; None
            if there is none.
        model: A model is running.
        switching: A model is being prepared.
        no_picture: The source failed, is being reopened, or has delivered nothing for a while.
        failing: The model gives no usable results.
        resting: Nothing moves, and the model rests.
        held: A file is paused here, ended, or is being scrubbed: no further decisions follow on their own.
        covered: The frames read cover the model's span.
        too_short: The source ends before the span is covered.
        before_span: The position is too early in the file to be recognized.
    """

    decided: Readout | None = None
    model: bool = True
    switching: bool = False
    no_picture: bool = False
    failing: bool = False
    resting: bool = False
    held: bool = False
    covered: bool = False
    too_short: bool = False
    before_span: bool = False


def readout(now: Situation) -> Readout:
    """Return the label to show, or the one reason why there is none."""
    if now.no_picture:
        return Readout(ReadoutState.NO_PICTURE)
    if not now.model:
        return Readout(ReadoutState.WARMING_UP if now.switching else ReadoutState.NO_MODEL)
    if now.resting:
        return Readout(ReadoutState.RESTING)
    if now.decided is not None:
        return now.decided
    if now.failing:
        return Readout(ReadoutState.FAILED)
    if now.too_short and not now.covered:
        return Readout(ReadoutState.TOO_SHORT)
    if now.held and not now.before_span:
        return Readout(ReadoutState.NOT_SEEN)
    return Readout(ReadoutState.WARMING_UP)
