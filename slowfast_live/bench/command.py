"""`slowfast-live bench`: what is asked, what is measured, and how it is told."""

from __future__ import annotations

import argparse
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from slowfast_live import paths
from slowfast_live.bench import contenders, machine, rounds, tables
from slowfast_live.bench.crew import AbsentError
from slowfast_live.bench.results import Candidate, Group, Profile, Recommendation, Report, Start, encode, load
from slowfast_live.errors import ModelError, UsageError
from slowfast_live.inference.devices import list_devices, require_device
from slowfast_live.inference.spec import Model, Registry

NETWORKS = ("slowfast_r50", "x3d_m", "x3d_s", "slowfast_demo")
"""What `--compare` measures."""
PRECISIONS = ("FP32", "FP16", "INT8")
INTERRUPTED = 130
MARKS = ("<!-- bench -->", "<!-- /bench -->")
"""Between them stands the table that `--into` writes."""
_ROOT = Path(__file__).resolve().parents[2]
_NO_TRAINED = "Only trained models are measured for a recommendation, and there is none. build_models.py builds them."


class ProgressLine(msgspec.Struct, frozen=True):
    """A line of `--progress json`: `fraction` 0..1 of all; `step` is "measure", "done" or "failed"."""

    step: str
    message: str
    fraction: float | None = None
    recommendation: Recommendation | None = None
    candidates: tuple[Candidate, ...] = ()


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be measured.

    Attributes:
        models: Names of models or, for a comparison, of networks; those at hand where empty.
        device: OpenVINO's name.
        seconds: Length of a turn.
        repeats: Rounds.
        compare: All contenders rather than our own and benchmark_app.
        only: Some contenders instead.
        build_missing: Build what is missing with random weights.
        configurations: Ways to compile a model instead of contenders.
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
    """Measure what `options` ask for and return the exit code.

    Raises:
        SlowFastLiveError: A model, device, contender or file is not what it should be.
    """
    _check_files(options)
    if options.report is not None:
        _tell_report(load(options.report), options)
        return 0
    # A window that cancels a measurement terminates it; contenders are then ended as on Ctrl-C.
    previous = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with _Teller(options.progress) as teller:
            report = _measure(options, shlex.join(["slowfast-live", *words]), teller.tell)
            teller.finish(report)
    except KeyboardInterrupt:
        return INTERRUPTED
    finally:
        signal.signal(signal.SIGTERM, previous)
    _tell_report(report, options)
    return 0


def _measure(options: argparse.Namespace, command: str, tell: rounds.Told) -> Report:
    device = require_device(options.device, list_devices()).name
    report = Report(command=command, machine=machine.describe(), taken=_now())
    if options.recommend:
        return _recommended(report, options, tell)
    if options.profile:
        return msgspec.structs.replace(report, profiles=_profiles(options.profile, options.seconds, tell))
    if options.start:
        return msgspec.structs.replace(report, starts=_starts(_models(options.model), options.repeats, tell))
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
    return msgspec.structs.replace(report, groups=compare(wanted, tell))


def compare(wanted: Wanted, tell: rounds.Told) -> tuple[Group, ...]:
    """Measure the contenders on each model in turn."""
    models = _compared(wanted, tell) if wanted.compare else _models(list(wanted.models))
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
            tell(f"{title}: {message}", (before + fraction) / len(models))

        rows = rounds.measure(entrants, wanted.seconds, wanted.repeats, part)
        groups.append(Group(contenders.subject_of(model), wanted.device, wanted.seconds, rows))
    return tuple(groups)


def _models(names: Sequence[str]) -> list[Model]:
    registry = Registry()
    if names:
        return [registry.find(name) for name in names]
    models, _ = registry.scan()
    if not models:
        raise ModelError("There is no model to measure. build_models.py builds them.")
    return models[:1]


def _compared(wanted: Wanted, tell: rounds.Told) -> list[Model]:
    """Return the models of a comparison: of each network all precisions that are at hand, or could be built."""
    networks = wanted.models or NETWORKS
    found = _of_networks(networks)
    if wanted.build_missing:
        _build_missing(networks, found, tell)
        found = _of_networks(networks)
    if not found:
        raise ModelError(
            f"None of {', '.join(networks)} is here. build_models.py builds them; --build-missing does it with random "
            "weights."
        )
    return found


def build_folder() -> Path:
    """Return where `--build-missing` puts its models; the app does not offer them."""
    return paths.cache_dir() / "bench" / "models"


def _of_networks(networks: Sequence[str]) -> list[Model]:
    models, _ = Registry([*paths.model_folders(), build_folder()]).scan()
    chosen: dict[tuple[str, str], Model] = {}
    for model in models:  # trained ones first
        chosen.setdefault((contenders.network_of(model.name), model.spec.precision), model)
    keys = [(network, precision) for network in networks for precision in PRECISIONS]
    return [chosen[key] for key in keys if key in chosen]


