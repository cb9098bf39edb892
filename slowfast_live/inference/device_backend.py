"""One backend for all devices: those of this machine, and inference servers by their address."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterable

from slowfast_live.errors import DeviceError, ModelError, SlowFastLiveError
from slowfast_live.inference.backend import Backend, CompiledModel
from slowfast_live.inference.building import install_command, missing_packages
from slowfast_live.inference.devices import DeviceInfo, list_devices, require_device
from slowfast_live.inference.remote.address import names_server, parse_address
from slowfast_live.inference.spec import Model
from slowfast_live.messages import Message
from slowfast_live.types import Notice

log = logging.getLogger(__name__)

RESERVE_DEVICE = "CPU"
"""Device of this machine that takes over from a lost server."""
_LIVE_REQUESTS, _THROUGHPUT_REQUESTS = 2, 8
"""More than one, because the next clip can travel while one is computed."""


class DeviceBackend:
    """Compiles models for devices of this machine, and connects to models on inference servers.

    Args:
        local: Compiles for this machine.
        notify: Receives a notice when a server is lost or comes back; called from any thread.
        throughput: Keep many predictions under way, for files.
        wait_for_lost: Whether a server that cannot be reached at the start is treated as one that is lost later: this
            machine takes over until it answers. Otherwise that is an error.
    """

    def __init__(
        self,
        local: Backend,
        notify: Callable[[Notice], None] = lambda notice: None,
        *,
        throughput: bool = False,
        wait_for_lost: bool = True,
    ) -> None:
        self._local = local
        self.notify = notify
        self._throughput, self._wait_for_lost = throughput, wait_for_lost

    def compile(self, model: Model, device: str) -> CompiledModel:
        """See `Backend.compile`."""
        if not names_server(device):
            return self._local.compile(model, device)
        address = parse_address(device)
        if model.spec.detects:
            raise ModelError(
                Message(
                    "Model '{name}' scores what each person does, in two networks: it runs on this machine only, "
                    "not on {text}. Choose another device.",
                    name=model.name,
                    text=address.text,
                )
            )
        require_grpc()
        from slowfast_live.inference.remote.client import InferenceClient, ServerLostError
        from slowfast_live.inference.remote.failover import FailoverModel

        compiled = FailoverModel(
            model,
            InferenceClient(address),
            lambda: self._local.compile(model, RESERVE_DEVICE),
            lambda notice: self.notify(notice),
            _THROUGHPUT_REQUESTS if self._throughput else _LIVE_REQUESTS,
        )
        try:
            compiled.connect()
        except ServerLostError as error:
            if not self._wait_for_lost:
                compiled.close()
                raise
            compiled.take_over(error)
        except BaseException:
            compiled.close()
            raise
        return compiled


def require_grpc() -> None:
    """Check that what a connection to a server needs is installed.

    Raises:
        DeviceError: It is not; the message has the command that installs it.
    """
    if missing_packages(("grpc", "google")):
        raise DeviceError(
            Message(
                "An inference server needs the package grpcio. Install it: {command}", command=install_command("remote")
            )
        )


def substituted(compiled: CompiledModel) -> int:
    """Return how many predictions of a model on a server were made on this machine, because the server was lost."""
    failover = sys.modules.get("slowfast_live.inference.remote.failover")  # without it there is no such model
    return compiled.substituted if failover is not None and isinstance(compiled, failover.FailoverModel) else 0


def devices_with_servers(servers: Iterable[str]) -> list[DeviceInfo]:
    """Return the devices of this machine and the servers that the user added. May take a second."""
    return [*list_devices(), *map(server_info, servers)]


def server_info(address: str) -> DeviceInfo:
    """Return the entry of an inference server in the device list; whether it answers is not checked."""
    return DeviceInfo(address, "inference server")


def probed(device: DeviceInfo) -> DeviceInfo:
    """Return a server's entry in the list with whether it answers now; other devices as they are."""
    if not names_server(device.name):
        return device
    try:
        require_grpc()
        from slowfast_live.inference.remote.client import InferenceClient

        client = InferenceClient(parse_address(device.name))
        try:
            name = client.server_name()
        finally:
            client.close()
    except SlowFastLiveError as error:
        return DeviceInfo(device.name, device.full_name, False, error.message)
    return DeviceInfo(device.name, name or device.full_name)


def chosen_device(name: str) -> str:
    """Return the full name of the device that the user named: one of this machine, or a server's address.

    Raises:
        DeviceError: There is no such device.
        UsageError: It is no address of a server.
    """
    if names_server(name):
        return parse_address(name).text
    return require_device(name, list_devices()).name
