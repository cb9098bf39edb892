"""Three actions are taught from a webcam through the app's own entry; only the camera itself is a stand-in."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication

from slowfast_live import paths
from slowfast_live.core.history import History
from slowfast_live.inference.devices import DeviceInfo
from slowfast_live.inference.openvino_backend import OpenVinoBackend
from slowfast_live.inference.spec import Registry, load
from slowfast_live.pipeline import Pipeline
from slowfast_live.sources.base import Picture
from slowfast_live.teaching.building import is_taught
from slowfast_live.types import U8, ReadoutState, SourceInfo, SourceKind, SourceSpec
from slowfast_live.ui.app import AppOptions, LiveApp, Services
from tests.ui.fakes import FakeCameras

CAMERA = SourceSpec(SourceKind.CAMERA, "0", "Webcam")
WAIT_MS = 240_000
FPS = 15.0


class Actor:
    """What happens before the camera: an arm goes up and down, a leg to the side, or the person sways."""

    def __init__(self) -> None:
        self.doing = "nothing"

    def picture(self, t_s: float) -> U8:
        image = np.full((120, 160, 3), 150, np.uint8)
        swing = math.sin(2 * math.pi * t_s / 1.0)
        x, arm, leg = 80, 0.4, 0.1
        if self.doing == "raising an arm":
            arm = 1.5 + 1.2 * swing
        elif self.doing == "kicking sideways":
            leg = 0.6 + 0.5 * swing
        elif self.doing == "swaying":
            x = round(80 + 25 * swing)
        cv2.line(image, (x, 45), (x, 75), (60, 40, 180), 12)
        cv2.circle(image, (x, 34), 9, (140, 170, 210), -1)
        for side, angle in ((1, arm), (-1, 0.4)):
            cv2.line(image, (x, 50), (round(x + side * 30 * math.sin(angle)), round(50 + 30 * math.cos(angle))), 0, 6)
        for side, angle in ((1, leg), (-1, 0.1)):
            cv2.line(image, (x, 75), (round(x + side * 38 * math.sin(angle)), round(75 + 38 * math.cos(angle))), 0, 7)
        return image


class FakeWebcam:
    """Delivers the actor's pictures as a camera does, at the rate of the clock."""

    zero_s = 0.0
    warning = ""

    def __init__(self, actor: Actor) -> None:
        self._actor, self._next_s = actor, time.monotonic()

    def open(self) -> SourceInfo:
        return SourceInfo(160, 120, FPS)

    def read(self) -> Picture:
        time.sleep(max(0.0, self._next_s - time.monotonic()))
        self._next_s = max(self._next_s + 1 / FPS, time.monotonic() - 0.1)
        now_s = time.monotonic()
        image = self._actor.picture(now_s)
        image.flags.writeable = False
        return Picture(image, now_s)

    def seek(self, t_s: float) -> None:
        raise NotImplementedError

    def close(self) -> None:
        pass


class Room:
    """The window before a webcam."""

    def __init__(self, live: LiveApp, actor: Actor, qtbot: Any) -> None:
        self.live, self.actor, self.qtbot = live, actor, qtbot
        self.window = live.window

    def wait(self, test: Any) -> None:
        self.qtbot.waitUntil(lambda: bool(test()), timeout=WAIT_MS)


@pytest.fixture
def room(qapp: QApplication, qtbot: Any, tmp_path: Path) -> Iterator[Room]:
    actor = Actor()
    history = History()
    live = LiveApp(
        qapp,
        AppOptions(source=CAMERA, settings_path=tmp_path / "settings.json"),
        Services(
            pipeline=lambda: Pipeline(
                OpenVinoBackend(tmp_path / "cache"), lambda spec: FakeWebcam(actor), history=history
            ),
            cameras=FakeCameras((CAMERA,)),
            devices=lambda: [DeviceInfo("CPU", "CPU")],
            registry=Registry(),
            history=history,
        ),
    )
    qtbot.addWidget(live.window)
    live.start()
    room = Room(live, actor, qtbot)
    room.wait(lambda: live.controller.models and live.pipeline.status().model)
    yield room
    live.close()


