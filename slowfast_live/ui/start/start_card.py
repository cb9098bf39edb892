"""The start card: what can be recognized, how to stand, and where pictures may come from."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QAction, QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QLineEdit, QPushButton, QToolButton, QVBoxLayout, QWidget

from slowfast_live.ui.commands.commands import describe
from slowfast_live.ui.start.action_gallery import ActionGallery
from slowfast_live.ui.style import formatting, icons
from slowfast_live.ui.style.language import tr
from slowfast_live.ui.style.palette import LIGHT, Theme
from slowfast_live.ui.style.theme import GRID

_WAYS = (
    ("open_camera", tr("Camera")),
    ("open_file", tr("Open a video…")),
    ("open_demo", tr("Demo")),
    ("open_screen", tr("Screen…")),
)
"""The commands that open a source; a command that this version lacks has no button."""
_STANCE = (
    tr("All of you in the picture, two to four meters away"),
    tr("Light on you, not behind you"),
    tr("One person, and a camera that stands still"),
)
_WIDEST = 118 * GRID
_SEARCH_FROM = 25
"""Number of actions from which there is a search field."""
_DIM = 150


class StartCard(QWidget):
    """Lies over everything below the menus until it is closed, by Esc, a click beside it, or one of its buttons.

    Args:
        actions: The window's commands.
        window: The widget that it covers.
    """

    closed = Signal()

    def __init__(self, actions: dict[str, QAction], window: QWidget) -> None:
        super().__init__(window)
        self._window = window
        self._theme = LIGHT
        self.panel = QFrame(self)
        self.panel.setObjectName("card")
        self._title = QLabel(tr("What it recognizes"))
        self._title.setProperty("scale", "large")
        self._about = QLabel()
        self._about.setTextFormat(Qt.TextFormat.PlainText)
        self._about.setProperty("tone", "quiet")
        self._about.setWordWrap(True)
        self._close = QToolButton()
        self._close.clicked.connect(self.close_card)
        describe(self._close, tr("Close"), tr("Close this card (Esc); Help shows it again"))
        self.search = QLineEdit()
        self.search.setPlaceholderText(tr("Search"))
        self.search.setClearButtonEnabled(True)
        describe(self.search, tr("Search the actions"), tr("Part of an action's name"))
        self.gallery = ActionGallery()
        self.search.textChanged.connect(self.gallery.search)
        self.buttons = [self._button(actions[name], text) for name, text in _WAYS if name in actions]
        more = actions.get("recognize_400", actions["models"])
        self.more = self._button(more, tr("Recognize 400 actions…"))
        self.buttons[0].setDefault(True)
        self._lay_out()
        self.setAccessibleName(tr("Start card"))
        window.installEventFilter(self)
        self.hide()

    def _button(self, action: QAction, text: str) -> QPushButton:
        button = QPushButton(text)
        button.setAutoDefault(False)
        describe(button, text.rstrip("…"), action.toolTip())
        button.clicked.connect(lambda: self._choose(action))
        return button

    def _lay_out(self) -> None:
        words = QVBoxLayout()
        words.setSpacing(0)
        words.addWidget(self._title)
        words.addWidget(self._about)
        head = QHBoxLayout()
        head.addLayout(words, 1)
        head.addWidget(self.search)
        head.addWidget(self._close, 0, Qt.AlignmentFlag.AlignTop)
        self.search.setFixedWidth(20 * GRID)
        stance = QHBoxLayout()
        stance.setSpacing(2 * GRID)
        self._marks: list[QLabel] = []
        for text in _STANCE:
            mark, label = QLabel(), QLabel(text)
            label.setWordWrap(True)
            self._marks.append(mark)
            pair = QHBoxLayout()
            pair.setSpacing(GRID)
            pair.addWidget(mark, 0, Qt.AlignmentFlag.AlignTop)
            pair.addWidget(label, 1, Qt.AlignmentFlag.AlignTop)
            stance.addLayout(pair, 1)
        foot = QHBoxLayout()
        foot.setSpacing(GRID)
        for button in self.buttons:
            foot.addWidget(button)
        foot.addStretch(1)
        foot.addWidget(self.more)
        layout = QVBoxLayout(self.panel)
        layout.setContentsMargins(2 * GRID, 2 * GRID, 2 * GRID, 2 * GRID)
        layout.setSpacing(GRID + GRID // 2)
        layout.addLayout(head)
        layout.addWidget(self.gallery, 1)
        layout.addLayout(stance)
        layout.addLayout(foot)

    def open_card(self) -> None:
        """Show the card, with the focus on its first button."""
        self._place()
        self.show()
        self.raise_()
        self.buttons[0].setFocus(Qt.FocusReason.OtherFocusReason)

    def close_card(self) -> None:
        """Close the card."""
        if not self.isHidden():
            self._window.setFocus()  # before the card hides: Qt would look for another place within it
            self.hide()
            self.closed.emit()

    def show_labels(self, labels: Sequence[str], model: str) -> None:
        """Set the actions of the running model, and its title; none without a model."""
        self.gallery.show_labels(labels)
        self.search.setVisible(len(labels) >= _SEARCH_FROM)
        if labels:
            self._about.setText(
                tr(
                    "{counted} that one person does, by {model}.",
                    counted=formatting.counted(len(labels), "action"),
                    model=model,
                )
            )
        else:
            self._about.setText(tr("No model is running yet."))
        if not self.isHidden():
            self._place()

    def set_theme(self, theme: Theme) -> None:
        """Apply a theme."""
        self._theme = theme
        self.gallery.set_theme(theme)
        self._close.setIcon(icons.icon("close", theme))
        for mark in self._marks:
            mark.setPixmap(icons.pixmap("check", theme.accent, 2 * GRID, self.devicePixelRatioF()))

    def _choose(self, action: QAction) -> None:
        self.close_card()
        action.trigger()

    def _place(self) -> None:
        self.setGeometry(self._window.rect())
        room = self.rect().adjusted(2 * GRID, 2 * GRID, -2 * GRID, -2 * GRID)
        width = min(room.width(), _WIDEST)
        inside = width - 4 * GRID - 2
        rest = self.panel.sizeHint().height() - self.gallery.sizeHint().height()
        height = min(room.height(), rest + self.gallery.height_in(inside))
        self.panel.setGeometry((self.width() - width) // 2, (self.height() - height) // 2, width, height)

    # Qt's event handlers

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Follow the window's size."""
        if event.type() == QEvent.Type.Resize and not self.isHidden():
            self._place()
        return super().eventFilter(watched, event)

    def focusNextPrevChild(self, forward: bool) -> bool:  # noqa: N802
        """Keep the focus within the card."""
        stops: list[QWidget] = [self.search, self._close, self.gallery, *self.buttons, self.more]
        stops = [stop for stop in stops if stop.isVisible()]
        if not stops:  # the card is being closed
            return super().focusNextPrevChild(forward)
        focused = self.focusWidget()
        place = stops.index(focused) if focused in stops else -1
        reason = Qt.FocusReason.TabFocusReason if forward else Qt.FocusReason.BacktabFocusReason
        stops[(place + (1 if forward else -1)) % len(stops)].setFocus(reason)
        return True

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Close with Esc; Enter presses the focused button."""
        focused = self.focusWidget()
        if event.key() == Qt.Key.Key_Escape:
            self.close_card()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and isinstance(focused, QPushButton):
            focused.click()
        else:
            super().keyPressEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Close on a click beside the card."""
        if not self.panel.geometry().contains(event.position().toPoint()):
            self.close_card()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """Dim what lies below."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(0, 0, 0, _DIM))
        painter.end()
