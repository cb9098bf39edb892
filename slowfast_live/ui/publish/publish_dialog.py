"""The dialog that passes on to other programs what is recognized. Changes take effect immediately."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import (
    QApplication,
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from slowfast_live.publish.publisher import FEED, MQTT, TEXT
from slowfast_live.publish.settings import PublishSettings, new_token
from slowfast_live.ui.commands.buttons import push_button
from slowfast_live.ui.commands.commands import describe
from slowfast_live.ui.style.fitting import resize_to_fit
from slowfast_live.ui.style.language import shown, tr
from slowfast_live.ui.style.theme import GRID
from slowfast_live.ui.style.tone import set_tone


class PublishDialog(QDialog):
    """Edits which programs receive what is recognized.

    Args:
        settings: The current settings.
        parent: The window.
    """

    changed = Signal(object)
    """Emits the `PublishSettings` after each change."""

    def __init__(self, settings: PublishSettings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(tr("To other programs"))
        self.settings = settings
        self._make()
        self._lay_out()
        self._show()
        self._wire()

    def _make(self) -> None:
        self.feed = QCheckBox(tr("Local feed"))
        describe(self.feed, tr("Local feed"), tr("Programs on this machine read what is shown, as it changes"))
        self.port = QSpinBox()
        self.port.setRange(1024, 65535)
        self.port.setGroupSeparatorShown(False)
        self.port.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.port.setFixedSize(11 * GRID, 4 * GRID)
        describe(self.port, tr("Port"), tr("Port of the feed on this machine"))
        self.address = QLineEdit()
        self.address.setReadOnly(True)
        self.address.setMinimumWidth(16 * GRID)
        describe(
            self.address, tr("Address of the feed"), tr("With the token that a program needs; keep it to yourself")
        )
        self.copy = push_button(tr("Copy"), tr("Copy the address with its token"))
        self.renew = push_button(tr("New token"), tr("Make a new token: programs with the old one are shut out"))
        self.mqtt = QCheckBox(tr("MQTT broker"))
        describe(self.mqtt, tr("MQTT broker"), tr("Send what is shown to a broker, for home automation and the like"))
        self.broker = QLineEdit()
        self.broker.setPlaceholderText(tr("e.g. mqtt://user:password@192.168.1.5/slowfast-live"))
        describe(
            self.broker,
            tr("Broker"),
            tr("mqtt://USER:PASSWORD@HOST:PORT/TOPIC, or mqtts:// for an encrypted connection"),
        )
        self.text = QCheckBox(tr("Text file"))
        describe(self.text, tr("Text file"), tr("Keep the action in a file, for the text source of OBS and the like"))
        self.path = QLineEdit()
        self.path.setPlaceholderText(tr("e.g. /home/ada/now.txt"))
        describe(
            self.path, tr("Path of the text file"), tr("The file that always has the action that is shown, or nothing")
        )
        self.browse = push_button(tr("Browse…"), tr("Choose the file"))
        self.score = QCheckBox(tr("with the score"))
        describe(self.score, tr("With the score"), tr("Write the score beside the action"))
        self.says = {name: _label() for name in (FEED, MQTT, TEXT)}
        foot = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        foot.rejected.connect(self.accept)
        close = foot.button(QDialogButtonBox.StandardButton.Close)
        close.setAutoDefault(False)
        describe(close, tr("Close"), tr("Close; what is on stays on (Esc)"))
        self._foot = foot

    def _lay_out(self) -> None:
        intro = _label(tr("All are off until you turn them on. The picture itself goes nowhere."))
        grid = QGridLayout()
        grid.setHorizontalSpacing(GRID)
        grid.setVerticalSpacing(GRID)
        grid.setColumnStretch(1, 1)
        address = QHBoxLayout()
        for widget, stretch in ((self.port, 0), (self.address, 1), (self.copy, 0), (self.renew, 0)):
            address.addWidget(widget, stretch)
        file = QHBoxLayout()
        for part, share in ((self.path, 1), (self.browse, 0), (self.score, 0)):
            file.addWidget(part, share)
        rows: tuple[tuple[str, QCheckBox, QLineEdit | QHBoxLayout], ...] = (
            (FEED, self.feed, address),
            (MQTT, self.mqtt, self.broker),
            (TEXT, self.text, file),
        )
        for number, (name, box, what) in enumerate(rows):
            grid.addWidget(box, 3 * number, 0, Qt.AlignmentFlag.AlignVCenter)
            if isinstance(what, QLineEdit):
                grid.addWidget(what, 3 * number, 1)
            else:
                grid.addLayout(what, 3 * number, 1)
            grid.addWidget(self.says[name], 3 * number + 1, 1)
            grid.setRowMinimumHeight(3 * number + 2, GRID)
        column = QVBoxLayout(self)
        column.setContentsMargins(3 * GRID, 3 * GRID, 3 * GRID, 2 * GRID)
        column.setSpacing(2 * GRID)
        column.addWidget(intro)
        column.addLayout(grid)
        column.addStretch(1)
        column.addWidget(self._foot)
        resize_to_fit(self, 90 * GRID, 42 * GRID)

    def _show(self) -> None:
        settings = self.settings
        widgets: tuple[QWidget, ...] = (self.feed, self.port, self.mqtt, self.broker, self.text, self.path, self.score)
        blockers = [QSignalBlocker(widget) for widget in widgets]
        self.feed.setChecked(settings.feed)
        self.port.setValue(settings.feed_port)
        self.mqtt.setChecked(settings.mqtt)
        self.broker.setText(settings.mqtt_url)
        self.text.setChecked(settings.text)
        self.path.setText(settings.text_file)
        self.score.setChecked(settings.text_score)
        del blockers
        self._show_address()

    def _show_address(self) -> None:
        settings = self.settings
        known = f"http://127.0.0.1:{settings.feed_port}/events?token={settings.feed_token}"
        self.address.setText(known if settings.feed and settings.feed_token else "")
        self.address.setPlaceholderText(tr("off"))
        self.address.setCursorPosition(0)
        for button in (self.copy, self.renew):
            button.setEnabled(settings.feed)

    def _wire(self) -> None:
        self.feed.toggled.connect(self._switch_feed)
        self.port.editingFinished.connect(lambda: self._set(feed_port=self.port.value()))
        self.copy.clicked.connect(lambda: QApplication.clipboard().setText(self.address.text()))
        self.renew.clicked.connect(lambda: self._set(feed_token=new_token()))
        self.mqtt.toggled.connect(lambda on: self._set(mqtt=on, mqtt_url=self.broker.text().strip()))
        self.broker.editingFinished.connect(lambda: self._set(mqtt_url=self.broker.text().strip()))
        self.text.toggled.connect(self._switch_text)
        self.path.editingFinished.connect(lambda: self._set(text_file=self.path.text().strip()))
        self.score.toggled.connect(lambda on: self._set(text_score=on))
        self.browse.clicked.connect(lambda: self._browse())

    def _switch_feed(self, on: bool) -> None:
        self._set(feed=on, feed_token=self.settings.feed_token or new_token(), feed_port=self.port.value())

    def _switch_text(self, on: bool) -> None:
        self._set(text=on, text_file=self.path.text().strip())
        if on and not self.settings.text_file:
            self._browse()

    def _set(self, **changes: object) -> None:
        settings = replace(self.settings, **changes)  # type: ignore[arg-type]
        if settings != self.settings:
            self.settings = settings
            self._show_address()
            self.changed.emit(settings)

    def _browse(self) -> None:
        dialog = QFileDialog(self, tr("Text file for other programs"))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setNameFilters([tr("Text (*.txt)"), tr("All files (*)")])
        dialog.setDefaultSuffix("txt")
        dialog.selectFile(self.path.text() or "slowfast-live.txt")
        dialog.fileSelected.connect(self._use_path)
        dialog.open()

    def _use_path(self, name: str) -> None:
        self.path.setText(str(Path(name)))
        self._set(text_file=self.path.text())

    def show_state(self, problems: Mapping[str, str], clients: int) -> None:
        """Show what is wrong with a channel, or that it works.

        Args:
            problems: A sentence for each channel with a problem.
            clients: Number of programs that read the feed.
        """
        readers = (
            tr("No program reads it now.")
            if not clients
            else tr("Programs that read it now: {clients}.", clients=clients)
        )
        works = {
            FEED: tr("Server-sent events, for this machine alone. {readers}", readers=readers)
            if self.settings.feed
            else "",
            MQTT: tr("Connected to the broker, or connecting.") if self.settings.mqtt else "",
            TEXT: tr("The file is kept up to date.") if self.settings.text else "",
        }
        for name, label in self.says.items():
            problem = problems.get(name, "")
            _say(label, shown(problem) or works[name], "amber" if problem else "quiet")

    def done(self, result: int) -> None:
        """Apply what is being typed, then close."""
        self._set(mqtt_url=self.broker.text().strip(), text_file=self.path.text().strip(), feed_port=self.port.value())
        super().done(result)


def _label(text: str = "") -> QLabel:
    label = QLabel(text)
    label.setWordWrap(True)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setProperty("tone", "quiet")
    return label


def _say(label: QLabel, text: str, tone: str) -> None:
    if label.text() != text:
        label.setText(text)
    set_tone(label, tone)
