"""The app as a process of its own: it ends by itself, on a signal, and puts Qt's messages into the log."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtCore import QObject
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from slowfast_live.ui.app import QuitSignals

SCRIPT = """
import json, logging, sys
from pathlib import Path
logging.basicConfig(level=logging.INFO, stream=sys.stderr)
from PySide6.QtCore import QTimer, qWarning
from slowfast_live.types import SourceKind, SourceSpec
from slowfast_live.ui.app import AppOptions, Services, run
from tests.ui.fakes import DEVICES, FakeCameras, FakePipeline, FakeRegistry

def say_it_runs():
    qWarning("a word from Qt")
    print("running", flush=True)

def say_it_is_over(facts):
    print(json.dumps([facts.exit_reason, facts.frames_shown > 0]), flush=True)

def pipeline():
    made = FakePipeline(size=(320, 180))
    made.start_frames()
    QTimer.singleShot(0, say_it_runs)
    return made

quit_after = float(sys.argv[2]) if len(sys.argv) > 2 else None
options = AppOptions(
    source=SourceSpec(SourceKind.FILE, "x.mp4"), settings_path=Path(sys.argv[1]), quit_after_s=quit_after
)
code = run(options, Services(pipeline, FakeCameras(), lambda: list(DEVICES), FakeRegistry(), say_it_is_over))
torch_loaded = [name for name in ("torch", "openvino") if name in sys.modules]
print("code", code, torch_loaded, flush=True)
sys.exit(code)
"""


def start(tmp_path: Path, *args: str) -> subprocess.Popen[str]:
    root = Path(__file__).resolve().parents[2]
    path = os.pathsep.join([str(root), *os.environ.get("PYTHONPATH", "").split(os.pathsep)])
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(tmp_path / "settings.json"), *args],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": path.rstrip(os.pathsep)},
    )


def test_it_ends_by_itself(tmp_path: Path) -> None:
    process = start(tmp_path, "3")
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert '["quit-after", true]' in out, out + err
    assert "code 0 []" in out, "neither torch nor openvino is needed by the window itself"
    assert "WARNING:qt:a word from Qt" in err
    assert (tmp_path / "settings.json").is_file()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows ends processes without a signal to catch")
@pytest.mark.parametrize("which", [signal.SIGINT, signal.SIGTERM])
def test_signals_close_the_window(tmp_path: Path, which: signal.Signals) -> None:
    process = start(tmp_path)
    assert process.stdout is not None
    for line in process.stdout:
        if line.strip() == "running":
            break
    process.send_signal(which)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert f'["{which.name}", true]' in out or f'["{which.name}", false]' in out


def test_a_signal_before_the_window_is_built_closes_it_once_it_is(qapp: QApplication, qtbot: QtBot) -> None:
    closed: list[str] = []

    class Window(QObject):
        def quit(self, reason: str) -> None:
            closed.append(reason)

    signals, window = QuitSignals(), Window()
    try:
        os.kill(os.getpid(), signal.SIGINT)  # raises nothing: Qt may be at work
        signals.attach(window)  # type: ignore[arg-type]
        qtbot.waitUntil(lambda: closed == ["SIGINT"])
    finally:
        signals.restore()
