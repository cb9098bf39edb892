"""Connects the window with the channels to other programs."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QWidget

from slowfast_live.messages import sentences
from slowfast_live.publish.publisher import Publisher
from slowfast_live.publish.settings import PublishSettings, new_token
from slowfast_live.types import Level, Notice, Readout, Status, Topic
from slowfast_live.ui.controller.options import PublishOptions
from slowfast_live.ui.controller.settings_store import SettingsStore
from slowfast_live.ui.publish.publish_dialog import PublishDialog
from slowfast_live.ui.style import formatting


class Publishing(QObject):
    """Passes readouts on, and opens the dialog.

    Args:
        memory: The settings.
        options: What the command line asks for; it counts for this run and is not stored.
        action: The command that opens the dialog.
        window: Parent of the dialog.
    """

    notice = Signal(object)
    settled = Signal(object)
    """Emits the `Topic` of notices that no longer apply."""

    def __init__(self, memory: SettingsStore, options: PublishOptions, action: QAction, window: QWidget) -> None:
        super().__init__(window)
        self._memory, self._window = memory, window
        self.publisher = Publisher()
        self._reported: dict[str, str] = {}
        self._options = options
        self.dialog: PublishDialog | None = None
        action.triggered.connect(lambda: self.open_dialog())

    @property
    def settings(self) -> PublishSettings:
        """The settings in force: those of the command line first."""
        stored, asked = self._memory.settings.publish, self._options
        if asked.feed_port is not None:
            token = asked.feed_token or stored.feed_token
            stored = replace(stored, feed=True, feed_port=asked.feed_port, feed_token=token)
        if asked.mqtt_url is not None:
            stored = replace(stored, mqtt=True, mqtt_url=asked.mqtt_url)
        if asked.text_file is not None:
            stored = replace(stored, text=True, text_file=str(asked.text_file))
        return stored

    def start(self) -> None:
        """Open the channels that are turned on."""
        if (self._options.feed_port is not None and not self._options.feed_token) and not self.settings.feed_token:
            self._memory.settings.publish = replace(self._memory.settings.publish, feed_token=new_token())
            self._memory.changed()
        self.publisher.apply(self.settings)

    def open_dialog(self) -> None:
        """Show the dialog."""
        if self.dialog is not None:
            self.dialog.raise_()
            return
        dialog = PublishDialog(self.settings, self._window)
        dialog.changed.connect(self._change)
        dialog.finished.connect(self._closed)
        self.dialog = dialog
        self._show_state()
        dialog.open()

    def update(self, status: Status, readout: Readout) -> None:
        """Pass the readout on; called ten times a second."""
        if self.publisher.active:
            source = formatting.source_name(status.source) if status.source is not None else ""
            self.publisher.publish(readout, source, status.model or "")
        self._report()
        self._show_state()

    def close(self) -> None:
        """Close all channels."""
        self.publisher.close()

    def _change(self, settings: PublishSettings) -> None:
        self._options = PublishOptions()  # from now on the dialog counts
        self._memory.settings.publish = settings
        self._memory.changed()
        self.publisher.apply(settings)
        self._show_state()

    def _closed(self) -> None:
        self.dialog = None

    def _show_state(self) -> None:
        if self.dialog is not None:
            feed = self.publisher.feed
            self.dialog.show_state(self.publisher.problems, feed.clients if feed is not None else 0)

    def _report(self) -> None:
        """Show a new problem once; while the dialog is open, it shows them itself."""
        problems = self.publisher.problems
        if problems == self._reported:
            return
        new = [text for name, text in problems.items() if self._reported.get(name) != text]
        self._reported = problems
        if not problems:
            self.settled.emit(Topic.PUBLISH)
        elif new and self.dialog is None:
            self.notice.emit(Notice(Level.WARNING, sentences(*new), command="publish", topic=Topic.PUBLISH))
