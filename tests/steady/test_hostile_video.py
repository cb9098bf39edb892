"""Damaged and hostile videos. What the long run of `fuzz.py` found, and a short run of it."""

import threading
from pathlib import Path

import pytest

from slowfast_live.errors import SourceError
from slowfast_live.sources import containers
from slowfast_live.sources.file import FileSource
from tests.steady.fuzz import FILES, play, watch

CI = {"file": 400, "stream": 150}
"""So many tries take a few seconds on a core of one's own."""


@pytest.mark.timeout(400)
@pytest.mark.parametrize("kind", CI)
def test_damaged_videos_play_or_are_told(kind: str, tmp_path: Path) -> None:
    report = watch(kind, 0, CI[kind], keep=tmp_path)
    assert not report.findings, "\n".join(report.findings)
    assert report.tried == CI[kind] and report.played > CI[kind] / 4, "it is no fuzzing where nothing plays"


def written(path: Path, data: bytes) -> FileSource:
    path.write_bytes(data)
    return FileSource(path)


def test_a_coding_that_nobody_knows_is_told(tmp_path: Path) -> None:
    data = FILES["mp4"].bytes().replace(b"avc1", b"zz~9")
    with pytest.raises(SourceError, match=r"strange\.mp4 has a coding that this app cannot decode"):
        written(tmp_path / "strange.mp4", data).open()


def test_a_title_in_another_alphabet_does_not_matter(tmp_path: Path) -> None:
    data = FILES["mkv"].bytes()
    assert b"Lavf" in data
    assert play(written(tmp_path / "title.mkv", data.replace(b"Lavf", b"L\xe9v\xff")), search=True) == "played"


@pytest.mark.parametrize("t_s", [1e12, 1e18, 1e300])
def test_a_search_far_behind_the_end_goes_to_the_last_picture(tmp_path: Path, t_s: float) -> None:
    source = written(tmp_path / "short.avi", FILES["avi"].bytes())
    source.open()
    source.seek(t_s)
    last = source.read()
    assert last is not None and last.t_s == pytest.approx(13 / 25, abs=1e-3)
    source.close()


def test_packets_of_a_stream_that_begins_in_the_middle_are_passed(tmp_path: Path) -> None:
    data = bytearray(FILES["flv"].bytes())
    first = data.index(b"\x09", 13)  # the first video tag
    sound = b"\x08\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00\x2e\x00" + (13).to_bytes(4, "big")
    middle = len(data) // 2
    at = data.index(b"\x09\x00", max(first + 1, middle)) if b"\x09\x00" in data[middle:] else len(data)
    data[at:at] = sound
    assert play(written(tmp_path / "late.flv", bytes(data)), search=True) == "played"


def test_a_picture_too_large_for_any_machine_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(containers, "MAX_PIXELS", 64 * 48 - 1)
    with pytest.raises(SourceError, match=r"large\.mp4.*64"):
        written(tmp_path / "large.mp4", FILES["mp4"].bytes()).open()


def test_no_thread_outlives_damage(tmp_path: Path) -> None:
    threads = set(threading.enumerate())
    data = FILES["mp4"].bytes()
    for cut in range(100, len(data), 400):
        play(written(tmp_path / "cut.mp4", data[:cut]), search=True)
    assert set(threading.enumerate()) <= threads
