"""A model that answers at once or in disorder, without OpenVINO, and the clips it is shown."""

import queue
import random
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import av
import numpy as np

from slowfast_live.inference.backend import InferResult
from slowfast_live.inference.spec import Model

SPAN_S = 31 / 30
"""Of `tiny_short-fp32`, which the fakes stand in for."""


def answer(clip: np.ndarray, classes: int) -> np.ndarray:
    """Sure of the class that the clip's mean grey level stands for: 20 levels each."""
    probs = np.full(classes, 0.1 / (classes - 1), np.float32)
    probs[min(int(clip.mean()) // 20, classes - 1)] = 0.9
    return probs


class OrderlyRequest:
    """Answers before `start` returns."""

    def __init__(self, model: Model) -> None:
        self.clip = np.zeros(model.spec.input_shape[1:], np.uint8)
        self.classes = len(model.spec.labels)

    def start(self, done: Callable[[InferResult], None]) -> None:
        done(InferResult(answer(self.clip, self.classes)))


class PlainRunner:
    """`requests` that answer at once."""

    def __init__(self, model: Model, requests: int = 2) -> None:
        self.model, self.device = model, "CPU"
        self.requests: Sequence[OrderlyRequest] = tuple(OrderlyRequest(model) for _ in range(requests))
        self.closed = False

    def close(self) -> None:
        self.closed = True


class DisorderlyRunner(PlainRunner):
    """Another thread answers whatever is asked by then, in any order."""

    def __init__(self, model: Model, requests: int, seed: int) -> None:
        super().__init__(model, requests)
        self.requests = tuple(_Late(model, self) for _ in range(requests))
        self.asked: queue.SimpleQueue[tuple[_Late, Callable[[InferResult], None]] | None] = queue.SimpleQueue()
        self._random = random.Random(seed)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self.asked.put(None)
        self._thread.join()

    def _serve(self) -> None:
        while (first := self.asked.get()) is not None:
            some = [first]
            while not self.asked.empty() and (another := self.asked.get()) is not None:
                some.append(another)
            self._random.shuffle(some)
            for request, done in some:
                done(InferResult(answer(request.clip, request.classes)))


class _Late(OrderlyRequest):
    def __init__(self, model: Model, runner: DisorderlyRunner) -> None:
        super().__init__(model)
        self._runner = runner

    def start(self, done: Callable[[InferResult], None]) -> None:
        self._runner.asked.put((self, done))


def write_clip(path: Path, levels: Sequence[tuple[float, int]], size: tuple[int, int] = (64, 48)) -> Path:
    """Write a video of (seconds, grey level) parts, 30 fps, with a box that moves."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=30, options={"preset": "ultrafast", "g": "15"})
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        number = 0
        for seconds, level in levels:
            for _ in range(round(seconds * 30)):
                image = np.full((size[1], size[0], 3), level, np.uint8)
                image[8:16, number % (size[0] - 8) : number % (size[0] - 8) + 8] = 255 - level
                container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24")))
                number += 1
        container.mux(stream.encode())
    return path
