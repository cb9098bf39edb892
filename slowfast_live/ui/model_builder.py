"""Runs the build program in a process of its own. Nothing of it is imported here, torch least of all."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import logging
import os
import shutil
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import psutil
from PySide6.QtCore import QObject, QProcess, QProcessEnvironment, QTimer, Signal

from slowfast_live import paths
from slowfast_live.errors import ModelError
from slowfast_live.ui.model_catalogue import Buildable, parse_listing

log = logging.getLogger(__name__)

NEEDED = ("torch", "torchvision", "pytorchvideo", "onnx", "onnxruntime", "nncf", "httpx")
"""What building needs beyond what the window needs."""
PATIENCE_MS = 3000
"""So long a cancelled build may take to clear up before it is killed."""
_LOG_LINES = 2000
_LIST_TIMEOUT_S = 120.0
_NICE = 10
_LINE_BYTES = 1 << 16


def missing_packages(needed: Sequence[str] = NEEDED) -> list[str]:
    """Return which packages are not installed, without importing any."""
    importlib.invalidate_caches()
    return [name for name in needed if importlib.util.find_spec(name) is None]


def install_command() -> str:
    """Return the one command that installs what building needs, for the Python that runs this."""
    clone = Path(__file__).resolve().parents[2]
    python = _quoted(sys.executable)
    if not (clone / "pyproject.toml").is_file():
        return f"{python} -m pip install {_quoted('slowfast-live[build]')}"
    pinned = clone / "constraints.txt"
    given = f" -c {_quoted(str(pinned))}" if pinned.is_file() else ""
    return f"{python} -m pip install{given} -e {_quoted(f'{clone}[build]')}"


def _quoted(text: str) -> str:
    mark = '"' if os.name == "nt" or "'" in text else "'"
    return f"{mark}{text}{mark}" if set(text) & set(" []()&'") else text


def output_folder() -> Path:
    """Return where models are built to: a clone's `models/` if it can be written, else the user's own folder."""
    bundled, clone = paths.bundled("models"), Path(__file__).resolve().parents[2]
    there = bundled if bundled.is_dir() else bundled.parent
    if (clone / "pyproject.toml").is_file() and os.access(there, os.W_OK):
        return bundled
    return paths.user_models_dir()


@dataclass(frozen=True, slots=True)
class BuildTools:
    """What builds.

    Attributes:
        program: The build program and its first arguments.
        output: Folder that gets the model folders; None for the usual one.
        needed: Packages without which it cannot build.
    """

    program: tuple[str, ...] = (sys.executable, "-m", "slowfast_live.build")
    output: Path | None = None
    needed: tuple[str, ...] = NEEDED

    def catalogue(self) -> list[Buildable]:
        """Ask the build program what can be built; takes a second, so call it on a thread.

        Raises:
            ModelError: It does not answer, or not with a list.
        """
        words = [*self.program, "--list", "--json"]
        try:
            told = subprocess.run(
                words, cwd=_root(), capture_output=True, timeout=_LIST_TIMEOUT_S, check=True, env=_environment()
            )
        except (OSError, subprocess.SubprocessError) as error:
            details = getattr(error, "stderr", None) or repr(error).encode()
            text = "What can be built cannot be listed: the build program gave no answer. The log says why."
            raise ModelError(text, details.decode(errors="replace")) from error
        return parse_listing(told.stdout)


def _root() -> Path:
    """The folder that holds the package, so that the process finds the same one."""
    return Path(__file__).resolve().parents[2]


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8", "NO_COLOR": "1"}


@dataclass(frozen=True, slots=True)
class Order:
    """What to build.

    Attributes:
        name: The network.
        title: What the window calls it.
        precisions: "FP32", "FP16", "INT8".
        checkpoint: A file with its weights; the published ones where None.
        random: Random weights instead: to try the speed without a download.
    """

    name: str
    title: str
    precisions: tuple[str, ...] = ("FP16", "INT8")
    checkpoint: Path | None = None
    random: bool = False

    @property
    def folder_stem(self) -> str:
        """First part of the names of the folders that it makes."""
        return f"{self.name}-untrained" if self.random else self.name

    def arguments(self, output: Path) -> list[str]:
        """Return the build program's arguments."""
        words = [self.name, "--progress", "json", "--output", str(output)]
        for precision in self.precisions:
            words += ["--precision", precision.lower()]
        if self.checkpoint is not None:
            words += ["--checkpoint", str(self.checkpoint)]
        return [*words, "--random-weights"] if self.random else words


