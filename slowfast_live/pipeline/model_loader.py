"""Compiles models beside the running one, and releases those that are no longer used."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass

from slowfast_live.core.priority import step_back
from slowfast_live.errors import SlowFastLiveError
from slowfast_live.inference.backend import Backend, CompiledModel
from slowfast_live.inference.spec import Model
from slowfast_live.messages import Message
from slowfast_live.types import Level, Notice, Topic

log = logging.getLogger(__name__)

STOP_WITHIN_S = 2.0
"""How long `stop` waits for each thread; a longer compilation ends on its own later."""


@dataclass(frozen=True, slots=True)
class _Order:
    """A model to load."""

    model: Model
    device: str


class ModelLoader:
    """Compiles one model at a time; a newer order replaces an older one. `run` is the body of its thread.

    Args:
        backend: Compiles models.
        lock: The recognizer's lock.
        changed: The recognizer's condition with that lock, notified when a model was swapped. Orders have a condition
            of their own: the recognizer's is notified with each frame, and would wake this thread for nothing.
        swap: Called with the lock held when a model has warmed up; returns the model that it replaces.
        swapped: Called after each swap, without the lock.
        failed: Called without the lock if a model cannot be prepared.
        in_use: Called with the lock held; returns whether inferences of a model are in progress.
    """

    def __init__(
        self,
        backend: Backend,
        lock: threading.RLock,
        changed: threading.Condition,
        *,
        swap: Callable[[CompiledModel], CompiledModel | None],
        swapped: Callable[[], None],
        failed: Callable[[Notice], None],
        in_use: Callable[[CompiledModel], bool],
    ) -> None:
        self._backend, self._changed = backend, changed
        self._ordered = threading.Condition(lock)
        self._swap, self._swapped, self._failed, self._in_use = swap, swapped, failed, in_use
        # Guarded by _changed:
        self._order: _Order | None = None
        self._preparing = ""

    @property
    def preparing(self) -> str:
        """Description of what is being prepared; "" if nothing is. Requires the lock."""
        return self._preparing

    @property
    def ordered(self) -> bool:
        """Whether an order waits. Requires the lock."""
        return self._order is not None

    def load(self, model: Model, device: str) -> None:
        """Order a model. Requires the lock."""
        self._order = _Order(model, device)
        self._preparing = Message("Preparing {model} for {device}", model=model.spec.title, device=device)
        self._ordered.notify_all()

    def cancel(self) -> None:
        """Withdraw the order that waits. Requires the lock."""
        self._order = None

    def stop(self) -> None:
        """Withdraw all orders, and check whether it is over. Requires the lock."""
        self._order = None
        self._preparing = ""
        self._ordered.notify_all()

    def run(self, over: Callable[[], bool]) -> None:
        """Carry out orders until `over`, which is called with the lock held, returns True."""
        step_back()
        while True:
            with self._ordered:
                while self._order is None and not over():
                    self._preparing = ""
                    self._ordered.wait()
                if over():
                    return
                order, self._order = self._order, None
            assert order is not None
            self._carry_out(order, over)

    def _carry_out(self, order: _Order, over: Callable[[], bool]) -> None:
        title = order.model.spec.title
        try:
            compiled = self._backend.compile(order.model, order.device)
        except SlowFastLiveError as error:
            self._failed(Notice(Level.ERROR, error.message, error.details, topic=Topic.SWITCH))
            return
        except Exception as error:
            log.exception("Preparing %s failed", order.model.name)
            text = Message(
                "{title} cannot be prepared for {device} because of an unexpected error.",
                title=title,
                device=order.device,
            )
            self._failed(Notice(Level.ERROR, text, details=repr(error), topic=Topic.SWITCH))
            return
        with self._changed:
            superseded = over() or self._order is not None
            retired = compiled if superseded else self._swap(compiled)
            self._changed.notify_all()
        if not superseded:
            self._swapped()
        if retired is not None:
            self.retire(retired)

    def retire(self, compiled: CompiledModel) -> None:
        """Release a model once none of its infer requests is in use; waits up to `STOP_WITHIN_S`."""
        # On its own thread: a driver that blocks must not keep the next model from being loaded.
        release = threading.Thread(target=self._release, args=(compiled,), name="model release", daemon=True)
        release.start()
        release.join(STOP_WITHIN_S)
        if release.is_alive():
            log.warning("Model %s does not release its device and is abandoned.", compiled.model.name)

    def _release(self, compiled: CompiledModel) -> None:
        with self._changed:
            self._changed.wait_for(lambda: not self._in_use(compiled))
        try:
            compiled.close()
        except Exception:
            log.exception("Releasing model %s failed", compiled.model.name)
