"""The model card: what the running model is, and its accuracy with where each figure comes from."""

from __future__ import annotations

import re
from html import escape

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFormLayout, QLabel, QToolButton, QVBoxLayout, QWidget

from slowfast_live.inference.building import BUILD_COMMAND
from slowfast_live.inference.spec import Accuracy, ModelSpec
from slowfast_live.ui.commands.commands import describe, key_text
from slowfast_live.ui.style import formatting
from slowfast_live.ui.style.language import tr
from slowfast_live.ui.style.names import sentence
from slowfast_live.ui.style.theme import GRID

_COUNT = re.compile(r"(\d+) (?:\w+ )?clips")


def headline_accuracy(spec: ModelSpec) -> Accuracy | None:
    """Return the figure that says most about the model: its first guess, measured on the most clips of real people.

    Without such a measurement the published one, then one of rendered people; None if there is none.
    """

    def weight(entry: Accuracy) -> tuple[bool, bool, int]:
        clips = _COUNT.search(entry.note)
        return "rendered" not in entry.dataset, entry.origin == "measured", int(clips[1]) if clips else 0

    return max((entry for entry in spec.accuracy if entry.first_guess), key=weight, default=None)


def accuracy_value(entry: Accuracy) -> str:
    """Return a figure as the window shows it: whole percent, other units as they are."""
    return formatting.percent(entry.value / 100) if entry.unit == "%" else f"{entry.value:g} {entry.unit}".strip()


def accuracy_text(entry: Accuracy) -> str:
    """Return an accuracy with its origin: "77 % right at first guess (top-1) on Kinetics-400, published"."""
    value = accuracy_value(entry)
    note = f" ({sentence(entry.note)})" if entry.note else ""
    return tr(
        "{value} {meaning} on {clips}, {origin}{note}",
        value=value,
        meaning=entry.meaning,
        clips=entry.clips,
        origin=tr("measured") if entry.origin == "measured" else tr("published"),
        note=note,
    )


