"""The sink of the captures: passes their frames to the screen and to the recognizer, and knows the source's state."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Hashable
from pathlib import Path

import cv2
import numpy as np

from slowfast_live.core.clock import Clock
from slowfast_live.core.mailbox import Latest
from slowfast_live.core.meters import RateMeter
from slowfast_live.errors import SlowFastLiveError, SourceError
from slowfast_live.messages import Message
from slowfast_live.pipeline.capture import Capture
from slowfast_live.pipeline.people_follower import PeopleFollower
from slowfast_live.pipeline.recognizer import Recognizer
from slowfast_live.sources.base import Picture
from slowfast_live.sources.picture_files import size_and_date
from slowfast_live.types import Frame, Level, Notice, PipelineState, SourceInfo, SourceKind, SourceSpec, Topic

log = logging.getLogger(__name__)

SILENT_AFTER_S = 2.0
"""A source that has not delivered a requested frame for this long is considered silent."""


class FrameSink:
    """The `CaptureSink` of a pipeline. The captures call it on their threads, and the pipeline reads and changes it.

    Args:
        recognizer: Receives the frames to recognize.
        clock: Used for times and rates.
        notify: Receives notices for the user.
        follower: Follows the people in the frames; None: nobody is followed.

    Attributes:
        lock: Guards the attributes from `state` to `captured`.
        state: State of the pipeline.
        capture: Capture of the current source.
        staged: Capture of the source that is being opened.
        info: What is known of the current source.
        at_end: Whether the current source ended.
        reconnect_attempt: Number of the attempt to reach a source again; 0 if it is connected.
        position_s: Time of the frame shown, in seconds.
        mirror: Whether left and right are swapped.
        index: Number of frames of the current source.
        captured: Number of frames of all sources.
        frames: The frame shown. Thread-safe.
        rate: Frames per second. Thread-safe.
    """

    def __init__(
        self,
        recognizer: Recognizer,
        clock: Clock,
        notify: Callable[[Notice], None],
        follower: PeopleFollower | None = None,
    ) -> None:
        self._recognizer, self._clock, self._notify, self._follower = recognizer, clock, notify, follower
        self.lock = threading.RLock()
        self.state = PipelineState.IDLE
        self.capture: Capture | None = None
        self.staged: Capture | None = None
        self.info: SourceInfo | None = None
        self.at_end = False
        self.reconnect_attempt = 0
        self.position_s = 0.0
        self.mirror = False
        self.index = 0
        self.captured = 0
        self.frames: Latest[Frame] = Latest()
        self.rate = RateMeter()
        self._late = 0
        self._dropped_before = 0  # from earlier sources
        self._left: list[Capture] = []
        self._last_captured_s = float("-inf")
        self._watchers: tuple[Callable[[Frame], None], ...] = ()

    def watch(self, watcher: Callable[[Frame], None]) -> None:
        """Call `watcher` with every frame shown, from the capture's thread; it must return immediately."""
        with self.lock:
            self._watchers = (*self._watchers, watcher)

    def unwatch(self, watcher: Callable[[Frame], None]) -> None:
        """Stop calling `watcher`; a call in progress may still finish."""
        with self.lock:
            self._watchers = tuple(other for other in self._watchers if other != watcher)

    def leave(self, capture: Capture) -> None:
        """Stop a capture; it is waited for in `left`. Requires the lock."""
        capture.stop()
        self._left = [left for left in self._left if left.alive] + [capture]
        if capture is self.capture:
            self.capture = None

    def leave_all(self) -> None:
        """Stop the current capture and the one that is being opened. Requires the lock."""
        for capture in (self.staged, self.capture):
            if capture is not None:
                self.leave(capture)
        self.staged = self.capture = self.info = None

    @property
    def left(self) -> tuple[Capture, ...]:
        """The captures that were stopped and may still be ending."""
        with self.lock:
            return tuple(capture for capture in self._left if capture.alive)

    def restart(self) -> None:
        """Start recognition anew, because the following frames do not continue the previous ones."""
        live = self.capture is not None and self.capture.spec.live
        self._recognizer.restart(live=live, mirrored=self.mirror)

    def fail(self, error: SlowFastLiveError) -> None:
        """Report that a source cannot be opened or failed. Requires the lock."""
        if self.capture is None and self.staged is None:
            self.state = PipelineState.FAILED
        self._notify(Notice(Level.ERROR, error.message, error.details, topic=Topic.SOURCE))

    def silent_s(self) -> float:
        """Return how long the source has been silent, or 0 if it is not worth reporting. Requires the lock."""
        if self.capture is None or self.at_end:
            return 0.0
        since_s = self._last_captured_s if self.capture.spec.live else self.capture.reading_since_s
        silent_s = self._clock.now_s() - since_s if since_s is not None else 0.0
        return silent_s if silent_s > SILENT_AFTER_S else 0.0

    @property
    def dropped(self) -> int:
        """Number of frames of all sources that were not shown."""
        return self._late + self.frames.missed

    @property
    def source_dropped(self) -> int:
        """Number of frames of the current source that were not shown."""
        return self.dropped - self._dropped_before

    # Reports from captures (see `CaptureSink`).

    def opened(self, capture: Capture, info: SourceInfo) -> bool:
        """Replace the current source by the staged one, which is open now."""
        with self.lock:
            if capture is not self.staged:
                return False
            if self.capture is not None:
                self.leave(self.capture)
            self.capture, self.staged = capture, None
            self.info = info
            self.state = PipelineState.RUNNING
            self.at_end = False
            self.reconnect_attempt = 0
            self.index = 0
            self._dropped_before = self.dropped
            self.position_s = 0.0
            self._last_captured_s = self._clock.now_s()
            self.rate.clear()
            self._recognizer.rate.clear()
            self._recognizer.begin(
                live=capture.spec.live,
                mirrored=self.mirror,
                file=None if capture.spec.live else _file_key(capture.spec),
            )
            return True

    def reopened(self, capture: Capture, info: SourceInfo) -> None:
        """Restart recognition after the source was reopened."""
        with self.lock:
            if capture is self.capture:
                self.info = info
                self.restart()

    def picture(self, capture: Capture, picture: Picture, *, show: bool, classify: bool) -> None:
        """Process one frame of the current source."""
        with self.lock:
            if capture is not self.capture:
                return
            mirror, generation, index = self.mirror, self._recognizer.generation, self.index
        image = picture.image
        if mirror:
            image = np.asarray(cv2.flip(image, 1), np.uint8)
            image.flags.writeable = False
        now_s = self._clock.now_s()
        if show and self._follower is not None:
            self._follower.offer(image, picture.t_s, generation)
        if classify:
            self._recognizer.push(image, picture.t_s, now_s, generation)
        watchers: tuple[Callable[[Frame], None], ...] = ()
        with self.lock:
            if capture is not self.capture:
                return
            self.captured += 1
            self.index += 1
            self._last_captured_s = now_s
            self.reconnect_attempt = 0
            self.rate.tick(now_s)
            if show:
                self.position_s = picture.t_s
                frame = Frame(image, index, picture.t_s, now_s, generation, capture.spec, mirror)
                self.frames.put(frame)
                watchers = self._watchers
            elif classify:
                self._late += 1
        for watcher in watchers:
            try:
                watcher(frame)
            except Exception:
                log.exception("A watcher of frames failed")

    def restarted(self, capture: Capture) -> None:
        """Discard frames that are not continued."""
        with self.lock:
            if capture is self.capture:
                self.restart()

    def reconnecting(self, capture: Capture, attempt: int, error: SourceError) -> None:
        """Report that the source failed and is being reopened."""
        with self.lock:
            if capture is not self.capture:
                return
            self.reconnect_attempt = attempt
            if attempt == 1:
                self.restart()
                text = Message("{problem} Trying to reach it again.", problem=error.message)
                self._notify(Notice(Level.WARNING, text, error.details, topic=Topic.SOURCE))

    def ended(self, capture: Capture, ended: bool) -> None:
        """Record that a file ended or continues."""
        with self.lock:
            if capture is self.capture:
                self.at_end = ended

    def warned(self, capture: Capture, warning: str) -> None:
        """Report problems of a source that was played."""
        if capture is self.capture:
            self._notify(Notice(Level.WARNING, warning, topic=Topic.SOURCE))

    def failed(self, capture: Capture, error: SourceError) -> None:
        """Report that a source could not be opened or failed permanently."""
        with self.lock:
            if capture is self.staged:
                self.staged = None
            elif capture is self.capture:
                self.capture = self.info = None
                self.restart()
            else:
                return
            self.fail(error)

    def prefill_s(self) -> float:
        """Return how many seconds before a position must be read to classify it."""
        return self._recognizer.prefill_s


def _file_key(spec: SourceSpec) -> Hashable:
    """Return a key that identifies a file and its current content; None if unknown."""
    if spec.kind is SourceKind.DEMO:
        return spec.kind
    try:
        state = size_and_date(Path(spec.address))
    except (OSError, ValueError):
        return None
    return spec.address, spec.rate, *state