@pytest.mark.timeout(900)
def test_three_actions_are_taught_before_the_webcam_and_recognized(room: Room) -> None:
    window, qtbot, teaching = room.window, room.qtbot, room.window.teaching
    window.actions_by_id["teach"].trigger()
    dialog = teaching.dialog
    assert dialog is not None
    teaching.recorder.ready_s, teaching.recorder.take_s = 0.3, 2.2
    room.wait(lambda: dialog.isVisible() and not teaching.lesson.busy and room.live.pipeline.status().info)
    actions = ("raising an arm", "kicking sideways", "swaying")
    for action in actions:
        dialog.action.setText(action)
        qtbot.mouseClick(dialog.add_action, Qt.MouseButton.LeftButton)
        assert dialog.label == action
        room.actor.doing = action
        for count in (1, 2):
            room.wait(lambda: dialog.isVisible() and dialog.take.isEnabled())
            qtbot.mouseClick(dialog.take, Qt.MouseButton.LeftButton)
            room.wait(teaching.countdown.isVisible)
            room.wait(lambda action=action, count=count: len(teaching.lesson.takes_of(action)) == count)
    room.actor.doing = "nothing"
    dialog.choose("")
    for count in (1, 2):
        room.wait(lambda: dialog.isVisible() and dialog.take.isEnabled())
        qtbot.mouseClick(dialog.take, Qt.MouseButton.LeftButton)
        room.wait(lambda count=count: len(teaching.lesson.takes_of("")) == count)
    assert not teaching.countdown.isVisible()
    dialog.title.setText("My gym")
    room.wait(lambda: dialog.isVisible() and dialog.learn.isEnabled())
    qtbot.mouseClick(dialog.learn, Qt.MouseButton.LeftButton)
    room.wait(lambda: dialog.report.text() and dialog.use.isVisible())
    assert "takes that it had not seen" in dialog.report.text()

    folder = paths.user_models_dir() / "my-gym-int8"
    spec = load(folder)
    assert is_taught(spec)
    assert spec.labels == (*actions, "none of these")
    qtbot.mouseClick(dialog.use, Qt.MouseButton.LeftButton)
    room.wait(lambda: room.live.pipeline.status().model == "my-gym-int8")
    for action in actions:
        room.actor.doing = action
        room.wait(lambda action=action: room.live.pipeline.readout().label == action)
    room.actor.doing = "nothing"
    room.wait(lambda: room.live.pipeline.readout().state is not ReadoutState.ACTION)


@pytest.mark.timeout(900)
def test_what_a_camera_showed_before_is_taken_from_the_last_seconds(room: Room) -> None:
    qtbot, teaching = room.qtbot, room.window.teaching
    room.window.actions_by_id["teach"].trigger()
    dialog, lesson = teaching.dialog, teaching.lesson
    room.wait(lambda: dialog.isVisible() and not lesson.busy and dialog.unseen.isEnabled())
    kept = room.live.recording.last_frames
    room.wait(lambda: len(kept()) > 1 and kept()[-1].source_s - kept()[0].source_s > 3)
    shown_until_s = kept()[-1].source_s
    qtbot.mouseClick(dialog.unseen, Qt.MouseButton.LeftButton)
    assert dialog.isVisible(), "nobody has to stand before the camera once more"
    assert not teaching.countdown.isVisible()
    room.wait(lambda: len(lesson.takes_of("")) == 1)
    _source, begin_s, end_s = teaching._used[0]
    assert begin_s < shown_until_s
    assert 3 < lesson.takes_of("")[0].length_s <= end_s - begin_s + 0.1

    room.live.recording.keep_last(False)
    qtbot.mouseClick(dialog.unseen, Qt.MouseButton.LeftButton)
    assert "Keep the last 30 seconds" in dialog.message.text()
    assert len(lesson.takes_of("")) == 1


@pytest.mark.timeout(900)
def test_videos_of_examples_are_kept_only_if_wanted(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    window, qtbot, teaching = room.window, room.qtbot, room.window.teaching
    window.actions_by_id["teach"].trigger()
    dialog, lesson = teaching.dialog, teaching.lesson
    teaching.recorder.ready_s, teaching.recorder.take_s = 0.1, 2.0
    room.wait(lambda: dialog.isVisible() and not lesson.busy and room.live.pipeline.status().info)

    def clips() -> list[str]:
        return [path.name for path in lesson.folder.glob("clip-*")] if lesson.folder.exists() else []

    def take_one(count: int) -> None:
        room.wait(lambda: dialog.isVisible() and dialog.take.isEnabled())
        qtbot.mouseClick(dialog.take, Qt.MouseButton.LeftButton)
        room.wait(lambda: len(lesson.takes) == count and not lesson.busy)

    dialog.action.setText("swaying")
    qtbot.mouseClick(dialog.add_action, Qt.MouseButton.LeftButton)
    assert not dialog.keep_clips.isChecked()
    assert "not as a video" in dialog.privacy.text()
    take_one(1)
    assert clips() == []
    qtbot.mouseClick(dialog.keep_clips, Qt.MouseButton.LeftButton)
    assert "kept as videos, too" in dialog.privacy.text()
    take_one(2)
    kept = lesson.takes[-1]
    assert clips() == [kept.clip]
    opened: list[Path] = []
    monkeypatch.setattr("slowfast_live.ui.teaching.feature.open_file", lambda path: opened.append(path) or True)
    dialog.examples.itemActivated.emit(dialog.examples.item(1))
    assert opened == [lesson.folder / kept.clip]
    dialog.examples.itemActivated.emit(dialog.examples.item(0))
    assert "without its video" in dialog.message.text()

    room.wait(lambda: dialog.isVisible() and dialog.take.isEnabled())
    qtbot.mouseClick(dialog.take, Qt.MouseButton.LeftButton)
    room.wait(lambda: len(list(lesson.folder.glob("clip-*"))) == 2)
    teaching.recorder.cancel()
    room.wait(lambda: clips() == [kept.clip])
    lesson.remove([kept])
    assert clips() == [kept.clip], "so that it can be restored"
    lesson.close()
    assert clips() == []
