"""The dialog that analyzes files, with a job that does what the test says."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QMimeData, QPoint, Qt, QUrl
from PySide6.QtGui import QDropEvent

from slowfast_live.analysis.command import AnalyzeOptions
from slowfast_live.analysis.job import JobEnd
from slowfast_live.analysis.progress import Step
from slowfast_live.inference.spec import Registry
from slowfast_live.types import Level
from slowfast_live.ui.analysis.analyze_dialog import AnalyzeDialog


class FakeJob:
    def __init__(
        self, order: AnalyzeOptions, on_step: Callable[[Step], None], on_end: Callable[[JobEnd], None]
    ) -> None:
        self.order, self.on_step, self.on_end = order, on_step, on_end
        self.started = self.cancelled = 0

    def start(self) -> None:
        self.started += 1

    def cancel(self) -> None:
        self.cancelled += 1


class Bench:
    """The dialog, its jobs, and waiting for what it shows."""

    def __init__(self, registry: Registry, qtbot: Any) -> None:
        self.jobs: list[FakeJob] = []
        self.ends: list[JobEnd] = []
        self.qtbot = qtbot
        self.dialog = AnalyzeDialog(
            lambda: registry.scan()[0], lambda: ("tiny_trained-fp32", "GPU"), make_job=self._make
        )
        self.dialog.ended.connect(self.ends.append)
        qtbot.addWidget(self.dialog)
        self.dialog.open_up()

    def _make(self, *arguments: Any) -> FakeJob:
        self.jobs.append(FakeJob(*arguments))
        return self.jobs[-1]

    def wait(self, test: Callable[[], object]) -> None:
        self.qtbot.waitUntil(lambda: bool(test()), timeout=20_000)


@pytest.fixture
def bench(registry: Registry, qtbot: Any) -> Iterator[Bench]:
    bench = Bench(registry, qtbot)
    yield bench
    bench.dialog.shut_down()


def test_nothing_to_analyze_nothing_to_start(bench: Bench, tmp_path: Path) -> None:
    dialog = bench.dialog
    assert not dialog.start.isEnabled() and dialog.model.currentData() == "tiny_trained-fp32"
    dialog.add([tmp_path, tmp_path, tmp_path / "a.mp4"])
    assert dialog.paths.count() == 2 and dialog.start.isEnabled()
    dialog.folder.setText(" ")
    assert not dialog.start.isEnabled()
    dialog.folder.setText("out")
    dialog.paths.selectAll()
    dialog.remove.click()
    assert dialog.paths.count() == 0 and not dialog.start.isEnabled()


def test_the_order_is_what_was_chosen(bench: Bench, tmp_path: Path) -> None:
    dialog = bench.dialog
    dialog.add([tmp_path / "a.mp4"])
    dialog.folder.setText(str(tmp_path / "out"))
    dialog.stride.setValue(0.3)
    dialog.formats["vtt"].setChecked(False)
    dialog.annotate.setChecked(True)
    dialog.start.click()
    (job,) = bench.jobs
    assert job.started == 1 and job.order.given == (tmp_path / "a.mp4",)
    assert job.order.outputs.formats == ("json", "csv", "srt") and job.order.outputs.annotate
    assert (job.order.settings.stride_s, job.order.model, job.order.device) == (0.3, "tiny_trained-fp32", "GPU")
    assert not dialog.start.isVisible() and dialog.cancel.isEnabled() and not dialog.paths.isEnabled()


def test_progress_and_the_end_are_shown(bench: Bench, tmp_path: Path) -> None:
    dialog = bench.dialog
    dialog.add([tmp_path])
    dialog.start.click()
    (job,) = bench.jobs
    job.on_step(Step("progress", "/videos/one.mp4", 1, 2, 0.5, 0.25))
    bench.wait(lambda: dialog.this_file.value() == 500 and dialog.all_files.value() == 250)
    assert dialog.state.text() == "one.mp4 (1 of 2)"
    job.on_step(Step("done", "/videos/one.mp4", 1, 2, 1.0, 0.5, "one.mp4: 3 events.", 3))
    job.on_step(Step("failed", "/videos/two.mp4", 2, 2, 1.0, 1.0, "two.mp4: it is empty."))
    report = tmp_path / "report.html"
    job.on_end(JobEnd(False, False, "1 analyzed, 1 failed.", report))
    bench.wait(lambda: not dialog.busy)
    assert [dialog.results.item(i).text() for i in range(2)] == ["one.mp4: 3 events.", "two.mp4: it is empty."]
    assert dialog.state.text() == "1 analyzed, 1 failed." and dialog.open_report.isVisible()
    assert len(bench.ends) == 1 and dialog.start.isVisible() and not dialog.this_file.isVisible()


def test_it_can_be_cancelled_and_started_again(bench: Bench, tmp_path: Path) -> None:
    dialog = bench.dialog
    dialog.add([tmp_path])
    dialog.start.click()
    dialog.cancel.click()
    assert bench.jobs[0].cancelled == 1 and not dialog.cancel.isEnabled()
    bench.jobs[0].on_step(Step("progress", "/videos/one.mp4", 1, 1, 0.6, 0.6))
    bench.jobs[0].on_end(JobEnd(False, True, "Cancelled.", None))
    bench.wait(lambda: not dialog.busy)
    assert dialog.state.text() == "Cancelled." and not dialog.open_report.isVisible()
    dialog.start.click()
    assert len(bench.jobs) == 2 and dialog.cancel.isEnabled()


def test_closed_it_goes_on_and_with_the_app_it_ends(bench: Bench, tmp_path: Path) -> None:
    bench.dialog.add([tmp_path])
    bench.dialog.start.click()
    bench.dialog.close()
    assert bench.dialog.busy and bench.jobs[0].cancelled == 0
    bench.dialog.shut_down()
    assert bench.jobs[0].cancelled == 1


def test_files_are_dropped_on_it(bench: Bench, tmp_path: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(tmp_path / "a b.mp4")), QUrl("https://example.org/x.mp4")])
    position = QPoint(10, 10).toPointF()
    event = QDropEvent(
        position, Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    )
    bench.dialog.dropEvent(event)
    assert [bench.dialog.paths.item(i).text() for i in range(bench.dialog.paths.count())] == [str(tmp_path / "a b.mp4")]


def test_from_the_window(desk: Any, video: Any) -> None:
    """The menu's command opens it, with the file that plays; an end while it is closed becomes a notice."""
    desk.trigger("analyze")
    dialog = desk.window.dialogs.analyze
    assert dialog.isVisible() and dialog.paths.item(0).text() == video.address
    desk.trigger("analyze")
    assert desk.window.dialogs.analyze is dialog
    dialog.close()
    dialog.ended.emit(JobEnd(False, False, "1 analyzed, 1 failed.", None))
    shown = desk.window.notice_bar
    assert shown.isVisible() and shown.notice.level is Level.WARNING
