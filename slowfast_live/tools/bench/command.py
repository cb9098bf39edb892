"""The command `slowfast-live bench`: its options, measurements and output."""

from __future__ import annotations

import argparse
import os
import shlex
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.progress import TextColumn, TimeElapsedColumn

from slowfast_live import ending, files, paths
from slowfast_live.errors import ModelError, UsageError
from slowfast_live.inference.building import BUILD_COMMAND
from slowfast_live.inference.devices import list_devices, require_device
from slowfast_live.inference.processor import this_processor
from slowfast_live.inference.spec import Model, Registry
from slowfast_live.progress import JsonLines, TerminalProgress
from slowfast_live.tools.bench import contenders, instruction_sets, machine, schedule, tables
from slowfast_live.tools.bench.processes import AbsentError
from slowfast_live.tools.bench.results import (
    Candidate,
    Group,
    Profile,
    Recommendation,
    Report,
    Start,
    encode,
    is_report,
    load,
)

NETWORKS = ("slowfast_r50", "x3d_m", "x3d_s", "slowfast_demo")
"""The networks that `--compare` measures."""
PRECISIONS = ("FP32", "FP16", "INT8")
INTERRUPTED = ending.INTERRUPTED
MARKS = ("<!-- bench -->", "<!-- /bench -->")
"""`--into` writes the table of a comparison between these two marks."""
PROFILE_MARKS = ("<!-- bench --profile -->", "<!-- /bench --profile -->")
"""And those of profiles between these."""
_NO_TRAINED = (
    f"Only trained models are measured for a recommendation, and there is none. `{BUILD_COMMAND}` builds them."
)