class Progress(msgspec.Struct, frozen=True):
    """One line of the build program: `fraction` 0..1, None where it does not know."""

    step: str
    message: str = ""
    model: str = ""
    precision: str = ""
    fraction: float | None = None


@dataclass(slots=True)
class Outcome:
    """How a build ended.

    Attributes:
        order: What was to be built.
        done: It is built.
        cancelled: The user ended it.
        message: One sentence.
        log: The last lines that the program wrote.
    """

    order: Order
    done: bool
    cancelled: bool
    message: str
    log: str = field(default="", repr=False)


class ModelBuilder(QObject):
    """Builds one model at a time; outlives the dialog that shows it. All signals come on the GUI thread.

    Args:
        tools: What builds.
        parent: Qt's owner.
    """

    started = Signal(object)
    """`Order`."""
    progress = Signal(object)
    """`Progress`."""
    logged = Signal(list)
    """New lines of the log."""
    finished = Signal(object)
    """`Outcome`."""

    def __init__(self, tools: BuildTools | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.tools = tools or BuildTools()
        self.order: Order | None = None
        self.latest: Progress | None = None
        self.log: deque[str] = deque(maxlen=_LOG_LINES)
        self._process: QProcess | None = None
        self._cancelled = False
        self._failure = ""
        self._rest = {QProcess.ProcessChannel.StandardOutput: b"", QProcess.ProcessChannel.StandardError: b""}
        self._pid = 0
        self._killer = QTimer(self)
        self._killer.setSingleShot(True)
        self._killer.timeout.connect(self._kill)

    @property
    def output(self) -> Path:
        """Folder that gets the model folders."""
        return self.tools.output or output_folder()

    @property
    def busy(self) -> bool:
        """Whether a build is under way."""
        return self._process is not None

    @property
    def cancelling(self) -> bool:
        """Whether the build under way was cancelled and clears up."""
        return self._cancelled and self.busy

    @property
    def pid(self) -> int:
        """Process number of the build under way, 0 without one."""
        return self._pid

    def start(self, order: Order) -> bool:
        """Start a build; returns False where one is under way already."""
        if self._process is not None:
            return False
        output = self.output
        process = QProcess(self)
        environment = QProcessEnvironment()
        for name, value in _environment().items():
            environment.insert(name, value)
        process.setProcessEnvironment(environment)
        process.setWorkingDirectory(str(_root()))
        program, *first = self.tools.program
        process.setProgram(program)
        process.setArguments([*first, *order.arguments(output)])
        if os.name == "posix":
            # In a session of its own a signal reaches all that it starts, and Ctrl-C in our terminal does not.
            parameters = QProcess.UnixProcessParameters()
            parameters.flags = QProcess.UnixProcessFlag.CreateNewSession
            process.setUnixProcessParameters(parameters)
        process.readyReadStandardOutput.connect(self._read_output)
        process.readyReadStandardError.connect(self._read_error)
        process.started.connect(self._has_started)
        process.errorOccurred.connect(self._process_error)
        process.finished.connect(self._has_finished)
        self._process, self.order, self.latest = process, order, None
        self._cancelled, self._failure, self._pid = False, "", 0
        self._rest = dict.fromkeys(self._rest, b"")
        self.log.clear()
        self.started.emit(order)
        process.start(QProcess.OpenModeFlag.ReadOnly)
        return True

    def cancel(self) -> None:
        """Ask the build to end and clear up; after three seconds it is killed."""
        if self._process is None or self._cancelled:
            return
        self._cancelled = True
        self._terminate()
        self._killer.start(PATIENCE_MS)

    def close(self) -> None:
        """End the build under way, at the end of the app; bounded."""
        process = self._process
        if process is None:
            return
        process.blockSignals(True)
        self._killer.stop()
        if not self._cancelled:
            self._cancelled = True
            self._terminate()
        if not process.waitForFinished(PATIENCE_MS // 2):
            self._kill()
            process.waitForFinished(1000)
        self._clear_leftovers()
        self._process = None

    # The process

    def _has_started(self) -> None:
        assert self._process is not None
        self._pid = int(self._process.processId())
        with contextlib.suppress(psutil.Error, OSError):
            # What runs in the window goes first.
            psutil.Process(self._pid).nice(getattr(psutil, "BELOW_NORMAL_PRIORITY_CLASS", _NICE))
        if self._cancelled:
            self._terminate()

    def _terminate(self) -> None:
        """End the program and all that it started. Windows knows no polite way for one without a window."""
        if self._pid and os.name == "posix":
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._pid, signal.SIGTERM)
        elif self._pid:
            self._kill()

    def _kill(self) -> None:
        if not self._pid:
            if self._process is not None:
                self._process.kill()
            return
        if os.name == "posix":
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._pid, signal.SIGKILL)
            return
        with contextlib.suppress(psutil.Error):
            parent = psutil.Process(self._pid)
            for process in [*parent.children(recursive=True), parent]:
                with contextlib.suppress(psutil.Error):
                    process.kill()

    def _read_output(self) -> None:
        assert self._process is not None
        for line in self._lines(QProcess.ProcessChannel.StandardOutput):
            self._told(line)

    def _read_error(self) -> None:
        assert self._process is not None
        self._log(self._lines(QProcess.ProcessChannel.StandardError))

    def _lines(self, channel: QProcess.ProcessChannel, *, last: bool = False) -> list[str]:
        """Return the complete lines that came; with `last` also the one without an end."""
        assert self._process is not None
        self._process.setReadChannel(channel)
        data = self._rest[channel] + bytes(self._process.readAll().data())
        # A bar drawn with carriage returns is one line after another, too.
        *lines, rest = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        if last or len(rest) > _LINE_BYTES:
            lines, rest = [*lines, rest], b""
        self._rest[channel] = rest
        return [text for line in lines if (text := line.decode("utf-8", "replace").rstrip())]

    def _told(self, line: str) -> None:
        try:
            told = msgspec.json.decode(line, type=Progress)
        except msgspec.DecodeError:
            self._log([line])
            return
        if told.step == "failed":
            self._failure = told.message
        self.latest = told
        where = f"{told.precision}: " if told.precision else ""
        if told.step != "download":
            self._log([f"[{told.step}] {where}{told.message}"])
        self.progress.emit(told)

    def _log(self, lines: list[str]) -> None:
        if lines:
            self.log.extend(lines)
            self.logged.emit(lines[-_LOG_LINES:])

    def _process_error(self, error: QProcess.ProcessError) -> None:
        if error is QProcess.ProcessError.FailedToStart and self._process is not None:
            self._failure = f"{self.tools.program[0]} cannot be started: {self._process.errorString()}."
            self._end(False)

    def _has_finished(self, code: int, status: QProcess.ExitStatus) -> None:
        for line in self._lines(QProcess.ProcessChannel.StandardOutput, last=True):
            self._told(line)
        self._log(self._lines(QProcess.ProcessChannel.StandardError, last=True))
        well = status is QProcess.ExitStatus.NormalExit and code == 0
        if not well and not self._failure:
            last = next((line for line in reversed(self.log) if not line.startswith("[")), "")
            ended = f"exit code {code}" if status is QProcess.ExitStatus.NormalExit else "it crashed or was killed"
            self._failure = last or f"The build program ended early: {ended}."
        self._end(well)

    def _end(self, well: bool) -> None:
        process, order = self._process, self.order
        assert process is not None and order is not None
        if os.name == "posix" and self._pid:
            self._kill()  # whatever it started and left behind
        self._killer.stop()
        self._clear_leftovers()
        self._process, self._pid = None, 0
        process.deleteLater()
        # A build that was complete when it was cancelled is complete.
        cancelled = self._cancelled and not well
        if well:
            message = f"{order.title} is built: {', '.join(order.precisions)}."
        elif cancelled:
            message = f"Building {order.title} was cancelled. Nothing half-made was left."
        else:
            message = self._failure
            log.warning("building %s failed: %s", order.name, message)
        self.finished.emit(Outcome(order, well, cancelled, message, "\n".join(self.log)))

    def _clear_leftovers(self) -> None:
        """Remove what a killed build could not remove itself; its folder bears its process number."""
        if self._pid:
            with contextlib.suppress(OSError):
                for folder in self.output.glob(f".building-{self._pid}-*"):
                    shutil.rmtree(folder, ignore_errors=True)
