"""Takes an example of what the pipeline shows: time to get ready, then a fixed time of collecting frames."""

from __future__ import annotations

import time
from collections.abc import Callable
from enum import Enum

from PySide6.QtCore import QObject, QTimer, Signal

from slowfast_live.inference.spec import ModelSpec
from slowfast_live.recording.recorder import Recorder
from slowfast_live.teaching.collecting import FrameCollector, Stamped
from slowfast_live.types import Frame
from slowfast_live.ui.controller.protocols import PipelinePort
from slowfast_live.ui.style.language import tr

READY_S, TAKE_S = 3.0, 10.0
"""Seconds to get ready, and seconds of an example."""
_POLL_MS = 50


class Phase(Enum):
    """What the recorder is doing."""

    IDLE = "idle"
    READY = tr("get ready")
    TAKING = "taking"


class TakeRecorder(QObject):
    """Counts down, then collects frames until the time is over.

    Args:
        pipeline: Provides the frames.
        clock: Returns monotonic seconds.
        parent: Qt parent.
    """

    changed = Signal()
    """Emitted while it counts, and when it ends."""
    taken = Signal(object, object, object)
    """Emits the frames, as a list of (seconds, picture), a thumbnail (JPEG), and the `Recorder` of the clip or None."""
    dropped = Signal(object)
    """Emits the `Recorder` of a clip that is not wanted any more."""

    def __init__(
        self, pipeline: PipelinePort, clock: Callable[[], float] = time.monotonic, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._pipeline, self._clock = pipeline, clock
        self.ready_s, self.take_s = READY_S, TAKE_S
        self.phase = Phase.IDLE
        self._collector: FrameCollector | None = None
        self._clip: Recorder | None = None
        self._until_s = 0.0
        self._timer = QTimer(self)
        self._timer.setInterval(_POLL_MS)
        self._timer.timeout.connect(self._tick)

    @property
    def left_s(self) -> float:
        """Seconds until the phase ends."""
        return max(0.0, self._until_s - self._clock()) if self.phase is not Phase.IDLE else 0.0

    def start(self, spec: ModelSpec, clip: Recorder | None = None) -> None:
        """Start the countdown.

        Args:
            spec: The frames are prepared for its network.
            clip: Records what is shown meanwhile, too; not started yet. None to keep no clip.
        """
        self.cancel()
        self._collector, self._clip = FrameCollector(spec), clip
        self._enter(Phase.READY, self.ready_s)
        self._timer.start()

    def cancel(self) -> None:
        """Stop; nothing is taken."""
        if self.phase is Phase.IDLE:
            return
        began = self.phase is Phase.TAKING
        clip = self._end()
        self.changed.emit()
        if clip is not None and began:
            self.dropped.emit(clip)

    def _end(self) -> Recorder | None:
        self._pipeline.unwatch(self._take_in)
        clip, self._clip = self._clip, None
        if clip is not None:
            self._pipeline.unwatch(clip.offer)
            clip.stop()
        self._timer.stop()
        self.phase = Phase.IDLE
        return clip

    def _enter(self, phase: Phase, length_s: float) -> None:
        self.phase, self._until_s = phase, self._clock() + length_s
        self.changed.emit()

    def _tick(self) -> None:
        if self._clock() < self._until_s:
            self.changed.emit()
        elif self.phase is Phase.READY:
            self._pipeline.watch(self._take_in)
            if self._clip is not None:
                self._clip.start()
                self._pipeline.watch(self._clip.offer)
            self._enter(Phase.TAKING, self.take_s)
        else:
            clip = self._end()
            frames: list[Stamped] = []
            thumbnail = b""
            if self._collector is not None:
                frames, thumbnail = self._collector.finish()
            self.changed.emit()
            self.taken.emit(frames, thumbnail, clip)

    def _take_in(self, frame: Frame) -> None:
        if self._collector is not None:
            self._collector.push(frame)
