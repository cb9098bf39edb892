"""Every contender once, on a small model: that the accounting is right, not how fast it is."""

import importlib.util
import json
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import openvino as ov
import psutil
import pytest

from slowfast_live.errors import ModelError
from slowfast_live.inference.spec import IR_FILE, PROBABILITIES, Model, Registry
from slowfast_live.sources.base import Picture
from slowfast_live.tools.bench import contenders
from slowfast_live.tools.bench.live import NETWORK
from slowfast_live.tools.bench.processes import (
    AbsentError,
    BenchmarkAppPlayer,
    ProcessPlayer,
    benchmark_app_facts,
    benchmark_app_reading,
)
from slowfast_live.tools.bench.runtimes import Bare, Notebook, without_preprocessing
from slowfast_live.tools.bench.sample_video import EndlessFile, sample_video_file
from slowfast_live.types import SourceInfo

ROOT = Path(__file__).resolve().parents[3]
WORKER = "slowfast_live.tools.bench.worker"


@pytest.fixture
def worker_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")


@pytest.fixture(scope="session")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sample_video_file((160, 120), tmp_path_factory.mktemp("footage"))


def turn_of(player: ProcessPlayer) -> tuple[object, object]:
    try:
        return player.prepare(), player.turn(0.3)
    finally:
        player.close()


