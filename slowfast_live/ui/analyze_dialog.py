"""Analyze files and folders beside the window: what, how, how far it is, and where the results are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Protocol

from PySide6.QtCore import QStandardPaths, Qt, QTimer, QUrl, Signal
from PySide6.QtGui import (
    QDesktopServices,
    QDragEnterEvent,
    QDropEvent,
    QKeySequence,
    QPainter,
    QPaintEvent,
    QPalette,
    QShortcut,
)
from PySide6.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QComboBox,
    QDialog,
    QDoubleSpinBox,
    QFileDialog,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from slowfast_live.analysis.analyzer import AnalysisSettings
from slowfast_live.analysis.command import Order
from slowfast_live.analysis.job import AnalysisJob, JobEnd
from slowfast_live.analysis.outputs import Outputs
from slowfast_live.analysis.progress import Step
from slowfast_live.errors import UsageError
from slowfast_live.inference.spec import Model
from slowfast_live.ui.intake import file_filter
from slowfast_live.ui.shortcuts import describe
from slowfast_live.ui.theme import GRID

_POLL_MS = 60
_STEPS = 1000
_FORMATS = (
    ("csv", "Tables", "CSV, for spreadsheets"),
    ("srt", "SRT", "Subtitles, for players"),
    ("vtt", "WebVTT", "Subtitles, for browsers"),
)


class Job(Protocol):
    """What runs an order; see `AnalysisJob`."""

    def start(self) -> None:
        """Start; returns at once."""
        ...

    def cancel(self) -> None:
        """Ask it to end."""
        ...


JobMaker = Callable[[Order, Callable[[Step], None], Callable[[JobEnd], None]], Job]


class _Paths(QListWidget):
    """Says what to do with it while it is empty."""

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """Draw the list, or the hint."""
        super().paintEvent(event)
        if self.count() == 0:
            painter = QPainter(self.viewport())
            painter.setPen(self.palette().color(QPalette.ColorRole.PlaceholderText))
            painter.drawText(self.viewport().rect(), Qt.AlignmentFlag.AlignCenter, "Drop videos and folders here")


class AnalyzeDialog(QDialog):
    """Stands beside the window and does not stop it; an analysis goes on when it is closed.

    Args:
        models: Returns the models at hand, best first.
        chosen: Returns (name of the model, device) that the window uses now.
        parent: The window.
        make_job: Makes what runs an order.
    """

    ended = Signal(object)
    """`JobEnd`, of each analysis."""

    def __init__(
        self,
        models: Callable[[], Sequence[Model]],
        chosen: Callable[[], tuple[str | None, str]],
        parent: QWidget | None = None,
        make_job: JobMaker = AnalysisJob,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Analyze files")
        self.setAcceptDrops(True)
        self._models, self._chosen, self._make_job = models, chosen, make_job
        self._device = "CPU"
        self._job: Job | None = None
        self._report: Path | None = None
        self._news: SimpleQueue[Step | JobEnd] = SimpleQueue()
        self._timer = QTimer(self)
        self._timer.setInterval(_POLL_MS)
        self._timer.timeout.connect(self._take_news)
        self._make_inputs()
        self._make_progress()
        self._lay_out()
        self._wire()
        self._enable()
        self.setMinimumSize(60 * GRID, 56 * GRID)
        self.resize(84 * GRID, 68 * GRID)

    # Building

    def _make_inputs(self) -> None:
        self.paths = _Paths()
        self.paths.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.paths.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        describe(self.paths, "Files and folders to analyze", "Drop videos and folders here; Del takes one away")
        self.add_files = self._button("Add files…", "Choose video files")
        self.add_folder = self._button("Add folder…", "Choose a folder; all videos in it are analyzed")
        self.remove = self._button("Remove", "Take the selected ones from the list")
        self.model = QComboBox()
        describe(self.model, "Model", "Which model looks at the videos")
        self.stride = QDoubleSpinBox()
        self.stride.setRange(0.1, 60.0)
        self.stride.setSingleStep(0.1)
        self.stride.setValue(AnalysisSettings().stride_s)
        self.stride.setSuffix(" s")
        describe(self.stride, "Time between looks", "Seconds of the video from one look to the next")
        self.formats = {name: QCheckBox(text) for name, text, _tip in _FORMATS}
        for name, text, tip in _FORMATS:
            self.formats[name].setChecked(True)
            describe(self.formats[name], text, tip)
        self.annotate = QCheckBox("Video with labels")
        describe(self.annotate, "Video with labels", "A copy of each video with the labels in it; takes longer")
        self.folder = QLineEdit(str(_usual_folder()))
        describe(self.folder, "Folder of the results", "Where the results go; the same folder goes on where it ended")
        self.choose_folder = self._button("Choose…", "Choose the folder of the results")

    def _make_progress(self) -> None:
        self.state = QLabel()
        self.state.setTextFormat(Qt.TextFormat.PlainText)
        self.state.setWordWrap(True)
        self.state.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.this_file, self.all_files = self._bar("This file"), self._bar("All files")
        self.results = QListWidget()
        self.results.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.results.setWordWrap(True)
        describe(self.results, "Results", "What was found in each file")
        self.start = self._button("Analyze", "Start; what was done earlier is not done again")
        self.start.setObjectName("primary")
        self.cancel = self._button("Cancel", "End it; what is done is kept")
        self.open_report = self._button("Open report", "Show the report in the browser")
        self.open_folder = self._button("Show folder", "Open the folder of the results")
        self.shut = self._button("Close", "Close; an analysis goes on (Esc)")

    def _bar(self, name: str) -> QProgressBar:
        bar = QProgressBar()
        bar.setObjectName("build")
        bar.setRange(0, _STEPS)
        bar.setTextVisible(False)
        bar.setAccessibleName(name)
        return bar

    def _button(self, text: str, tip: str) -> QPushButton:
        button = QPushButton(text)
        button.setAutoDefault(False)
        describe(button, text.rstrip("…"), tip)
        return button

    def _quiet(self, text: str) -> QLabel:
        label = QLabel(text)
        label.setProperty("tone", "quiet")
        return label

    def _lay_out(self) -> None:
        beside = QVBoxLayout()
        beside.setSpacing(GRID)
        for button in (self.add_files, self.add_folder, self.remove):
            beside.addWidget(button)
        beside.addStretch(1)
        top = QHBoxLayout()
        top.setSpacing(GRID + 4)
        top.addWidget(self.paths, 1)
        top.addLayout(beside)
        wanted = QHBoxLayout()
        wanted.setSpacing(2 * GRID)
        for box in (*self.formats.values(), self.annotate):
            wanted.addWidget(box)
        wanted.addStretch(1)
        where = QHBoxLayout()
        where.setSpacing(GRID)
        where.addWidget(self.folder, 1)
        where.addWidget(self.choose_folder)
        how = QHBoxLayout()
        how.setSpacing(GRID)
        how.addWidget(self.model, 1)
        how.addWidget(self._quiet("a look every"))
        how.addWidget(self.stride)
        self._inputs = QWidget()
        grid = QGridLayout(self._inputs)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setVerticalSpacing(GRID)
        grid.setHorizontalSpacing(GRID + 4)
        grid.setColumnStretch(1, 1)
        for row, (text, part) in enumerate((("Model", how), ("Write", wanted), ("To", where))):
            grid.addWidget(self._quiet(text), row, 0)
            grid.addLayout(part, row, 1)
        foot = QHBoxLayout()
        foot.setSpacing(GRID)
        for button in (self.open_report, self.open_folder):
            foot.addWidget(button)
        foot.addStretch(1)
        for button in (self.cancel, self.start, self.shut):
            foot.addWidget(button)
        rule = QFrame()
        rule.setObjectName("rule")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * GRID, 2 * GRID, 2 * GRID, 2 * GRID)
        layout.setSpacing(GRID + 4)
        layout.addLayout(top, 2)
        layout.addWidget(self._inputs)
        layout.addWidget(self.state)
        layout.addWidget(self.this_file)
        layout.addWidget(self.all_files)
        layout.addWidget(self.results, 3)
        layout.addWidget(rule)
        layout.addLayout(foot)

    def _wire(self) -> None:
        self.add_files.clicked.connect(lambda: self._ask_files())
        self.add_folder.clicked.connect(lambda: self._ask_folder("Add a folder", lambda path: self.add([Path(path)])))
        self.remove.clicked.connect(lambda: self._remove())
        self.choose_folder.clicked.connect(lambda: self._ask_folder("Folder of the results", self.folder.setText))
        self.paths.itemSelectionChanged.connect(self._enable)
        self.folder.textChanged.connect(self._enable)
        self.start.clicked.connect(lambda: self.start_analysis())
        self.cancel.clicked.connect(lambda: self._cancel())
        self.open_report.clicked.connect(lambda: self._open(self._report))
        self.open_folder.clicked.connect(lambda: self._open(Path(self.folder.text())))
        self.shut.clicked.connect(lambda: self.close())
        QShortcut(QKeySequence.StandardKey.Delete, self.paths, self._remove, context=Qt.ShortcutContext.WidgetShortcut)

    # What others may ask

    @property
    def busy(self) -> bool:
        """Whether an analysis is under way."""
        return self._job is not None

    def open_up(self) -> None:
        """Show the dialog, with the model that the window uses now."""
        if not self.busy:
            self._offer_models()
        self.show()
        self.raise_()
        self.activateWindow()

    def add(self, paths: Sequence[Path]) -> None:
        """Add files and folders; what is in the list already stays once."""
        present = {self.paths.item(row).text() for row in range(self.paths.count())}
        self.paths.addItems([name for name in dict.fromkeys(map(str, paths)) if name not in present])
        self._enable()

    def shut_down(self) -> None:
        """End the analysis under way, at the end of the app; what is done is kept."""
        self._timer.stop()
        if self._job is not None:
            self._job.cancel()
            self._job = None

    def start_analysis(self) -> None:
        """Start to analyze what is in the list."""
        if self._job is not None:
            return
        try:
            order = self._order()
        except UsageError as error:
            self.state.setText(error.message)
            return
        self.results.clear()
        self._report = None
        self.this_file.setValue(0)
        self.all_files.setValue(0)
        self.state.setText("Looking for videos")
        self._job = self._make_job(order, self._news.put, self._news.put)
        self._job.start()
        self._timer.start()
        self._enable()
        self.cancel.setFocus()

    # Wishes

    def _order(self) -> Order:
        formats = ("json", *(name for name, box in self.formats.items() if box.isChecked()))
        return Order(
            given=tuple(Path(self.paths.item(row).text()) for row in range(self.paths.count())),
            outputs=Outputs(Path(self.folder.text()).expanduser(), formats, self.annotate.isChecked()),
            settings=AnalysisSettings(round(self.stride.value(), 3)),
            model=self.model.currentData(),
            device=self._device,
            json_lines=True,
        )

    def _cancel(self) -> None:
        if self._job is not None:
            self.cancel.setEnabled(False)
            self.state.setText("Ending; what is done is kept")
            self._job.cancel()

    def _remove(self) -> None:
        for item in self.paths.selectedItems():
            self.paths.takeItem(self.paths.row(item))
        self._enable()

    def _ask_files(self) -> None:
        dialog = QFileDialog(self, "Add videos")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
        dialog.setNameFilters(file_filter().split(";;"))
        dialog.filesSelected.connect(lambda names: self.add([Path(name) for name in names]))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    def _ask_folder(self, title: str, chosen: Callable[[str], object]) -> None:
        dialog = QFileDialog(self, title)
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly)
        dialog.fileSelected.connect(chosen)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    def _open(self, path: Path | None) -> None:
        if path is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(path)))

    def _offer_models(self) -> None:
        name, self._device = self._chosen()
        self.model.clear()
        for model in self._models():
            self.model.addItem(model.spec.display_name, model.name)
        self.model.setCurrentIndex(max(0, self.model.findData(name)))

    # News

    def _take_news(self) -> None:
        while True:
            try:
                news = self._news.get_nowait()
            except Empty:
                return
            if isinstance(news, JobEnd):
                self._show_end(news)
            else:
                self._show_step(news)

    def _show_step(self, step: Step) -> None:
        self.this_file.setValue(round(step.fraction * _STEPS))
        self.all_files.setValue(round(step.overall * _STEPS))
        if step.step in ("done", "skipped", "failed"):
            self.results.addItem(step.message)
            self.results.scrollToBottom()
        if step.file and self.cancel.isEnabled():
            of = f" ({step.number} of {step.files})" if step.files > 1 else ""
            self.state.setText(f"{Path(step.file).name}{of}")

    def _show_end(self, end: JobEnd) -> None:
        self._timer.stop()
        self._job, self._report = None, end.report
        self.state.setText(end.message)
        self._enable()
        self.ended.emit(end)

    def _enable(self) -> None:
        busy = self.busy
        for part in (self.paths, self._inputs, self.add_files, self.add_folder):
            part.setEnabled(not busy)
        self.remove.setEnabled(not busy and bool(self.paths.selectedItems()))
        self.start.setEnabled(not busy and self.paths.count() > 0 and bool(self.folder.text().strip()))
        self.start.setVisible(not busy)
        self.cancel.setVisible(busy)
        self.cancel.setEnabled(busy)
        for bar in (self.this_file, self.all_files):
            bar.setVisible(busy)
        self.results.setVisible(busy or self.results.count() > 0)
        self.open_report.setVisible(self._report is not None)
        self.open_folder.setVisible(self._report is not None)

    # Qt

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802
        """Take files and folders."""
        if not self.busy and any(url.isLocalFile() for url in event.mimeData().urls()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802
        """Add what was dropped."""
        self.add([Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()])
        event.acceptProposedAction()


def _usual_folder() -> Path:
    movies = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.MoviesLocation)
    return Path(movies or Path.home()) / "SlowFast Live analysis"
