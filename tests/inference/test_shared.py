"""One compiled model for several pipelines, in turns."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

from slowfast_live.inference.backend import InferResult
from slowfast_live.inference.shared import WANTS_FOR_S, Seat, SharedModels
from slowfast_live.inference.spec import Model


class HeldRequest:
    """An infer request that answers when the test says so."""

    def __init__(self, model: Model) -> None:
        self.clip = np.zeros(model.spec.input_shape[1:], np.uint8)
        self.done: Callable[[InferResult], None] | None = None

    def start(self, done: Callable[[InferResult], None]) -> None:
        assert self.done is None, "one at a time"
        self.done = done

    def answer(self) -> None:
        done, self.done = self.done, None
        assert done is not None
        done(InferResult(np.full(7, self.clip.flat[0], np.float32)))


class HeldBatch:
    """The same for several clips at a time."""

    def __init__(self, model: Model, together: int) -> None:
        self.clips = np.zeros((together, *model.spec.input_shape[1:]), np.uint8)
        self.done: Callable[[Sequence[InferResult]], None] | None = None
        self.broken = False

    def start(self, done: Callable[[Sequence[InferResult]], None]) -> None:
        assert self.done is None, "one at a time"
        if self.broken:
            raise RuntimeError("broken")
        self.done = done

    def answer(self) -> None:
        done, self.done = self.done, None
        assert done is not None
        done([InferResult(np.full(7, clip.flat[0], np.float32)) for clip in self.clips])


class HeldModel:
    device, execution_precision = "CPU", "f32"

    def __init__(self, model: Model, requests: int, together: int) -> None:
        self.model = model
        self.requests = tuple(HeldRequest(model) for _ in range(requests))
        self.batches = tuple(HeldBatch(model, together) for _ in range(requests if together > 1 else 0))
        self.closed = False

    def close(self) -> None:
        self.closed = True


class HeldBackend:
    def __init__(self, requests: int = 1, together: int = 1) -> None:
        self._requests, self._together = requests, together
        self.made: list[HeldModel] = []

    def compile(self, model: Model, device: str) -> HeldModel:
        self.made.append(HeldModel(model, self._requests, self._together))
        return self.made[-1]


class Clock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


class Pipe:
    """What a pipeline does with a seat: a new frame, or its turn, makes it run on its newest window."""

    def __init__(self, seat: Seat, number: int) -> None:
        self.seat, self.number = seat, number
        self.newest = self.ran = self.failed = 0
        self.results: list[tuple[int, float]] = []
        seat.on_turn(self.go)

    def frame(self, newest: int) -> None:
        self.newest = newest
        self.go()

    def go(self) -> None:
        if self.newest == self.ran:
            return
        for request in self.seat.requests:
            if not request.running:
                self.ran = self.newest
                request.clip[:] = self.newest
                request.start(lambda result, ran=self.ran: self._take(ran, result))

    def _take(self, ran: int, result: InferResult) -> None:
        if result.probs is None:
            self.failed += 1
        else:
            self.results.append((ran, float(result.probs[0])))


def test_a_model_is_compiled_once_and_released_by_the_last(tiny: Model) -> None:
    backend = HeldBackend()
    shared = SharedModels(backend)
    seats: list[Seat] = []
    threads = [threading.Thread(target=lambda: seats.append(shared.compile(tiny, "CPU"))) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(backend.made) == 1 and len(seats) == 5
    for seat in seats[:-1]:
        seat.close()
        seat.close()
    assert not backend.made[0].closed
    seats[-1].close()
    assert backend.made[0].closed
    assert shared.compile(tiny, "CPU") and len(backend.made) == 2


def test_turns_are_fair_and_the_newest_window_runs(tiny: Model) -> None:
    clock, backend = Clock(), HeldBackend()
    shared = SharedModels(backend, clock)
    pipes = [Pipe(shared.compile(tiny, "CPU"), number) for number in range(4)]
    (request,) = backend.made[0].requests
    for newest in range(1, 81):
        for pipe in pipes:  # the first one is always the first to ask
            pipe.frame(newest)
            clock.now_s += 0.004
        if request.done is not None:
            request.answer()
    counts = [len(pipe.results) for pipe in pipes]
    assert max(counts) - min(counts) <= 1 and sum(counts) >= 79
    for pipe in pipes:
        assert all(abs(value - ran) < 1e-6 for ran, value in pipe.results)
        gaps = np.diff([ran for ran, _ in pipe.results])
        assert set(gaps[1:]) == {4}, "each runs on what is newest at its turn"


def test_one_alone_is_never_held_up(tiny: Model) -> None:
    backend = HeldBackend()
    shared = SharedModels(backend, Clock())
    pipe, _silent = Pipe(shared.compile(tiny, "CPU"), 0), shared.compile(tiny, "CPU")
    (request,) = backend.made[0].requests
    for newest in range(1, 11):
        pipe.frame(newest)
        request.answer()
    assert len(pipe.results) == 10


def test_one_that_does_not_take_its_turn_loses_it(tiny: Model) -> None:
    clock, backend = Clock(), HeldBackend()
    shared = SharedModels(backend, clock)
    silent = shared.compile(tiny, "CPU")
    pipes = [Pipe(shared.compile(tiny, "CPU"), number) for number in (1, 2, 3)]
    (request,) = backend.made[0].requests
    pipes[0].frame(1)  # runs
    pipes[1].frame(1)  # waits
    assert silent.requests == ()  # it wants, and then never comes
    pipes[2].frame(1)  # wants, too
    request.answer()
    assert len(pipes[0].results) == 1 and request.done is not None
    assert pipes[2].ran == 0, "the other one is offered its turn first"
    clock.now_s += 2 * WANTS_FOR_S
    pipes[2].frame(2)
    request.answer()
    request.answer()
    assert [ran for ran, _ in pipes[2].results] == [2]


def test_the_next_clip_is_made_while_one_runs(tiny: Model) -> None:
    backend = HeldBackend()
    shared = SharedModels(backend, Clock())
    pipes = [Pipe(shared.compile(tiny, "CPU"), number) for number in range(3)]
    for pipe in pipes:
        pipe.frame(1)
    (request,) = backend.made[0].requests
    assert [pipe.ran for pipe in pipes] == [1, 1, 0]
    pipes[2].newest = 7  # what is newest when its turn comes
    request.answer()
    assert [pipe.ran for pipe in pipes] == [1, 1, 7]
    request.answer()
    request.answer()
    assert [ran for pipe in pipes for ran, _ in pipe.results] == [1, 1, 7]


def test_clips_that_wait_run_together(tiny: Model) -> None:
    backend = HeldBackend(together=4)
    shared = SharedModels(backend, Clock())
    pipes = [Pipe(shared.compile(tiny, "CPU"), number) for number in range(9)]
    for newest, pipe in enumerate(pipes, 1):
        pipe.frame(newest)
    (model,) = backend.made
    (request,), (batch,) = model.requests, model.batches
    assert [pipe.ran for pipe in pipes] == [1, 2, 3, 4, 5, 0, 0, 0, 0], "one runs at once, four may wait"
    request.answer()
    assert request.done is None and batch.done is not None
    assert [pipe.ran for pipe in pipes] == [1, 2, 3, 4, 5, 6, 7, 8, 9], "and four more are made meanwhile"
    batch.answer()
    batch.answer()
    assert request.done is None and batch.done is None
    for newest, pipe in enumerate(pipes, 1):
        assert pipe.results == [(newest, newest)], "each gets its own result"


def test_fewer_clips_than_a_batch_run_one_by_one(tiny: Model) -> None:
    backend = HeldBackend(together=4)
    shared = SharedModels(backend, Clock())
    pipes = [Pipe(shared.compile(tiny, "CPU"), number) for number in range(3)]
    for pipe in pipes:
        pipe.frame(1)
    (model,) = backend.made
    for _ in pipes:
        model.requests[0].answer()
    assert model.batches[0].done is None and all(len(pipe.results) == 1 for pipe in pipes)


def test_a_batch_that_fails_fails_for_each_of_its_clips(tiny: Model) -> None:
    backend = HeldBackend(together=2)
    shared = SharedModels(backend, Clock())
    pipes = [Pipe(shared.compile(tiny, "CPU"), number) for number in range(3)]
    (model,) = backend.made
    model.batches[0].broken = True
    for pipe in pipes:
        pipe.frame(1)
    model.requests[0].answer()
    assert [pipe.failed for pipe in pipes] == [0, 1, 1]
    model.batches[0].broken = False
    for pipe in pipes:
        pipe.frame(2)
    model.requests[0].answer()
    model.batches[0].answer()
    assert [len(pipe.results) for pipe in pipes] == [2, 1, 1], "and the request is free again"


def test_several_requests_serve_several_seats_at_once(tiny: Model) -> None:
    backend = HeldBackend(requests=2)
    shared = SharedModels(backend, Clock())
    pipes = [Pipe(shared.compile(tiny, "CPU"), number) for number in range(3)]
    for pipe in pipes:
        pipe.frame(1)
    running = [request for request in backend.made[0].requests if request.done is not None]
    assert len(running) == 2
    running[0].answer()
    assert Counter(len(pipe.results) for pipe in pipes) == {1: 1, 0: 2}
    assert sum(request.done is not None for request in backend.made[0].requests) == 2, "the third has its turn"


def test_a_limit_holds_for_all_together(tiny: Model) -> None:
    clock, backend = Clock(), HeldBackend(requests=2)
    shared = SharedModels(backend, clock)
    shared.limit(20.0)
    pipes = [Pipe(shared.compile(tiny, "CPU"), number) for number in range(4)]
    for newest in range(1, 61):  # 15 frames a second of each, for 4 s
        for pipe in pipes:
            pipe.frame(newest)
            clock.now_s += 1 / 60
            for request in backend.made[0].requests:
                if request.done is not None:
                    request.answer()
    counts = [len(pipe.results) for pipe in pipes]
    assert 70 <= sum(counts) <= 84 and max(counts) - min(counts) <= 4
    shared.limit(None)
    while any(request.done is not None for request in backend.made[0].requests):
        for request in backend.made[0].requests:
            if request.done is not None:
                request.answer()
    before = sum(len(pipe.results) for pipe in pipes)
    for newest in range(61, 76):
        for pipe in pipes:
            pipe.frame(newest)
            for request in backend.made[0].requests:
                if request.done is not None:
                    request.answer()
    assert sum(len(pipe.results) for pipe in pipes) >= before + 60, "each window runs again"
