"""Ctrl-C and SIGTERM end every command, whatever it waits for."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from slowfast_live import ending
from slowfast_live.errors import SourceError
from slowfast_live.sources.base import Picture
from slowfast_live.sources.bounded import BoundedSource
from slowfast_live.types import SourceInfo

pytestmark = [
    pytest.mark.timeout(240),
    pytest.mark.skipif(sys.platform == "win32", reason="Windows ends processes without a signal to catch"),
]
PATIENCE_S = 120.0

STUCK = """
import hashlib, os, sys
def stuck(*args, **options):
    os.write(1, b"stuck\\n")
    # Two hours in C, without Python's lock and deaf to signals, as a read from a drive that is gone.
    hashlib.pbkdf2_hmac("sha512", b"x", b"y", 2**31 - 1)
"""
COMMAND = (
    STUCK
    + """
import importlib
module, name = sys.argv[1].split(":")
owner = importlib.import_module(module)
*path, last = name.split(".")
for part in path:
    owner = getattr(owner, part)
setattr(owner, last, stuck)
program = sys.argv[2]
sys.argv[1:] = sys.argv[3:]
if program == "build_models":
    from slowfast_live.tools.convert.cli import main
else:
    from slowfast_live.cli import main
sys.exit(main())
"""
)


def child(tmp_path: Path, code: str, *words: str) -> subprocess.Popen[str]:
    environment = {
        **os.environ,
        "QT_QPA_PLATFORM": "offscreen",
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "XDG_DATA_HOME": str(tmp_path / "data"),
        "HOME": str(tmp_path),
    }
    return subprocess.Popen(
        [sys.executable, "-c", code, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        cwd=Path(__file__).parents[1],
    )


def wait_for(process: subprocess.Popen[str], word: str) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        if word in line:
            return
    assert process.stderr is not None
    pytest.fail(f"it never came to {word!r}: {process.stderr.read()}")


def end(process: subprocess.Popen[str], number: int) -> tuple[int, str]:
    """Send a signal and return the exit code and standard error; what does not end is killed, and fails."""
    process.send_signal(number)
    try:
        _out, errors = process.communicate(timeout=PATIENCE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        pytest.fail(f"{signal.Signals(number).name} did not end it")
    return process.returncode, errors


# What each command reads, and where it reads it.
BLOCKED = {
    "devices": ("slowfast_live.inference.devices:list_devices", "slowfast-live", ("devices",)),
    "models": ("slowfast_live.inference.spec:Registry.scan", "slowfast-live", ("models",)),
    "analyze, finding its files": ("pathlib:Path.exists", "slowfast-live", ("analyze", "x.mp4")),
    "bench": ("slowfast_live.inference.devices:list_devices", "slowfast-live", ("bench",)),
    "soak": ("slowfast_live.tools.soak.sources:write_video", "slowfast-live", ("soak", "--minutes", "1")),
    "window, before it opens": ("pathlib:Path.exists", "slowfast-live", ("--source", "x.mp4")),
    "window, opening its source": (
        "slowfast_live.sources.file:FileSource.open", "slowfast-live", ("--source", "{video}"),
    ),
    "build": ("slowfast_live.tools.convert.catalogue:lookup", "build_models", ("nothing",)),
    "build, listing": ("slowfast_live.tools.convert.cli:listing", "build_models", ("--list",)),
    "evaluate": (
        "slowfast_live.inference.spec:Registry.find", "build_models", ("evaluate", "--model", "x", "--clips", "x"),
    ),
    "train": ("slowfast_live.tools.training.config:load", "build_models", ("train-demo", "--config", "x")),
}  # fmt: skip


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
@pytest.mark.parametrize("command", BLOCKED)
def test_each_command_ends_though_it_is_stuck(tmp_path: Path, command: str, number: int) -> None:
    where, program, words = BLOCKED[command]
    video = Path(__file__).parents[1] / "assets" / "demo.mp4"
    process = child(tmp_path, COMMAND, where, program, *(word.format(video=video) for word in words))
    wait_for(process, "stuck")
    code, errors = end(process, number)
    assert code in (0, ending.INTERRUPTED), errors
    assert "Traceback" not in errors


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    os.mkfifo(tmp_path / "pipe")
    return tmp_path / "pipe"


def is_read(pipe: Path) -> bool:
    """Whether somebody has opened a pipe for reading."""
    try:
        os.close(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK))
    except OSError:
        return False
    return True


def test_a_read_that_hangs_is_left_behind_and_the_rest_is_kept(tmp_path: Path) -> None:
    script = STUCK + (
        "import sys\nfrom slowfast_live import ending\nfrom slowfast_live.sources.bounded import BoundedSource\n"
        "class Gone:\n    zero_s, warning = 0.0, ''\n    open = read = close = stuck\n"
        "ending.GRACE_S = 60.0\n"  # what is kept is the claim here, not how soon on a busy machine
        "with ending.bounded(whole_process=True):\n"
        "    source = BoundedSource(Gone(), 'x.mp4')\n"
        "    try:\n        source.open()\n"
        "    except KeyboardInterrupt:\n        source.close()\n"
        "        print('kept', flush=True)\n        sys.exit(7)\n"
    )
    process = child(tmp_path, script)
    wait_for(process, "stuck")
    process.send_signal(signal.SIGTERM)
    wait_for(process, "kept")
    process.communicate(timeout=PATIENCE_S)
    assert process.returncode in (7, ending.INTERRUPTED)


def test_a_window_that_waits_for_a_dead_server_ends(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/x"
        process = child(tmp_path, "from slowfast_live.cli import main; main()", "--source", url)
        server.settimeout(PATIENCE_S)
        connection, _ = server.accept()
        with connection:
            code, errors = end(process, signal.SIGTERM)
    assert code in (0, ending.INTERRUPTED), errors


def test_a_worker_that_is_ended_does_not_end_who_started_it(tmp_path: Path) -> None:
    script = (
        "import os, signal, time\nfrom slowfast_live import ending\n"
        "ending.GRACE_S = 0.2\n"
        "with ending.bounded(whole_process=True):\n"
        "    worker = os.fork()\n"
        "    if worker == 0:\n        time.sleep(60)\n"
        "    os.kill(worker, signal.SIGTERM)\n"  # perhaps before the worker has run at all
        "    assert os.waitpid(worker, 0)[1] == signal.SIGTERM\n"
        "    time.sleep(1.0)\n"
        "    print('goes on', flush=True)\n"
    )
    process = child(tmp_path, script)
    wait_for(process, "goes on")
    _out, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, errors


def test_handlers_are_put_back_and_nothing_ends_afterwards() -> None:
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    ended: list[int] = []
    with pytest.raises(KeyboardInterrupt), ending.bounded(end=ended.append), ending.bounded(end=ended.append):
        signal.raise_signal(signal.SIGTERM)
        time.sleep(PATIENCE_S)
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before
    assert ended == []
    assert signal.set_wakeup_fd(-1) == -1


def test_other_threads_may_use_it_too() -> None:
    done: list[bool] = []

    def work() -> None:
        with ending.bounded():
            done.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == [True]


class Slow:
    """A source that answers when it is let."""

    zero_s, warning = 0.0, ""

    def __init__(self) -> None:
        self.let, self.closed_by, self.reads = threading.Event(), "", 0

    def open(self) -> SourceInfo:
        return SourceInfo(1, 1)

    def read(self) -> Picture | None:
        self.reads += 1
        self.let.wait()
        return None

    def seek(self, t_s: float) -> None:
        raise SourceError("no such moment")

    def close(self) -> None:
        self.closed_by = threading.current_thread().name


@pytest.fixture
def slow() -> Iterator[Slow]:
    source = Slow()
    yield source
    source.let.set()


def test_a_source_that_does_not_answer_is_given_up_and_closed_by_its_own_thread(slow: Slow) -> None:
    source = BoundedSource(slow, "gone.mp4", answer_s=0.1)
    assert source.open().width == 1
    with pytest.raises(SourceError, match=r"gone\.mp4 gave no answer within 0\.1 s.*network share"):
        source.read()
    with pytest.raises(SourceError, match="given up"):
        source.read()
    source.close()
    source.close()
    assert (slow.reads, slow.closed_by) == (1, "")
    slow.let.set()
    while not slow.closed_by:
        time.sleep(0.01)
    assert slow.closed_by == "read gone.mp4"


def test_what_a_source_raises_comes_through(slow: Slow) -> None:
    slow.let.set()
    source = BoundedSource(slow, "x.mp4")
    source.open()
    with pytest.raises(SourceError, match="no such moment"):
        source.seek(1)
    assert source.read() is None
    source.close()
    assert slow.closed_by == "read x.mp4"


@pytest.mark.parametrize(
    "words",
    [
        ("slowfast_live", "bench", "--from", "{pipe}"),
        ("slowfast_live.tools.convert", "slowfast_r50", "--checkpoint", "x", "--labels", "{pipe}"),
        ("slowfast_live.tools.convert", "--table", "{pipe}"),
    ],
    ids=lambda words: " ".join(words[1:]),
)
def test_a_pipe_without_a_writer_in_place_of_a_file(tmp_path: Path, pipe: Path, words: tuple[str, ...]) -> None:
    script = f"import runpy; runpy.run_module({words[0]!r}, run_name='__main__', alter_sys=True)"
    process = child(tmp_path, script, *(word.format(pipe=pipe) for word in words[1:]))
    while not is_read(pipe) and process.poll() is None:
        time.sleep(0.02)
    if process.poll() is None:
        code, errors = end(process, signal.SIGTERM)
        assert code in (ending.INTERRUPTED, 0), errors
    else:  # refused without waiting is better still
        errors = process.communicate()[1]
    assert "Traceback" not in errors
