"""The live statistics and the latency plot."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QLabel, QVBoxLayout, QWidget

from slowfast_live.types import SourceSpec, Status
from slowfast_live.ui.panels.latency_plot import LatencyPlot
from slowfast_live.ui.panels.pace_fields import PaceFields
from slowfast_live.ui.style import formatting
from slowfast_live.ui.style.language import tr
from slowfast_live.ui.style.palette import Theme
from slowfast_live.ui.style.theme import GRID

_ROWS = (
    ("source", tr("Source"), tr("Frames per second from the source")),
    ("shown", tr("Shown"), tr("Frames per second on screen")),
    ("predictions", tr("Predictions"), tr("Predictions per second")),
    ("latency", tr("Latency"), tr("From the capture of the newest frame to its prediction")),
    ("infer", tr("Inference"), tr("Inference time per clip")),
    (
        "computes",
        tr("Execution precision"),
        tr("Number format of the computation, independent of how the weights are stored"),
    ),
    ("dropped", tr("Dropped"), tr("Frames of this source that were dropped because they were late")),
    ("size", tr("Picture"), tr("Resolution and codec of the source")),
)


class LivePanel(QWidget):
    """Shows statistics at most ten times a second, and plots at most one point per prediction."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._values: dict[str, QLabel] = {}
        self._seen = -1
        self._whose: tuple[SourceSpec | None, str | None] = (None, None)
        grid = QGridLayout()
        grid.setHorizontalSpacing(2 * GRID)
        grid.setVerticalSpacing(GRID // 2)
        for row, (key, name, tooltip) in enumerate(_ROWS):
            caption, value = QLabel(name), QLabel("–")
            caption.setProperty("tone", "quiet")
            caption.setToolTip(tooltip)
            value.setToolTip(tooltip)
            value.setAccessibleName(name)
            value.setAlignment(Qt.AlignmentFlag.AlignRight)
            grid.addWidget(caption, row, 0)
            grid.addWidget(value, row, 1)
            self._values[key] = value
        grid.setColumnStretch(1, 1)
        self.plot = LatencyPlot()
        self.pace = PaceFields()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GRID)
        layout.addLayout(grid)
        layout.addWidget(self.plot)
        layout.addWidget(self.pace)

    def show_status(self, status: Status, shown_fps: float) -> None:
        """Show the statistics.

        Args:
            status: The pipeline's state.
            shown_fps: Frames painted per second.
        """
        self.pace.show_status(status)
        known = status.predictions > 0 and status.infer_ms > 0  # for this source and model
        if (whose := (status.source, status.model)) != self._whose:
            self._whose = whose
            self.plot.clear()
        size = f"{status.info.width} × {status.info.height}" if status.info else "–"
        stated = f" · {status.info.codec}" if status.info and status.info.codec else ""
        for key, text in (
            ("source", f"{formatting.rate(status.source_fps)} fps" if status.source_fps else "–"),
            ("shown", f"{formatting.rate(shown_fps)} fps" if shown_fps else "–"),
            ("predictions", f"{formatting.rate(status.predictions_per_s)} /s" if known else "–"),
            ("latency", f"{status.latency_ms:.0f} ms" if known else "–"),
            ("infer", f"{status.infer_ms:.0f} ms" if known else "–"),
            ("computes", status.execution_precision or "–"),
            ("dropped", str(status.source_dropped)),
            ("size", size + stated),
        ):
            if self._values[key].text() != text:
                self._values[key].setText(text)
        if known and status.predictions != self._seen:
            self._seen = status.predictions
            self.plot.add(status.latency_ms)

    def value(self, key: str) -> str:
        """Return a value as displayed."""
        return self._values[key].text()

    def set_theme(self, theme: Theme) -> None:
        """Apply a theme."""
        self.plot.set_theme(theme)
