"""Fields for how often the model looks, what that saves, and over what time it sees a whole action."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QComboBox, QGridLayout, QLabel, QWidget

from slowfast_live.core.rate_limit import LIMITS, saved_share
from slowfast_live.inference.spec import ModelSpec
from slowfast_live.types import Status
from slowfast_live.ui.commands.commands import describe
from slowfast_live.ui.style import formatting
from slowfast_live.ui.style.fields import number_field
from slowfast_live.ui.style.language import tr
from slowfast_live.ui.style.theme import GRID

_NO_LIMIT = tr("No limit")


class PaceFields(QWidget):
    """The limit on predictions a second, and, for models of whole actions, the span of the clip."""

    limit_chosen = Signal(object)
    """Emits the most predictions per second; None for no limit."""
    span_chosen = Signal(float)
    """Emits the span in seconds."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.limit = QComboBox()
        for text, value in (
            (_NO_LIMIT, None),
            *((tr("{per_s} a second", per_s=f"{per_s:g}"), per_s) for per_s in LIMITS),
        ):
            self.limit.addItem(text, value)
        describe(self.limit, tr("Limit"), tr("Most predictions a second of this model; fewer save power"))
        self.limit.activated.connect(lambda _index: self.limit_chosen.emit(self.limit.currentData()))
        self.saved = QLabel("–")
        self.saved.setTextFormat(Qt.TextFormat.PlainText)
        self.saved.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.saved.setAccessibleName(tr("Saved"))
        self.span = number_field(1, 60, 1, 0.5, "s", width=11 * GRID)
        self.span.setKeyboardTracking(False)
        describe(self.span, tr("Span"), tr("Time over which the model sees a whole action"))
        self.span.valueChanged.connect(self.span_chosen.emit)
        self._span_name = _caption(tr("Span"), tr("Time over which the model sees a whole action"))
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(2 * GRID)
        grid.setVerticalSpacing(GRID // 2)
        saved_name = _caption(tr("Saved"), tr("Share of the model's time that the limit saves"))
        rows = ((_caption(tr("Limit"), self.limit.toolTip()), self.limit), (saved_name, self.saved))
        for row, (name, field) in enumerate((*rows, (self._span_name, self.span))):
            grid.addWidget(name, row, 0)
            grid.addWidget(field, row, 1, Qt.AlignmentFlag.AlignRight)
        grid.setColumnStretch(1, 1)
        self.show_model(None)

    def show_model(self, spec: ModelSpec | None) -> None:
        """Show the span of a model; hidden if it cannot be chosen."""
        spans_s = spec.clip.spans_s if spec is not None else None
        for widget in (self._span_name, self.span):
            widget.setVisible(spans_s is not None)
        self.limit.setEnabled(spec is not None)
        if spec is not None and spans_s is not None:
            with QSignalBlocker(self.span):
                self.span.setRange(*spans_s)
                self.span.setValue(spec.timing.span_s)

    def show_status(self, status: Status) -> None:
        """Show the limit in effect, and what it saves."""
        index = self.limit.findData(status.rate_limit)
        if index < 0:  # from the command line
            self.limit.addItem(tr("{rate_limit} a second", rate_limit=f"{status.rate_limit:g}"), status.rate_limit)
            index = self.limit.count() - 1
        if index != self.limit.currentIndex() and not self.limit.view().isVisible():
            self.limit.setCurrentIndex(index)
        known = status.rate_limit is not None and status.infer_ms > 0
        text = formatting.percent(saved_share(status.rate_limit, status.infer_ms)) if known else "–"
        if self.saved.text() != text:
            self.saved.setText(text)


def _caption(text: str, tooltip: str) -> QLabel:
    caption = QLabel(text)
    caption.setProperty("tone", "quiet")
    caption.setToolTip(tooltip)
    return caption
