"""The command `slowfast-live soak`: uses the real window without pause for some minutes and checks the effects."""

from __future__ import annotations

import csv
import gc
import json
import logging
import sys
import tempfile
import threading
import time
import tracemalloc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from types import TracebackType

import psutil
from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QApplication
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from slowfast_live import files
from slowfast_live.errors import UsageError
from slowfast_live.inference.building import BUILD_COMMAND
from slowfast_live.inference.devices import list_devices
from slowfast_live.inference.openvino_backend import OpenVinoBackend
from slowfast_live.inference.spec import Registry
from slowfast_live.pipeline import Pipeline
from slowfast_live.tools.soak import sources
from slowfast_live.tools.soak.checks import Finding, Sample, holds, judge
from slowfast_live.tools.soak.random_user import RandomUser
from slowfast_live.types import Level, Notice, SourceKind, SourceSpec
from slowfast_live.ui.app import LiveApp, Services, make_application
from slowfast_live.ui.controller.options import AppOptions

log = logging.getLogger(__name__)

_WARM_UP = 0.2
"""Share of the time after which caches and allocators have settled."""
_LONGEST_WARM_UP_S = 120.0
_HOME_WITHIN_S = 60.0
_POLL_MS = 100
_TRACED = 12


@dataclass(frozen=True, slots=True)
class SoakOptions:
    """Options of the command line.

    Attributes:
        minutes: Duration.
        seed: Determines the user's actions and their order.
        report: File for all samples and check results: .json or .csv; None for no file.
        every_s: Seconds between two samples.
        trace: Report which lines of Python hold the memory allocated in the second half of the run.
    """

    minutes: float
    seed: int = 1
    report: Path | None = None
    every_s: float = 5.0
    trace: bool = False


