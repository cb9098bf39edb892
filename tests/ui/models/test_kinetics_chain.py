"""The whole chain behind the button; only the size of the network and the address of its weights are replaced."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt

torch = pytest.importorskip("torch")

from slowfast_live.inference.openvino_backend import OpenVinoBackend
from slowfast_live.inference.spec import Registry
from slowfast_live.tools.convert import networks
from slowfast_live.tools.convert.catalogue import CATALOGUE
from slowfast_live.tools.convert.clips import drawn
from slowfast_live.tools.convert.random_weights import randomize
from slowfast_live.ui.models.kinetics_setup import SetupEnd
from slowfast_live.ui.models.model_builder import BuildTools
from tests.tools.convert.server import Behaviour, serving
from tests.ui.models import served_build
from tests.ui.models.conftest import Bench

pytestmark = pytest.mark.timeout(900)


def test_from_one_click_to_400_actions(
    make_bench: Callable[..., Bench], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = CATALOGUE["x3d_xs"]
    net = networks.build(entry)
    randomize(networks.adapt(net, entry), drawn(entry.clip, 2, seed=9), 9)
    weights = tmp_path / "weights.pyth"
    torch.save({"model_state": net.state_dict(), "epoch": 300}, weights)
    behavior = Behaviour(weights.read_bytes(), cut_after=[1_000_000])  # the connection is cut once
    bench = make_bench(opened=False)
    monkeypatch.setenv("SLOWFAST_LIVE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("SLOWFAST_LIVE_MODELS", os.fspath(bench.output))
    with serving(behavior) as address:
        program = (sys.executable, served_build.__file__, address)
        bench.builder.tools = BuildTools(program, bench.output, ("torch", "nncf"))
        bench.trigger("recognize_400")
        dialog = bench.window.dialogs.kinetics
        assert dialog is not None
        bench.qtbot.waitUntil(lambda: bool(dialog.choices), timeout=120_000)
        ended: list[SetupEnd] = []
        steps: list[str] = []
        bench.window.dialogs.setup.finished.connect(ended.append)
        bench.window.dialogs.setup.progress.connect(lambda progress: steps.append(progress.text))
        dialog.choices["x3d_s"].setChecked(True)
        bench.qtbot.mouseClick(dialog.start, Qt.MouseButton.LeftButton)
        bench.qtbot.waitUntil(lambda: bool(ended), timeout=800_000)
    assert ended[0].done, ended[0]
    assert "400 actions are recognized" in ended[0].message and "predictions a second here" in ended[0].message
    assert any(step.startswith("Downloading") for step in steps) and any("Calibrating" in step for step in steps)
    assert behavior.requests[1]["Range"].startswith("bytes="), "the download went on where it was cut"
    model, device = bench.pipeline.last("use_model")
    assert model.name in ("x3d_s-fp16", "x3d_s-int8") and device == "CPU"
    found = Registry([bench.output]).find(model.name)
    assert found.spec.trained and len(found.spec.labels) == 400 and found.spec.accuracy[0].origin == "published"
    runner = OpenVinoBackend().compile(found, "CPU")
    try:
        assert runner.infer().probs.shape == (400,)
    finally:
        runner.close()
    # Once it is set up, the button only switches.
    bench.wait(lambda: not bench.live.background.busy)
    assert dialog.start.text() == "Use it"
