"""The build form of the model manager: missing packages, precisions, weights, and progress."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QFontDatabase
from PySide6.QtWidgets import (
    QApplication,
    QCheckBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QProgressBar,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from slowfast_live.inference.building import install_command
from slowfast_live.ui.commands.buttons import push_button
from slowfast_live.ui.commands.commands import describe
from slowfast_live.ui.models.model_builder import BuildOrder, BuildOutcome, BuildProgress, ModelBuilder
from slowfast_live.ui.models.model_catalogue import PRECISIONS, CatalogueRow, OnDisk, own_weights
from slowfast_live.ui.models.own_weights import OwnWeights, name_from
from slowfast_live.ui.models.weights_choice import WeightsChoice
from slowfast_live.ui.style import formatting
from slowfast_live.ui.style.language import tr
from slowfast_live.ui.style.theme import GRID
from slowfast_live.ui.style.tone import set_tone

_LOG_LINES = 2000
_FLUSH_MS = 100
_TICK_MS = 1000


def quiet_label(text: str) -> QLabel:
    """Return a label in the quiet tone."""
    label = QLabel(text)
    label.setProperty("tone", "quiet")
    return label


class BuildForm(QWidget):
    """Asks how to build the chosen model, starts the build, and shows its progress and log.

    Args:
        builder: Builds models; a build may already be running.
        parent: The dialog.
    """

    check_asked = Signal()
    """Emitted when the user asks to check the installed packages again."""

    def __init__(self, builder: ModelBuilder, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._builder = builder
        self._row: CatalogueRow | None = None
        self._on_disk: Sequence[OnDisk] = ()
        self._missing: Sequence[str] = ()
        self._began_s = 0.0
        self._new_lines: deque[str] = deque(maxlen=_LOG_LINES)
        self._tick, self._flush = QTimer(self), QTimer(self)
        self._tick.setInterval(_TICK_MS)
        self._flush.setInterval(_FLUSH_MS)
        self._flush.setSingleShot(True)
        self._make_controls()
        self._lay_out()
        self._wire()
        self._resume()

    def show_row(self, row: CatalogueRow | None, on_disk: Sequence[OnDisk]) -> None:
        """Offer to build this model.

        Args:
            row: The chosen model; None if none is.
            on_disk: All models on disk, which a build might replace.
        """
        self._row, self._on_disk = row, on_disk
        can = row.buildable if row is not None else None
        self.weights.offer(folder=can is not None and can.checkpoint.folder)
        self.own.setVisible(self._owned)
        self._suggest_name()
        self.refresh()

    def show_missing(self, packages: Sequence[str]) -> None:
        """Show how to install missing packages; `packages` may be empty."""
        self._missing = packages
        self.missing.setVisible(bool(packages))
        if packages:
            command = install_command()
            self.missing_text.setText(
                tr(
                    "Building a model needs {listed}, which running a model does not. To install:",
                    listed=_listed(packages),
                )
            )
            self.command.setText(command)
            self.command.setAccessibleName(tr("Command: {command}", command=command))
        self.refresh()

    def refresh(self) -> None:
        """Enable the controls that can be used now; the button's tooltip says why building is impossible."""
        row = self._row
        possible = row is not None and row.buildable is not None
        why, fault = self._hindrance(), self._own_fault()
        self.own.show_message(fault if possible else "")
        self.build.setEnabled(not why)
        self.build.setToolTip(
            formatting.tooltip(
                why or tr("Build {title} into {output}", title=row.title if row else "", output=self._builder.output)
            )
        )
        for widget in (*self.precisions.values(), self.weights, self.own):
            widget.setEnabled(possible and not self._builder.busy)

    def _hindrance(self) -> str:
        """Return why the chosen model cannot be built now; "" if it can."""
        row = self._row
        if row is None or row.buildable is None:
            return tr("This model cannot be built here")
        if self._missing:
            return tr("Building needs {listed}; the command above installs it", listed=_listed(self._missing))
        if self._builder.busy:
            return tr("Only one model can be built at a time")
        if not any(box.isChecked() for box in self.precisions.values()):
            return tr("Choose a precision")
        if fault := self._own_fault():
            return fault
        name = self._replaced(row)
        return tr("{name} contains your own weights: delete it first", name=name) if name else ""

    # Making it

    def _make_controls(self) -> None:
        self.missing_text = QLabel()
        self.missing_text.setTextFormat(Qt.TextFormat.PlainText)
        self.missing_text.setWordWrap(True)
        self.command = QLabel()
        self.command.setTextFormat(Qt.TextFormat.PlainText)
        self.command.setObjectName("command")
        self.command.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.command.setWordWrap(True)
        self.command.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.copy = push_button(tr("Copy"), tr("Copy the command"))
        self.check_again = push_button(tr("Check again"), tr("Check again which packages are installed"))
        self.precisions = {name: QCheckBox(name) for name in PRECISIONS}
        for name, box in self.precisions.items():
            box.setChecked(name != "FP32")
            what = {
                "FP32": tr("exact, largest"),
                "FP16": tr("half the size, same scores"),
                "INT8": tr("smallest and fastest"),
            }
            describe(box, tr("Build in {name}", name=name), f"{name}: {what[name]}")
        self.weights = WeightsChoice()
        self.own = OwnWeights()
        self.build = push_button(tr("Build"), tr("Build the chosen model; recognition continues meanwhile"))
        self.build.setObjectName("primary")
        self.state = QLabel()
        self.state.setTextFormat(Qt.TextFormat.PlainText)
        self.state.setWordWrap(True)
        self.state.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.elapsed = QLabel()
        self.elapsed.setTextFormat(Qt.TextFormat.PlainText)
        self.elapsed.setProperty("tone", "quiet")
        self.progress = QProgressBar()
        self.progress.setObjectName("build")
        self.progress.setTextVisible(False)
        self.progress.setAccessibleName(tr("Progress of the build"))
        self.cancel = push_button(tr("Cancel build"), tr("Cancel the build; incomplete files are removed"))
        self.show_log = push_button(tr("Log"), tr("Show the output of the build program"))
        self.show_log.setCheckable(True)
        self.log = QPlainTextEdit()
        self.log.setReadOnly(True)
        self.log.setMaximumBlockCount(_LOG_LINES)
        self.log.setLineWrapMode(
            QPlainTextEdit.LineWrapMode.WidgetWidth
        )  # a long line must not hide the others' begins
        self.log.setTabChangesFocus(True)
        self.log.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.log.setMinimumHeight(10 * GRID)
        self.log.setMaximumHeight(20 * GRID)
        describe(self.log, tr("Log of the build"), tr("Output of the build program"))

    def _lay_out(self) -> None:
        self.missing = QWidget()
        self.missing.setObjectName("missing")
        self.missing.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        column = QVBoxLayout(self.missing)
        column.setContentsMargins(GRID + 4, GRID, GRID + 4, GRID)
        column.addWidget(self.missing_text)
        row = QHBoxLayout()
        row.addWidget(self.command, 1)
        row.addWidget(self.copy)
        row.addWidget(self.check_again)
        column.addLayout(row)
        precisions = QWidget()
        row = QHBoxLayout(precisions)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(GRID + 4)
        row.addWidget(quiet_label(tr("Build in")))
        for box in self.precisions.values():
            row.addWidget(box)
        row.addSpacing(GRID)
        row.addWidget(quiet_label(tr("from")))
        row.addWidget(self.weights, 1)
        row.addStretch()
        self.own.hide()
        self.own.message.hide()
        build = QGridLayout()
        build.setHorizontalSpacing(2 * GRID)
        build.setVerticalSpacing(GRID)
        build.addWidget(precisions, 0, 0)
        build.addWidget(self.own, 1, 0)
        build.addWidget(self.build, 0, 1, 2, 1, Qt.AlignmentFlag.AlignBottom)
        build.addWidget(self.own.message, 2, 0, 1, 2)
        build.setColumnStretch(0, 1)
        self._progress_row = QWidget()
        column = QVBoxLayout(self._progress_row)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID)
        row = QHBoxLayout()
        row.addWidget(self.state, 1)
        row.addWidget(self.elapsed)
        row.addWidget(self.show_log)
        row.addWidget(self.cancel)
        column.addLayout(row)
        column.addWidget(self.progress)
        column.addWidget(self.log)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GRID + 4)
        layout.addWidget(self.missing)
        layout.addLayout(build)
        layout.addWidget(self._progress_row)
        self.missing.hide()
        self._progress_row.hide()
        self.log.hide()

    def _wire(self) -> None:
        self.build.clicked.connect(lambda: self.start_build())
        self.cancel.clicked.connect(lambda: self._cancel())
        self.copy.clicked.connect(lambda: QApplication.clipboard().setText(self.command.text()))
        self.check_again.clicked.connect(lambda: self.check_asked.emit())
        self.weights.changed.connect(self._offer_own)
        self.own.changed.connect(lambda: self.refresh())
        for box in self.precisions.values():
            box.toggled.connect(lambda: self.refresh())
        self.show_log.toggled.connect(self.log.setVisible)
        self._tick.timeout.connect(self._show_elapsed)
        self._flush.timeout.connect(self._flush_log)
        self._builder.started.connect(self._started)
        self._builder.progress.connect(self._progressed)
        self._builder.logged.connect(self._logged)
        self._builder.finished.connect(self._finished)

    def _resume(self) -> None:
        """Show a build that was started before this form was created."""
        if self._builder.order is not None and self._builder.busy:
            self._started(self._builder.order)
            self._logged(list(self._builder.log))
            if self._builder.latest is not None:
                self._progressed(self._builder.latest)

    # The weights

    def use_checkpoint(self, path: Path) -> None:
        """Build from this file, or folder of files, instead of what is published."""
        self.weights.use(path)

    @property
    def _owned(self) -> bool:
        """Whether the weights need a description: a file of the user's, or random ones; published files do not."""
        file = self.weights.checkpoint is not None and not self.weights.from_folder
        return file or self.weights.random

    def _offer_own(self) -> None:
        """Show the fields for the user's own weights if a checkpoint file is chosen."""
        self.own.setVisible(self._owned)
        self._suggest_name()
        self.refresh()

    def _suggest_name(self) -> None:
        row = self._row
        # The published file under its own name is no model of the user's own.
        own = self.weights.checkpoint is not None and not (row and self._published_file(row))
        name = name_from(self.weights.checkpoint) if own and self.weights.checkpoint else ""
        self.own.suggest(name, row.key if row else "")

    def _published_file(self, row: CatalogueRow) -> bool:
        can, file = row.buildable, self.weights.checkpoint
        if can is None or file is None:
            return False
        return can.checkpoint.folder or can.checkpoint.url.rpartition("/")[2] == file.name  # a folder's files are known

    def _order(self, row: CatalogueRow) -> BuildOrder:
        """Return the order that the controls describe."""
        precisions = tuple(name for name, box in self.precisions.items() if box.isChecked())
        random = self.weights.random
        order = BuildOrder(row.key, row.title, precisions, self.weights.checkpoint, random)
        if not self._owned:
            return order
        own = self.own
        return replace(order, labels=own.labels_file, classes=own.count, own_name=own.own_name)

    def _own_fault(self) -> str:
        """Return the problem with the fields for the user's own weights; "" if there is none."""
        row = self._row
        if row is not None and (missing := self.weights.missing):
            return missing
        if row is None or not self.own.isVisibleTo(self):
            return ""
        if self.own.fault:
            return self.own.fault
        if name := self._replaced(row):
            return tr("A model named {name} already exists. Choose another name.", name=name)
        return ""

    def _replaced(self, row: CatalogueRow) -> str:
        """Return the folder with other weights that the build would replace; "" if there is none."""
        order = self._order(row)
        described = order.labels is not None or order.classes is not None or bool(order.own_name)
        own = self.weights.checkpoint is not None and (described or not self._published_file(row))
        for one in self._on_disk:
            model = one.model
            same = not model.spec.trained if order.random else own_weights(model) is own
            if model.name in order.folders and not same:
                return model.name
        return ""

    # The build

    def start_build(self) -> None:
        """Start the build that the controls describe."""
        row = self._row
        if self.own.isVisibleTo(self):
            self.own.check()  # the files may have changed since they were typed
        self.refresh()
        if row is None or row.buildable is None or not self.build.isEnabled():
            return
        self._builder.start(self._order(row))

    def _cancel(self) -> None:
        self._builder.cancel()
        self.show_message(tr("Canceling: removing incomplete files."))
        self.cancel.setEnabled(False)

    def _started(self, order: BuildOrder) -> None:
        self._began_s = time.monotonic()
        self._new_lines.clear()
        self.log.clear()
        self.progress.setRange(0, 0)
        self.progress.show()
        self.cancel.show()
        self.cancel.setEnabled(True)
        self.elapsed.show()
        self.show_message(tr("Building {title}…", title=order.title))
        self._tick.start()
        self._show_elapsed()
        self.refresh()

    def _progressed(self, progress: BuildProgress) -> None:
        if progress.fraction is None:
            self.progress.setRange(0, 0)
        else:
            self.progress.setRange(0, 1000)
            self.progress.setValue(round(progress.fraction * 1000))
        if progress.step != "failed" and not self._builder.cancelling:
            title = self._builder.order.title if self._builder.order else progress.model
            what = f"{title} {progress.precision}".strip()
            loading = progress.step == "download" and progress.message[:1].isdigit()
            said = tr("downloading, {amount}", amount=progress.message) if loading else progress.message
            self.show_message(f"{what}: {said}")

    def _logged(self, lines: list[str]) -> None:
        self._new_lines.extend(lines)
        if not self._flush.isActive():
            self._flush.start()

    def _flush_log(self) -> None:
        if self._new_lines:
            self.log.appendPlainText("\n".join(self._new_lines))
            self._new_lines.clear()

    def _finished(self, outcome: BuildOutcome) -> None:
        self._flush_log()
        self.progress.hide()
        self.cancel.hide()
        self._show_elapsed()
        failed = not (outcome.done or outcome.cancelled)
        self.show_message(
            tr("{title} was not built. {message}", title=outcome.order.title, message=outcome.message)
            if failed
            else outcome.message,
            "red" if failed else "",
        )
        if failed:
            self.show_log.setChecked(True)
        self._tick.stop()
        self.refresh()

    def show_message(self, text: str, tone: str = "") -> None:
        """Show a message in the line above the progress bar.

        Args:
            text: A sentence.
            tone: "amber" or "red" if it needs attention.
        """
        self._progress_row.show()
        if not self._builder.busy:
            self.progress.hide()
            self.cancel.hide()
        self.state.setText(text)
        self.state.setAccessibleName(text)
        set_tone(self.state, tone)

    def _show_elapsed(self) -> None:
        if self._builder.busy:
            self.elapsed.setText(formatting.clock(time.monotonic() - self._began_s))


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else tr("{join} and {names}", join=", ".join(names[:-1]), names=names[-1])