class Soak(QObject):
    """Drives the window: warm-up, initial state, user actions, initial state, end.

    Args:
        live: The app; its window is open.
        person: The simulated user.
        options: Includes the duration.
    """

    def __init__(self, live: LiveApp, person: RandomUser, options: SoakOptions) -> None:
        super().__init__()
        self._live, self._person, self._options = live, person, options
        self._process = psutil.Process()
        self._began_s = time.monotonic()
        length_s = 60 * options.minutes
        self._warm_until_s = min(_WARM_UP * length_s, _LONGEST_WARM_UP_S)
        self._end_s = length_s
        self._warm = False
        self._home_since_s: float | None = None
        self._next_sample_s = 0.0
        self._next_act_s = 0.0
        self._traced: tracemalloc.Snapshot | None = None
        self.samples: list[Sample] = []
        self.came_home = False
        self._timer = QTimer(self)
        self._timer.setInterval(_POLL_MS // 5)
        self._timer.timeout.connect(self._turn)

    def start(self) -> None:
        """Start the soak test."""
        self._live.window.loop_latency.start()
        self._timer.start()

    def _turn(self) -> None:
        now_s = time.monotonic() - self._began_s
        if now_s >= self._next_sample_s:
            self._next_sample_s = now_s + self._options.every_s
            self.samples.append(self._sample(now_s, home=False))
        if self._home_since_s is not None:
            self._wait_for_home(now_s)
        elif now_s >= (self._end_s if self._warm else self._warm_until_s) and self._live.controller.models:
            self._home_since_s = now_s
            self._person.go_home()
        elif now_s >= self._next_act_s:
            self._person.act()
            self._next_act_s = now_s + self._person.pause_s()

    def _wait_for_home(self, now_s: float) -> None:
        assert self._home_since_s is not None
        waited_s = now_s - self._home_since_s
        reached = self._person.at_home
        # Allow two more seconds for replaced objects to close.
        if reached and waited_s > 2.0 + _POLL_MS / 1000:
            gc.collect()
            self.samples.append(self._sample(now_s, home=True))
            self._home_since_s = None
            if self._warm:
                self.came_home = True
                self._end()
            self._warm = True
            if self._options.trace and self._traced is None:
                self._traced = tracemalloc.take_snapshot()
        elif waited_s > _HOME_WITHIN_S:
            log.error("The app did not come back to the demo within %.0f s.", _HOME_WITHIN_S)
            self._end()

    def _end(self) -> None:
        self._timer.stop()
        if self._traced is not None:
            for line in tracemalloc.take_snapshot().compare_to(self._traced, "lineno")[:_TRACED]:
                log.warning("%s", line)
        self._live.quit("soak")

    def _sample(self, t_s: float, *, home: bool) -> Sample:
        status, window = self._live.pipeline.status(), self._live.window
        return Sample(
            t_s=round(t_s, 3),
            rss_mb=round(self._process.memory_info().rss / 1e6, 3),
            threads=self._process.num_threads(),
            handles=_handles(self._process),
            captured=status.frames_captured,
            shown=window.shown_frames,
            dropped=status.frames_dropped,
            predictions=status.predictions,
            longest_turn_ms=round(window.loop_latency.max_ms, 1),
            longest_work_ms=round(window.loop_latency.work_max_ms, 1),
            acts=self._person.acts,
            home=home,
        )


def _handles(process: psutil.Process) -> int:
    on_windows = getattr(process, "num_handles", None)
    return int(on_windows() if on_windows is not None else process.num_fds())


class _Faults(logging.Handler):
    """Collects errors: those logged, those shown in the window, and uncaught exceptions."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(f"{record.name}: {record.getMessage()}")

    def add_notice(self, notice: Notice) -> None:
        if notice.level is Level.ERROR:
            self.texts.append(f"told: {notice.message}")

    @contextmanager
    def listening(self) -> Iterator[None]:
        root = logging.getLogger()
        before = sys.excepthook, threading.excepthook, sys.unraisablehook

        def raised(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
            self.texts.append(f"raised: {error!r}")
            before[0](kind, error, trace)

        def raised_on_a_thread(what: threading.ExceptHookArgs) -> None:
            self.texts.append(f"raised on a thread: {what.exc_value!r}")
            before[1](what)

        root.addHandler(self)
        sys.excepthook, threading.excepthook = raised, raised_on_a_thread
        try:
            yield
        finally:
            root.removeHandler(self)
            sys.excepthook, threading.excepthook, sys.unraisablehook = before


def run(options: SoakOptions) -> int:
    """Run the soak test, print the results and return 0 if all checks pass, else 1.

    Raises:
        UsageError: There is no model, or the report cannot be written.
    """
    if not Registry().scan()[0]:
        raise UsageError(f"There is no model to soak the app with. Build one with `{BUILD_COMMAND}`.")
    if options.report is not None:
        columns = ",".join(field.name for field in fields(Sample))
        mark = columns if options.report.suffix.lower() == ".csv" else '"holds":'
        if not options.report.absolute().parent.is_dir():
            raise UsageError(f"--report: {options.report} cannot be written: its folder does not exist.")
        files.refuse_foreign(options.report, files.marked(mark.encode()), "--report")
        _write(options.report, [], [])  # better to fail now than after half an hour
    samples, findings = soak(options)
    if options.report is not None:
        _write(options.report, samples, findings)
    _print(findings)
    return 0 if holds(findings) else 1


def soak(options: SoakOptions) -> tuple[list[Sample], list[Finding]]:
    """Open the window, simulate its use, close it; return the samples and the check results."""
    if options.trace:
        tracemalloc.start()
    app = make_application()
    threads = set(threading.enumerate())
    faults = _Faults()
    with tempfile.TemporaryDirectory() as name, faults.listening():
        folder = Path(name)
        switched = [
            SourceSpec(SourceKind.DEMO),
            sources.CAMERA,
            sources.write_video(folder / "wide.mp4", 640, 360, 12),
            sources.write_video(folder / "tall.avi", 180, 320, 5),
        ]
        driver = _drive(app, options, folder, switched, faults)
    left = [thread.name for thread in set(threading.enumerate()) - threads if _of_the_app(thread)]
    if options.trace:
        tracemalloc.stop()
    return driver.samples, judge(driver.samples, faults.texts, left, driver.came_home)


def _drive(
    app: QApplication, options: SoakOptions, folder: Path, switched: Sequence[SourceSpec], faults: _Faults
) -> Soak:
    services = Services(
        pipeline=lambda: Pipeline(OpenVinoBackend(), sources.make),
        cameras=sources.OneCamera(),
        devices=list_devices,
        registry=Registry(),
        snapshots=folder / "snapshots",
    )
    live = LiveApp(app, AppOptions(source=switched[0], settings_path=folder / "settings.json"), services)
    live.poller.notice.connect(faults.add_notice)
    live.controller.notice.connect(faults.add_notice)
    driver = Soak(live, RandomUser(live, switched, options.seed), options)
    try:
        live.start()
        driver.start()
        app.exec()
    finally:
        live.close()
    live.window.deleteLater()
    return driver


def _of_the_app(thread: threading.Thread) -> bool:
    return thread.is_alive() and not thread.name.startswith("ThreadPoolExecutor")


def _write(path: Path, samples: Sequence[Sample], findings: Sequence[Finding]) -> None:
    try:
        with files.atomic(path) as part, part.open("w", newline="", encoding="utf-8") as file:
            if path.suffix.lower() == ".csv":
                writer = csv.DictWriter(file, [field.name for field in fields(Sample)])
                writer.writeheader()
                writer.writerows(asdict(sample) for sample in samples)
            else:
                report = {
                    "holds": holds(findings) if findings else None,
                    "verdict": [asdict(finding) for finding in findings],
                    "samples": [asdict(sample) for sample in samples],
                }
                file.write(json.dumps(report, indent=1) + "\n")
    except OSError as error:
        raise UsageError(f"--report: {path} cannot be written: {error.strerror or error}.") from error


def _print(findings: Sequence[Finding]) -> None:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for column in ("", "measured", "limit", ""):
        table.add_column(column)
    for finding in findings:
        mark = "" if finding.good is None else "good" if finding.good else "BAD"
        table.add_row(finding.what, finding.measured, finding.limit, mark)
    Console(highlight=False, markup=False).print(table)
