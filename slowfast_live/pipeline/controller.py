"""The pipeline as the rest of the app sees it: commands in, snapshots out."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable

import cv2
import numpy as np

from slowfast_live.core.clock import Clock, SystemClock
from slowfast_live.core.mailbox import Latest
from slowfast_live.core.meters import Distribution, RateMeter
from slowfast_live.errors import ModelError, SlowFastLiveError, SourceError
from slowfast_live.inference.backend import Backend
from slowfast_live.inference.spec import Model
from slowfast_live.pipeline.capture import ABANDON_AFTER_S, Capture, needs_release_first
from slowfast_live.pipeline.recognizer import Listener, Recognizer
from slowfast_live.sources.base import FrameSource, Picture
from slowfast_live.types import (
    Frame,
    Level,
    Notice,
    PipelineState,
    Prediction,
    Readout,
    ReadoutState,
    SourceInfo,
    SourceSpec,
    Status,
)

log = logging.getLogger(__name__)

MOST_NOTICES = 100
SILENT_AFTER_S = 2.0
"""A source that is asked for a picture and gives none for this long has nothing to say about now."""
SLOWEST, FASTEST = 0.5, 2.0


class Pipeline:
    """Frames in, predictions out. Commands may come from any thread and return at once.

    Threads: one capture for the open source (and one for a source that is being opened), a worker and a loader
    (see `Recognizer`). All shared state is guarded by one lock each, held for moments only.

    Args:
        backend: Compiles models.
        make_source: Makes the source of a description; called on the caller's thread, so it must not open it.
        clock: Handed in by tests.
        on_prediction: Called from the worker thread for each prediction that counts.
    """

    def __init__(
        self,
        backend: Backend,
        make_source: Callable[[SourceSpec], FrameSource],
        clock: Clock | None = None,
        on_prediction: Listener | None = None,
    ) -> None:
        self._clock = clock or SystemClock()
        self._make_source = make_source
        self._recognizer = Recognizer(backend, self._clock, self._notify, on_prediction)
        self._lock = threading.RLock()
        # Guarded by _lock:
        self._state = PipelineState.IDLE
        self._capture: Capture | None = None
        self._staged: Capture | None = None
        self._left: list[Capture] = []
        self._info: SourceInfo | None = None
        self._reconnect_attempt = 0
        self._ended = False
        self._loop = False
        self._speed = 1.0
        self._mirror = False
        self._device = "CPU"
        self._wanted: Model | None = None
        self._captured = 0
        self._late = 0
        self._index = 0
        self._position_s = 0.0
        self._last_captured_s = float("-inf")
        # Thread-safe by themselves:
        self._frames: Latest[Frame] = Latest()
        self._watchers: tuple[Callable[[Frame], None], ...] = ()
        self._notices: deque[Notice] = deque(maxlen=MOST_NOTICES)
        self._source_rate = RateMeter()

    # Commands.

    def open(self, source: SourceSpec) -> None:
        """Switch to another source. The old one goes on until the new one delivers; failure is a notice."""
        with self._lock:
            if self._state is PipelineState.STOPPING:
                return
            self._recognizer.start()
            if self._state in (PipelineState.IDLE, PipelineState.FAILED):
                self._state = PipelineState.STARTING
            if self._staged is not None:
                self._leave(self._staged)
            predecessor = None
            if self._capture is not None and needs_release_first(self._capture.spec, source):
                predecessor = self._capture
                self._leave(predecessor)
            self._staged = None
            try:
                capture = Capture(
                    self._make_source(source),
                    source,
                    self,
                    self._clock,
                    loop=self._loops(source),
                    speed=self._speed,
                    predecessor=predecessor,
                )
                capture.start()
            except SlowFastLiveError as error:
                self._fail(error)
            except Exception as error:
                log.exception("Making a source of %s failed", source.name)
                message = f"{source.name} cannot be opened because of an unexpected error."
                self._fail(SourceError(message, details=repr(error)))
            else:
                self._staged = capture

    def use_model(self, model: Model | None, device: str | None = None) -> None:
        """Switch model (and device) in the background; the old one goes on until the new one is warm.

        Where it fails the old one stays and a notice says why. A newer call replaces one that is under way.
        """
        with self._lock:
            if self._state is PipelineState.STOPPING:
                return
            self._recognizer.start()
            self._device = device or self._device
            self._wanted = model
            device = self._device
        try:
            self._recognizer.use(model, device)
        except ModelError as error:
            self._notify(Notice(Level.ERROR, error.message, error.details))

    def use_device(self, device: str) -> None:
        """Run the current model on another device ("CPU", "GPU", "NPU", "AUTO"), like `use_model`."""
        with self._lock:
            self._device = device
            model = self._wanted or self._recognizer.model
        if model is not None:
            self.use_model(model, device)

    def play(self) -> None:
        """Go on after `pause`; at the end of a file: start again."""
        with self._lock:
            capture, ended = self._capture, self._ended
        if capture is not None and capture.spec.live and ended:
            self.open(capture.spec)
        elif capture is not None and not capture.spec.live:
            capture.set_paused(False)
            if ended:
                capture.seek(0.0, scrubbing=False)

    def pause(self) -> None:
        """Hold a file (a live source goes on)."""
        with self._lock:
            capture = self._capture
        if capture is not None and not capture.spec.live:
            capture.set_paused(True)

    def seek(self, t_s: float, *, scrubbing: bool = False) -> None:
        """Go to a moment of a file, and classify it with the span before it, which is read from the file.

        While `scrubbing` only the picture is shown.
        """
        with self._lock:
            capture, info = self._capture, self._info
        if capture is not None and info is not None and info.seekable:
            capture.seek(t_s, scrubbing=scrubbing)

    def step(self, frames: int) -> None:
        """Pause, and go `frames` frames forward (> 0) or back (< 0)."""
        with self._lock:
            capture, info = self._capture, self._info
        if capture is not None and not capture.spec.live and (frames > 0 or (info is not None and info.seekable)):
            capture.step(frames)

    def set_speed(self, speed: float) -> None:
        """Play a file at 0.5 to 2 times its speed."""
        with self._lock:
            self._speed = min(FASTEST, max(SLOWEST, speed))
            for capture in (self._capture, self._staged):
                if capture is not None:
                    capture.set_speed(self._speed)

    def set_loop(self, loop: bool) -> None:
        """Start a file again at its end. The demo always does."""
        with self._lock:
            self._loop = loop
            for capture in (self._capture, self._staged):
                if capture is not None:
                    capture.set_loop(self._loops(capture.spec))

    def set_mirror(self, mirror: bool) -> None:
        """Swap left and right, in the picture shown and in what the model sees."""
        with self._lock:
            if mirror != self._mirror:
                self._mirror = mirror
                self._restart()

    def set_threshold(self, threshold: float | None) -> None:
        """Score below which there is no confident action; None: what the model recommends."""
        self._recognizer.threshold = threshold

    def set_rest(self, rest: bool) -> None:
        """Let the model rest while nothing moves; it goes on with the first window in which something does."""
        self._recognizer.set_rest(rest)

    def stop(self) -> None:
        """End all threads. Bounded: a source that blocks is left behind after 2 s, with a log message."""
        with self._lock:
            if self._state in (PipelineState.IDLE, PipelineState.STOPPING):
                return
            self._state = PipelineState.STOPPING
            for capture in (self._staged, self._capture):
                if capture is not None:
                    self._leave(capture)
            self._staged = self._capture = self._info = None
            left, self._left = self._left, []
        deadline_s = time.monotonic() + ABANDON_AFTER_S
        for capture in left:
            capture.join(max(0.0, deadline_s - time.monotonic()))
        self._recognizer.stop()
        with self._lock:
            self._wanted = None
            self._state = PipelineState.IDLE

    # Snapshots.

    def frame(self) -> Frame | None:
        """Return the newest frame (mirrored already where that is on)."""
        return self._frames.get()

    def watch(self, watcher: Callable[[Frame], None]) -> None:
        """Call `watcher` with every frame that is shown, from the capture's thread: it must return at once."""
        with self._lock:
            self._watchers = (*self._watchers, watcher)

    def unwatch(self, watcher: Callable[[Frame], None]) -> None:
        """Call `watcher` no more; a call that is under way may still end."""
        with self._lock:
            self._watchers = tuple(other for other in self._watchers if other != watcher)

    def prediction(self) -> Prediction | None:
        """Return the newest prediction of the current epoch."""
        return self._recognizer.prediction()

    def readout(self) -> Readout:
        """Return what may be shown now."""
        if self._recognizer.model is None:
            return Readout(ReadoutState.WARMING_UP if self._recognizer.switching else ReadoutState.NO_MODEL)
        readout = self._recognizer.readout()
        with self._lock:
            info, ended = self._info, self._ended
            silent_s = self._silent_s(self._clock.now_s())
        if silent_s > 0:
            return Readout(ReadoutState.WARMING_UP)
        if self._recognizer.resting:
            return Readout(ReadoutState.RESTING)
        if readout is not None:
            return readout
        known_s = info.duration_s if info is not None else None
        covered = self._recognizer.coverage >= 1
        too_short = ended or (known_s is not None and known_s < self._recognizer.span_s)
        return Readout(ReadoutState.TOO_SHORT if too_short and not covered else ReadoutState.WARMING_UP)

    def status(self) -> Status:
        """Return a snapshot."""
        now_s = self._clock.now_s()
        recognizer = self._recognizer
        prediction, model = recognizer.prediction(), recognizer.model
        with self._lock:
            capture = self._capture or self._staged
            return Status(
                state=self._state,
                source=capture.spec if capture is not None else None,
                info=self._info,
                opening=self._staged is not None,
                reconnect_attempt=self._reconnect_attempt,
                silent_s=self._silent_s(now_s),
                paused=self._capture is not None and self._capture.paused,
                ended=self._ended,
                position_s=self._position_s,
                speed=self._speed,
                loop=self._loop,
                coverage=recognizer.coverage,
                model=model.name if model is not None else None,
                device=recognizer.device,
                computes_in=recognizer.computes_in,
                switching=recognizer.switching,
                source_fps=self._source_rate.rate(now_s),
                predictions_per_s=recognizer.rate.rate(now_s),
                resting=recognizer.resting,
                latency_ms=prediction.latency_ms if prediction is not None else 0.0,
                infer_ms=prediction.infer_ms if prediction is not None else 0.0,
                frames_captured=self._captured,
                frames_dropped=self._late + self._frames.missed,
                predictions=recognizer.count,
                epoch=recognizer.epoch,
            )

    @property
    def latency_ms(self) -> Distribution:
        """Latencies of all predictions since the pipeline was made, in milliseconds."""
        return self._recognizer.latency_ms

    def notices(self) -> list[Notice]:
        """Return the notices since the last call, oldest first."""
        taken: list[Notice] = []
        while self._notices:
            taken.append(self._notices.popleft())
        return taken

    def tell(self, notice: Notice) -> None:
        """Add a notice of somebody who has no window: a listener that fails."""
        self._notify(notice)

    # What captures report (see `CaptureSink`).

    def opened(self, capture: Capture, info: SourceInfo) -> bool:
        """The staged source is open: it takes over from the one that was shown."""
        with self._lock:
            if capture is not self._staged:
                return False
            if self._capture is not None:
                self._leave(self._capture)
            self._capture, self._staged = capture, None
            self._info = info
            self._state = PipelineState.RUNNING
            self._ended = False
            self._reconnect_attempt = 0
            self._index = 0
            self._position_s = 0.0
            self._last_captured_s = self._clock.now_s()
            self._source_rate.clear()
            self._restart()
            return True

    def reopened(self, capture: Capture, info: SourceInfo) -> None:
        """The source came back; its pictures will show whether it lives."""
        with self._lock:
            if capture is self._capture:
                self._info = info
                self._restart()

    def picture(self, capture: Capture, picture: Picture, *, show: bool, classify: bool) -> None:
        """One picture of the current source."""
        with self._lock:
            if capture is not self._capture:
                return
            mirror, epoch, index = self._mirror, self._recognizer.epoch, self._index
        image = picture.image
        if mirror:
            image = np.asarray(cv2.flip(image, 1), np.uint8)
            image.flags.writeable = False
        now_s = self._clock.now_s()
        if classify:
            self._recognizer.push(image, picture.t_s, now_s, epoch)
        watchers: tuple[Callable[[Frame], None], ...] = ()
        with self._lock:
            if capture is not self._capture:
                return
            self._captured += 1
            self._index += 1
            self._last_captured_s = now_s
            self._reconnect_attempt = 0
            self._source_rate.tick(now_s)
            if show:
                self._position_s = picture.t_s
                frame = Frame(image, index, picture.t_s, now_s, epoch, capture.spec, mirror)
                self._frames.put(frame)
                watchers = self._watchers
            elif classify:
                self._late += 1
        for watcher in watchers:
            try:
                watcher(frame)
            except Exception:
                log.exception("A watcher of frames failed")

    def restarted(self, capture: Capture) -> None:
        """What follows does not continue what came before."""
        with self._lock:
            if capture is self._capture:
                self._restart()

    def reconnecting(self, capture: Capture, attempt: int, error: SourceError) -> None:
        """The source died and is retried."""
        with self._lock:
            if capture is not self._capture:
                return
            self._reconnect_attempt = attempt
            if attempt == 1:
                self._restart()
                text = f"{error.message} Trying to reach it again."
                self._notify(Notice(Level.WARNING, text, error.details))

    def ended(self, capture: Capture, ended: bool) -> None:
        """A file played to its end, or goes on."""
        with self._lock:
            if capture is self._capture:
                self._ended = ended

    def warned(self, capture: Capture, warning: str) -> None:
        """The source played, but not all of it is well."""
        if capture is self._capture:
            self._notify(Notice(Level.WARNING, warning))

    def failed(self, capture: Capture, error: SourceError) -> None:
        """A source could not be opened, or broke for good."""
        with self._lock:
            if capture is self._staged:
                self._staged = None
            elif capture is self._capture:
                self._capture = self._info = None
                self._restart()
            else:
                return
            self._fail(error)

    def prefill_s(self) -> float:
        """Return the longest span that a window needs, in seconds."""
        return self._recognizer.span_s

    # Helpers.

    def _silent_s(self, now_s: float) -> float:
        """Return how long a source has been silent, 0 where that is not worth a word. Needs the lock."""
        if self._capture is None or self._ended:
            return 0.0
        since_s = self._last_captured_s if self._capture.spec.live else self._capture.reading_since_s
        silent_s = now_s - since_s if since_s is not None else 0.0
        return silent_s if silent_s > SILENT_AFTER_S else 0.0

    def _loops(self, spec: SourceSpec) -> bool:
        return self._loop or spec.kind.value == "demo"

    def _restart(self) -> None:
        live = self._capture is not None and self._capture.spec.live
        self._recognizer.restart(live=live)

    def _leave(self, capture: Capture) -> None:
        """Ask a capture to end; `stop` waits for those that still do."""
        capture.stop()
        self._left = [left for left in self._left if left.alive] + [capture]
        if capture is self._capture:
            self._capture = None

    def _fail(self, error: SlowFastLiveError) -> None:
        if self._capture is None and self._staged is None:
            self._state = PipelineState.FAILED
        self._notify(Notice(Level.ERROR, error.message, error.details))

    def _notify(self, notice: Notice) -> None:
        self._notices.append(notice)
