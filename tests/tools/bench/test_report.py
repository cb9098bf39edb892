import json
from pathlib import Path

import msgspec
import pytest
from rich.console import Console

from slowfast_live.errors import UsageError
from slowfast_live.inference.spec import Accuracy, Clip, ModelSpec
from slowfast_live.tools.bench import machine, tables
from slowfast_live.tools.bench.recommending import ENOUGH_PER_S, faithfulness, recommend, top1_of
from slowfast_live.tools.bench.results import (
    Candidate,
    Facts,
    Figure,
    Group,
    Machine,
    Measurement,
    Report,
    ResultRow,
    Start,
    Subject,
    encode,
    load,
)

MACHINE = Machine(
    cpu="A | processor",
    cores=2,
    threads=2,
    features=("avx2",),
    ram_gb=8.0,
    os="An OS",
    python="3.11",
    versions={"openvino": "1", "numpy": "2"},
    load=0.1,
)


def row(name: str, per_s: float, **more: float) -> ResultRow:
    reading = Measurement(predictions=10, elapsed_s=2.0, per_s=per_s, clip_ms=1000 / per_s, **more)  # type: ignore[arg-type]
    return ResultRow.of(name, f"the {name}", Facts("bf16"), [reading])


def report(*rows: ResultRow) -> Report:
    group = Group(Subject("net-fp16", "Net", "FP16", False), "CPU", 2.0, rows)
    return Report(command="slowfast-live bench", machine=MACHINE, taken="2030-01-02T03:04:05Z", groups=(group,))


ROWS = (
    row("torch", 1.0),
    row("benchmark_app", 10.0),
    row("bare", 12.0, rss_mb=100),
    row("window", 9.5, rss_mb=180, shown=60, frames=60),
    row("window_picture", 9.75),
    ResultRow(contender="onnxruntime", title="ONNX Runtime", absent="onnx is not installed."),
)


def test_a_report_survives_its_file(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_bytes(encode(report(*ROWS)))
    assert load(path) == report(*ROWS)
    assert json.loads(path.read_text())["schema"] == 1


@pytest.mark.parametrize("content", [b"", b"{}", b'{"schema": 2}', b"\xff"])
def test_what_is_no_report_is_told_so(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "other.json"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=r"other\.json"):
        load(path)
    with pytest.raises(UsageError, match="cannot be read"):
        load(tmp_path / "absent.json")


def test_markdown_has_a_table_the_machine_and_the_command() -> None:
    text = tables.markdown(report(*ROWS))
    lines = [line for line in text.splitlines() if line.startswith("|")]
    assert {line.replace("\\|", "").count("|") for line in lines} == {lines[0].count("|")}
    assert "| the window | 9.50 | 105 |" in text
    assert "Our window makes 0.950 of benchmark_app's predictions." in text
    assert "A window with nothing but the picture makes 0.975 of them" in text
    assert "PyTorch eager takes 12.0 times as long as our own." in text
    assert "Memory outside OpenVINO's: 80 MB" in text
    assert "Not measured: ONNX Runtime: onnx is not installed." in text
    assert "(untrained)" in text and "`slowfast-live bench`" in text and "A \\| processor" in text


def test_the_short_table_takes_the_best_precision_of_each_network() -> None:
    slow, fast = report(*ROWS).groups[0], report(row("torch", 1.0), row("window", 20.0)).groups[0]
    other = msgspec.structs.replace(slow, subject=Subject("other-int8", "Other", "INT8", True))
    sheet = tables.overview_sheet(
        [slow, msgspec.structs.replace(fast, subject=Subject("b", "Net", "INT8", False)), other]
    )
    assert [cells[0] for cells in sheet.rows] == ["Net INT8 (untrained)", "Other INT8"]
    of = dict(zip(sheet.columns, sheet.rows[0], strict=True))
    assert of["the window"] == "20.0" and of["the torch"] == "1.00" and of["the benchmark_app"] == tables.NONE


def test_a_model_faster_than_the_source_is_measured_against_the_source() -> None:
    text = tables.markdown(report(row("benchmark_app", 80.0), row("window", 30.0, shown=60, frames=60)))
    assert "1.00 predictions for each new frame" in text and "benchmark_app's predictions" not in text


def test_the_terminal_gets_the_same_figures() -> None:
    console = Console(record=True, width=80, file=open("/dev/null", "w"))  # noqa: SIM115, PTH123
    tables.print_report(report(*ROWS), console)
    console.file.close()
    told = console.export_text()
    assert "the window" in told and "9.50" in told and "…" not in told


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (0.1234, "0.12"), (1.234, "1.23"), (12.34, "12.3"), (123.4, "123"), (12345, "12345")]
)
def test_numbers_have_three_digits_that_count(value: float, text: str) -> None:
    assert tables.number(value) == text


