"""One compiled model for several pipelines, which take turns.

Each pipeline gets a seat: to it, a compiled model with one infer request. Whose turn it is, is decided when the real
model can take a clip: of the seats that have a new frame window, the one that ran longest ago. A pipeline fills its
clip only when it has the turn, so that it runs on its newest frame window. As many clips as the model runs in one
request may wait, so that the device never waits for a clip to be made; they run together where that is faster.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from slowfast_live.errors import ModelError
from slowfast_live.inference.backend import Backend, BatchRequest, CompiledModel, InferRequest, InferResult, RunsBatches
from slowfast_live.inference.spec import Model
from slowfast_live.messages import Message
from slowfast_live.types import U8

log = logging.getLogger(__name__)

WANTS_FOR_S = 0.2
"""A seat that was offered its turn and does not take it within this time loses it to the others."""
_EVEN_S = 0.1
"""Seconds of a limit that may be caught up."""


class SharedModels:
    """Backend whose models are shared: a model is compiled once for a device, however many pipelines ask for it.

    Args:
        backend: Compiles the models; one that compiles for throughput runs several frame windows at once where the
            device is faster that way.
        clock_s: Monotonic clock, in seconds.
    """

    def __init__(self, backend: Backend, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._backend, self._clock_s = backend, clock_s
        self._lock = threading.Lock()
        self._turns: dict[tuple[Path, str], Turns] = {}
        self._compiling: dict[tuple[Path, str], threading.Lock] = {}
        self._per_s: float | None = None

    def limit(self, per_s: float | None) -> None:
        """Set the most predictions per second of each model, for all its pipelines together; None for no limit."""
        with self._lock:
            self._per_s = per_s
            for turns in self._turns.values():
                turns.limit(per_s)

    def compile(self, model: Model, device: str) -> Seat:
        """Return a seat at `model` on `device`; the first one compiles it. See `Backend.compile`."""
        if model.spec.detects:
            raise ModelError(
                Message(
                    "Model '{name}' scores what each person does: it runs for one source, not side by side. Choose "
                    "another model.",
                    name=model.name,
                )
            )
        key = (model.folder, device)
        with self._lock:
            compiling = self._compiling.setdefault(key, threading.Lock())
        with compiling:  # several pipelines start at once, and one of them compiles
            with self._lock:
                turns = self._turns.get(key)
            if turns is None:
                turns = Turns(self._backend.compile(model, device), self._clock_s)
                with self._lock:
                    turns.limit(self._per_s)
                    self._turns[key] = turns
            return turns.seat(lambda: self._left(key))

    def _left(self, key: tuple[Path, str]) -> None:
        with self._lock:
            turns = self._turns.get(key)
            if turns is None or not turns.empty:
                return
            del self._turns[key]
        turns.compiled.close()


class Turns:
    """The turns at one compiled model. Thread-safe.

    Args:
        compiled: The real model.
        clock_s: Monotonic clock, in seconds.
    """

    def __init__(self, compiled: CompiledModel, clock_s: Callable[[], float]) -> None:
        self.compiled = compiled
        self._clock_s = clock_s
        self._lock = threading.Lock()
        self._requests: tuple[InferRequest, ...] = compiled.requests
        self._batches: tuple[BatchRequest, ...] = compiled.batches if isinstance(compiled, RunsBatches) else ()
        self.together = len(self._batches[0].clips) if self._batches else 1
        """Number of clips that run in one request, if so many wait."""
        # Guarded by the lock:
        self._free = list(range(len(self._requests)))  # which of the requests are free
        self._waiting: list[_Waiting] = []  # clips that are made and wait for a request
        self._wants: dict[Seat, float] = {}  # when a seat was last told to wait
        self._ran: dict[Seat, int] = {}  # number of the turn in which a seat ran last
        self._turn = 0
        self._per_s: float | None = None
        self._due_s = 0.0  # when the next clip may be made under the limit

    def limit(self, per_s: float | None) -> None:
        """Set the most clips per second; None for no limit. The next frame of any seat continues after a wait."""
        with self._lock:
            self._per_s, self._due_s = per_s, 0.0

    def seat(self, on_left: Callable[[], None]) -> Seat:
        """Return a new seat."""
        seat = Seat(self, on_left)
        with self._lock:
            self._ran[seat] = self._turn
        return seat

    @property
    def empty(self) -> bool:
        """Whether nobody uses the model any more."""
        with self._lock:
            return not self._ran

    def leave(self, seat: Seat) -> None:
        """Give a seat up."""
        with self._lock:
            self._ran.pop(seat, None)
            self._wants.pop(seat, None)

    def may_run(self, seat: Seat) -> bool:
        """Return whether it is a seat's turn; if not, it is woken when it is."""
        now_s = self._clock_s()
        with self._lock:
            self._wants = {other: at_s for other, at_s in self._wants.items() if now_s - at_s < WANTS_FOR_S}
            before = sum(other is not seat and self._ran[other] < self._ran[seat] for other in self._wants)
            if before < self._places(now_s):
                return True
            self._wants[seat] = now_s
            return False

    def _places(self, now_s: float) -> int:
        """Return how many more clips may be made now. Requires the lock."""
        if now_s < self._due_s:
            return 0
        return len(self._free) + self.together - len(self._waiting)

    def start(self, seat: Seat, done: Callable[[InferResult], None]) -> None:
        """Run the real model on a seat's clip, now or as soon as a request is free."""
        with self._lock:
            self._wants.pop(seat, None)
            self._turn += 1
            self._ran[seat] = self._turn
            if self._per_s is not None:
                now_s = self._clock_s()
                # What was not used lately is not made up for, beyond a little that evens out irregular frames.
                self._due_s = max(self._due_s, now_s - _EVEN_S) + 1 / self._per_s
            self._waiting.append((seat, done))
            taken = self._take()
        if taken is not None:
            self._run(*taken)

    def _take(self) -> tuple[int, list[_Waiting]] | None:
        """Return a free request and the clips that it is to run; None if there are none. Requires the lock."""
        if not self._free or not self._waiting:
            return None
        count = self.together if len(self._waiting) >= self.together else 1
        clips, self._waiting = self._waiting[:count], self._waiting[count:]
        return self._free.pop(), clips

    def _run(self, number: int, clips: list[_Waiting]) -> None:
        try:
            if len(clips) == 1:
                request = self._requests[number]
                request.clip[:] = clips[0][0].request.clip
                request.start(lambda result: self._finished(number, clips, [result]))
            else:
                batch = self._batches[number]
                for target, (seat, _done) in zip(batch.clips, clips, strict=True):
                    target[:] = seat.request.clip
                batch.start(lambda results: self._finished(number, clips, results))
        except Exception as error:
            log.exception("Starting an inference failed")
            self._finished(number, clips, [InferResult(None, error)] * len(clips))

    def _finished(self, number: int, clips: list[_Waiting], results: Sequence[InferResult]) -> None:
        with self._lock:
            now_s = self._clock_s()
            self._free.append(number)
            taken = self._take()
            first = sorted(self._wants, key=self._ran.__getitem__)[: max(0, self._places(now_s))]
            for seat in first:
                self._wants[seat] = now_s  # its time to take the turn begins now
        if taken is not None:
            self._run(*taken)
        for (_seat, done), result in zip(clips, results, strict=True):
            done(result)
        for seat in first:
            seat.wake()


