"""Session logs to odd places: said at once where it can be known, a notice where it shows later, never a wait."""

import json
import os
import threading
from pathlib import Path

import pytest

from slowfast_live.cli import main
from slowfast_live.errors import UsageError
from slowfast_live.session_log import SessionLog
from slowfast_live.types import Level, Notice, Readout, ReadoutState
from tests.test_session_log import PREDICTION, SUMMARY

READOUT = Readout(ReadoutState.ACTION, "jumping jacks", 0.66)
needs_pipes = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes on this system")


@needs_pipes
def test_a_pipe_that_nobody_reads_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UsageError, match=r"pipe cannot be written: no program reads"):
        SessionLog(tmp_path / "pipe")


@needs_pipes
def test_a_pipe_with_a_reader_gets_the_lines(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    log = SessionLog(tmp_path / "pipe")
    log.prediction(PREDICTION, READOUT)
    log.close(SUMMARY)
    lines = os.read(reader, 1 << 16).splitlines()
    os.close(reader)
    assert [json.loads(line)["type"] for line in lines] == ["prediction", "summary"]


@needs_pipes
@pytest.mark.parametrize("leaves", [True, False], ids=["leaves", "does not keep up"])
def test_a_reader_that_goes_away_or_sleeps_ends_the_log_with_one_notice(tmp_path: Path, leaves: bool) -> None:
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    log = SessionLog(tmp_path / "pipe")
    told: list[Notice] = []
    log.notify = told.append
    if leaves:
        os.close(reader)

    def write() -> None:
        for _ in range(2000):  # more than any pipe holds
            log.prediction(PREDICTION, READOUT)

    thread = threading.Thread(target=write, daemon=True)
    thread.start()
    thread.join(60)
    assert not thread.is_alive(), "the log waits for its reader"
    log.close(SUMMARY)
    if not leaves:
        os.close(reader)
    assert len(told) == 1 and told[0].level is Level.WARNING and "pipe" in told[0].message


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_is_told_once() -> None:
    log = SessionLog(Path("/dev/full"))
    told: list[Notice] = []
    log.notify = told.append
    for _ in range(3):
        log.prediction(PREDICTION, READOUT)
    log.close(SUMMARY)
    assert len(told) == 1 and "/dev/full" in told[0].message and "No space" in told[0].message


def test_a_disk_that_takes_only_part_of_a_line_gets_the_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = SessionLog(tmp_path / "log.jsonl")
    file = log._file
    assert file is not None

    class Slow:
        def write(self, data: memoryview) -> int | None:
            return file.write(data[:7])

        def close(self) -> None:
            file.close()

    monkeypatch.setattr(log, "_file", Slow())
    log.prediction(PREDICTION, READOUT)
    log.close(SUMMARY)
    lines = (tmp_path / "log.jsonl").read_text().splitlines()
    assert [json.loads(line)["type"] for line in lines] == ["prediction", "summary"]


def test_an_older_log_is_replaced(tmp_path: Path) -> None:
    older = SessionLog(tmp_path / "log.jsonl")
    for _ in range(100):
        older.prediction(PREDICTION, READOUT)
    older.close(SUMMARY)
    log = SessionLog(tmp_path / "log.jsonl")
    log.close(SUMMARY)
    assert len((tmp_path / "log.jsonl").read_text().splitlines()) == 1


@pytest.mark.parametrize("where", ["nowhere/log.jsonl", "file/log.jsonl", "n" * 300])
def test_places_that_are_none(tmp_path: Path, where: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="cannot be written"):
        SessionLog(tmp_path / where)


@pytest.mark.parametrize("link", [False, True])
def test_the_video_itself_is_never_overwritten(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, link: bool
) -> None:
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    video = tmp_path / "holiday.mp4"
    video.write_bytes(b"precious")
    log = tmp_path / "log.jsonl" if link else video
    if link:
        log.symlink_to(video)
    assert main(["--source", str(video), "--session-log", str(log)]) == 2
    assert "is the video itself" in capsys.readouterr().err
    assert video.read_bytes() == b"precious"
