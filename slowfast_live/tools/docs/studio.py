"""A window that lives on its own for pictures of it: the demo, recognized by the bundled model."""

from __future__ import annotations

import time
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

from PIL import Image
from PySide6.QtCore import QBuffer, QByteArray, QEventLoop, QIODevice
from PySide6.QtWidgets import QApplication, QWidget

from slowfast_live.inference.devices import list_devices
from slowfast_live.inference.spec import Registry
from slowfast_live.sessions.store import SessionStore
from slowfast_live.sources import parse_source
from slowfast_live.sources.cameras import CameraWatcher
from slowfast_live.types import ReadoutState
from slowfast_live.ui.app import LiveApp, Services
from slowfast_live.ui.controller.options import AppOptions
from slowfast_live.ui.style.theme import Mode
from slowfast_live.window import WindowSession

SIZE = (1280, 800)
_PATIENCE_S = 60.0


class Studio:
    """The window with the demo in it, and a camera before it.

    Args:
        app: Qt's application.
        home: A folder for its settings.
        theme: "light" or "dark".
    """

    def __init__(self, app: QApplication, home: Path, theme: Mode) -> None:
        self.session = WindowSession(None)
        cameras = CameraWatcher()
        services = Services(
            pipeline=lambda: self.session.pipeline,
            cameras=cameras,
            devices=list_devices,
            registry=Registry(),
            on_close=self.session.close,
            snapshots=home,
            recordings=home,
            history=self.session.history,
            sessions=SessionStore(home / "sessions"),
        )
        options = AppOptions(source=parse_source("demo"), settings_path=home / "settings.json")
        self.live = LiveApp(app, options, services)
        self.live.themes.set_mode(theme)
        self.live.window.resize(*SIZE)

    def until(self, true: Callable[[], bool]) -> None:
        """Let the window live until something holds.

        Raises:
            TimeoutError: It did not within a minute.
        """
        end_s = time.monotonic() + _PATIENCE_S
        while not true():
            if time.monotonic() > end_s:
                raise TimeoutError("The window did not come to what was to be pictured.")
            QApplication.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, 20)
            time.sleep(0.002)

    def rest(self, seconds: float) -> None:
        """Let the window live for a while."""
        end_s = time.monotonic() + seconds
        self.until(lambda: time.monotonic() >= end_s)

    def recognized(self) -> bool:
        """Return whether an action is shown, some seconds into the demo."""
        readout = self.session.pipeline.readout()
        return readout is not None and readout.state is ReadoutState.ACTION and readout.t_end_s > 6

    def grab(self, widget: QWidget | None = None) -> Image.Image:
        """Return a widget, by default the window, as a picture."""
        data = QByteArray()
        buffer = QBuffer(data)
        buffer.open(QIODevice.OpenModeFlag.WriteOnly)
        (widget or self.live.window).grab().save(buffer, "PNG")
        return Image.open(BytesIO(bytes(data.data()))).convert("RGB")

    def trigger(self, command: str) -> None:
        """Carry out a command of the window, by its name."""
        self.live.window.actions_by_id[command].trigger()
        self.rest(0.3)

    def close(self) -> None:
        """Close the window."""
        self.live.quit("pictures")
        self.rest(0.5)
