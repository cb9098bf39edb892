"""What runs a model, seen from outside: compile once, then fill a clip and start, again and again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from slowfast_live.inference.spec import Model
from slowfast_live.types import F32, U8


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """How one inference ended.

    Attributes:
        probs: float32 (K,), a copy; None where it failed.
        error: Why it failed.
    """

    probs: F32 | None
    error: Exception | None = None


class Request(Protocol):
    """One inference at a time. `clip` may be written to while it is not running."""

    @property
    def clip(self) -> U8:
        """The input itself: uint8 (T, S, S, 3), RGB, to be filled in place."""
        ...

    def start(self, done: Callable[[Outcome], None]) -> None:
        """Run on `clip` and return at once; `done` is called once, from another thread, and must be short."""
        ...


class Runner(Protocol):
    """A compiled model with its requests."""

    @property
    def model(self) -> Model:
        """The model."""
        ...

    @property
    def device(self) -> str:
        """The device that was asked for."""
        ...

    @property
    def computes_in(self) -> str:
        """What it is computed in: "f32", "bf16", "int8 + bf16" ...; "" where the device does not say."""
        ...

    @property
    def requests(self) -> tuple[Request, ...]:
        """The requests that may run at the same time."""
        ...

    def close(self) -> None:
        """Wait for running requests and release everything. Never raises."""
        ...


class Backend(Protocol):
    """Compiles models. Safe from any thread; slow calls."""

    def compile(self, model: Model, device: str) -> Runner:
        """Compile `model` for `device`, check that it is what its description says, and run it once to warm up.

        Raises:
            ModelError: The files are broken or do not fit the description.
            DeviceError: The device is absent or cannot run it.
        """
        ...
