"""Addresses of clusters on the command line. Imports nothing of Ray."""

from __future__ import annotations

import re
from dataclasses import dataclass

from slowfast_live.errors import UsageError
from slowfast_live.inference.building import install_command, missing_packages

_EXPECTED = "expected auto, local, local:N (N workers), HOST:PORT or ray://HOST:PORT"
_HOST = re.compile(r"(ray://)?(\[[0-9A-Fa-f:]+\]|[A-Za-z0-9._-]+):(\d{1,5})")
_LOCAL = re.compile(r"local(?::(\d{1,3}))?")


@dataclass(frozen=True, slots=True)
class ClusterAddress:
    """Which cluster to use.

    Attributes:
        ray: Address as Ray takes it; "" for a cluster of this machine alone, started for one command.
        workers: Number of CPUs of that cluster; None for all of this machine.
    """

    ray: str = ""
    workers: int | None = None


def parse_cluster(text: str) -> ClusterAddress:
    """Read `auto`, `local`, `local:N`, `HOST:PORT` or `ray://HOST:PORT`.

    Raises:
        UsageError: It is none of them.
    """
    text = text.strip()
    if text == "auto":
        return ClusterAddress("auto")
    if (local := _LOCAL.fullmatch(text)) is not None:
        workers = int(local[1]) if local[1] is not None else None
        if workers == 0:
            raise UsageError(f"--cluster: {text} has no worker; {_EXPECTED}.")
        return ClusterAddress(workers=workers)
    if (host := _HOST.fullmatch(text)) is not None and 0 < int(host[3]) < 65536:
        return ClusterAddress(text)
    raise UsageError(f"--cluster: '{text}' names no cluster; {_EXPECTED}.")


def require_ray() -> None:
    """Check that Ray is installed.

    Raises:
        UsageError: It is not; the message has the command that installs it.
    """
    if missing_packages(("ray",)):
        raise UsageError(f"--cluster needs the package ray. Install it: {install_command('cluster')}")
