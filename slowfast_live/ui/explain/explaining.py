"""Explains what is shown, while the command is on: a few times a second, off the GUI thread."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QAction

from slowfast_live.core.readout_text import label_text
from slowfast_live.errors import SlowFastLiveError
from slowfast_live.pipeline.newest_clip import NewestClip
from slowfast_live.types import Level, Notice, Readout, Status, Topic
from slowfast_live.ui.controller.protocols import PipelinePort
from slowfast_live.ui.style import formatting
from slowfast_live.ui.style.language import tr, words
from slowfast_live.ui.style.names import class_name
from slowfast_live.ui.threads.background import BackgroundTasks
from slowfast_live.ui.video.canvas import Canvas
from slowfast_live.ui.video.heat import Heat, heat_image

_SIDE = 128
_PATHWAYS = {"slow": tr("slow"), "fast": tr("fast")}
_KEEPS_S = 1.0
"""An explanation of a moment that is farther from the one on display is taken away."""


@dataclass(frozen=True, slots=True, eq=False)
class Explained:
    """An explanation, ready to be drawn.

    Attributes:
        heat: What is drawn.
        generation: Generation of its frames.
        t_end_s: Time of its newest frame.
        label: The action.
    """

    heat: Heat
    generation: int
    t_end_s: float
    label: str


class Explaining(QObject):
    """Draws where and when a score comes from, while the command is on.

    Args:
        pipeline: Provides the clip.
        canvas: Draws the heat map.
        background: Runs the model a second time, off the GUI thread.
        action: The command, which can be turned on and off.
        parent: Qt parent.
    """

    notice = Signal(object)
    settled = Signal(object)
    """Emits the `Topic` of notices that no longer apply."""

    def __init__(
        self,
        pipeline: PipelinePort,
        canvas: Canvas,
        background: BackgroundTasks,
        action: QAction,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._pipeline, self._canvas, self._background, self._action = pipeline, canvas, background, action
        self._explain: Callable[[NewestClip, str], Explained] = Worker()
        self._busy = False
        self._shown: Explained | None = None
        self._status = Status()
        action.toggled.connect(self._switch)

    def update(self, status: Status, readout: Readout) -> None:
        """Explain what is shown now, unless that is done or under way; called ten times a second."""
        self._status = status
        if not self._action.isChecked():
            return
        shown = self._shown
        if shown is not None and self._is_old(shown):
            self._show(None)
        label = readout.label or (readout.top[0][0] if readout.top else None)
        if self._busy or label is None or status.model is None:
            return
        if shown is not None and (shown.label, shown.t_end_s) == (label, readout.t_end_s):
            return
        self._busy = True
        wanted = label

        def work() -> Explained | None:
            clip = self._pipeline.newest_clip()
            return self._explain(clip, wanted) if clip is not None else None

        self._background.run(work, self._done, self._failed, name="explain")

    def close(self) -> None:
        """Draw nothing more."""
        self._action.setChecked(False)

    def _is_old(self, explained: Explained) -> bool:
        away_s = abs(explained.t_end_s - self._status.position_s)
        return explained.generation != self._status.generation or away_s > _KEEPS_S

    def _switch(self, on: bool) -> None:
        if not on:
            self._show(None)
            self._explain = Worker()  # lets go of the second model
            self.settled.emit(Topic.EXPLAIN)

    def _done(self, explained: Explained | None) -> None:
        self._busy = False
        if explained is None or not self._action.isChecked() or explained.generation != self._status.generation:
            return
        self._show(explained)
        self.settled.emit(Topic.EXPLAIN)

    def _failed(self, error: Exception) -> None:
        self._busy = False
        message = words(error) if isinstance(error, SlowFastLiveError) else tr("The explanation failed unexpectedly.")
        details = error.details if isinstance(error, SlowFastLiveError) else repr(error)
        if self._action.isChecked():
            self._action.setChecked(False)
            self.notice.emit(Notice(Level.WARNING, message, details, topic=Topic.EXPLAIN))

    def _show(self, explained: Explained | None) -> None:
        self._shown = explained
        self._canvas.set_heat(explained.heat if explained is not None else None)


class Worker:
    """Keeps the second model of the model that is explained, and makes what is drawn. For one thread at a time."""

    def __init__(self) -> None:
        self._explainer: object = None
        self._key: tuple[str, str] | None = None

    def __call__(self, clip: NewestClip, label: str) -> Explained:
        """Explain a label of a clip.

        Raises:
            ModelError: The model cannot be explained.
            DeviceError: The device cannot run it.
        """
        from slowfast_live.inference.explainer import Explainer, heat  # deferred: loads OpenVINO

        key = (str(clip.model.folder), clip.device)
        if self._key != key or not isinstance(self._explainer, Explainer):
            self._explainer, self._key = Explainer(clip.model, clip.device), key
        explanation = self._explainer.explain(clip.clip, label)
        shares = explanation.pathway_shares
        parts = [f"{_PATHWAYS[name]} {formatting.percent(share)}" for name, share in shares.items()]
        span_s = clip.window.t_end_s - clip.window.t_start_s
        detail = " · ".join([*parts, tr("over {seconds} s", seconds=f"{span_s:.1f}")])
        height, width = clip.size
        drawn = Heat(
            heat_image(heat(explanation.where, _SIDE, _SIDE), flipped=clip.flipped),
            clip.area(width, height),
            tuple(float(share) for share in explanation.when),
            class_name(label_text(label, clip.model.spec.decision.background_labels)),
            detail,
        )
        return Explained(drawn, clip.window.generation, clip.window.t_end_s, label)
