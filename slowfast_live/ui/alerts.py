"""Rules in the window: they look on as things are recognised, and tell whoever they were asked to tell."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QAction, QIcon
from PySide6.QtWidgets import QApplication, QSystemTrayIcon, QWidget

from slowfast_live.errors import RuleError
from slowfast_live.rules.deliver import Occasion, post, run_command
from slowfast_live.rules.rule import Firing, Rule, RuleBook, RuleWatch
from slowfast_live.types import Level, Notice, Readout, Status
from slowfast_live.ui import wording
from slowfast_live.ui.background import Background
from slowfast_live.ui.memory import Memory
from slowfast_live.ui.rules_dialog import RulesDialog

_SHOWN_MS = 8000
Done = Callable[[RuleError | None], object]


class Alerts(QObject):
    """Watches the readouts by rule; off until the user switches rules on.

    Args:
        readout: Returns what is shown now.
        labels: Returns the actions that the model knows.
        memory: The settings.
        background: Who runs what takes time.
        action: The command that opens the dialog.
        window: Owner of the dialog.
        clock_s: Monotonic seconds.
    """

    notice = Signal(object)
    """`Notice`."""

    def __init__(
        self,
        readout: Callable[[], Readout],
        labels: Callable[[], tuple[str, ...]],
        memory: Memory,
        background: Background,
        action: QAction,
        window: QWidget,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(window)
        self._readout, self._labels, self._memory, self._background = readout, labels, memory, background
        self._window, self._clock_s = window, clock_s
        self._status = Status()
        self._watches: list[RuleWatch] = []
        self._under_way: set[str] = set()
        self._failures: dict[str, str] = {}
        self._tray: QSystemTrayIcon | None = None
        self.dialog: RulesDialog | None = None
        action.triggered.connect(lambda: self.open_dialog())
        self._take_over(memory.settings.rules)

    def open_dialog(self) -> None:
        """Show the dialog of the rules."""
        dialog = RulesDialog(self._memory.settings.rules, self._labels(), self._window)
        dialog.changed.connect(self._change)
        dialog.test_wanted.connect(self._test)
        dialog.finished.connect(self._closed)
        self.dialog = dialog
        dialog.open()

    def look(self, status: Status) -> None:
        """Look at what is shown now; ten times a second will do."""
        self._status = status
        if not self._watches or not status.model:
            return
        readout, now_s = self._readout(), self._clock_s()
        for watch in self._watches:
            if (firing := watch.update(readout, now_s)) is not None:
                self._deliver(firing)

    def _closed(self) -> None:
        self.dialog = None

    def _test(self, rule: Rule) -> None:
        """Do what a rule asks for, as if it had fired, and show in the dialog what became of it."""

        def done(error: RuleError | None) -> None:
            if self.dialog is not None:
                self.dialog.show_result(error)

        label = rule.action or next(iter(self._labels()), "squat")
        firing = Firing(rule, label, 1.0, 0.0, rule.hold_s)
        self._tell_here(firing)
        self._send(self._occasion(firing, test=True), done)

    def close(self) -> None:
        """Take the icon off the tray."""
        if self._tray is not None:
            self._tray.hide()

    def _change(self, book: RuleBook) -> None:
        self._memory.settings.rules = book
        self._memory.changed()
        self._take_over(book)

    def _take_over(self, book: RuleBook) -> None:
        """Watch by these rules; one that stays as it is goes on cooling down."""
        known = {watch.rule: watch for watch in self._watches}
        rules = [rule for rule in book.rules if rule.enabled] if book.enabled else []
        self._watches = [known.get(rule) or RuleWatch(rule) for rule in dict.fromkeys(rules)]

    def _occasion(self, firing: Firing, *, test: bool = False) -> Occasion:
        source = wording.source_name(self._status.source) if self._status.source is not None else ""
        return Occasion(firing, source, self._status.model or "", datetime.now().astimezone(), test)

    def _deliver(self, firing: Firing) -> None:
        self._tell_here(firing)

        def done(error: RuleError | None) -> None:
            told = self._failures.get(key)
            self._failures[key] = error.message if error is not None else ""
            if error is not None and error.message != told:  # the same failure again is no news
                self.notice.emit(Notice(Level.WARNING, error.message, error.details))

        key = repr((firing.rule.command, firing.rule.webhook))
        self._send(self._occasion(firing), done)

    def _send(self, occasion: Occasion, done: Done) -> None:
        """Run command and webhook on a thread, each rule's one at a time: what hangs does not pile up."""
        rule = occasion.firing.rule
        key = repr((rule.command, rule.webhook))
        if not rule.command and not rule.webhook:
            done(None)
            return
        if key in self._under_way:
            done(RuleError("What the rule asked for the last time is still under way."))
            return
        self._under_way.add(key)

        def work() -> RuleError | None:
            failures = []
            wanted: list[Callable[[], None]] = []
            if rule.command:
                wanted.append(lambda: run_command(rule.command, occasion))
            if rule.webhook:
                wanted.append(lambda: post(rule.webhook, occasion))
            for send in wanted:
                try:
                    send()
                except RuleError as error:
                    failures.append(error)
            if not failures:
                return None
            return RuleError(" ".join(e.message for e in failures), "\n".join(e.details for e in failures))

        def finished(error: RuleError | None) -> None:
            self._under_way.discard(key)
            done(error)

        def broken(error: Exception) -> None:
            finished(RuleError("A rule could not be carried out because of an unexpected error.", repr(error)))

        self._background.run(work, finished, broken, name="rule")

    def _tell_here(self, firing: Firing) -> None:
        """Notification and sound; where the desktop has no tray, the window itself says it."""
        rule = firing.rule
        if rule.sound:
            QApplication.beep()
        if not rule.notify:
            return
        text = f"{firing.action}, seen for {firing.seen_s:.0f} s ({wording.percent(firing.score)})"
        if notifications_work():
            if self._tray is None:
                self._tray = QSystemTrayIcon(QIcon(self._window.windowIcon()), self)
                self._tray.setToolTip("SlowFast Live")
            self._tray.show()
            self._tray.showMessage("SlowFast Live", text, self._tray.icon(), _SHOWN_MS)
        else:
            self.notice.emit(Notice(Level.INFO, f"Rule: {text}."))
            QApplication.alert(self._window)


def notifications_work() -> bool:
    """Whether this desktop has a tray that shows messages (GNOME has none without an extension)."""
    return QSystemTrayIcon.isSystemTrayAvailable() and QSystemTrayIcon.supportsMessages()
