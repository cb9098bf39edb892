"""Asks which screen, region or window to watch."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QPushButton,
    QRadioButton,
    QVBoxLayout,
    QWidget,
)

from slowfast_live.errors import SourceError, UsageError
from slowfast_live.sources.screens import (
    ScreenAddress,
    ScreenWindow,
    list_screens,
    list_windows,
    lists_windows,
    parse_address,
)
from slowfast_live.types import SourceSpec
from slowfast_live.ui.commands.commands import describe
from slowfast_live.ui.style.fitting import resize_to_fit
from slowfast_live.ui.style.language import tr, words
from slowfast_live.ui.style.theme import GRID
from slowfast_live.ui.threads.background import BackgroundTasks


@dataclass(frozen=True, slots=True)
class OnScreen:
    """What can be watched.

    Attributes:
        screens: The screens.
        windows: The windows.
        problem: Why there are none of one or both; "" if all is well.
    """

    screens: Sequence[SourceSpec] = ()
    windows: Sequence[ScreenWindow] = ()
    problem: str = ""


def find_on_screen() -> OnScreen:
    """Find the screens and windows; takes some milliseconds, so call it on a thread."""
    try:
        screens = list_screens()
    except SourceError as error:
        return OnScreen(problem=words(error))
    if not lists_windows(sys.platform):
        return OnScreen(screens, problem=tr("On this system only whole screens and regions can be watched."))
    try:
        windows = list_windows()
        return OnScreen(screens, windows, "" if windows else tr("No other window is open."))
    except SourceError as error:
        return OnScreen(screens, problem=words(error))


class ScreenDialog(QDialog):
    """Chooses a screen, optionally a region of it, or a window.

    Args:
        background: Runs the search off the GUI thread.
        current: The source that is open, if it is of the screen: it is preselected.
        parent: The window.
    """

    chosen = Signal(object)
    """Emits the `SourceSpec`."""

    def __init__(
        self, background: BackgroundTasks, current: SourceSpec | None = None, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(tr("Watch the screen"))
        self._background = background
        self._current = parse_address(current.address) if current is not None else ScreenAddress()
        self._alive = True
        self.whole = QRadioButton(tr("A screen"))
        self.window_choice = QRadioButton(tr("A window"))
        describe(self.whole, tr("A screen"), tr("Watch a screen, or a part of it"))
        describe(
            self.window_choice,
            tr("A window"),
            tr("Watch one window, wherever it is moved; what covers it is seen, too"),
        )
        self.screens = QComboBox()
        describe(self.screens, tr("Screen"), tr("The screen to watch"))
        self.part = QCheckBox(tr("Only a region:"))
        describe(self.part, tr("Only a region"), tr("Watch a part of the screen"))
        self.region = QLineEdit()
        self.region.setPlaceholderText(tr("left, top, width, height"))
        describe(
            self.region, tr("Region"), tr("Left, top, width and height in pixels of the screen, e.g. 0, 100, 800, 600")
        )
        self.windows = QListWidget()
        describe(self.windows, tr("Windows"), tr("The windows, the one on top first; Enter watches one"))
        self.refresh = QPushButton(tr("Look again"))
        self.refresh.setAutoDefault(False)
        describe(self.refresh, tr("Look again"), tr("List the screens and windows again (F5)"))
        self.refresh.setShortcut("F5")
        self.message = QLabel()
        self.message.setWordWrap(True)
        self.message.setTextFormat(Qt.TextFormat.PlainText)
        self.message.setProperty("tone", "quiet")
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Open | QDialogButtonBox.StandardButton.Cancel)
        self.open_button = self.buttons.button(QDialogButtonBox.StandardButton.Open)
        self.open_button.setText(tr("Watch"))
        describe(self.open_button, tr("Watch"), tr("Watch what is selected"))
        cancel = self.buttons.button(QDialogButtonBox.StandardButton.Cancel)
        describe(cancel, tr("Cancel"), tr("Change nothing (Esc)"))
        self._lay_out()
        self._wire()
        self._preselect()
        self.search()

    def _lay_out(self) -> None:
        region = QHBoxLayout()
        region.addWidget(self.part)
        region.addWidget(self.region, 1)
        screen = QFormLayout()
        screen.setContentsMargins(3 * GRID, 0, 0, 0)
        screen.setVerticalSpacing(GRID)
        screen.addRow(self.screens)
        screen.addRow(region)
        windows = QVBoxLayout()
        windows.setContentsMargins(3 * GRID, 0, 0, 0)
        windows.addWidget(self.windows, 1)
        foot = QHBoxLayout()
        foot.addWidget(self.refresh)
        foot.addStretch(1)
        foot.addWidget(self.buttons)
        column = QVBoxLayout(self)
        column.setContentsMargins(3 * GRID, 3 * GRID, 3 * GRID, 2 * GRID)
        column.setSpacing(GRID)
        column.addWidget(self.whole)
        column.addLayout(screen)
        column.addSpacing(GRID)
        column.addWidget(self.window_choice)
        column.addLayout(windows, 1)
        column.addWidget(self.message)
        column.addSpacing(GRID)
        column.addLayout(foot)
        self.setMinimumWidth(56 * GRID)
        resize_to_fit(self, 60 * GRID, 55 * GRID)

    def _wire(self) -> None:
        for control in (self.whole, self.window_choice, self.part):
            control.toggled.connect(lambda _: self._enable())
        self.region.textChanged.connect(lambda _: self._enable())
        self.windows.currentRowChanged.connect(lambda _: self._enable())
        self.windows.itemClicked.connect(lambda _: self.window_choice.setChecked(True))
        self.windows.itemActivated.connect(lambda _: self.accept())
        self.refresh.clicked.connect(lambda: self.search())
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        self.finished.connect(lambda _: self._end())

    def _preselect(self) -> None:
        region = self._current.region
        (self.window_choice if self._current.window else self.whole).setChecked(True)
        if region is not None:
            self.part.setChecked(True)
            self.region.setText(f"{region.left}, {region.top}, {region.width}, {region.height}")

    def _end(self) -> None:
        self._alive = False

    def search(self) -> None:
        """List the screens and windows again."""
        self._background.run(find_on_screen, self.show_found, name="screens")

    def show_found(self, found: OnScreen) -> None:
        """Offer what was found."""
        if not self._alive:
            return
        chosen = self.windows.currentItem().text() if self.windows.currentItem() else self._current.window
        number = self.screens.currentData() or str(self._current.screen)
        with QSignalBlocker(self.screens), QSignalBlocker(self.windows):
            self.screens.clear()
            for spec in found.screens:
                self.screens.addItem(spec.name, spec.address)
            self.screens.setCurrentIndex(max(0, self.screens.findData(number)))
            self.windows.clear()
            for window in found.windows:
                self.windows.addItem(window.title)
            matches = [row for row, window in enumerate(found.windows) if chosen and chosen in window.title]
            self.windows.setCurrentRow(matches[0] if matches else 0 if found.windows else -1)
        if not found.windows and self.window_choice.isChecked():
            self.whole.setChecked(True)
        self.window_choice.setEnabled(bool(found.windows))
        self.message.setText(found.problem)
        self._enable()

    def _enable(self) -> None:
        whole = self.whole.isChecked()
        self.screens.setEnabled(whole)
        self.part.setEnabled(whole)
        self.region.setEnabled(whole and self.part.isChecked())
        self.windows.setEnabled(self.window_choice.isEnabled())
        try:
            ready = self.address() is not None
            problem = ""
        except UsageError as error:
            ready, problem = False, words(error)
        self.open_button.setEnabled(ready)
        if problem:
            self.message.setText(problem)

    def address(self) -> ScreenAddress | None:
        """Return what is selected; None if nothing is.

        Raises:
            UsageError: The region is not valid.
        """
        if self.window_choice.isChecked():
            item = self.windows.currentItem()
            return ScreenAddress(window=item.text()) if item is not None else None
        number = self.screens.currentData()
        if number is None:
            return None
        if not self.part.isChecked():
            return ScreenAddress(int(number))
        typed = ",".join(self.region.text().replace(",", " ").split())
        try:
            return parse_address(f"{number}:{typed}")
        except UsageError as error:
            if "too small" in error.message:  # in English, before it is translated
                raise
            raise UsageError(
                tr("A region is given as left, top, width, height: for example 0, 100, 800, 600.")
            ) from error

    def accept(self) -> None:
        """Watch what is selected."""
        try:
            address = self.address()
        except UsageError:
            return
        if address is not None:
            self.chosen.emit(address.spec)
            super().accept()
