"""The notices that float over the picture: what happened and what to do, with details on demand. They never block."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from PySide6.QtCore import QEvent, QObject, Qt, QTimer
from PySide6.QtGui import QAction, QEnterEvent, QGuiApplication
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from slowfast_live.types import Level, Notice, Topic
from slowfast_live.ui.commands.commands import describe, tip
from slowfast_live.ui.panels.file_manager import open_file, show_in_folder
from slowfast_live.ui.style import icons
from slowfast_live.ui.style.language import shown, tr
from slowfast_live.ui.style.palette import Theme
from slowfast_live.ui.style.theme import GRID
from slowfast_live.ui.style.tone import restyle

_WEIGHT = {Level.INFO: 0, Level.WARNING: 1, Level.ERROR: 2}
_MARK = {Level.INFO: tr("Note"), Level.WARNING: tr("Warning"), Level.ERROR: tr("Problem")}
INFO_MS = 8000
"""Time in milliseconds after which an info notice closes; warnings, errors and offers stay until dismissed."""
_MAX_WAITING = 20
_MARGIN = 2 * GRID
_WIDEST = 54 * GRID
_OFFERED = {Topic.SOURCE: "retry"}
"""The command that warnings and errors of a topic offer, while it can be run."""
_PASSING = (Topic.EDIT,)
"""Topics whose notes close by themselves although they offer a command."""


class NoticeBar(QWidget):
    """Shows the most severe notice, or the newest of equal severity; the others queue behind it.

    It lies over the upper right corner of the picture, so that nothing else moves when it comes and goes.

    Args:
        commands: The window's commands that notices may offer, by name.
        picture: The widget that it floats over.
    """

    def __init__(self, commands: Mapping[str, QAction], picture: QWidget) -> None:
        super().__init__(picture)
        self._commands = commands
        self._picture = picture
        picture.installEventFilter(self)
        self.setObjectName("notice")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._waiting: list[Notice] = []
        self._silent = False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.dismiss)
        self._mark = QLabel()
        self._mark.setTextFormat(Qt.TextFormat.PlainText)
        self._mark.setObjectName("mark")
        self._text = QLabel()
        self._text.setWordWrap(True)
        self._text.setTextFormat(Qt.TextFormat.PlainText)
        self._text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._text.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self._more = QLabel()
        self._more.setTextFormat(Qt.TextFormat.PlainText)
        self._more.setProperty("tone", "quiet")
        self._details_button = QToolButton()
        self._details_button.setText(tr("Details"))
        self._details_button.setCheckable(True)
        self._details_button.toggled.connect(self._unfold)
        describe(self._details_button, tr("Details"), tr("Show the technical details of this message"))
        self._copy = QToolButton()
        self._copy.setText(tr("Copy"))
        self._copy.clicked.connect(self._copy_details)
        describe(self._copy, tr("Copy details"), tr("Copy message and details to the clipboard"))
        self._show_file = QToolButton()
        self._show_file.setText(tr("Show in folder"))
        self._show_file.clicked.connect(self._open_folder)
        describe(self._show_file, tr("Show in folder"), tr("Open the folder that contains this file"))
        self._open = QToolButton()
        self._open.setText(tr("Open"))
        self._open.clicked.connect(self._open_file)
        describe(self._open, tr("Open"), tr("Open this file with the system's program for it"))
        self._command, self._further = QToolButton(), QToolButton()
        for button in (self._open, self._show_file, self._command, self._further):
            button.setObjectName("act")
        self._ways_out = (self._command, self._further)
        for number, button in enumerate(self._ways_out):
            button.clicked.connect(lambda _=False, number=number: self._run_command(number))
        self._offered: tuple[QAction, ...] = ()
        self._close = QToolButton()
        self._close.clicked.connect(self.dismiss)
        describe(self._close, tr("Dismiss"), tip("dismiss"))
        self._details = QPlainTextEdit()
        self._details.setReadOnly(True)
        self._details.setTabChangesFocus(True)
        self._details.setFixedHeight(14 * GRID)
        self._details.setLineWrapMode(QPlainTextEdit.LineWrapMode.WidgetWidth)
        describe(self._details, tr("Details of the message"), tr("Technical details, for a bug report"))
        self._lay_out()
        self.setVisible(False)
        self._unfold(False)

    def _lay_out(self) -> None:
        line = QHBoxLayout()
        line.setSpacing(GRID)
        for widget in (self._mark, self._text, self._close):
            line.addWidget(widget, 1 if widget is self._text else 0, Qt.AlignmentFlag.AlignTop)
        self._ways = QWidget()
        ways = QHBoxLayout(self._ways)
        ways.setContentsMargins(0, 0, 0, 0)
        ways.setSpacing(GRID // 2)
        for widget in (self._open, self._show_file, *self._ways_out, self._details_button, self._copy):
            ways.addWidget(widget)
        ways.addStretch(1)
        ways.addWidget(self._more)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(GRID + GRID // 2, GRID // 2, GRID // 2, GRID)
        layout.setSpacing(GRID // 2)
        layout.addLayout(line)
        layout.addWidget(self._ways)
        layout.addWidget(self._details)

    @property
    def notice(self) -> Notice | None:
        """The notice on display."""
        return self._waiting[-1] if self._waiting else None

    def show_notice(self, notice: Notice) -> None:
        """Add a notice, in the window's language; one with the same message replaces the earlier one."""
        notice = replace(notice, message=shown(notice.message))
        self._waiting = [other for other in self._waiting if other.message != notice.message]
        self._waiting.append(notice)
        self._waiting.sort(key=lambda entry: _WEIGHT[entry.level])  # stable sort: the newest stays last in its level
        del self._waiting[:-_MAX_WAITING]
        self._refresh()

    def set_silent(self, silent: bool) -> None:
        """Hide the notices but keep them queued (in full screen), or show them again."""
        self._silent = silent
        self._refresh()

    def settle(self, topic: Topic) -> None:
        """Remove the notices about a topic, because they no longer apply."""
        kept = [notice for notice in self._waiting if notice.topic is not topic]
        if len(kept) != len(self._waiting):
            self._waiting = kept
            self._refresh()

    def dismiss(self) -> None:
        """Dismiss the notice on display."""
        if self._waiting:
            self._waiting.pop()
        self._refresh()

    def set_theme(self, theme: Theme) -> None:
        """Apply a theme."""
        self._close.setIcon(icons.icon("close", theme))

    def _refresh(self) -> None:
        notice = self.notice
        self._timer.stop()
        self.setVisible(notice is not None and not self._silent)
        if notice is None:
            self._details_button.setChecked(False)
            self._offer(())
            return
        self._mark.setText(_MARK[notice.level])
        if self._text.text() != notice.message:
            self._details_button.setChecked(False)
        self._text.setText(notice.message)
        self._details.setPlainText(notice.details)
        self._details_button.setVisible(bool(notice.details))
        for button in (self._open, self._show_file):
            button.setVisible(notice.file is not None)
        problem = notice.level is not Level.INFO
        names = (notice.command or (_OFFERED.get(notice.topic, "") if problem else ""), *notice.commands)
        self._offer(tuple(self._commands[name] for name in names if name in self._commands)[: len(self._ways_out)])
        others = len(self._waiting) - 1
        self._more.setText(f"+{others}" if others else "")
        self._more.setToolTip(tr("{others} more", others=others) if others else "")
        self.setAccessibleName(f"{_MARK[notice.level]}: {notice.message}")
        if self.property("level") != notice.level.value:
            self.setProperty("level", notice.level.value)
            restyle(self, self._mark)
        self._show_ways()
        self._start_timer()

    def _offer(self, actions: tuple[QAction, ...]) -> None:
        """Offer commands as buttons, each while it can be run."""
        if actions == self._offered:
            return
        for action in self._offered:
            action.changed.disconnect(self._show_ways)
        self._offered = actions
        for action, button in zip(actions, self._ways_out, strict=False):
            action.changed.connect(self._show_ways)
            button.setText(action.text())
            describe(button, action.text().rstrip("…"), action.toolTip())

    def _show_ways(self) -> None:
        """Show the row of buttons if there is anything in it."""
        notice = self.notice
        for number, button in enumerate(self._ways_out):
            button.setVisible(number < len(self._offered) and self._offered[number].isEnabled())
        runs = any(action.isEnabled() for action in self._offered)
        files = notice is not None and notice.file is not None
        details = notice is not None and bool(notice.details)
        self._ways.setVisible(runs or files or details or bool(self._more.text()))
        self._place()

    def _start_timer(self) -> None:
        """Close a note after a while, but never under the pointer, while its details are read, or unseen."""
        notice = self.notice
        if (
            notice is not None
            and notice.level is Level.INFO
            and (not self._offered or notice.topic in _PASSING)
            and not (self._silent or self._details_button.isChecked() or self.underMouse())
        ):
            self._timer.start(INFO_MS)

    def _place(self) -> None:
        """Lie in the upper right corner of the picture, as high as the text needs."""
        room = self._picture.rect().adjusted(_MARGIN, _MARGIN, -_MARGIN, -_MARGIN)
        width = max(min(_WIDEST, room.width()), self.minimumSizeHint().width())
        layout = self.layout()
        assert layout is not None
        layout.activate()
        height = layout.heightForWidth(width) if layout.hasHeightForWidth() else self.sizeHint().height()
        self.setGeometry(max(0, room.right() + 1 - width), room.top(), width, height)
        self.raise_()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Follow the picture's size."""
        if event.type() == QEvent.Type.Resize and not self.isHidden():
            self._place()
        return super().eventFilter(watched, event)

    def enterEvent(self, event: QEnterEvent) -> None:  # noqa: N802
        """Stay while the pointer is over the notice."""
        self._timer.stop()
        super().enterEvent(event)

    def leaveEvent(self, event: QEvent) -> None:  # noqa: N802
        """Start to wait again."""
        super().leaveEvent(event)
        self._start_timer()

    def _unfold(self, shown: bool) -> None:
        self._details.setVisible(shown)
        self._copy.setVisible(shown)
        if shown:
            self._timer.stop()
        self._place()

    def _open_file(self) -> None:
        if (notice := self.notice) is not None and notice.file is not None and not open_file(notice.file):
            self.show_notice(
                Notice(
                    Level.WARNING,
                    tr("No program was found that opens {name}.", name=notice.file.name),
                    topic=notice.topic,
                )
            )

    def _open_folder(self) -> None:
        if (notice := self.notice) is not None and notice.file is not None:
            show_in_folder(notice.file)

    def _run_command(self, number: int) -> None:
        action = self._offered[number]
        self.dismiss()
        action.trigger()

    def _copy_details(self) -> None:
        if (notice := self.notice) is not None:
            QGuiApplication.clipboard().setText(f"{notice.message}\n\n{notice.details}")
