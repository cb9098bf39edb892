"""Gets a person detector: runs the build program for it, and lets the pipeline use it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import msgspec
from PySide6.QtCore import QObject, Signal

from slowfast_live.people.spec import DetectorModel, find_detectors
from slowfast_live.ui.models.model_builder import BuildProgress, BuildTools
from slowfast_live.ui.style.language import tr, words
from slowfast_live.ui.threads.background import BackgroundTasks
from slowfast_live.ui.threads.child_process import QtChildProcess

RECOMMENDED = "yolox_nano"
FOLDER = "person_detector-"
"""What the names of detectors' folders begin with."""
SUFFIXES = (".onnx", ".xml", ".tflite")
_DOWNLOAD_SHARE = 0.8


@dataclass(frozen=True, slots=True)
class DetectorOffer:
    """A published detector that can be fetched.

    Attributes:
        name: What the build program calls it.
        title: Name that the window shows.
        size_mb: Size of the download in 1e6 bytes.
        text: What speaks for it.
    """

    name: str
    title: str
    size_mb: float
    text: str

    @property
    def folder(self) -> str:
        """Name of the folder that it is built into."""
        return FOLDER + self.name


OFFERS = (
    DetectorOffer(RECOMMENDED, "YOLOX-nano", 3.7, tr("any pose, on every machine")),
    DetectorOffer("yolox_tiny", "YOLOX-tiny", 20.2, tr("finds more, six times the work")),
    DetectorOffer("person_detection_0202", "person-detection-0202", 4.0, tr("people seen whole")),
    DetectorOffer("person_detection_0203", "person-detection-0203", 4.5, tr("smaller people, too")),
)


@dataclass(frozen=True, slots=True)
class DetectorEnd:
    """How it ended.

    Attributes:
        done: The detector is in use.
        cancelled: The user ended it.
        message: One or two sentences.
        details: What the program wrote.
        title: Title of the detector that is in use now.
    """

    done: bool
    cancelled: bool
    message: str
    details: str = ""
    title: str = ""


class UsesDetectors(Protocol):
    """Switches the person detector."""

    def use_detector(self, name: str) -> None:
        """Follow people with a detector by name."""
        ...


class DetectorSetup(QObject):
    """Fetches or converts one detector at a time; outlives the dialog that shows it. Signals come on the GUI thread.

    Args:
        controller: Switches the detector.
        tools: The build program; a detector needs none of the packages for models.
        output: Folder for detectors.
        background: Runs slow work off the GUI thread.
        parent: Qt parent.
    """

    progress = Signal(str, float)
    """Emits what is being done and the share of the whole, 0..1."""
    finished = Signal(object)
    """Emits `DetectorEnd`."""

    def __init__(
        self,
        controller: UsesDetectors,
        tools: BuildTools,
        output: Path,
        background: BackgroundTasks,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._controller, self._tools, self._output, self._background = controller, tools, output, background
        self.latest: tuple[str, float] = ("", 0.0)
        self._log: list[str] = []
        self._failure = ""
        self._wanted = ""
        self._program = QtChildProcess(parent=self)
        self._program.output.connect(self._take)
        self._program.logged.connect(self._log.extend)
        self._program.ended.connect(self._ended)

    @property
    def busy(self) -> bool:
        """Whether a detector is being fetched."""
        return self._program.busy

    def start(self, name: str, file: Path | None = None) -> bool:
        """Fetch a published detector, or convert a file; return False if that is being done already.

        Args:
            name: One of `OFFERS`.
            file: An ONNX, IR (.xml) or TFLite file in place of the published one.
        """
        if self.busy:
            return False
        self._log.clear()
        self._failure = ""
        self._wanted = FOLDER + name if file is None else ""
        words = [*self._tools.program, name, "--progress", "json", "--output", str(self._output)]
        words += ["--checkpoint", str(file)] if file is not None else []
        self._say(tr("Fetching the detector.") if file is None else tr("Converting {name}.", name=file.name), 0.0)
        return self._program.start(words)

    def cancel(self) -> None:
        """End it; incomplete files are removed."""
        self._program.cancel()

    def close(self) -> None:
        """End it with the app; bounded."""
        if self.busy:
            self._program.close()

    def _say(self, text: str, fraction: float) -> None:
        self.latest = (text, fraction)
        self.progress.emit(text, fraction)

    def _take(self, lines: list[str]) -> None:
        for line in lines:
            self._log.append(line)
            try:
                step = msgspec.json.decode(line, type=BuildProgress)
            except msgspec.DecodeError:
                continue
            if step.step == "failed":
                self._failure = step.message
                continue
            if step.step in ("done", "skip"):
                self._wanted = Path(step.message.partition(" is ")[0]).name or self._wanted
            share = step.fraction or 0.0
            loading = step.step == "download"
            text = tr("Downloading {message}.", message=step.message) if " MB" in step.message else step.message
            self._say(text, _DOWNLOAD_SHARE * share if loading else max(_DOWNLOAD_SHARE, share))

    def _ended(self, well: bool, how: str) -> None:
        if not well:
            cancelled = self._program.cancelled
            text = tr("Canceled. Nothing incomplete is left.") if cancelled else self._failure
            text = text or tr("The build program ended early: {how}.", how=how)
            self._end(DetectorEnd(False, cancelled, text, "\n".join(self._log)))
            return
        self._background.run(lambda: find_detectors()[0], self._found, self._not_found, name="detectors")

    def _found(self, detectors: list[DetectorModel]) -> None:
        found = next((one for one in detectors if one.name == self._wanted), None)
        if found is None:
            text = tr("The detector was built into {folder}, where it is not looked for.", folder=self._output)
            self._end(DetectorEnd(False, False, text, "\n".join(self._log)))
            return
        self._controller.use_detector(found.name)
        text = tr("People are found by {title} now.", title=found.spec.title)
        self._end(DetectorEnd(True, False, text, title=found.spec.title))

    def _not_found(self, error: Exception) -> None:
        self._end(DetectorEnd(False, False, words(error), repr(error)))

    def _end(self, end: DetectorEnd) -> None:
        self.latest = (end.message, 1.0 if end.done else 0.0)
        self.finished.emit(end)
