"""The dialog of the rules: a list at the left, the rule that is chosen at the right. Changes hold at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QDoubleSpinBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from slowfast_live.errors import RuleError
from slowfast_live.rules.rule import ANY, Rule, RuleBook, join_command, split_command
from slowfast_live.ui.shortcuts import describe
from slowfast_live.ui.theme import GRID

_ANY_TEXT = "Any action"
_NONE = "No rules yet. Add one to be told when an action is seen."
_LONGEST_S = 86_400.0


class RulesDialog(QDialog):
    """Edits a book of rules.

    Args:
        book: The rules in force.
        labels: The actions that the model knows; others may be typed.
        parent: Qt's owner.
    """

    changed = Signal(object)
    """`RuleBook`, after each change that makes sense."""
    test_wanted = Signal(object)
    """`Rule` to be carried out as if it had fired."""

    def __init__(self, book: RuleBook, labels: Sequence[str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Rules")
        self.book = book
        self.enabled = QCheckBox("Rules are on")
        self.enabled.setChecked(book.enabled)
        describe(self.enabled, "Rules are on", "Switch all rules on or off")
        self.list = QListWidget()
        describe(self.list, "Rules", "The rules; the box says whether one is in force")
        self.add = QPushButton("Add")
        describe(self.add, "Add a rule", "Add a rule (Insert)")
        self.add.setShortcut("Ins")
        self.remove = QPushButton("Remove")
        describe(self.remove, "Remove the rule", "Remove the rule that is chosen")
        self._make_form(labels)
        self._lay_out()
        self._fill()
        self._wire()
        self._show_rule()

    def _make_form(self, labels: Sequence[str]) -> None:
        self.action = QComboBox()
        self.action.setEditable(True)
        self.action.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.action.addItems([_ANY_TEXT, *sorted(labels, key=str.casefold)])
        self.action.setMinimumContentsLength(24)
        describe(self.action, "Action", "The action to wait for: choose one, or type a part of its name")
        self.threshold = _number("%", 0, 100, 0, 5)
        describe(self.threshold, "Least score", "How sure the model must be")
        self.hold = _number("s", 0, _LONGEST_S, 1, 0.5)
        describe(self.hold, "Seen for", "How long the action must be seen without a break")
        self.cool_down = _number("s", 0, _LONGEST_S, 0, 10)
        describe(self.cool_down, "Then quiet for", "After the rule fired, it does not fire again for this long")
        self.notify = QCheckBox("Desktop notification")
        describe(
            self.notify,
            "Desktop notification",
            "A message of the desktop; where there is no tray for it, the window says it",
        )
        self.sound = QCheckBox("Sound")
        describe(self.sound, "Sound", "The system's alert sound; some systems have it switched off")
        self.command = QLineEdit()
        self.command.setPlaceholderText("none, or e.g.  /home/ada/lamp.sh on")
        describe(
            self.command,
            "Command",
            "A program and its arguments; it gets the event as JSON on its standard input and in SLOWFAST_LIVE_*",
        )
        self.webhook = QLineEdit()
        self.webhook.setPlaceholderText("none, or e.g.  https://example.org/hook")
        describe(self.webhook, "Web address", "The event is posted there as JSON; nothing else is sent anywhere")
        self.test = QPushButton("Test")
        describe(self.test, "Test the rule", "Do now what the rule asks for")
        self.outcome = QLabel()
        self.outcome.setWordWrap(True)
        self.outcome.setTextFormat(Qt.TextFormat.PlainText)

    def _lay_out(self) -> None:
        buttons = QHBoxLayout()
        buttons.addWidget(self.add)
        buttons.addWidget(self.remove)
        left = QVBoxLayout()
        left.addWidget(self.list, 1)
        left.addLayout(buttons)
        self.form = QWidget()
        form = QFormLayout(self.form)
        form.setContentsMargins(0, 0, 0, 0)
        form.setHorizontalSpacing(2 * GRID)
        form.setVerticalSpacing(GRID)
        form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
        form.addRow("When", self.action)
        form.addRow("scores at least", self.threshold)
        form.addRow("for", self.hold)
        form.addRow("tell me by", self.notify)
        form.addRow("", self.sound)
        form.addRow("run", self.command)
        form.addRow("post to", self.webhook)
        form.addRow("then be quiet for", self.cool_down)
        trial = QHBoxLayout()
        trial.addWidget(self.test, 0, Qt.AlignmentFlag.AlignTop)
        trial.addWidget(self.outcome, 1)
        self.outcome.setMinimumHeight(5 * GRID)
        self.empty = QLabel(_NONE)
        self.empty.setWordWrap(True)
        self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.empty.setProperty("tone", "quiet")
        right = QVBoxLayout()
        right.addWidget(self.form)
        right.addWidget(self.empty, 1)
        right.addLayout(trial)
        right.addStretch(0)
        middle = QHBoxLayout()
        middle.setSpacing(3 * GRID)
        middle.addLayout(left, 2)
        middle.addLayout(right, 3)
        foot = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        foot.rejected.connect(self.accept)
        close = foot.button(QDialogButtonBox.StandardButton.Close)
        describe(close, "Close", "Close; the rules are kept (Esc)")
        for button in (self.add, self.remove, self.test, close):
            button.setAutoDefault(False)
        column = QVBoxLayout(self)
        column.setContentsMargins(3 * GRID, 3 * GRID, 3 * GRID, 2 * GRID)
        column.setSpacing(2 * GRID)
        column.addWidget(self.enabled)
        column.addLayout(middle, 1)
        column.addWidget(foot)
        self.resize(90 * GRID, 58 * GRID)

    def _wire(self) -> None:
        self.enabled.toggled.connect(lambda on: self._set(replace(self.book, enabled=on)))
        self.add.clicked.connect(self._add)
        self.remove.clicked.connect(self._remove)
        self.list.currentRowChanged.connect(lambda _: self._show_rule())
        self.list.itemChanged.connect(self._switch)
        self.action.activated.connect(lambda _: self._edited())
        field = self.action.lineEdit()
        assert field is not None  # it is editable
        for line in (field, self.command, self.webhook):
            line.textEdited.connect(lambda _: self._check())
            line.editingFinished.connect(self._edited)  # a rule never fires with a command that is half typed
        for number in (self.threshold, self.hold, self.cool_down):
            number.valueChanged.connect(lambda _: self._edited())
        for box in (self.notify, self.sound):
            box.toggled.connect(lambda _: self._edited())
        self.test.clicked.connect(self._test)

    @property
    def _row(self) -> int:
        return self.list.currentRow()

    def _fill(self) -> None:
        with QSignalBlocker(self.list):
            self.list.clear()
            for rule in self.book.rules:
                item = QListWidgetItem(rule.name)
                item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
                item.setCheckState(Qt.CheckState.Checked if rule.enabled else Qt.CheckState.Unchecked)
                self.list.addItem(item)
            self.list.setCurrentRow(0 if self.book.rules else -1)

    def _show_rule(self) -> None:
        """Show the rule that is chosen."""
        there = 0 <= self._row < len(self.book.rules)
        for widget in (self.form, self.test, self.outcome):
            widget.setVisible(there)
        self.empty.setVisible(not there)
        self.remove.setEnabled(there)
        self.outcome.clear()
        if not there:
            return
        rule = self.book.rules[self._row]
        fields = (self.action, self.threshold, self.hold, self.cool_down)
        blockers = [QSignalBlocker(w) for w in (*fields, self.notify, self.sound, self.command, self.webhook)]
        self.action.setCurrentText(rule.action or _ANY_TEXT)
        self.threshold.setValue(rule.threshold * 100)
        self.hold.setValue(rule.hold_s)
        self.cool_down.setValue(rule.cool_down_s)
        self.notify.setChecked(rule.notify)
        self.sound.setChecked(rule.sound)
        self.command.setText(join_command(rule.command))
        self.webhook.setText(rule.webhook)
        del blockers

    def _rule(self) -> Rule:
        """Return the rule as it is typed.

        Raises:
            ValueError: Something in it makes no sense.
        """
        typed = self.action.currentText().strip()
        try:
            command = split_command(self.command.text())
        except ValueError as error:
            raise ValueError(f"The command cannot be read: {error}") from error
        return Rule(
            action=ANY if typed == _ANY_TEXT else typed,
            threshold=round(self.threshold.value() / 100, 4),
            hold_s=self.hold.value(),
            cool_down_s=self.cool_down.value(),
            enabled=self.book.rules[self._row].enabled,
            notify=self.notify.isChecked(),
            sound=self.sound.isChecked(),
            command=command,
            webhook=self.webhook.text().strip(),
        )

    def _check(self) -> Rule | None:
        """Return the rule as it is typed, or say what is wrong with it."""
        if not 0 <= self._row < len(self.book.rules):
            return None
        try:
            rule = self._rule()
        except ValueError as error:
            self._say(f"{error}. The rule stays as it was.".replace("..", "."), "amber")
            self.test.setEnabled(False)
            return None
        self.test.setEnabled(True)
        return rule

    def _edited(self) -> None:
        rule = self._check()
        if rule is None or rule == self.book.rules[self._row]:
            return
        self._say("", "quiet")
        rules = list(self.book.rules)
        rules[self._row] = rule
        with QSignalBlocker(self.list):
            self.list.item(self._row).setText(rule.name)
        self._set(replace(self.book, rules=tuple(rules)))

    def _switch(self, item: QListWidgetItem) -> None:
        row = self.list.row(item)
        rules = list(self.book.rules)
        rules[row] = replace(rules[row], enabled=item.checkState() is Qt.CheckState.Checked)
        self._set(replace(self.book, rules=tuple(rules)))

    def _add(self) -> None:
        first = not self.book.rules
        self._set(replace(self.book, rules=(*self.book.rules, Rule())))
        self._fill()
        self.list.setCurrentRow(len(self.book.rules) - 1)
        self._show_rule()
        if first:
            self.enabled.setChecked(True)  # whoever adds the first rule wants it to hold
        self.action.setFocus(Qt.FocusReason.OtherFocusReason)

    def _remove(self) -> None:
        row = self._row
        rules = self.book.rules[:row] + self.book.rules[row + 1 :]
        self._set(replace(self.book, rules=rules))
        self._fill()
        self.list.setCurrentRow(min(row, len(rules) - 1))
        self._show_rule()

    def _set(self, book: RuleBook) -> None:
        if book != self.book:
            self.book = book
            self.changed.emit(book)

    def done(self, result: int) -> None:
        """Take over what is still being typed, and close."""
        self._edited()
        super().done(result)

    def _test(self) -> None:
        self._edited()
        self.test.setEnabled(False)
        self._say("Trying…", "quiet")
        self.test_wanted.emit(self._rule())

    def show_result(self, error: RuleError | None) -> None:
        """Show what became of a test."""
        self.test.setEnabled(True)
        if error is None:
            self._say("Done.", "quiet")
        else:
            self._say(error.message, "amber")
            self.outcome.setToolTip(error.details)

    def _say(self, text: str, tone: str) -> None:
        self.outcome.setText(text)
        self.outcome.setToolTip("")
        if self.outcome.property("tone") != tone:
            self.outcome.setProperty("tone", tone)
            self.outcome.style().unpolish(self.outcome)
            self.outcome.style().polish(self.outcome)


def _number(unit: str, least: float, most: float, decimals: int, step: float) -> QDoubleSpinBox:
    box = QDoubleSpinBox()
    box.setRange(least, most)
    box.setDecimals(decimals)
    box.setSingleStep(step)
    box.setSuffix(f" {unit}")
    box.setAlignment(Qt.AlignmentFlag.AlignCenter)
    box.setFixedWidth(14 * GRID)
    return box
