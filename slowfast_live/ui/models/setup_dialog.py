"""A page with choices, and one button that sets up the chosen one; setting up goes on when the page is closed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from PySide6.QtCore import Qt
from PySide6.QtGui import QFontDatabase
from PySide6.QtWidgets import (
    QButtonGroup,
    QDialog,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QProgressBar,
    QRadioButton,
    QVBoxLayout,
    QWidget,
)

from slowfast_live.ui.commands.buttons import push_button
from slowfast_live.ui.commands.commands import describe
from slowfast_live.ui.style.language import tr
from slowfast_live.ui.style.theme import GRID
from slowfast_live.ui.style.tone import set_tone

_PER_MILLE = 1000


@dataclass(frozen=True, slots=True)
class SetupTexts:
    """What a page says, in the language of the window.

    Attributes:
        title: Title of the page.
        intro: What it is about.
        progress: Accessible name of the progress bar.
        wrote: What the details hold.
        show_wrote: Tooltip of the button that shows them.
        start: Caption and tooltip of the button that begins.
        from_file: Tooltip of the button that begins with a file.
        stop: Tooltip of the button that cancels.
        shut: Tooltip of the button that closes the page.
    """

    title: str
    intro: str
    progress: str
    wrote: str
    show_wrote: str
    start: tuple[str, str]
    from_file: str
    stop: str
    shut: str


class SetsUp(Protocol):
    """What a page drives."""

    @property
    def busy(self) -> bool:
        """Whether something is being set up."""
        ...

    def cancel(self) -> None:
        """End it."""
        ...


class SetupDialog(QDialog):
    """The widgets of such a page; who inherits adds the choices to `rows` and `choices`.

    Args:
        texts: What it says.
        setup: Sets up.
        parent: The window.
    """

    def __init__(self, texts: SetupTexts, setup: SetsUp, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(texts.title)
        self._sets_up = setup
        self.group = QButtonGroup(self)
        self.choices: dict[str, QRadioButton] = {}
        self.intro = text_label(texts.intro)
        self.says = text_label("", "plain")
        self.bar = QProgressBar()
        self.bar.setRange(0, _PER_MILLE)
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName(texts.progress)
        self.details = QPlainTextEdit()
        self.details.setReadOnly(True)
        self.details.setTabChangesFocus(True)
        self.details.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.details.setMaximumHeight(14 * GRID)
        describe(self.details, tr("Details"), texts.wrote)
        self.show_details = push_button(tr("Details"), texts.show_wrote)
        self.show_details.setCheckable(True)
        self.start = push_button(*texts.start)
        self.start.setObjectName("primary")
        self.from_file = push_button(tr("From a file…"), texts.from_file)
        self.stop = push_button(tr("Cancel"), texts.stop)
        self.shut = push_button(tr("Close"), texts.shut)
        self.rows = QVBoxLayout()
        self.rows.setSpacing(GRID)
        self.stop.clicked.connect(setup.cancel)
        self.shut.clicked.connect(lambda: self.close())
        self.show_details.toggled.connect(self.details.setVisible)

    def lay_out(self, *below: QWidget) -> None:
        """Arrange everything; `below` stands under the choices."""
        foot = QHBoxLayout()
        foot.setSpacing(GRID)
        for widget in (self.start, self.from_file, self.stop, self.show_details):
            foot.addWidget(widget)
        foot.addStretch(1)
        foot.addWidget(self.shut)
        column = QVBoxLayout(self)
        column.setContentsMargins(3 * GRID, 3 * GRID, 3 * GRID, 2 * GRID)
        column.setSpacing(2 * GRID)
        column.addWidget(self.intro)
        column.addLayout(self.rows)
        for part in below:
            column.addWidget(part)
        column.addStretch(1)
        column.addWidget(self.says)
        column.addWidget(self.bar)
        column.addWidget(self.details)
        column.addLayout(foot)
        self.details.hide()
        self.bar.hide()

    def show_busy(self) -> None:
        """Show what can be done while setting up, or else."""
        busy = self._sets_up.busy
        self.bar.setVisible(busy)
        self.stop.setVisible(busy)
        self.start.setVisible(not busy)
        self.from_file.setVisible(not busy)
        for choice in self.choices.values():
            choice.setEnabled(not busy)
        self.show_details.setVisible(bool(self.details.toPlainText()))

    def show_progress(self, text: str, fraction: float) -> None:
        """Show what is being done and the share of the whole, 0..1."""
        self.say(text)
        self.bar.setValue(round(fraction * _PER_MILLE))

    def say(self, text: str, tone: str = "plain") -> None:
        """Show a sentence; see `set_tone`."""
        self.says.setText(text)
        set_tone(self.says, tone)

    def ask_file(self, title: str, filters: Sequence[str], take: Callable[[Path], object]) -> None:
        """Ask for a file; `take` receives its path."""
        dialog = QFileDialog(self, title)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setNameFilters(list(filters))
        dialog.fileSelected.connect(lambda name: take(Path(name)))
        dialog.open()


def text_label(text: str, tone: str = "quiet") -> QLabel:
    """Return a label that wraps, and shows its text as it is."""
    label = QLabel(text)
    label.setWordWrap(True)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setProperty("tone", tone)
    return label
