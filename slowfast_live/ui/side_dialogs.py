"""The dialogs that stand beside the window and outlive being closed: models, analysis of files, this machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from slowfast_live.types import Level, Notice, Prediction, SourceKind
from slowfast_live.ui.background import Background
from slowfast_live.ui.controller import Controller
from slowfast_live.ui.machine_check import MachineCheck, MachineDialog
from slowfast_live.ui.model_builder import ModelBuilder, Outcome
from slowfast_live.ui.model_catalogue import Speeds
from slowfast_live.ui.model_manager import ModelManager
from slowfast_live.ui.theme import ThemeManager

if TYPE_CHECKING:
    from slowfast_live.analysis.job import JobEnd
    from slowfast_live.ui.analyze_dialog import AnalyzeDialog


class SideDialogs(QObject):
    """Makes each dialog when it is first wanted, and speaks for it while it is closed.

    Args:
        controller: Knows the models and the source.
        themes: The theme in force.
        background: Who runs what takes time.
        builder: Who builds models.
        window: Beside which they stand.
    """

    notice = Signal(object)

    def __init__(
        self,
        controller: Controller,
        themes: ThemeManager,
        background: Background,
        builder: ModelBuilder,
        window: QWidget,
    ) -> None:
        super().__init__(window)
        self._controller, self._themes, self._background = controller, themes, background
        self._builder, self._window = builder, window
        self._speeds = Speeds()
        self.manager: ModelManager | None = None
        self.analyze: AnalyzeDialog | None = None
        self.machine_check = MachineCheck(parent=self)
        self.machine: MachineDialog | None = None
        builder.finished.connect(self._model_built)

    def note(self, prediction: Prediction) -> None:
        """Learn how fast a model is here."""
        self._speeds.add(prediction)

    def show_models(self) -> None:
        """Show the model manager; it is the same one each time."""
        if self.manager is None:
            self.manager = ModelManager(self._controller, self._builder, self._background, self._speeds, self._window)
            self._themes.changed.connect(self.manager.set_theme)
            self.manager.set_theme(self._themes.theme)
        self.manager.open_up()

    def show_analyze(self) -> None:
        """Show the dialog that analyzes files; it is the same one each time."""
        if self.analyze is None:
            from slowfast_live.ui.analyze_dialog import AnalyzeDialog  # brings the decoders: not before it is wanted

            self.analyze = AnalyzeDialog(lambda: self._controller.models, self._in_use, self._window)
            self.analyze.ended.connect(self._analysis_ended)
            source = self._controller.pipeline.status().source
            if source is not None and source.kind is SourceKind.FILE:
                self.analyze.add([Path(source.address)])
        self.analyze.open_up()

    def measure_machine(self) -> None:
        """Show the measurement of this machine, and begin one; it is the same dialog each time."""
        if self.machine is None:
            self.machine = MachineDialog(self.machine_check, self._window)
            self.machine.chosen.connect(self._controller.choose)
            self.machine_check.begun.connect(self._controller.hold_model)
            self.machine_check.finished.connect(self._controller.restore_model)
        self.machine.show()
        self.machine.raise_()
        if not self.machine_check.busy:
            self.machine.measure()

    def close(self) -> None:
        """End what still runs."""
        self.machine_check.close()
        if self.analyze is not None:
            self.analyze.shut_down()

    def _in_use(self) -> tuple[str | None, str]:
        status = self._controller.pipeline.status()
        return status.model, status.device or "CPU"

    def _analysis_ended(self, end: JobEnd) -> None:
        if self.analyze is not None and not self.analyze.isVisible():
            level = Level.INFO if end.complete or end.cancelled else Level.WARNING
            self.notice.emit(Notice(level, end.message, details=end.log))

    def _model_built(self, outcome: Outcome) -> None:
        if outcome.done:
            self._controller.rescan(outcome.order.folder_stem)
        if self.manager is not None and self.manager.isVisible():
            return  # it says so itself
        if outcome.done:
            self.notice.emit(Notice(Level.INFO, f"{outcome.message} Choose it in the list of models."))
        elif not outcome.cancelled:
            text = f"Building {outcome.order.title} failed: {outcome.message}"
            self.notice.emit(Notice(Level.ERROR, text, outcome.log))
