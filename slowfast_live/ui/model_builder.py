"""Runs the build program in a process of its own. Nothing of it is imported here, torch least of all."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import logging
import os
import shutil
import subprocess
import sys
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
from PySide6.QtCore import QObject, Signal

from slowfast_live import paths
from slowfast_live.errors import ModelError
from slowfast_live.ui.child_program import ChildProgram, environment, package_root
from slowfast_live.ui.model_catalogue import Buildable, parse_listing

log = logging.getLogger(__name__)

NEEDED = ("torch", "torchvision", "pytorchvideo", "onnx", "onnxruntime", "nncf", "httpx")
"""What building needs beyond what the window needs."""
_LOG_LINES = 2000
_LIST_TIMEOUT_S = 120.0


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
                words, cwd=package_root(), capture_output=True, timeout=_LIST_TIMEOUT_S, check=True, env=environment()
            )
        except (OSError, subprocess.SubprocessError) as error:
            details = getattr(error, "stderr", None) or repr(error).encode()
            text = "What can be built cannot be listed: the build program gave no answer. The log says why."
            raise ModelError(text, details.decode(errors="replace")) from error
        return parse_listing(told.stdout)


@dataclass(frozen=True, slots=True)
class Order:
    """What to build.

    Attributes:
        name: The network.
        title: What the window calls it.
        precisions: "FP32", "FP16", "INT8".
        checkpoint: A file with its weights; the published ones where None.
        random: Random weights instead: to try the speed without a download.
        labels: File of the class names of weights of one's own; those of Kinetics-400 where None.
        classes: How many classes they have.
        own_name: First part of the folders' names; the network's where empty.
    """

    name: str
    title: str
    precisions: tuple[str, ...] = ("FP16", "INT8")
    checkpoint: Path | None = None
    random: bool = False
    labels: Path | None = None
    classes: int | None = None
    own_name: str = ""

    @property
    def folder_stem(self) -> str:
        """First part of the names of the folders that it makes."""
        return (self.own_name or self.name) + ("-untrained" if self.random else "")

    @property
    def folders(self) -> tuple[str, ...]:
        """Names of the folders that it makes."""
        return tuple(f"{self.folder_stem}-{precision.lower()}" for precision in self.precisions)

    def arguments(self, output: Path) -> list[str]:
        """Return the build program's arguments."""
        words = [self.name, "--progress", "json", "--output", str(output)]
        for precision in self.precisions:
            words += ["--precision", precision.lower()]
        if self.checkpoint is not None:
            words += ["--checkpoint", str(self.checkpoint)]
        if self.random:
            words.append("--random-weights")
        if self.labels is not None:
            words += ["--labels", str(self.labels)]
        if self.classes is not None:
            words += ["--classes", str(self.classes)]
        return [*words, "--name", self.own_name] if self.own_name else words


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
        self._failure = ""
        self._program = ChildProgram(parent=self)
        self._program.begun.connect(lambda: self.started.emit(self.order))
        self._program.told.connect(self._told)
        self._program.logged.connect(self._log)
        self._program.ended.connect(self._ended)

    @property
    def output(self) -> Path:
        """Folder that gets the model folders."""
        return self.tools.output or output_folder()

    @property
    def busy(self) -> bool:
        """Whether a build is under way."""
        return self._program.busy

    @property
    def cancelling(self) -> bool:
        """Whether the build under way was cancelled and clears up."""
        return self._program.cancelled and self.busy

    @property
    def pid(self) -> int:
        """Process number of the build under way, 0 without one."""
        return self._program.pid

    def start(self, order: Order) -> bool:
        """Start a build; returns False where one is under way already."""
        if self.busy:
            return False
        self.order, self.latest, self._failure = order, None, ""
        self.log.clear()
        return self._program.start([*self.tools.program, *order.arguments(self.output)])

    def cancel(self) -> None:
        """Ask the build to end and clear up; after three seconds it is killed."""
        self._program.cancel()

    def close(self) -> None:
        """End the build under way, at the end of the app; bounded."""
        if self.busy:
            self._program.close()
            self._clear_leftovers()

    # The program

    def _told(self, lines: list[str]) -> None:
        for line in lines:
            self._take(line)

    def _take(self, line: str) -> None:
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
        self.log.extend(lines)
        self.logged.emit(lines[-_LOG_LINES:])

    def _ended(self, well: bool, how: str) -> None:
        order = self.order
        assert order is not None
        self._clear_leftovers()
        # A build that was complete when it was cancelled is complete.
        cancelled = self._program.cancelled and not well
        if well:
            message = f"{order.title} is built: {', '.join(order.precisions)}."
        elif cancelled:
            message = f"Building {order.title} was cancelled. Nothing half-made was left."
        else:
            last = next((line for line in reversed(self.log) if not line.startswith("[")), "")
            message = self._failure or last or f"The build program ended early: {how}."
            log.warning("building %s failed: %s", order.name, message)
        self.finished.emit(Outcome(order, well, cancelled, message, "\n".join(self.log)))

    def _clear_leftovers(self) -> None:
        """Remove what a killed build could not remove itself; its folder bears its process number."""
        if self.pid:
            with contextlib.suppress(OSError):
                for folder in self.output.glob(f".building-{self.pid}-*"):
                    shutil.rmtree(folder, ignore_errors=True)