def facts(spec: ModelSpec) -> list[tuple[str, str]]:
    """Return the rows of the card: (name, text)."""
    timing, clip = spec.timing, spec.clip
    rows = [
        (tr("Family"), spec.family + ("" if spec.trained else tr(", not trained: random weights"))),
        (tr("Actions"), f"{len(spec.actions)}"),
        (tr("Accuracy"), "\n".join(accuracy_text(entry) for entry in spec.accuracy) or tr("not measured yet")),
        (
            tr("Sees"),
            tr(
                "{frames} pictures of {side} × {side} over {clip_length}",
                frames=clip.frames,
                side=clip.side,
                clip_length=formatting.clip_length(timing),
            ),
        ),
        (tr("Precision"), spec.precision),
    ]
    if spec.alpha:
        rows.append(
            (
                tr("Pathways"),
                tr("fast {frames}, slow {max} pictures", frames=clip.frames, max=max(1, clip.frames // spec.alpha)),
            )
        )
    size = [tr("{params_m} M parameters", params_m=f"{spec.params_m:g}")] if spec.params_m else []
    size += [tr("{gflops} GFLOPs a clip", gflops=f"{spec.gflops:g}")] if spec.gflops else []
    if size:
        rows.append((tr("Size"), ", ".join(size)))
    if spec.parity:
        rows.append((tr("Parity"), parity_text(spec.parity)))
    rows.append((tr("License"), spec.licence or tr("not stated")))
    if spec.origin:
        rows.append(
            (
                tr("Origin"),
                sentence(spec.origin.get("note", "")) or spec.origin.get("url") or next(iter(spec.origin.values())),
            )
        )
    return rows


def parity_text(parity: dict[str, object]) -> str:
    """Return the parity measurements against torch, one per line."""
    lines = []
    for key, value in parity.items():
        if isinstance(value, int | float | str) and not isinstance(value, bool):
            shown = f"{value:.2g}" if isinstance(value, float) else str(value)
            lines.append(f"{key.replace('_', ' ')}: {shown}")
    return "\n".join(lines[:4]) or "measured"


class ModelCard(QWidget):
    """The model card: one line of accuracy, the rest on demand; without a model, instructions on how to get one."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._spec: ModelSpec | None = None
        self._title = QLabel()
        self._title.setTextFormat(Qt.TextFormat.PlainText)
        self._title.setProperty("strong", True)
        self._title.setWordWrap(True)
        self._text = QLabel()
        self._text.setWordWrap(True)
        self._text.setTextFormat(Qt.TextFormat.PlainText)
        self._text.setProperty("tone", "quiet")
        self._text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._accuracy = QLabel()
        self._accuracy.setWordWrap(True)
        self._accuracy.setTextFormat(Qt.TextFormat.PlainText)
        self._more = QToolButton()
        self._more.setText(tr("More about it"))
        self._more.setCheckable(True)
        self._more.toggled.connect(self._unfold)
        describe(self._more, tr("More about the model"), tr("Show all figures, what it sees and its license"))
        self._rows = QWidget()
        self._form = QFormLayout(self._rows)
        self._form.setContentsMargins(0, 0, 0, 0)
        self._form.setHorizontalSpacing(2 * GRID)
        self._form.setVerticalSpacing(GRID // 2)
        self._form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
        self._form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.DontWrapRows)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GRID)
        layout.addWidget(self._title)
        layout.addWidget(self._accuracy)
        layout.addWidget(self._text)
        layout.addWidget(self._more, 0, Qt.AlignmentFlag.AlignLeft)
        layout.addWidget(self._rows)
        self.setAccessibleName(tr("Model card"))
        self._show()

    def show_model(self, spec: ModelSpec | None) -> None:
        """Show a model; None for none."""
        if spec is not self._spec:
            self._spec = spec
            self._show()

    def texts(self) -> list[str]:
        """Return all texts of the card, top to bottom."""
        labels = [self._title, self._accuracy, self._text, *self._rows.findChildren(QLabel)]
        return [label.text() for label in labels]

    def _unfold(self, shown: bool) -> None:
        self._rows.setVisible(shown)
        self._text.setVisible(shown and bool(self._spec and self._spec.description))
        self._more.setText(tr("Less") if shown else tr("More about it"))

    def _show(self) -> None:
        while self._form.rowCount():
            self._form.removeRow(0)
        spec = self._spec
        if spec is None:
            self._title.setText(tr("No model is running"))
            self._text.setText(
                tr(
                    "Choose one above, or build one: Manage models… ({keys}), or in a "
                    "terminal\n{command}\n\nPublished weights are not included with the app: building "
                    "downloads and converts them, once.",
                    keys=key_text("models"),
                    command=BUILD_COMMAND,
                )
            )
            self._accuracy.hide()
            self._more.hide()
            self._text.show()
            self._rows.hide()
            return
        self._title.setText(spec.title)
        self._text.setText(sentence(spec.description))
        best = headline_accuracy(spec)
        if not spec.trained:
            self._accuracy.setText(tr("Not trained: its weights are random."))
        elif best is None:
            self._accuracy.setText(tr("Its accuracy was not measured yet."))
        else:
            self._accuracy.setText(
                tr(
                    "{accuracy_value} right at first guess on {clips}.",
                    accuracy_value=accuracy_value(best),
                    clips=best.clips,
                )
            )
        self._accuracy.setProperty("tone", "" if spec.trained else "amber")
        self._accuracy.show()
        self._more.show()
        self._unfold(self._more.isChecked())
        for name, text in facts(spec):
            caption, value = QLabel(name), QLabel()
            caption.setProperty("tone", "quiet")
            caption.setAlignment(Qt.AlignmentFlag.AlignTop)
            value.setWordWrap(True)
            value.setTextFormat(Qt.TextFormat.RichText)
            # A zero-width space after each slash lets long URLs wrap.
            value.setText(escape(text).replace("\n", "<br>").replace("/", "/\u200b"))
            value.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            value.setAccessibleName(f"{name}: {text}")
            if name == "Family" and not spec.trained:
                value.setProperty("tone", "amber")
            self._form.addRow(caption, value)
