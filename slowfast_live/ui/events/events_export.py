"""Export the events: ask for a file name, and write the file off the GUI thread."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from PySide6.QtCore import QObject, QStandardPaths, Qt, Signal
from PySide6.QtWidgets import QFileDialog, QWidget

from slowfast_live.inference.spec import Model
from slowfast_live.types import Level, Notice, Topic
from slowfast_live.ui.controller.protocols import PipelinePort
from slowfast_live.ui.events.export_snapshot import ExportSnapshot
from slowfast_live.ui.events.session_events import SessionEvents
from slowfast_live.ui.style.language import tr, words
from slowfast_live.ui.threads.background import BackgroundTasks

FILTERS = (
    (tr("Report (*.html)"), ".html"),
    (tr("JSON (*.json)"), ".json"),
    (tr("Table (*.csv)"), ".csv"),
    (tr("SubRip subtitles (*.srt)"), ".srt"),
    (tr("WebVTT subtitles (*.vtt)"), ".vtt"),
    (tr("ELAN annotations (*.eaf)"), ".eaf"),
    (tr("VIA annotations (*.via.json)"), ".via.json"),
    (tr("Table as of Kinetics (*.kinetics.csv)"), ".kinetics.csv"),
    (tr("Table as of AVA, of people (*.ava.csv)"), ".ava.csv"),
)
_POINTS = 1000
"""Number of points of a curve in a report."""


class ExportContext(Protocol):
    """What an export needs to know of the rest of the window."""

    @property
    def pipeline(self) -> PipelinePort:
        """Runs the model."""
        ...

    @property
    def threshold(self) -> float | None:
        """The threshold; None for the model's own."""
        ...

    @property
    def model_changed(self) -> Any:
        """Signal that emits the `Model` that runs now, or None."""
        ...


class EventsExport(QObject):
    """Exports the session's events.

    Args:
        session_events: The session's events.
        controller: Knows the model and the source.
        background: Runs the writing off the GUI thread.
        window: Parent of the dialog.
    """

    notice = Signal(object)
    settled = Signal(object)
    """Emits the `Topic` of notices that no longer apply."""

    def __init__(
        self, session_events: SessionEvents, controller: ExportContext, background: BackgroundTasks, window: QWidget
    ) -> None:
        super().__init__(window)
        self._session_events, self._controller, self._background, self._window = (
            session_events,
            controller,
            background,
            window,
        )
        self._model: Model | None = None
        self._device = ""
        controller.model_changed.connect(self._remember)

    def ask(self) -> None:
        """Ask for the file name, in a non-blocking dialog."""
        if self._session_events.source is None or not self._session_events.all_notes:
            self.notice.emit(Notice(Level.INFO, tr("There are no events to export yet.")))
            return
        part = self._session_events.part
        dialog = QFileDialog(
            self._window, tr("Export events of the marked part") if part.marked else tr("Export events")
        )
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setNameFilters([name for name, _ending in FILTERS])
        dialog.setDefaultSuffix(FILTERS[0][1])
        endings = dict(FILTERS)
        dialog.filterSelected.connect(lambda name: dialog.setDefaultSuffix(endings[name]))
        folder = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DocumentsLocation)
        dialog.setDirectory(folder or str(Path.home()))
        dialog.selectFile(tr("{stem} events", stem=self._stem()))
        dialog.fileSelected.connect(lambda name: self.save(Path(name)))
        dialog.open()

    def save(self, path: Path) -> None:
        """Write the events as they are now; a notice names the file or the error."""
        exported = self._snapshot()
        if exported is None:
            self.notice.emit(Notice(Level.INFO, tr("There are no events to export yet.")))
            return

        def write() -> Path:
            from slowfast_live.ui.events.session_findings import (
                write,  # deferred: loads templates and more that startup does not need
            )

            return write(exported, path)

        self._background.run(
            write,
            self._saved,
            self._failed,
            name="export",
        )

    def _stem(self) -> str:
        session_events = self._session_events
        if session_events.path is not None:
            return session_events.path.stem
        return tr("Live {begin_s}", begin_s=session_events.when(session_events.snapshot.begin_s).replace(":", "-"))

    def _snapshot(self) -> ExportSnapshot | None:
        session_events, snapshot = self._session_events, self._session_events.snapshot
        if session_events.source is None or self._model is None or not session_events.all_notes:
            return None
        part = session_events.part
        begin_s, end_s = part.within(snapshot.begin_s, snapshot.end_s)
        status = self._controller.pipeline.status()
        threshold = self._controller.threshold
        archive = session_events.people.archive
        return ExportSnapshot(
            source=session_events.source,
            info=status.info if status.source == session_events.source else None,
            path=session_events.path,
            model=self._model,
            device=self._device,
            threshold=self._model.spec.decision.threshold if threshold is None else threshold,
            begin_s=begin_s,
            end_s=end_s,
            events=tuple(
                replace(event, repetitions=session_events.repetitions(event))
                for event in part.cut(noted.event for noted in session_events.notes)
            ),
            people=archive.trails if session_events.archived else self._controller.pipeline.person_trails(),
            person_events=session_events.people.everything,
            detector=archive.detector if session_events.archived else self._controller.pipeline.people().detector,
            curves=session_events.history.columns(begin_s, end_s, _POINTS),
        )

    def _remember(self, model: Model | None) -> None:
        """Keep the model that recognized the events: it may be gone when they are exported."""
        if model is not None:
            self._model, self._device = model, self._controller.pipeline.status().device

    def _saved(self, path: Path) -> None:
        self.settled.emit(Topic.EXPORT)
        self.notice.emit(Notice(Level.INFO, tr("Saved {path}", path=path), file=path))

    def _failed(self, error: Exception) -> None:
        details = getattr(error, "details", "") or repr(error)
        self.notice.emit(Notice(Level.ERROR, words(error), details, topic=Topic.EXPORT))
