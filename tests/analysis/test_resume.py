"""A run that is killed goes on, and in the end everything is as if nothing had happened."""

import io
import json
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from slowfast_live.analysis.analyzer import AnalysisSettings
from slowfast_live.analysis.batch import Batch, VideoResult
from slowfast_live.analysis.outputs import OutputFolder, ResultFolder
from slowfast_live.analysis.progress import JsonReporter
from slowfast_live.inference.spec import Model, Registry
from slowfast_live.sources.videos import find_videos
from tests.analysis.fakes import PlainRunner, write_clip

ROOT = Path(__file__).resolve().parents[2]
CLIPS = 8


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Clips with an event or two each, some in a folder of their own, one broken."""
    folder = tmp_path_factory.mktemp("clips")
    for number in range(CLIPS):
        place = folder / ("deep/ähnlich" if number % 3 == 0 else ".")
        write_clip(place / f"clip {number}.mp4", [(2, 10 + 20 * number), (1.5, 150 - 20 * number)], (32, 24))
    (folder / "broken.mp4").write_bytes(b"no video")
    return folder


@pytest.fixture
def short(registry: Registry) -> Model:
    return registry.find("tiny_short-fp32")


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def run_here(
    folder: Path,
    model: Model,
    out: Path,
    formats: tuple[str, ...] = OutputFolder(Path()).formats,
    stride_s: float = 0.25,
) -> tuple[VideoResult, int]:
    """Run in this process; return the result and how often the model was compiled."""
    compiled = []

    def compile_model() -> PlainRunner:
        compiled.append(PlainRunner(model))
        return compiled[-1]

    with JsonReporter(io.StringIO()) as reporter:
        batch = Batch(model, "CPU", AnalysisSettings(stride_s), OutputFolder(out, formats), compile_model, reporter)
        result = batch.run(find_videos([folder]))
    assert all(runner.closed for runner in compiled)
    return result, len(compiled)


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is not of this system")
@pytest.mark.timeout(900)
def test_killed_twenty_times_and_resumed_is_as_run_once(folder: Path, tiny_models: Path, tmp_path: Path) -> None:
    def run(out: Path, kill_at: int) -> int:
        command = [sys.executable, "-m", "tests.analysis.killed", folder, tiny_models, out, kill_at]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        ended = subprocess.run(
            list(map(str, command)), cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120
        )
        assert ended.returncode in (0, -signal.SIGKILL), ended.stderr
        return ended.returncode

    assert run(tmp_path / "once", 0) == 0
    once = tree(tmp_path / "once")
    assert len([name for name in once if name.endswith(".json")]) == CLIPS and "report.html" in once
    dice = random.Random(5)
    killed = 0
    while killed < 20:
        killed += run(tmp_path / "killed", dice.randint(1, 45)) != 0
        for path in (tmp_path / "killed").rglob("*.json"):
            json.loads(path.read_bytes())
    assert run(tmp_path / "killed", 0) == 0
    assert tree(tmp_path / "killed") == once


def test_what_is_done_is_not_done_again(folder: Path, short: Model, tmp_path: Path) -> None:
    result, compiled = run_here(folder, short, tmp_path)
    assert (len(result.sections), len(result.failures), result.skipped, compiled) == (CLIPS, 1, 0, 1)
    before = tree(tmp_path)
    result, compiled = run_here(folder, short, tmp_path)
    assert (len(result.sections), result.skipped, compiled) == (CLIPS, CLIPS, 1), "the broken file is tried again"
    assert tree(tmp_path) == before
    (folder / "broken.mp4").rename(tmp_path / "away")
    try:
        result, compiled = run_here(folder, short, tmp_path)
    finally:
        (tmp_path / "away").rename(folder / "broken.mp4")
    assert (result.skipped, compiled) == (CLIPS, 0), "no model is compiled for nothing"


def test_another_file_setting_or_damage_is_done_again(short: Model, tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "in" / "a.mp4", [(2, 10)], (32, 24))
    write_clip(tmp_path / "in" / "b.mp4", [(2, 50)], (32, 24))
    out = tmp_path / "out"
    run_here(tmp_path / "in", short, out)
    assert run_here(tmp_path / "in", short, out)[0].skipped == 2
    os.utime(clip, ns=(1, 1))
    assert run_here(tmp_path / "in", short, out)[0].skipped == 1
    assert run_here(tmp_path / "in", short, out, stride_s=0.5)[0].skipped == 0
    (out / "a.json").write_bytes((out / "a.json").read_bytes()[:100])
    assert run_here(tmp_path / "in", short, out, stride_s=0.5)[0].skipped == 1
    assert run_here(tmp_path / "in", short, out, stride_s=0.5)[0].skipped == 2


def test_a_format_that_is_wanted_later_is_written_without_looking_again(short: Model, tmp_path: Path) -> None:
    write_clip(tmp_path / "in" / "a.mp4", [(2, 10)], (32, 24))
    out = tmp_path / "out"
    run_here(tmp_path / "in", short, out, ("json",))
    assert not (out / "a.srt").exists()
    result, compiled = run_here(tmp_path / "in", short, out, ("json", "srt"))
    assert (out / "a.srt").exists() and not (out / "a.vtt").exists()
    assert (result.skipped, compiled) == (1, 0)


def test_ctrl_c_keeps_what_is_done_and_says_what_is_left(
    folder: Path, short: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = 0
    write = ResultFolder.write_json

    def stop_at_the_third(self: ResultFolder, *arguments: object) -> None:
        nonlocal written
        written += 1
        if written == 3:
            raise KeyboardInterrupt
        write(self, *arguments)

    monkeypatch.setattr(ResultFolder, "write_json", stop_at_the_third)
    result, _ = run_here(folder, short, tmp_path)
    assert result.stopped and len(result.sections) == 2
    page = (tmp_path / "report.html").read_text()
    assert "6 files have not been looked at" in page
    monkeypatch.undo()
    result, _ = run_here(folder, short, tmp_path)
    assert not result.stopped and result.skipped == 2 and len(result.sections) == CLIPS
