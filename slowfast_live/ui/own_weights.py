"""What a user says of weights of their own before they are built: the labels, their number, and a name."""

from __future__ import annotations

import re
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QLabel, QLineEdit, QPushButton, QWidget

from slowfast_live.errors import UsageError
from slowfast_live.inference.labels import own_labels
from slowfast_live.inference.spec import usable_name
from slowfast_live.ui.shortcuts import describe
from slowfast_live.ui.theme import GRID

_KINETICS = 400


def name_from(file: Path) -> str:
    """Return a name for the model made of a checkpoint: "my weights.pyth" makes "my_weights"; "" where none can be."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "_", file.stem).lstrip("._-")[:60]
    return name if usable_name(name) else ""


class OwnWeights(QWidget):
    """A row of fields, checked as they are filled in; `said` tells what is wrong, and is laid out by the owner."""

    changed = Signal()
    """A field was edited."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._suggested = ""
        self._fault = ""
        self._counted = 0
        self.labels = self._field("Labels file", "File of your class names, one a line, in the order of the outputs")
        self.labels.setPlaceholderText("those of Kinetics-400")
        self.browse = QPushButton("Browse…")
        self.browse.setAutoDefault(False)
        describe(self.browse, "Browse for labels", "Choose the file of your class names")
        self.classes = self._field("Number of classes", "How many classes your checkpoint has; the labels tell it too")
        self.classes.setFixedWidth(9 * GRID)
        self.name = self._field("Name of your model", "First part of its folder's name; the network's where empty")
        self.name.setMinimumWidth(12 * GRID)
        self.said = QLabel()
        self.said.setTextFormat(Qt.TextFormat.PlainText)
        self.said.setWordWrap(True)
        self.said.setProperty("tone", "amber")
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
        for text, field, stretch in (("Labels", self.labels, 3), ("Classes", self.classes, 0), ("Name", self.name, 2)):
            caption = QLabel(text)
            caption.setProperty("tone", "quiet")
            caption.setBuddy(field)
            row.addWidget(caption)
            row.addWidget(field, stretch)
            if field is self.labels:
                row.addWidget(self.browse)

    @property
    def labels_file(self) -> Path | None:
        """The file of labels; None for none."""
        text = self.labels.text().strip()
        return Path(text).expanduser() if text else None

    @property
    def count(self) -> int | None:
        """The number of classes; None where none is typed, or no number."""
        text = self.classes.text().strip()
        return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None

    @property
    def own_name(self) -> str:
        """The name typed."""
        return self.name.text().strip()

    def suggest(self, name: str, otherwise: str) -> None:
        """Fill in a name, unless the user typed one; `otherwise` is the one that counts where it is left empty."""
        self.name.setPlaceholderText(otherwise)
        if self.name.text() == self._suggested:
            self._suggested = name
            self.name.setText(name)
            self.name.setCursorPosition(0)

    def check(self) -> str:
        """Read the labels again and return what is wrong, "" where nothing is."""
        self._counted, self._fault = 0, ""
        text = self.classes.text().strip()
        try:
            if text and self.count is None:
                raise UsageError(f"Classes takes a whole number, not '{text}'.")
            labels = own_labels(self.labels_file, self.count)
            self._counted = len(labels or ())
            if self.own_name and not usable_name(self.own_name):
                raise UsageError("The name takes letters, digits, '.', '_' and '-', a letter or digit first.")
        except UsageError as error:
            self._fault = error.message
        self.classes.setPlaceholderText(str(self._counted if self.labels_file and self._counted else _KINETICS))
        return self._fault

    @property
    def fault(self) -> str:
        """What was wrong when it was looked at last."""
        return self._fault

    def say(self, text: str) -> None:
        """Show what keeps the build from being started; "" for nothing."""
        # A zero-width space after each slash lets long paths wrap.
        self.said.setText(text.replace("/", "/\u200b").replace("\\", "\\\u200b"))
        self.said.setAccessibleName(text)
        self.said.setVisible(bool(text))

    def _edited(self) -> None:
        self.check()
        self.changed.emit()

    def _browse(self) -> None:
        dialog = QFileDialog(self, "Labels of your checkpoint")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setNameFilters(["Text (*.txt *.names *.labels)", "All files (*)"])
        if self.labels_file is not None:
            dialog.setDirectory(str(self.labels_file.parent))
        dialog.fileSelected.connect(self.labels.setText)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()
