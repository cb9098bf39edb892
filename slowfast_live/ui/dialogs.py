"""The dialogs: models, analysis of files and machine measurement, which keep working while closed, and help."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, Signal, SignalInstance
from PySide6.QtWidgets import QWidget

from slowfast_live.people.spec import find_detectors
from slowfast_live.types import Level, Notice, Prediction, SourceKind, Status, Topic
from slowfast_live.ui.commands.about import AboutDialog, support_text
from slowfast_live.ui.commands.help_sheet import HelpSheet
from slowfast_live.ui.controller.controller import Controller
from slowfast_live.ui.controller.workload import Job
from slowfast_live.ui.models.kinetics_dialog import KineticsDialog
from slowfast_live.ui.models.kinetics_setup import KineticsSetup, SetupEnd
from slowfast_live.ui.models.machine_check import MachineCheck, MachineDialog
from slowfast_live.ui.models.manager_dialog import ModelManager
from slowfast_live.ui.models.model_builder import BuildOutcome, ModelBuilder
from slowfast_live.ui.models.model_catalogue import Speeds
from slowfast_live.ui.people.detector_dialog import DetectorDialog
from slowfast_live.ui.people.detector_setup import DetectorEnd, DetectorSetup
from slowfast_live.ui.style.language import tr
from slowfast_live.ui.style.theme import ThemeManager
from slowfast_live.ui.threads.background import BackgroundTasks

if TYPE_CHECKING:
    from slowfast_live.analysis.job import JobEnd
    from slowfast_live.ui.analysis.analyze_dialog import AnalyzeDialog


class Dialogs(QObject):
    """Creates each dialog on first use and shows its notices while it is closed.

    Args:
        controller: Knows the models and the source.
        themes: Provides the current theme.
        background: Runs slow work off the GUI thread.
        builder: Builds models.
        window: Parent of the dialogs.
    """

    notice = Signal(object)
    settled = Signal(object)
    """Emits the `Topic` of notices that no longer apply."""

    def __init__(
        self,
        controller: Controller,
        themes: ThemeManager,
        background: BackgroundTasks,
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
        self.setup = KineticsSetup(controller, builder, self.machine_check, background, self)
        self.kinetics: KineticsDialog | None = None
        self.setup.finished.connect(self._set_up)
        self.detectors = DetectorSetup(controller, builder.tools, builder.output, background, self)
        self.detectors.finished.connect(self._detector_ended)
        self.detector: DetectorDialog | None = None
        self.help: HelpSheet | None = None
        self.about: AboutDialog | None = None
        builder.finished.connect(self._model_built)
        self._report(builder.started, builder.finished, Job.BUILD)
        self._report(self.machine_check.begun, self.machine_check.finished, Job.MEASUREMENT)
        builder.started.connect(lambda: self.settled.emit(Topic.BUILD))
        self.machine_check.begun.connect(lambda: self.settled.emit(Topic.MEASURING))

    def note(self, prediction: Prediction) -> None:
        """Record how fast a model runs on this machine."""
        self._speeds.add(prediction)

    def show_models(self) -> None:
        """Show the model manager; the dialog is created once and reused."""
        if self.manager is None:
            self.manager = ModelManager(self._controller, self._builder, self._background, self._speeds, self._window)
            self._themes.changed.connect(self.manager.set_theme)
            self.manager.set_theme(self._themes.theme)
            self.manager.detector_wanted.connect(self.show_detectors)
        self.manager.open_up()

    def show_kinetics(self) -> None:
        """Show the page that sets up 400 actions; it is created once and reused."""
        if self.kinetics is None:
            self.kinetics = KineticsDialog(
                self._controller, self._builder, self.setup, self._background, self._speeds, self._window
            )
        self.kinetics.open_up()

    def _set_up(self, end: SetupEnd) -> None:
        if self.kinetics is not None and self.kinetics.isVisible():
            return  # it shows this itself
        if end.done:
            self.notice.emit(Notice(Level.INFO, end.message, topic=Topic.BUILD))
        elif not end.cancelled:
            self.notice.emit(Notice(Level.ERROR, end.message, end.details, command="recognize_400", topic=Topic.BUILD))

    def show_detectors(self) -> None:
        """Show the page that gets a person detector; it is created once and reused."""
        if self.detector is None:
            self.detector = DetectorDialog(self._controller, self.detectors, self._background, self._window)
        self.detector.open_up(self._controller.pipeline.people().detector)

    def offer_detector(self) -> None:
        """Offer to get a person detector if there is none; people are being followed from now on."""

        def found(detectors: bool) -> None:
            if not detectors and self._controller.memory.settings.people:
                text = tr("Without a person detector, what moves is followed. Who stands still is not found.")
                self.notice.emit(Notice(Level.INFO, text, command="person_detector", topic=Topic.PEOPLE))

        self._background.run(lambda: bool(find_detectors()[0]), found, name="detectors")

    def _detector_ended(self, end: DetectorEnd) -> None:
        if self.detector is not None and self.detector.isVisible():
            return  # it shows this itself
        if end.done:
            self.notice.emit(Notice(Level.INFO, end.message, topic=Topic.PEOPLE))
        elif not end.cancelled:
            text = Notice(Level.ERROR, end.message, end.details, command="person_detector", topic=Topic.PEOPLE)
            self.notice.emit(text)

    def show_analyze(self) -> None:
        """Show the dialog that analyzes files; it is created once and reused."""
        if self.analyze is None:
            from slowfast_live.ui.analysis.analyze_dialog import (
                AnalyzeDialog,  # deferred: loads the decoders
            )

            self.analyze = AnalyzeDialog(lambda: self._controller.models, self._in_use, self._window)
            self.analyze.ended.connect(self._analysis_ended)
            self._report(self.analyze.began, self.analyze.ended, Job.ANALYSIS)
            self.analyze.began.connect(lambda: self.settled.emit(Topic.ANALYSIS))
            source = self._controller.pipeline.status().source
            if source is not None and source.kind is SourceKind.FILE:
                self.analyze.add([Path(source.address)])
        self.analyze.open_up()

    def analyze_this(self) -> None:
        """Analyze the open file at once, with the settings of the dialog; without a file, only show it."""
        self.show_analyze()
        source = self._controller.pipeline.status().source
        if self.analyze is not None and source is not None and source.kind is SourceKind.FILE and not self.analyze.busy:
            self.analyze.only([Path(source.address)])
            self.analyze.start_analysis()

    def measure_machine(self) -> None:
        """Show the measurement of this machine and start one; the dialog is created once and reused."""
        if self.machine is None:
            self.machine = MachineDialog(self.machine_check, self._controller.workload, self._window)
            self.machine.chosen.connect(self._controller.choose)
            self.machine_check.begun.connect(self._controller.hold_model)
            self.machine_check.finished.connect(self._controller.restore_model)
        self.machine.show()
        self.machine.raise_()
        if not self.machine_check.busy:
            self.machine.measure()

    def show_help(self) -> None:
        """Show the sheet of shortcuts."""
        self.help = HelpSheet(self._window)
        self.help.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.help.open()

    def show_about(self, status: Status) -> None:
        """Show version, licenses and the facts for support.

        Args:
            status: The pipeline's state.
        """
        models, window = self._controller.models, self._window
        size, ratio = window.screen().size(), window.devicePixelRatioF()
        text = support_text(status, f"{size.width()} × {size.height()} at {ratio:g}", len(models))
        licensed = {model.spec.title: model.spec.licence for model in models}
        self.about = AboutDialog(text, licensed.items(), window)
        self.about.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.about.open()

    def _report(self, began: SignalInstance, ended: SignalInstance, job: Job) -> None:
        """Register a job with the workload while it is running."""
        began.connect(lambda *_: self._controller.workload.begin(job))
        ended.connect(lambda *_: self._controller.workload.end(job))

    def end_analysis(self) -> None:
        """End a running analysis; finished results are kept."""
        if self.analyze is not None:
            self.analyze.shut_down()

    def _in_use(self) -> tuple[str | None, str]:
        status = self._controller.pipeline.status()
        return status.model, status.device or "CPU"

    def _analysis_ended(self, end: JobEnd) -> None:
        if self.analyze is not None and not self.analyze.isVisible():
            level = Level.INFO if end.complete or end.cancelled else Level.WARNING
            self.notice.emit(Notice(level, end.message, details=end.log, topic=Topic.ANALYSIS))

    def _model_built(self, outcome: BuildOutcome) -> None:
        if outcome.done:
            self._controller.rescan(outcome.order.folder_stem)
        if self.setup.owns(outcome) or (self.manager is not None and self.manager.isVisible()):
            return  # it shows this itself
        if outcome.done:
            self.notice.emit(
                Notice(Level.INFO, tr("{message} Choose it in the list of models.", message=outcome.message))
            )
        elif not outcome.cancelled:
            text = tr("Building {title} failed: {message}", title=outcome.order.title, message=outcome.message)
            self.notice.emit(Notice(Level.ERROR, text, outcome.log, topic=Topic.BUILD))
