"""Profiles: the kinds of work, their operations and distance from the peak, and limited instruction sets."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import openvino as ov
import pytest
from openvino import opset13 as ops

from slowfast_live import cli
from slowfast_live.inference.processor import this_processor
from slowfast_live.tools.bench import instruction_sets, layer_groups
from slowfast_live.tools.bench.layer_groups import Work, work_of
from slowfast_live.tools.bench.profiling import measure_peak
from slowfast_live.tools.bench.results import load


@pytest.mark.parametrize(
    ("inputs", "output", "group", "operations"),
    [
        (((1, 3, 8, 64, 64), (16, 3, 1, 7, 7)), (1, 16, 8, 32, 32), layer_groups.FIRST, 2 * 16 * 8 * 1024 * 3 * 49),
        (((1, 32, 8, 9, 9), (8, 32, 1, 1, 1)), (1, 8, 8, 9, 9), layer_groups.POINTWISE, 2 * 8 * 8 * 81 * 32),
        (((1, 32, 8, 9, 9), (8, 32, 3, 1, 1)), (1, 8, 8, 9, 9), layer_groups.TIME, 2 * 8 * 8 * 81 * 32 * 3),
        (((1, 32, 8, 9, 9), (8, 32, 1, 3, 3)), (1, 8, 8, 9, 9), layer_groups.SPACE, 2 * 8 * 8 * 81 * 32 * 9),
        (((1, 32, 8, 9, 9), (8, 32, 3, 3, 3)), (1, 8, 8, 9, 9), layer_groups.SPACE_TIME, 2 * 8 * 8 * 81 * 32 * 27),
        (((1, 32, 8, 9, 9), (32, 1, 1, 3, 3, 3)), (1, 32, 8, 9, 9), layer_groups.DEPTHWISE, 2 * 32 * 8 * 81 * 27),
        (((1, 32, 8, 9, 9), (32, 1, 1, 5, 1, 1)), (1, 32, 8, 9, 9), layer_groups.DEPTHWISE_TIME, 2 * 32 * 8 * 81 * 5),
    ],
)
def test_convolutions_by_what_they_do(
    inputs: tuple[tuple[int, ...], ...], output: tuple[int, ...], group: str, operations: int
) -> None:
    work = work_of("Convolution", "brgconv_avx512_I8", inputs, output, 1.5)
    assert work == Work(group, pytest.approx(operations / 1e9), "int8", 1.5)


def test_products_and_what_only_moves_data() -> None:
    product = work_of("MatMul", "brgemm_avx512_bf16", ((1, 2, 30, 8), (1, 2, 8, 20)), (1, 2, 30, 20), 1)
    assert product == Work(layer_groups.PRODUCTS, pytest.approx(2 * 2 * 30 * 20 * 8 / 1e9), "bf16", 1)
    other_way_round = work_of("MatMul", "brgemm_avx512_f32", ((1, 2, 8, 30), (1, 2, 8, 20)), (1, 2, 30, 20), 1)
    assert other_way_round.gops == pytest.approx(product.gops) and other_way_round.precision == "f32"
    linear = work_of("FullyConnected", "brgemm_avx512_f32", ((1, 40), (7, 40)), (1, 7), 1)
    assert linear.gops == pytest.approx(2 * 7 * 40 / 1e9)
    assert work_of("Transpose", "unknown_I8", ((1, 2),), (2, 1), 1) == Work(layer_groups.LAYOUT, 0.0, "int8", 1)
    assert work_of("SomethingNew", "jit", (), (1,), 1) == Work(layer_groups.OTHERS, 0.0, "", 1)


def test_groups_by_what_they_lose() -> None:
    works = [
        Work("a", 10.0, "int8", 20.0),
        Work("a", 10.0, "int8", 20.0),
        Work("a", 10.0, "bf16", 100.0),
        Work("b", 0.0, "int8", 5.0),
    ]
    first, second, third = layer_groups.grouped(works, {"int8": 1000.0, "bf16": 200.0})
    assert (first.title, first.precision, first.count, first.of_peak) == ("a", "bf16", 1, pytest.approx(0.5))
    assert first.lost_ms == pytest.approx(50) and first.share == pytest.approx(100 / 145)
    assert (second.count, second.gops, second.of_peak) == (2, 20.0, pytest.approx(0.5))
    assert (third.of_peak, third.lost_ms) == (None, 5.0)


def test_the_operations_of_a_compiled_network_are_found() -> None:
    clip = ops.parameter([1, 3, 4, 16, 16], ov.Type.f32)
    weights = np.random.default_rng(0).normal(size=(8, 3, 1, 3, 3)).astype(np.float32)
    out = ops.relu(ops.convolution(clip, weights, [1, 1, 1], [0, 1, 1], [0, 1, 1], [1, 1, 1]))
    compiled = ov.Core().compile_model(ov.Model([ops.result(out)], [clip]), "CPU", {"PERF_COUNT": True})
    request = compiled.create_infer_request()
    request.infer()
    times = {i.node_name: 1.0 for i in request.profiling_info if i.status == ov.ProfilingInfo.Status.EXECUTED}
    works = layer_groups.executed(compiled, times)
    assert sum(work.gops for work in works) == pytest.approx(2 * 8 * 4 * 256 * 27 / 1e9)
    assert layer_groups.FIRST in {work.group for work in works}


@pytest.mark.parametrize("kind", ["f32", "int8"])
def test_a_peak_is_measured(kind: str) -> None:
    assert measure_peak(kind, 0.01) > 1


def test_a_profile_with_limited_instructions(
    tiny_models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if "avx512f" not in this_processor().features:
        pytest.skip("needs a processor with more than AVX2")
    monkeypatch.setenv("SLOWFAST_LIVE_MODELS", str(tiny_models))
    document = tmp_path / "figures.md"
    document.write_text("Before.\n<!-- bench --profile -->\n<!-- /bench --profile -->\nAfter.\n", encoding="utf-8")
    path = tmp_path / "report.json"
    words = ["bench", "--profile", "tiny-fp32", "--instructions", "avx2", "--instructions", "own", "--seconds", "0.05"]
    assert cli.main([*words, "--json", str(path), "--into", str(document)]) == 0
    limited, own = load(path).profiles
    assert (limited.instructions, own.instructions) == ("AVX2", "")
    assert not any("avx512" in layer.how for layer in limited.layers if "onv" in layer.kind)
    assert any("avx512" in layer.how for layer in own.layers if "onv" in layer.kind)
    assert sum(group.share for group in limited.groups) == pytest.approx(1)
    text = document.read_text(encoding="utf-8")
    assert text.startswith("Before.") and text.endswith("After.\n") and "| AVX2 | f32 |" in text
    assert "How far" in capsys.readouterr().out


def test_only_what_the_processor_has(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(instruction_sets.UsageError, match="no amx_int8; it has avx2"):
        instruction_sets.check(["amx"], ("avx2",))
    instruction_sets.check(["amx", "own"], ())  # nobody knows
    assert cli.main(["bench", "--instructions", "avx2"]) == cli.MISTAKE
    assert "--profile" in capsys.readouterr().err
    assert cli.main(["bench", "--profile", "x", "--instructions", "sse"]) == cli.MISTAKE
    assert "there is no 'sse'" in capsys.readouterr().err
