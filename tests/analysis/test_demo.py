"""Out of the box: the bundled model finds the actions of the bundled clip, where they are."""

import json
from statistics import median

import pytest

from slowfast_live import paths
from slowfast_live.analysis.analyzer import AnalysisSettings, Analyzer
from slowfast_live.inference.openvino_backend import OpenVinoBackend
from slowfast_live.inference.spec import Registry


@pytest.mark.parametrize("stride_s", [0.1, 0.5])
def test_the_demo_is_told_as_it_happened(stride_s: float) -> None:
    """Nine events in order and no other. Dated back by the model's lag, half of all begins and ends are right to half a
    second.
    """
    model = Registry([paths.bundled("models")]).scan()[0][0]
    runner = OpenVinoBackend(throughput=True).compile(model, "CPU")
    try:
        found = Analyzer(runner, AnalysisSettings(stride_s)).analyze(paths.bundled("assets") / "demo.mp4")
    finally:
        runner.close()
    truth = json.loads((paths.bundled("assets") / "demo.json").read_text())
    events = found.events
    assert [event.label for event in events] == [action["label"] for action in truth]
    begins = [event.begin_s - action["start_s"] for event, action in zip(events, truth, strict=True)]
    ends = [event.end_s - action["end_s"] for event, action in zip(events, truth, strict=True)]
    assert median(map(abs, begins)) < 0.5 and median(map(abs, ends)) < 0.5
    assert max(map(abs, begins + ends)) < 1.6
    assert found.source.duration_s == 33.8 and found.events[-1].end_s <= 33.8
