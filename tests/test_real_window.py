"""The window as a person uses it: the real program on an X display, mouse and keys from outside."""

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[1]
pytestmark = [
    pytest.mark.xvfb,
    pytest.mark.timeout(240),
    pytest.mark.skipif(
        not all(shutil.which(tool) for tool in ("Xvfb", "xdotool", "ffmpeg")),
        reason="needs Xvfb, xdotool and ffmpeg (see CONTRIBUTING.md)",
    ),
]


@pytest.fixture
def display(tmp_path: Path) -> Iterator[str]:
    read, write = os.pipe()
    log = (tmp_path / "xvfb.log").open("w")
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write), "-screen", "0", "1280x900x24", "-nolisten", "tcp"],
        pass_fds=[write],
        stdout=log,
        stderr=log,
    )
    os.close(write)
    with os.fdopen(read) as numbers:
        yield f":{numbers.readline().strip()}"
    server.terminate()
    server.wait(20)
    log.close()


class Person:
    """Somebody who looks at the screen and uses mouse and keyboard."""

    def __init__(self, display: str, arguments: list[str], tmp_path: Path, models: Path) -> None:
        self.environment = {
            **os.environ,
            "DISPLAY": display,
            "QT_QPA_PLATFORM": "xcb",
            "SLOWFAST_LIVE_MODELS": str(models),
            "PYTHONPATH": str(ROOT),
        }
        self.environment.pop("WAYLAND_DISPLAY", None)
        self.errors = (tmp_path / "stderr.txt").open("w+")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.real_window_driver", *arguments],
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
            env=self.environment,
            cwd=ROOT,
        )
        self.seen: dict[str, Any] = {}
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.seen = json.loads(line)

    def sees(self, what: Callable[[dict[str, Any]], object], message: str, timeout_s: float = 60) -> dict[str, Any]:
        deadline = time.monotonic() + timeout_s
        while not (self.seen and what(self.seen)):
            assert self.process.poll() is None, f"the program ended: {self.said()}"
            assert time.monotonic() < deadline, f"never seen: {message}; last: {self.seen}; {self.said()}"
            time.sleep(0.02)
        return self.seen

    def said(self) -> str:
        self.errors.flush()
        return Path(self.errors.name).read_text()[-2000:]

    def xdotool(self, *arguments: object) -> None:
        subprocess.run(["xdotool", *map(str, arguments)], env=self.environment, check=True, timeout=30)

    def click(self, name: str, across: float = 0.5, repeat: int = 1) -> None:
        self.sees(lambda seen: name in seen["places"], f"a control called {name}")
        x, y, width, height = self.seen["places"][name]
        self.point(x + int(width * across), y + height // 2, repeat)

    def point(self, x: int, y: int, repeat: int = 1) -> None:
        self.xdotool("mousemove", x, y, "click", "--repeat", repeat, "--delay", 60, 1)

    def key(self, *keys: str) -> None:
        self.xdotool("key", *keys)

    def screen(self, path: Path) -> np.ndarray:
        command = ["ffmpeg", "-v", "error", "-y", "-f", "x11grab", "-video_size", "1280x900"]
        display = self.environment["DISPLAY"]
        subprocess.run([*command, "-i", display, "-frames:v", "1", str(path)], check=True, timeout=60)
        return np.asarray(cv2.imread(str(path)))


@pytest.fixture
def video(tmp_path: Path) -> Path:
    path = tmp_path / "moving pattern.mp4"
    command = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=320x240:rate=30", "-t", "20"]
    subprocess.run([*command, "-pix_fmt", "yuv420p", str(path)], check=True, timeout=60)
    return path


def test_a_person_uses_the_window(display: str, tmp_path: Path, tiny_models: Path, video: Path) -> None:
    log = tmp_path / "session.jsonl"
    arguments = ["--source", str(video), "--model", "tiny_trained-fp32", "--session-log", str(log), "--loop"]
    person = Person(display, arguments, tmp_path, tiny_models)
    try:
        person.sees(lambda s: s["shown"] > 30 and s["model"] == "tiny_trained-fp32", "a picture and a model")
        window = subprocess.run(
            ["xdotool", "search", "--sync", "--name", "SlowFast Live"],
            env=person.environment,
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        ).stdout.split()[0]
        person.xdotool("windowfocus", window)

        x, y, width, height = person.seen["canvas"]
        picture = person.screen(tmp_path / "one.png")[y : y + height, x : x + width]
        assert picture.std() > 30, "a picture is on the screen"

        person.click("Pause")
        person.sees(lambda s: s["paused"], "the file is held")
        held = person.seen["position_s"]
        assert person.sees(lambda s: "Play" in s["places"], "the button offers to play")["position_s"] == held

        person.click("Timeline", across=0.8)
        person.sees(lambda s: s["position_s"] > 10, "a click in the timeline goes there")

        person.click("Play")
        person.sees(lambda s: not s["paused"], "it plays again")

        person.click("choose Model")
        person.sees(lambda s: s["popup"], "the list of models is open")
        person.key("End", "Up", "Return")  # the last entry opens the model manager
        person.sees(lambda s: s["model"] == "tiny-fp32" and not s["popup"], "another model runs")

        person.key("question")
        person.sees(lambda s: s["modal"] == "HelpSheet", "the sheet of shortcuts")
        person.key("Escape")
        person.sees(lambda s: s["modal"] is None, "the sheet is closed")

        x, y, width, height = person.seen["canvas"]
        person.point(x + width // 2, y + height // 3, repeat=2)
        person.sees(lambda s: s["full_screen"] and "choose Model" not in s["places"], "full screen by double click")
        person.key("Escape")
        person.sees(lambda s: not s["full_screen"] and "choose Model" in s["places"], "and back")

        person.key("ctrl+d")
        person.sees(lambda s: s["source"] == "Demo" or s["notices"], "the demo, or why there is none")

        person.key("ctrl+q")
        assert person.process.wait(30) == 0, person.said()
    finally:
        person.process.kill()
        person.process.wait(30)
        person.reader.join(10)
        person.process.stdout.close()
        person.errors.close()
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    models = {line["model"] for line in lines if line["type"] == "prediction"}
    assert models == {"tiny_trained-fp32", "tiny-fp32"}
    untrained = [line for line in lines if line.get("model") == "tiny-fp32"]
    assert untrained and all(line["label"] is None for line in untrained)
    assert lines[-1]["type"] == "summary" and lines[-1]["exit_reason"] == "closed" and lines[-1]["frames_shown"] > 30