def test_a_start_without_a_prediction_has_a_dash() -> None:
    start = Start("net", "cold", Figure(1.0, 0.9, 1.1), None, 1.5)
    assert tables.starts_sheet([start]).rows[0][2:4] == ("1.00 (0.90–1.10)", "–")


def test_the_machine_says_what_it_is() -> None:
    told = machine.describe()
    assert told.cpu and told.threads >= 1 and told.ram_gb > 0 and "openvino" in told.versions


def candidate(model: str, clip_ms: float | None, **more: object) -> Candidate:
    per_s = 1000 / clip_ms if clip_ms else None
    base = Candidate(model=model, title=model, device="CPU", clip_ms=clip_ms, per_s=per_s, classes=400)
    return msgspec.structs.replace(base, **more)


def test_the_most_accurate_network_that_keeps_up_is_recommended_in_its_fastest_form() -> None:
    chosen = recommend(
        [
            candidate("big-fp16", 900 / ENOUGH_PER_S * 2, top1=77.0),
            candidate("big-int8", 900 / ENOUGH_PER_S, top1=77.0),
            candidate("small-int8", 20, top1=73.0),
            candidate("demo-fp16", 15, top1=80.0, classes=17),
        ]
    )
    assert chosen is not None and chosen.model == "big-int8"


def test_a_precision_that_answers_differently_is_avoided() -> None:
    fp16, int8 = candidate("net-fp16", 100, top1=75.0), candidate("net-int8", 50, top1=75.0, faithful=0.5)
    chosen = recommend([fp16, int8])
    assert chosen is not None and chosen.model == "net-fp16"
    slow = candidate("net-fp16", 2000, top1=75.0)
    chosen = recommend([slow, int8])
    assert chosen is not None and chosen.model == "net-int8"


def test_where_nothing_keeps_up_the_fastest_is_recommended_and_that_said() -> None:
    chosen = recommend([candidate("a-fp16", 2000), candidate("b-fp16", 1500), candidate("c-fp16", None)])
    assert chosen is not None and chosen.model == "b-fp16" and "none reaches" in chosen.reason
    assert recommend([candidate("c-fp16", None), candidate("d-fp16", 10, trained=False)]) is None


def test_accuracy_and_faithfulness_are_read_from_the_description() -> None:
    spec = ModelSpec(
        name="net",
        title="Net",
        family="Net",
        labels=("a",),
        clip=Clip(8, 2, 32),
        precision="INT8",
        trained=True,
        accuracy=(Accuracy("Clips", "top-1", 90.0, origin="measured"), Accuracy("Kinetics", "top-1", 77.0)),
        parity={"ir": {"top1_agreement": 0.99}, "ir_default": {"top1_agreement": 0.9}},
    )
    stated = top1_of(spec)
    assert stated is not None and stated.value == 77.0 and faithfulness(spec) == 0.9
    assert faithfulness(msgspec.structs.replace(spec, parity={})) == 1.0
