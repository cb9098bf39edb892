"""A program in a child process: its lines, its end, and all that it started."""

import signal
import sys
import threading
from pathlib import Path

import psutil
import pytest

from slowfast_live import child_process
from slowfast_live.child_process import ChildProcess
from tests.waiting import eventually


class Run:
    """A run, and what came of it."""

    def __init__(self, code: str, *, program: str = sys.executable) -> None:
        self.output: list[str] = []
        self.log: list[str] = []
        self.ends: list[int | OSError] = []
        self.first = threading.Event()
        self.program = ChildProcess([program, "-c", code], self._take, self.log.extend, self.ends.append)

    def _take(self, lines: list[str]) -> None:
        self.output += lines
        self.first.set()

    def end(self) -> int | OSError:
        assert self.program.join(60)
        (end,) = self.ends
        return end


def test_lines_and_exit_code() -> None:
    run = Run(r"import sys; sys.stdout.write('a\r\nb\rc\n\nlast'); sys.stderr.write('why\n'); sys.exit(3)")
    run.program.start()
    assert run.end() == 3
    assert run.output == ["a", "b", "c", "last"] and run.log == ["why"]


def test_a_line_without_an_end_is_cut() -> None:
    run = Run("print('x' * 1_000_000)")
    run.program.start()
    assert run.end() == 0
    assert "".join(run.output) == "x" * 1_000_000 and max(map(len, run.output)) <= 1 << 17


def test_a_program_that_does_not_exist(tmp_path: Path) -> None:
    run = Run("", program=str(tmp_path / "none"))
    run.program.start()
    end = run.end()
    assert isinstance(end, FileNotFoundError) and end.filename == str(tmp_path / "none")
    assert run.program.pid == 0
    run.program.cancel()
    run.program.kill()


def test_canceled_before_it_has_started() -> None:
    run = Run("import time; time.sleep(600)")
    run.program.cancel()
    run.program.start()
    assert run.end() != 0 and run.program.cancelled


def test_it_can_clean_up_when_it_is_canceled() -> None:
    number = "SIGBREAK" if sys.platform == "win32" else "SIGTERM"
    run = Run(
        "import signal, sys, time\n"
        f"signal.signal(signal.{number}, lambda *_: (print('cleaned up', flush=True), sys.exit(5)))\n"
        "print('ready', flush=True)\ntime.sleep(600)"
    )
    run.program.start()
    assert run.first.wait(60)
    run.program.cancel()
    run.program.cancel()
    assert run.end() == 5 and run.output == ["ready", "cleaned up"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signal to ignore")
def test_a_program_that_does_not_end_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child_process, "PATIENCE_S", 0.1)
    run = Run(
        "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('ready', flush=True)\n"
        "time.sleep(600)"
    )
    run.program.start()
    assert run.first.wait(60)
    run.program.cancel()
    assert run.end() == -signal.SIGKILL


def test_what_it_started_and_left_behind_ends_with_it() -> None:
    """A process that holds the pipe does not delay the end either."""
    run = Run(
        "import subprocess, sys\n"
        "left = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\nprint(left.pid)"
    )
    run.program.start()
    assert run.end() == 0
    pid = int(run.output[0])
    eventually(lambda: _has_ended(pid))  # the system ends a killed process when it is next scheduled


def _has_ended(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE  # a container may not reap it
    except psutil.NoSuchProcess:
        return True
