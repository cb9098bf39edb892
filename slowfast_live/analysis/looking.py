"""Windows in, probabilities out, in the order of the windows, with every request of the device busy."""

from __future__ import annotations

import queue
from collections import deque
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from slowfast_live.core.framing import Framing
from slowfast_live.errors import DeviceError
from slowfast_live.inference.backend import Outcome, Request, Runner
from slowfast_live.types import F32, Window


@dataclass(slots=True, eq=False)
class _Look:
    """One window and what its views have answered so far."""

    window: Window
    answers: list[Outcome | None] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        return None not in self.answers


def look(
    runner: Runner, views: Sequence[Framing], windows: Iterable[Window]
) -> Generator[tuple[Window, F32], None, None]:
    """Run a model on windows.

    At most as many pictures are kept as the requests need, however long the succession of windows is. When the
    iterator is closed early, it waits for what is running.

    Args:
        runner: The compiled model; nobody else uses it meanwhile.
        views: The crops of each window; their probabilities are averaged.
        windows: What to look at; taken one by one as requests become free.

    Yields:
        Each window with its probabilities, float32 (K,), in the order of `windows`.

    Raises:
        DeviceError: An inference failed.
    """
    finished: queue.SimpleQueue[tuple[Request, _Look, int, Outcome]] = queue.SimpleQueue()
    free = list(runner.requests)
    waiting: deque[_Look] = deque()

    def take_one() -> None:
        request, done, view, outcome = finished.get()
        done.answers[view] = outcome
        free.append(request)

    try:
        for window in windows:
            current = _Look(window, [None] * len(views))
            waiting.append(current)
            for view, framing in enumerate(views):
                if not free:
                    take_one()
                request = free.pop()
                framing.compose(window.pictures, request.clip)
                request.start(
                    lambda outcome, r=request, c=current, v=view: finished.put((r, c, v, outcome))  # type: ignore[misc]
                )
            while waiting and waiting[0].complete:
                yield _answer(runner, waiting.popleft())
        while waiting:
            while not waiting[0].complete:
                take_one()
            yield _answer(runner, waiting.popleft())
    finally:
        while len(free) < len(runner.requests):
            take_one()


def _answer(runner: Runner, done: _Look) -> tuple[Window, F32]:
    total: F32 | None = None
    for outcome in done.answers:
        assert outcome is not None
        if outcome.probs is None:
            raise DeviceError(
                f"Model '{runner.model.name}' failed on {runner.device}: {outcome.error}. Choose another device.",
                details=repr(outcome.error),
            ) from outcome.error
        total = outcome.probs if total is None else total + outcome.probs
    assert total is not None
    return done.window, np.asarray(total / len(done.answers), np.float32)
