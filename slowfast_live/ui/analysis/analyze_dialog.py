"""The non-modal dialog that analyzes files and folders: input, options, progress and results."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
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
    QFileDialog,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QProgressBar,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from slowfast_live.analysis.analyzer import AnalysisSettings
from slowfast_live.analysis.command import AnalyzeOptions
from slowfast_live.analysis.job import AnalysisJob, JobEnd
from slowfast_live.analysis.outputs import OutputFolder
from slowfast_live.analysis.progress import Step
from slowfast_live.errors import UsageError
from slowfast_live.inference.spec import Model
from slowfast_live.text_safety import shown_name
from slowfast_live.ui.commands.buttons import push_button
from slowfast_live.ui.commands.commands import describe
from slowfast_live.ui.controller.drops import local_path
from slowfast_live.ui.controller.source_input import file_filter, on_disk
from slowfast_live.ui.style.fields import number_field
from slowfast_live.ui.style.fitting import resize_to_fit
from slowfast_live.ui.style.language import shown, tr, words
from slowfast_live.ui.style.theme import GRID

_POLL_MS = 60
_STEPS = 1000
_FORMATS = (
    ("csv", tr("Tables"), tr("CSV, for spreadsheets")),
    ("srt", "SRT", tr("Subtitles, for players")),
    ("vtt", "WebVTT", tr("Subtitles, for browsers")),
)


class AnalysisHandle(Protocol):
    """A running analysis; see `AnalysisJob`."""

    def start(self) -> None:
        """Start the analysis; returns at once."""
        ...

    def cancel(self) -> None:
        """Request the analysis to end."""
        ...


JobMaker = Callable[[AnalyzeOptions, Callable[[Step], None], Callable[[JobEnd], None]], AnalysisHandle]


class _Paths(QListWidget):
    """A list of paths that shows a hint while it is empty."""

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """Draw the list, or the hint."""
        super().paintEvent(event)
        if self.count() == 0:
            painter = QPainter(self.viewport())
            painter.setPen(self.palette().color(QPalette.ColorRole.PlaceholderText))
            painter.drawText(self.viewport().rect(), Qt.AlignmentFlag.AlignCenter, tr("Drop videos and folders here"))
            painter.end()


@dataclass(frozen=True)
class _Given:
    """A path as Python represents it: Qt strings cannot represent names that are not valid UTF-8."""

    path: Path


class AnalyzeDialog(QDialog):
    """A non-modal dialog; a running analysis continues after the dialog is closed.

    Args:
        models: Returns the available models, best first.
        chosen: Returns (name of the model, device) that the window uses now.
        parent: The window.
        make_job: Creates the job that runs an analysis.
    """

    began = Signal()
    ended = Signal(object)
    """Emits the `JobEnd` of each analysis."""

    def __init__(
        self,
        models: Callable[[], Sequence[Model]],
        chosen: Callable[[], tuple[str | None, str]],
        parent: QWidget | None = None,
        make_job: JobMaker = AnalysisJob,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("Analyze files"))
        self.setAcceptDrops(True)
        self._models, self._chosen, self._make_job = models, chosen, make_job
        self._device = "CPU"
        self._job: AnalysisHandle | None = None
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
        resize_to_fit(self, 84 * GRID, 68 * GRID)

    # Building

    def _make_inputs(self) -> None:
        self.paths = _Paths()
        self.paths.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.paths.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        describe(self.paths, tr("Files and folders to analyze"), tr("Drop videos and folders here; Del removes one"))
        self.add_files = push_button(tr("Add files…"), tr("Choose video files"))
        self.add_folder = push_button(tr("Add folder…"), tr("Choose a folder; all videos in it are analyzed"))
        self.remove = push_button(tr("Remove"), tr("Remove the selected entries from the list"))
        self.model = QComboBox()
        describe(self.model, tr("Model"), tr("Model that recognizes actions in the videos"))
        self.stride = number_field(0.1, 60.0, 2, 0.1, "s")
        self.stride.setValue(AnalysisSettings().stride_s)
        describe(self.stride, tr("Time between predictions"), tr("Seconds of video from one prediction to the next"))
        self.formats = {name: QCheckBox(text) for name, text, _tip in _FORMATS}
        for name, text, tip in _FORMATS:
            self.formats[name].setChecked(True)
            describe(self.formats[name], text, tip)
        self.annotate = QCheckBox(tr("Video with labels"))
        describe(
            self.annotate, tr("Video with labels"), tr("Also write a copy of each video with its labels; takes longer")
        )
        self.folder = QLineEdit(str(_usual_folder()))
        describe(
            self.folder,
            tr("Folder of the results"),
            tr("Folder for the results; a stopped analysis in it is continued"),
        )
        self.choose_folder = push_button(tr("Choose…"), tr("Choose the folder for the results"))

    def _make_progress(self) -> None:
        self.state = QLabel()
        self.state.setTextFormat(Qt.TextFormat.PlainText)
        self.state.setWordWrap(True)
        self.state.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.this_file, self.all_files = self._bar(tr("This file")), self._bar(tr("All files"))
        self.results = QListWidget()
        self.results.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.results.setWordWrap(True)
        describe(self.results, tr("Results"), tr("What was found in each file"))
        self.start = push_button(tr("Analyze"), tr("Start; files that are already done are skipped"))
        self.start.setObjectName("primary")
        self.cancel = push_button(tr("Cancel"), tr("Stop; finished results are kept"))
        self.open_report = push_button(tr("Open report"), tr("Show the report in the browser"))
        self.open_folder = push_button(tr("Show folder"), tr("Open the folder of the results"))
        self.shut = push_button(tr("Close"), tr("Close; a running analysis continues (Esc)"))

    def _bar(self, name: str) -> QProgressBar:
        bar = QProgressBar()
        bar.setObjectName("build")
        bar.setRange(0, _STEPS)
        bar.setTextVisible(False)
        bar.setAccessibleName(name)
        return bar

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
        how.addWidget(self._quiet(tr("predict every")))
        how.addWidget(self.stride)
        self._inputs = QWidget()
        grid = QGridLayout(self._inputs)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setVerticalSpacing(GRID)
        grid.setHorizontalSpacing(GRID + 4)
        grid.setColumnStretch(1, 1)
        for row, (text, part) in enumerate(((tr("Model"), how), (tr("Write"), wanted), (tr("To"), where))):
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
        self.add_folder.clicked.connect(
            lambda: self._ask_folder(tr("Add a folder"), lambda path: self.add([Path(path)]))
        )
        self.remove.clicked.connect(lambda: self._remove())
        self.choose_folder.clicked.connect(lambda: self._ask_folder(tr("Folder of the results"), self.folder.setText))
        self.paths.itemSelectionChanged.connect(self._enable)
        self.folder.textChanged.connect(self._enable)
        self.start.clicked.connect(lambda: self.start_analysis())
        self.cancel.clicked.connect(lambda: self._cancel())
        self.open_report.clicked.connect(lambda: self._open(self._report))
        self.open_folder.clicked.connect(lambda: self._open(Path(self.folder.text())))
        self.shut.clicked.connect(lambda: self.close())
        QShortcut(QKeySequence.StandardKey.Delete, self.paths, self._remove, context=Qt.ShortcutContext.WidgetShortcut)

    # Public interface

    @property
    def busy(self) -> bool:
        """Whether an analysis is running."""
        return self._job is not None

    def open_up(self) -> None:
        """Show the dialog, with the model that the window uses now."""
        if not self.busy:
            self._offer_models()
        self.show()
        self.raise_()
        self.activateWindow()

    def add(self, paths: Sequence[Path]) -> None:
        """Add files and folders that are not in the list yet."""
        present = self._given()
        for path in dict.fromkeys(map(on_disk, paths)):
            if path not in present:
                item = QListWidgetItem(shown_name(str(path)))
                item.setData(Qt.ItemDataRole.UserRole, _Given(path))
                self.paths.addItem(item)
        self._enable()

    def only(self, paths: Sequence[Path]) -> None:
        """List these files and folders instead of those in the list."""
        self.paths.clear()
        self.add(paths)

    def shut_down(self) -> None:
        """End the running analysis at shutdown; finished results are kept."""
        self._timer.stop()
        if self._job is not None:
            self._job.cancel()
            self._job = None

    def start_analysis(self) -> None:
        """Start analyzing the files and folders in the list."""
        if self._job is not None:
            return
        try:
            order = self._order()
        except UsageError as error:
            self.state.setText(words(error))
            return
        self.results.clear()
        self._report = None
        self.this_file.setValue(0)
        self.all_files.setValue(0)
        self.state.setText(tr("Looking for videos"))
        self._job = self._make_job(order, self._news.put, self._news.put)
        self.began.emit()
        self._job.start()
        self._timer.start()
        self._enable()
        self.cancel.setFocus()

    # User input

    def _order(self) -> AnalyzeOptions:
        formats = ("json", *(name for name, box in self.formats.items() if box.isChecked()))
        return AnalyzeOptions(
            given=tuple(self._given()),
            outputs=OutputFolder(Path(self.folder.text()).expanduser(), formats, self.annotate.isChecked()),
            settings=AnalysisSettings(round(self.stride.value(), 3)),
            model=self.model.currentData(),
            device=self._device,
            json_lines=True,
        )

    def _given(self) -> list[Path]:
        return [self.paths.item(row).data(Qt.ItemDataRole.UserRole).path for row in range(self.paths.count())]

    def _cancel(self) -> None:
        if self._job is not None:
            self.cancel.setEnabled(False)
            self.state.setText(tr("Stopping; finished results are kept"))
            self._job.cancel()

    def _remove(self) -> None:
        for item in self.paths.selectedItems():
            self.paths.takeItem(self.paths.row(item))
        self._enable()

    def _ask_files(self) -> None:
        dialog = QFileDialog(self, tr("Add videos"))
        dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
        dialog.setNameFilters(file_filter().split(";;"))
        dialog.setOption(QFileDialog.Option.HideNameFilterDetails)
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

    # Updates

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
        if step.step == "notice":
            self.results.addItem(shown(step.message))
            self.results.scrollToBottom()
            return
        self.this_file.setValue(round(step.fraction * _STEPS))
        self.all_files.setValue(round(step.overall * _STEPS))
        if step.message and step.step in ("start", "done", "skipped", "failed"):
            self.results.addItem(shown(step.message))
            self.results.scrollToBottom()
        if step.file and self.cancel.isEnabled():
            of = tr(" ({number} of {files})", number=step.number, files=step.files) if step.files > 1 else ""
            self.state.setText(f"{Path(step.file).name}{of}")

    def _show_end(self, end: JobEnd) -> None:
        self._timer.stop()
        self._job, self._report = None, end.report
        self.state.setText(shown(end.message))
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

    # Qt's event handlers

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802
        """Accept files and folders."""
        if not self.busy and any(url.isLocalFile() for url in event.mimeData().urls()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802
        """Add the dropped files and folders."""
        self.add([path for path in map(local_path, event.mimeData().urls()) if path is not None])
        event.acceptProposedAction()


def _usual_folder() -> Path:
    movies = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.MoviesLocation)
    return Path(movies or Path.home()) / tr("SlowFast Live analysis")
