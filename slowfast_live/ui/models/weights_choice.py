"""Where the weights of a model to build come from: its authors, a file or folder of the user's, or chance."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QStandardItemModel
from PySide6.QtWidgets import QComboBox, QFileDialog, QWidget

from slowfast_live.ui.commands.commands import describe
from slowfast_live.ui.style import formatting
from slowfast_live.ui.style.language import tr
from slowfast_live.ui.style.theme import GRID

PUBLISHED, FILE, RANDOM = "published", "file", "random"
_NAME_PX = 28 * GRID
"""Width of a checkpoint's name, in pixels."""


class WeightsChoice(QComboBox):
    """Offers the kinds of weights, and asks for the file or the folder."""

    changed = Signal()
    """Emitted when the user chose other weights."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.checkpoint: Path | None = None
        """The user's file, or folder of files; None for none."""
        self.from_folder = False
        """Whether the weights of the network are several files in a folder."""
        self.setMinimumWidth(20 * GRID)
        self.setMaximumWidth(40 * GRID)
        for text, kind, tip in (
            (tr("Published weights"), PUBLISHED, tr("Download the authors' weights, once")),
            ("", FILE, ""),
            (tr("Random weights"), RANDOM, tr("No download: to try the speed only; the scores are meaningless")),
        ):
            self.addItem(text, kind)
            self.setItemData(self.count() - 1, tip, Qt.ItemDataRole.ToolTipRole)
        describe(self, tr("Weights"), tr("Where the weights come from"))
        self._offer()
        self.activated.connect(lambda: self._chosen())

    @property
    def random(self) -> bool:
        """Whether random weights are chosen."""
        return bool(self.currentData() == RANDOM)

    @property
    def missing(self) -> str:
        """What to say if the chosen file or folder is not there; "" if it is, or none is chosen."""
        path = self.checkpoint
        if path is None or (path.is_dir() if self.from_folder else path.is_file()):
            return ""
        if self.from_folder:
            return tr("The folder {checkpoint} does not exist. Choose another one.", checkpoint=path)
        return tr("The checkpoint {checkpoint} does not exist. Choose another file.", checkpoint=path)

    def offer(self, *, folder: bool) -> None:
        """Offer a file or a folder; networks of several files have no random weights."""
        other = folder is not self.from_folder
        self.from_folder = folder
        if other and (self.checkpoint is not None or (folder and self.random)):
            self.setCurrentIndex(self.findData(PUBLISHED))
            self._forget()
        self._offer()

    def use(self, path: Path) -> None:
        """Take the weights from this file, or folder of files."""
        self.checkpoint = path
        row = self.findData(FILE)
        shown = self.fontMetrics().elidedText(path.name, Qt.TextElideMode.ElideMiddle, _NAME_PX)
        text = tr("Folder: {shown}", shown=shown) if self.from_folder else tr("File: {shown}", shown=shown)
        self.setItemText(row, text)
        self.setItemData(row, formatting.tooltip(str(path)), Qt.ItemDataRole.ToolTipRole)
        self.setCurrentIndex(row)
        self.setToolTip(formatting.tooltip(str(path)))
        self.changed.emit()

    def _chosen(self) -> None:
        if self.currentData() == FILE:
            self._ask()
        else:
            self._forget()
        self.changed.emit()

    def _ask(self) -> None:
        dialog = QFileDialog(self, tr("Weights for this model"))
        if self.from_folder:
            dialog.setFileMode(QFileDialog.FileMode.Directory)
            dialog.setNameFilter(tr("Networks (*.xml *.bin)"))
        else:
            dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
            dialog.setNameFilters([tr("Checkpoints (*.pyth *.pth *.pt *.pkl)"), tr("All files (*)")])
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(lambda path: self.use(Path(path)))
        dialog.rejected.connect(self._rejected)
        dialog.open()

    def _rejected(self) -> None:
        if self.checkpoint is None:
            self.setCurrentIndex(self.findData(PUBLISHED))
        self.changed.emit()

    def _forget(self) -> None:
        self.checkpoint = None
        self._offer()
        self.setToolTip(self.itemData(self.currentIndex(), Qt.ItemDataRole.ToolTipRole))

    def _offer(self) -> None:
        row = self.findData(FILE)
        if self.checkpoint is None:
            folder = self.from_folder
            text = tr("Use a folder of its files…") if folder else tr("Use a checkpoint file…")
            files = tr("The four files that its authors publish, from a folder on this computer")
            tip = files if folder else tr("Weights from a file on this computer")
            self.setItemText(row, text)
            self.setItemData(row, tip, Qt.ItemDataRole.ToolTipRole)
        model = self.model()
        assert isinstance(model, QStandardItemModel)
        model.item(self.findData(RANDOM)).setEnabled(not self.from_folder)
