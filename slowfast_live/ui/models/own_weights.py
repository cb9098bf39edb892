"""Fields for the user's own weights: labels file, number of classes, and name."""

from __future__ import annotations

import re
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QLabel, QLineEdit, QPushButton, QWidget

from slowfast_live.errors import UsageError
from slowfast_live.inference.labels import own_labels
from slowfast_live.inference.spec import usable_name
from slowfast_live.ui.commands.commands import describe
from slowfast_live.ui.style.language import tr, words
from slowfast_live.ui.style.theme import GRID

_KINETICS = 400


def name_from(file: Path) -> str:
    """Return a model name for a checkpoint: "my weights.pyth" gives "my_weights"; "" if there is none."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "_", file.stem).lstrip("._-")[:60]
    return name if usable_name(name) else ""


class OwnWeights(QWidget):
    """A row of fields that are checked during input; `message` shows problems, and is placed by the owner."""

    changed = Signal()
    """Emitted when a field was edited."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._suggested = ""
        self._fault = ""
        self._counted = 0
        self.labels = self._field(tr("Labels file"), tr("Class names in the order of the outputs: text, CSV or JSON"))
        self.labels.setPlaceholderText(tr("those of Kinetics-400"))
        self.browse = QPushButton(tr("Browse…"))
        self.browse.setAutoDefault(False)
        describe(self.browse, tr("Browse for labels"), tr("Choose the file with the class names"))
        self.classes = self._field(tr("Number of classes"), tr("Number of classes; not needed with a labels file"))
        self.classes.setFixedWidth(9 * GRID)
        self.name = self._field(
            tr("Name of your model"), tr("First part of its folder's name; if empty, the network's name")
        )
        self.name.setMinimumWidth(12 * GRID)
        self.message = QLabel()
        self.message.setTextFormat(Qt.TextFormat.PlainText)
        self.message.setWordWrap(True)
        self.message.setProperty("tone", "amber")
        self._lay_out()
        self.browse.clicked.connect(lambda: self._browse())
        for field in (self.labels, self.classes, self.name):
            field.textChanged.connect(lambda: self._edited())
        self._edited()

    def _field(self, name: str, tip: str) -> QLineEdit:
        field = QLineEdit()
        describe(field, name, tip)
        return field

    def _lay_out(self) -> None:
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(GRID)
        for text, field, stretch in (
            (tr("Labels"), self.labels, 3),
            (tr("Classes"), self.classes, 0),
            (tr("Name"), self.name, 2),
        ):
            caption = QLabel(text)
            caption.setProperty("tone", "quiet")
            caption.setBuddy(field)
            row.addWidget(caption)
            row.addWidget(field, stretch)
            if field is self.labels:
                row.addWidget(self.browse)

    @property
    def labels_file(self) -> Path | None:
        """The labels file; None if there is none."""
        text = self.labels.text().strip()
        return Path(text).expanduser() if text else None

    @property
    def count(self) -> int | None:
        """The number of classes; None if the field is empty or invalid."""
        text = self.classes.text().strip()
        return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None

    @property
    def own_name(self) -> str:
        """The name entered by the user."""
        return self.name.text().strip()

    def suggest(self, name: str, otherwise: str) -> None:
        """Fill in a name, unless the user has entered one; `otherwise` is used if the field is left empty."""
        self.name.setPlaceholderText(otherwise)
        if self.name.text() == self._suggested:
            self._suggested = name
            self.name.setText(name)
            self.name.setCursorPosition(0)

    def check(self) -> str:
        """Read the labels file again and return the problem; "" if there is none."""
        self._counted, self._fault = 0, ""
        text = self.classes.text().strip()
        try:
            if text and self.count is None:
                raise UsageError(tr("Classes must be a whole number, not '{value}'.", value=text))
            labels = own_labels(self.labels_file, self.count)
            self._counted = len(labels or ())
            if self.own_name and not usable_name(self.own_name):
                raise UsageError(
                    tr("The name may contain letters, digits, '.', '_' and '-', the first a letter or digit.")
                )
        except UsageError as error:
            self._fault = words(error)
        self.classes.setPlaceholderText(str(self._counted if self.labels_file and self._counted else _KINETICS))
        return self._fault

    @property
    def fault(self) -> str:
        """The problem found by the last check."""
        return self._fault

    def show_message(self, text: str) -> None:
        """Show why the build cannot be started; "" hides the message."""
        # A zero-width space after each slash lets long paths wrap.
        self.message.setText(text.replace("/", "/\u200b").replace("\\", "\\\u200b"))
        self.message.setAccessibleName(text)
        self.message.setVisible(bool(text))

    def _edited(self) -> None:
        self.check()
        self.changed.emit()

    def _browse(self) -> None:
        dialog = QFileDialog(self, tr("Labels of your checkpoint"))
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setNameFilters(
            [tr("Class names (*.txt *.csv *.tsv *.json *.names *.labels *.pbtxt)"), tr("All files (*)")]
        )
        if self.labels_file is not None:
            dialog.setDirectory(str(self.labels_file.parent))
        dialog.fileSelected.connect(self.labels.setText)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()
