"""Sources and backends that break at one step, on demand of a test."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from slowfast_live.inference.backend import InferResult
from slowfast_live.inference.spec import Model
from slowfast_live.sources.base import Picture
from slowfast_live.types import SourceInfo
from tests.pipeline.fakes import FakeBackend, FakeRequest, FakeRunner, FileFake


class Gate:
    """Where a call blocks until the test lets it go; every test does, at its end."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self._open = threading.Event()

    def __call__(self, *_: object) -> None:
        self.reached.set()
        self._open.wait()

    def release(self) -> None:
        self._open.set()


Doing = Callable[[], Any]


def raising(error: BaseException) -> Doing:
    """What raises instead of doing its work."""

    def do() -> None:
        raise error

    return do


class BrokenFile(FileFake):
    """A file; at a step (open, read, seek, close) it does something else, from call number `after` on."""

    def __init__(self, step: str, doing: Doing, after: int = 0) -> None:
        super().__init__(frames=3000)
        self.step, self.doing, self.after = step, doing, after
        self.calls = 0

    def _instead(self, step: str) -> tuple[bool, Any]:
        if step != self.step:
            return False, None
        self.calls += 1
        return (True, self.doing()) if self.calls > self.after else (False, None)

    def open(self) -> SourceInfo:
        broken, value = self._instead("open")
        return value if broken and value is not None else super().open()

    def read(self) -> Picture | None:
        broken, value = self._instead("read")
        return value if broken and value is not None else super().read()

    def seek(self, t_s: float) -> None:
        self._instead("seek")
        super().seek(t_s)

    def close(self) -> None:
        super().close()
        self._instead("close")


class BrokenBackend(FakeBackend):
    """A backend whose models, from the second on, answer as the test says.

    Attributes:
        answer: What an inference of a broken model ends with, given the number of classes.
        compiling: Called before a broken model is compiled.
        starting: Called before each inference of a broken model.
        inferring: Called on the thread of each inference of a broken model.
        closing: Called when a broken model is closed.
    """

    def __init__(self) -> None:
        super().__init__()
        self.answer: Callable[[int], InferResult] | None = None
        self.healed = False
        self.compiling: Doing = lambda: None
        self.starting: Doing = lambda: None
        self.inferring: Doing = lambda: None
        self.closing: Doing = lambda: None

    def heal(self) -> None:
        """From now on every new model works."""
        self.healed = True

    def compile(self, model: Model, device: str) -> FakeRunner:
        broken = bool(self.runners) and not self.healed
        if broken:
            self.compiling()
        runner = super().compile(model, device)
        if broken:
            runner.requests = (BrokenRequest(runner, self),)
            runner.close = self._closed(runner)  # type: ignore[method-assign]
        return runner

    def _closed(self, runner: FakeRunner) -> Doing:
        def close() -> None:
            runner.closed = True
            self.closing()

        return close


class BrokenRequest(FakeRequest):
    """Answers as its backend says."""

    def __init__(self, runner: FakeRunner, backend: BrokenBackend) -> None:
        super().__init__(runner)
        self._broken = backend

    def start(self, done: Callable[[InferResult], None]) -> None:
        self._broken.starting()
        super().start(done)

    def _answer(self, done: Callable[[InferResult], None]) -> None:
        self._broken.inferring()
        if self._broken.answer is None:
            super()._answer(done)
        else:
            done(self._broken.answer(len(self._runner.model.spec.labels)))


def outcome(probs: Callable[[int], np.ndarray]) -> Callable[[int], InferResult]:
    """What ends an inference with an array that depends on the number of classes."""
    return lambda classes: InferResult(np.asarray(probs(classes), np.float32))
