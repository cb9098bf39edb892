"""Interfaces for running models: compile once, then fill a clip and start an inference, repeatedly."""

from __future__ import annotations

import queue
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from slowfast_live.inference.spec import Model
from slowfast_live.types import F32, U8


@dataclass(frozen=True, slots=True, eq=False)
class InferResult:
    """Result of one inference.

    Attributes:
        probs: float32 (K,), a copy; None if the inference failed.
        error: Reason of the failure.
        people: Of a model that scores what each person does, float32 (N, K), a copy; `probs` is None then.
    """

    probs: F32 | None
    error: Exception | None = None
    people: F32 | None = None


class InferRequest(Protocol):
    """One inference at a time. `clip` may be written to while no inference is running."""

    @property
    def clip(self) -> U8:
        """The input buffer: uint8 (T, S, S, 3), RGB, to be filled in place."""
        ...

    def start(self, done: Callable[[InferResult], None]) -> None:
        """Run asynchronously on `clip`; `done` is called once, from another thread, and must return quickly."""
        ...


@runtime_checkable
class DetectionRequest(InferRequest, Protocol):
    """A request of a model that scores what each person does; the result has `people`, one row for each box."""

    boxes: F32
    """float32 (N, 4): x1, y1, x2, y2 of the people in pixels of the clip; none: the model is not run."""

    def fit(self, height: int, width: int) -> None:
        """Give `clip` this height and width; its content is lost if it had others."""
        ...


def infer_once(request: InferRequest) -> InferResult:
    """Run an infer request on its current clip and wait for the result."""
    results: queue.SimpleQueue[InferResult] = queue.SimpleQueue()
    request.start(results.put)
    return results.get()


class CompiledModel(Protocol):
    """A compiled model with its infer requests."""

    @property
    def model(self) -> Model:
        """The model."""
        ...

    @property
    def device(self) -> str:
        """The requested device."""
        ...

    @property
    def execution_precision(self) -> str:
        """Execution precision: "f32", "bf16", "int8 + bf16" ...; "" if the device does not report it."""
        ...

    @property
    def requests(self) -> tuple[InferRequest, ...]:
        """The infer requests that may run at the same time."""
        ...

    def close(self) -> None:
        """Wait for running requests and release all resources. Never raises."""
        ...


class BatchRequest(Protocol):
    """One inference of several clips at a time. `clips` may be written to while no inference is running."""

    @property
    def clips(self) -> U8:
        """The input buffer: uint8 (B, T, S, S, 3), RGB, to be filled in place."""
        ...

    def start(self, done: Callable[[Sequence[InferResult]], None]) -> None:
        """Run asynchronously on `clips`; `done` is called once with B results, from another thread."""
        ...


@runtime_checkable
class RunsBatches(Protocol):
    """A compiled model that runs several clips in one request, because that is faster on its device."""

    @property
    def batches(self) -> tuple[BatchRequest, ...]:
        """Either none, or one for each of `requests`; only one of the two may run at a time."""
        ...


@runtime_checkable
class TakesTurns(Protocol):
    """A compiled model that others use, too; its `requests` are empty while it is not the pipeline's turn."""

    def on_turn(self, wake: Callable[[], None]) -> None:
        """Set what is called, from any thread, when it is the pipeline's turn after it was told to wait."""
        ...


class Backend(Protocol):
    """Compiles models. Thread-safe; calls may be slow."""

    def compile(self, model: Model, device: str) -> CompiledModel:
        """Compile `model` for `device`, check it against its description, and run it once to warm up.

        Raises:
            ModelError: The files are damaged or do not match the description.
            DeviceError: The device is not available or cannot run the model.
        """
        ...
