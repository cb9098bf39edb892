"""The events as a file: asks where to, and writes it off the GUI thread."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, QStandardPaths, Qt, Signal
from PySide6.QtWidgets import QFileDialog, QWidget

from slowfast_live.core.events import Event
from slowfast_live.core.history import Columns
from slowfast_live.inference.spec import Model
from slowfast_live.types import Level, Notice, SourceInfo, SourceSpec
from slowfast_live.ui.background import Background
from slowfast_live.ui.chronicle import Chronicle
from slowfast_live.ui.controller import Controller

FILTERS = (
    ("Report (*.html)", ".html"),
    ("JSON (*.json)", ".json"),
    ("Table (*.csv)", ".csv"),
    ("SubRip subtitles (*.srt)", ".srt"),
    ("WebVTT subtitles (*.vtt)", ".vtt"),
)
_POINTS = 1000
"""Of a report's curves."""


@dataclass(frozen=True, slots=True, eq=False)
class Told:
    """What there is to export, as it was at one moment.

    Attributes:
        source: Where it was seen.
        info: Facts of the source, where it is still open.
        path: The file, where it is one.
        model: Which model looked.
        device: OpenVINO device that ran it.
        threshold: Smoothed score from which a label was shown.
        begin_s: Since when something is known, on the source's clock.
        end_s: Until when.
        events: With the user's corrections.
        curves: From `begin_s` to `end_s`.
    """

    source: SourceSpec
    info: SourceInfo | None
    path: Path | None
    model: Model
    device: str
    threshold: float
    begin_s: float
    end_s: float
    events: tuple[Event, ...]
    curves: Columns

    @property
    def zero_s(self) -> float:
        """What an export calls 0: the clock of a live source counts from nowhere in particular."""
        return self.begin_s if self.source.live else 0.0


class EventsExport(QObject):
    """Saves the chronicle's events.

    Args:
        chronicle: What happened.
        controller: Knows the model and the source.
        background: Who writes.
        window: Whose dialog it is.
    """

    notice = Signal(object)

    def __init__(self, chronicle: Chronicle, controller: Controller, background: Background, window: QWidget) -> None:
        super().__init__(window)
        self._chronicle, self._controller, self._background, self._window = (
            chronicle,
            controller,
            background,
            window,
        )
        self._model: Model | None = None
        self._device = ""
        controller.model_changed.connect(self._remember)

    def ask(self) -> None:
        """Let the user say where to, without blocking anything."""
        if self._chronicle.source is None or not self._chronicle.notes:
            self.notice.emit(Notice(Level.INFO, "There are no events to export yet."))
            return
        dialog = QFileDialog(self._window, "Export events")
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setNameFilters([name for name, _ending in FILTERS])
        dialog.setDefaultSuffix(FILTERS[0][1])
        endings = dict(FILTERS)
        dialog.filterSelected.connect(lambda name: dialog.setDefaultSuffix(endings[name]))
        folder = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DocumentsLocation)
        dialog.setDirectory(folder or str(Path.home()))
        dialog.selectFile(f"{self._stem()} events")
        dialog.fileSelected.connect(lambda name: self.save(Path(name)))
        dialog.open()

    def save(self, path: Path) -> None:
        """Write the events as they are now; a notice names the file, or says what went wrong."""
        told = self._told()
        if told is None:
            self.notice.emit(Notice(Level.INFO, "There are no events to export yet."))
            return

        def write() -> Path:
            from slowfast_live.ui.session_findings import write  # with templates and more, that a start need not load

            return write(told, path)

        self._background.run(
            write,
            lambda written: self.notice.emit(Notice(Level.INFO, f"Saved {written}")),
            self._failed,
            name="export",
        )

    def _stem(self) -> str:
        chronicle = self._chronicle
        if chronicle.path is not None:
            return chronicle.path.stem
        return f"Live {chronicle.when(chronicle.snapshot.begin_s).replace(':', '-')}"

    def _told(self) -> Told | None:
        chronicle, snapshot = self._chronicle, self._chronicle.snapshot
        if chronicle.source is None or self._model is None or not chronicle.notes:
            return None
        status = self._controller.pipeline.status()
        threshold = self._controller.threshold
        return Told(
            source=chronicle.source,
            info=status.info if status.source == chronicle.source else None,
            path=chronicle.path,
            model=self._model,
            device=self._device,
            threshold=self._model.spec.decision.threshold if threshold is None else threshold,
            begin_s=snapshot.begin_s,
            end_s=snapshot.end_s,
            events=tuple(noted.event for noted in chronicle.notes),
            curves=chronicle.history.columns(snapshot.begin_s, snapshot.end_s, _POINTS),
        )

    def _remember(self, model: Model | None) -> None:
        """Keep the model that looked, though it may be gone when its events are exported."""
        if model is not None:
            self._model, self._device = model, self._controller.pipeline.status().device

    def _failed(self, error: Exception) -> None:
        self.notice.emit(Notice(Level.ERROR, str(error), getattr(error, "details", "") or repr(error)))
