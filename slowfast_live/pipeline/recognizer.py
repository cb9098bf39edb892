"""The recognising half of the pipeline: windows in, predictions out, and the switch from model to model."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from slowfast_live.core.activity import Activity, ActivityMeter, recent_motion
from slowfast_live.core.clock import Clock
from slowfast_live.core.framing import Framing
from slowfast_live.core.meters import Distribution, RateMeter
from slowfast_live.core.priority import step_back
from slowfast_live.core.ring import Ring
from slowfast_live.core.smoothing import LabelGuard, Smoother
from slowfast_live.errors import ModelError, SlowFastLiveError
from slowfast_live.inference.backend import Backend, Outcome, Request, Runner
from slowfast_live.inference.spec import Model
from slowfast_live.pipeline.lane import Lane
from slowfast_live.types import F32, U8, Level, Notice, Prediction, Readout, ReadoutState, Window

log = logging.getLogger(__name__)

STOP_WITHIN_S = 2.0
"""How long `stop` waits for each thread; a compilation that takes longer ends by itself later."""

ACTIVITY_EVERY_S = 0.25
"""How often it is measured how much goes on; it costs a few milliseconds."""

STUCK_AFTER_S = 30.0
"""An inference that takes longer, while pictures come, has failed as far as the user is concerned."""

Listener = Callable[[Prediction, Readout], None]


@dataclass(frozen=True, slots=True)
class _Order:
    """A model that shall run."""

    model: Model
    device: str


@dataclass(frozen=True, slots=True, eq=False)
class _Job:
    """One inference under way."""

    runner: Runner
    framing: Framing
    request: Request
    window: Window
    started_s: float


class Recognizer:
    """Keeps the windows, runs the model on the newest one, and smooths what comes out.

    Two threads: the worker starts inferences and publishes results; the loader compiles models beside it. A
    result never waits for a listener before the next inference has started.

    Args:
        backend: Compiles models.
        clock: For latencies and rates.
        notify: Takes what the user should read. Called from both threads.
        on_prediction: Called from the worker for each prediction that counts.
    """

    def __init__(
        self,
        backend: Backend,
        clock: Clock,
        notify: Callable[[Notice], None],
        on_prediction: Listener | None = None,
    ) -> None:
        self._backend = backend
        self._clock = clock
        self._notify = notify
        self._on_prediction = on_prediction
        self._changed = threading.Condition()
        # Guarded by _changed:
        self._stopping = False
        self._epoch = 0
        self._pictures_epoch = 0  # the epoch of the last restart: older pictures do not belong
        self._live = False
        self._lane: Lane | None = None
        self._staged: Lane | None = None
        self._runner: Runner | None = None
        self._order: _Order | None = None
        self._switching = ""
        self._busy: dict[int, _Job] = {}
        self._results: list[tuple[_Job, Outcome, float]] = []
        self._taken: tuple[Ring, int] | None = None  # the ring, and its version, of the newest window
        self._prediction: Prediction | None = None
        self._readout: Readout | None = None
        self._rest = False
        self._resting = False
        self._failure = ""
        self._waited: tuple[_Job, float, float] | None = None  # the oldest inference, its wait, and when it was seen
        self._life = 0  # grows with each stop: a thread of an older life ends
        self._threads: list[threading.Thread] = []
        # The worker's own:
        self._smoother = Smoother()
        self._guard: LabelGuard | None = None
        self._smoothed_epoch = -1
        self._meter = ActivityMeter()
        self._meter_epoch = -1
        self._activity: Activity | None = None
        # Thread-safe by themselves:
        self.threshold: float | None = None
        self.rate = RateMeter()
        self.latency_ms = Distribution()
        self.count = 0

    # Life.

    def start(self) -> None:
        """Start the threads; does nothing where they run."""
        with self._changed:
            if self._threads:
                return
            self._stopping = False
            life = (self._life,)
            self._threads = [
                threading.Thread(target=self._work, args=life, name="recognizer", daemon=True),
                threading.Thread(target=self._load, args=life, name="model loader", daemon=True),
            ]
            for thread in self._threads:
                thread.start()

    def stop(self) -> None:
        """End the threads and release the model. Bounded by `STOP_WITHIN_S` for each thread."""
        with self._changed:
            self._stopping = True
            self._life += 1
            self._order = None
            self._staged = None
            self._switching = ""
            self._changed.notify_all()
            threads, self._threads = self._threads, []
        for thread in threads:
            thread.join(STOP_WITHIN_S)
            if thread.is_alive():
                log.warning(
                    "The %s did not end within %.0f s and is left to end by itself.",
                    thread.name,
                    STOP_WITHIN_S,
                )
        with self._changed:
            runner, self._runner, self._lane = self._runner, None, None
            self._forget_answers()
        if runner is not None:
            self._retire(runner)

    def _over(self, life: int) -> bool:
        """Whether a thread of that life has to end. Called with the lock held."""
        return self._stopping or life != self._life

    # Commands.

    def use(self, model: Model | None, device: str) -> None:
        """Compile `model` in the background and swap to it when it is warm; None: no model at all.

        Raises:
            ModelError: The model wants a framing that there is not.
        """
        if model is None:
            with self._changed:
                retired, self._runner = self._runner, None
                self._lane = self._staged = self._order = None
                self._failure = ""
                self._restart()
            if retired is not None:
                self._retire(retired)
            return
        with self._changed:
            live = self._live
        staged = Lane.for_model(model.spec, live=live)
        with self._changed:
            self._order = _Order(model, device)
            self._switching = f"Preparing {model.spec.title} for {device}"
            if self._lane is not None and self._lane.clip == model.spec.clip:
                self._staged = None
            elif self._staged is None or self._staged.clip != model.spec.clip:
                self._staged = staged
            self._changed.notify_all()

    def restart(self, *, live: bool) -> int:
        """Forget all pictures, because what follows does not continue them; return the new epoch."""
        with self._changed:
            self._live = live
            return self._restart()

    def _restart(self) -> int:
        self._epoch += 1
        self._pictures_epoch = self._epoch
        self._lane = self._lane.emptied(live=self._live) if self._lane else None
        self._staged = self._staged.emptied(live=self._live) if self._staged else None
        self._forget_answers()
        return self._epoch

    def _forget_answers(self) -> None:
        """Nothing is known of now any more. Called with the lock held."""
        self._prediction = self._readout = None
        self._resting = False

    def set_rest(self, rest: bool) -> None:
        """Run no inference while nothing moves (see `ActivityMeter`), or go on whatever happens."""
        with self._changed:
            self._rest = rest
            if self._resting and not rest:
                self._resting, self._taken = False, None
                self._changed.notify_all()

    def push(self, image: U8, t_s: float, captured_s: float, epoch: int) -> None:
        """Take in uint8 (H, W, 3), BGR, of the given epoch; an older epoch's picture is dropped."""
        with self._changed:
            if epoch < self._pictures_epoch:
                return
            lanes = [lane for lane in (self._lane, self._staged) if lane is not None]
            stuck = self._stuck(captured_s)
        if stuck is not None:
            self._report_failure(stuck, TimeoutError(f"it has not answered for {STUCK_AFTER_S:.0f} s"))
        for lane in lanes:
            lane.push(image, t_s, captured_s)
        with self._changed:
            self._changed.notify_all()

    def _stuck(self, now_s: float) -> _Job | None:
        """Return the running model's inference that takes too long, once it does. Called with the lock held.

        Only time in which pictures come counts, a second at a time: a machine that slept was not waiting.
        """
        job = next((job for job in self._busy.values() if job.runner is self._runner), None)
        if job is None:
            self._waited = None
            return None
        if self._waited is None or self._waited[0] is not job:
            self._waited = (job, 0.0, now_s)
            return None
        _, waited_s, seen_s = self._waited
        self._waited = (job, waited_s + min(1.0, max(0.0, now_s - seen_s)), now_s)
        return job if self._waited[1] > STUCK_AFTER_S else None

    # What can be asked.

    @property
    def epoch(self) -> int:
        """The current epoch."""
        with self._changed:
            return self._epoch

    @property
    def model(self) -> Model | None:
        """The running model."""
        with self._changed:
            return self._runner.model if self._runner is not None else None

    @property
    def device(self) -> str:
        """The device of the running model, "" without one."""
        with self._changed:
            return self._runner.device if self._runner is not None else ""

    @property
    def computes_in(self) -> str:
        """What the running model is computed in, "" without one."""
        with self._changed:
            return self._runner.computes_in if self._runner is not None else ""

    @property
    def switching(self) -> str:
        """What is being prepared, "" when nothing is."""
        with self._changed:
            return self._switching

    @property
    def resting(self) -> bool:
        """Whether nothing moves and the model therefore rests."""
        with self._changed:
            return self._resting

    @property
    def coverage(self) -> float:
        """How much of the model's span is held, 0..1 (of the model to come, where none runs yet)."""
        with self._changed:
            lane = self._lane or self._staged
        return lane.ring.coverage if lane is not None else 0.0

    @property
    def span_s(self) -> float:
        """The longest span that a window needs, in seconds."""
        with self._changed:
            return max((lane.ring.timing.span_s for lane in (self._lane, self._staged) if lane), default=0.0)

    def prediction(self) -> Prediction | None:
        """Return the newest prediction of this epoch."""
        with self._changed:
            return self._prediction

    def readout(self) -> Readout | None:
        """Return the readout of the newest prediction of this epoch, or that the model fails."""
        with self._changed:
            return Readout(ReadoutState.FAILED) if self._failure else self._readout

    # The worker.

    def _work(self, life: int) -> None:
        while True:
            with self._changed:
                while not self._over(life) and (job := self._next_job()) is None and not self._results:
                    self._changed.wait()
                if self._over(life):
                    return
                results, self._results = self._results, []
            if job is not None:
                self._start(job)
            for result in results:
                self._publish(*result)

    def _next_job(self) -> _Job | None:
        """Choose a free request and the newest window it could run on. Called with the lock held."""
        runner, lane = self._runner, self._lane
        if runner is None or lane is None:
            return None
        free = next((r for r in runner.requests if id(r) not in self._busy), None)
        taken = (lane.ring, lane.ring.version)
        if free is None or taken == self._taken:
            return None
        self._taken = taken
        window = lane.ring.window(self._epoch)
        if window is None:
            return None
        job = _Job(runner, lane.framing, free, window, self._clock.now_s())
        self._busy[id(free)] = job
        return job

    def _start(self, job: _Job) -> None:
        if self._rests(job.window):
            with self._changed:
                self._busy.pop(id(job.request), None)
                self._changed.notify_all()
            return
        try:
            job.framing.compose(job.window.pictures, job.request.clip)
            job.request.start(lambda outcome: self._finished(job, outcome))
        except Exception as error:
            log.exception("Starting an inference failed")
            self._finished(job, Outcome(None, error))

    def _rests(self, window: Window) -> bool:
        """Measure now and then how much goes on; return whether it is too little to be worth an inference.

        While it rests each window is measured, so that the first one in which something moves ends the rest.
        """
        with self._changed:
            rest, resting, readout = self._rest, self._resting, self._readout
        if window.epoch != self._meter_epoch:
            self._meter.reset()
            self._meter_epoch, self._activity = window.epoch, None
        due = self._activity is None or window.t_end_s - self._activity.t_s >= ACTIVITY_EVERY_S
        if due or resting:
            confidence = None if resting or readout is None else readout.score
            moved = recent_motion(window.pictures, window.t_end_s - window.t_start_s)
            self._activity = self._meter.update(window.t_end_s, moved, confidence)
        idle = self._activity is not None and self._activity.idle
        with self._changed:
            self._resting = idle and rest and self._rest and window.epoch == self._epoch
            if self._resting and not resting:
                self._smoothed_epoch = -1  # what comes after a rest does not continue what was before
                self.rate.clear()
            return self._resting

    def _finished(self, job: _Job, outcome: Outcome) -> None:
        """Take a result; called from the backend's thread, so it only hands it on."""
        with self._changed:
            self._busy.pop(id(job.request), None)
            self._results.append((job, outcome, self._clock.now_s()))
            self._changed.notify_all()

    def _publish(self, job: _Job, outcome: Outcome, finished_s: float) -> None:
        with self._changed:
            if job.window.epoch != self._epoch:
                return
        model = job.runner.model
        probs, error = _usable(outcome, len(model.spec.labels))
        if probs is None:
            self._report_failure(job, error)
            return
        best = np.argsort(-probs, kind="stable")[:5]
        prediction = Prediction(
            probs=probs,
            top=tuple((model.spec.labels[i], float(probs[i])) for i in best),
            t_end_s=job.window.t_end_s,
            # Not below 0: a clock may be set back.
            latency_ms=max(0.0, finished_s - job.window.captured_s) * 1000,
            infer_ms=max(0.0, finished_s - job.started_s) * 1000,
            model=model.name,
            device=job.runner.device,
            epoch=job.window.epoch,
        )
        readout = self._read(prediction, model)
        with self._changed:
            if prediction.epoch != self._epoch:
                return
            self._prediction, self._readout = prediction, readout
            self._failure = ""
            self.count += 1
        self.rate.tick(finished_s)
        self.latency_ms.add(prediction.latency_ms)
        if self._on_prediction is not None:
            try:
                self._on_prediction(prediction, readout)
            except Exception:
                log.exception("A prediction listener failed")

    def _read(self, prediction: Prediction, model: Model) -> Readout:
        if prediction.epoch != self._smoothed_epoch or self._guard is None:
            self._smoothed_epoch = prediction.epoch
            self._smoother.reset()
            self._guard = LabelGuard(model.spec.labels, model.spec.decision.rejects)
        threshold = self.threshold if self.threshold is not None else model.spec.decision.threshold
        smoothed = self._smoother.update(prediction.probs, prediction.t_end_s)
        readout = self._guard.update(smoothed, prediction.t_end_s, threshold, trained=model.spec.trained)
        return replace(readout, activity=self._activity.level if self._activity is not None else None)

    def _report_failure(self, job: _Job, error: Exception | None) -> None:
        text = f"Model '{job.runner.model.name}' failed on {job.runner.device}: {error}"
        with self._changed:
            known, self._failure = text == self._failure, text
            self._forget_answers()
        if not known:  # the same failure for each frame is one notice
            self._notify(Notice(Level.ERROR, f"{text}. Choose another model or device.", details=repr(error)))

    # The loader.

    def _load(self, life: int) -> None:
        step_back()
        while True:
            with self._changed:
                while self._order is None and not self._over(life):
                    self._switching = ""
                    self._changed.wait()
                if self._over(life):
                    return
                order, self._order = self._order, None
            assert order is not None
            self._carry_out(order, life)

    def _carry_out(self, order: _Order, life: int) -> None:
        title = order.model.spec.title
        try:
            runner = self._backend.compile(order.model, order.device)
        except SlowFastLiveError as error:
            self._keep_the_old_one(Notice(Level.ERROR, error.message, error.details))
            return
        except Exception as error:
            log.exception("Preparing %s failed", order.model.name)
            text = f"{title} cannot be prepared for {order.device} because of an unexpected error."
            self._keep_the_old_one(Notice(Level.ERROR, text, details=repr(error)))
            return
        with self._changed:
            if self._over(life) or self._order is not None:
                retired: Runner | None = runner  # it has been overtaken by a newer order
            else:
                retired, self._runner = self._runner, runner
                self._swap_lane(runner)
                self._changed.notify_all()
        if retired is not None:
            self._retire(retired)

    def _swap_lane(self, runner: Runner) -> None:
        """Let the new model's lane take over, with the pictures it holds already. Called with the lock held."""
        clip = runner.model.spec.clip
        if self._lane is None or self._lane.clip != clip:
            staged, self._staged = self._staged, None
            fits = staged is not None and staged.clip == clip
            self._lane = staged if fits else Lane.for_model(runner.model.spec, live=self._live)
        self._epoch += 1
        self._taken = None
        self._failure = ""
        self._forget_answers()
        self.rate.clear()

    def _keep_the_old_one(self, notice: Notice) -> None:
        with self._changed:
            if self._order is None:
                self._staged = None
            kept = self._runner
        if kept is not None:
            text = f"{notice.message} {kept.model.spec.title} on {kept.device} goes on."
            notice = Notice(notice.level, text, notice.details)
        self._notify(notice)

    def _retire(self, runner: Runner) -> None:
        """Release a model once none of its requests is being filled."""
        # On a thread of its own: a driver that blocks must not keep the next model from being loaded.
        release = threading.Thread(target=self._release, args=(runner,), name="model release", daemon=True)
        release.start()
        release.join(STOP_WITHIN_S)
        if release.is_alive():
            log.warning("Model %s does not let go of its device and is left behind.", runner.model.name)

    def _release(self, runner: Runner) -> None:
        requests = {id(request) for request in runner.requests}
        with self._changed:
            self._changed.wait_for(lambda: not requests & self._busy.keys())
        try:
            runner.close()
        except Exception:
            log.exception("Releasing model %s failed", runner.model.name)


def _usable(outcome: Outcome, classes: int) -> tuple[F32 | None, Exception | None]:
    """Return float32 (K,) that may be shown, or why there is none."""
    probs = outcome.probs
    if probs is None:
        return None, outcome.error
    if probs.shape != (classes,):
        return None, ModelError(f"it gives {probs.size} values {probs.shape} for {classes} labels")
    if not np.isfinite(probs).all():
        return None, ModelError("its output is not a number (NaN or infinite)")
    return probs, None
