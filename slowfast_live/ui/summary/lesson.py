"""Start and finish a session, mark its ends, and sum it up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QWidget

from slowfast_live.inference.spec import Model
from slowfast_live.types import Level, Notice, Status
from slowfast_live.ui.controller.controller import Controller
from slowfast_live.ui.events.session_events import SessionEvents
from slowfast_live.ui.style import formatting
from slowfast_live.ui.style.language import tr
from slowfast_live.ui.summary.page import SummaryFacts, page
from slowfast_live.ui.summary.summary_dialog import SummaryDialog

_SHORTEST_S = 0.1
_START, _FINISH = tr("Start a session"), tr("Finish the session…")


class TimedSession(QObject):
    """From the start to the end of what somebody practices, presents or teaches, with a summary.

    Args:
        session_events: The events, and the part that is marked.
        controller: Knows the source and the model.
        actions: The window's commands.
        window: Parent of the dialog.
    """

    notice = Signal(object)

    def __init__(
        self, session_events: SessionEvents, controller: Controller, actions: dict[str, QAction], window: QWidget
    ) -> None:
        super().__init__(window)
        self._events, self._controller, self._window = session_events, controller, window
        self._actions, self._model = actions, ""
        self.dialog: SummaryDialog | None = None
        controller.model_changed.connect(self._remember)
        session_events.restarted.connect(self._stop)
        session_events.part_changed.connect(self._enable)
        self._enable()

    @property
    def commands(self) -> dict[str, Callable[[], object]]:
        """Handlers of the window's commands, by name."""
        return {
            "mark_in": self.mark_in,
            "mark_out": self.mark_out,
            "clear_marks": self._events.clear_marks,
            "summary": self.show_summary,
        }

    @property
    def _now_s(self) -> float:
        return self._controller.pipeline.status().position_s

    def run(self, on: bool) -> None:
        """Start a session, or finish it and show its summary."""
        if on and self._events.source is None:
            self.notice.emit(Notice(Level.INFO, tr("There is nothing to look at yet: open a source first.")))
            self._stop()
            return
        self._actions["run_session"].setText(_FINISH if on else _START)
        if on:
            self._events.clear_marks()
            self._events.mark(begin_s=self._now_s)
        elif self._events.part.begin_s is not None:
            now_s, begin_s = self._now_s, self._events.part.begin_s
            if now_s <= begin_s:  # a file that began anew, or was moved back
                now_s = max(self._events.snapshot.end_s, begin_s + _SHORTEST_S)
            self._events.mark(end_s=now_s)
            self.show_summary()

    def mark_in(self) -> None:
        """Mark the current position as the begin of the part."""
        if self._events.source is not None:
            self._events.mark(begin_s=self._now_s)

    def mark_out(self) -> None:
        """Mark the current position as the end of the part."""
        if self._events.source is not None:
            self._events.mark(end_s=self._now_s)

    def show_summary(self) -> None:
        """Show the summary of the marked part, or of everything."""
        summary = self._summary()
        if summary is None:
            self.notice.emit(Notice(Level.INFO, tr("There is nothing to sum up yet.")))
            return
        self.dialog = SummaryDialog(page(summary), summary.title, self._window)
        self.dialog.notice.connect(self.notice)
        self.dialog.open()

    def _summary(self) -> SummaryFacts | None:
        events, known = self._events, self._events.snapshot
        if events.source is None:
            return None
        begin_s, end_s = events.part.within(known.begin_s, max(known.end_s, self._now_s))
        if end_s <= begin_s:
            return None
        cut = events.part.cut(noted.event for noted in events.notes)
        found = tuple(replace(event, repetitions=events.repetitions(event)) for event in cut)
        when = f"{datetime.now():%Y-%m-%d}" if events.live else tr("From a recording")
        title = formatting.source_name(events.source)
        return SummaryFacts(title, when, begin_s, end_s, found, self._model or events.model, events.when)

    def _remember(self, model: Model | None) -> None:
        if model is not None:
            self._model = model.spec.title

    def _stop(self) -> None:
        action = self._actions["run_session"]
        action.blockSignals(True)
        action.setChecked(False)
        action.blockSignals(False)
        action.setText(_START)

    def _enable(self) -> None:
        self._actions["clear_marks"].setEnabled(self._events.part.marked)

    def show_status(self, status: Status) -> None:
        """Follow the source: without one there is nothing to mark."""
        for name in ("mark_in", "mark_out", "summary"):
            self._actions[name].setEnabled(status.source is not None or self._events.archived)
