"""`slowfast-live analyze` with a model on an inference server."""

import json
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("grpc", reason="grpcio is not installed (extra `remote`)")

from slowfast_live import cli
from slowfast_live.analysis import analyzer
from slowfast_live.export.findings import decode
from slowfast_live.inference.spec import Model
from tests.analysis.fakes import write_clip
from tests.inference.remote.conftest import repository, serve, short  # noqa: F401
from tests.inference.remote.kserve_server import KServeServer


@pytest.fixture(autouse=True)
def at_hand(tiny_models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLOWFAST_LIVE_MODELS", str(tiny_models))


def analyze(clip: Path, out: Path, device: str) -> int:
    words = ("--model", "tiny_short-fp32", "--stride", "0.1", "--progress", "json", "--device", device)
    return cli.main(["analyze", *words, "--out", str(out), str(clip)])


def test_the_same_events_and_scores(serve: Callable[..., KServeServer], short: Model, tmp_path: Path) -> None:  # noqa: F811
    server = serve()
    clip = write_clip(tmp_path / "a.mp4", [(2, 28), (2, 130)])
    assert analyze(clip, tmp_path / "there", server.address) == 0
    assert analyze(clip, tmp_path / "here", "CPU") == 0
    there, here = (decode((tmp_path / name / "a.json").read_bytes(), name) for name in ("there", "here"))
    assert there.predictions == here.predictions and there.events == here.events and server.asked > 20
    assert there.model.device == server.address and not there.warnings


def test_a_server_that_dies_in_the_middle(
    serve: Callable[..., KServeServer],  # noqa: F811
    short: Model,  # noqa: F811
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = serve()
    clip = write_clip(tmp_path / "a.mp4", [(2, 28), (2, 130)])
    real = analyzer.PredictionCollector.take
    died = threading.Event()

    def take(self: object, *arguments: object) -> None:
        real(self, *arguments)
        if len(self.rows) == 10:
            server.close()
            died.set()

    monkeypatch.setattr(analyzer.PredictionCollector, "take", take)
    assert analyze(clip, tmp_path / "there", server.address) == 0 and died.is_set()
    monkeypatch.undo()
    monkeypatch.setenv("SLOWFAST_LIVE_MODELS", str(short.folder.parent))
    steps = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    (told,) = [step["message"] for step in steps if step["step"] == "notice"]
    assert server.address in told and "CPU takes over" in told
    assert analyze(clip, tmp_path / "here", "CPU") == 0
    there, here = (decode((tmp_path / name / "a.json").read_bytes(), name) for name in ("there", "here"))
    assert there.predictions == here.predictions
    assert any("server was lost" in warning and "on this machine instead" in warning for warning in there.warnings)


def test_no_server_is_a_mistake(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clip = write_clip(tmp_path / "a.mp4", [(2, 28)])
    assert analyze(clip, tmp_path / "out", "grpc://127.0.0.1:1") == 2
    assert "grpc://127.0.0.1:1 does not answer" in capsys.readouterr().err
    assert analyze(clip, tmp_path / "out", "grpc://nowhere") == 2
    assert "no address of an inference server" in capsys.readouterr().err
