"""The recognition half of the pipeline: runs models on frame windows, and switches between models."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from slowfast_live.core.clock import Clock
from slowfast_live.core.decisions import DecisionSet
from slowfast_live.core.events import EventRule
from slowfast_live.core.history import History
from slowfast_live.core.meters import Distribution, RateMeter
from slowfast_live.core.rate_limit import RateLimit
from slowfast_live.core.ring import Ring
from slowfast_live.inference.backend import Backend, CompiledModel, InferRequest, InferResult, TakesTurns
from slowfast_live.inference.spec import Model, ModelSpec
from slowfast_live.messages import Message
from slowfast_live.people.everyone import fill, nobody, usable_people
from slowfast_live.people.tracker import TrackedPerson
from slowfast_live.people.windows import PersonFraming
from slowfast_live.pipeline.clip_buffer import ClipBuffer
from slowfast_live.pipeline.crowd import Crowd
from slowfast_live.pipeline.inferences import STUCK_AFTER_S, Inference, Inferences
from slowfast_live.pipeline.model_loader import STOP_WITHIN_S, ModelLoader
from slowfast_live.pipeline.newest_clip import NewestClip, compose
from slowfast_live.pipeline.pending_moments import PendingMoment, PendingMoments, decision_rule
from slowfast_live.pipeline.postprocessing import Postprocessor, motion_of, usable_probs
from slowfast_live.types import F32, U8, FrameWindow, Level, Notice, Prediction, Readout, ReadoutState, Topic

log = logging.getLogger(__name__)

_PREFILL_ROOM_S = 0.05
_NOBODY_EVERY_S = 0.2


def _square(title: str) -> Message:
    """Say that a detection model sees less than the picture; see `inference.detection`."""
    return Message(
        "This machine takes too long for all of the picture with {title}: people are recognized in its central square "
        "only.",
        title=title,
    )


Listener = Callable[[Prediction, Readout], None]


@dataclass(frozen=True, slots=True)
class RecognizerState:
    """A snapshot of the recognizer.

    Attributes:
        generation: The current generation.
        model: The running model.
        device: Its device; "" if no model is running.
        execution_precision: Its execution precision; "" if no model is running.
        preparing: Description of the model that is being prepared; "" if none is.
        decisions: The running model's decisions for the current file; None if they are not stored.
        coverage: Share of the model's span that is covered, 0..1; of the model being loaded if none is running.
        span_s: Longest span that a frame window needs, in seconds.
        resting: Whether the model rests because nothing moves.
        rate_limit: Most predictions per second; None for no limit.
        failing: Whether the running model gives no usable results.
        prediction: The latest prediction of this generation.
        readout: Its readout.
    """

    generation: int
    model: Model | None
    device: str
    execution_precision: str
    preparing: str
    decisions: DecisionSet | None
    coverage: float
    span_s: float
    resting: bool
    rate_limit: float | None
    failing: bool
    prediction: Prediction | None
    readout: Readout | None


class Recognizer:
    """Collects frame windows, runs the model on the latest one, and smooths the predictions.

    With a `history`, files are recognized moment by moment instead (see `core.decisions`). The frame window of each
    undecided moment is queued when its frame arrives; the newest one is processed first. Its decision is stored even if
    the file was paused or moved to another position in the meantime; it is only lost if the source, the model or the
    mirroring changes. If the queue is empty, the model runs on the latest frame window anyway, so that its rate and
    latency are known. These results are passed to the listener but not stored. To save power they can be turned off
    with `set_rest`. A file itself never rests, because its decisions must not depend on this setting.

    Two threads: the worker starts inferences and publishes results; the loader compiles models. The next inference is
    started before listeners are called, so that they cannot delay it.

    Args:
        backend: Compiles models.
        clock: Used for latencies and rates.
        notify: Receives notices for the user. Called from both threads.
        on_prediction: Called from the worker for each current prediction.
        history: Stores the decisions for files; None: files are treated like live sources.
        on_model: Called from the loader when another model or device is running.
        people: Returns the people in the latest frame of a generation; None: nobody is followed. While somebody is
            there, the model is asked about each person in turn, and the latest prediction is that of the leading one.
    """

    def __init__(
        self,
        backend: Backend,
        clock: Clock,
        notify: Callable[[Notice], None],
        on_prediction: Listener | None = None,
        history: History | None = None,
        on_model: Callable[[], None] = lambda: None,
        people: Callable[[int], Sequence[TrackedPerson] | None] = lambda generation: None,
    ) -> None:
        self._crowd = Crowd(people)  # guarded by _changed
        self._clock = clock
        self._notify = notify
        self._on_prediction = on_prediction
        self._history = history
        lock = threading.RLock()
        self._changed = threading.Condition(lock)
        # Guarded by _changed:
        self._stopping = False
        self._generation = 0
        self._frames_generation = 0  # generation of the last restart; older frames are dropped
        self._live = False
        self._mirrored = False
        self._pending = PendingMoments()
        self._buffer: ClipBuffer | None = None
        self._staged: ClipBuffer | None = None  # of the model being loaded
        self._compiled: CompiledModel | None = None
        self._loader = ModelLoader(
            backend,
            lock,
            self._changed,
            swap=self._swap,
            swapped=on_model,
            failed=self._keep_the_old_one,
            in_use=lambda compiled: self._inferences.in_use(compiled),
        )
        self._inferences = Inferences()
        self._results: list[tuple[Inference, InferResult, float]] = []
        self._publishing = False  # whether the worker is processing results
        self._taken: tuple[Ring, int] | None = None  # ring and ring version of the latest frame window
        self._prediction: Prediction | None = None
        self._readout: Readout | None = None
        self._rest = False
        self._resting = False
        self._limit = RateLimit()
        self._failure = ""
        self._nobody_s = float("-inf")  # end of the frame window for which nobody was there last
        self._life = 0  # incremented by each stop: older threads end
        self._threads: list[threading.Thread] = []
        # Used by the worker only:
        self._postprocessor = Postprocessor()
        # Thread-safe on their own:
        self.labels = self._crowd.labels
        self.threshold: float | None = None
        self.rate = RateMeter()
        self.latency_ms = Distribution()
        self.count = 0

    # Start and stop.

    def start(self) -> None:
        """Start the threads; has no effect if they are running."""
        with self._changed:
            if self._threads:
                return
            self._stopping = False
            life = self._life

            def over() -> bool:
                """Whether these threads must end. Requires the lock."""
                return self._stopping or life != self._life

            self._threads = [
                threading.Thread(target=self._work, args=(over,), name="recognizer", daemon=True),
                threading.Thread(target=self._loader.run, args=(over,), name="model loader", daemon=True),
            ]
            for thread in self._threads:
                thread.start()

    def stop(self) -> None:
        """End the threads and release the model; waits up to `STOP_WITHIN_S` for each thread."""
        with self._changed:
            self._stopping = True
            self._life += 1
            self._loader.stop()
            self._staged = None
            self._changed.notify_all()
            threads, self._threads = self._threads, []
        for thread in threads:
            thread.join(STOP_WITHIN_S)
            if thread.is_alive():
                log.warning(
                    "The %s did not end within %.0f s and is abandoned.",
                    thread.name,
                    STOP_WITHIN_S,
                )
        with self._changed:
            compiled, self._compiled, self._buffer = self._compiled, None, None
            self._crowd.close()
            self._decide_for(None)
            self._forget_predictions()
        if compiled is not None:
            self._loader.retire(compiled)

    # Commands.

    def use(self, model: Model | None, device: str) -> None:
        """Compile `model` in the background and switch to it once it has warmed up; None unloads the model.

        Raises:
            ModelError: The model requires an unknown framing.
        """
        if model is None:
            with self._changed:
                self._loader.cancel()
                retired, self._compiled = self._compiled, None
                self._buffer = self._staged = None
                self._crowd.close()
                self._decide_for(None)
                self._failure = ""
                self._restart()
            if retired is not None:
                self._loader.retire(retired)
            return
        with self._changed:
            live = self._live
        staged = ClipBuffer.for_model(model.spec, live=live)
        with self._changed:
            self._loader.load(model, device)
            if self._buffer is not None and self._buffer.clip == model.spec.clip:
                self._staged = None
            elif self._staged is None or self._staged.clip != model.spec.clip:
                self._staged = staged

    def begin(self, *, live: bool, mirrored: bool, file: Hashable = None) -> int:
        """Switch to another source; return the new generation.

        Args:
            live: Whether the source is live.
            mirrored: Whether left and right are swapped.
            file: Key that identifies the file; see `History.begin`.
        """
        with self._changed:
            if self._history is not None:
                self._history.begin(live=live, generation=self._generation + 1, file=file)
            self.labels.begin(file if self._history is None else self._history.file)
            return self.restart(live=live, mirrored=mirrored)

    def restart(self, *, live: bool, mirrored: bool = False) -> int:
        """Discard all frames because they are not continued; return the new generation."""
        with self._changed:
            if mirrored != self._mirrored:
                self.labels.mirror()
            self._live, self._mirrored = live, mirrored
            self._decide_for(self._compiled.model if self._compiled is not None else None)
            return self._restart()

    def _decide_for(self, model: Model | None) -> None:
        """Use the model's decision set for the current source. Requires the lock."""
        decisions = None
        # What each person does is not stored: it depends on who was found, and when.
        if model is not None and not model.spec.detects and self._history is not None and not self._live:
            decisions = self._history.decisions(
                *decision_rule(model, mirrored=self._mirrored and model.spec.clip.mirrored)
            )
        self._pending.use(decisions)

    def _restart(self) -> int:
        self._generation += 1
        self._frames_generation = self._generation
        self._buffer = self._buffer.emptied(live=self._live) if self._buffer else None
        self._staged = self._staged.emptied(live=self._live) if self._staged else None
        self._crowd.restart(live=self._live)
        self._forget_predictions()
        return self._generation

    def _forget_predictions(self) -> None:
        """Discard the latest prediction. Requires the lock."""
        self._prediction = self._readout = None
        self._resting = False

    def set_rest(self, rest: bool) -> None:
        """Set whether inferences pause while nothing moves (see `ActivityMeter`)."""
        with self._changed:
            self._rest = rest
            if self._resting and not rest:
                self._resting, self._taken = False, None
                self._changed.notify_all()

    def set_rate_limit(self, per_s: float | None) -> None:
        """Set the most predictions per second; None for no limit.

        Of a file, so many moments fewer are decided; moments that are decided already stay.
        """
        with self._changed:
            self._limit.per_s = per_s
            self._pending.limit(per_s)
            self._changed.notify_all()

    def push(self, image: U8, t_s: float, captured_s: float, generation: int) -> None:
        """Add a frame, uint8 (H, W, 3), BGR, of a generation; frames of older generations are dropped."""
        with self._changed:
            if generation < self._frames_generation:
                return
            buffers = [buffer for buffer in (self._buffer, self._staged) if buffer is not None]
            shown, decisions, now = self._buffer, self._pending.decisions, self._generation
            crowd = self._crowd.buffer(self._compiled, self._generation, live=self._live)
            mirrored = self._mirrored
            stuck = self._inferences.stuck(self._compiled, captured_s)
        if stuck is not None:
            self._report_failure(
                stuck,
                TimeoutError(Message("it has not answered for {stuck_after_s:.0f} s", stuck_after_s=STUCK_AFTER_S)),
            )
        for buffer in buffers:
            if buffer.push(image, t_s, captured_s, mirrored=mirrored) and buffer is shown and decisions is not None:
                self._queue_moment(buffer, decisions, now)
        if crowd is not None:
            crowd.push(image, t_s, captured_s)
        with self._changed:
            self._changed.notify_all()

    def _queue_moment(self, buffer: ClipBuffer, decisions: DecisionSet, generation: int) -> None:
        """Queue the moment of the newest frame, unless it is already decided or queued."""
        times = buffer.ring.newest_s
        moment = decisions.moment(*times) if times is not None else None
        window = buffer.ring.window(generation) if moment is not None else None
        if moment is None or window is None:
            return
        pending = PendingMoment(decisions, moment, buffer, window)
        with self._changed:
            self._pending.add(pending, self._inferences.moments())

    # Queries.

    def state(self) -> RecognizerState:
        """Return a snapshot of what is going on."""
        with self._changed:
            compiled, buffers = self._compiled, [buffer for buffer in (self._buffer, self._staged) if buffer]
            return RecognizerState(
                generation=self._generation,
                model=compiled.model if compiled is not None else None,
                device=compiled.device if compiled is not None else "",
                execution_precision=compiled.execution_precision if compiled is not None else "",
                preparing=self._loader.preparing,
                decisions=self._pending.decisions,
                coverage=buffers[0].ring.coverage if buffers else 0.0,
                span_s=max((buffer.ring.timing.span_s for buffer in buffers), default=0.0),
                resting=self._resting,
                rate_limit=self._limit.per_s,
                failing=bool(self._failure),
                prediction=self._prediction,
                readout=self._readout,
            )

    @property
    def generation(self) -> int:
        """The current generation."""
        with self._changed:
            return self._generation

    @property
    def prefill_s(self) -> float:
        """How many seconds of a file must be read before a position to recognize it at once."""
        state = self.state()
        # The frame window of the newest moment at or before it, plus margin for frames that the ring drops at first.
        return state.span_s + (state.decisions.step_s + _PREFILL_ROOM_S if state.decisions is not None else 0.0)

    def prediction(self) -> Prediction | None:
        """Return the latest prediction of this generation."""
        with self._changed:
            return self._prediction

    def newest_clip(self) -> NewestClip | None:
        """Return the clip of the newest frame window; None while there is no model, or its span is not covered."""
        with self._changed:
            compiled, buffer, generation = self._compiled, self._buffer, self._generation
            if compiled is not None and compiled.model.spec.detects:
                return None  # its clip has as many answers as there are people
            flipped = self._mirrored and buffer is not None and not buffer.clip.mirrored
        window = buffer.ring.window(generation) if buffer is not None else None
        if compiled is None or buffer is None or window is None:
            return None
        return compose(compiled.model, compiled.device, window, buffer.framing, flipped=flipped)

    @property
    def idle(self) -> bool:
        """Whether nothing waits for the model and no inference is in progress."""
        with self._changed:
            if self._pending or self._inferences or self._results or self._publishing:
                return False
            buffer, of_file = self._buffer, self._pending.decisions is not None
            if self._limit.wait_s(self._clock.now_s()):
                return True
            return buffer is None or of_file or self._taken == (buffer.ring, buffer.ring.version)

    # The worker.

    def _work(self, over: Callable[[], bool]) -> None:
        while True:
            with self._changed:
                self._publishing = False
                while not over() and (inference := self._next()) is None and not self._results:
                    self._changed.wait(self._due_in_s())
                if over():
                    return
                results, self._results = self._results, []
                self._publishing = bool(results)
            if inference is not None:
                self._start(inference)
            for result in results:
                self._publish(*result)

    def _due_in_s(self) -> float | None:
        """Return when a frame window that waits for the rate limit is due, in seconds; None if none waits."""
        return self._limit.wait_s(self._clock.now_s()) or None

    def _next(self) -> Inference | None:
        """Choose a free request and the frame window to run it on. Requires the lock."""
        compiled, buffer = self._compiled, self._buffer
        request = self._inferences.free(compiled) if compiled is not None else None
        if compiled is None or buffer is None or request is None:
            return None
        taken, now_s = (buffer.ring, buffer.ring.version), self._clock.now_s()
        if compiled.model.spec.detects:
            return self._next_of_everyone(compiled, buffer, request, now_s)
        if (pending := self._pending.take()) is not None:
            if buffer.ring.newest_s is not None and buffer.ring.newest_s[1] == pending.moment.t_s:
                self._taken = taken
            framing, window = pending.buffer.framing, pending.window
            inference = Inference(compiled, framing, request, window, now_s, pending, of_file=True)
        else:
            of_file = self._pending.decisions is not None
            if self._limit.wait_s(now_s):
                return None
            turn = None
            if not self._whole_first(buffer, taken, of_file=of_file):
                turn = self._crowd.turn(compiled, self._generation, swapped=self._mirrored)
            if turn is not None:
                person = Inference(
                    compiled, turn.view, request, turn.window, now_s, of_file=of_file, person=turn.person
                )
                self._inferences.add(person)
                self._limit.started(now_s)
                return person
            if self._crowd.served(self._generation) and not of_file:
                self._taken = taken
                return None
            if taken == self._taken or (of_file and self._rest):
                return None
            self._taken = taken
            newest = buffer.ring.window(self._generation)
            if newest is None:
                return None
            inference = Inference(compiled, buffer.framing, request, newest, now_s, of_file=of_file)
        self._inferences.add(inference)
        self._limit.started(now_s)
        return inference

    def _whole_first(self, buffer: ClipBuffer, taken: tuple[Ring, int], *, of_file: bool) -> bool:
        """Whether the whole picture goes before the only person in it: it may show the same. Requires the lock."""
        if not of_file or self._rest or taken == self._taken:
            return False
        window = buffer.ring.window(self._generation)
        return window is not None and self._crowd.alone(window) is not None

    def _next_of_everyone(
        self, compiled: CompiledModel, buffer: ClipBuffer, request: InferRequest, now_s: float
    ) -> Inference | None:
        """Choose the newest frame window and the people in it. Requires the lock."""
        taken = (buffer.ring, buffer.ring.version)
        if taken == self._taken or self._limit.wait_s(now_s):
            return None
        self._taken = taken
        window = buffer.ring.window(self._generation)
        if window is None:
            return None
        people = self._crowd.everyone(compiled, window)
        if not people and abs(window.t_end_s - self._nobody_s) < _NOBODY_EVERY_S:
            return None
        self._nobody_s = float("-inf") if people else window.t_end_s
        inference = Inference(compiled, buffer.framing, request, window, now_s, everyone=people)
        self._inferences.add(inference)
        self._limit.started(now_s)
        return inference

    def _start(self, inference: Inference) -> None:
        if not inference.of_file and self._rests(inference.window):
            with self._changed:
                self._inferences.remove(inference)
                self._changed.notify_all()
            return None
        try:
            if inference.everyone == ():
                return self._finished(inference, InferResult(None, people=nobody(inference.compiled.model.spec)))
            if inference.everyone is not None:
                fill(inference.request, inference.compiled.model.spec, inference.window, inference.everyone)
            else:
                inference = self._with_only_person(inference)
                inference.framing.compose(inference.window.pictures, inference.request.clip)
            inference.request.start(lambda result: self._finished(inference, result))
        except Exception as error:
            log.exception("Starting an inference failed")
            self._finished(inference, InferResult(None, error))

    def _with_only_person(self, inference: Inference) -> Inference:
        """Let the clip of a file's whole picture answer for the only person in it, too, if theirs shows the same."""
        if not inference.of_file or inference.person is not None:
            return inference
        spec, window = inference.compiled.model.spec, inference.window
        with self._changed:
            person = self._crowd.alone(window) if self._shares(spec, window) else None
        if person is None or not PersonFraming(spec.clip).shows_whole(window.pictures, window.times_s, person):
            return inference
        both = replace(inference, alone=person)
        with self._changed:
            self.labels.asked(person.id, window.t_end_s, EventRule.for_timing(spec.timing))
            self._inferences.add(both)
        return both

    def _shares(self, spec: ModelSpec, window: FrameWindow) -> bool:
        """Whether boxes of people lie on the pictures of a window: of now, and not swapped. Requires the lock."""
        return window.generation == self._generation and (spec.clip.mirrored or not self._mirrored)

    def _rests(self, window: FrameWindow) -> bool:
        """Measure the activity at intervals; return whether it is too low to justify an inference.

        While resting, every frame window is measured, so that the first one with motion ends the rest.
        """
        with self._changed:
            rest, resting, readout = self._rest, self._resting, self._readout
        confidence = None if resting or readout is None else readout.score
        idle = self._postprocessor.idle(window, confidence, measure=resting)
        with self._changed:
            self._resting = idle and rest and self._rest and window.generation == self._generation
            if self._resting and not resting:
                self._postprocessor.interrupt()  # predictions after a rest do not continue those before
                self.rate.clear()
            return self._resting

    def _finished(self, inference: Inference, result: InferResult) -> None:
        """Hand a result to the worker; called from the backend's thread."""
        with self._changed:
            self._inferences.remove(inference)
            self._results.append((inference, result, self._clock.now_s()))
            self._changed.notify_all()

    def _publish(self, inference: Inference, result: InferResult, finished_s: float) -> None:
        window, compiled = inference.window, inference.compiled
        with self._changed:
            current = window.generation == self._generation
        if not current and inference.pending is None:
            return
        if inference.everyone is not None:
            self._publish_everyone(inference, inference.everyone, result, finished_s)
            return
        probs, error = usable_probs(result, len(compiled.model.spec.labels))
        if probs is None:
            if current:
                self._report_failure(inference, error)
            return
        infer_s = max(0.0, finished_s - inference.started_s)  # not negative, because a clock may be set back
        with self._changed:
            if compiled is self._compiled:
                self._pending.measured(infer_s)
        if inference.pending is not None:
            self._decide(inference.pending, probs)
        if current:
            prediction = inference.prediction(probs, max(0.0, finished_s - window.captured_s), infer_s)
            if inference.person is not None:
                self._show_person(prediction, inference.person, compiled.model, finished_s, inference.of_file)
                return
            if inference.alone is not None:
                self.labels.take(inference.alone.id, prediction, compiled.model, self.threshold)
            self._show(prediction, compiled.model, finished_s)

    def _publish_everyone(
        self, inference: Inference, people: Sequence[TrackedPerson], result: InferResult, finished_s: float
    ) -> None:
        """Take a detection model's scores of everybody; those of the leading person are the latest prediction, too."""
        model = inference.compiled.model
        rows, error = usable_people(result, len(people), model.spec)
        if rows is None:
            self._report_failure(inference, error)
            return
        infer_s = max(0.0, finished_s - inference.started_s)
        latency_s = max(0.0, finished_s - inference.window.captured_s)
        for person, probs in zip(people, rows, strict=True):
            prediction = inference.prediction(probs, latency_s, infer_s)
            self.labels.take(person.id, prediction, model, self.threshold)
            if self.labels.is_lead(person.id):
                self._show(prediction, model, finished_s)
        if not people:
            self._show_nobody(inference.prediction(np.zeros(len(model.spec.labels), np.float32), latency_s, infer_s))

    def _show_nobody(self, prediction: Prediction) -> None:
        """State that nobody is in the picture; the next prediction does not continue those before."""
        self._postprocessor.interrupt()
        readout = Readout(ReadoutState.NOBODY, t_end_s=prediction.t_end_s, several=True)
        with self._changed:
            if prediction.generation != self._generation:
                return
            self._prediction, self._readout, self._failure = None, readout, ""
        self.rate.clear()
        self._tell(prediction, readout)

    def _show_person(
        self, prediction: Prediction, person: TrackedPerson, model: Model, finished_s: float, of_file: bool
    ) -> None:
        """Take a prediction about one person; that about the leading one is the latest prediction, too."""
        self.labels.take(person.id, prediction, model, self.threshold)
        if of_file or not self.labels.is_lead(person.id):
            with self._changed:
                self.count += 1
            self.rate.tick(finished_s)
            self.latency_ms.add(prediction.latency_ms)
        else:
            self._show(prediction, model, finished_s)

    def _show(self, prediction: Prediction, model: Model, finished_s: float) -> None:
        """Make a prediction the latest one, unless its generation is over."""
        readout = self._postprocessor.read(prediction, model, self.threshold)
        with self._changed:
            if prediction.generation != self._generation:
                return
            self._prediction, self._readout = prediction, readout
            self._failure = ""
            self.count += 1
        self.rate.tick(finished_s)
        self.latency_ms.add(prediction.latency_ms)
        self._tell(prediction, readout)

    def _tell(self, prediction: Prediction, readout: Readout) -> None:
        if self._on_prediction is not None:
            try:
                self._on_prediction(prediction, readout)
            except Exception:
                log.exception("A prediction listener failed")

    def _decide(self, pending: PendingMoment, probs: F32) -> None:
        moved = None
        if pending.moment.measure:
            moved = motion_of(pending.window)
            self._postprocessor.measured(pending.window, moved, float(probs.max()))
        pending.decisions.add(pending.moment, probs, moved)

    def _report_failure(self, inference: Inference, error: Exception | None) -> None:
        model, device = inference.compiled.model.name, inference.compiled.device
        text = f"{model} {device} {error}"
        with self._changed:
            known, self._failure = text == self._failure, text
            self._forget_predictions()
        if not known:  # report a failure that repeats with every frame only once
            self._notify(
                Notice(
                    Level.ERROR,
                    Message(
                        "Model '{model}' failed on {device}: {error}. Choose another model or device.",
                        model=model,
                        device=device,
                        error=error,
                    ),
                    details=repr(error),
                    topic=Topic.MODEL,
                )
            )

    # Called by the loader.

    def _swap(self, compiled: CompiledModel) -> CompiledModel | None:
        """Switch to a model and its clip buffer, including the frames in it; return the old one. Requires the lock."""
        retired, self._compiled = self._compiled, compiled
        if isinstance(compiled, TakesTurns):
            compiled.on_turn(self._on_turn)
        clip = compiled.model.spec.clip
        if self._buffer is None or self._buffer.clip != clip:
            staged, self._staged = self._staged, None
            fits = staged is not None and staged.clip == clip
            self._buffer = staged if fits else ClipBuffer.for_model(compiled.model.spec, live=self._live)
        self._pending.another_model()
        self._crowd.close()
        self._decide_for(compiled.model)
        if compiled.model.spec.detects and clip.crop != "whole":
            self._notify(Notice(Level.INFO, _square(compiled.model.spec.title), topic=Topic.NEWS))
        self._generation += 1
        self._taken = None
        self._failure = ""
        self._forget_predictions()
        self.rate.clear()
        return retired

    def _on_turn(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def _keep_the_old_one(self, notice: Notice) -> None:
        with self._changed:
            if not self._loader.ordered:
                self._staged = None
            kept = self._compiled
        if kept is not None:
            text = Message(
                "{problem} {title} on {device} remains in use.",
                problem=notice.message,
                title=kept.model.spec.title,
                device=kept.device,
            )
            notice = replace(notice, message=text)
        self._notify(notice)
