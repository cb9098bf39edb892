"""What somebody else made stays as it is, and no results replace those of another video."""

import itertools
import os
import shutil
import subprocess
import sys
from pathlib import Path

import av
import pytest

from slowfast_live import cli
from slowfast_live.analysis import command
from slowfast_live.analysis.ledger import FOLDER, Ledger
from slowfast_live.errors import ExportError
from slowfast_live.export.findings import AnalysisResult, decode
from slowfast_live.inference import spec
from slowfast_live.sources.videos import is_annotated
from tests.analysis.fakes import PlainRunner, write_clip


@pytest.fixture(autouse=True)
def at_hand(tiny_models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLOWFAST_LIVE_MODELS", str(tiny_models))
    monkeypatch.setattr(command, "_compile", lambda model, _device, _notify: PlainRunner(model))


def analyze(*arguments: object) -> int:
    return cli.main(["analyze", "--model", "tiny_short-fp32", "--stride", "0.25", *map(str, arguments)])


def clip(path: Path, level: int = 50) -> Path:
    return write_clip(path, [(1.6, level)], (32, 24))


def tree(folder: Path) -> dict[str, bytes]:
    """What a user sees of a folder."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and FOLDER not in path.parts
    }


def results(folder: Path) -> list[AnalysisResult]:
    return [decode(path.read_bytes(), str(path)) for path in folder.rglob("*.json") if FOLDER not in path.parts]


MINE = ("lecture.json", "lecture.srt", "lecture.vtt", "lecture.events.csv", "lecture.annotated.mp4", "report.html")


@pytest.mark.parametrize("taken", [MINE, *((name,) for name in MINE)], ids=lambda names: names[-1])
def test_what_the_user_has_stays(tmp_path: Path, taken: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    clip(tmp_path / "lecture.mp4")
    for name in taken:
        (tmp_path / name).write_bytes(f"made by hand: {name}".encode())
    shutil.copy(tmp_path / "lecture.mp4", tmp_path / "kept")
    before = tree(tmp_path)
    words = (tmp_path / "lecture.mp4", "--out", tmp_path, "--annotate")
    for _ in range(3):
        assert analyze(*words) == 0
        after = tree(tmp_path)
        assert {name: after[name] for name in before} == before
        assert len(results_of_ours(tmp_path, before)) == 1, "each run finds its own results again"
    told = capsys.readouterr().out
    assert ("Its results are called lecture.mp4.*" in told) == (taken != ("report.html",))
    assert ("report (2).html" in told) == ("report.html" in taken)


def results_of_ours(folder: Path, before: dict[str, bytes]) -> list[AnalysisResult]:
    return [decode(data, name) for name, data in tree(folder).items() if name not in before and name.endswith(".json")]


def test_what_the_user_changed_since_stays(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    video = clip(tmp_path / "in" / "lecture.mp4")
    out = tmp_path / "out"
    assert analyze(video, "--out", out) == 0
    corrected = b"1\n00:00:00,000 --> 00:00:01,000\ncorrected by hand\n"
    (out / "lecture.srt").write_bytes(corrected)
    assert analyze(video, "--out", out) == 0, "nothing is left to do"
    assert analyze(video, "--out", out, "--threshold", "0.7") == 0
    assert (out / "lecture.srt").read_bytes() == corrected
    assert "Its results are called lecture.mp4.*" in capsys.readouterr().out
    assert (out / "lecture.mp4.srt").exists() and (out / "lecture.mp4.json").exists()


def test_a_result_that_is_wanted_later_takes_no_name_of_the_users(tmp_path: Path) -> None:
    video = clip(tmp_path / "lecture.mp4")
    assert analyze(video, "--out", tmp_path, "--format", "json") == 0
    (tmp_path / "lecture.vtt").write_bytes(b"mine")
    assert analyze(video, "--out", tmp_path, "--format", "json,vtt") == 0
    assert (tmp_path / "lecture.vtt").read_bytes() == b"mine"
    assert (tmp_path / "lecture.mp4.vtt").read_bytes().startswith(b"WEBVTT")


NAMES = ("a.mp4", "a.mov", "A.mkv", "sub/a.mp4")


@pytest.mark.parametrize("order", list(itertools.permutations(range(4)))[::5], ids=str)
@pytest.mark.parametrize("together", [True, False])
def test_results_never_meet_whatever_the_order(tmp_path: Path, order: tuple[int, ...], together: bool) -> None:
    videos = [clip(tmp_path / "in" / NAMES[i], 30 + 40 * i) for i in order]
    out = tmp_path / "out"
    calls = [videos] if together else [[video] for video in videos]
    for call in calls:
        assert analyze(*call, "--out", out) == 0
    seen = {found.source.path for found in results(out)}
    assert seen == {str(video) for video in videos}
    names = [name.casefold() for name in tree(out)]
    assert len(names) == len(set(names)), "also where upper and lower case are the same"
    before = tree(out)
    for call in calls:
        assert analyze(*call, "--out", out) == 0
    assert {name: data for name, data in tree(out).items() if not name.startswith("report")} == {
        name: data for name, data in before.items() if not name.startswith("report")
    }
    told = "".join(data.decode() for name, data in tree(out).items() if name.startswith("report"))
    assert all(Path(found.source.path or "").name in told for found in results(out))


def test_a_report_of_other_videos_stays(tmp_path: Path) -> None:
    first, second = clip(tmp_path / "first.mp4"), clip(tmp_path / "second.mp4")
    out = tmp_path / "out"
    assert analyze(first, "--out", out) == 0 and analyze(second, "--out", out) == 0
    assert "first.mp4" in (out / "report.html").read_text() and "second.mp4" in (out / "report (2).html").read_text()
    assert analyze(first, second, "--out", out) == 0
    assert {path.name for path in out.glob("*.html")} == {"report.html", "report (2).html"}
    assert "second.mp4" in (out / "report.html").read_text(), "a report of both replaces the one of the first"


def test_a_video_that_was_moved_keeps_its_results(tmp_path: Path) -> None:
    clip(tmp_path / "old" / "a.mp4")
    assert analyze(tmp_path / "old", "--out", tmp_path / "out") == 0
    (tmp_path / "old").rename(tmp_path / "new")
    assert analyze(tmp_path / "new", "--out", tmp_path / "out") == 0
    (found,) = results(tmp_path / "out")
    assert found.source.path == str(tmp_path / "new" / "a.mp4")


def test_a_file_where_a_folder_of_results_would_be(tmp_path: Path) -> None:
    clip(tmp_path / "in" / "deep" / "a.mp4")
    out = tmp_path / "out"
    out.mkdir()
    (out / "deep").write_bytes(b"mine")
    assert analyze(tmp_path / "in", "--out", out) == 0
    assert (out / "deep").read_bytes() == b"mine" and len(results(out)) == 1


ODD_NAMES = ("x" * 250, "é" * 125, "CON", "a\nb", "a'b\"c", "--help", "\u202egpj", "\U0001f3c3 跳绳", " a ")


@pytest.mark.parametrize("stem", ODD_NAMES, ids=ascii)
def test_any_name_has_results(tmp_path: Path, stem: str) -> None:
    clip(tmp_path / "short.mp4").rename(tmp_path / f"{stem}.mp4")
    assert analyze(tmp_path, "--out", tmp_path / "out", "--annotate") == 0
    (found,) = results(tmp_path / "out")
    assert found.source.name == f"{stem}.mp4"
    assert len(list((tmp_path / "out").glob("*.annotated.mp4"))) == 1


def test_two_runs_at_once_do_not_mix(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    video = clip(tmp_path / "a.mp4")
    (tmp_path / "out").mkdir()
    ledger = Ledger(tmp_path / "out")
    try:
        assert analyze(video, "--out", tmp_path / "out") == 2
    finally:
        ledger.close()
    assert "Another analysis is writing into" in capsys.readouterr().err
    assert analyze(video, "--out", tmp_path / "out") == 0


def test_a_folder_of_somebody_else_with_our_name(tmp_path: Path) -> None:
    (tmp_path / FOLDER).mkdir()
    (tmp_path / FOLDER / "notes").write_bytes(b"mine")
    with pytest.raises(ExportError, match="was not made by this program"):
        Ledger(tmp_path)
    assert (tmp_path / FOLDER / "notes").read_bytes() == b"mine"


def test_half_a_line_of_a_killed_run_is_passed_over(tmp_path: Path) -> None:
    video = clip(tmp_path / "a.mp4")
    out = tmp_path / "out"
    assert analyze(video, "--out", out) == 0
    with (out / FOLDER / "files.jsonl").open("ab") as file:
        file.write(b'{"video": "half')
    before = tree(out)
    assert analyze(video, "--out", out) == 0 and tree(out) == before


def test_copies_with_labels_are_not_analyzed_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clip(tmp_path / "lecture.mp4")
    words = (tmp_path, "--out", tmp_path, "--annotate")
    assert analyze(*words) == 0
    first = tree(tmp_path)
    capsys.readouterr()
    assert analyze(*words) == 0
    assert tree(tmp_path) == first
    assert "1 copy with labels drawn in by this program was left out: lecture.annotated.mp4" in capsys.readouterr().out


def test_a_copy_is_known_wherever_it_goes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clip(tmp_path / "lecture.mp4")
    assert analyze(tmp_path / "lecture.mp4", "--out", tmp_path, "--annotate") == 0
    away = tmp_path / "elsewhere"
    away.mkdir()
    copy = (tmp_path / "lecture.annotated.mp4").rename(away / "mine.mp4")
    for ending in (".mkv", ".mov", ".m4v"):
        remuxed(copy, away / f"copied{ending}")
    clip(away / "other.mp4")
    assert analyze(away, "--out", tmp_path / "out") == 0
    (found,) = results(tmp_path / "out")
    assert found.source.name == "other.mp4"
    assert "4 copies" in capsys.readouterr().out
    assert analyze(copy, "--out", tmp_path / "named") == 0, "what is named itself is taken"
    assert len(results(tmp_path / "named")) == 1


def remuxed(source: Path, target: Path) -> None:
    """Copy a video into another container, as any tool does."""
    with av.open(str(source)) as reader, av.open(str(target), "w") as writer:
        writer.metadata.update(reader.metadata)
        stream = writer.add_stream_from_template(reader.streams.video[0])
        for packet in reader.demux(reader.streams.video[0]):
            if packet.dts is not None:
                packet.stream = stream
                writer.mux(packet)


def test_a_recording_is_a_video_like_any_other(tmp_path: Path) -> None:
    assert not is_annotated(clip(tmp_path / "2026-01-01 recording.mp4"))
    assert not is_annotated(tmp_path / "gone.mp4") and not is_annotated(tmp_path)


def test_a_model_is_read_once_however_many_videos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(5):
        clip(tmp_path / "in" / f"{number}.mp4")
    read: list[str] = []
    real = Path.read_bytes

    def counted(self: Path) -> bytes:
        read.append(self.name)
        return real(self)

    monkeypatch.setattr(Path, "read_bytes", counted)
    assert analyze(tmp_path / "in", "--out", tmp_path / "out") == 0
    assert read.count(spec.WEIGHTS_FILE) == 1 and read.count(spec.IR_FILE) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="links need a permission there")
def test_what_cannot_be_searched_is_said_and_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clip(tmp_path / "in" / "a.mp4")
    (tmp_path / "in" / "closed").mkdir()
    (tmp_path / "in" / "unplugged").symlink_to("/nowhere/disk")
    real = os.scandir

    def refuse(path: Path | int) -> object:
        if not isinstance(path, int) and Path(path).name == "closed":
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "scandir", refuse)
    assert analyze(tmp_path / "in", "--out", tmp_path / "out") == 1
    told = capsys.readouterr().out
    assert "closed cannot be read: Permission denied" in told and "unplugged is a link to /nowhere/disk" in told
    assert "1 analyzed, 2 failed" in told
    page = (tmp_path / "out" / "report.html").read_text()
    assert "closed" in page and "unplugged" in page


@pytest.mark.skipif(sys.platform == "win32", reason="names are text there")
@pytest.mark.parametrize("locale", ["C", "POSIX", "en_US.ISO-8859-1"])
@pytest.mark.parametrize("progress", ["bars", "json"])
def test_any_locale_and_any_output(tmp_path: Path, tiny_models: Path, locale: str, progress: str) -> None:
    """Names that are no UTF-8, and names that the output cannot show: all is written, and no traceback."""
    clip(tmp_path / "in" / "a.mp4").rename(tmp_path / "in" / "übung 跳绳\n\u202e.mp4")
    raw = os.fsencode(tmp_path / "in") + b"/caf\xe9\xff.mp4"
    Path(os.fsdecode(raw)).write_bytes(clip(tmp_path / "b.mp4").read_bytes())
    (tmp_path / "in" / os.fsdecode(b"broken\xe9.mp4")).write_bytes(b"no video")
    environment = {
        **os.environ, "LC_ALL": locale, "PYTHONIOENCODING": "ascii", "SLOWFAST_LIVE_MODELS": str(tiny_models),
        "PYTHONPATH": str(Path(cli.__file__).parents[2]),
    }  # fmt: skip
    words = [sys.executable, "-W", "error", "-m", "slowfast_live", "analyze", "in", "--out", "out", "--annotate"]
    ended = subprocess.run(
        [*words, "--model", "tiny_short-fp32", "--progress", progress],
        cwd=tmp_path, env=environment, capture_output=True, timeout=240,
    )  # fmt: skip
    assert ended.returncode == 1 and b"Traceback" not in ended.stderr, ended.stderr.decode()
    assert b"2 analyzed, 1 failed" in ended.stdout
    assert len(results(tmp_path / "out")) == 2 and (tmp_path / "out" / "report.html").stat().st_size
