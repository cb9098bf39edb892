"""How many clips run in one request is chosen by measurement, once for each machine and network."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
import pytest

from slowfast_live.inference import kept_timings
from slowfast_live.inference.backend import InferResult, RunsBatches, infer_once
from slowfast_live.inference.batch_tuning import FILE, BatchTimer, BatchTiming, BatchTuner, measure_batches, resized
from slowfast_live.inference.openvino_backend import OpenVinoBackend
from slowfast_live.inference.processor import Processor
from slowfast_live.inference.spec import Model


class Stopwatch:
    """Gives the timings that it is told to give, and remembers what it is asked."""

    def __init__(self, **ms: float) -> None:
        self.timing, self.asked = BatchTiming({int(size[1:]): each for size, each in ms.items()}), list[list[int]]()

    def __call__(
        self, core: ov.Core, network: ov.Model, device: str, config: Mapping[str, Any], sizes: Sequence[int]
    ) -> BatchTiming:
        self.asked.append(list(sizes))
        return self.timing


def choose(folder: Path, model: Model, measure: BatchTimer | None, most: int = 9) -> int:
    core = ov.Core()
    network = core.read_model(model.folder / "model.xml")
    return BatchTuner(folder, measure).choose(core, network, "CPU", {}, model.name, most)


@pytest.mark.parametrize(
    ("ms", "best"),
    [
        ({1: 10.0, 2: 9.0, 4: 8.5}, 1),  # too little to be worth it
        ({1: 10.0, 2: 7.8, 4: 7.0}, 4),
        ({1: 10.0, 2: 7.0, 4: 6.9}, 2),  # its labels come earlier, and it is as fast
        ({1: 10.0, 2: 12.0, 4: 14.0}, 1),
        ({1: 300.0}, 1),  # no batch was tried
    ],
    ids=str,
)
def test_the_faster_size_is_chosen(ms: dict[int, float], best: int) -> None:
    assert BatchTiming(ms).best == best


def test_a_measurement_is_made_once(tmp_path: Path, tiny: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = Stopwatch(_1=10, _2=8, _4=6), Stopwatch(_1=10, _2=12, _4=13)
    assert choose(tmp_path, tiny, first) == 4 and choose(tmp_path, tiny, second) == 4
    assert (first.asked, second.asked) == ([[2, 4]], [])
    monkeypatch.setattr(kept_timings, "this_processor", lambda: Processor("another", ("amx_int8",)))
    assert choose(tmp_path, tiny, second) == 1 and second.asked == [[2, 4]]
    assert len(json.loads((tmp_path / FILE).read_text())) == 2


def test_few_sources_have_few_clips(tmp_path: Path, tiny: Model) -> None:
    watch = Stopwatch(_1=10, _2=7)
    assert choose(tmp_path, tiny, watch, most=1) == 1 and not watch.asked
    assert choose(tmp_path, tiny, watch, most=3) == 2 and watch.asked == [[2]]


def test_a_network_that_cannot_be_timed_runs_alone(tmp_path: Path, tiny: Model) -> None:
    def fail(*_: object) -> BatchTiming:
        raise RuntimeError("made for one clip only")

    assert choose(tmp_path, tiny, fail) == 1 and not (tmp_path / FILE).exists()


def test_a_real_measurement_times_every_size(tiny: Model) -> None:
    core = ov.Core()
    network = core.read_model(tiny.folder / "model.xml")
    timing = measure_batches(core, network, "CPU", {"PERFORMANCE_HINT": "THROUGHPUT"}, (2, 4))
    assert timing.ms.keys() == {1, 2, 4} and all(ms > 0 for ms in timing.ms.values())
    assert network.inputs[0].shape[0] == 1 and resized(network, 4).inputs[0].shape[0] == 4


def test_a_clip_has_the_same_result_in_a_batch(tmp_path: Path, tiny: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BatchTuner, "choose", lambda *_: 2)
    compiled = OpenVinoBackend(tmp_path, throughput=True, together=3).compile(tiny, "CPU")
    try:
        assert isinstance(compiled, RunsBatches) and len(compiled.batches) == len(compiled.requests)
        request, batch = compiled.requests[0], compiled.batches[0]
        clips = np.random.default_rng(0).integers(0, 256, batch.clips.shape, np.uint8)
        batch.clips[:] = clips
        results: list[Sequence[InferResult]] = []
        batch.start(results.append)
    finally:
        singles = []
        for clip in clips:
            request.clip[:] = clip
            singles.append(infer_once(request).probs)
        compiled.close()  # waits for the batch
    together = [result.probs for result in results[0]]
    for single, one in zip(singles, together, strict=True):
        assert single is not None and one is not None and np.abs(single - one).max() < 1e-3
    assert np.abs(together[0] - together[1]).max() > 1e-5, "different clips, different results"  # type: ignore[operator]