def _build_missing(networks: Sequence[str], there: Sequence[Model], tell: rounds.Told) -> None:
    have = {(contenders.network_of(model.name), model.spec.precision) for model in there}
    for network in networks:
        missing = [p for p in PRECISIONS if (network, p) not in have]
        if network == NETWORKS[-1] or not missing:
            continue  # the bundled model comes with the app
        tell(f"Building {network} with random weights ({', '.join(missing)})", 0.0)
        words = [sys.executable, "-m", "slowfast_live.build", network, "--random-weights", "--progress", "json"]
        words += ["--output", str(build_folder())]
        for precision in missing:
            words += ["--precision", precision.lower()]
        told = subprocess.run(words, cwd=_ROOT, capture_output=True, text=True, check=False)
        if told.returncode:
            lines = (told.stdout + told.stderr).strip().splitlines()
            raise ModelError(f"{network} cannot be built: {lines[-1] if lines else told.returncode}.", told.stderr)


def _contender_names(names: Sequence[str]) -> tuple[str, ...]:
    known = (*contenders.NAMES, "pipeline_1080p", "window_1080p")
    for name in names:
        if name not in known:
            raise UsageError(f"--contender: there is no '{name}'. Contenders: {', '.join(known)}.")
    return tuple(names)


def _profiles(names: Sequence[str], seconds: float, tell: rounds.Told) -> tuple[Profile, ...]:
    from slowfast_live.bench.profiling import profile

    found = []
    for number, model in enumerate(_models(names)):
        tell(f"{model.spec.display_name}: layers", number / len(names))
        found.append(profile(model, seconds))
    return tuple(found)


def _starts(models: Sequence[Model], repeats: int, tell: rounds.Told) -> tuple[Start, ...]:
    from slowfast_live.bench.startup import measure_start

    found: list[Start] = []
    for model in models:
        try:
            found += measure_start(model, repeats, tell)
        except AbsentError as error:
            raise UsageError(error.message) from error
    return tuple(found)


def _recommended(report: Report, options: argparse.Namespace, tell: rounds.Told) -> Report:
    from slowfast_live.bench.recommending import measure, recommend

    models = _models(options.model) if options.model else Registry().scan()[0]
    if not any(model.spec.trained for model in models):
        raise ModelError(_NO_TRAINED)
    devices = [device.name for device in list_devices() if device.available and device.name != "AUTO"]
    candidates = measure(models, devices, options.seconds, tell)
    return msgspec.structs.replace(report, candidates=candidates, recommendation=recommend(candidates))


class _Teller:
    """Says how far it is: a bar on standard error for a person, JSON lines on standard output for a program."""

    def __init__(self, kind: str) -> None:
        self._json = kind == "json"
        columns = (TextColumn("{task.percentage:>3.0f} %"), BarColumn(24), TimeElapsedColumn())
        text = TextColumn("{task.description}", markup=False)
        console = Console(stderr=True)
        shown = console.is_terminal and not self._json
        self._bar = Progress(*columns, text, console=console, transient=True, disable=not shown)
        self._task = self._bar.add_task("", total=1.0)

    def __enter__(self) -> _Teller:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def tell(self, message: str, fraction: float) -> None:
        """Say what is being done, and how much of all is done, 0..1."""
        if self._json:
            self._write(ProgressLine("measure", message, round(fraction, 4)))
        else:
            self._bar.update(self._task, description=message, completed=fraction)

    def finish(self, report: Report) -> None:
        """Say what came of it, to a program."""
        if self._json:
            best = report.recommendation
            text = f"{best.title} on {best.device}. {best.reason}" if best else "Measured."
            self._write(ProgressLine("done", text, 1.0, best, report.candidates))

    @staticmethod
    def _write(line: ProgressLine) -> None:
        sys.stdout.buffer.write(msgspec.json.encode(line) + b"\n")
        sys.stdout.flush()


def _check_files(options: argparse.Namespace) -> None:
    """Complain of a file that cannot be written before an hour of measuring, not after it."""
    for name in ("json", "markdown"):
        path: Path | None = getattr(options, name)
        if path is not None and str(path) != "-" and (path.is_dir() or not os.access(path.absolute().parent, os.W_OK)):
            raise UsageError(f"--{name}: {path} cannot be written. Name a file in a folder that is yours.")
    if options.into is not None:
        _around_marks(options.into)


def _around_marks(path: Path) -> tuple[str, str]:
    """Return what stands in a document before and after the table, marks included."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--into: {path} cannot be read: {error}.") from error
    begin, end = (text.find(mark) for mark in MARKS)
    if not 0 <= begin < end:
        raise UsageError(f"--into: {path} has no lines {MARKS[0]} and {MARKS[1]}; the table goes between them.")
    return text[: begin + len(MARKS[0])], text[end:]


def _tell_report(report: Report, options: argparse.Namespace) -> None:
    standard = [name for name in ("json", "markdown") if str(getattr(options, name)) == "-"]
    if not standard and options.progress != "json":
        tables.print_report(report, Console(highlight=False))
    texts = {"json": encode(report).decode(), "markdown": tables.markdown(report)}
    if options.into is not None:
        texts["into"] = f"\n{tables.overview(report)}".join(_around_marks(options.into))
    for name, text in texts.items():
        path: Path | None = getattr(options, name)
        if name in standard:
            sys.stdout.write(text)
        elif path is not None:
            try:
                path.write_text(text, encoding="utf-8")
            except OSError as error:
                raise UsageError(f"--{name}: {path} cannot be written: {error.strerror or error}.") from error


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
