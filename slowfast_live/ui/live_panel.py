"""The live numbers, and how the latency went."""

from __future__ import annotations

from collections import deque

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QLabel, QVBoxLayout, QWidget

from slowfast_live.types import Status
from slowfast_live.ui import wording
from slowfast_live.ui.theme import GRID, TEXT, Theme, font

_POINTS = 120
_ROWS = (
    ("source", "Source", "Frames a second that arrive"),
    ("shown", "Shown", "Frames a second that are painted"),
    ("predictions", "Predictions", "Predictions a second"),
    ("latency", "Latency", "From the capture of the newest frame to its prediction"),
    ("infer", "Inference", "Time that the model needs for one clip"),
    ("computes", "Computes in", "Number format that the processor calculates in, whatever the weights are stored in"),
    ("dropped", "Dropped", "Frames that came too late and were left out"),
    ("size", "Picture", "Size of the source's picture"),
)


class LivePanel(QWidget):
    """Numbers ten times a second at most; the plot once a prediction at most."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._values: dict[str, QLabel] = {}
        self._latencies: deque[float] = deque(maxlen=_POINTS)
        self._seen = -1
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
        self._make_plot()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GRID)
        layout.addLayout(grid)
        layout.addWidget(self._plot)

    def _make_plot(self) -> None:
        # It brings much, and is not imported on a thread: that would make classes of Qt's there.
        import pyqtgraph

        self._plot = pyqtgraph.PlotWidget()
        self._plot.setFixedHeight(11 * GRID)
        self._plot.setAccessibleName("Latency plot")
        self._plot.setToolTip(f"Latency of the last {_POINTS} readings, in milliseconds")
        self._plot.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._plot.setMenuEnabled(False)
        self._plot.setMouseEnabled(False, False)
        self._plot.hideButtons()
        self._plot.setFrameShape(self._plot.Shape.NoFrame)
        self._plot.setBackground(None)
        item = self._plot.getPlotItem()
        item.hideAxis("bottom")
        item.setContentsMargins(0, GRID / 2, 0, GRID / 2)
        item.getAxis("left").setStyle(tickFont=font(TEXT), maxTickLevel=0, tickLength=0)
        item.getAxis("left").enableAutoSIPrefix(False)
        item.getAxis("left").setWidth(4 * GRID)
        item.getViewBox().setLimits(yMin=0)
        item.getViewBox().setXRange(0, _POINTS, padding=0)
        item.getViewBox().enableAutoRange(axis=item.getViewBox().YAxis)
        self._curve = item.plot([])

    def show_status(self, status: Status, shown_fps: float) -> None:
        """Show the numbers.

        Args:
            status: The pipeline's state.
            shown_fps: Frames painted a second.
        """
        known = status.predictions > 0
        size = f"{status.info.width} × {status.info.height}" if status.info else "–"
        stated = f" · {status.info.codec}" if status.info and status.info.codec else ""
        for key, text in (
            ("source", f"{wording.rate(status.source_fps)} fps" if status.source_fps else "–"),
            ("shown", f"{wording.rate(shown_fps)} fps" if shown_fps else "–"),
            ("predictions", f"{wording.rate(status.predictions_per_s)} /s" if known else "–"),
            ("latency", f"{status.latency_ms:.0f} ms" if known else "–"),
            ("infer", f"{status.infer_ms:.0f} ms" if known else "–"),
            ("computes", status.computes_in or "–"),
            ("dropped", str(status.frames_dropped)),
            ("size", size + stated),
        ):
            if self._values[key].text() != text:
                self._values[key].setText(text)
        if known and status.predictions != self._seen:
            self._seen = status.predictions
            self._latencies.append(status.latency_ms)
            if self.isVisible():
                self._curve.setData(list(self._latencies))

    def value(self, key: str) -> str:
        """Return a number as it is shown."""
        return self._values[key].text()

    def set_theme(self, theme: Theme) -> None:
        """Take over a theme's colours."""
        axis = self._plot.getPlotItem().getAxis("left")
        axis.setPen(theme.border)
        axis.setTextPen(theme.quiet)
        self._curve.setPen(theme.accent, width=1)
