"""Runs functions on the workers of a Ray cluster: a bounded number at a time, and again where a machine was lost."""

from __future__ import annotations

import logging
import math
import os
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

from slowfast_live.cluster.address import ClusterAddress, require_ray
from slowfast_live.errors import DeviceError, UsageError

log = logging.getLogger(__name__)

RETRIES = 4
"""How often Ray runs a task again after its worker or machine was lost."""
_SUBMISSIONS = 2
"""How often a task is given to Ray; what Ray gave up once may work on other machines."""
_QUEUED_PER_SLOT = 2
"""Tasks handed to the cluster for each one that runs there; the others wait here, so that nothing piles up there."""
_LOOK_S, _COUNT_EVERY_S = 0.5, 5.0
_QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_agent_register_timeout_ms": "120000",
}
"""Nothing is sent anywhere, and a cluster of a busy machine is waited for."""


@dataclass(frozen=True, slots=True)
class Needs:
    """What one task asks of a machine.

    Attributes:
        cpus: Processor cores.
        gpus: Graphics processors.
        memory_bytes: Memory.
    """

    cpus: int = 1
    gpus: int = 0
    memory_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Ended:
    """A task that ended.

    Attributes:
        key: What it was submitted as.
        value: What the function returned; None if it failed.
        reason: Why it failed, as a sentence; "" if it did not.
    """

    key: Hashable
    value: Any = None
    reason: str = ""


class Pool:
    """The workers of a cluster. Must be closed.

    Args:
        address: Which cluster.
        needs: What each task asks of a machine; reduced to what the largest machine has.

    Raises:
        UsageError: Ray is not installed.
        DeviceError: The cluster does not answer, or no machine has what is needed.
    """

    def __init__(self, address: ClusterAddress, needs: Needs) -> None:
        require_ray()
        for name, value in _QUIET.items():
            os.environ.setdefault(name, value)
        import ray

        self._ray = ray
        self._keys: dict[Any, tuple[Hashable, Callable[..., Any], tuple[Any, ...], int]] = {}
        self._remote: dict[Callable[..., Any], Any] = {}
        self._began = not ray.is_initialized()
        if self._began:
            _connect(ray, address)
        try:
            self.needs = self._possible(needs)
        except BaseException:
            self.close()
            raise
        self._slots, self._counted_s = self._count(), time.monotonic()

    @property
    def slots(self) -> int:
        """Number of tasks that the cluster can run at the same time now."""
        now_s = time.monotonic()
        if now_s - self._counted_s > _COUNT_EVERY_S:
            self._slots, self._counted_s = self._count(), now_s
        return self._slots

    @property
    def machines(self) -> int:
        """Number of machines in the cluster."""
        return sum(1 for node in self._ray.nodes() if node["Alive"])

    @property
    def has_room(self) -> bool:
        """Whether another task may be submitted now."""
        return self.pending < _QUEUED_PER_SLOT * max(1, self.slots) + 1

    @property
    def pending(self) -> int:
        """Number of tasks that have not ended."""
        return len(self._keys)

    def share(self, value: object) -> Any:
        """Put a value into the cluster's store, from where each machine fetches it once; return its reference."""
        return self._ray.put(value)

    def submit(self, key: Hashable, function: Callable[..., Any], *arguments: Any) -> None:
        """Run `function` on some worker. It must be a function of a module that the workers can import."""
        self._send(key, function, arguments, _SUBMISSIONS - 1)

    def wait(self) -> Ended:
        """Wait for the next task that ends; there must be one.

        Raises:
            DeviceError: The cluster is lost.
        """
        ray = self._ray
        while True:
            try:
                ready, _ = ray.wait(list(self._keys), num_returns=1, timeout=_LOOK_S)
                if not ready:
                    continue
                key, function, arguments, left = self._keys.pop(ready[0])
                return Ended(key, ray.get(ready[0]))
            except ray.exceptions.RayTaskError as error:
                log.warning("A task failed on the cluster", exc_info=error)
                cause = getattr(error, "cause", None)
                return Ended(key, reason=f"An unexpected error: {cause!r}." if cause is not None else str(error))
            except ray.exceptions.RayError as error:  # its worker or machine was lost, more often than Ray tries
                if left > 0:
                    log.warning("A task is run again: %s", error)
                    self._send(key, function, arguments, left - 1)
                    continue
                lost = f"{_SUBMISSIONS * (RETRIES + 1)} workers were lost while they worked on it"
                return Ended(
                    key, reason=f"{lost} ({type(error).__name__}). Is it damaged, or too large for their memory?"
                )
            except (ConnectionError, OSError) as error:
                raise DeviceError(
                    "The cluster is lost. What is done is kept; the same command goes on.", repr(error)
                ) from error

    def close(self) -> None:
        """Cancel what is under way and leave the cluster; one that was started for this command ends."""
        ray = self._ray
        for ref in self._keys:
            try:
                ray.cancel(ref, force=True)
            except Exception as error:  # noqa: BLE001 - the cluster may be gone
                log.info("A task cannot be canceled: %s", error)
        self._keys.clear()
        if self._began:
            ray.shutdown()

    def _send(self, key: Hashable, function: Callable[..., Any], arguments: tuple[Any, ...], left: int) -> None:
        remote = self._remote.get(function)
        if remote is None:
            options: dict[str, Any] = {"num_cpus": self.needs.cpus, "max_retries": RETRIES}
            if self.needs.gpus:
                options["num_gpus"] = self.needs.gpus
            if self.needs.memory_bytes:
                options["memory"] = self.needs.memory_bytes
            remote = self._remote[function] = self._ray.remote(function).options(**options)
        self._keys[remote.remote(*arguments)] = (key, function, arguments, left)

    def _possible(self, needs: Needs) -> Needs:
        """Return needs that at least one machine can meet."""
        machines = [node["Resources"] for node in self._ray.nodes() if node["Alive"]]
        gpus = max((int(each.get("GPU", 0)) for each in machines), default=0)
        if needs.gpus > gpus:
            raise DeviceError(
                f"No machine of the cluster has {needs.gpus} GPU{'s' * (needs.gpus > 1)}. Choose --device CPU."
            )
        cpus = max((int(each.get("CPU", 0)) for each in machines), default=1)
        memory = max((int(each.get("memory", 0)) for each in machines), default=0)
        return Needs(max(1, min(needs.cpus, cpus)), needs.gpus, min(needs.memory_bytes, memory))

    def _count(self) -> int:
        slots = 0
        for node in self._ray.nodes():
            if not node["Alive"]:
                continue
            has = node["Resources"]
            ways = [has.get("CPU", 0) / self.needs.cpus]
            if self.needs.gpus:
                ways.append(has.get("GPU", 0) / self.needs.gpus)
            if self.needs.memory_bytes:
                ways.append(has.get("memory", 0) / self.needs.memory_bytes)
            slots += math.floor(min(ways))
        return slots


def _connect(ray: Any, address: ClusterAddress) -> None:
    options: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    if not address.ray:
        options["include_dashboard"] = False
        if address.workers is not None:
            options["num_cpus"] = address.workers
    elif address.ray.startswith("ray://"):
        options = {"logging_level": logging.ERROR}
    try:
        ray.init(address.ray or "local", **options)
    except (ConnectionError, RuntimeError, OSError, ValueError) as error:
        if not address.ray:
            raise DeviceError("A cluster of this machine cannot be started.", repr(error)) from error
        where = "running on this machine" if address.ray == "auto" else f"at {address.ray}"
        raise UsageError(
            f"--cluster: no Ray cluster answers {where}. Start one with `ray start --head`, or use local.",
            repr(error),
        ) from error
