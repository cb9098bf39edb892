"""The list of files that are played one after the other."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QEvent, QObject, QStandardPaths, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QDialog,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QVBoxLayout,
    QWidget,
)

from slowfast_live.text_safety import shown_name
from slowfast_live.types import SourceKind, SourceSpec
from slowfast_live.ui.commands.buttons import push_button
from slowfast_live.ui.commands.commands import describe
from slowfast_live.ui.controller import source_input
from slowfast_live.ui.controller.file_queue import FileQueue
from slowfast_live.ui.style import formatting
from slowfast_live.ui.style.fitting import resize_to_fit
from slowfast_live.ui.style.language import tr
from slowfast_live.ui.style.theme import GRID

_EMPTY = tr("No files yet. Add some, or drop several files on the window: they play one after the other.")


class QueueDialog(QDialog):
    """Shows and edits the queue; stands beside the window and does not block it.

    Args:
        queue: The queue.
        parent: The window.
    """

    def __init__(self, queue: FileQueue, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("Queue of files"))
        self._queue = queue
        self.list = QListWidget()
        describe(self.list, tr("Files"), tr("The files in the order of playing; Enter plays one, Delete removes it"))
        self.empty = QLabel(_EMPTY)
        self.empty.setWordWrap(True)
        self.empty.setProperty("tone", "quiet")
        self.play = push_button(tr("Play"), tr("Play the selected file (Enter)"))
        self.up = push_button(tr("Move up"), tr("Play the selected file earlier (Alt+Up)"))
        self.down = push_button(tr("Move down"), tr("Play the selected file later (Alt+Down)"))
        self.remove = push_button(
            tr("Remove"), tr("Take the selected file off the list; the file itself stays (Delete)")
        )
        self.add = push_button(tr("Add files…"), tr("Add files at the end"))
        self.close_button = push_button(tr("Close"), tr("Close the list; the queue goes on (Esc)"))
        side = QVBoxLayout()
        side.setSpacing(GRID)
        for button in (self.play, self.up, self.down, self.remove):
            side.addWidget(button)
        side.addStretch(1)
        middle = QHBoxLayout()
        middle.setSpacing(2 * GRID)
        middle.addWidget(self.list, 1)
        middle.addLayout(side)
        foot = QHBoxLayout()
        foot.addWidget(self.add)
        foot.addStretch(1)
        foot.addWidget(self.close_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(3 * GRID, 3 * GRID, 3 * GRID, 2 * GRID)
        column.setSpacing(2 * GRID)
        column.addWidget(self.empty)
        column.addLayout(middle, 1)
        column.addLayout(foot)
        resize_to_fit(self, 70 * GRID, 45 * GRID)
        self.list.itemActivated.connect(lambda item: queue.open(self.list.row(item)))
        self.list.currentRowChanged.connect(lambda _: self._enable())
        self.play.clicked.connect(lambda: queue.open(self.list.currentRow()))
        self.up.clicked.connect(lambda: self._move(-1))
        self.down.clicked.connect(lambda: self._move(1))
        self.remove.clicked.connect(lambda: queue.remove(self.list.currentRow()))
        self.add.clicked.connect(lambda: self._ask())
        self.close_button.clicked.connect(lambda: self.hide())
        self.list.installEventFilter(self)
        queue.changed.connect(self._fill)
        self._fill()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Let the keyboard move and remove files in the list."""
        if watched is self.list and isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            alt = event.modifiers() == Qt.KeyboardModifier.AltModifier
            buttons = {Qt.Key.Key_Up: self.up, Qt.Key.Key_Down: self.down} if alt else {Qt.Key.Key_Delete: self.remove}
            button = buttons.get(Qt.Key(event.key()))
            if button is not None:
                button.click()
                return True
        return super().eventFilter(watched, event)

    def _fill(self) -> None:
        row = self.list.currentRow()
        self.list.blockSignals(True)
        self.list.clear()
        for number, file in enumerate(self._queue.files):
            playing = number == self._queue.current
            item = QListWidgetItem(f"{'▸' if playing else '   '} {file.name}")
            item.setData(
                Qt.ItemDataRole.AccessibleTextRole, tr("{name}, playing", name=file.name) if playing else file.name
            )
            item.setToolTip(formatting.tooltip(shown_name(file.address)))
            self.list.addItem(item)
        self.list.setCurrentRow(min(max(0, row), self.list.count() - 1))
        self.list.blockSignals(False)
        self.empty.setVisible(self.list.count() == 0)
        self._enable()

    def _enable(self) -> None:
        row, count = self.list.currentRow(), self.list.count()
        for button in (self.play, self.remove):
            button.setEnabled(row >= 0)
        self.up.setEnabled(row > 0)
        self.down.setEnabled(0 <= row < count - 1)

    def _move(self, by: int) -> None:
        row = self.list.currentRow()
        self._queue.move(row, by)
        self.list.setCurrentRow(row + by)

    def _ask(self) -> None:
        dialog = QFileDialog(self, tr("Add videos to the queue"))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
        dialog.setNameFilters(source_input.file_filter().split(";;"))
        dialog.setOption(QFileDialog.Option.HideNameFilterDetails)
        files = self._queue.files
        movies = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.MoviesLocation)
        dialog.setDirectory(str(Path(files[-1].address).parent) if files else movies)
        dialog.filesSelected.connect(self.add_paths)
        dialog.open()

    def add_paths(self, names: list[str]) -> None:
        """Add files by their paths."""
        self._queue.add([SourceSpec(SourceKind.FILE, str(source_input.on_disk(Path(name)))) for name in names])
