"""List of cameras by name, and notification when one is plugged in or removed.

Listing may take seconds if a driver is slow, so it must not run on the GUI thread. `CameraWatcher` uses its own thread.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from slowfast_live.types import SourceKind, SourceSpec

log = logging.getLogger(__name__)

# OpenCV's constants (`cv2.CAP_*`) as numbers, so that this module does not have to import OpenCV.
_V4L2, _DSHOW, _AVFOUNDATION, _MSMF = 200, 700, 1200, 1400
_VIDEO4LINUX = Path("/sys/class/video4linux")

Enumerate = Callable[[int], Iterable[Any]]
"""Lists the cameras of a backend: objects with `index`, `name`, `path`, `vid`, `pid`."""


def enumerate_backend(backend: int) -> list[Any]:
    """List the cameras of one of OpenCV's backends.

    No device is started. On Linux each node is queried for its capabilities, which does not disturb other programs.
    """
    from cv2_enumerate_cameras import enumerate_cameras

    return list(enumerate_cameras(backend))


def list_cameras(enumerate_: Enumerate = enumerate_backend, platform: str = sys.platform) -> list[SourceSpec]:
    """Return the connected cameras in order of index. Never raises; failures are logged.

    Args:
        enumerate_: Lists the cameras of a backend; for tests.
        platform: `sys.platform`.
    """
    try:
        if platform == "win32":
            return _specs(enumerate_(_MSMF), _MSMF) or _specs(enumerate_(_DSHOW), _DSHOW)
        if platform == "darwin":
            return _specs(enumerate_(_AVFOUNDATION), _AVFOUNDATION)
        if platform.startswith("linux"):
            found = [camera for camera in enumerate_(_V4L2) if _may_capture(camera.path)]
            return _specs(found, _V4L2)
    except Exception:  # drivers may raise anything; the list is empty then
        log.exception("cameras cannot be listed")
    return []


def plugged(platform: str = sys.platform) -> object | None:
    """Return a cheap value that changes when a camera is plugged in or removed; None if there is no such value."""
    if not platform.startswith("linux"):
        return None
    try:
        return tuple(sorted(node.name for node in _VIDEO4LINUX.iterdir()))
    except OSError:
        return ()


class CameraWatcher:
    """Keeps the list of cameras up to date on a daemon thread. Thread-safe.

    Args:
        lister: Returns the cameras.
        on_change: Called on the watcher's thread with each new list.
        period_s: Seconds between two checks.
        fingerprint: Returns a value that changes with the cameras, or None; while it is unchanged, nothing is listed.
        wait: Waits the given number of seconds or until `stop`; returns whether to stop. For tests.
    """

    def __init__(
        self,
        lister: Callable[[], Sequence[SourceSpec]] = list_cameras,
        on_change: Callable[[tuple[SourceSpec, ...]], object] | None = None,
        period_s: float = 2.0,
        *,
        fingerprint: Callable[[], object | None] = plugged,
        wait: Callable[[float], bool] | None = None,
    ) -> None:
        self._lister = lister
        self._on_change = on_change
        self._period_s = period_s
        self._fingerprint = fingerprint
        self._stopping = threading.Event()
        self._wait = wait or self._stopping.wait
        self._lock = threading.Lock()
        self._cameras: tuple[SourceSpec, ...] = ()
        self._changes = 0
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start watching; the first list is available soon after."""
        with self._lock:
            if self._thread is not None:
                return
            self._thread = threading.Thread(target=self._run, name="camera-watcher", daemon=True)
            self._thread.start()

    def stop(self, timeout_s: float = 2.0) -> bool:
        """Stop watching; return False if the thread is blocked by a driver and abandoned."""
        self._stopping.set()
        with self._lock:
            thread = self._thread
        if thread is None or thread is threading.current_thread():
            return True
        thread.join(timeout_s)
        if thread.is_alive():
            log.warning("the camera watcher is held up by a driver and is left behind")
            return False
        return True

    def cameras(self) -> tuple[SourceSpec, ...]:
        """Return the latest list of cameras; empty before the first check."""
        with self._lock:
            return self._cameras

    @property
    def version(self) -> int:
        """Incremented with each different list; 0 before the first check."""
        with self._lock:
            return self._changes

    def _run(self) -> None:
        seen: object | None = None
        while not self._stopping.is_set():
            try:
                now = self._fingerprint()
                if now is None or now != seen or self.version == 0:
                    self._publish(tuple(self._lister()))
                    seen = now
            except Exception:  # keep watching, whatever a lister or listener does
                log.exception("searching for cameras failed")
            if self._wait(self._period_s):
                return

    def _publish(self, cameras: tuple[SourceSpec, ...]) -> None:
        with self._lock:
            if self._changes and cameras == self._cameras:
                return
            self._cameras = cameras
            self._changes += 1
        log.info("cameras: %s", ", ".join(camera.name for camera in cameras) or "none")
        if self._on_change is not None and not self._stopping.is_set():
            self._on_change(cameras)


def _specs(found: Iterable[Any], backend: int) -> list[SourceSpec]:
    """Create specs for the cameras of a backend: one per index, with unique titles."""
    by_index = {int(camera.index): camera for camera in found}
    uses: Counter[str] = Counter()
    specs = []
    for index, camera in sorted(by_index.items()):
        name = " ".join(str(camera.name or "").split()) or f"Camera {index}"
        uses[name] += 1
        title = name if uses[name] == 1 else f"{name} ({uses[name]})"
        specs.append(SourceSpec(SourceKind.CAMERA, str(index), title, backend))
    return specs


def _may_capture(path: str | None) -> bool:
    """Whether a node without read permission is likely a camera: its device's first node, not metadata."""
    if path is None or os.access(path, os.R_OK):
        return True
    try:
        return (_VIDEO4LINUX / Path(path).name / "index").read_text().strip() == "0"
    except OSError:
        return True
