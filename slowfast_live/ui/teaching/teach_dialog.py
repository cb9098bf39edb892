"""The dialog in which actions are taught: actions on the left, their examples on the right, learning below."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from slowfast_live.teaching.takes import NOTHING, NOTHING_NAME, Take
from slowfast_live.ui.commands.commands import describe
from slowfast_live.ui.controller.drops import local_path
from slowfast_live.ui.style import formatting
from slowfast_live.ui.style.fitting import resize_to_fit
from slowfast_live.ui.style.language import shown, tr
from slowfast_live.ui.style.theme import GRID
from slowfast_live.ui.style.tone import restyle, set_tone
from slowfast_live.ui.teaching.example_list import ExampleList, empty_text
from slowfast_live.ui.teaching.lesson import Lesson
from slowfast_live.ui.teaching.take_recorder import Phase, TakeRecorder

_STEPS = 1000
_PRIVACY = tr("Nothing leaves this machine. An example is kept as numbers and a small picture, not as a video.")
_WITH_CLIPS = tr("Nothing leaves this machine. New examples are kept as videos, too; double-click one to see it.")
_LEAD = tr("Name an action, do it in front of the camera a few times, and let the model learn it.")


class TeachDialog(QDialog):
    """Shows a `Lesson` and passes on what the user wants.

    Args:
        lesson: What is taught.
        recorder: Takes examples of what the pipeline shows.
        parent: The window.
    """

    take_wanted = Signal(str)
    """Emits the action of which an example of what is shown now is to be taken."""
    passage_wanted = Signal(str)
    """Emits the action of which passages of the file on display are examples."""
    files_wanted = Signal(str, list)
    """Emits the action, and the dropped or chosen files as paths; an empty list asks for them."""
    unseen_wanted = Signal()
    """Emitted to take what ran before as examples of none of the actions."""
    learn_wanted = Signal()
    use_wanted = Signal()
    share_wanted = Signal()
    clip_wanted = Signal(object)
    """Emits the `Take` whose clip is to be shown."""

    def __init__(self, lesson: Lesson, recorder: TakeRecorder, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._lesson, self._recorder = lesson, recorder
        self._removed: list[Take] = []
        self._live = True
        self.setWindowTitle(tr("Teach actions"))
        self.setAcceptDrops(True)
        self._make_fields()
        self._make_lists()
        self._make_buttons()
        self._lay_out()
        self._wire()
        self.refresh()
        resize_to_fit(self, 116 * GRID, 72 * GRID)

    # Building

    def _make_fields(self) -> None:
        self.title = QLineEdit(self._lesson.settings.title)
        self.title.setMaxLength(60)
        describe(self.title, tr("Name of the model"), tr("What the taught model is called in the list of models"))
        self.base = QComboBox()
        self.base.setMinimumContentsLength(20)
        self.base.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.action = QLineEdit()
        self.action.setMaxLength(80)
        self.action.setPlaceholderText(tr("New action"))
        describe(self.action, tr("New action"), tr("Name an action that the model should learn, e.g. nodding"))
        self.add_action = QPushButton(tr("Add"))
        describe(self.add_action, tr("Add action"), tr("Add this action to what is taught"))
        self.mirrored = QCheckBox(tr("Mirror images count, too"))
        self.mirrored.setChecked(True)
        describe(
            self.mirrored,
            tr("Mirror images count, too"),
            tr("Learn from mirror images as well. Turn this off for actions in which left and right matter"),
        )
        self.beside = QCheckBox(tr("Keep the actions that the model knows already"))
        self.beside.setChecked(self._lesson.settings.beside)
        describe(self.beside, tr("Keep its own actions"), tr("Recognize the model's own actions as well as yours"))

        self.keep_clips = QCheckBox(tr("Keep videos of new examples"))
        self.keep_clips.setChecked(self._lesson.settings.clips)
        describe(
            self.keep_clips,
            tr("Keep videos of new examples"),
            tr("Keep each new example as a video beside its numbers; off, no video is kept"),
        )
        self.privacy = QLabel()
        self.privacy.setTextFormat(Qt.TextFormat.PlainText)
        self.privacy.setWordWrap(True)
        self.privacy.setProperty("tone", "quiet")
        self._say_privacy()

    def _make_lists(self) -> None:
        self.action_list = QListWidget()
        self.action_list.setMinimumWidth(28 * GRID)
        describe(self.action_list, tr("Actions"), tr("The actions that are taught"))
        self.examples = ExampleList()
        self.empty = QLabel()
        self.empty.setTextFormat(Qt.TextFormat.PlainText)
        self.empty.setWordWrap(True)
        self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.empty.setProperty("tone", "quiet")
        self.message = QLabel()
        self.message.setWordWrap(True)
        self.message.setTextFormat(Qt.TextFormat.PlainText)
        self.report = QLabel()
        self.report.setWordWrap(True)
        self.report.setTextFormat(Qt.TextFormat.PlainText)
        self.report.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.report.setAccessibleName(tr("How well it works"))
        self.progress = QProgressBar()
        self.progress.setRange(0, _STEPS)
        self.progress.setTextVisible(False)
        self.progress.setFixedHeight(GRID)
        kept = self.progress.sizePolicy()
        kept.setRetainSizeWhenHidden(True)  # what is above does not move when work begins or ends
        self.progress.setSizePolicy(kept)
        self.progress.setAccessibleName(tr("Progress"))

    def _make_buttons(self) -> None:
        self.take = QPushButton(tr("Take an example"))
        describe(self.take, tr("Take an example"), tr("3 seconds to get ready, then 10 seconds of the action"))
        self.passage = QPushButton(tr("From this video…"))
        describe(self.passage, tr("From this video"), tr("Use passages of the video that is shown"))
        self.clips = QPushButton(tr("Video files…"))
        describe(self.clips, tr("Video files"), tr("Use whole video files; they can be dropped here as well"))
        self.unseen = QPushButton(tr("Use what ran before"))
        describe(self.unseen, tr("Use what ran before"), tr("Take what was shown and is no example of an action"))
        self.remove = QPushButton(tr("Remove"))
        describe(self.remove, tr("Remove"), tr("Remove the selected examples, or the action"))
        self.undo = QPushButton(tr("Undo"))
        describe(self.undo, tr("Undo"), tr("Restore the examples that were removed last"))
        self.learn = QPushButton(tr("Learn"))
        self.learn.setObjectName("primary")
        describe(self.learn, tr("Learn"), tr("Learn from all examples, and test how well it works"))
        self.use = QPushButton(tr("Use it now"))
        describe(self.use, tr("Use it now"), tr("Switch to the taught model"))
        self.share = QPushButton(tr("Share…"))
        describe(self.share, tr("Share"), tr("Save the taught model as one file for somebody else"))
        self.close_button = QPushButton(tr("Close"))
        for button in (self.take, self.passage, self.clips, self.unseen, self.remove, self.undo, self.add_action):
            button.setAutoDefault(False)
        for button in (self.learn, self.use, self.share, self.close_button):
            button.setAutoDefault(False)

    def _lay_out(self) -> None:
        head = QGridLayout()
        head.setSpacing(GRID)
        head.addWidget(QLabel(tr("Model")), 0, 0)
        head.addWidget(self.title, 0, 1)
        head.addWidget(self.base, 0, 2)
        head.setColumnStretch(1, 1)
        lead = QLabel(_LEAD)
        lead.setWordWrap(True)
        left = QVBoxLayout()
        left.setSpacing(GRID)
        new = QHBoxLayout()
        new.addWidget(self.action, 1)
        new.addWidget(self.add_action)
        left.addLayout(new)
        left.addWidget(self.action_list, 1)
        ways = QHBoxLayout()
        ways.setSpacing(GRID)
        for widget in (self.take, self.passage, self.clips, self.unseen):
            ways.addWidget(widget)
        ways.addStretch(1)
        right = QVBoxLayout()
        right.setSpacing(GRID)
        right.addLayout(ways)
        right.addWidget(self.examples, 1)
        right.addWidget(self.empty)
        below = QHBoxLayout()
        below.addWidget(self.mirrored)
        below.addStretch(1)
        below.addWidget(self.undo)
        below.addWidget(self.remove)
        right.addLayout(below)
        middle = QHBoxLayout()
        middle.setSpacing(2 * GRID)
        middle.addLayout(left)
        middle.addLayout(right, 1)
        line = QFrame()
        line.setObjectName("rule")
        end = QHBoxLayout()
        end.setSpacing(GRID)
        end.addWidget(self.beside)
        end.addStretch(1)
        for button in (self.share, self.use, self.learn, self.close_button):
            end.addWidget(button)
        last = QHBoxLayout()
        last.setSpacing(2 * GRID)
        last.addWidget(self.privacy, 1)
        last.addWidget(self.keep_clips)
        self.empty.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        self.empty.setMinimumHeight(6 * GRID)  # three lines, also in the smallest window
        layout = QVBoxLayout(self)
        layout.setContentsMargins(3 * GRID, 2 * GRID, 3 * GRID, 2 * GRID)
        layout.setSpacing(GRID + GRID // 2)
        layout.addWidget(lead)
        layout.addLayout(head)
        layout.addLayout(middle, 1)
        layout.addWidget(line)
        for part in (self.progress, self.message, self.report):
            layout.addWidget(part)
        layout.addLayout(end)
        layout.addLayout(last)

    def _wire(self) -> None:
        lesson = self._lesson
        lesson.changed.connect(self.refresh)
        lesson.working.connect(self._show_work)
        lesson.failed.connect(self.show_problem)
        self._recorder.changed.connect(self._show_recorder)
        self.action.returnPressed.connect(self._add_action)
        self.add_action.clicked.connect(self._add_action)
        self.action_list.currentRowChanged.connect(lambda _row: self._show_examples())
        self.examples.itemSelectionChanged.connect(self._enable)
        self.take.clicked.connect(self._take_or_stop)
        self.passage.clicked.connect(lambda: self.passage_wanted.emit(self.label))
        self.clips.clicked.connect(lambda: self.files_wanted.emit(self.label, []))
        self.unseen.clicked.connect(self.unseen_wanted)
        self.remove.clicked.connect(self._remove)
        self.undo.clicked.connect(self._undo)
        self.mirrored.clicked.connect(self._set_mirrored)
        self.base.currentIndexChanged.connect(self._choose_base)
        self.beside.clicked.connect(lambda on: lesson.set(beside=on))
        self.keep_clips.clicked.connect(self._set_clips)
        self.examples.itemActivated.connect(self._show_clip)
        self.title.editingFinished.connect(self._set_title)
        self.learn.clicked.connect(self._learn)
        self.use.clicked.connect(self.use_wanted)
        self.share.clicked.connect(self.share_wanted)
        self.close_button.clicked.connect(self.close)
        QShortcut(QKeySequence(QKeySequence.StandardKey.Delete), self.examples, self._remove)

    # Showing

    @property
    def label(self) -> str:
        """The chosen action; `NOTHING` for none of them."""
        item = self.action_list.currentItem()
        return str(item.data(Qt.ItemDataRole.UserRole)) if item is not None else NOTHING

    def show_source(self, *, live: bool, there: bool) -> None:
        """Offer what the source on display allows.

        Args:
            live: Whether it is a camera or a stream.
            there: Whether it shows pictures.
        """
        self._live = live
        self.passage.setEnabled(there and not live)
        if self._recorder.phase is Phase.IDLE:
            self.take.setEnabled(there)
        self.unseen.setVisible(self.label == NOTHING)
        self.unseen.setEnabled(there)

    def refresh(self) -> None:
        """Show the actions and examples as they are now."""
        chosen, lesson = self.label if self.action_list.count() else None, self._lesson
        self.action_list.blockSignals(True)
        self.action_list.clear()
        for label in lesson.labels:
            count = len(lesson.takes_of(label))
            item = QListWidgetItem(f"{shown(label or NOTHING_NAME)}  ·  {count}")
            item.setData(Qt.ItemDataRole.UserRole, label)
            item.setToolTip(
                formatting.tooltip(tr("{count} examples of {value}", count=count, value=label or NOTHING_NAME))
            )
            self.action_list.addItem(item)
        labels = lesson.labels
        self.action_list.setCurrentRow(labels.index(chosen) if chosen in labels else 0)
        self.action_list.blockSignals(False)
        self._show_base()
        self._show_examples()

    def _show_base(self) -> None:
        """Offer the models to build on; once there are examples, theirs is the only one."""
        lesson = self._lesson
        base, offered = lesson.base, lesson.bases
        self.base.blockSignals(True)
        self.base.clear()
        for model in offered:
            self.base.addItem(tr("on {title}", title=model.spec.title), model.name)
        if base is None:
            self.base.addItem(tr("no model for these examples") if lesson.takes else tr("no trained model"), "")
        self.base.setCurrentIndex(max(0, self.base.findData(base.name if base is not None else "")))
        self.base.blockSignals(False)
        fixed = bool(lesson.takes) or lesson.busy
        self.base.setEnabled(not fixed)
        about = (
            tr("The examples were taken with this model. Remove all of them to choose another one")
            if fixed
            else tr("The model that sees the examples; a more accurate one learns better and is slower")
        )
        describe(self.base, tr("Build on"), about)

    def choose(self, label: str) -> None:
        """Choose an action."""
        self.action_list.setCurrentRow(self._lesson.labels.index(label))

    def _show_examples(self) -> None:
        takes = self._lesson.takes_of(self.label)
        self.examples.show_takes(takes)
        self.examples.setVisible(bool(takes))
        self.empty.setVisible(not takes)
        self.empty.setText(empty_text(self.label, only_nothing=len(self._lesson.labels) == 1))
        self.unseen.setVisible(self.label == NOTHING)
        self._enable()

    def _enable(self) -> None:
        lesson, idle = self._lesson, self._recorder.phase is Phase.IDLE
        named = self.label != NOTHING or len(lesson.labels) > 1 or bool(lesson.takes)
        self.take.setEnabled(named or not idle)
        self.remove.setEnabled(bool(self.examples.selectedItems()) or self.label != NOTHING)
        self.undo.setVisible(bool(self._removed))
        self.learn.setEnabled(bool(lesson.takes) and not lesson.busy and idle)
        self.progress.setVisible(lesson.busy)
        chosen = self._selected()
        if chosen:
            self.mirrored.setChecked(all(take.mirrored for take in chosen))

    def _show_work(self, task: str, share: float) -> None:
        self.progress.setVisible(bool(task))
        if task:
            self.progress.setRange(0, _STEPS if share > 0 else 0)
            self.progress.setValue(round(share * _STEPS))
            self._say(f"{task}…", "quiet")
        else:
            if self.message.property("tone") == "quiet":
                self._say("")
            self._enable()

    def _show_recorder(self) -> None:
        phase = self._recorder.phase
        self.take.setText(tr("Take an example") if phase is Phase.IDLE else tr("Stop"))
        if phase is not Phase.IDLE:
            self._say("")
        self._enable()

    def show_problem(self, text: str) -> None:
        """Show what went wrong."""
        self._say(text, "red")
        self._enable()

    def show_report(self, lines: Sequence[str]) -> None:
        """Show how well the taught model works, and offer to use it."""
        self._say("")
        self.report.setText("\n".join(lines))
        self.use.show()
        self.share.show()
        self._lead_to(self.use)
        self.use.setFocus()

    def _lead_to(self, next_step: QPushButton) -> None:
        """Mark the button of the next step: learning, or using what was learned."""
        for button in (self.learn, self.use):
            name = "primary" if button is next_step else ""
            if button.objectName() != name:
                button.setObjectName(name)
                restyle(button)

    def _say(self, text: str, tone: str = "") -> None:
        self.message.setText(text)
        self.message.setVisible(bool(text))
        set_tone(self.message, tone)

    # User actions

    def _add_action(self) -> None:
        name = " ".join(self.action.text().split())
        if self._lesson.add_action(name):
            self.action.clear()
            self.choose(name)
            self._say("")
            self.take.setFocus()
        elif name:
            self.show_problem(tr("“{name}” is there already.", name=name))
        else:
            self.show_problem(tr("Give the action a name first."))
            self.action.setFocus()

    def _take_or_stop(self) -> None:
        if self._recorder.phase is Phase.IDLE:
            self.take_wanted.emit(self.label)
        else:
            self._recorder.cancel()

    def _selected(self) -> list[Take]:
        ids = self.examples.selected
        return [take for take in self._lesson.takes if take.id in ids]

    def _remove(self) -> None:
        chosen = self._selected()
        self._removed = chosen or self._lesson.takes_of(self.label)
        if chosen:
            self._lesson.remove(chosen)
        elif self.label != NOTHING:
            self._lesson.remove_action(self.label)
        self._enable()

    def _undo(self) -> None:
        removed, self._removed = self._removed, []
        self._lesson.restore(removed)

    def _set_mirrored(self, on: bool) -> None:
        chosen = self._selected()
        if chosen:
            self._lesson.set_mirrored(chosen, on)
            self.examples.select({take.id for take in chosen})

    def _choose_base(self) -> None:
        if name := self.base.currentData():
            self._lesson.choose_base(name)

    def _set_clips(self, on: bool) -> None:
        self._lesson.set(clips=on)
        self._say_privacy()

    def _say_privacy(self) -> None:
        self.privacy.setText(_WITH_CLIPS if self._lesson.settings.clips else _PRIVACY)

    def _show_clip(self, item: QListWidgetItem) -> None:
        wanted = item.data(Qt.ItemDataRole.UserRole)
        for take in self._lesson.takes:
            if take.id == wanted:
                self.clip_wanted.emit(take)

    def _set_title(self) -> None:
        if self.title.text().strip():
            self._lesson.set(title=self.title.text().strip())

    def _learn(self) -> None:
        self._set_title()
        self._lead_to(self.learn)
        self.report.clear()
        self.learn_wanted.emit()

    # Qt's event handlers

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802
        """Accept files."""
        if any(local_path(url) is not None for url in event.mimeData().urls()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802
        """Take the dropped files as examples of the chosen action."""
        paths = [path for url in event.mimeData().urls() if (path := local_path(url)) is not None]
        if paths:
            event.acceptProposedAction()
            self.files_wanted.emit(self.label, paths)

    def come_back(self) -> None:
        """Show the dialog again after an example was taken."""
        if not self.isVisible():
            self.show()
            self.raise_()

    def open_up(self) -> None:
        """Show the dialog in front."""
        first = not self.isVisible()
        if first:
            self.use.hide()
            self.share.hide()
            self.report.clear()
            self._lead_to(self.learn)
        self.show()
        self.raise_()
        self.activateWindow()
        if first:
            self.action.setFocus()
