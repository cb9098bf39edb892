"""Inference on frame windows, keeping every infer request busy and the results in order."""

from __future__ import annotations

import queue
from collections import deque
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from slowfast_live.core.framing import Framing
from slowfast_live.errors import DeviceError
from slowfast_live.inference.backend import CompiledModel, InferRequest, InferResult
from slowfast_live.messages import Message
from slowfast_live.types import F32, FrameWindow


@dataclass(slots=True, eq=False)
class _PendingWindow:
    """A frame window and the results that its views have given so far."""

    window: FrameWindow
    answers: list[InferResult | None] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        return None not in self.answers


def infer_windows(
    compiled: CompiledModel, views: Sequence[Framing], windows: Iterable[FrameWindow]
) -> Generator[tuple[FrameWindow, F32], None, None]:
    """Run a model on frame windows.

    Holds only as many frames as the infer requests need, no matter how long the sequence is. Closing the generator
    early waits for running requests.

    Args:
        compiled: The compiled model; nothing else may use it meanwhile.
        views: The crops of each window; their probabilities are averaged.
        windows: The input, consumed one by one as requests become free.

    Yields:
        Each window with its probabilities, float32 (K,), in the order of `windows`.

    Raises:
        DeviceError: An inference failed.
    """
    finished: queue.SimpleQueue[tuple[InferRequest, _PendingWindow, int, InferResult]] = queue.SimpleQueue()
    free = list(compiled.requests)
    waiting: deque[_PendingWindow] = deque()

    def take_one() -> None:
        request, done, view, result = finished.get()
        done.answers[view] = result
        free.append(request)

    try:
        for window in windows:
            current = _PendingWindow(window, [None] * len(views))
            waiting.append(current)
            for view, framing in enumerate(views):
                if not free:
                    take_one()
                request = free.pop()
                framing.compose(window.pictures, request.clip)
                request.start(
                    lambda result, r=request, c=current, v=view: finished.put((r, c, v, result))  # type: ignore[misc]
                )
            while waiting and waiting[0].complete:
                yield _answer(compiled, waiting.popleft())
        while waiting:
            while not waiting[0].complete:
                take_one()
            yield _answer(compiled, waiting.popleft())
    finally:
        while len(free) < len(compiled.requests):
            take_one()


def _answer(compiled: CompiledModel, done: _PendingWindow) -> tuple[FrameWindow, F32]:
    total: F32 | None = None
    for result in done.answers:
        assert result is not None
        if result.probs is None:
            raise DeviceError(
                Message(
                    "Model '{name}' failed on {device}: {error}. Choose another device.",
                    name=compiled.model.name,
                    device=compiled.device,
                    error=result.error,
                ),
                details=repr(result.error),
            ) from result.error
        total = result.probs if total is None else total + result.probs
    assert total is not None
    return done.window, np.asarray(total / len(done.answers), np.float32)
