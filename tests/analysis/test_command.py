"""`slowfast-live analyze`, as it is run."""

import errno
import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import av
import pytest

from slowfast_live import cli
from slowfast_live.analysis import command, engine
from slowfast_live.errors import DeviceError, ExportError
from slowfast_live.export.findings import AnalysisResult, decode
from tests.analysis.fakes import PlainRunner, write_clip

ROOT = Path(__file__).resolve().parents[2]
FIELDS = {"parts", "step", "file", "number", "files", "fraction", "overall", "message", "events", "report"}


@pytest.fixture(autouse=True)
def at_hand(tiny_models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tiny models, answered by a fake: the real one is used in `test_the_program_itself`."""
    monkeypatch.setenv("SLOWFAST_LIVE_MODELS", str(tiny_models))
    monkeypatch.setattr(command, "_compile", lambda model, _device, _notify: PlainRunner(model))


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    write_clip(folder / "übung 跳绳 <b>.mp4", [(2, 28), (2, 130)], (32, 24))
    write_clip(folder / "sub" / "two.mp4", [(2, 50)], (32, 24))
    (folder / "broken.mp4").write_bytes(b"this is no video")
    return folder


def analyze(*arguments: object) -> int:
    try:
        return cli.main(["analyze", "--model", "tiny_short-fp32", "--stride", "0.25", *map(str, arguments)])
    except SystemExit as end:
        return end.code


def found(path: Path) -> AnalysisResult:
    return decode(path.read_bytes(), str(path))


def test_a_broken_file_never_stops_the_rest(clips: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    assert analyze(clips, "--out", out) == 1
    told = capsys.readouterr().out
    assert "broken.mp4: broken.mp4" in told and "2 analyzed, 1 failed" in told
    one = found(out / "übung 跳绳 <b>.json")
    assert [event.label for event in one.events] == ["action 2", "action 6"]
    for ending in (".events.csv", ".predictions.csv", ".srt", ".vtt"):
        assert (out / f"übung 跳绳 <b>{ending}").stat().st_size and (out / "sub" / f"two{ending}").exists()
    page = (out / "report.html").read_text()
    assert "broken.mp4" in page and "übung 跳绳 &lt;b&gt;.mp4" in page and "<b>.mp4" not in page
    (clips / "broken.mp4").unlink()
    assert analyze(clips, "--out", out) == 0
    assert "2 analyzed (2 of them earlier)" in capsys.readouterr().out


def test_formats_are_chosen(clips: Path, tmp_path: Path) -> None:
    assert analyze(clips / "sub", "--out", tmp_path / "out", "--format", "SRT, csv") == 0
    names = {path.name for path in (tmp_path / "out").iterdir() if path.is_file()}
    assert names == {"two.json", "two.srt", "two.events.csv", "two.predictions.csv", "report.html"}


def test_a_copy_with_labels_is_written_when_it_is_wanted(clips: Path, tmp_path: Path) -> None:
    words = (clips / "sub", "--out", tmp_path / "out")
    copy = tmp_path / "out" / "two.annotated.mp4"
    assert analyze(*words) == 0 and not copy.exists()
    assert analyze(*words, "--annotate") == 0
    with av.open(str(copy)) as container:
        assert sum(1 for _ in container.decode(video=0)) == 60
    before = copy.stat().st_mtime_ns
    assert analyze(*words, "--annotate") == 0 and copy.stat().st_mtime_ns == before
    assert {path.name for path in copy.parent.glob("*.mp4")} == {copy.name}


def test_a_copy_that_cannot_be_made_stops_nothing_else(
    clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(source: Path, target: Path, *_timeline: object, **_options: object) -> None:
        if source.name == "two.mp4":
            raise ExportError("two.annotated.mp4 cannot be written: the encoder refuses it.")
        target.write_bytes(b"video")

    monkeypatch.setattr(engine, "annotate", refuse)
    assert analyze(clips, "--out", tmp_path / "out", "--annotate") == 1
    told = capsys.readouterr().out
    assert "the encoder refuses it" in told and "1 analyzed, 2 failed" in told


def test_a_model_that_cannot_be_prepared_is_told_once(
    clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(_model: object, _device: str, _notify: object) -> None:
        raise DeviceError("Model 'tiny' cannot be compiled for CPU.")

    monkeypatch.setattr(command, "_compile", refuse)
    assert analyze(clips, "--out", tmp_path / "out") == 2
    assert capsys.readouterr().err == "slowfast-live: Model 'tiny' cannot be compiled for CPU.\n"


def test_progress_for_programs(clips: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert analyze(clips, "--out", tmp_path / "out", "--progress", "json") == 1
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert all(set(line) == FIELDS for line in lines)
    steps = [line["step"] for line in lines]
    assert steps[0] == "start" and steps[-1] == "end" and steps.count("done") == 2 and steps.count("failed") == 1
    overall = [line["overall"] for line in lines if line["step"] == "progress"]
    assert overall == sorted(overall) and overall[0] >= 0 and overall[-1] <= 1 and len(overall) > 10
    assert {line["file"] for line in lines if line["step"] == "done"} == {
        str(clips / "übung 跳绳 <b>.mp4"),
        str(clips / "sub" / "two.mp4"),
    }


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["gone.mp4"], "no file or folder gone.mp4"),
        (["{in}", "--stride", "0"], "seconds above 0"),
        (["{in}", "--stride", "soon"], "seconds above 0"),
        (["{in}", "--views", "2"], "1, 3, 30"),
        (["{in}", "--views", "many"], "invalid int"),
        (["{in}", "--format", "json,pdf"], "unknown format 'pdf'"),
        (["{in}", "--threshold", "7"], "0 to 1"),
        (["{in}", "--model", "nobody"], "no model 'nobody'"),
        (["{in}", "--device", "TPU"], "no device 'TPU'"),
        ([], "required: PATH"),
    ],
)
def test_a_mistake_is_one_line(
    arguments: list[str], told: str, clips: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [word.replace("{in}", str(clips)) for word in arguments]
    assert analyze(*words, "--out", tmp_path / "out") == 2
    output = capsys.readouterr()
    assert told in output.err and output.err.count("\n") == 1 and output.out == ""


@pytest.mark.parametrize(
    ("number", "told"),
    [(errno.EACCES, "you may not write to {place}"), (errno.EROFS, "the disk of {place} cannot be written to")],
)
def test_a_folder_that_cannot_be_written_is_named_as_it_was_given(
    number: int,
    told: str,
    clips: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    closed = tmp_path / "closed"
    closed.mkdir()
    real = os.mkdir

    def refuse(path: str, *arguments: object, **options: object) -> None:
        if closed in Path(path).parents and not Path(path).exists():
            raise OSError(number, os.strerror(number))
        real(path, *arguments, **options)

    monkeypatch.setattr(os, "mkdir", refuse)
    for out in (closed, closed / "new"):
        assert analyze(clips, "--out", out) == 2
        output = capsys.readouterr()
        words = told.format(place=closed)
        assert f"The results cannot go into {out}: {words}" in output.err and output.out == ""


def test_a_folder_of_results_that_is_none(clips: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_bytes(b"mine")
    assert analyze(clips, "--out", tmp_path / "file") == 2
    assert f"{tmp_path / 'file'}: it is a file; expected a folder" in capsys.readouterr().err
    assert analyze(clips, "--out", tmp_path / "file" / "out") == 2
    assert f"cannot go into {tmp_path / 'file' / 'out'}: {tmp_path / 'file'} is no folder" in capsys.readouterr().err
    assert (tmp_path / "file").read_bytes() == b"mine"
    if os.name != "nt":
        (tmp_path / "link").symlink_to("gone")
        assert analyze(clips, "--out", tmp_path / "link") == 2
        assert "it is a link to gone, which does not exist" in capsys.readouterr().err
        assert analyze(tmp_path / "link", "--out", tmp_path / "out") == 2
        assert f"{tmp_path / 'link'} is a link to gone, which does not exist" in capsys.readouterr().err


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="files cannot be told by their numbers here")
def test_a_disk_that_runs_full(
    clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing broken is left, and with room again the run goes on."""
    out = tmp_path / "out"
    real = os.fsync

    def full(number: int) -> None:
        if "two.json" in str(Path(f"/proc/self/fd/{number}").readlink()):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(number)

    with monkeypatch.context() as small:
        small.setattr(os, "fsync", full)
        assert analyze(clips / "sub" / "two.mp4", clips, "--out", out / "sub") == 1
    output = capsys.readouterr()
    assert "two.json cannot be written: there is no room left" in output.err
    assert not (out / "sub" / "two.json").exists() and not list(out.rglob("*.part"))
    assert analyze(clips / "sub" / "two.mp4", "--out", out / "sub") == 0
    assert found(out / "sub" / "two.json").predictions


def test_ctrl_c_is_130(clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Stopped(PlainRunner):
        def __init__(self, *arguments: object) -> None:
            super().__init__(*arguments)
            signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(command, "_compile", lambda model, _device, _notify: Stopped(model))
    assert analyze(clips, "--out", tmp_path / "out") == 130
    assert "have not been looked at" in (tmp_path / "out" / "report.html").read_text()
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_whoever_listens_may_go(clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A window that is closed ends the run that it listened to, as Ctrl-C does."""

    class Gone(io.StringIO):
        def write(self, _text: str) -> int:
            raise BrokenPipeError

    monkeypatch.setattr(sys, "stdout", Gone())
    assert analyze(clips, "--out", tmp_path / "out", "--progress", "json") == 130


def test_the_program_itself(clips: Path, tmp_path: Path) -> None:
    """In a process of its own, with OpenVINO, without a display and without Qt."""
    code = "import sys; sys.modules['PySide6'] = None; from slowfast_live.cli import main; sys.exit(main())"
    words = ["analyze", clips, "--out", tmp_path / "out", "--model", "tiny_short-fp32"]
    environment = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "QT_QPA_PLATFORM")}
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, *map(str, words)],
        cwd=tmp_path, env={**environment, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert result.returncode == 1, result.stderr
    assert len(found(tmp_path / "out" / "übung 跳绳 <b>.json").predictions) == 7
    assert "broken.mp4" in result.stdout and "Traceback" not in result.stderr


def test_annotations_for_other_programs(clips: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert analyze(clips / "sub", "--out", out, "--format", "json", "--export", "Elan, via,kinetics") == 0
    assert {path.name for path in out.iterdir() if path.name.startswith("two.")} == {
        "two.json",
        "two.eaf",
        "two.via.json",
        "two.kinetics.csv",
    }
    for ending in ("eaf", "via.json", "kinetics.csv"):
        assert "action 3" in (out / f"two.{ending}").read_text()
