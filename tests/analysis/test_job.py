"""An analysis in a process of its own: told step by step, cancelled, and what it says when it fails."""

import sys
import threading
from pathlib import Path

import pytest

from slowfast_live.analysis.analyzer import AnalysisSettings
from slowfast_live.analysis.command import AnalyzeOptions
from slowfast_live.analysis.job import AnalysisJob, JobEnd, words
from slowfast_live.analysis.outputs import OutputFolder
from slowfast_live.analysis.progress import Step
from slowfast_live.cli import make_parser
from tests.analysis.fakes import write_clip

ROOT = Path(__file__).resolve().parents[2]


class Heard:
    """What a job told."""

    def __init__(self, order: AnalyzeOptions, program: tuple[str, ...] | None = None) -> None:
        self.steps: list[Step] = []
        self.ends: list[JobEnd] = []
        self.first = threading.Event()
        options = {"program": program} if program else {}
        self.job = AnalysisJob(order, self._step, self.ends.append, **options)

    def _step(self, step: Step) -> None:
        self.steps.append(step)
        if step.step == "progress":
            self.first.set()

    def end(self) -> JobEnd:
        assert self.job.join(60)
        (end,) = self.ends
        return end


@pytest.fixture(autouse=True)
def at_hand(tiny_models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLOWFAST_LIVE_MODELS", str(tiny_models))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))


def order(tmp_path: Path, **options: object) -> AnalyzeOptions:
    return AnalyzeOptions(
        (tmp_path / "in",), OutputFolder(tmp_path / "out"), AnalysisSettings(), "tiny_short-fp32", **options
    )


def test_it_tells_each_step_and_the_end(tmp_path: Path) -> None:
    write_clip(tmp_path / "in" / "ä b.mp4", [(2, 10)], (32, 24))
    heard = Heard(order(tmp_path))
    heard.job.start()
    end = heard.end()
    assert end.complete and not end.cancelled and end.report == tmp_path / "out" / "report.html"
    assert "1 analyzed" in end.message and end.report.is_file()
    assert [step.step for step in heard.steps if step.step != "progress"] == ["start", "done", "end"]
    assert heard.steps[1].file.endswith("ä b.mp4")


def test_it_is_cancelled_and_goes_on_later(tmp_path: Path) -> None:
    write_clip(tmp_path / "in" / "a.mp4", [(2, 10)], (32, 24))
    write_clip(tmp_path / "in" / "long.mp4", [(120, 10)], (32, 24))
    heard = Heard(order(tmp_path))
    heard.job.start()
    assert heard.first.wait(60)
    heard.job.cancel()
    heard.job.cancel()
    end = heard.end()
    assert end.cancelled and not end.complete and not (tmp_path / "out" / "long.json").exists()
    heard = Heard(order(tmp_path))
    heard.job.start()
    assert heard.end().complete


def test_cancelled_before_it_began(tmp_path: Path) -> None:
    write_clip(tmp_path / "in" / "long.mp4", [(60, 10)], (32, 24))
    heard = Heard(order(tmp_path))
    heard.job.cancel()
    heard.job.start()
    assert heard.end().cancelled


def test_a_mistake_is_told_in_words(tmp_path: Path) -> None:
    heard = Heard(order(tmp_path))
    heard.job.start()
    end = heard.end()
    assert not end.complete and not end.cancelled and end.report is None
    assert end.message == f"There is no file or folder {tmp_path / 'in'}."


def test_a_program_that_is_not_there_or_crashes(tmp_path: Path) -> None:
    for program, told in (
        ((str(tmp_path / "none"),), "cannot be started"),
        ((sys.executable, "-c", "import sys; print('noise'); sys.exit(7)"), "noise"),
        ((sys.executable, "-c", "import sys; sys.exit(7)"), "exit code 7"),
    ):
        heard = Heard(order(tmp_path), program)
        heard.job.start()
        end = heard.end()
        assert told in end.message and not end.complete and not end.cancelled


def test_an_order_is_a_command_line_that_means_the_same(tmp_path: Path) -> None:
    outputs = OutputFolder(tmp_path / "out put", ("json", "srt"), annotate=True)
    given = (tmp_path / "-x.mp4", tmp_path / "a b")
    wanted = AnalyzeOptions(given, outputs, AnalysisSettings(0.25, 3, 0.6), "m", "GPU", json_lines=True)
    options = make_parser().parse_args(words(wanted))
    assert (tuple(options.paths), options.out, options.format, options.annotate) == (
        given, outputs.folder, "json,srt", True,
    )  # fmt: skip
    assert (options.stride, options.views, options.threshold) == (0.25, 3, 0.6)
    assert (options.model, options.device, options.progress) == ("m", "GPU", "json")
