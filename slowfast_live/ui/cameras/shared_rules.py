"""The user's rules for every source: each source has its own watches, and all follow the same rules."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from slowfast_live.types import Notice
from slowfast_live.ui.cameras.tile import CameraTile
from slowfast_live.ui.controller.settings_store import SettingsStore
from slowfast_live.ui.rules.alerts import Alerts, DesktopMessages
from slowfast_live.ui.threads.background import BackgroundTasks


class SharedRules(QObject):
    """Evaluates the rules on each source.

    Args:
        tiles: The sources.
        memory: The settings, which hold the rules.
        background: Runs slow work off the GUI thread.
        window: Parent of the dialog.
    """

    notice = Signal(object, object)
    """Emits a `CameraTile` and its `Notice`."""
    settled = Signal(object)
    """Emits the `Topic` of notices that no longer apply."""

    def __init__(
        self, tiles: Sequence[CameraTile], memory: SettingsStore, background: BackgroundTasks, window: QWidget
    ) -> None:
        super().__init__(window)
        self._messages = DesktopMessages(window)
        self.alerts = [self._watch(tile, memory, background, window) for tile in tiles]
        for alerts in self.alerts:
            alerts.rules_changed.connect(self._take_over)

    def _watch(self, tile: CameraTile, memory: SettingsStore, background: BackgroundTasks, window: QWidget) -> Alerts:
        alerts = Alerts(
            lambda: tile.poller.latest_readout,
            lambda: tile.model.labels,
            memory,
            background,
            tile.commands["rules"],
            window,
            people=tile.people.readouts,
            place=lambda: tile.name.whole_text,
            messages=self._messages,
        )
        alerts.notice.connect(partial(self._pass_on, tile))
        alerts.settled.connect(self.settled)
        tile.events.rule_wanted.connect(alerts.make_rule)
        tile.poller.status.connect(alerts.update)
        return alerts

    def _pass_on(self, tile: CameraTile, notice: Notice) -> None:
        self.notice.emit(tile, notice)

    def _take_over(self) -> None:
        """Let every source follow the rules that were changed in one's dialog."""
        for alerts in self.alerts:
            alerts.take_over()

    def close(self) -> None:
        """Remove the tray icon."""
        self._messages.close()