def test_the_bare_request_counts_its_inferences(tiny: Model) -> None:
    bare = Bare(tiny, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    try:
        facts, reading = bare.facts(), bare.run(0.05)
    finally:
        bare.close()
    assert facts.execution_precision == "f32" and facts.threads and facts.streams == 1 and facts.version
    assert reading.predictions >= 1 and reading.cpu_s and reading.rss_mb and reading.network_cpu_s is None


def test_the_notebook_gives_what_our_graph_gives(tiny: Model) -> None:
    rng = np.random.default_rng(3)
    coarse = rng.integers(0, 256, (tiny.spec.clip.frames, 6, 8, 3), np.uint8)
    side = tiny.spec.clip.side
    pictures = [np.asarray(cv2.resize(picture, (2 * side, side)), np.uint8) for picture in coarse]
    answer = Notebook(tiny, "CPU").classify(pictures)
    framing = tiny.spec.framing()
    clip = np.stack([framing.admit(picture) for picture in pictures])
    expected = ov.compile_model(tiny.folder / IR_FILE, "CPU")(clip[None])[PROBABILITIES][0]
    assert expected.max() - expected.min() > 0.05  # else any two networks would agree
    np.testing.assert_allclose(answer, expected, atol=0.02)


def test_the_notebook_is_left_out_where_the_network_takes_no_plain_pictures() -> None:
    demo = Registry().find("slowfast_demo-int8")
    network = ov.Core().read_model(demo.folder / IR_FILE)
    with pytest.raises(ModelError, match="not whole pictures"):
        without_preprocessing(network, demo.spec)


@pytest.mark.usefixtures("worker_environment")
def test_the_pipeline_counts_predictions_frames_and_threads(tiny: Model, video: Path) -> None:
    words = ["pipeline", "--model", str(tiny.folder), "--video", str(video)]
    player = ProcessPlayer(WORKER, words)
    try:
        facts = player.prepare()
        readings = [player.turn(0.5), player.turn(0.5)]
    finally:
        player.close()
    assert facts.execution_precision
    for reading in readings:
        assert reading.predictions > 0 and reading.frames and reading.shown is None
        assert reading.latency_ms_p50 and reading.latency_ms_p95 >= reading.latency_ms_p50
        assert set(reading.parts) >= {NETWORK, "capture", "recognizer"}
        assert sum(reading.parts.values()) <= reading.cpu_s + 0.1


@pytest.mark.usefixtures("worker_environment")
@pytest.mark.parametrize("kind", ["window", "window_picture"])
def test_the_window_paints_while_the_pipeline_predicts(kind: str, tiny: Model, video: Path) -> None:
    words = [kind, "--model", str(tiny.folder), "--video", str(video)]
    facts, reading = turn_of(ProcessPlayer(WORKER, words))
    assert facts.execution_precision and reading.shown and reading.predictions > 0


@pytest.mark.usefixtures("worker_environment")
@pytest.mark.parametrize("kind", ["pipeline", "window", "window_picture"])
def test_a_model_that_does_not_run_is_a_reason_and_not_a_wait(
    kind: str, tiny: Model, video: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "broken"
    folder.mkdir()
    for file in tiny.folder.iterdir():
        (folder / file.name).write_bytes(file.read_bytes() if file.name != "model.xml" else b"<broken")
    player = ProcessPlayer(WORKER, [kind, "--model", str(folder), "--video", str(video)])
    with pytest.raises(AbsentError, match="not a readable OpenVINO model"):
        player.prepare()
    player.close()


@pytest.mark.usefixtures("worker_environment")
def test_a_process_that_dies_is_a_reason() -> None:
    player = ProcessPlayer("slowfast_live.tools.bench.no_such_module", [])
    with pytest.raises(AbsentError, match="no_such_module"):
        player.prepare()
    player.close()


def test_benchmark_app_runs_the_same_file(tiny: Model) -> None:
    program = contenders.benchmark_app()
    if program is None:
        pytest.skip("benchmark_app is not installed")
    player = BenchmarkAppPlayer(program, tiny.folder / IR_FILE, "CPU", "latency")
    facts, reading = player.prepare(), player.turn(1)
    assert facts.streams == 1 and facts.threads and facts.execution_precision in ("f32", "bf16", "f16")
    assert reading.predictions > 1 and reading.per_s == pytest.approx(reading.predictions / reading.elapsed_s, rel=0.1)


def test_benchmark_app_is_listed_where_it_is_not_installed_or_fails(tiny: Model, tmp_path: Path) -> None:
    with pytest.raises(AbsentError, match="not installed"):
        BenchmarkAppPlayer(None, tiny.folder / IR_FILE, "CPU", "latency").prepare()
    with pytest.raises(AbsentError, match="benchmark_app failed"):
        BenchmarkAppPlayer(sys.executable, tmp_path, "CPU", "latency").prepare()


def test_benchmark_apps_report_is_read_as_it_writes_it() -> None:
    execution = {
        "total execution time (ms)": "2058.10",
        "total number of iterations": "52",
        "latency (ms)": "36.55",
        "throughput": "25.27",
    }
    reading = benchmark_app_reading(json.dumps({"execution_results": execution}).encode())
    assert (reading.predictions, reading.per_s, reading.clip_ms) == (52, 25.27, 36.55)
    with pytest.raises(AbsentError, match="cannot be read"):
        benchmark_app_reading(b'{"execution_results": {"throughput": "25.27"}}')
    facts = benchmark_app_facts("[ INFO ]   NUM_STREAMS: 1\n  INFERENCE_NUM_THREADS: 2\n")
    assert (facts.streams, facts.threads, facts.execution_precision) == (1, 2, "")


@pytest.mark.usefixtures("worker_environment")
@pytest.mark.parametrize("kind", ["torch", "onnxruntime"])
def test_torch_and_onnx_runtime_run_the_bundled_network(kind: str) -> None:
    for package in ("torch", "pytorchvideo", "onnx", "onnxruntime"):
        pytest.importorskip(package)
    facts, reading = turn_of(ProcessPlayer("slowfast_live.tools.torch_timing", [kind, "--network", "slowfast_demo"]))
    assert facts.execution_precision == "f32" and facts.version and reading.predictions >= 1


def test_a_package_that_is_not_installed_is_named(tiny: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "torch" else find(name))
    (entrant,) = contenders.entrants(tiny, "CPU", ["torch"])
    with pytest.raises(AbsentError, match="torch is not installed"):
        entrant.player.prepare()


class ThreePictures:
    """A file of three pictures, a tenth of a second apart."""

    warning = ""

    def __init__(self) -> None:
        self.left = 3

    def open(self) -> SourceInfo:
        return SourceInfo(4, 4, 10.0, 0.3, True)

    def read(self) -> Picture | None:
        if self.left == 0:
            return None
        self.left -= 1
        return Picture(np.zeros((4, 4, 3), np.uint8), (2 - self.left) / 10)

    def seek(self, t_s: float) -> None:
        self.left = 3

    def close(self) -> None:
        pass


def test_an_endless_file_goes_on_with_even_steps() -> None:
    source = EndlessFile(ThreePictures())
    info = source.open()
    times = [picture.t_s for _ in range(10) if (picture := source.read())]
    assert info.duration_s is None and not info.seekable
    np.testing.assert_allclose(np.diff(times), 0.1)


def test_an_empty_file_ends() -> None:
    empty = ThreePictures()
    empty.read = lambda: None  # type: ignore[method-assign]
    assert EndlessFile(empty).read() is None


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems do not end what is held")
@pytest.mark.usefixtures("worker_environment")
def test_who_is_held_ends_with_a_benchmark_that_is_killed(tiny: Model) -> None:
    """A held process cannot end itself, so the system has to wake it when nobody is there to do so."""
    code = (
        "import sys, time\n"
        "from slowfast_live.tools.bench.processes import ProcessPlayer\n"
        f"player = ProcessPlayer({WORKER!r}, ['bare', '--model', {str(tiny.folder)!r}])\n"
        "player.prepare()\n"
        "print(player._process.pid, flush=True)\n"
        "sys.stdin.read()\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert parent.stdout is not None and parent.stdin is not None
    with parent.stdout, parent.stdin:
        held = psutil.Process(int(parent.stdout.readline()))
        until_s = time.monotonic() + 60
        while held.status() != psutil.STATUS_STOPPED:  # a signal takes effect when the process runs next
            assert time.monotonic() < until_s, held.status()
        parent.kill()
        parent.wait()
        while held.is_running() and held.status() != psutil.STATUS_ZOMBIE:  # a container may not reap it
            assert time.monotonic() < until_s, held.status()
