"""Sets up a network for 400 actions in one go: build tools, download, conversion, check, measurement, switch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
from PySide6.QtCore import QObject, Signal

from slowfast_live.errors import ModelError
from slowfast_live.inference.model_archive import import_archive
from slowfast_live.inference.spec import Model
from slowfast_live.ui.controller.controller import DEFAULT_DEVICE, Controller
from slowfast_live.ui.controller.workload import Job
from slowfast_live.ui.models.kinetics_offers import built_of
from slowfast_live.ui.models.machine_check import CheckLine, MachineCheck, Measured
from slowfast_live.ui.models.model_builder import BuildOrder, BuildOutcome, BuildProgress, ModelBuilder
from slowfast_live.ui.style.language import tr, words
from slowfast_live.ui.threads.background import BackgroundTasks
from slowfast_live.ui.threads.child_process import QtChildProcess

FAITHFUL = 0.95
"""A precision that agrees with the original on fewer clips is used only if there is no other; as in the bench."""
_TOOLS_SHARE, _FOUND_AT = 0.4, 0.95
ARCHIVES = (".zip",)


@dataclass(frozen=True, slots=True)
class SetupOrder:
    """What to set up.

    Attributes:
        name: The network.
        title: Its title.
        file: Its weights, or an archive of models built elsewhere; None for the published weights.
        wheels: Folder of Python packages to install the build tools from; None for the internet.
    """

    name: str
    title: str
    file: Path | None = None
    wheels: Path | None = None

    @property
    def is_archive(self) -> bool:
        """Whether the file is an archive of models, which needs no build tools."""
        return self.file is not None and self.file.suffix.lower() in ARCHIVES


@dataclass(frozen=True, slots=True)
class SetupProgress:
    """How far it is.

    Attributes:
        text: What is being done.
        fraction: Share of the whole, 0..1.
    """

    text: str
    fraction: float


@dataclass(frozen=True, slots=True)
class SetupEnd:
    """How it ended.

    Attributes:
        done: The network is running.
        cancelled: The user ended it; the next start goes on from there.
        message: One or two sentences.
        details: Technical text.
    """

    done: bool
    cancelled: bool
    message: str
    details: str = ""


class KineticsSetup(QObject):
    """One setup at a time; outlives the dialog that shows it. All signals come on the GUI thread.

    Every step looks first at what is there: a setup that was cancelled or failed is continued by starting it again.

    Args:
        controller: Knows the models, and switches.
        builder: Builds models.
        check: Measures this machine.
        background: Runs slow work off the GUI thread.
        parent: Qt parent.
    """

    progress = Signal(object)
    """Emits `SetupProgress`."""
    finished = Signal(object)
    """Emits `SetupEnd`."""

    def __init__(
        self,
        controller: Controller,
        builder: ModelBuilder,
        check: MachineCheck,
        background: BackgroundTasks,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._controller, self._builder, self._check, self._background = controller, builder, check, background
        self.order: SetupOrder | None = None
        self.latest = SetupProgress("", 0.0)
        self._step = ""
        self._cancelled = False
        self._failure = ""
        self._log: list[str] = []
        self._names: Sequence[str] = ()
        self._outcome: BuildOutcome | None = None
        self._tools = QtChildProcess(parent=self)
        self._tools.output.connect(self._tools_lines)
        self._tools.logged.connect(self._log.extend)
        self._tools.ended.connect(self._tools_ended)
        builder.progress.connect(self._build_progress)
        builder.finished.connect(self._build_finished)
        check.progress.connect(self._check_progress)
        check.finished.connect(self._check_finished)
        controller.models_changed.connect(self._models_changed)

    @property
    def busy(self) -> bool:
        """Whether a setup is under way."""
        return bool(self._step)

    def owns(self, outcome: BuildOutcome) -> bool:
        """Return whether a build was part of a setup, which reports its end itself."""
        return outcome is self._outcome

    def start(self, order: SetupOrder) -> bool:
        """Start a setup, or go on with one; return False if something is being built already."""
        if self.busy or self._builder.busy:
            return False
        self.order, self._cancelled, self._failure = order, False, ""
        self._log.clear()
        self.latest = SetupProgress("", 0.0)
        if order.is_archive:
            self._import(order)
        elif self._builder.tools.missing():
            self._install(order)
        else:
            self._build(order)
        return True

    def cancel(self) -> None:
        """End it; what is complete stays, and the next start goes on from there."""
        self._cancelled = True
        if self._step == "tools":
            self._tools.cancel()
        elif self._step == "build":
            self._builder.cancel()
        elif self._step == "check":
            self._check.cancel()

    def close(self) -> None:
        """End it with the app; bounded."""
        self._step = ""
        self._tools.close()

    # The steps

    def _say(self, text: str, fraction: float) -> None:
        self.latest = SetupProgress(text, fraction)
        self.progress.emit(self.latest)

    def _install(self, order: SetupOrder) -> None:
        self._step = "tools"
        self._say(tr("Installing the build tools."), 0.0)
        words = [*self._builder.tools.install]
        if order.wheels is not None:
            words += ["--wheels", str(order.wheels)]
        self._controller.workload.begin(Job.BUILD)
        self._tools.start(words)

    def _tools_lines(self, lines: list[str]) -> None:
        for line in lines:
            try:
                step = msgspec.json.decode(line, type=BuildProgress)
            except msgspec.DecodeError:
                self._log.append(line)
                continue
            if step.step == "failed":
                self._failure = step.message
            else:
                self._say(step.message, _TOOLS_SHARE * (step.fraction or 0.0))

    def _tools_ended(self, well: bool, how: str) -> None:
        self._controller.workload.end(Job.BUILD)
        if self._step != "tools" or self.order is None:
            return
        if not well:
            self._end(self._failure or tr("Installing the build tools ended early: {how}.", how=how))
        elif self._cancelled:
            self._end("")
        else:
            self._build(self.order)

    def _build(self, order: SetupOrder) -> None:
        self._step = "build"
        self._say(tr("Fetching {title}.", title=order.title), self._base)
        wanted = BuildOrder(order.name, order.title, ("FP16", "INT8"), order.file)
        self._names = wanted.folders
        if not self._builder.start(wanted):
            self._end(tr("Another model is being built. Start again when it is done."))

    @property
    def _base(self) -> float:
        """Share of the whole before the build."""
        return _TOOLS_SHARE if self.latest.fraction >= _TOOLS_SHARE * 0.9 else 0.0

    def _build_progress(self, step: BuildProgress) -> None:
        if self._step != "build" or step.step == "failed":
            return
        share = (step.fraction or 0.0) * (0.3 if step.step == "download" else 0.7)
        share += 0.0 if step.step == "download" else 0.3
        room = _FOUND_AT - self._base
        text = (
            tr("Downloading {message}.", message=step.message)
            if step.step == "download" and " MB" in step.message
            else step.message
        )
        where = f"{step.precision}: " if step.precision and step.step != "download" else ""
        self._say(f"{where}{text}", min(_FOUND_AT, max(self.latest.fraction, self._base + room * share)))

    def _build_finished(self, outcome: BuildOutcome) -> None:
        if self._step != "build":
            return
        self._outcome = outcome
        self._log = [outcome.log]
        if not outcome.done:
            self._end("" if outcome.cancelled or self._cancelled else outcome.message)
            return
        self._await_models()

    def _import(self, order: SetupOrder) -> None:
        self._step = "import"
        assert order.file is not None
        file, output = order.file, self._builder.output
        self._say(tr("Unpacking {name}.", name=file.name), 0.1)
        self._background.run(lambda: import_archive(file, output), self._imported, self._not_imported, name="import")

    def _imported(self, names: list[str]) -> None:
        self._names = names
        if self._cancelled:
            self._end("")
        else:
            self._await_models()

    def _not_imported(self, error: Exception) -> None:
        self._log = [getattr(error, "details", "") or repr(error)]
        self._end(
            words(error) if isinstance(error, ModelError) else tr("The archive cannot be read: {error}.", error=error)
        )

    def _await_models(self) -> None:
        """Wait until the controller has found what is new."""
        self._step = "find"
        self._say(tr("Looking for the new model."), _FOUND_AT)
        self._controller.rescan()

    def _models_changed(self, models: list[Model]) -> None:
        if self._step != "find" or not any(model.name in self._names for model in models):
            return
        if self._cancelled:
            self._end("")
        elif self._controller.workload.others(Job.MEASUREMENT) or not self._check.start():
            self._use(None)  # beside other work a measurement means nothing
        else:
            self._step = "check"
            self._say(tr("Measuring which form is fastest here. Recognition pauses meanwhile."), 0.96)
            self._controller.hold_model()

    def _check_progress(self, text: str, fraction: float) -> None:
        if self._step == "check":
            self._say(tr("Measuring {value}.", value=text), 0.96 + 0.04 * fraction)

    def _check_finished(self, line: CheckLine | None, _failure: str) -> None:
        if self._step != "check":
            return
        if self._cancelled:
            self._controller.restore_model()
            self._end("")
        else:
            self._use(self._best(line.candidates if line is not None else ()))

    def _best(self, candidates: Sequence[Measured]) -> Measured | None:
        """Return the fastest form of what was set up that is faithful; the fastest at all if none is."""
        ours = [one for one in candidates if one.model in self._names and one.clip_ms]
        pool = [one for one in ours if one.faithful >= FAITHFUL] or ours
        return min(pool, key=lambda one: one.clip_ms or 0.0, default=None)

    def _use(self, best: Measured | None) -> None:
        models = self._controller.models
        assert self.order is not None
        there = [model.name for model in models if model.name in self._names]
        fallback = built_of(self.order.name, [model for model in models if model.name in there]) or there[0]
        name, device = (best.model, best.device) if best is not None else (fallback, DEFAULT_DEVICE)
        self._controller.choose(name, device)
        actions = next(len(model.spec.actions) for model in models if model.name == name)
        title = next(model.spec.display_name for model in models if model.name == name)
        text = tr(
            "Now {actions} actions are recognized, with {title} on {device}.",
            actions=actions,
            title=title,
            device=device,
        )
        if best is not None and best.per_s:
            text += tr(" It makes {per_s} predictions a second here.", per_s=f"{best.per_s:.1f}")
            if best.per_s < 1:
                text += tr(" That is slow: a smaller network would follow better.")
        self._step = ""
        self._say(text, 1.0)
        self.finished.emit(SetupEnd(True, False, text))

    def _end(self, failure: str) -> None:
        """End without success: with a failure, or because it was cancelled."""
        self._step = ""
        cancelled = self._cancelled or not failure
        text = tr("Canceled. What is done stays; it goes on from there.") if cancelled else failure
        self.finished.emit(SetupEnd(False, cancelled, text, "\n".join(self._log)))