class ProgressLine(msgspec.Struct, frozen=True):
    """One line of `--progress json`: `fraction` is the total progress, 0..1.

    `step` is "measure", "done" or "failed".
    """

    step: str
    message: str
    fraction: float | None = None
    recommendation: Recommendation | None = None
    candidates: tuple[Candidate, ...] = ()


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to measure.

    Attributes:
        models: Names of models or, for a comparison, of networks; if empty, those available.
        device: OpenVINO device name.
        seconds: Length of a turn.
        repeats: Number of rounds.
        compare: Measure all contenders instead of only our own and benchmark_app.
        only: Measure these contenders instead.
        build_missing: Build missing models with random weights.
        configurations: Measure ways to compile a model instead of contenders.
    """

    models: tuple[str, ...]
    device: str
    seconds: float
    repeats: int
    compare: bool
    only: tuple[str, ...] = ()
    build_missing: bool = False
    configurations: bool = False


def run(options: argparse.Namespace, words: Sequence[str]) -> int:
    """Run the measurements that `options` ask for and return the exit code.

    Raises:
        SlowFastLiveError: A model, device, contender or file is invalid.
    """
    _check_files(options)
    if options.instructions and not options.profile:
        raise UsageError("--instructions: name the models with --profile.")
    instruction_sets.check(options.instructions, this_processor().features)
    if options.report is not None:
        _write_report(load(options.report), options)
        return 0
    if options.sources is not None:
        from slowfast_live.tools.bench import several

        device = require_device(options.device, list_devices()).name
        with ending.bounded():
            (model, *_) = _models(options.model)
            return several.run(model, device, options.sources or several.COUNTS, options.seconds, options.json)
    if options.scaling is not None:
        from slowfast_live.tools.bench import scaling

        with ending.bounded():
            (model, *_) = _models(options.model)
            return scaling.run(model, options.scaling or scaling.COUNTS, options.repeats, options.json)
    try:
        # A window that cancels a measurement terminates this process; the contenders are then ended as on Ctrl-C.
        with ending.bounded(), _ProgressReporter(options.progress) as reporter:
            report = _measure(options, shlex.join(["slowfast-live", *words]), reporter.on_progress)
            reporter.finish(report)
    except KeyboardInterrupt:
        return INTERRUPTED
    _write_report(report, options)
    return 0


def _measure(options: argparse.Namespace, command: str, on_progress: schedule.OnProgress) -> Report:
    device = require_device(options.device, list_devices()).name
    report = Report(command=command, machine=machine.describe(), taken=_now())
    if options.recommend:
        return _recommended(report, options, on_progress)
    if options.profile:
        return msgspec.structs.replace(report, profiles=_profiles(options, on_progress))
    if options.start:
        return msgspec.structs.replace(report, starts=_starts(_models(options.model), options.repeats, on_progress))
    wanted = Wanted(
        tuple(options.model),
        device,
        options.seconds,
        options.repeats,
        options.compare,
        _contender_names(options.contender),
        options.build_missing,
        options.configurations,
    )
    return msgspec.structs.replace(report, groups=compare(wanted, on_progress))


def compare(wanted: Wanted, on_progress: schedule.OnProgress) -> tuple[Group, ...]:
    """Measure the contenders on each model in turn."""
    models = _compared(wanted, on_progress) if wanted.compare else _models(list(wanted.models))
    names = wanted.only or ((*contenders.NAMES, "window_1080p") if wanted.compare else contenders.QUICK)
    groups = []
    for number, model in enumerate(models):
        siblings = [m for m in models if contenders.network_of(m.name) == contenders.network_of(model.name)]
        entrants = (
            contenders.configured(model, wanted.device)
            if wanted.configurations
            else contenders.entrants(model, wanted.device, names, siblings)
        )

        def part(message: str, fraction: float, title: str = model.spec.display_name, before: int = number) -> None:
            on_progress(f"{title}: {message}", (before + fraction) / len(models))

        rows = schedule.measure(entrants, wanted.seconds, wanted.repeats, part)
        groups.append(Group(contenders.subject_of(model), wanted.device, wanted.seconds, rows))
    return tuple(groups)


def _models(names: Sequence[str]) -> list[Model]:
    registry = Registry()
    if names:
        models = [registry.find(name) for name in names]
        if foreign := [model.name for model in models if model.spec.detects]:
            raise UsageError(
                f"{', '.join(foreign)}: what models of each person need depends on how many people there are. "
                "Give --model others."
            )
        return models
    models, _ = registry.scan()
    if not models:
        raise ModelError(f"There is no model to measure. `{BUILD_COMMAND}` builds them.")
    return models[:1]


def _compared(wanted: Wanted, on_progress: schedule.OnProgress) -> list[Model]:
    """Return the models of a comparison: for each network, all precisions that are available or could be built."""
    networks = wanted.models or NETWORKS
    found = _of_networks(networks)
    if wanted.build_missing:
        _build_missing(networks, found, on_progress)
        found = _of_networks(networks)
    if not found:
        raise ModelError(
            f"None of {', '.join(networks)} is here. `{BUILD_COMMAND}` builds them; --build-missing does it with "
            "random weights."
        )
    return found


def build_folder() -> Path:
    """Return the folder where `--build-missing` puts its models; the app does not list them."""
    return paths.cache_dir() / "bench" / "models"


def _of_networks(networks: Sequence[str]) -> list[Model]:
    models, _ = Registry([*paths.model_folders(), build_folder()]).scan()
    chosen: dict[tuple[str, str], Model] = {}
    for model in models:  # trained models first
        chosen.setdefault((contenders.network_of(model.name), model.spec.precision), model)
    keys = [(network, precision) for network in networks for precision in PRECISIONS]
    return [chosen[key] for key in keys if key in chosen]


def _build_missing(networks: Sequence[str], there: Sequence[Model], on_progress: schedule.OnProgress) -> None:
    have = {(contenders.network_of(model.name), model.spec.precision) for model in there}
    for network in networks:
        missing = [p for p in PRECISIONS if (network, p) not in have]
        if network == NETWORKS[-1] or not missing:
            continue  # the bundled model is shipped with the app
        on_progress(f"Building {network} with random weights ({', '.join(missing)})", 0.0)
        words = [sys.executable, "-m", "slowfast_live.tools.convert", network, "--random-weights", "--progress", "json"]
        words += ["--output", str(build_folder())]
        for precision in missing:
            words += ["--precision", precision.lower()]
        finished = subprocess.run(words, cwd=paths.ROOT, capture_output=True, text=True, check=False)
        if finished.returncode:
            lines = (finished.stdout + finished.stderr).strip().splitlines()
            raise ModelError(
                f"{network} cannot be built: {lines[-1] if lines else finished.returncode}.", finished.stderr
            )


def _contender_names(names: Sequence[str]) -> tuple[str, ...]:
    known = (*contenders.NAMES, "pipeline_1080p", "window_1080p")
    for name in names:
        if name not in known:
            raise UsageError(f"--contender: there is no '{name}'. Contenders: {', '.join(known)}.")
    return tuple(names)


def _profiles(options: argparse.Namespace, on_progress: schedule.OnProgress) -> tuple[Profile, ...]:
    models, sets = _models(options.profile), options.instructions or [instruction_sets.OWN]
    found: list[Profile] = []
    for model in models:
        for name in sets:
            on_progress(f"{model.spec.display_name}: layers", len(found) / (len(models) * len(sets)))
            found.append(instruction_sets.profile(model, options.seconds, name))
    return tuple(found)


def _starts(models: Sequence[Model], repeats: int, on_progress: schedule.OnProgress) -> tuple[Start, ...]:
    from slowfast_live.tools.bench.startup import measure_start

    found: list[Start] = []
    for model in models:
        try:
            found += measure_start(model, repeats, on_progress)
        except AbsentError as error:
            raise UsageError(error.message) from error
    return tuple(found)


def _recommended(report: Report, options: argparse.Namespace, on_progress: schedule.OnProgress) -> Report:
    from slowfast_live.tools.bench.recommending import measure, recommend

    models = _models(options.model) if options.model else Registry().scan()[0]
    if not any(model.spec.trained for model in models):
        raise ModelError(_NO_TRAINED)
    devices = [device.name for device in list_devices() if device.available and device.name != "AUTO"]
    candidates = measure(models, devices, options.seconds, on_progress)
    return msgspec.structs.replace(report, candidates=candidates, recommendation=recommend(candidates))


class _ProgressReporter:
    """Reports progress: a bar on standard error for people, JSON lines on standard output for programs."""

    def __init__(self, kind: str) -> None:
        self._lines = JsonLines() if kind == "json" else None
        console = Console(stderr=True, quiet=kind == "json")
        self._shown = TerminalProgress(console, TextColumn("{task.percentage:>3.0f} %"), TimeElapsedColumn())

    def __enter__(self) -> _ProgressReporter:
        self._shown.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._shown.__exit__(*error)

    def on_progress(self, message: str, fraction: float) -> None:
        """Report the current activity and the total progress, 0..1."""
        if self._lines is not None:
            self._lines.write(ProgressLine("measure", message, round(fraction, 4)))
        else:
            self._shown.bar("all", message, fraction)

    def finish(self, report: Report) -> None:
        """Report the outcome to a program."""
        if self._lines is not None:
            best = report.recommendation
            text = f"{best.title} on {best.device}. {best.reason}" if best else "Measured."
            self._lines.write(ProgressLine("done", text, 1.0, best, report.candidates))


def _check_files(options: argparse.Namespace) -> None:
    """Raise an error for a file that is not writable before an hour of measuring, not after it."""
    for what, asked in (("--sources", options.sources), ("--scaling", options.scaling)):
        for name in ("markdown", "into"):
            if asked is not None and getattr(options, name) is not None:
                raise UsageError(f"--{name} is for comparisons and profiles; with {what}, use --json.")
    for name in ("json", "markdown"):
        path: Path | None = getattr(options, name)
        if path is not None and str(path) != "-" and (path.is_dir() or not os.access(path.absolute().parent, os.W_OK)):
            raise UsageError(f"--{name}: {path} cannot be written. Name a file in a folder that is yours.")
    for name, is_ours in (("json", is_report), ("markdown", files.marked(tables.MARK.encode()))):
        path = getattr(options, name)
        if path is not None and str(path) != "-":
            files.refuse_foreign(path, is_ours, f"--{name}")
    if options.into is not None and options.report is None:
        _around_marks(options.into, PROFILE_MARKS if options.profile else MARKS)


def _around_marks(path: Path, marks: tuple[str, str]) -> tuple[str, str]:
    """Return the parts of a document before and after the table, including the marks."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--into: {path} cannot be read: {error}.") from error
    begin, end = (text.find(mark) for mark in marks)
    if not 0 <= begin < end:
        raise UsageError(f"--into: {path} has no lines {marks[0]} and {marks[1]}; the table goes between them.")
    return text[: begin + len(marks[0])], text[end:]


def _write_report(report: Report, options: argparse.Namespace) -> None:
    standard = [name for name in ("json", "markdown") if str(getattr(options, name)) == "-"]
    if not standard and options.progress != "json":
        tables.print_report(report, Console(highlight=False))
    texts = {"json": encode(report).decode(), "markdown": tables.markdown(report)}
    if options.into is not None:
        marks = PROFILE_MARKS if report.profiles else MARKS
        texts["into"] = f"\n{tables.overview(report)}".join(_around_marks(options.into, marks))
    for name, text in texts.items():
        path: Path | None = getattr(options, name)
        if name in standard:
            sys.stdout.write(text)
        elif path is not None:
            try:
                files.write_bytes(path, text.encode())
            except OSError as error:
                raise UsageError(f"--{name}: {path} cannot be written: {error.strerror or error}.") from error


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
