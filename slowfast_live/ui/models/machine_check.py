"""Finds the model that suits this machine, by measuring in another process, and offers to use it."""

from __future__ import annotations

import sys

import msgspec
from PySide6.QtCore import QObject, Qt, QTimer, Signal
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QHeaderView,
    QLabel,
    QProgressBar,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from slowfast_live.ui.commands.commands import describe
from slowfast_live.ui.controller.workload import Job, Workload, listed
from slowfast_live.ui.style.fitting import resize_to_fit
from slowfast_live.ui.style.language import tr
from slowfast_live.ui.style.theme import GRID
from slowfast_live.ui.threads.child_process import QtChildProcess

PROGRAM = (sys.executable, "-m", "slowfast_live", "bench", "--recommend", "--seconds", "2", "--progress", "json")
_COLUMNS = (tr("Model"), tr("Device"), tr("ms per clip"), tr("Predictions/s"), tr("Execution precision"))
_PER_MILLE = 1000


class Measured(msgspec.Struct, frozen=True):
    """A model on a device, as reported by `slowfast-live bench --recommend`."""

    title: str
    device: str
    clip_ms: float | None = None
    per_s: float | None = None
    execution_precision: str = ""
    failure: str = ""
    model: str = ""
    faithful: float = 1.0


class Advice(msgspec.Struct, frozen=True):
    """The recommendation."""

    model: str
    title: str
    device: str
    reason: str


class CheckLine(msgspec.Struct, frozen=True):
    """One line of its output; `fraction` is the total progress, 0..1."""

    step: str
    message: str
    fraction: float | None = None
    recommendation: Advice | None = None
    candidates: tuple[Measured, ...] = ()