class Seat:
    """A shared model as one pipeline sees it; see `CompiledModel`."""

    def __init__(self, turns: Turns, on_left: Callable[[], None]) -> None:
        self._turns, self._on_left = turns, on_left
        self._wake: Callable[[], None] = lambda: None
        self.request = SeatRequest(self)
        self._left = False

    @property
    def model(self) -> Model:
        """The model."""
        return self._turns.compiled.model

    @property
    def device(self) -> str:
        """The device that runs it."""
        return self._turns.compiled.device

    @property
    def execution_precision(self) -> str:
        """See `CompiledModel.execution_precision`."""
        return self._turns.compiled.execution_precision

    @property
    def requests(self) -> tuple[InferRequest, ...]:
        """The one request, while it runs or if it is this seat's turn; otherwise none."""
        return (self.request,) if self.request.running or self._turns.may_run(self) else ()

    def on_turn(self, wake: Callable[[], None]) -> None:
        """Set what is called, from any thread, when it is this seat's turn after it was told to wait."""
        self._wake = wake

    def wake(self) -> None:
        """Say that it is this seat's turn."""
        try:
            self._wake()
        except Exception:
            log.exception("A pipeline could not take its turn")

    def close(self) -> None:
        """Wait for the inference in progress and give the seat up; the last one to leave releases the model."""
        self.request.wait()
        self._turns.leave(self)
        if not self._left:
            self._left = True
            self._on_left()

    def start(self, done: Callable[[InferResult], None]) -> None:
        """Run on the request's clip."""
        if self._left:
            done(InferResult(None, ModelError(Message("the model was released"))))
            return
        self._turns.start(self, done)


class SeatRequest:
    """The infer request of a seat; see `InferRequest`."""

    def __init__(self, seat: Seat) -> None:
        self._seat = seat
        self._clip = np.zeros(seat.model.spec.input_shape[1:], np.uint8)
        self._idle = threading.Event()
        self._idle.set()

    @property
    def clip(self) -> U8:
        """See `InferRequest.clip`."""
        return self._clip

    @property
    def running(self) -> bool:
        """Whether an inference is in progress."""
        return not self._idle.is_set()

    def start(self, done: Callable[[InferResult], None]) -> None:
        """See `InferRequest.start`."""
        self._idle.clear()

        def finished(result: InferResult) -> None:
            self._idle.set()
            done(result)

        self._seat.start(finished)

    def wait(self) -> None:
        """Wait until no inference is in progress."""
        self._idle.wait()


_Waiting = tuple[Seat, Callable[[InferResult], None]]
"""A seat whose clip is made, and what is called with the result."""
