"""Capture thread: opens, reads and releases one source."""

from __future__ import annotations

import logging
import math
import threading
from dataclasses import dataclass
from typing import Protocol

from slowfast_live.core.clock import Clock
from slowfast_live.errors import SourceError
from slowfast_live.messages import Message
from slowfast_live.sources.base import FrameSource, Picture
from slowfast_live.types import SourceInfo, SourceKind, SourceSpec

log = logging.getLogger(__name__)

ABANDON_AFTER_S = 2.0
"""A source that blocks in a read is abandoned after this time; it is never released from another thread."""
RECONNECT_PAUSES_S = (1.0, 2.0, 4.0, 8.0, 15.0)
"""Pauses before the attempts to reopen a live source; the last one repeats."""
LATE_FRAMES = 1.5
"""A file's frame that is late by this many frame intervals is classified but not shown."""
LONGEST_FREEZE_S = 0.1
"""Even if all frames are late, one is shown at least this often."""
GIVE_UP_LAG_S = 1.0
"""If the app falls behind a file by more than this, it plays the file more slowly instead of catching up."""
_FALLBACK_INTERVAL_S = 1 / 25
_STEP_BACK_S = 0.5e-3
_SAME_MOMENT_S = 0.25e-3
"""Two times of a file that are this close are considered equal."""


class CaptureSink(Protocol):
    """Receiver of what a capture reads. Called from the capture's thread."""

    def opened(self, capture: Capture, info: SourceInfo) -> bool:
        """The source was opened for the first time; return False if it is no longer wanted."""
        ...

    def reopened(self, capture: Capture, info: SourceInfo) -> None:
        """The source was reopened after a failure."""
        ...

    def picture(self, capture: Capture, picture: Picture, *, show: bool, classify: bool) -> None:
        """A frame was read: to show, to add to frame windows, or both."""
        ...

    def restarted(self, capture: Capture) -> None:
        """The following frames do not continue the previous ones, after a seek or when a file starts again."""
        ...

    def reconnecting(self, capture: Capture, attempt: int, error: SourceError) -> None:
        """The source failed; attempt number `attempt` to reopen it is pending."""
        ...

    def ended(self, capture: Capture, ended: bool) -> None:
        """A file reached its end (or continues from there)."""
        ...

    def warned(self, capture: Capture, warning: str) -> None:
        """The source was played, but with problems."""
        ...

    def failed(self, capture: Capture, error: SourceError) -> None:
        """The source failed permanently."""
        ...

    def prefill_s(self) -> float:
        """Return how many seconds before a position must be read to classify it."""
        ...


@dataclass(slots=True)
class _Controls:
    """State set by commands; guarded by the capture's condition."""

    stop: bool = False
    paused: bool = False
    loop: bool = False
    speed: float = 1.0
    steps: int = 0
    seek: tuple[float, bool] | None = None


