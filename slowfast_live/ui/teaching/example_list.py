"""The examples of an action as thumbnails."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QItemSelectionModel, QSize, Qt
from PySide6.QtGui import QIcon, QImage, QPixmap
from PySide6.QtWidgets import QAbstractItemView, QListView, QListWidget, QListWidgetItem, QWidget

from slowfast_live.teaching.takes import NOTHING, Take
from slowfast_live.ui.commands.commands import describe
from slowfast_live.ui.style import formatting
from slowfast_live.ui.style.language import tr
from slowfast_live.ui.style.theme import GRID

_THUMBNAIL = QSize(14 * GRID, 11 * GRID)
_Shown = tuple[str, bool]


class ExampleList(QListWidget):
    """Shows takes; those that were added since are appended, so that thousands of them cost nothing again."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._shown: list[_Shown] = []
        self._icons: dict[str, QIcon] = {}
        self.setViewMode(QListView.ViewMode.IconMode)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setMovement(QListView.Movement.Static)
        self.setIconSize(_THUMBNAIL)
        self.setSpacing(GRID // 2)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        describe(self, tr("Examples"), tr("Examples of the chosen action; Delete removes the selected ones"))

    def show_takes(self, takes: Sequence[Take]) -> None:
        """Show the takes of an action."""
        wanted = [(take.id, take.mirrored) for take in takes]
        known = len(self._shown)
        if wanted[:known] != self._shown or not known:
            self.clear()
            known = 0
        for take in takes[known:]:
            self.addItem(self._item(take))
        self._shown = wanted

    @property
    def selected(self) -> set[str]:
        """The ids of the selected takes."""
        return {str(item.data(Qt.ItemDataRole.UserRole)) for item in self.selectedItems()}

    def select(self, ids: set[str]) -> None:
        """Select takes."""
        for row in range(self.count()):
            item = self.item(row)
            if item.data(Qt.ItemDataRole.UserRole) in ids:
                self.setCurrentItem(item, QItemSelectionModel.SelectionFlag.Select)

    def _item(self, take: Take) -> QListWidgetItem:
        length_s = f"{take.length_s:.0f}"
        text = f"{length_s} s" if take.mirrored else tr("{length_s} s, not mirrored", length_s=length_s)
        if take.id not in self._icons:
            self._icons[take.id] = _icon(take)
        item = QListWidgetItem(self._icons[take.id], text)
        item.setData(Qt.ItemDataRole.UserRole, take.id)
        about = tr(
            "{name}, {length_s} s from {source}", name=take.name, length_s=f"{take.length_s:.1f}", source=take.source
        )
        item.setToolTip(formatting.tooltip(about))
        return item


def empty_text(label: str, *, only_nothing: bool) -> str:
    """Return what stands in place of the examples where there are none.

    Args:
        label: The action.
        only_nothing: Whether no action was added yet.
    """
    if label != NOTHING:
        return tr(
            "No example of “{label}” yet.\nTake three or more, in different places or by different people.", label=label
        )
    if only_nothing:
        return tr("Add an action first: type its name on the left.")
    return tr(
        "No example of anything else yet.\nWhat else happens in front of the camera? Sitting "
        "down, walking past, drinking: examples of it keep the model from taking everything for "
        "one of your actions."
    )


def _icon(take: Take) -> QIcon:
    image = QImage.fromData(take.thumbnail)
    if image.isNull():
        image = QImage(_THUMBNAIL, QImage.Format.Format_RGB32)
        image.fill(Qt.GlobalColor.darkGray)
    return QIcon(QPixmap.fromImage(image))
