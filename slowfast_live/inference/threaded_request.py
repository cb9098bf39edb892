"""An infer request with a thread of its own, for runtimes whose calls block."""

from __future__ import annotations

import logging
import queue
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Generic, TypeVar

from slowfast_live.core.priority import step_back
from slowfast_live.inference.backend import InferResult
from slowfast_live.types import U8

log = logging.getLogger(__name__)

Result = TypeVar("Result")


class ThreadedCall(ABC, Generic[Result]):
    """Runs one inference at a time on its own thread."""

    def __init__(self) -> None:
        self._orders: queue.SimpleQueue[Callable[[Result], None] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._serve, name="inference", daemon=True)
        self._thread.start()

    @abstractmethod
    def infer(self) -> Result:
        """Run on the input and wait for the result; called from this request's thread, and never raises."""

    def start(self, done: Callable[[Result], None]) -> None:
        """Run asynchronously on the input; `done` is called from this request's thread."""
        self._orders.put(done)

    def close(self) -> None:
        """End the thread after the inference in progress."""
        self._orders.put(None)
        self._thread.join()

    def _serve(self) -> None:
        step_back()
        while (done := self._orders.get()) is not None:
            outcome = self.infer()
            try:
                done(outcome)
            except Exception:
                log.exception("Taking the result of an inference failed")


class ThreadedRequest(ThreadedCall[InferResult]):
    """An infer request of one clip; see `InferRequest`."""

    @property
    @abstractmethod
    def clip(self) -> U8:
        """The input buffer, uint8 (T, S, S, 3), RGB; may be written to while no inference is running."""
