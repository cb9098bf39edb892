"""What the running model is, how good it is and who says so."""

from __future__ import annotations

from html import escape

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFormLayout, QLabel, QVBoxLayout, QWidget

from slowfast_live.inference.spec import Accuracy, ModelSpec
from slowfast_live.ui.shortcuts import key_text
from slowfast_live.ui.theme import GRID

BUILD_COMMAND = "python build_models.py"


def accuracy_text(entry: Accuracy) -> str:
    """Return a figure with its origin: "76.94 % top-1 on Kinetics-400, published"."""
    value = f"{entry.value:g} {entry.unit}".strip()
    note = f" ({entry.note})" if entry.note else ""
    return f"{value} {entry.metric} on {entry.dataset}, {entry.origin}{note}"


def facts(spec: ModelSpec) -> list[tuple[str, str]]:
    """Return the card's rows: (name, text)."""
    timing, clip = spec.timing, spec.clip
    rows = [
        ("Family", spec.family + ("" if spec.trained else ", not trained: random weights")),
        ("Actions", f"{len(spec.labels)}"),
        ("Accuracy", "\n".join(accuracy_text(entry) for entry in spec.accuracy) or "not measured yet"),
        ("Sees", f"{clip.frames} pictures of {clip.side} × {clip.side} over {timing.span_s:.2f} s"),
        ("Precision", spec.precision),
    ]
    if spec.alpha:
        rows.append(("Pathways", f"fast {clip.frames}, slow {max(1, clip.frames // spec.alpha)} pictures"))
    size = [f"{spec.params_m:g} M parameters"] if spec.params_m else []
    size += [f"{spec.gflops:g} GFLOPs a clip"] if spec.gflops else []
    if size:
        rows.append(("Size", ", ".join(size)))
    if spec.parity:
        rows.append(("Parity", parity_text(spec.parity)))
    rows.append(("Licence", spec.licence or "not stated"))
    if spec.origin:
        rows.append(("Origin", spec.origin.get("note") or spec.origin.get("url") or next(iter(spec.origin.values()))))
    return rows


def parity_text(parity: dict[str, object]) -> str:
    """Return what was measured against torch, in one line a figure."""
    lines = []
    for key, value in parity.items():
        if isinstance(value, int | float | str) and not isinstance(value, bool):
            shown = f"{value:.2g}" if isinstance(value, float) else str(value)
            lines.append(f"{key.replace('_', ' ')}: {shown}")
    return "\n".join(lines[:4]) or "measured"


class ModelCard(QWidget):
    """The card; without a model it says how to get one."""

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
        layout.addWidget(self._text)
        layout.addWidget(self._rows)
        self.setAccessibleName("Model card")
        self._show()

    def show_model(self, spec: ModelSpec | None) -> None:
        """Show a model; None for none."""
        if spec is not self._spec:
            self._spec = spec
            self._show()

    def texts(self) -> list[str]:
        """Return all that the card says, top to bottom."""
        labels = [self._title, self._text, *self._rows.findChildren(QLabel)]
        return [label.text() for label in labels]

    def _show(self) -> None:
        while self._form.rowCount():
            self._form.removeRow(0)
        spec = self._spec
        if spec is None:
            self._title.setText("No model is running")
            self._text.setText(
                f"Choose one above, or build one: Manage models… ({key_text('models')}), or in a terminal\n"
                f"{BUILD_COMMAND}\n\n"
                "Published weights do not come with the app: building downloads and converts them, once."
            )
            return
        self._title.setText(spec.title)
        self._text.setText(spec.description)
        self._text.setVisible(bool(spec.description))
        for name, text in facts(spec):
            caption, value = QLabel(name), QLabel()
            caption.setProperty("tone", "quiet")
            caption.setAlignment(Qt.AlignmentFlag.AlignTop)
            value.setWordWrap(True)
            value.setTextFormat(Qt.TextFormat.RichText)
            # A zero-width space after each slash lets long addresses wrap.
            value.setText(escape(text).replace("\n", "<br>").replace("/", "/\u200b"))
            value.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            value.setAccessibleName(f"{name}: {text}")
            if name == "Family" and not spec.trained:
                value.setProperty("tone", "amber")
            self._form.addRow(caption, value)
