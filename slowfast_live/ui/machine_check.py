"""Measures which model suits this machine, in another process, and offers to use it."""

from __future__ import annotations

import sys

import msgspec
from PySide6.QtCore import QObject, Qt, Signal
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

from slowfast_live.ui.child_program import ChildProgram
from slowfast_live.ui.shortcuts import describe
from slowfast_live.ui.theme import GRID

PROGRAM = (sys.executable, "-m", "slowfast_live", "bench", "--recommend", "--seconds", "2", "--progress", "json")
_COLUMNS = ("Model", "Device", "ms a clip", "Predictions/s", "Computes in")
_PER_MILLE = 1000


class Measured(msgspec.Struct, frozen=True):
    """A model on a device, as `slowfast-live bench --recommend` tells of it."""

    title: str
    device: str
    clip_ms: float | None = None
    per_s: float | None = None
    computes_in: str = ""
    failure: str = ""


class Advice(msgspec.Struct, frozen=True):
    """What it recommends."""

    model: str
    title: str
    device: str
    reason: str


class Told(msgspec.Struct, frozen=True):
    """One line of it; `fraction` is 0..1 of all."""

    step: str
    message: str
    fraction: float | None = None
    recommendation: Advice | None = None
    candidates: tuple[Measured, ...] = ()


class MachineCheck(QObject):
    """One measurement at a time; in priority it does not stand behind the window, as inference does.

    Args:
        program: What measures.
        parent: Qt's owner.
    """

    begun = Signal()
    """A measurement begins."""
    progress = Signal(str, float)
    """What is being measured, and how much is done, 0..1."""
    finished = Signal(object, str)
    """`Told` of the last line, or None; and why it failed: "" where it did not, or was cancelled."""

    def __init__(self, program: tuple[str, ...] = PROGRAM, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._words = program
        self._last: Told | None = None
        self._said = ""
        self._program = ChildProgram(polite=False, parent=self)
        self._program.begun.connect(self.begun)
        self._program.told.connect(self._take)
        self._program.logged.connect(self._log)
        self._program.ended.connect(self._ended)

    @property
    def busy(self) -> bool:
        """Whether it measures."""
        return self._program.busy

    def start(self) -> bool:
        """Start to measure; False where it does already."""
        self._last, self._said = None, ""
        return self._program.start(self._words)

    def cancel(self) -> None:
        """End it."""
        self._program.cancel()

    def close(self) -> None:
        """End it with the app; bounded."""
        self._program.close()

    def _take(self, lines: list[str]) -> None:
        for line in lines:
            try:
                told = msgspec.json.decode(line, type=Told)
            except msgspec.DecodeError:
                self._said = line
                continue
            if told.step == "done":
                self._last = told
            else:
                self.progress.emit(told.message, told.fraction or 0.0)

    def _log(self, lines: list[str]) -> None:
        self._said = lines[-1]

    def _ended(self, well: bool, how: str) -> None:
        if well and self._last is not None:
            self.finished.emit(self._last, "")
            return
        reason = "" if self._program.cancelled else self._said or f"The measurement ended early: {how}."
        self.finished.emit(None, reason)


class MachineDialog(QDialog):
    """Shows the measurement, then what came of it; choosing it is one click.

    Args:
        check: Who measures.
        parent: The window.
    """

    chosen = Signal(str, str)
    """Name of the model, and of the device."""

    def __init__(self, check: MachineCheck, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._check = check
        self._advice: Advice | None = None
        self.setWindowTitle("Measure this machine")
        self.setModal(False)
        self.says = QLabel()
        self.says.setWordWrap(True)
        self.says.setTextFormat(Qt.TextFormat.PlainText)
        self.bar = QProgressBar()
        self.bar.setRange(0, _PER_MILLE)
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName("Progress of the measurement")
        self.table = QTableWidget(0, len(_COLUMNS))
        self.table.setHorizontalHeaderLabels(_COLUMNS)
        self.table.verticalHeader().hide()
        self.table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self.table.horizontalHeader().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        self.table.setSelectionMode(QTableWidget.SelectionMode.NoSelection)
        self.table.setAccessibleName("What was measured")
        buttons = QDialogButtonBox()
        self.use = QPushButton("Use it")
        self.again = QPushButton("Measure")
        self.stop = QPushButton("Cancel")
        describe(self.use, "Use it", "Use the recommended model and device")
        describe(self.again, "Measure", "Measure each trained model for two seconds")
        describe(self.stop, "Cancel", "End the measurement, or close this window (Esc)")
        buttons.addButton(self.use, QDialogButtonBox.ButtonRole.AcceptRole)
        buttons.addButton(self.again, QDialogButtonBox.ButtonRole.ActionRole)
        buttons.addButton(self.stop, QDialogButtonBox.ButtonRole.RejectRole)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(3 * GRID, 3 * GRID, 3 * GRID, 2 * GRID)
        layout.setSpacing(2 * GRID)
        for part in (self.says, self.bar, self.table, buttons):
            layout.addWidget(part)
        self.resize(620, 360)
        self.use.clicked.connect(self._use)
        self.again.clicked.connect(self.measure)
        self.stop.clicked.connect(self._cancel)
        check.progress.connect(self._progress)
        check.finished.connect(self._finished)
        self._show_state("Each trained model runs for two seconds on each device; recognition pauses meanwhile.")

    def measure(self) -> None:
        """Start to measure."""
        self._advice = None
        self.table.setRowCount(0)
        self._show_state("Starting. Recognition pauses meanwhile.", busy=True)
        self.bar.setValue(0)
        self._check.start()

    def _show_state(self, text: str, *, busy: bool = False) -> None:
        self.says.setText(text)
        self.bar.setVisible(busy)
        self.table.setVisible(self.table.rowCount() > 0)
        self.use.setVisible(self._advice is not None)
        self.use.setDefault(self._advice is not None)
        self.again.setVisible(not busy)
        self.stop.setText("Cancel" if busy else "Close")

    def _progress(self, text: str, fraction: float) -> None:
        self._show_state(text, busy=True)
        self.bar.setValue(round(fraction * _PER_MILLE))

    def _finished(self, told: Told | None, failure: str) -> None:
        if told is None:
            self._show_state(failure or "The measurement was cancelled.")
            return
        self._advice = told.recommendation
        self.table.setRowCount(len(told.candidates))
        for row, measured in enumerate(told.candidates):
            for column, text in enumerate(_cells(measured)):
                item = QTableWidgetItem(text)
                item.setToolTip(measured.failure)
                if column in (2, 3):
                    item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
                self.table.setItem(row, column, item)
        best = self._advice
        self._show_state(
            f"Recommended: {best.title} on {best.device}. {best.reason}" if best else "No trained model runs here."
        )

    def _use(self) -> None:
        if self._advice is not None:
            self.chosen.emit(self._advice.model, self._advice.device)
        self.hide()

    def _cancel(self) -> None:
        if self._check.busy:
            self._check.cancel()
        else:
            self.hide()

    def reject(self) -> None:
        """Esc and Cancel: end the measurement first, then hide."""
        self._cancel()

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802
        """End the measurement with its dialog."""
        self._check.cancel()
        super().closeEvent(event)


def _cells(measured: Measured) -> tuple[str, ...]:
    clip = f"{measured.clip_ms:.1f}" if measured.clip_ms else "does not run"
    rate = f"{measured.per_s:.1f}" if measured.per_s else "–"
    return measured.title, measured.device, clip, rate, measured.computes_in or "–"
