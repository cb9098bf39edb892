"""A model that runs on a server, and on this machine while the server is lost."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable

import numpy as np

from slowfast_live.errors import DeviceError, ModelError, SlowFastLiveError
from slowfast_live.inference.backend import CompiledModel, InferRequest, InferResult
from slowfast_live.inference.remote.checks import LABELS_PARAMETER, check_by_example, check_digest, check_interface
from slowfast_live.inference.remote.client import InferenceClient, ServerLostError
from slowfast_live.inference.spec import PROBABILITIES, Model
from slowfast_live.inference.threaded_request import ThreadedRequest
from slowfast_live.messages import Message
from slowfast_live.types import F32, U8, Level, Notice, Topic

log = logging.getLogger(__name__)

TRY_AGAIN_AFTER_S = (1.0, 2.0, 5.0, 10.0)
"""Pauses between two tries to reach a lost server; the last one repeats."""


class FailoverRequest(ThreadedRequest):
    """Sends its clip to the server, or runs it here while the server is lost."""

    def __init__(self, owner: FailoverModel) -> None:
        self._owner = owner
        self._clip = np.zeros(owner.model.spec.input_shape[1:], np.uint8)
        super().__init__()

    @property
    def clip(self) -> U8:
        """See `InferRequest.clip`."""
        return self._clip

    def infer(self) -> InferResult:
        """See `ThreadedRequest.infer`."""
        return self._owner.infer(self._clip)


class FailoverModel:
    """A model on a server with one on this machine in reserve; see `CompiledModel`.

    Args:
        model: The model, as it is on this machine.
        client: The connection to the server; closed with the model.
        compile_here: Compiles the model for this machine; called once, when it is needed.
        notify: Receives a notice when the server is lost and when it is back; called from threads of the model.
        requests: Number of predictions that may be under way at the same time.
        try_again_after_s: See `TRY_AGAIN_AFTER_S`.
    """

    execution_precision = ""

    def __init__(
        self,
        model: Model,
        client: InferenceClient,
        compile_here: Callable[[], CompiledModel],
        notify: Callable[[Notice], None],
        requests: int,
        try_again_after_s: tuple[float, ...] = TRY_AGAIN_AFTER_S,
    ) -> None:
        self.model = model
        self._client, self._compile_here, self._notify = client, compile_here, notify
        self._where = client.address.shown
        self._name = client.address.model or model.name
        self._try_again_after_s = try_again_after_s
        self._input = ""
        self._lock = threading.Lock()
        self._lost = False
        self._here_lock = threading.Lock()
        self._here: CompiledModel | None = None
        self._free_here: queue.SimpleQueue[InferRequest] = queue.SimpleQueue()
        self._closed = threading.Event()
        self.substituted = 0
        """Predictions that were made here instead of on the server."""
        self._requests = tuple(FailoverRequest(self) for _ in range(requests))

    def connect(self) -> None:
        """Reach the server and compare its model with the one here.

        Raises:
            ServerLostError: It does not answer, or the model is not ready there.
            ModelError: It runs another model.
            DeviceError: Neither does the model run on this machine, which would be needed to compare the two.
        """
        self._input = check_interface(self._client.facts(self._name), self.model, self._where)
        if not self._client.model_ready(self._name):
            raise ServerLostError(
                Message("Model '{name}' is not ready on {server}.", name=self._name, server=self._where)
            )
        digest = self._client.parameters(self._name).get(LABELS_PARAMETER)
        if digest is not None:
            check_digest(digest, self.model, self._where)
            self._ask(np.full(self.model.spec.input_shape[1:], 127, np.uint8))
        else:
            check_by_example(self._ask, self._answer_here, self.model, self._where)

    def take_over(self, error: SlowFastLiveError) -> None:
        """Run on this machine until the server is back. Has no effect if it is known to be lost."""
        with self._lock:
            if self._lost or self._closed.is_set():
                return
            self._lost = True
        try:
            device = self._on_this_machine().device
        except SlowFastLiveError as problem:
            log.warning("The model cannot run here either: %s", problem)
            device = Message("no device of this machine")
        text = Message("{problem} {device} takes over until it is back.", problem=error.message, device=device)
        self._notify(Notice(Level.WARNING, text, error.details, topic=Topic.SERVER))
        threading.Thread(target=self._wait_for_server, name="inference server", daemon=True).start()

    @property
    def device(self) -> str:
        """The server's address; while it is lost, the device of this machine that took over."""
        with self._lock:
            lost = self._lost
        return self._here.device if lost and self._here is not None else self._client.address.text

    @property
    def requests(self) -> tuple[InferRequest, ...]:
        """The requests that may run at the same time."""
        return self._requests

    def infer(self, clip: U8) -> InferResult:
        """Run on a clip, uint8 (T, S, S, 3), on the server if it answers; thread-safe, and never raises."""
        with self._lock:
            lost = self._lost
        if not lost:
            try:
                return InferResult(self._ask(clip))
            except (ModelError, DeviceError) as error:
                if self._closed.is_set():
                    return InferResult(None, error)
                self.take_over(error)
            except Exception as error:
                log.exception("Asking %s failed", self._where)
                self.take_over(
                    DeviceError(
                        Message("The inference server {where} gave an unexpected error.", where=self._where),
                        repr(error),
                    )
                )
        with self._lock:
            self.substituted += 1
        return self._run_here(clip)

    def close(self) -> None:
        """Wait for running requests, and release the connection and the model here."""
        self._closed.set()
        for request in self._requests:
            request.close()
        self._client.close()
        with self._here_lock:
            here, self._here = self._here, None
        if here is not None:
            here.close()

    def _ask(self, clip: U8) -> F32:
        probs = self._client.infer(self._name, self._input, clip, PROBABILITIES)
        classes = len(self.model.spec.labels)
        if probs.shape != (classes,) or not np.isfinite(probs).all():
            raise ModelError(
                Message(
                    "Model '{name}' on {where} gives values with shape {shape}; expected {classes} probabilities.",
                    name=self._name,
                    where=self._where,
                    shape=list(probs.shape),
                    classes=classes,
                )
            )
        return probs

    def _on_this_machine(self) -> CompiledModel:
        with self._here_lock:
            if self._here is None:
                self._here = self._compile_here()
                for request in self._here.requests:
                    self._free_here.put(request)
            return self._here

    def _run_here(self, clip: U8) -> InferResult:
        try:
            self._on_this_machine()
        except SlowFastLiveError as error:
            return InferResult(None, error)
        request = self._free_here.get()
        try:
            outcomes: queue.SimpleQueue[InferResult] = queue.SimpleQueue()
            request.clip[:] = clip
            request.start(outcomes.put)
            return outcomes.get()
        finally:
            self._free_here.put(request)

    def _answer_here(self, clip: U8) -> F32:
        outcome = self._run_here(clip)
        if outcome.probs is None:
            raise DeviceError(
                Message("Model '{name}' failed on this machine: {error}.", name=self.model.name, error=outcome.error)
            )
        return outcome.probs

    def _wait_for_server(self) -> None:
        tries, warned = 0, ""
        while not self._closed.wait(self._try_again_after_s[min(tries, len(self._try_again_after_s) - 1)]):
            tries += 1
            try:
                self.connect()
            except SlowFastLiveError as error:
                log.info("%s is still lost: %s", self._where, error)
                if isinstance(error, ModelError) and error.message != warned:
                    warned = error.message
                    self._notify(Notice(Level.ERROR, error.message, error.details, topic=Topic.SERVER))
                continue
            with self._lock:
                self._lost = False
            text = Message("The inference server {where} answers again and runs the model.", where=self._where)
            self._notify(Notice(Level.INFO, text, topic=Topic.NEWS))
            return