class MachineCheck(QObject):
    """Runs one measurement at a time, at normal priority, because inference in the app has normal priority too.

    Args:
        program: The program that measures, with its arguments.
        parent: Qt parent.
    """

    begun = Signal()
    """Emitted when a measurement begins."""
    progress = Signal(str, float)
    """Emits what is being measured, and the total progress, 0..1."""
    finished = Signal(object, str)
    """Emits the last `CheckLine`, or None, and the reason of a failure; "" if there is none or it was canceled."""

    def __init__(self, program: tuple[str, ...] = PROGRAM, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._words = program
        self._last: CheckLine | None = None
        self._last_output = ""
        self._program = QtChildProcess(polite=False, parent=self)
        self._program.begun.connect(self.begun)
        self._program.output.connect(self._take)
        self._program.logged.connect(self._log)
        self._program.ended.connect(self._ended)

    @property
    def busy(self) -> bool:
        """Whether a measurement is running."""
        return self._program.busy

    def start(self) -> bool:
        """Start a measurement; return False if one is already running."""
        self._last, self._last_output = None, ""
        return self._program.start(self._words)

    def cancel(self) -> None:
        """Cancel the measurement."""
        self._program.cancel()

    def close(self) -> None:
        """End it at app shutdown; returns within 2.5 s."""
        self._program.close()

    def _take(self, lines: list[str]) -> None:
        for line in lines:
            try:
                output = msgspec.json.decode(line, type=CheckLine)
            except msgspec.DecodeError:
                self._last_output = line
                continue
            if output.step == "done":
                self._last = output
            else:
                self.progress.emit(output.message, output.fraction or 0.0)

    def _log(self, lines: list[str]) -> None:
        self._last_output = lines[-1]

    def _ended(self, well: bool, how: str) -> None:
        if well and self._last is not None:
            self.finished.emit(self._last, "")
            return
        reason = (
            "" if self._program.cancelled else self._last_output or tr("The measurement ended early: {how}.", how=how)
        )
        self.finished.emit(None, reason)


class MachineDialog(QDialog):
    """Shows the progress of the measurement, then its results; one click uses the recommendation.

    Args:
        check: Runs the measurement.
        workload: Other running jobs, during which nothing is measured.
        parent: The window.
    """

    chosen = Signal(str, str)
    """Emits the names of the model and the device to use."""

    def __init__(self, check: MachineCheck, workload: Workload | None = None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._check = check
        self._workload = workload or Workload(self)
        self._waits = False  # for other jobs to end, to measure then
        self._advice: Advice | None = None
        self.setWindowTitle(tr("Measure this machine"))
        self.setModal(False)
        self.message = QLabel()
        self.message.setWordWrap(True)
        self.message.setTextFormat(Qt.TextFormat.PlainText)
        self.bar = QProgressBar()
        self.bar.setRange(0, _PER_MILLE)
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName(tr("Progress of the measurement"))
        self.table = QTableWidget(0, len(_COLUMNS))
        self.table.setHorizontalHeaderLabels(_COLUMNS)
        self.table.verticalHeader().hide()
        self.table.horizontalHeader().setMinimumSectionSize(10 * GRID)
        self.table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self.table.horizontalHeader().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        self.table.setSelectionMode(QTableWidget.SelectionMode.NoSelection)
        self.table.setTabKeyNavigation(False)
        self.table.setAccessibleName(tr("Results of the measurement"))
        buttons = QDialogButtonBox()
        self.use = QPushButton(tr("Use it"))
        self.again = QPushButton(tr("Measure"))
        self.wait = QPushButton(tr("Measure when it is done"))
        self.stop = QPushButton(tr("Cancel"))
        describe(self.wait, tr("Measure when it is done"), tr("Start automatically as soon as nothing else is running"))
        describe(self.use, tr("Use it"), tr("Use the recommended model and device"))
        describe(self.again, tr("Measure"), tr("Measure each trained model for two seconds"))
        describe(self.stop, tr("Cancel"), tr("Cancel the measurement, or close this window (Esc)"))
        buttons.addButton(self.use, QDialogButtonBox.ButtonRole.AcceptRole)
        buttons.addButton(self.wait, QDialogButtonBox.ButtonRole.ActionRole)
        buttons.addButton(self.again, QDialogButtonBox.ButtonRole.ActionRole)
        buttons.addButton(self.stop, QDialogButtonBox.ButtonRole.RejectRole)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(3 * GRID, 3 * GRID, 3 * GRID, 2 * GRID)
        layout.setSpacing(2 * GRID)
        for part in (self.message, self.bar, self.table, buttons):
            layout.addWidget(part)
        self.setMinimumSize(72 * GRID, 40 * GRID)
        resize_to_fit(self, 78 * GRID, 45 * GRID)
        self.use.clicked.connect(self._use)
        self.again.clicked.connect(self.measure)
        self.wait.clicked.connect(self._wait)
        self._workload.changed.connect(self._workload_changed)
        self.stop.clicked.connect(self._cancel)
        check.progress.connect(self._progress)
        check.finished.connect(self._finished)
        self._show_state(tr("Each trained model runs for two seconds on each device; recognition pauses meanwhile."))

    def measure(self) -> None:
        """Start the measurement; if something else is running, offer to wait instead."""
        self._waits = False
        self._advice = None
        self.table.setRowCount(0)
        if others := self._others:
            text = tr(
                "In progress: {listed}. Measured meanwhile, every model would seem slower than it is.",
                listed=listed(others),
            )
            self._show_state(text, refused=True)
            return
        self._show_state(tr("Starting. Recognition pauses meanwhile."), busy=True)
        self.bar.setValue(0)
        self._check.start()

    @property
    def _others(self) -> tuple[Job, ...]:
        return self._workload.others(Job.MEASUREMENT)

    def _wait(self) -> None:
        """Start the measurement as soon as nothing else is running."""
        self._waits = True
        self._workload_changed()

    def _workload_changed(self) -> None:
        others = self._others
        if others and self._check.busy:
            self._waits = True
            self._check.cancel()
        elif others and self._waits:
            self._show_state(
                tr("Waiting for {listed} to finish; the measurement starts then.", listed=listed(others)), waits=True
            )
        elif not others and self._waits and not self._check.busy:
            self._waits = False
            QTimer.singleShot(0, self, self.measure)  # first all who listen to the end of a job shall know of it
        elif not others and not self._check.busy and self.wait.isVisible():
            self._show_state(tr("Nothing else is running now. Recognition pauses while this machine is measured."))

    def _show_state(self, text: str, *, busy: bool = False, refused: bool = False, waits: bool = False) -> None:
        self.message.setText(text)
        self.bar.setVisible(busy)
        self.table.setVisible(self.table.rowCount() > 0)
        self.use.setVisible(self._advice is not None)
        self.use.setDefault(self._advice is not None)
        self.again.setVisible(not (busy or refused or waits))
        self.wait.setVisible(refused)
        self.stop.setText(tr("Cancel") if busy or waits else tr("Close"))

    def _progress(self, text: str, fraction: float) -> None:
        self._show_state(text, busy=True)
        self.bar.setValue(round(fraction * _PER_MILLE))

    def _finished(self, output: CheckLine | None, failure: str) -> None:
        if output is None and self._waits:
            self._workload_changed()
            return
        if output is None:
            self._show_state(failure or tr("The measurement was canceled."))
            return
        self._advice = output.recommendation
        self.table.setRowCount(len(output.candidates))
        for row, measured in enumerate(output.candidates):
            for column, text in enumerate(_cells(measured)):
                item = QTableWidgetItem(text)
                item.setToolTip(measured.failure)
                if column in (2, 3):
                    item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
                self.table.setItem(row, column, item)
        best = self._advice
        self._show_state(
            tr("Recommended: {title} on {device}. {reason}", title=best.title, device=best.device, reason=best.reason)
            if best
            else tr("No trained model runs here.")
        )

    def _use(self) -> None:
        if self._advice is not None:
            self.chosen.emit(self._advice.model, self._advice.device)
        self.hide()

    def _cancel(self) -> None:
        waited, self._waits = self._waits, False
        if self._check.busy:
            self._check.cancel()
        elif waited:
            self._show_state(tr("The measurement was canceled."))
        else:
            self.hide()

    def reject(self) -> None:
        """Cancel the measurement, then hide the dialog; for Esc and Cancel."""
        self._cancel()

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802
        """Cancel the measurement when the dialog is closed."""
        self._waits = False
        self._check.cancel()
        super().closeEvent(event)


def _cells(measured: Measured) -> tuple[str, ...]:
    clip = f"{measured.clip_ms:.1f}" if measured.clip_ms else tr("does not run")
    rate = f"{measured.per_s:.1f}" if measured.per_s else "–"
    return measured.title, measured.device, clip, rate, measured.execution_precision or "–"
