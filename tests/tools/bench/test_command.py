import shlex
from pathlib import Path

import msgspec
import pytest

from slowfast_live import cli
from slowfast_live.inference.spec import Model
from slowfast_live.tools.bench import command, contenders, machine
from slowfast_live.tools.bench.command import ProgressLine
from slowfast_live.tools.bench.processes import AbsentError
from slowfast_live.tools.bench.results import Facts, Group, Measurement, Report, Subject, encode, is_report, load
from slowfast_live.tools.bench.schedule import Entrant
from tests.tiny_model import write_tiny_model


class Still:
    """A contender that takes no time."""

    def __init__(self, absent: str = "") -> None:
        self.absent = absent

    def prepare(self) -> Facts:
        if self.absent:
            raise AbsentError(self.absent)
        return Facts("f32")

    def turn(self, seconds: float) -> Measurement:
        return Measurement(predictions=5, elapsed_s=seconds, per_s=5 / seconds, clip_ms=200 * seconds)

    def close(self) -> None:
        pass


@pytest.fixture(autouse=True)
def at_hand(tiny_models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLOWFAST_LIVE_MODELS", str(tiny_models))


@pytest.fixture
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    """Contenders that take no time; PyTorch is not there."""

    def entrants(model: Model, device: str, names: list[str], siblings: list[Model]) -> list[Entrant]:
        return [Entrant(name, name, Still("not here" if name == "torch" else "")) for name in names]

    monkeypatch.setattr(contenders, "entrants", entrants)


def mistake(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    try:
        code = cli.main(["bench", *words])
    except SystemExit as ended:
        code = int(str(ended.code))
    captured = capsys.readouterr()
    assert code == cli.MISTAKE and captured.err.count("\n") == 1, captured.err
    return captured.err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--seconds", "0"], "expected a number of seconds"),
        (["--repeats", "0"], "expected a whole number"),
        (["--repeats", "many"], "expected a whole number"),
        (["--model", "no-such"], "There is no model 'no-such'"),
        (["--device", "TPU"], "There is no device 'TPU'"),
        (["--contender", "caffe"], "Contenders: torch,"),
        (["--from", "no-such.json"], "no-such.json cannot be read"),
        (["--json", "no-such-folder/report.json"], "cannot be written"),
        (["--markdown", "/"], "cannot be written"),
        (["--compare", "--model", "slowfast_r50"], "--build-missing"),
        (["--profile", "no-such"], "There is no model 'no-such'"),
    ],
)
def test_mistakes_are_told_in_one_line(words: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert told in mistake(capsys, *words)


@pytest.mark.usefixtures("still")
def test_only_a_report_of_this_program_is_replaced(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["bench", "--model", "tiny-fp32", "--seconds", "2"]
    for option, name in (("--json", "report.json"), ("--markdown", "report.md")):
        path = tmp_path / name
        for _ in range(2):
            assert cli.main([*words, option, str(path)]) == 0
        capsys.readouterr()
        path.write_bytes(b'{"name": "my-package"}')
        assert f"{option}: {path} exists and was not written by this program" in mistake(
            capsys, *words[1:], option, str(path)
        )
        assert path.read_bytes() == b'{"name": "my-package"}'


@pytest.mark.usefixtures("still")
def test_a_run_writes_what_it_prints(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = [tmp_path / "report.json", tmp_path / "report.md"]
    words = ["bench", "--model", "tiny-fp32", "--seconds", "2", "--json", str(files[0]), "--markdown", str(files[1])]
    assert cli.main(words) == 0
    report = load(files[0])
    (group,) = report.groups
    assert [row.contender for row in group.rows] == list(contenders.QUICK)
    assert all(row.rounds == 3 and row.per_s and row.per_s.median == 2.5 for row in group.rows)
    assert report.command == shlex.join(["slowfast-live", *words])
    printed = capsys.readouterr().out
    assert "benchmark_app" in printed and "2.50" in printed and "2.50" in files[1].read_text()

    assert cli.main(["bench", "--from", str(files[0]), "--markdown", "-"]) == 0
    assert capsys.readouterr().out == files[1].read_text()


def test_a_documents_table_is_replaced_and_nothing_else(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report, document = tmp_path / "r.json", tmp_path / "README.md"
    group = Group(Subject("net-fp16", "Net", "FP16", True), "CPU", 2.0, ())
    described = Report(command="slowfast-live bench", machine=machine.describe(), taken="2030-01-02", groups=(group,))
    report.write_bytes(encode(described))
    document.write_text("Before.\n<!-- bench -->\nold\n<!-- /bench -->\nAfter.\n", encoding="utf-8")
    for _ in range(2):
        assert cli.main(["bench", "--from", str(report), "--into", str(document)]) == 0
    text = document.read_text(encoding="utf-8")
    assert text.startswith("Before.\n<!-- bench -->\n| predictions a second |")
    assert text.endswith("\n<!-- /bench -->\nAfter.\n") and "old" not in text and text.count("| Net FP16 |") == 1
    document.write_text("No marks.", encoding="utf-8")
    capsys.readouterr()
    assert cli.main(["bench", "--from", str(report), "--into", str(document)]) == 2
    assert "<!-- bench -->" in capsys.readouterr().err and document.read_text() == "No marks."


@pytest.mark.usefixtures("still")
def test_a_comparison_takes_each_precision_at_hand_and_lists_who_is_absent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("x3d_s-untrained-fp32", "x3d_s-fp16"):
        write_tiny_model(tmp_path / "models" / name, trained="untrained" not in name)
    monkeypatch.setenv("SLOWFAST_LIVE_MODELS", str(tmp_path / "models"))
    assert cli.main(["bench", "--compare", "--model", "x3d_s", "--json", "-"]) == 0
    report = msgspec.json.decode(capsys.readouterr().out, type=Report)
    # Both say FP32 of themselves, and the trained one comes first.
    assert [group.subject.name for group in report.groups] == ["x3d_s-fp16"]
    absent = {row.contender: row.absent for row in report.groups[0].rows if row.absent}
    assert absent == {"torch": "not here"}


def test_what_is_missing_is_built_apart_from_the_users_models(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    orders: list[list[str]] = []

    def build(words: list[str], **_: object) -> object:
        orders.append(words)
        return type("Done", (), {"returncode": 1, "stdout": "", "stderr": "no torch here\n"})()

    monkeypatch.setattr(command.subprocess, "run", build)
    assert "x3d_m cannot be built: no torch here" in mistake(capsys, "--compare", "--model", "x3d_m", "--build-missing")
    (words,) = orders
    assert "--random-weights" in words and words[words.index("--output") + 1] == str(command.build_folder())
    assert [words[i + 1] for i, word in enumerate(words) if word == "--precision"] == ["fp32", "fp16", "int8"]


def test_recommending_tells_a_program_line_by_line(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    words = ["bench", "--recommend", "--seconds", "0.05", "--progress", "json"]
    assert cli.main(words) == 0
    lines = [msgspec.json.decode(line, type=ProgressLine) for line in capfdbinary.readouterr().out.splitlines()]
    assert [line.step for line in lines[:-1]] == ["measure"] * (len(lines) - 1)
    last = lines[-1]
    assert last.step == "done" and last.recommendation and last.fraction == 1.0
    measured = {candidate.model for candidate in last.candidates}
    assert "tiny_trained-fp32" in measured and "tiny-fp32" not in measured  # the untrained one is of no use


@pytest.mark.usefixtures("still")
def test_configurations_are_measured_side_by_side(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contenders, "ProcessPlayer", lambda *_: Still())
    wanted = command.Wanted(("tiny-fp32",), "CPU", 1.0, 1, compare=False, configurations=True)
    (group,) = command.compare(wanted, lambda message, fraction: None)
    assert [row.contender for row in group.rows] == list(contenders.CONFIGURATIONS)


def test_nothing_trained_is_nothing_to_recommend(capsys: pytest.CaptureFixture[str]) -> None:
    assert "slowfast-live models build" in mistake(capsys, "--recommend", "--model", "tiny-fp32")


def test_a_profile_adds_up(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "profile.json"
    words = ["bench", "--profile", "tiny-fp32", "--seconds", "0.05", "--json", str(path), "--markdown", "-"]
    assert cli.main(words) == 0
    (profile,) = load(path).profiles
    assert sum(layer.share for layer in profile.layers) == pytest.approx(1)
    assert any("Conv" in layer.kind for layer in profile.layers) and profile.peaks
    assert "Where the time" in capsys.readouterr().out


def test_the_progress_of_a_comparison_never_goes_back(still: None, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[float] = []
    wanted = command.Wanted(("tiny-fp32", "tiny_trained-fp32"), "CPU", 1.0, 2, compare=False)
    command.compare(wanted, lambda message, fraction: told.append(fraction))
    assert told == sorted(told) and told[0] == 0 and told[-1] < 1


@pytest.mark.parametrize("what", ["--sources", "--scaling"])
@pytest.mark.parametrize("option", ["--markdown", "--into"])
def test_what_has_no_tables_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str], what: str, option: str) -> None:
    assert f"with {what}, use --json" in mistake(capsys, what, "1", option, str(tmp_path / "t.md"))


@pytest.mark.parametrize("key", ["several", "rounds"])
def test_figures_of_sources_and_machines_are_ours(tmp_path: Path, key: str) -> None:
    path = tmp_path / "figures.json"
    path.write_text(f'{{"model": "tiny", "machine": {{}}, "{key}": []}}')
    assert is_report(path)
    path.write_text('{"model": "theirs"}')
    assert not is_report(path)
