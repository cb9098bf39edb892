"""The rules dialog: a list on the left, the selected rule on the right. Changes take effect immediately."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from slowfast_live.errors import RuleError
from slowfast_live.rules.rule import ANY, MOST_PEOPLE, Rule, RuleBook, join_command, split_command
from slowfast_live.ui.commands.commands import describe
from slowfast_live.ui.style.fields import number_field
from slowfast_live.ui.style.fitting import resize_to_fit
from slowfast_live.ui.style.language import tr, words
from slowfast_live.ui.style.theme import GRID
from slowfast_live.ui.style.tone import set_tone

_ANY_TEXT = tr("Any action")
_NONE = tr("No rules yet. Add one to be notified when an action is seen.")
_LONGEST_S = 86_400.0


class RulesDialog(QDialog):
    """Edits the user's rules.

    Args:
        book: The current rules.
        labels: The actions that the model knows; others may be typed.
        parent: Qt parent.
    """

    changed = Signal(object)
    """Emits the `RuleBook` after each valid change."""
    test_wanted = Signal(object)
    """Emits a `Rule` to be carried out as if it had fired."""

    def __init__(self, book: RuleBook, labels: Sequence[str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(tr("Rules"))
        self.book = book
        self.enabled = QCheckBox(tr("Rules are on"))
        self.enabled.setChecked(book.enabled)
        describe(self.enabled, tr("Rules are on"), tr("Switch all rules on or off"))
        self.list = QListWidget()
        describe(self.list, tr("Rules"), tr("The rules; the checkbox turns a rule on or off"))
        self.add = QPushButton(tr("Add"))
        describe(self.add, tr("Add a rule"), tr("Add a rule (Insert)"))
        self.add.setShortcut("Ins")
        self.remove = QPushButton(tr("Remove"))
        describe(self.remove, tr("Remove the rule"), tr("Remove the selected rule"))
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
        describe(self.action, tr("Action"), tr("The action to wait for: choose one, or type a part of its name"))
        self.threshold = number_field(0, 100, 0, 5, "%")
        describe(self.threshold, tr("Minimum score"), tr("Minimum score of the action"))
        self.people = number_field(0, MOST_PEOPLE, 0, 1, "")
        self.people.setSpecialValueText(tr("the picture"))
        describe(
            self.people,
            tr("Done by"),
            tr("How many people must do it at the same time; 0 is the action of the picture as a whole"),
        )
        self.hold = number_field(0, _LONGEST_S, 1, 0.5, "s")
        describe(self.hold, tr("Seen for"), tr("How long the action must be seen without interruption"))
        self.cool_down = number_field(0, _LONGEST_S, 0, 10, "s")
        describe(self.cool_down, tr("Then quiet for"), tr("After firing, the rule does not fire again for this long"))
        self.notify = QCheckBox(tr("Desktop notification"))
        describe(
            self.notify,
            tr("Desktop notification"),
            tr("A desktop notification; if the system has none, the window shows the message"),
        )
        self.sound = QCheckBox(tr("Sound"))
        describe(self.sound, tr("Sound"), tr("The system's alert sound; some systems have it switched off"))
        self.command = QLineEdit()
        self.command.setPlaceholderText(tr("e.g. /home/ada/lamp.sh on"))
        describe(
            self.command,
            tr("Command"),
            tr(
                "A program and its arguments; it gets the event as JSON on standard input and in "
                "SLOWFAST_LIVE_* variables"
            ),
        )
        self.webhook = QLineEdit()
        self.webhook.setPlaceholderText(tr("e.g. https://example.org/hook"))
        describe(
            self.webhook,
            tr("Web address"),
            tr("The event is sent there as JSON (HTTP POST); nothing else is ever sent"),
        )
        self.test = QPushButton(tr("Test"))
        describe(self.test, tr("Test the rule"), tr("Carry out the rule now"))
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
        fields = QWidget()
        form = QFormLayout(fields)
        form.setContentsMargins(0, 0, 0, 0)
        form.setHorizontalSpacing(2 * GRID)
        form.setVerticalSpacing(GRID)
        form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
        form.addRow(tr("When"), self.action)
        form.addRow(tr("is done by"), self.people)
        form.addRow(tr("with a score of at least"), self.threshold)
        form.addRow(tr("for"), self.hold)
        form.addRow(tr("notify me by"), self.notify)
        form.addRow("", self.sound)
        form.addRow(tr("run"), self.command)
        form.addRow(tr("post to"), self.webhook)
        form.addRow(tr("then stay quiet for"), self.cool_down)
        self.form = QScrollArea()  # on a small screen
        self.form.setWidget(fields)
        self.form.setWidgetResizable(True)
        self.form.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.form.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.form.setMinimumSize(fields.minimumSizeHint().width(), 20 * GRID)
        trial = QHBoxLayout()
        trial.addWidget(self.test, 0, Qt.AlignmentFlag.AlignTop)
        trial.addWidget(self.outcome, 1)
        self.outcome.setMinimumHeight(5 * GRID)
        self.empty = QLabel(_NONE)
        self.empty.setWordWrap(True)
        self.empty.setMinimumWidth(30 * GRID)
        self.empty.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.empty.setProperty("tone", "quiet")
        right = QVBoxLayout()
        right.addWidget(self.form, 1)
        right.addLayout(trial)
        middle = QHBoxLayout()
        middle.setSpacing(3 * GRID)
        middle.addLayout(left, 2)
        middle.addLayout(right, 3)
        middle.addWidget(self.empty, 3)
        foot = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        foot.rejected.connect(self.accept)
        close = foot.button(QDialogButtonBox.StandardButton.Close)
        describe(close, tr("Close"), tr("Close; the rules are saved (Esc)"))
        for button in (self.add, self.remove, self.test, close):
            button.setAutoDefault(False)
        column = QVBoxLayout(self)
        column.setContentsMargins(3 * GRID, 3 * GRID, 3 * GRID, 2 * GRID)
        column.setSpacing(2 * GRID)
        column.addWidget(self.enabled)
        column.addLayout(middle, 1)
        column.addWidget(foot)
        resize_to_fit(self, 90 * GRID, 58 * GRID)

    def _wire(self) -> None:
        self.enabled.toggled.connect(lambda on: self._set(replace(self.book, enabled=on)))
        self.add.clicked.connect(self._add)
        self.remove.clicked.connect(self._remove)
        self.list.currentRowChanged.connect(lambda _: self._show_rule())
        self.list.itemChanged.connect(self._switch)
        self.action.activated.connect(lambda _: self._edited())
        field = self.action.lineEdit()
        assert field is not None  # set because the combo box is editable
        for line in (field, self.command, self.webhook):
            line.textEdited.connect(lambda _: self._check())
            line.editingFinished.connect(self._edited)  # when done: a rule must never fire with a half-typed command
        for number in (self.threshold, self.people, self.hold, self.cool_down):
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

    def add_rule(self, rule: Rule) -> None:
        """Add a rule and show it."""
        self._set(replace(self.book, enabled=True, rules=(*self.book.rules, rule)))
        with QSignalBlocker(self.enabled):
            self.enabled.setChecked(True)
        self._fill()
        self.list.setCurrentRow(len(self.book.rules) - 1)
        self._show_rule()

    def _show_rule(self) -> None:
        """Show the selected rule."""
        there = 0 <= self._row < len(self.book.rules)
        for widget in (self.form, self.test, self.outcome):
            widget.setVisible(there)
        self.empty.setVisible(not there)
        self.remove.setEnabled(there)
        self.outcome.clear()
        if not there:
            return
        rule = self.book.rules[self._row]
        fields = (self.action, self.threshold, self.people, self.hold, self.cool_down)
        blockers = [QSignalBlocker(w) for w in (*fields, self.notify, self.sound, self.command, self.webhook)]
        self.action.setCurrentText(rule.action or _ANY_TEXT)
        self.threshold.setValue(rule.threshold * 100)
        self.people.setValue(rule.people)
        self.hold.setValue(rule.hold_s)
        self.cool_down.setValue(rule.cool_down_s)
        self.notify.setChecked(rule.notify)
        self.sound.setChecked(rule.sound)
        self.command.setText(join_command(rule.command))
        self.webhook.setText(rule.webhook)
        del blockers

    def _rule(self) -> Rule:
        """Return the rule as typed.

        Raises:
            ValueError: The rule is invalid.
        """
        typed = self.action.currentText().strip()
        try:
            command = split_command(self.command.text())
        except ValueError as error:
            raise ValueError(tr("The command cannot be read: {error}", error=error)) from error
        return Rule(
            action=ANY if typed == _ANY_TEXT else typed,
            threshold=round(self.threshold.value() / 100, 4),
            people=round(self.people.value()),
            hold_s=self.hold.value(),
            cool_down_s=self.cool_down.value(),
            enabled=self.book.rules[self._row].enabled,
            notify=self.notify.isChecked(),
            sound=self.sound.isChecked(),
            command=command,
            webhook=self.webhook.text().strip(),
        )

    def _check(self) -> Rule | None:
        """Return the rule as typed; if it is invalid, show why and return None."""
        if not 0 <= self._row < len(self.book.rules):
            return None
        try:
            rule = self._rule()
        except ValueError as error:
            self._show_message(tr("{problem}. The rule was not changed.", problem=words(error).rstrip(".。")), "amber")
            self.test.setEnabled(False)
            return None
        self.test.setEnabled(True)
        return rule

    def _edited(self) -> None:
        rule = self._check()
        if rule is None or rule == self.book.rules[self._row]:
            return
        self._show_message("", "quiet")
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
            self.enabled.setChecked(True)  # a user who adds the first rule wants it to be active
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
        """Apply pending edits, then close."""
        self._edited()
        super().done(result)

    def _test(self) -> None:
        self._edited()
        self.test.setEnabled(False)
        self._show_message(tr("Trying…"), "quiet")
        self.test_wanted.emit(self._rule())

    def show_result(self, error: RuleError | None) -> None:
        """Show the outcome of a test."""
        self.test.setEnabled(True)
        if error is None:
            self._show_message(tr("Done."), "quiet")
        else:
            self._show_message(words(error), "amber")
            self.outcome.setToolTip(error.details)

    def _show_message(self, text: str, tone: str) -> None:
        self.outcome.setText(text)
        self.outcome.setToolTip("")
        set_tone(self.outcome, tone)
