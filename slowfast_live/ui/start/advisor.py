"""Advice that fits when nothing has been recognized for a while."""

from __future__ import annotations

import time
from collections.abc import Callable

from PySide6.QtCore import QObject, Signal

from slowfast_live.core.scene import Hindrance, SceneWatch
from slowfast_live.types import Frame, Level, Notice, Readout, ReadoutState, SourceSpec, Status, Topic
from slowfast_live.ui.style.language import tr

AFTER_S = 10.0
"""Seconds without an action after which advice is given."""
_ADVICE = {
    Hindrance.DARK: tr("The picture is dark: turn on a light, best in front of you."),
    Hindrance.CAMERA_MOVES: tr("The camera moves: put it down, so that only you move."),
    Hindrance.NOBODY: tr("Nobody moves in the picture: stand where the camera sees all of you."),
    Hindrance.TOO_NEAR: tr("You are cut off: step back until your whole body is in the picture."),
}
_WAYS = ("start_card", "recognize_400", "models")


class Advisor(QObject):
    """Watches picture and readout; emits advice once per source and stretch of time without an action.

    Args:
        clock_s: Monotonic clock, in seconds.
        parent: Qt parent.
    """

    notice = Signal(object)
    settled = Signal(object)
    """Emits the `Topic` of notices that no longer apply."""

    def __init__(self, clock_s: Callable[[], float] = time.monotonic, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._clock_s = clock_s
        self._scene = SceneWatch()
        self._source: SourceSpec | None = None
        self._since_s: float | None = None
        self._given = False

    def see(self, frame: Frame) -> None:
        """Look at a frame that is shown."""
        if self._since_s is not None and not self._given:
            self._scene.see(frame.image, frame.t_s)

    def look(self, status: Status, readout: Readout, actions: int) -> None:
        """Follow the pipeline's state; called ten times a second.

        Args:
            status: The pipeline's state.
            readout: The readout.
            actions: Number of actions that the model knows.
        """
        if status.source != self._source:
            self._source = status.source
            self._start_over()
        if readout.state is ReadoutState.ACTION:
            self._start_over()
        searching = readout.state is ReadoutState.NO_CONFIDENT_ACTION and not (status.paused or status.ended)
        if not searching:
            self._since_s = None
        elif self._since_s is None:
            self._since_s = self._clock_s()
            self._scene.reset()
        elif not self._given and self._clock_s() - self._since_s >= AFTER_S:
            self._advise(actions)

    def _start_over(self) -> None:
        if self._given:
            self.settled.emit(Topic.ADVICE)
        self._since_s, self._given = None, False

    def _advise(self, actions: int) -> None:
        found = self._scene.judge()
        if found is None:
            return
        self._given = True
        text = _ADVICE.get(
            found, tr("What is done here may not be among the {actions} actions that the model knows.", actions=actions)
        )
        self.notice.emit(
            Notice(Level.INFO, tr("Nothing recognized yet. {value}", value=text), topic=Topic.ADVICE, commands=_WAYS)
        )
