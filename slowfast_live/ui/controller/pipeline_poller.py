"""Connect the pipeline to the window: poll the pipeline and emit signals. Runs on the GUI thread."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer, Signal

from slowfast_live.types import Frame, Notice, Prediction, Readout, ReadoutState, Status
from slowfast_live.ui.controller.protocols import PipelinePort
from slowfast_live.ui.threads.wakeup import Wakeup
from slowfast_live.ui.video.frame_scaler import FrameScaler, ScaledFrame

STATUS_POLL_MS = 100
_FPS_SPAN_S = 2.0


class ShownFrames:
    """Counts the distinct frames painted.

    Args:
        clock_s: Monotonic clock, in seconds.
    """

    def __init__(self, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._clock_s = clock_s
        self._recent: deque[float] = deque()
        self._first_s: float | None = None
        self._last_s = 0.0
        self.count = 0

    def add(self) -> None:
        """Count one frame, painted now."""
        now_s = self._clock_s()
        if self._first_s is None:
            self._first_s = now_s
        elif now_s < self._last_s:  # the clock was set back: shift the earlier measurements with it
            self._first_s += now_s - self._last_s
            self._recent.clear()
        self._last_s = now_s
        self.count += 1
        self._recent.append(now_s)
        self._forget(now_s)

    @property
    def first_s(self) -> float | None:
        """When the first frame was painted, in monotonic seconds; None before that."""
        return self._first_s

    @property
    def fps(self) -> float:
        """Frames per second over the last two seconds."""
        now_s = self._clock_s()
        self._forget(now_s)
        if self._first_s is None:
            return 0.0
        return len(self._recent) / max(min(_FPS_SPAN_S, now_s - self._first_s), 0.1)

    @property
    def mean_fps(self) -> float:
        """Frames per second from the first frame to the last."""
        if self._first_s is None or self._last_s <= self._first_s:
            return 0.0
        return (self.count - 1) / (self._last_s - self._first_s)

    def _forget(self, now_s: float) -> None:
        while self._recent and self._recent[0] < now_s - _FPS_SPAN_S:
            self._recent.popleft()


class PipelinePoller(QObject):
    """Polls the pipeline and emits what is new. All signals are emitted on the GUI thread.

    New frames arrive through a wakeup rather than by polling.

    Args:
        pipeline: The pipeline to poll.
        parent: Qt parent.
    """

    presented = Signal(object)
    """Emits a new `ScaledFrame`."""
    status = Signal(object)
    """Emits the `Status` ten times a second."""
    readout = Signal(object)
    """Emits the `Readout` when it has changed, at most ten times a second; a changed label is emitted at once."""
    notice = Signal(object)
    """Emits each `Notice` once."""

    def __init__(self, pipeline: PipelinePort, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.pipeline = pipeline
        self._wakeup = Wakeup(self)
        self._wakeup.rung.connect(self.present)
        self.scaler = FrameScaler(pipeline.frame, self._wakeup.ring)
        self.latest_status = Status()
        self.latest_readout = Readout(ReadoutState.NO_MODEL)
        self._prediction: Prediction | None = None
        self._timer = QTimer(self)
        self._timer.setInterval(STATUS_POLL_MS)
        self._timer.timeout.connect(self.poll)

    def set_interval(self, interval_ms: int) -> None:
        """Set how often the status is polled, in milliseconds; frames and changed labels never wait for it."""
        self._timer.setInterval(interval_ms)

    def start(self) -> None:
        """Start polling."""
        self.scaler.start()
        self.pipeline.watch(self._wake)
        self._timer.start()

    def stop(self) -> None:
        """Stop polling; returns within 2 s."""
        self._timer.stop()
        self.pipeline.unwatch(self._wake)
        self.scaler.stop()
        self._wakeup.close()

    def _wake(self, _frame: Frame) -> None:
        self.scaler.wake()

    def present(self) -> None:
        """Emit the newest frame now and, if it has changed, the label."""
        presented: ScaledFrame | None = self.scaler.take()
        if presented is not None:
            self.presented.emit(presented)
        self._poll_prediction()

    def _poll_prediction(self) -> None:
        prediction = self.pipeline.prediction()
        if prediction is None or prediction is self._prediction:
            return
        self._prediction = prediction
        readout = self.pipeline.readout()
        if (readout.state, readout.label) != (self.latest_readout.state, self.latest_readout.label):
            self._emit_readout(readout)

    def poll(self) -> None:
        """Emit status, readout and notices now."""
        self.latest_status = self.pipeline.status()
        self._poll_prediction()
        readout = self.pipeline.readout()
        if readout != self.latest_readout:
            self._emit_readout(readout)
        self.status.emit(self.latest_status)
        for notice in self.pipeline.notices():
            self.emit_notice(notice)

    def emit_notice(self, notice: Notice) -> None:
        """Emit a notice of the window's own."""
        self.notice.emit(notice)

    def _emit_readout(self, readout: Readout) -> None:
        self.latest_readout = readout
        self.readout.emit(readout)
