"""Odd input in the real window: each gets its message, and the app goes on."""

import os
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtWidgets import QApplication

from slowfast_live.inference.devices import list_devices
from slowfast_live.inference.openvino_backend import OpenVinoBackend
from slowfast_live.inference.spec import Registry
from slowfast_live.pipeline import Pipeline
from slowfast_live.sources import make_source, parse_source
from slowfast_live.types import Notice, PipelineState, ReadoutState
from slowfast_live.ui.app import AppOptions, LiveApp, Services

pytestmark = [
    pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="the ffmpeg command makes the videos"),
    pytest.mark.timeout(180),
]
WAIT_MS = 30_000


class NoCameras:
    version = 1

    def cameras(self) -> list[Any]:
        return []


def encode(path: Path, *arguments: str, source: str = "testsrc2=size=160x120:rate=30", seconds: float = 4) -> Path:
    command = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", source, "-t", str(seconds), *arguments, str(path)]
    subprocess.run(command, check=True, timeout=120)
    return path


class Desk:
    def __init__(self, live: LiveApp, qtbot: Any) -> None:
        self.live, self.qtbot = live, qtbot
        self.notices: list[Notice] = []
        live.poller.notice.connect(self.notices.append)
        live.controller.notice.connect(self.notices.append)

    def wait(self, test: Callable[[], object]) -> None:
        self.qtbot.waitUntil(lambda: bool(test()), timeout=WAIT_MS)

    def open(self, address: object) -> None:
        self.live.controller.open_source(parse_source(str(address)))

    def plays(self, name: str) -> None:
        """Wait until the source of that name is on the screen."""
        self.wait(lambda: (s := self.live.pipeline.status()).source and s.source.name == name and not s.opening)
        shown = self.live.window.shown_frames
        self.wait(lambda: self.live.window.shown_frames > shown)

    def complains(self, *words: str) -> None:
        self.wait(lambda: any(all(word in n.message for word in words) for n in self.notices))
        bar = self.live.window.notice_bar
        assert bar.isVisible()


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return encode(tmp_path_factory.mktemp("good") / "good.mp4", "-pix_fmt", "yuv420p", seconds=30)


@pytest.fixture
def desk(qapp: QApplication, qtbot: Any, registry: Registry, tmp_path: Path, good: Path) -> Iterator[Desk]:
    live = LiveApp(
        qapp,
        AppOptions(
            source=parse_source(str(good)), model="tiny_trained-fp32", settings_path=tmp_path / "s.json", loop=True
        ),
        Services(
            lambda: Pipeline(OpenVinoBackend(tmp_path / "cache"), make_source),
            NoCameras(),
            list_devices,
            registry,
        ),
    )
    live.start()
    desk = Desk(live, qtbot)
    desk.plays("good.mp4")
    yield desk
    live.window.close()
    assert live.pipeline.status().state is PipelineState.IDLE


def test_what_is_no_video_is_told_and_the_old_one_goes_on(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("I am no video. " * 100)
    (tmp_path / "empty.mp4").touch()
    encode(tmp_path / "sound.mp4", source="sine", seconds=1)
    for name in ("text.mp4", "empty.mp4", "sound.mp4"):
        desk.open(tmp_path / name)
        desk.complains(name)
        desk.plays("good.mp4")
    desk.live.controller.open_text("/nowhere/at/all.mp4")
    desk.complains("all.mp4")
    if os.getuid() != 0:
        (tmp_path / "secret.mp4").write_bytes(b"x")
        (tmp_path / "secret.mp4").chmod(0)
        desk.open(tmp_path / "secret.mp4")
        desk.complains("secret.mp4")
    desk.plays("good.mp4")


def test_a_url_that_never_answers(desk: Desk) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        desk.open(f"http://{address}/video")
        desk.wait(lambda: desk.live.pipeline.status().opening)
        shown = desk.live.window.shown_frames
        desk.wait(lambda: desk.live.window.shown_frames > shown)  # the old one goes on meanwhile
        desk.complains(address)
    desk.plays("good.mp4")


def test_a_file_shorter_than_the_span_says_so(desk: Desk, tmp_path: Path) -> None:
    encode(tmp_path / "short.mp4", "-pix_fmt", "yuv420p", seconds=1)
    desk.open(tmp_path / "short.mp4")
    desk.plays("short.mp4")
    desk.wait(lambda: desk.live.poller.latest_readout.state is ReadoutState.TOO_SHORT)


def test_a_file_that_ends_in_the_middle_of_a_frame(desk: Desk, tmp_path: Path) -> None:
    whole = encode(tmp_path / "whole.mkv", "-c:v", "mpeg4", "-q:v", "5", seconds=6).read_bytes()
    (tmp_path / "cut.mkv").write_bytes(whole[: len(whole) // 3])
    desk.live.controller.set_loop(False)
    desk.open(tmp_path / "cut.mkv")
    desk.plays("cut.mkv")
    desk.complains("cut.mkv")
    desk.open(tmp_path / "whole.mkv")
    desk.plays("whole.mkv")


KINDS = {
    "portrait.mp4": (["-pix_fmt", "yuv420p"], "testsrc2=size=120x200:rate=30"),
    "slow.mp4": (["-pix_fmt", "yuv420p"], "testsrc2=size=160x120:rate=10"),
    "fast.mp4": (["-pix_fmt", "yuv420p"], "testsrc2=size=160x120:rate=120"),
    "grey.mkv": (["-pix_fmt", "gray", "-c:v", "ffv1"], "testsrc2=size=160x120:rate=30"),
    "alpha.webm": (["-pix_fmt", "yuva420p", "-c:v", "libvpx-vp9", "-deadline", "realtime"], "testsrc2=size=160x120"),
    "moving.gif": ([], "testsrc2=size=80x60:rate=20"),
    "uhd.mp4": (["-pix_fmt", "yuv420p", "-preset", "ultrafast"], "testsrc2=size=3840x2160:rate=10"),
}


@pytest.mark.parametrize("name", KINDS)
def test_odd_videos_are_shown_and_recognized(desk: Desk, tmp_path: Path, name: str) -> None:
    arguments, source = KINDS[name]
    desk.open(encode(tmp_path / name, *arguments, source=source, seconds=4))
    desk.plays(name)
    desk.wait(lambda: (p := desk.live.pipeline.prediction()) is not None and p.t_end_s >= 2.1 - 1e-3)
    assert desk.live.poller.latest_readout.top or desk.live.pipeline.readout().top
    assert not [n for n in desk.notices if n.level.value == "error"]
