"""Runs the build program in a separate process. None of its code is imported here, in particular not torch."""

from __future__ import annotations

import contextlib
import logging
import re
import shutil
import subprocess
import sys
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
from PySide6.QtCore import QObject, Signal

from slowfast_live import paths
from slowfast_live.child_process import environment
from slowfast_live.errors import ModelError
from slowfast_live.inference.build_tools import is_ready, python_of, tools_folder
from slowfast_live.inference.building import NEEDED, missing_packages, output_folder
from slowfast_live.ui.models.model_catalogue import Buildable, parse_listing
from slowfast_live.ui.style.language import tr
from slowfast_live.ui.threads.child_process import QtChildProcess

log = logging.getLogger(__name__)

_LOG_LINES = 2000
_LIST_TIMEOUT_S = 120.0


_CONTROLS = (
    (r"give --classes N or --labels FILE", tr("fill in Classes or Labels")),
    (r"(give|name) it with --checkpoint( FILE)?", tr("choose it here: “Use a checkpoint file…”")),
    (r"--checkpoint( FILE)?", f"“{tr('Use a checkpoint file…')}”"),
    (r"--random-weights", f"“{tr('Random weights')}”"),
    (r"--labels( FILE)?", tr("Labels")),
    (r"--classes( N)?", tr("Classes")),
    (r"--name( NAME)?", tr("Name")),
    (r"--precision( [A-Z]+)?", tr("another precision")),
)
"""Options of the build program in its messages (patterns), and the corresponding controls of the window."""


def in_window(message: str) -> str:
    """Return a message of the build program with its options replaced by the window's controls."""
    for option, control in _CONTROLS:
        message = re.sub(option, control, message)
    return message


@dataclass(frozen=True, slots=True)
class BuildTools:
    """The build program and what it needs.

    Attributes:
        program: The build program and its first arguments.
        output: Folder for the model folders; None for the default.
        needed: Packages that it requires.
        install: The program that installs the build tools, and its first arguments.
        tools: Folder of the build tools; None for the default.
    """

    program: tuple[str, ...] = (sys.executable, "-m", "slowfast_live.tools.convert")
    output: Path | None = None
    needed: tuple[str, ...] = NEEDED
    install: tuple[str, ...] = (sys.executable, "-m", "slowfast_live.tools.convert.install")
    tools: Path | None = None

    def missing(self) -> list[str]:
        """Return the packages that building lacks; none if the build tools are installed."""
        missing = missing_packages(self.needed)
        return [] if missing and is_ready(self.tools) else missing

    def command(self) -> tuple[str, ...]:
        """Return the build program, run by the Python of the build tools if the app's own lacks something."""
        if missing_packages(self.needed) and is_ready(self.tools):
            return (str(python_of(self.tools or tools_folder())), *self.program[1:])
        return self.program

    def catalogue(self) -> list[Buildable]:
        """Query the build program for the models that can be built; takes a second, so call it on a thread.

        Raises:
            ModelError: It does not answer, or its answer is not a list.
        """
        words = [*self.program, "--list", "--json"]
        try:
            output = subprocess.run(
                words, cwd=paths.ROOT, capture_output=True, timeout=_LIST_TIMEOUT_S, check=True, env=environment()
            )
        except (OSError, subprocess.SubprocessError) as error:
            details = getattr(error, "stderr", None) or repr(error).encode()
            text = tr("The list of models that can be built is not available; see the log for the reason.")
            raise ModelError(text, details.decode(errors="replace")) from error
        return parse_listing(output.stdout)


@dataclass(frozen=True, slots=True)
class BuildOrder:
    """A model to build.

    Attributes:
        name: The network.
        title: Its display name.
        precisions: "FP32", "FP16", "INT8".
        checkpoint: File with its weights; None for the published ones.
        random: Use random weights, to try the speed without a download.
        labels: File with the class names of the user's own weights; None for those of Kinetics-400.
        classes: Number of classes of the user's own weights.
        own_name: First part of the folders' names; if empty, the network's name.
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
        """First part of the names of the resulting folders."""
        return (self.own_name or self.name) + ("-untrained" if self.random else "")

    @property
    def folders(self) -> tuple[str, ...]:
        """Names of the resulting folders."""
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


class BuildProgress(msgspec.Struct, frozen=True):
    """One line of the build program's output; `fraction` is 0..1, or None if unknown."""

    step: str
    message: str = ""
    model: str = ""
    precision: str = ""
    fraction: float | None = None


