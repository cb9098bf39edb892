"""The window on a fake pipeline, without a screen, with settings of its own."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QPoint
from PySide6.QtGui import QCursor
from PySide6.QtWidgets import QApplication

from slowfast_live.sessions.store import SessionStore
from slowfast_live.types import SourceKind, SourceSpec
from slowfast_live.ui.app import AppOptions, LiveApp, Services
from tests.ui.fakes import DEVICES, FakeCameras, FakePipeline, FakeRegistry

WAIT_MS = 20_000
"""Generous: nothing here is timed."""


@pytest.fixture(autouse=True)
def interrupted_after_the_test() -> Iterator[None]:
    """Ctrl-C ends the run after the current test: PySide crashes if it comes while Qt runs Python code.

    A second one ends it at once.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came = []

    def handle(number: int, frame: FrameType | None) -> None:
        if came:
            signal.default_int_handler(number, frame)
        came.append(number)

    before = signal.signal(signal.SIGINT, handle)
    yield
    signal.signal(signal.SIGINT, before)
    if came:
        raise KeyboardInterrupt


class Desk:
    """A running window and the fakes behind it."""

    def __init__(self, live: LiveApp, pipeline: FakePipeline, cameras: FakeCameras, qtbot: Any) -> None:
        self.live, self.pipeline, self.cameras, self.qtbot = live, pipeline, cameras, qtbot
        self.window = live.window

    def wait(self, test: Callable[[], object]) -> None:
        self.qtbot.waitUntil(lambda: bool(test()), timeout=WAIT_MS)

    def poll(self) -> None:
        """Take over what the pipeline says now."""
        self.live.poller.poll()

    def trigger(self, name: str) -> None:
        self.window.actions_by_id[name].trigger()

    def show_picture(self) -> None:
        """Deliver a frame and wait until it is on the screen."""
        shown = self.window.shown_frames
        self.pipeline.deliver()
        self.wait(lambda: self.window.shown_frames > shown)


@pytest.fixture
def video(tmp_path: Path) -> SourceSpec:
    """A file that is there; the fake pipeline never reads it."""
    path = tmp_path / "clip.mp4"
    path.write_bytes(b"video")
    return SourceSpec(SourceKind.FILE, str(path))


@pytest.fixture
def make_desk(qapp: QApplication, qtbot: Any, tmp_path: Path) -> Iterator[Callable[..., Desk]]:
    """Build a window through the app's own entry; it is up and its models are listed."""
    made: list[Desk] = []

    def make(
        options: AppOptions | None = None,
        *,
        cameras: FakeCameras | None = None,
        registry: FakeRegistry | None = None,
        on_close: Any = None,
        ready: bool = True,
        store: Path | None = None,
        **asked: Any,
    ) -> Desk:
        QCursor.setPos(QPoint(5000, 5000))  # no window begins under the pointer that another test moved
        asked.setdefault("settings_path", tmp_path / "settings.json")
        pipeline, cameras = FakePipeline(), cameras or FakeCameras()
        live = LiveApp(
            qapp,
            options or AppOptions(**asked),
            Services(
                lambda: pipeline,
                cameras,
                lambda: list(DEVICES),
                registry or FakeRegistry(),
                on_close,
                tmp_path / "pictures",
                tmp_path / "recordings",
                history=pipeline.history,
                sessions=None if store is None else SessionStore(store),
            ),
        )
        desk = Desk(live, pipeline, cameras, qtbot)
        made.append(desk)
        live.start()
        if ready:
            desk.wait(lambda: desk.window.source_bar.devices.count() and not live.background.busy)
            desk.poll()
        return desk

    yield make
    for desk in made:
        desk.live.close()
        desk.window.close()
        desk.window.deleteLater()
    qapp.processEvents()


@pytest.fixture
def desk(make_desk: Callable[..., Desk], video: SourceSpec) -> Desk:
    """A window that plays a file."""
    return make_desk(source=video)