class Capture:
    """One source and its thread. Commands may be called from any thread and return immediately.

    Args:
        source: Opened, read and closed only by this thread.
        spec: Description of the source, for messages.
        sink: Receives the frames.
        clock: Used to pace files and to wait before reconnecting.
        loop: Whether a file starts again at its end.
        speed: Playback speed of a file.
        predecessor: A capture that must release its device before this one opens (the same camera).
    """

    def __init__(
        self,
        source: FrameSource,
        spec: SourceSpec,
        sink: CaptureSink,
        clock: Clock,
        *,
        loop: bool = False,
        speed: float = 1.0,
        predecessor: Capture | None = None,
    ) -> None:
        self.spec = spec
        self._source = source
        self._sink = sink
        self._clock = clock
        self._predecessor = predecessor
        self._controls = _Controls(loop=loop, speed=speed)
        self._changed = threading.Condition()
        self._anchor: tuple[float, float] | None = None  # (monotonic seconds, file seconds)
        self._position_s = 0.0
        self._shown_at_s = float("-inf")
        self._hidden: Picture | None = None  # the latest frame, if it was too late to be shown
        self._interval_s = _FALLBACK_INTERVAL_S
        self._finished = False
        self._scrubbing = False
        self._seen_s = float("-inf")  # the latest reading of the clock
        self.reading_since_s: float | None = None
        """Time of the pending request to the source; None if there is none."""
        self._thread = threading.Thread(target=self._run, name=f"capture {spec.name}", daemon=True)

    # Commands; any thread.

    def start(self) -> None:
        """Start reading."""
        self._thread.start()

    def stop(self) -> None:
        """Request the thread to end; see `join`."""
        with self._changed:
            self._controls.stop = True
            self._changed.notify_all()

    def join(self, timeout_s: float = ABANDON_AFTER_S) -> bool:
        """Wait for the thread to end; return False if it is abandoned because its source blocks."""
        if self._thread.ident is not None and self._thread is not threading.current_thread():
            self._thread.join(timeout_s)
        if self.alive:
            log.warning("%s did not answer within %.0f s and is left behind.", self.spec.name, timeout_s)
        return not self.alive

    @property
    def alive(self) -> bool:
        """Whether the thread is running."""
        return self._thread.is_alive()

    @property
    def paused(self) -> bool:
        """Whether a file is paused."""
        return self._controls.paused

    @property
    def scrubbing(self) -> bool:
        """Whether the user is scrubbing: the last position requested is only shown, because more are expected."""
        return self._scrubbing

    def set_paused(self, paused: bool) -> None:
        """Pause or resume."""
        with self._changed:
            self._controls.paused = paused
            self._anchor = (self._now_s(), self._position_s)
            self._changed.notify_all()

    def set_speed(self, speed: float) -> None:
        """Change the playback speed from the current position on."""
        with self._changed:
            self._controls.speed = speed
            self._anchor = (self._now_s(), self._position_s)
            self._changed.notify_all()

    def set_loop(self, loop: bool) -> None:
        """Set whether to start again at the end."""
        with self._changed:
            self._controls.loop = loop
            self._changed.notify_all()

    def seek(self, t_s: float, *, scrubbing: bool) -> None:
        """Seek to a position; replaces an earlier request that has not started."""
        with self._changed:
            self._controls.seek = (max(0.0, t_s), scrubbing)
            self._changed.notify_all()

    def step(self, frames: int) -> None:
        """Pause, and step some frames forward or one back."""
        with self._changed:
            self._controls.paused = True
            self._controls.steps += frames
            self._changed.notify_all()

    @property
    def settled(self) -> bool:
        """Whether all commands are carried out."""
        with self._changed:
            return self._controls.seek is None and not self._controls.steps

    # The thread.

    def _run(self) -> None:
        try:
            if self._predecessor is not None:
                self._predecessor.join()
                self._predecessor = None
            info = self._source.open()
            if info.fps:
                self._interval_s = 1 / info.fps
            if not self._sink.opened(self, info):
                return
            if self.spec.live:
                self._run_live()
            else:
                self._run_file()
        except SourceError as error:
            self._sink.failed(self, error)
        except Exception as error:
            log.exception("Reading %s failed", self.spec.name)
            message = Message("{name} cannot be read because of an unexpected error.", name=self.spec.name)
            self._sink.failed(self, SourceError(message, details=repr(error)))
        finally:
            self._release()

    def _release(self) -> None:
        try:
            self._source.close()
        except Exception:  # closing must not fail, whatever a driver does
            log.exception("Closing %s failed", self.spec.name)

    def _read(self) -> Picture | None:
        self.reading_since_s = self._clock.now_s()
        picture = self._source.read()
        self.reading_since_s = None
        if picture is not None and not math.isfinite(picture.t_s):
            raise ValueError(f"a picture of time {picture.t_s}")
        return picture

    def _seek(self, t_s: float) -> None:
        self.reading_since_s = self._clock.now_s()
        self._source.seek(t_s)
        self.reading_since_s = None

    def _now_s(self) -> float:
        """Read the clock for pacing; if it was set back, due times are adjusted. Requires the condition."""
        now_s = self._clock.now_s()
        if now_s < self._seen_s and self._anchor is not None:
            self._anchor = (self._anchor[0] + now_s - self._seen_s, self._anchor[1])
        self._seen_s = now_s
        return now_s

    def _stopped(self) -> bool:
        with self._changed:
            return self._controls.stop

    def _run_live(self) -> None:
        attempt = 0
        while not self._stopped():
            try:
                picture = self._read()
                if picture is None:  # a finished recording behind a URL: nothing to reconnect to
                    self._set_finished(True)
                    return
            except SourceError as error:
                attempt = self._reopen(attempt, error)
                continue
            if self._stopped():
                return
            attempt = 0
            self._sink.picture(self, picture, show=True, classify=True)

    def _reopen(self, attempt: int, error: SourceError) -> int:
        """Reopen a failed source, with increasing pauses, until it opens or the capture is stopped."""
        while True:
            self._release()
            attempt += 1
            log.info("%s: attempt %d to reopen it, because: %s", self.spec.name, attempt, error)
            self._sink.reconnecting(self, attempt, error)
            pause_s = RECONNECT_PAUSES_S[min(attempt, len(RECONNECT_PAUSES_S)) - 1]
            until_s = self._clock.now_s() + pause_s
            with self._changed:
                # More than the whole pause remains if the clock was set back.
                while not self._controls.stop and 0 < (left_s := until_s - self._clock.now_s()) <= pause_s:
                    self._clock.wait(self._changed, left_s)
                if self._controls.stop:
                    return attempt
            try:
                info = self._source.open()
            except SourceError as again:
                error = again
                continue
            self._sink.reopened(self, info)
            return attempt

    def _run_file(self) -> None:
        pending = self._read()
        if pending is None:
            raise SourceError(
                Message("{name} contains no pictures that can be decoded. Try another file.", name=self.spec.name)
            )
        while True:
            seek, steps = self._wait_for_work(pending)
            if self._stopped():
                return
            if seek is not None:
                pending = self._do_seek(*seek)
            elif steps < 0:
                pending = self._do_seek(max(0.0, self._position_s - _STEP_BACK_S), scrubbing=False)
            elif pending is not None:
                self._show(pending, paced=steps == 0)
                pending = self._read()
            else:
                pending = self._at_the_end()

    def _wait_for_work(self, pending: Picture | None) -> tuple[tuple[float, bool] | None, int]:
        """Wait until the next frame is due or a command arrives.

        Returns:
            The position to seek to (with `scrubbing`), and the number of frames to step: 0 if a frame is due.
        """
        with self._changed:
            while True:
                controls = self._controls
                if controls.stop:
                    return None, 0
                if controls.seek is not None:
                    seek, controls.seek = controls.seek, None
                    return seek, 0
                if controls.steps:
                    step = 1 if controls.steps > 0 else -1
                    controls.steps -= step
                    if step < 0 or pending is not None:
                        return None, step
                    continue
                if controls.paused or (pending is None and self._finished and not controls.loop):
                    self._clock.wait(self._changed, None)
                    continue
                now_s = self._now_s()
                delay_s = self._due_s(pending) - now_s
                if delay_s <= 0:
                    return None, 0
                self._clock.wait(self._changed, delay_s)

    def _due_s(self, pending: Picture | None) -> float:
        """Return when the next frame (or the end of the last one) is due, on the clock."""
        t_s = pending.t_s if pending is not None else self._position_s + self._interval_s
        if self._anchor is None:
            self._anchor = (self._now_s(), t_s)
        return self._anchor[0] + (t_s - self._anchor[1]) / self._controls.speed

    def _show(self, picture: Picture, *, paced: bool) -> None:
        show = True
        with self._changed:
            now_s = self._now_s()
            if self._finished:
                self._finished = False
            if paced:
                late_s = now_s - self._due_s(picture)
                if late_s > GIVE_UP_LAG_S:
                    self._anchor = (now_s, picture.t_s)
                elif late_s > LATE_FRAMES * self._interval_s / self._controls.speed:
                    show = now_s - self._shown_at_s >= LONGEST_FREEZE_S
            self._position_s = picture.t_s
        if show:
            self._shown_at_s = now_s
        self._hidden = None if show else picture
        self._sink.picture(self, picture, show=show, classify=True)

    def _at_the_end(self) -> Picture | None:
        with self._changed:
            loop = self._controls.loop
        if not loop:
            if self._hidden is not None:  # the last frame stays visible, however late it was
                self._sink.picture(self, self._hidden, show=True, classify=False)
                self._hidden = None
            self._set_finished(True)
            return None
        self._seek(0.0)
        self._sink.restarted(self)
        self._set_finished(False)
        self._anchor = None
        return self._read()

    def _set_finished(self, finished: bool) -> None:
        with self._changed:
            self._finished = finished
        self._sink.ended(self, finished)
        if finished and self._source.warning:
            self._sink.warned(self, self._source.warning)

    def _do_seek(self, t_s: float, scrubbing: bool) -> Picture | None:
        """Show the frame at `t_s`; return the frame after it, or None at the end of the file.

        Unless `scrubbing`, the span before it is read too, so that the position is classified at once.
        """
        self._sink.restarted(self)
        self._set_finished(False)
        self._hidden = None
        self._scrubbing = scrubbing
        self._seek(t_s if scrubbing else max(0.0, t_s - self._sink.prefill_s() - self._interval_s))
        current: Picture | None = None
        following = self._read()
        while following is not None and (current is None or following.t_s <= t_s + _SAME_MOMENT_S):
            if current is not None:
                self._sink.picture(self, current, show=False, classify=not scrubbing)
                if self._interrupted():
                    return following
            current, following = following, self._read()
        if current is not None:
            with self._changed:
                self._position_s = current.t_s
                self._anchor = (self._now_s(), current.t_s)
            self._sink.picture(self, current, show=True, classify=not scrubbing)
        return following

    def _interrupted(self) -> bool:
        with self._changed:
            return self._controls.stop or self._controls.seek is not None


def needs_release_first(old: SourceSpec | None, new: SourceSpec) -> bool:
    """Return whether `old` must be closed before `new` can open: a camera can be used by one program at a time."""
    return old is not None and old.kind is SourceKind.CAMERA and new.kind is SourceKind.CAMERA