@dataclass(slots=True)
class BuildOutcome:
    """How a build ended.

    Attributes:
        order: The model to build.
        done: Whether it was built.
        cancelled: Whether the user canceled the build.
        message: One sentence for the user.
        log: The last lines of the program's output.
    """

    order: BuildOrder
    done: bool
    cancelled: bool
    message: str
    log: str = field(default="", repr=False)


class ModelBuilder(QObject):
    """Builds one model at a time, independently of the dialog. All signals are emitted on the GUI thread.

    Args:
        tools: The build program.
        parent: Qt parent.
    """

    started = Signal(object)
    """Emits the `BuildOrder` when a build begins."""
    progress = Signal(object)
    """Emits each `BuildProgress`."""
    logged = Signal(list)
    """Emits new lines of the log."""
    finished = Signal(object)
    """Emits the `BuildOutcome` when a build has ended."""

    def __init__(self, tools: BuildTools | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.tools = tools or BuildTools()
        self.order: BuildOrder | None = None
        self.latest: BuildProgress | None = None
        self.log: deque[str] = deque(maxlen=_LOG_LINES)
        self._failure = ""
        self._program = QtChildProcess(parent=self)
        self._program.begun.connect(lambda: self.started.emit(self.order))
        self._program.output.connect(self._take_output)
        self._program.logged.connect(self._log)
        self._program.ended.connect(self._ended)

    @property
    def output(self) -> Path:
        """Folder for the model folders."""
        return self.tools.output or output_folder()

    @property
    def busy(self) -> bool:
        """Whether a build is running."""
        return self._program.busy

    @property
    def cancelling(self) -> bool:
        """Whether the running build was canceled and is cleaning up."""
        return self._program.cancelled and self.busy

    @property
    def pid(self) -> int:
        """Process ID of the running build; 0 if there is none."""
        return self._program.pid

    def start(self, order: BuildOrder) -> bool:
        """Start a build; return False if one is already running."""
        if self.busy:
            return False
        self.order, self.latest, self._failure = order, None, ""
        self.log.clear()
        return self._program.start([*self.tools.command(), *order.arguments(self.output)])

    def cancel(self) -> None:
        """Ask the build to end and clean up; it is killed after three seconds."""
        self._program.cancel()

    def close(self) -> None:
        """End the running build at app shutdown; returns within 2.5 s."""
        if self.busy:
            self._program.close()
            self._clear_leftovers()

    # The program

    def _take_output(self, lines: list[str]) -> None:
        for line in lines:
            self._take(line)

    def _take(self, line: str) -> None:
        try:
            output = msgspec.json.decode(line, type=BuildProgress)
        except msgspec.DecodeError:
            self._log([line])
            return
        if output.step == "failed":
            self._failure = output.message
        self.latest = output
        where = f"{output.precision}: " if output.precision else ""
        if output.step != "download":
            self._log([f"[{output.step}] {where}{output.message}"])
        self.progress.emit(output)

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
            message = tr("{title} is built: {precisions}.", title=order.title, precisions=", ".join(order.precisions))
        elif cancelled:
            message = tr("Building {title} was canceled. Incomplete files were removed.", title=order.title)
        else:
            last = next((line for line in reversed(self.log) if not line.startswith("[")), "")
            message = in_window(self._failure or last or tr("The build program ended early: {how}.", how=how))
            log.warning("building %s failed: %s", order.name, message)
        self.finished.emit(BuildOutcome(order, well, cancelled, message, "\n".join(self.log)))

    def _clear_leftovers(self) -> None:
        """Remove the folder that a killed build has left behind; its name contains the process ID."""
        if self.pid:
            with contextlib.suppress(OSError):
                for folder in self.output.glob(f".building-{self.pid}-*"):
                    shutil.rmtree(folder, ignore_errors=True)
