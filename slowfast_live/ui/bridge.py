"""Between the pipeline and the window: polls the one, tells the other. Runs on the GUI thread."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer, Signal

from slowfast_live.types import Frame, Notice, Prediction, Readout, ReadoutState, Status
from slowfast_live.ui.bell import Bell
from slowfast_live.ui.ports import PipelinePort
from slowfast_live.ui.presenter import Presented, Presenter

STATUS_POLL_MS = 100
_FPS_SPAN_S = 2.0


class ShownFrames:
    """Counts the distinct frames that were painted.

    Args:
        clock_s: Monotonic seconds.
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
        elif now_s < self._last_s:  # the clock was set back: what was measured before moves with it
            self._first_s += now_s - self._last_s
            self._recent.clear()
        self._last_s = now_s
        self.count += 1
        self._recent.append(now_s)
        self._forget(now_s)

    @property
    def first_s(self) -> float | None:
        """When the first one was painted, in monotonic seconds; None before it."""
        return self._first_s

    @property
    def fps(self) -> float:
        """Frames a second over the last two seconds."""
        now_s = self._clock_s()
        self._forget(now_s)
        if self._first_s is None:
            return 0.0
        return len(self._recent) / max(min(_FPS_SPAN_S, now_s - self._first_s), 0.1)

    @property
    def mean_fps(self) -> float:
        """Frames a second from the first to the last one."""
        if self._first_s is None or self._last_s <= self._first_s:
            return 0.0
        return (self.count - 1) / (self._last_s - self._first_s)

    def _forget(self, now_s: float) -> None:
        while self._recent and self._recent[0] < now_s - _FPS_SPAN_S:
            self._recent.popleft()


class Bridge(QObject):
    """Is told of pictures, polls the pipeline, and emits what is new. All signals are emitted on the GUI thread.

    Args:
        pipeline: What to poll.
        parent: Qt's owner.
    """

    presented = Signal(object)
    """`Presented`: a new picture."""
    status = Signal(object)
    """`Status`, ten times a second."""
    readout = Signal(object)
    """`Readout`, when it changed, at most ten times a second; a changed label comes at once."""
    notice = Signal(object)
    """`Notice`: each once."""

    def __init__(self, pipeline: PipelinePort, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.pipeline = pipeline
        self._bell = Bell(self)
        self._bell.rung.connect(self.present)
        self.presenter = Presenter(pipeline.frame, self._bell.ring)
        self.latest_status = Status()
        self.latest_readout = Readout(ReadoutState.NO_MODEL)
        self._prediction: Prediction | None = None
        self._timer = QTimer(self)
        self._timer.setInterval(STATUS_POLL_MS)
        self._timer.timeout.connect(self.poll)

    def start(self) -> None:
        """Start to tell."""
        self.presenter.start()
        self.pipeline.watch(self._wake)
        self._timer.start()

    def stop(self) -> None:
        """Stop to tell; bounded."""
        self._timer.stop()
        self.pipeline.unwatch(self._wake)
        self.presenter.stop()
        self._bell.close()

    def _wake(self, _frame: Frame) -> None:
        self.presenter.wake()

    def present(self) -> None:
        """Emit the newest picture, and a changed label with it, now."""
        presented: Presented | None = self.presenter.take()
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
            self._tell(readout)

    def poll(self) -> None:
        """Emit status, readout and notices now."""
        self.latest_status = self.pipeline.status()
        self._poll_prediction()
        readout = self.pipeline.readout()
        if readout != self.latest_readout:
            self._tell(readout)
        self.status.emit(self.latest_status)
        for notice in self.pipeline.notices():
            self.tell(notice)

    def tell(self, notice: Notice) -> None:
        """Show a notice of the window's own."""
        self.notice.emit(notice)

    def _tell(self, readout: Readout) -> None:
        self.latest_readout = readout
        self.readout.emit(readout)
