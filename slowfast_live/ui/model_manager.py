"""The model manager: what is there, what can be built, how good and how fast it is; builds, shows and deletes."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path

from PySide6.QtCore import QEvent, QItemSelectionModel, QObject, Qt, QTimer, QUrl
from PySide6.QtGui import QDesktopServices, QFontDatabase, QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QApplication,
    QCheckBox,
    QComboBox,
    QDialog,
    QFileDialog,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QMessageBox,
    QPlainTextEdit,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QSplitter,
    QTableView,
    QTextBrowser,
    QVBoxLayout,
    QWidget,
)

from slowfast_live.errors import ModelError
from slowfast_live.inference.spec import Model
from slowfast_live.ui import wording
from slowfast_live.ui.background import Background
from slowfast_live.ui.controller import Controller
from slowfast_live.ui.model_builder import ModelBuilder, Order, Outcome, Progress, install_command, missing_packages
from slowfast_live.ui.model_card import accuracy_text
from slowfast_live.ui.model_catalogue import (
    PRECISIONS,
    Buildable,
    OnDisk,
    Row,
    Speeds,
    delete,
    merge,
    own_weights,
    stem_of,
    survey,
)
from slowfast_live.ui.model_table import (
    BUILT,
    NAME,
    SPARED,
    WIDE_PX,
    WIDTHS,
    BadgeDelegate,
    Index,
    RowModel,
    SortedRows,
    megabytes,
)
from slowfast_live.ui.own_weights import OwnWeights, name_from
from slowfast_live.ui.shortcuts import describe
from slowfast_live.ui.theme import GRID, Theme

_LOG_LINES = 2000
_FLUSH_MS = 100
_TICK_MS = 1000
_PUBLISHED, _FILE, _RANDOM = "published", "file", "random"
_CLIP_FPS = 30
_LABELS_SHOWN = 5
_FILE_NAME_PX = 28 * GRID
"""Width that the name of a checkpoint gets in the dropdown."""


@dataclass(frozen=True, slots=True)
class _Told:
    """What was found out on a thread."""

    buildable: list[Buildable]
    missing: list[str]
    error: ModelError | None = None


class ModelManager(QDialog):
    """Stands beside the window and does not stop it; a build goes on when it is closed.

    Args:
        controller: Where the models at hand come from, and where a choice goes.
        builder: Who builds.
        background: Who runs what takes time.
        speeds: What was measured in this session.
        parent: The window.
    """

    def __init__(
        self,
        controller: Controller,
        builder: ModelBuilder,
        background: Background,
        speeds: Speeds,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Models")
        self._controller, self._builder, self._background = controller, builder, background
        self._buildable: list[Buildable] = []
        self._on_disk: list[OnDisk] = []
        self._surveys = 0
        self._missing: list[str] = []
        self._checkpoint: Path | None = None
        self._just_built = ""
        self._began_s = 0.0
        self._new_lines: deque[str] = deque(maxlen=_LOG_LINES)
        self._table_model = RowModel(speeds, self)
        self._sorted = SortedRows(self._table_model, self)
        self._make_list()
        self._make_build()
        self._make_foot()
        self._lay_out()
        self._wire()
        self._resume()
        screen = self.screen().availableSize()
        self.setMinimumSize(680, 440)
        self.resize(min(1080, screen.width() - 4 * GRID), min(680, screen.height() - 8 * GRID))

    # Building

    def _make_list(self) -> None:
        self.search = QLineEdit()
        self.search.setPlaceholderText("Search models")
        self.search.setClearButtonEnabled(True)
        describe(self.search, "Search models", "Name, family, precision, or 'not built' (Ctrl+F)")
        self._count = QLabel()
        self._count.setProperty("tone", "quiet")
        self.table = QTableView()
        self.table.setModel(self._sorted)
        self.table.setSelectionBehavior(QTableView.SelectionBehavior.SelectRows)
        self.table.setSelectionMode(QTableView.SelectionMode.SingleSelection)
        self.table.setSortingEnabled(True)
        self.table.setShowGrid(False)
        self.table.setTabKeyNavigation(False)
        self.table.setWordWrap(False)
        self.table.verticalHeader().hide()
        self.table.verticalHeader().setDefaultSectionSize(30)
        header = self.table.horizontalHeader()
        header.setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        header.setSortIndicatorClearable(True)
        header.setHighlightSections(False)
        header.setMinimumSectionSize(48)
        for column, width in WIDTHS.items():
            self.table.setColumnWidth(column, width)
        header.setSectionResizeMode(NAME, QHeaderView.ResizeMode.Stretch)
        self.table.installEventFilter(self)
        self._badges = BadgeDelegate(self._badges_at, self.table)
        self.table.setItemDelegateForColumn(BUILT, self._badges)
        describe(self.table, "Models", "One line a model; Enter uses it, or goes on to build it")
        self.details = QTextBrowser()
        self.details.setOpenExternalLinks(True)
        self.details.setMinimumWidth(25 * GRID)
        describe(self.details, "Details of the model", "What the chosen model is, and where it comes from")

    def _make_build(self) -> None:
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
        self.copy = self._button("Copy", "Copy the command")
        self.check_again = self._button("Check again", "Look again what is installed")
        self.precisions = {name: QCheckBox(name) for name in PRECISIONS}
        for name, box in self.precisions.items():
            box.setChecked(name != "FP32")
            what = {"FP32": "exact, largest", "FP16": "half the size, same scores", "INT8": "smallest and fastest"}
            describe(box, f"Build in {name}", f"{name}: {what[name]}")
        self.weights = QComboBox()
        self.weights.setMinimumWidth(20 * GRID)
        self.weights.setMaximumWidth(40 * GRID)
        self.weights.addItem("Published weights", _PUBLISHED)
        self.weights.addItem("Use a checkpoint file…", _FILE)
        self.weights.addItem("Random weights", _RANDOM)
        tips = (
            "Download the authors' weights, once",
            "Weights that were fetched by other means",
            "Without a download: to try the speed; its scores mean nothing",
        )
        for row, text in enumerate(tips):
            self.weights.setItemData(row, text, Qt.ItemDataRole.ToolTipRole)
        describe(self.weights, "Weights", "Where the weights come from")
        self.own = OwnWeights()
        self.build = self._button("Build", "Build the chosen model; the window goes on meanwhile")
        self.build.setObjectName("primary")
        self.state = QLabel()
        self.state.setTextFormat(Qt.TextFormat.PlainText)
        self.state.setWordWrap(True)
        self.state.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.elapsed = QLabel()
        self.elapsed.setProperty("tone", "quiet")
        self.progress = QProgressBar()
        self.progress.setObjectName("build")
        self.progress.setTextVisible(False)
        self.progress.setAccessibleName("Progress of the build")
        self.cancel = self._button("Cancel build", "End the build; nothing half-made stays")
        self.show_log = self._button("Log", "Show what the build program wrote")
        self.show_log.setCheckable(True)
        self.log = QPlainTextEdit()
        self.log.setReadOnly(True)
        self.log.setMaximumBlockCount(_LOG_LINES)
        self.log.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.log.setTabChangesFocus(True)
        self.log.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.log.setMinimumHeight(10 * GRID)
        self.log.setMaximumHeight(20 * GRID)
        describe(self.log, "Log of the build", "What the build program wrote")

    def _make_foot(self) -> None:
        self.folders = QComboBox()
        self.folders.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.folders.setMinimumWidth(25 * GRID)
        describe(self.folders, "Built precision", "Which of the built precisions to use, show or delete")
        self.use = self._button("Use", "Switch to this model (Enter in the list)")
        self.show_folder = self._button("Show folder", "Open its folder in the file manager")
        self.delete = self._button("Delete…", "Delete it from the disk, after a question")
        self.shut = self._button("Close", "Close; a build goes on (Esc)")

    def _button(self, text: str, tip: str) -> QPushButton:
        button = QPushButton(text)
        # Enter in the search or the list must not press the nearest button.
        button.setAutoDefault(False)
        describe(button, text.rstrip("…"), tip)
        return button

    def _lay_out(self) -> None:
        top = QHBoxLayout()
        top.addWidget(self.search, 1)
        top.addSpacing(GRID)
        top.addWidget(self._count)
        self._splitter = QSplitter(Qt.Orientation.Horizontal)
        self._splitter.setHandleWidth(GRID)
        self._splitter.setChildrenCollapsible(False)
        self._splitter.addWidget(self.table)
        self._splitter.addWidget(self.details)
        self._splitter.setStretchFactor(0, 3)
        self._splitter.setStretchFactor(1, 1)
        self._splitter.setSizes([800, 240])
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
        self._build_row = QWidget()
        row = QHBoxLayout(self._build_row)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(GRID + 4)
        row.addWidget(self._quiet("Build in"))
        for box in self.precisions.values():
            row.addWidget(box)
        row.addSpacing(GRID)
        row.addWidget(self._quiet("from"))
        row.addWidget(self.weights, 1)
        row.addStretch()
        self.own.hide()
        self.own.said.hide()
        build = QGridLayout()
        build.setHorizontalSpacing(2 * GRID)
        build.setVerticalSpacing(GRID)
        build.addWidget(self._build_row, 0, 0)
        build.addWidget(self.own, 1, 0)
        build.addWidget(self.build, 0, 1, 2, 1, Qt.AlignmentFlag.AlignBottom)
        build.addWidget(self.own.said, 2, 0, 1, 2)
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
        foot = QHBoxLayout()
        foot.setSpacing(GRID)
        foot.addWidget(self._quiet("On disk"))
        for widget in (self.folders, self.use, self.show_folder, self.delete):
            foot.addWidget(widget)
        foot.addStretch(1)
        foot.addWidget(self.shut)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * GRID, 2 * GRID, 2 * GRID, 2 * GRID)
        layout.setSpacing(GRID + 4)
        layout.addLayout(top)
        layout.addWidget(self._splitter, 1)
        layout.addWidget(self.missing)
        layout.addLayout(build)
        layout.addWidget(self._progress_row)
        rule = QFrame()
        rule.setObjectName("rule")
        layout.addWidget(rule)
        layout.addLayout(foot)
        self.missing.hide()
        self._progress_row.hide()
        self.log.hide()

    def _quiet(self, text: str) -> QLabel:
        label = QLabel(text)
        label.setProperty("tone", "quiet")
        return label

    def _wire(self) -> None:
        self.search.textChanged.connect(self._search)
        self.table.selectionModel().currentRowChanged.connect(lambda: self._show_row())
        self.table.activated.connect(lambda: self._activate())
        self.build.clicked.connect(lambda: self.start_build())
        self.cancel.clicked.connect(lambda: self._cancel())
        self.copy.clicked.connect(lambda: QApplication.clipboard().setText(self.command.text()))
        self.check_again.clicked.connect(lambda: self._find_out())
        self.weights.activated.connect(lambda: self._weights_chosen())
        self.own.changed.connect(lambda: self._enable())
        for box in self.precisions.values():
            box.toggled.connect(lambda: self._enable())
        self.show_log.toggled.connect(self.log.setVisible)
        self.folders.currentIndexChanged.connect(lambda: self._enable())
        self.use.clicked.connect(lambda: self._use())
        self.show_folder.clicked.connect(lambda: self._show_folder())
        self.delete.clicked.connect(lambda: self._ask_delete())
        self.shut.clicked.connect(lambda: self.close())
        QShortcut(QKeySequence.StandardKey.Find, self, self._focus_search)
        self._controller.models_changed.connect(lambda: self._look())
        self._controller.model_changed.connect(lambda: self._running_changed())
        self._builder.started.connect(self._started)
        self._builder.progress.connect(self._progressed)
        self._builder.logged.connect(self._logged)
        self._builder.finished.connect(self._finished)
        self._tick = self._timer(_TICK_MS, self._each_second)
        self._flush = self._timer(_FLUSH_MS, self._flush_log)
        self._flush.setSingleShot(True)

    def _timer(self, interval_ms: int, slot: Callable[[], object]) -> QTimer:
        timer = QTimer(self)
        timer.setInterval(interval_ms)
        timer.timeout.connect(slot)
        return timer

    def _resume(self) -> None:
        """Take over a build that began before this dialog was made."""
        if self._builder.order is not None and self._builder.busy:
            self._started(self._builder.order)
            self._logged(list(self._builder.log))
            if self._builder.latest is not None:
                self._progressed(self._builder.latest)

    # What is there

    def open_up(self) -> None:
        """Show the dialog, or bring it to the front, and find out anew what is there."""
        self.show()
        self.raise_()
        self.activateWindow()
        self._look()
        self._find_out()
        self.table.setFocus()

    def set_theme(self, theme: Theme) -> None:
        """Take over a theme's colours."""
        self._badges.theme = theme
        self.table.viewport().update()
        self._show_row()

    def event(self, event: QEvent) -> bool:
        """Measure only while somebody looks."""
        if event.type() == QEvent.Type.Show:
            self._tick.start()
        elif event.type() == QEvent.Type.Hide and not self._builder.busy:
            self._tick.stop()
        return super().event(event)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Leave out of a narrow table what the details tell as well."""
        if watched is self.table and event.type() == QEvent.Type.Resize:
            for column in SPARED:
                self.table.setColumnHidden(column, self.table.width() < WIDE_PX)
            QTimer.singleShot(0, self.table, lambda: self.table.scrollTo(self.table.currentIndex()))
        return super().eventFilter(watched, event)

    def _find_out(self) -> None:
        tools = self._builder.tools
        if not self._buildable:
            self._count.setText("Looking what can be built…")

        def ask() -> _Told:
            missing = missing_packages(tools.needed)
            try:
                return _Told(tools.catalogue(), missing)
            except ModelError as error:
                return _Told([], missing, error)

        self._background.run(ask, self._found_out, name="catalogue")

    def _found_out(self, told: _Told) -> None:
        self._missing = told.missing
        self._buildable = told.buildable or self._buildable
        self.missing.setVisible(bool(told.missing))
        if told.missing:
            command = install_command()
            self.missing_text.setText(
                f"Building a model needs {_listed(told.missing)}, which running one does not. This installs it:"
            )
            self.command.setText(command)
            self.command.setAccessibleName(f"Command: {command}")
        if told.error is not None and not self._builder.busy:
            self._say(told.error.message, "amber")
            self.log.setPlainText(told.error.details)
        self._fill()

    def _look(self) -> None:
        """Measure the folders of the models at hand, on a thread."""
        self._surveys += 1
        number, models = self._surveys, self._controller.models

        def found(on_disk: list[OnDisk]) -> None:
            if number == self._surveys:  # else a newer one is under way
                self._on_disk = on_disk
                self._fill()

        self._background.run(lambda: survey(models), found, name="survey")

    def _fill(self) -> None:
        chosen = self.row()
        key = chosen.key if chosen else next((b.name for b in self._buildable if b.default), "")
        running = self._controller.pipeline.status().model
        if chosen is None:
            key = next((stem_of(one.model) for one in self._on_disk if one.model.name == running), key)
        rows = merge(self._buildable, self._on_disk)
        built = [row.key for row in rows if any(stem_of(one.model) == self._just_built for one in row.built)]
        if built:
            key, self._just_built = built[0], ""
        self._table_model.set_rows(rows)
        self._table_model.set_running(running)
        self._count_rows()
        self._choose(key)

    def _count_rows(self) -> None:
        shown, rows = self._sorted.rowCount(), self._table_model.rows
        built = sum(bool(row.built) for row in rows)
        self._count.setText(f"{shown} of {len(rows)}" if shown < len(rows) else f"{len(rows)} models, {built} built")

    def _choose(self, key: str) -> None:
        keys = [row.key for row in self._table_model.rows]
        index = self._sorted.mapFromSource(self._table_model.index(keys.index(key) if key in keys else 0, NAME))
        if not index.isValid() and self._sorted.rowCount():
            index = self._sorted.index(0, NAME)
        flags = QItemSelectionModel.SelectionFlag.ClearAndSelect | QItemSelectionModel.SelectionFlag.Rows
        self.table.selectionModel().setCurrentIndex(index, flags)
        self._show_row()

    def choose(self, key: str) -> None:
        """Choose a row by its name."""
        self._choose(key)
        self.table.scrollTo(self.table.currentIndex())

    def _search(self, words: str) -> None:
        self._sorted.search(words)
        self._count_rows()
        if not self.table.currentIndex().isValid():
            self._choose("")

    def _focus_search(self) -> None:
        self.search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.search.selectAll()

    def _number(self) -> int:
        index = self._sorted.mapToSource(self.table.currentIndex())
        return index.row() if index.isValid() else -1

    def row(self) -> Row | None:
        """Return the chosen row."""
        number = self._number()
        return self._table_model.rows[number] if 0 <= number < len(self._table_model.rows) else None

    def _badges_at(self, index: Index) -> tuple[str, ...]:
        row = self._table_model.rows[self._sorted.mapToSource(index).row()]
        order = self._builder.order if self._builder.busy else None
        return () if order is not None and row.key == order.name else row.badges

    # The chosen one

    def _show_row(self) -> None:
        row = self.row()
        kept = self.folders.currentData()
        self.folders.blockSignals(True)
        self.folders.clear()
        running = self._controller.pipeline.status().model
        for one in row.built if row else ():
            spec = one.model.spec
            parts = [spec.precision + ("" if spec.trained else " untrained"), megabytes(one.size_mb)]
            parts += ["running"] if one.model.name == running else []
            self.folders.addItem(" · ".join(parts), one.model.name)
        names = [self.folders.itemData(number) for number in range(self.folders.count())]
        trained = [one.model.name for one in (row.built if row else ()) if one.model.spec.trained]
        best = next((name for name in (kept, running) if name in names), (trained or names or [""])[-1])
        self.folders.setCurrentIndex(self.folders.findData(best))
        self.folders.setPlaceholderText("Not built" if row else "")
        self.folders.blockSignals(False)
        self.details.setHtml(self._details(row) if row else "")
        self._suggest_name()
        self._enable()

    def _details(self, row: Row) -> str:
        one = self._folder()
        spec, can = one.model.spec if one else None, row.buildable
        head = f"<h3>{escape(row.title)}</h3>"
        if spec and spec.description:
            head += f"<p>{escape(spec.description)}</p>"
        elif can:
            head += f"<p>{escape(can.family)} network, trained on Kinetics-400: 400 actions of everyday life.</p>"
        speed = self._table_model.speed(self._number())
        facts: list[tuple[str, str]] = []
        if spec:
            clip = spec.clip
            frames, stride, side, fps = clip.frames, clip.stride, clip.side, clip.fps
        elif can:
            frames, stride, side, fps = can.frames, can.stride, can.side, float(_CLIP_FPS)
        if spec or can:
            span_s = ((frames - 1) * stride + 1) / fps
            facts.append(
                ("Clip", f"{frames} pictures of {side} × {side} over {span_s:.2f} s (stride {stride} at {fps:g} fps)")
            )
        top1, top5 = row.accuracy("top-1"), row.accuracy("top-5")
        if top1 and top5:
            facts.append(("Accuracy", f"{top1:.1f} % top-1, {top5:.1f} % top-5 on Kinetics-400, published"))
        if spec:
            labels = spec.labels
            some = ", ".join(labels[:_LABELS_SHOWN]) + (" …" if len(labels) > _LABELS_SHOWN else "")
            facts.append(("Actions", f"{len(labels)}: {some}"))
            facts += [("Measured", accuracy_text(entry)) for entry in spec.accuracy if entry.origin == "measured"]
        how_fast = f"{speed.text.removesuffix(' measured')} a clip. {speed.origin}" if speed else ""
        facts.append(("Speed", how_fast or "not known: run a model, then it can be estimated"))
        licence = (spec.licence if spec else "") or (can.licence if can else "")
        facts.append(("Licence", licence or "not stated"))
        rows = [(name, escape(text)) for name, text in facts]
        url = (spec.origin.get("url", "") if spec else "") or (can.checkpoint.url if can else "")
        if url.startswith("https://"):
            # A zero-width space after each slash lets long addresses wrap.
            rows.append(("Weights", f'<a href="{escape(url)}">{escape(url).replace("/", "/&#8203;")}</a>'))
        elif spec and spec.origin.get("note"):
            rows.append(("Weights", escape(spec.origin["note"])))
        if can and can.checkpoint.downloaded:
            rows.append(("", "already downloaded"))
        if one:
            rows.append(("Folder", escape(str(one.model.folder)).replace("/", "/&#8203;")))
        body = "".join(f"<p><b>{name}</b><br>{text}</p>" if name else f"<p>{text}</p>" for name, text in rows)
        return f"<html><body>{head}{body}</body></html>"

    def _folder(self) -> OnDisk | None:
        row, name = self.row(), self.folders.currentData()
        return next((one for one in row.built if one.model.name == name), None) if row else None

    def _enable(self) -> None:
        row, one, busy = self.row(), self._folder(), self._builder.busy
        can = row.buildable if row else None
        chosen = [name for name, box in self.precisions.items() if box.isChecked()]
        why, fault = "", self._own_fault()
        if can is None:
            why = "This model is not one that can be built here"
        elif self._missing:
            why = f"Building needs {_listed(self._missing)}; the command above installs it"
        elif busy:
            why = "One model is built at a time"
        elif not chosen:
            why = "Choose a precision"
        elif fault:
            why = fault
        elif row and (name := self._replaced(row)):
            why = f"{name} holds weights of your own: delete it first"
        self.own.say(fault if can is not None else "")
        self.build.setEnabled(not why)
        self.build.setToolTip(wording.tooltip(why or f"Build {row.title if row else ''} into {self._builder.output}"))
        for widget in (*self.precisions.values(), self.weights, self.own):
            widget.setEnabled(can is not None and not busy)
        running = self._controller.pipeline.status().model
        self.folders.setEnabled(one is not None)
        self.use.setEnabled(one is not None and one.model.name != running)
        self.show_folder.setEnabled(one is not None)
        kept = self._kept(one) if one else "It is not built"
        self.delete.setEnabled(not kept)
        self.delete.setToolTip(wording.tooltip(kept or "Delete it from the disk, after a question"))

    def _kept(self, one: OnDisk) -> str:
        """Return why a folder cannot be deleted now, "" where it can."""
        if one.kept:
            return one.kept
        if one.model.name == self._controller.pipeline.status().model:
            return "It is running: choose another model first"
        if self._builder.busy and self._builder.order and one.model.name in self._builder.order.folders:
            return "It is being built anew"
        return ""

    def _running_changed(self) -> None:
        self._table_model.set_running(self._controller.pipeline.status().model)
        self._show_row()

    def _activate(self) -> None:
        if self.use.isEnabled():
            self._use()
        elif self.build.isEnabled():
            self.build.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def _use(self) -> None:
        if (one := self._folder()) is not None:
            self._controller.choose_model(one.model.name)
            self._say(f"Switching to {one.model.spec.display_name}.")

    def _show_folder(self) -> None:
        one = self._folder()
        if one is not None and not QDesktopServices.openUrl(QUrl.fromLocalFile(str(one.model.folder.absolute()))):
            self._say(f"No file manager answers. The folder is {one.model.folder}", "amber")

    def _ask_delete(self) -> None:
        one = self._folder()
        if one is None or self._kept(one):
            return
        box = QMessageBox(self)
        box.setWindowTitle("Delete a model")
        box.setIcon(QMessageBox.Icon.Question)
        box.setTextFormat(Qt.TextFormat.PlainText)
        box.setText(f"Delete {one.model.spec.display_name}?")
        box.setInformativeText(
            f"{one.model.folder}\n{megabytes(one.size_mb)} are freed. It can be built again"
            f"{' while you have its checkpoint' if own_weights(one.model) else ''}; there is no undo."
        )
        yes = box.addButton("Delete", QMessageBox.ButtonRole.DestructiveRole)
        no = box.addButton(QMessageBox.StandardButton.Cancel)
        box.setDefaultButton(no)
        box.setEscapeButton(no)
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        yes.clicked.connect(lambda: self._delete(one))
        self.question = box
        box.open()

    def _delete(self, one: OnDisk) -> None:
        model = one.model
        if why := self._kept(one):  # the window went on while the question stood
            self._say(f"{model.spec.display_name} was not deleted. {why}.", "amber")
            return
        self._background.run(
            lambda: delete(model),
            lambda _: self._deleted(model),
            lambda error: self._say(getattr(error, "message", str(error)), "red"),
            name="delete",
        )

    def _deleted(self, model: Model) -> None:
        self._say(f"{model.spec.display_name} is deleted.")
        self._controller.rescan()

    # Building

    def _weights_chosen(self) -> None:
        kind = self.weights.currentData()
        if kind == _FILE:
            dialog = QFileDialog(self, "Weights for this model")
            dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
            dialog.setNameFilters(["Checkpoints (*.pyth *.pth *.pt *.pkl)", "All files (*)"])
            dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
            dialog.fileSelected.connect(lambda path: self.use_checkpoint(Path(path)))
            dialog.rejected.connect(self._file_rejected)
            dialog.open()
        else:
            self._forget_file()
        self._offer_own()

    def use_checkpoint(self, path: Path) -> None:
        """Build from this file rather than from the published weights."""
        self._checkpoint = path
        row = self.weights.findData(_FILE)
        shown = self.fontMetrics().elidedText(path.name, Qt.TextElideMode.ElideMiddle, _FILE_NAME_PX)
        self.weights.setItemText(row, f"File: {shown}")
        self.weights.setItemData(row, wording.tooltip(str(path)), Qt.ItemDataRole.ToolTipRole)
        self.weights.setCurrentIndex(row)
        self.weights.setToolTip(wording.tooltip(str(path)))
        self._offer_own()

    def _file_rejected(self) -> None:
        if self._checkpoint is None:
            self.weights.setCurrentIndex(self.weights.findData(_PUBLISHED))
        self._offer_own()

    def _forget_file(self) -> None:
        self._checkpoint = None
        self.weights.setItemText(self.weights.findData(_FILE), "Use a checkpoint file…")
        self.weights.setToolTip(self.weights.itemData(self.weights.currentIndex(), Qt.ItemDataRole.ToolTipRole))

    def _offer_own(self) -> None:
        """Offer the fields for weights of one's own where there are such."""
        self.own.setVisible(self._checkpoint is not None or self.weights.currentData() == _RANDOM)
        self._suggest_name()
        self._enable()

    def _suggest_name(self) -> None:
        row = self.row()
        # The published file under its own name is no model of the user's own.
        own = self._checkpoint is not None and not (row and self._published_file(row))
        name = name_from(self._checkpoint) if own and self._checkpoint else ""
        self.own.suggest(name, row.key if row else "")

    def _published_file(self, row: Row) -> bool:
        can, file = row.buildable, self._checkpoint
        return can is not None and file is not None and can.checkpoint.url.rpartition("/")[2] == file.name

    def _order(self, row: Row) -> Order:
        """Return what the controls ask for."""
        precisions = tuple(name for name, box in self.precisions.items() if box.isChecked())
        random = self.weights.currentData() == _RANDOM
        order = Order(row.key, row.title, precisions, self._checkpoint, random)
        if self._checkpoint is None and not random:
            return order
        own = self.own
        return replace(order, labels=own.labels_file, classes=own.count, own_name=own.own_name)

    def _own_fault(self) -> str:
        """Return what is wrong with the fields for weights of the user's own, "" where nothing is."""
        row = self.row()
        if row is None or not self.own.isVisibleTo(self):
            return ""
        if self.own.fault:
            return self.own.fault
        if self._checkpoint is not None and not self._checkpoint.is_file():
            return f"The checkpoint {self._checkpoint} is not there. Choose another file."
        if name := self._replaced(row):
            return f"There is another model {name} already. Give yours a name of its own."
        return ""

    def _replaced(self, row: Row) -> str:
        """Return the folder that the build would replace, though it holds other weights; "" for none."""
        order = self._order(row)
        described = order.labels is not None or order.classes is not None or bool(order.own_name)
        own = self._checkpoint is not None and (described or not self._published_file(row))
        for one in self._on_disk:
            model = one.model
            same = not model.spec.trained if order.random else own_weights(model) is own
            if model.name in order.folders and not same:
                return model.name
        return ""

    def start_build(self) -> None:
        """Build the chosen model as the controls say."""
        row = self.row()
        if self.own.isVisibleTo(self):
            self.own.check()  # the files may have changed since they were typed
            self._enable()
        if row is None or row.buildable is None or not self.build.isEnabled():
            return
        self._builder.start(self._order(row))

    def _cancel(self) -> None:
        self._builder.cancel()
        self._say("Cancelling: the build clears up.")
        self.cancel.setEnabled(False)

    def _started(self, order: Order) -> None:
        self._began_s = time.monotonic()
        self._new_lines.clear()
        self.log.clear()
        self.progress.setRange(0, 0)
        self.progress.show()
        self.cancel.show()
        self.cancel.setEnabled(True)
        self.elapsed.show()
        self._say(f"Building {order.title}…")
        self._tick.start()
        self._each_second()
        self._table_model.set_building(order.name)
        self._enable()

    def _progressed(self, progress: Progress) -> None:
        if progress.fraction is None:
            self.progress.setRange(0, 0)
        else:
            self.progress.setRange(0, 1000)
            self.progress.setValue(round(progress.fraction * 1000))
        if progress.step != "failed" and not self._builder.cancelling:
            title = self._builder.order.title if self._builder.order else progress.model
            what = f"{title} {progress.precision}".strip()
            loading = progress.step == "download" and progress.message[:1].isdigit()
            self._say(f"{what}: {'downloading, ' if loading else ''}{progress.message}")

    def _logged(self, lines: list[str]) -> None:
        self._new_lines.extend(lines)
        if not self._flush.isActive():
            self._flush.start()

    def _flush_log(self) -> None:
        if self._new_lines:
            self.log.appendPlainText("\n".join(self._new_lines))
            self._new_lines.clear()

    def _finished(self, outcome: Outcome) -> None:
        self._flush_log()
        self.progress.hide()
        self.cancel.hide()
        self._each_second()
        failed = not (outcome.done or outcome.cancelled)
        self._say(
            f"{outcome.order.title} was not built. {outcome.message}" if failed else outcome.message,
            "red" if failed else "",
        )
        row = self.row()
        if outcome.done and row is not None and row.key == outcome.order.name:
            self._just_built = outcome.order.folder_stem
        if failed:
            self.show_log.setChecked(True)
        if not self.isVisible():
            self._tick.stop()
        self._table_model.set_building("")
        self._show_row()

    def _say(self, text: str, tone: str = "") -> None:
        self._progress_row.show()
        if not self._builder.busy:
            self.progress.hide()
            self.cancel.hide()
        self.state.setText(text)
        self.state.setAccessibleName(text)
        if self.state.property("tone") != tone:
            self.state.setProperty("tone", tone)
            self.state.style().unpolish(self.state)
            self.state.style().polish(self.state)

    def _each_second(self) -> None:
        self._table_model.refresh_speeds()
        if self._builder.busy:
            self.elapsed.setText(wording.clock(time.monotonic() - self._began_s))


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
