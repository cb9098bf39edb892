"""Out of the box: the bundled model, on the bundled clip, through the whole pipeline, one frame a step."""

import json
from pathlib import Path

import pytest

from slowfast_live import paths
from slowfast_live.inference.openvino_backend import OpenVinoBackend
from slowfast_live.inference.spec import Registry
from slowfast_live.pipeline import Pipeline
from slowfast_live.sources import make_source
from slowfast_live.types import Prediction, Readout, SourceKind, SourceSpec
from tests.stepped_clock import SteppedClock
from tests.waiting import eventually

WITHIN_S = 2.5
"""From a change of action to the right label."""


@pytest.mark.timeout(280)
def test_the_demo_is_recognized_soon_after_each_change(tmp_path: Path) -> None:
    models, broken = Registry([paths.bundled("models")]).scan()
    assert models and models[0].spec.trained and not broken, "a trained model comes with the app"
    shown: list[tuple[float, str | None]] = []

    def note(prediction: Prediction, readout: Readout) -> None:
        shown.append((prediction.t_end_s, readout.label))

    clock = SteppedClock()
    pipeline = Pipeline(OpenVinoBackend(tmp_path / "cache"), make_source, clock, note)
    try:
        pipeline.use_model(models[0])
        eventually(lambda: pipeline.status().model, timeout_s=60)
        # As a file, not as the demo: it shall end.
        pipeline.open(SourceSpec(SourceKind.FILE, str(paths.bundled("assets") / "demo.mp4")))
        eventually(lambda: pipeline.status().frames_captured)
        while not pipeline.status().ended:
            before = pipeline.status().frames_captured
            clock.step(1 / 30 + 1e-7)
            eventually(lambda n=before: pipeline.status().frames_captured > n or pipeline.status().ended)
            if pipeline.status().coverage >= 1:
                end_s = pipeline.status().position_s
                eventually(lambda end_s=end_s: shown and shown[-1][0] >= end_s - 1e-9)
    finally:
        pipeline.stop()
    for action in json.loads((paths.bundled("assets") / "demo.json").read_text()):
        start_s, end_s, label = action["start_s"], action["end_s"], action["label"]
        # The very first action can only be told once the model's span is covered.
        begin_s = max(start_s, models[0].spec.timing.span_s)
        right = [t_s for t_s, said in shown if start_s <= t_s <= end_s and said == label]
        assert right and right[0] - begin_s <= WITHIN_S, f"{label} at {start_s} s"
        rest = [said for t_s, said in shown if begin_s + WITHIN_S <= t_s <= end_s]
        assert rest.count(label) >= 0.7 * len(rest), f"{label} is held: {rest}"
