"""Evaluate the user's rules while actions are recognized, and send the alerts they ask for."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from datetime import datetime

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QAction, QIcon
from PySide6.QtWidgets import QApplication, QSystemTrayIcon, QWidget

from slowfast_live.core.corrections import AnnotatedEvent
from slowfast_live.errors import RuleError
from slowfast_live.messages import sentences
from slowfast_live.rules.actions import RuleEvent, post, run_command
from slowfast_live.rules.rule import Rule, RuleBook, RuleWatch, Trigger, done_by
from slowfast_live.types import Level, Notice, Readout, Status, Topic
from slowfast_live.ui.controller.settings_store import SettingsStore
from slowfast_live.ui.rules.rules_dialog import RulesDialog
from slowfast_live.ui.style import formatting
from slowfast_live.ui.style.language import tr
from slowfast_live.ui.threads.background import BackgroundTasks

_SHOWN_MS = 8000
Done = Callable[[RuleError | None], object]


class Alerts(QObject):
    """Evaluates the rules on each readout; disabled until the user turns rules on.

    Args:
        readout: Returns the current readout.
        labels: Returns the actions that the model knows.
        memory: The settings.
        background: Runs slow work off the GUI thread.
        action: The command that opens the dialog.
        window: Parent of the dialog.
        place: Returns the title of messages of the desktop.
        clock_s: Monotonic clock, in seconds.
        people: Returns the current readout of each person in the picture.
        messages: Shows messages of the desktop; the rules of several sources share one.
    """

    notice = Signal(object)
    """Emits a `Notice`."""
    settled = Signal(object)
    """Emits the `Topic` of notices that no longer apply."""
    rules_changed = Signal()
    """Emitted when the user changed the rules in this one's dialog."""

    def __init__(
        self,
        readout: Callable[[], Readout],
        labels: Callable[[], tuple[str, ...]],
        memory: SettingsStore,
        background: BackgroundTasks,
        action: QAction,
        window: QWidget,
        clock_s: Callable[[], float] = time.monotonic,
        people: Callable[[], list[Readout]] = list,
        place: Callable[[], str] = lambda: "SlowFast Live",
        messages: DesktopMessages | None = None,
    ) -> None:
        super().__init__(window)
        self._people, self._place = people, place
        self._messages = messages or DesktopMessages(window)
        self._readout, self._labels, self._memory, self._background = readout, labels, memory, background
        self._window, self._clock_s = window, clock_s
        self._status = Status()
        self._watches: list[RuleWatch] = []
        self._under_way: set[str] = set()
        self._failures: dict[str, str] = {}
        self.dialog: RulesDialog | None = None
        action.triggered.connect(lambda: self.open_dialog())
        self._take_over(memory.settings.rules)

    def open_dialog(self) -> None:
        """Open the rules dialog."""
        dialog = RulesDialog(self._memory.settings.rules, self._labels(), self._window)
        dialog.changed.connect(self._change)
        dialog.test_wanted.connect(self._test)
        dialog.finished.connect(self._closed)
        self.dialog = dialog
        dialog.open()

    def make_rule(self, noted: AnnotatedEvent) -> None:
        """Open the rules dialog with a new rule: when this event's action is seen as it was there."""
        self.open_dialog()
        assert self.dialog is not None  # just opened
        event = noted.event
        sure = 0.5 if event.by_hand else max(0.05, math.floor(event.mean_score * 20) / 20 - 0.1)
        hold_s = min(2.0, max(0.5, round(event.length_s / 2, 1)))
        self.dialog.add_rule(Rule(event.label, threshold=round(sure, 2), hold_s=hold_s))

    def update(self, status: Status) -> None:
        """Evaluate the rules on the current readout; calling it ten times a second is enough."""
        self._status = status
        if not self._watches or not status.model:
            return
        readout, now_s = self._readout(), self._clock_s()
        people = self._people() if any(watch.rule.people for watch in self._watches) else []
        for watch in self._watches:
            seen = done_by(people, watch.rule.people) if watch.rule.people else readout
            if (firing := watch.update(seen, now_s)) is not None:
                self._carry_out(firing)

    def _closed(self) -> None:
        self.dialog = None

    def _test(self, rule: Rule) -> None:
        """Carry out a rule's actions as if it had fired, and show the outcome in the dialog."""

        def done(error: RuleError | None) -> None:
            if self.dialog is not None:
                self.dialog.show_result(error)

        label = rule.action or next(iter(self._labels()), "squat")
        firing = Trigger(rule, label, 1.0, 0.0, rule.hold_s)
        self._show_here(firing)
        self._send(self._event_of(firing, test=True), done)

    def close(self) -> None:
        """Remove the tray icon."""
        self._messages.close()

    def _change(self, book: RuleBook) -> None:
        self.settled.emit(Topic.RULES)
        self._memory.settings.rules = book
        self._memory.changed()
        self.take_over()
        self.rules_changed.emit()

    def take_over(self) -> None:
        """Apply the rules in the settings."""
        self._take_over(self._memory.settings.rules)

    def _take_over(self, book: RuleBook) -> None:
        """Apply a new set of rules; an unchanged rule keeps its cooldown."""
        known = {watch.rule: watch for watch in self._watches}
        rules = [rule for rule in book.rules if rule.enabled] if book.enabled else []
        self._watches = [known.get(rule) or RuleWatch(rule) for rule in dict.fromkeys(rules)]

    def _event_of(self, firing: Trigger, *, test: bool = False) -> RuleEvent:
        source = formatting.source_name(self._status.source) if self._status.source is not None else ""
        return RuleEvent(firing, source, self._status.model or "", datetime.now().astimezone(), test)

    def _carry_out(self, firing: Trigger) -> None:
        self._show_here(firing)

        def done(error: RuleError | None) -> None:
            reported = self._failures.get(key)
            self._failures[key] = error.message if error is not None else ""
            if error is None and not any(self._failures.values()):
                self.settled.emit(Topic.RULES)
            if error is not None and error.message != reported:  # do not report the same failure again
                self.notice.emit(Notice(Level.WARNING, error.message, error.details, topic=Topic.RULES))

        key = repr((firing.rule.command, firing.rule.webhook))
        self._send(self._event_of(firing), done)

    def _send(self, event: RuleEvent, done: Done) -> None:
        """Run the command and the webhook on a thread, one at a time per rule, so that hanging ones do not pile up."""
        rule = event.firing.rule
        key = repr((rule.command, rule.webhook))
        if not rule.command and not rule.webhook:
            done(None)
            return
        if key in self._under_way:
            done(RuleError(tr("The rule's previous action is still running.")))
            return
        self._under_way.add(key)

        def work() -> RuleError | None:
            failures = []
            wanted: list[Callable[[], None]] = []
            if rule.command:
                wanted.append(lambda: run_command(rule.command, event))
            if rule.webhook:
                wanted.append(lambda: post(rule.webhook, event))
            for send in wanted:
                try:
                    send()
                except RuleError as error:
                    failures.append(error)
            if not failures:
                return None
            return RuleError(sentences(*(e.message for e in failures)), "\n".join(e.details for e in failures))

        def finished(error: RuleError | None) -> None:
            self._under_way.discard(key)
            done(error)

        def broken(error: Exception) -> None:
            finished(RuleError(tr("A rule could not be carried out because of an unexpected error."), repr(error)))

        self._background.run(work, finished, broken, name="rule")

    def _show_here(self, firing: Trigger) -> None:
        """Show a notification and play the sound; without a system tray, show a notice in the window instead."""
        rule = firing.rule
        if rule.sound:
            QApplication.beep()
        if not rule.notify:
            return
        text = tr(
            "{action}, seen for {seen_s} s ({score})",
            action=firing.action,
            seen_s=f"{firing.seen_s:.0f}",
            score=formatting.percent(firing.score),
        )
        if notifications_work():
            self._messages.show(self._place(), text)
        else:
            self.notice.emit(Notice(Level.INFO, tr("Rule: {value}.", value=text)))
            QApplication.alert(self._window)


class DesktopMessages(QObject):
    """Shows messages of the desktop, from an icon in its tray that appears with the first one.

    Args:
        window: Qt parent; its icon is shown.
    """

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._window = window
        self._tray: QSystemTrayIcon | None = None

    def show(self, title: str, text: str) -> None:
        """Show a message."""
        if self._tray is None:
            self._tray = QSystemTrayIcon(QIcon(self._window.windowIcon()), self)
            self._tray.setToolTip("SlowFast Live")
        self._tray.show()
        self._tray.showMessage(title, text, self._tray.icon(), _SHOWN_MS)

    def close(self) -> None:
        """Remove the icon."""
        if self._tray is not None:
            self._tray.hide()


def notifications_work() -> bool:
    """Whether this desktop has a tray that shows messages (GNOME has none without an extension)."""
    return QSystemTrayIcon.isSystemTrayAvailable() and QSystemTrayIcon.supportsMessages()
