"""Messages above the picture: what happened, what to do, details on demand. They never block."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QAction, QGuiApplication
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from slowfast_live.types import Level, Notice
from slowfast_live.ui import icons
from slowfast_live.ui.files import show_in_folder
from slowfast_live.ui.shortcuts import describe, tip
from slowfast_live.ui.theme import GRID, Theme

_WEIGHT = {Level.INFO: 0, Level.WARNING: 1, Level.ERROR: 2}
_MARK = {Level.INFO: "Note", Level.WARNING: "Warning", Level.ERROR: "Problem"}
INFO_MS = 8000
"""A note goes by itself after this time; warnings, errors and offers stay until they are dismissed."""
_MOST = 20


class NoticeBar(QWidget):
    """Shows the gravest notice, the newest among equals; the others wait behind it.

    Args:
        commands: The window's, which notices may offer, by name.
        parent: Qt's owner.
    """

    def __init__(self, commands: Mapping[str, QAction] | None = None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._commands = commands or {}
        self.setObjectName("notice")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._waiting: list[Notice] = []
        self._silent = False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.dismiss)
        self._mark = QLabel()
        self._mark.setObjectName("mark")
        self._text = QLabel()
        self._text.setWordWrap(True)
        self._text.setTextFormat(Qt.TextFormat.PlainText)
        self._text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._text.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self._more = QLabel()
        self._more.setProperty("tone", "quiet")
        self._details_button = QToolButton()
        self._details_button.setText("Details")
        self._details_button.setCheckable(True)
        self._details_button.toggled.connect(self._unfold)
        describe(self._details_button, "Details", "Show the technical details of this message")
        self._copy = QToolButton()
        self._copy.setText("Copy")
        self._copy.clicked.connect(self._copy_details)
        describe(self._copy, "Copy details", "Copy message and details to the clipboard")
        self._show_file = QToolButton()
        self._show_file.setText("Show in folder")
        self._show_file.clicked.connect(self._open_folder)
        describe(self._show_file, "Show in folder", "Open the folder of this file")
        self._command = QToolButton()
        for button in (self._show_file, self._command):
            button.setObjectName("act")
        self._command.clicked.connect(self._run_command)
        self._close = QToolButton()
        self._close.clicked.connect(self.dismiss)
        describe(self._close, "Dismiss", tip("dismiss"))
        line = QHBoxLayout()
        line.setSpacing(GRID)
        for widget in (
            self._mark,
            self._text,
            self._more,
            self._show_file,
            self._command,
            self._details_button,
            self._copy,
            self._close,
        ):
            line.addWidget(widget, 1 if widget is self._text else 0)
        self._details = QPlainTextEdit()
        self._details.setReadOnly(True)
        self._details.setTabChangesFocus(True)
        self._details.setFixedHeight(14 * GRID)
        self._details.setLineWrapMode(QPlainTextEdit.LineWrapMode.WidgetWidth)
        describe(self._details, "Details of the message", "Technical details, to be copied into a report")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * GRID, GRID // 2, GRID, GRID // 2)
        layout.setSpacing(GRID // 2)
        layout.addLayout(line)
        layout.addWidget(self._details)
        self.setVisible(False)
        self._unfold(False)

    @property
    def notice(self) -> Notice | None:
        """The notice that is shown."""
        return self._waiting[-1] if self._waiting else None

    def show_notice(self, notice: Notice) -> None:
        """Add a notice; one that waits already is not added again."""
        self._waiting = [other for other in self._waiting if other.message != notice.message]
        self._waiting.append(notice)
        self._waiting.sort(key=lambda entry: _WEIGHT[entry.level])  # stable: the newest stays last of its kind
        del self._waiting[:-_MOST]
        self._refresh()

    def set_silent(self, silent: bool) -> None:
        """Keep notices waiting unseen (full screen), or show them again."""
        self._silent = silent
        self._refresh()

    def withdraw(self, message: str) -> None:
        """Take back the notice with that message, if it still waits."""
        self._waiting = [other for other in self._waiting if other.message != message]
        self._refresh()

    def dismiss(self) -> None:
        """Put away the notice that is shown."""
        if self._waiting:
            self._waiting.pop()
        self._refresh()

    def set_theme(self, theme: Theme) -> None:
        """Take over a theme's colours."""
        self._close.setIcon(icons.icon("close", theme))

    def _refresh(self) -> None:
        notice = self.notice
        self._timer.stop()
        self.setVisible(notice is not None and not self._silent)
        if notice is None:
            self._details_button.setChecked(False)
            return
        self._mark.setText(_MARK[notice.level])
        if self._text.text() != notice.message:
            self._details_button.setChecked(False)
        self._text.setText(notice.message)
        self._details.setPlainText(notice.details)
        self._details_button.setVisible(bool(notice.details))
        self._show_file.setVisible(notice.file is not None)
        command = self._commands.get(notice.command)
        self._command.setVisible(command is not None)
        if command is not None:
            self._command.setText(command.text())
            describe(self._command, command.text(), command.toolTip())
        others = len(self._waiting) - 1
        self._more.setText(f"+{others}" if others else "")
        self._more.setToolTip(f"{others} more" if others else "")
        self.setAccessibleName(f"{_MARK[notice.level]}: {notice.message}")
        if self.property("level") != notice.level.value:
            self.setProperty("level", notice.level.value)
            for widget in (self, self._mark):
                widget.style().unpolish(widget)
                widget.style().polish(widget)
        if notice.level is Level.INFO and command is None and not self._silent:
            self._timer.start(INFO_MS)

    def _unfold(self, shown: bool) -> None:
        self._details.setVisible(shown)
        self._copy.setVisible(shown)
        if shown:
            self._timer.stop()

    def _open_folder(self) -> None:
        if (notice := self.notice) is not None and notice.file is not None:
            show_in_folder(notice.file)

    def _run_command(self) -> None:
        if (notice := self.notice) is not None:
            self.dismiss()
            self._commands[notice.command].trigger()

    def _copy_details(self) -> None:
        if (notice := self.notice) is not None:
            QGuiApplication.clipboard().setText(f"{notice.message}\n\n{notice.details}")
