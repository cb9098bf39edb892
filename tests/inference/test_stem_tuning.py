"""The form of the first convolutions is chosen by measurement, once for each machine."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import openvino as ov
import pytest
from openvino import opset13 as ops

from slowfast_live.inference import kept_timings, stem_tuning
from slowfast_live.inference.processor import Processor, this_processor
from slowfast_live.inference.space_to_depth import Stem, stems
from slowfast_live.inference.stem_tuning import FILE, StemTimer, StemTiming, StemTuner, multiply_adds, part_up_to
from tests.inference.test_space_to_depth import first_convolution, results


class Stopwatch:
    """Gives the timings that it is told to give, and counts how often it is asked."""

    def __init__(self, direct_ms: float, rewritten_ms: float) -> None:
        self.timing, self.asked = StemTiming(direct_ms, rewritten_ms), 0

    def __call__(self, *_: object) -> StemTiming:
        self.asked += 1
        return self.timing


@pytest.fixture(autouse=True)
def every_stem_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stem_tuning, "MIN_MULTIPLY_ADDS", 0)


def tuned(folder: Path, measure: StemTimer | None) -> ov.Model:
    model = first_convolution((32, 32))
    StemTuner(folder, measure).tune(ov.Core(), model, {"PERFORMANCE_HINT": "LATENCY"})
    return model


@pytest.mark.parametrize(
    ("direct_ms", "rewritten_ms", "rewritten"), [(10, 5, True), (5, 10, False), (10, 9.9, False)], ids=str
)
def test_the_faster_form_is_chosen(tmp_path: Path, direct_ms: float, rewritten_ms: float, rewritten: bool) -> None:
    model = tuned(tmp_path, Stopwatch(direct_ms, rewritten_ms))
    assert (not stems(model)) is rewritten
    assert np.abs(results(model) - results(first_convolution((32, 32)))).max() < 2e-5


def test_a_measurement_is_made_once(tmp_path: Path) -> None:
    first, second = Stopwatch(10, 5), Stopwatch(5, 10)
    tuned(tmp_path, first)
    assert not stems(tuned(tmp_path, second)), "as measured the first time"
    assert (first.asked, second.asked) == (1, 0)


def test_another_processor_measures_for_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tuned(tmp_path, Stopwatch(10, 5))
    monkeypatch.setattr(kept_timings, "this_processor", lambda: Processor("another", ("amx_int8",)))
    other = Stopwatch(5, 10)
    assert stems(tuned(tmp_path, other)) and other.asked == 1
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "AVX2")
    limited = Stopwatch(5, 10)
    tuned(tmp_path, limited)
    assert limited.asked == 1


@pytest.mark.parametrize("content", ["", "{", "[]", '{"x": 3}'])
def test_a_broken_file_is_made_anew(tmp_path: Path, content: str) -> None:
    (tmp_path / FILE).write_text(content)
    assert not stems(tuned(tmp_path, Stopwatch(10, 5)))
    assert len(json.loads((tmp_path / FILE).read_text())) == 1


def test_a_folder_that_cannot_be_written_costs_only_a_measurement(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    assert not stems(tuned(blocked, Stopwatch(10, 5)))


def test_a_measurement_that_fails_leaves_the_network_as_it_is(tmp_path: Path) -> None:
    def fails(*_: object) -> StemTiming:
        raise RuntimeError("no memory")

    assert len(stems(tuned(tmp_path, fails))) == 1
    assert not (tmp_path / FILE).exists(), "the next start tries again"


def test_small_ones_are_not_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stem_tuning, "MIN_MULTIPLY_ADDS", 10**9)
    never = Stopwatch(10, 5)
    assert stems(tuned(tmp_path, never)) and not never.asked


def test_both_forms_are_really_timed(tmp_path: Path) -> None:
    timings: list[StemTiming] = []

    def kept(measure: StemTimer) -> StemTimer:
        def timed(*of: object) -> StemTiming:
            timings.append(measure(*of))  # type: ignore[arg-type]
            return timings[-1]

        return timed

    tuned(tmp_path, kept(stem_tuning.measure_stem))
    (timing,) = timings
    assert timing.direct_ms > 0 and timing.rewritten_ms > 0


def test_a_part_ends_behind_what_is_computed_with_the_convolution() -> None:
    clip = ops.parameter([1, 3, 4, 16, 16], ov.Type.f32, "clip")
    ones = [1, 1, 1]
    first = ops.relu(ops.convolution(clip, np.ones((5, 3, 1, 7, 7), np.float32), [1, 2, 2], [0, 3, 3], [0, 3, 3], ones))
    second = ops.convolution(first, np.ones((9, 5, 1, 1, 1), np.float32), ones, [0, 0, 0], [0, 0, 0], ones)
    model = ov.Model([ops.result(second)], [clip])
    ((_op, stem),) = stems(model)
    part = part_up_to(model, stem)
    assert [op.get_type_name() for op in part.get_ordered_ops()][-2:] == ["Relu", "Result"]
    assert list(part.output(0).shape) == [1, 5, 4, 8, 8]
    assert list(model.output(0).shape) == [1, 9, 4, 8, 8], "the network itself stays"


def test_multiply_adds() -> None:
    slowfast = Stem((1, 3, 32, 256, 256), (8, 3, 5, 7, 7), (1, 2, 2), (2, 3, 3), (2, 3, 3))
    assert multiply_adds(slowfast) == 8 * 3 * 5 * 7 * 7 * 32 * 128 * 128


def test_the_processor_is_read_from_what_linux_says(tmp_path: Path) -> None:
    path = tmp_path / "cpuinfo"
    path.write_text("processor\t: 0\nmodel name\t: Fast 3000\nflags\t\t: fpu avx2 amx_int8 sse\n\nmodel name : other\n")
    assert this_processor(path) == Processor("Fast 3000", ("avx2", "amx_int8"))
    elsewhere = this_processor(tmp_path / "none")
    assert elsewhere.name and elsewhere.features == ()
