"""The pipeline's interface to the rest of the app: commands and snapshots."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace

from slowfast_live.core.clock import Clock, SystemClock
from slowfast_live.core.history import History
from slowfast_live.core.meters import Distribution
from slowfast_live.errors import ModelError, SlowFastLiveError, SourceError
from slowfast_live.inference.backend import Backend
from slowfast_live.inference.remote.address import names_server
from slowfast_live.inference.spec import Model
from slowfast_live.messages import Message
from slowfast_live.people.now import AUTOMATIC, OFF, PeopleEvents, PeopleNow
from slowfast_live.people.records import Box, KnownPeople, PersonTrail
from slowfast_live.people.tracker import TrackedPerson
from slowfast_live.pipeline.capture import ABANDON_AFTER_S, Capture, needs_release_first
from slowfast_live.pipeline.frame_sink import FrameSink
from slowfast_live.pipeline.newest_clip import NewestClip
from slowfast_live.pipeline.people_follower import MakeDetector, PeopleFollower
from slowfast_live.pipeline.readouts import Situation, readout
from slowfast_live.pipeline.recognizer import Listener, Recognizer
from slowfast_live.sources.base import FrameSource
from slowfast_live.types import Frame, Level, Notice, PipelineState, Prediction, Readout, SourceSpec, Status, Topic

log = logging.getLogger(__name__)

MAX_NOTICES = 100
SLOWEST, FASTEST = 0.5, 2.0
_STANDS_S = 1.0
"""While a file plays, the latest decision remains valid this long, because the next one is in progress."""


class Pipeline:
    """Turns frames into predictions. Commands may be called from any thread and return immediately.

    Threads: one capture for the open source (and one for a source that is being opened), plus a worker and a loader
    (see `Recognizer`). Shared state is guarded by one lock per object, which is only held briefly.

    Args:
        backend: Compiles models.
        make_source: Creates a source from its description; called on the caller's thread, so it must not open it.
        clock: Clock for tests; the system clock by default.
        on_prediction: Called from the worker thread for each current prediction.
        history: Stores the decisions for files, so that each moment is decided only once. None: files are treated like
            live sources, and only the latest frame window is recognized.
        make_detector: Makes the person detector of a name; None: people are not followed.
    """

    def __init__(
        self,
        backend: Backend,
        make_source: Callable[[SourceSpec], FrameSource],
        clock: Clock | None = None,
        on_prediction: Listener | None = None,
        history: History | None = None,
        make_detector: MakeDetector | None = None,
    ) -> None:
        self._clock = clock or SystemClock()
        self._make_source = make_source
        self._history = history
        self._follower: PeopleFollower | None = None
        self._recognizer = Recognizer(
            backend, self._clock, self._notify, on_prediction, history, self._on_model, self._people_of
        )
        if make_detector is not None:
            labels = self._recognizer.labels
            self._follower = PeopleFollower(make_detector, self._clock, self._notify, labels.saw, labels.who_at)
        self._sink = FrameSink(self._recognizer, self._clock, self._notify, self._follower)
        self._notices: deque[Notice] = deque(maxlen=MAX_NOTICES)
        # Guarded by the sink's lock:
        self._loop = False
        self._speed = 1.0
        self._device = "CPU"
        self._people_wanted = OFF
        self._wanted: Model | None = None

    # Commands.

    def open(self, source: SourceSpec) -> None:
        """Switch to another source.

        The old source continues until the new one delivers frames. A failure is reported as a notice.
        """
        sink = self._sink
        with sink.lock:
            if sink.state is PipelineState.STOPPING:
                return
            self._recognizer.start()
            if sink.state in (PipelineState.IDLE, PipelineState.FAILED):
                sink.state = PipelineState.STARTING
            if sink.staged is not None:
                sink.leave(sink.staged)
            predecessor = None
            if sink.capture is not None and needs_release_first(sink.capture.spec, source):
                predecessor = sink.capture
                sink.leave(predecessor)
            sink.staged = None
            try:
                capture = Capture(
                    self._make_source(source),
                    source,
                    sink,
                    self._clock,
                    loop=self._loops(source),
                    speed=self._speed,
                    predecessor=predecessor,
                )
                capture.start()
            except SlowFastLiveError as error:
                sink.fail(error)
            except Exception as error:
                log.exception("Making a source of %s failed", source.name)
                message = Message("{name} cannot be opened because of an unexpected error.", name=source.name)
                sink.fail(SourceError(message, details=repr(error)))
            else:
                sink.staged = capture

    def close_source(self) -> None:
        """Close the source that is open or being opened; the model stays loaded."""
        sink = self._sink
        with sink.lock:
            if sink.state in (PipelineState.IDLE, PipelineState.STOPPING):
                return
            sink.leave_all()
            sink.state = PipelineState.RUNNING
            sink.at_end, sink.reconnect_attempt, sink.position_s = False, 0, 0.0
            sink.rate.clear()
            sink.restart()

    def use_model(self, model: Model | None, device: str | None = None) -> None:
        """Switch the model (and device) in the background; the old one continues until the new one has warmed up.

        If this fails, the old model stays and a notice gives the reason. A newer call replaces one that is in progress.
        """
        sink = self._sink
        with sink.lock:
            if sink.state is PipelineState.STOPPING:
                return
            self._recognizer.start()
            # A device on which nothing could be run is not tried again with the next model.
            # A lost server is: another device only runs in its place.
            recognizer = self._recognizer.state()
            running = "" if recognizer.preparing or names_server(self._device) else recognizer.device
            self._device = device or running or self._device
            self._wanted = model
            device = self._device
        try:
            self._recognizer.use(model, device)
        except ModelError as error:
            self._notify(Notice(Level.ERROR, error.message, error.details, topic=Topic.SWITCH))

    def use_device(self, device: str) -> None:
        """Run the current model on another device ("CPU", "GPU", "NPU", "AUTO"); see `use_model`."""
        with self._sink.lock:
            self._device = device
            model = self._wanted or self._recognizer.state().model
        if model is not None:
            self.use_model(model, device)

    def play(self) -> None:
        """Resume after `pause`; at the end of a file, start again."""
        sink = self._sink
        with sink.lock:
            capture, ended = sink.capture, sink.at_end
        if capture is not None and capture.spec.live and ended:
            self.open(capture.spec)
        elif capture is not None and not capture.spec.live:
            capture.set_paused(False)
            if ended:
                capture.seek(0.0, scrubbing=False)

    def pause(self) -> None:
        """Pause a file; has no effect on a live source."""
        sink = self._sink
        with sink.lock:
            capture = sink.capture
        if capture is not None and not capture.spec.live:
            capture.set_paused(True)

    def seek(self, t_s: float, *, scrubbing: bool = False) -> None:
        """Seek in a file and classify the position, using the span before it, which is read from the file.

        If `scrubbing`, the frame is shown but not classified.
        """
        sink = self._sink
        with sink.lock:
            capture, info = sink.capture, sink.info
        if capture is not None and info is not None and info.seekable:
            capture.seek(t_s, scrubbing=scrubbing)

    def step(self, frames: int) -> None:
        """Pause, and step `frames` frames forward (> 0) or back (< 0)."""
        sink = self._sink
        with sink.lock:
            capture, info = sink.capture, sink.info
        if capture is not None and not capture.spec.live and (frames > 0 or (info is not None and info.seekable)):
            capture.step(frames)

    def set_speed(self, speed: float) -> None:
        """Set the playback speed of files, from 0.5 to 2."""
        sink = self._sink
        with sink.lock:
            self._speed = min(FASTEST, max(SLOWEST, speed))
            for capture in (sink.capture, sink.staged):
                if capture is not None:
                    capture.set_speed(self._speed)

    def set_loop(self, loop: bool) -> None:
        """Set whether files start again at their end. The demo always does."""
        sink = self._sink
        with sink.lock:
            self._loop = loop
            for capture in (sink.capture, sink.staged):
                if capture is not None:
                    capture.set_loop(self._loops(capture.spec))

    def set_mirror(self, mirror: bool) -> None:
        """Set whether left and right are swapped, both in the frame shown and in the model's input."""
        sink = self._sink
        with sink.lock:
            if mirror == sink.mirror:
                return
            sink.mirror = mirror
            sink.restart()
        self._decide_again()

    def set_threshold(self, threshold: float | None) -> None:
        """Set the score below which there is no confident action; None: the model's recommendation.

        It applies to the whole file, including parts that were recognized earlier.
        """
        self._recognizer.threshold = threshold
        if self._history is not None:
            self._history.set_threshold(threshold)

    def set_rest(self, rest: bool) -> None:
        """Set whether the model rests while nothing moves; it resumes with the first frame window that shows motion.

        Files with stored decisions are recognized completely; there, the model skips what is already decided.
        """
        self._recognizer.set_rest(rest)

    def use_people(self, detector: str) -> None:
        """Follow people with a detector by name; see `people.now` for `OFF`, `MOTION` and `AUTOMATIC`.

        While a model runs that scores what each person does, people are followed in any case.
        """
        with self._sink.lock:
            self._people_wanted = detector
        self._follow_people()

    def follow(self, identity: int | None) -> None:
        """Let the label be about one person as long as they are in the picture; None: the most prominent one."""
        self._recognizer.labels.follow(identity)

    def set_rate_limit(self, per_s: float | None) -> None:
        """Set the most predictions per second, to save power; None for no limit.

        Of a file, correspondingly fewer moments are decided.
        """
        self._recognizer.set_rate_limit(per_s)
        if self._history is not None:
            self._history.expect(0.0 if per_s is None else 1 / per_s)

    def stop(self) -> None:
        """End all threads. Returns within a few seconds; a source that blocks for 2 s is abandoned and logged."""
        sink = self._sink
        with sink.lock:
            if sink.state in (PipelineState.IDLE, PipelineState.STOPPING):
                return
            sink.state = PipelineState.STOPPING
            sink.leave_all()
            left = sink.left
        deadline_s = time.monotonic() + ABANDON_AFTER_S
        for capture in left:
            capture.join(max(0.0, deadline_s - time.monotonic()))
        self._recognizer.stop()
        if self._follower is not None:
            self._follower.stop()
        with sink.lock:
            self._wanted = None
            sink.state = PipelineState.IDLE

    # Snapshots.

    def frame(self) -> Frame | None:
        """Return the latest frame, mirrored if mirroring is on."""
        return self._sink.frames.get()

    def watch(self, watcher: Callable[[Frame], None]) -> None:
        """Call `watcher` with every frame shown, from the capture's thread; it must return immediately."""
        self._sink.watch(watcher)

    def unwatch(self, watcher: Callable[[Frame], None]) -> None:
        """Stop calling `watcher`; a call in progress may still finish."""
        self._sink.unwatch(watcher)

    def prediction(self) -> Prediction | None:
        """Return the latest prediction of the current generation."""
        return self._recognizer.prediction()

    def newest_clip(self) -> NewestClip | None:
        """Return the clip that the model sees now, for explanations; takes a few milliseconds."""
        clip, frame = self._recognizer.newest_clip(), self.frame()
        if clip is None or frame is None:
            return None
        height, width = frame.image.shape[:2]
        return replace(clip, size=(height, width))

    def readout(self) -> Readout:
        """Return the readout for the frame shown now.

        For files this is the stored decision, so that frame, timeline and events always agree.
        """
        recognizer, sink = self._recognizer.state(), self._sink
        with sink.lock:
            capture, info, ended, position_s = sink.capture, sink.info, sink.at_end, sink.position_s
            failed = sink.state is PipelineState.FAILED or sink.reconnect_attempt > 0
            no_picture = failed or sink.silent_s() > 0
        decisions, span_s = recognizer.decisions, recognizer.span_s
        held = decisions is not None and (ended or (capture is not None and (capture.paused or capture.scrubbing)))
        if decisions is None:
            decided = recognizer.readout
        else:
            decided = decisions.readout_at(position_s, None if held else _STANDS_S)
            followed = self._recognizer.labels.followed
            if followed is not None and any(p.id == followed for p in self._people_of(recognizer.generation) or ()):
                said = self._recognizer.labels.readout_of(followed)  # of one person, only what was said last is known
                decided = said if said is not None and abs(said.t_end_s - position_s) <= _STANDS_S else None
        known_s = info.duration_s if info is not None else None
        return readout(
            Situation(
                decided=decided,
                model=recognizer.model is not None,
                switching=bool(recognizer.preparing),
                no_picture=no_picture,
                failing=recognizer.failing,
                resting=recognizer.resting,
                held=held,
                covered=recognizer.coverage >= 1,
                too_short=ended or (known_s is not None and known_s < span_s),
                before_span=position_s < span_s,
            )
        )

    def people(self) -> PeopleNow:
        """Return the people in the latest frame, with their labels."""
        follower = self._follower
        if follower is None or not follower.on:
            return PeopleNow()
        people = follower.people(self._recognizer.generation)
        return self._recognizer.labels.now(people, follower.title)

    def person_events(self) -> PeopleEvents:
        """Return the events of people."""
        return self._recognizer.labels.events()

    def person_at(self, identity: int, t_s: float) -> Box | None:
        """Return where a person was at a time, in shares of the picture as it is shown; None if that is not known."""
        return self._recognizer.labels.box_at(identity, t_s)

    def person_trails(self) -> tuple[PersonTrail, ...]:
        """Return where everybody was and what was said of them, by identity."""
        return self._recognizer.labels.trails()

    def known_people(self, source: Hashable) -> KnownPeople | None:
        """Return everything that is known of the people in a source, by its key; see `History.file`.

        None if that is neither the current source nor one that was left just now.
        """
        known = self._recognizer.labels.known_of(source)
        if known is None or self._follower is None:
            return known
        return replace(known, detector=self._follower.title)

    def restore_people(self, source: Hashable, known: KnownPeople) -> None:
        """Take what an earlier run knew of the people in a source, if it is the current one."""
        if self._recognizer.labels.restore(source, known) and self._follower is not None:
            self._follower.start_over(known.highest + 1)

    def status(self) -> Status:
        """Return a snapshot of the pipeline's state."""
        now_s = self._clock.now_s()
        recognizer, sink = self._recognizer.state(), self._sink
        prediction, model = recognizer.prediction, recognizer.model
        with sink.lock:
            capture = sink.capture or sink.staged
            return Status(
                state=sink.state,
                source=capture.spec if capture is not None else None,
                info=sink.info,
                opening=sink.staged is not None,
                reconnect_attempt=sink.reconnect_attempt,
                silent_s=sink.silent_s(),
                paused=sink.capture is not None and sink.capture.paused,
                ended=sink.at_end,
                position_s=sink.position_s,
                speed=self._speed,
                loop=self._loop,
                coverage=recognizer.coverage,
                model=model.name if model is not None else None,
                device=recognizer.device,
                execution_precision=recognizer.execution_precision,
                switching=recognizer.preparing,
                source_fps=sink.rate.rate(now_s),
                predictions_per_s=self._recognizer.rate.rate(now_s),
                resting=recognizer.resting,
                rate_limit=recognizer.rate_limit,
                latency_ms=prediction.latency_ms if prediction is not None else 0.0,
                infer_ms=prediction.infer_ms if prediction is not None else 0.0,
                frames_captured=sink.captured,
                frames_dropped=sink.dropped,
                predictions=self._recognizer.count,
                generation=recognizer.generation,
                source_frames=sink.index if sink.capture is not None else 0,
                source_dropped=sink.source_dropped,
            )

    @property
    def latency_ms(self) -> Distribution:
        """Latencies of all predictions since the pipeline was created, in milliseconds."""
        return self._recognizer.latency_ms

    @property
    def settled(self) -> bool:
        """Whether all commands to the source are carried out, and nothing waits for the model."""
        with self._sink.lock:
            capture = self._sink.capture
        return (capture is None or capture.settled) and self._recognizer.idle

    @property
    def ending_sources(self) -> int:
        """Number of sources that were left and have not ended yet."""
        return len(self._sink.left)

    def notices(self) -> list[Notice]:
        """Return the notices since the last call, oldest first."""
        taken: list[Notice] = []
        while self._notices:
            taken.append(self._notices.popleft())
        return taken

    def notify(self, notice: Notice) -> None:
        """Add a notice on behalf of a component without a window, such as a failing listener."""
        self._notify(notice)

    # Helpers.

    def _on_model(self) -> None:
        """Another model is running: it may need people, or not need them any more."""
        self._follow_people()
        self._decide_again()

    def _follow_people(self) -> None:
        if self._follower is None:
            return
        with self._sink.lock:
            wanted = self._people_wanted
        model = self._recognizer.state().model
        needed = model is not None and model.spec.detects
        self._follower.use(AUTOMATIC if wanted == OFF and needed else wanted)

    def _people_of(self, generation: int) -> Sequence[TrackedPerson] | None:
        follower = self._follower
        return follower.people(generation) if follower is not None and follower.on else None

    def _loops(self, spec: SourceSpec) -> bool:
        return self._loop or spec.kind.value == "demo"

    def _decide_again(self) -> None:
        """Recognize the position of a paused file again, because nothing else would do so before playback resumes."""
        sink = self._sink
        with sink.lock:
            capture, info, position_s = sink.capture, sink.info, sink.position_s
            held = capture is not None and capture.paused and not sink.at_end and self._history is not None
        if held and capture is not None and info is not None and info.seekable:
            capture.seek(position_s, scrubbing=False)

    def _notify(self, notice: Notice) -> None:
        self._notices.append(notice)
