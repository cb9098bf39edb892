"""Subtitles are read back by other programs: two subtitle libraries and FFmpeg."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given

from slowfast_live.core.events import Event
from slowfast_live.export.subtitles import one_line, to_srt, to_vtt
from tests.export.made import HOSTILE, event_lists, make_event

pysubs2 = pytest.importorskip("pysubs2")
webvtt = pytest.importorskip("webvtt")

HOSTILE_EVENTS = tuple(make_event(label, 2.0 * i, 2.0 * i + 1.5) for i, label in enumerate(HOSTILE))


def times(events: tuple[Event, ...]) -> list[tuple[int, int]]:
    """What a subtitle parser must find, in milliseconds."""
    ordered = sorted(events, key=lambda e: (e.begin_s, e.end_s))
    begins = [round(e.begin_s * 1000) for e in ordered]
    return [(b, max(b + 1, round(e.end_s * 1000))) for b, e in zip(begins, ordered, strict=True)]


@given(event_lists)
def test_srt_is_read_back(events: tuple[Event, ...]) -> None:
    subtitles = pysubs2.SSAFile.from_string(to_srt(events), format_="srt") if events else []
    assert [(line.start, line.end) for line in subtitles] == times(events)
    assert all(line.plaintext.strip() and "\n" not in line.plaintext for line in subtitles)


@given(event_lists)
def test_vtt_is_read_back(events: tuple[Event, ...]) -> None:
    captions = list(webvtt.from_string(to_vtt(events)))
    told = [(round(c.start_in_seconds * 1000), round(c.end_in_seconds * 1000)) for c in captions]
    if told and isinstance(captions[0].start_in_seconds, int):  # this library counts whole seconds in some versions
        told = [(_ms(c.start), _ms(c.end)) for c in captions]
    assert told == times(events)
    ordered = sorted(events, key=lambda e: (e.begin_s, e.end_s))
    for caption, event in zip(captions, ordered, strict=True):
        wanted = one_line(event.label) or "-"
        assert _unescaped(caption.raw_text) == wanted
        assert "<" not in caption.raw_text and "-->" not in caption.raw_text


def _ms(stamp: str) -> int:
    hours, minutes, seconds = stamp.split(":")
    return round((int(hours) * 3600 + int(minutes) * 60 + float(seconds)) * 1000)


def _unescaped(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


@given(event_lists)
def test_cue_times_are_monotonic(events: tuple[Event, ...]) -> None:
    for text in (to_srt(events), to_vtt(events)):
        cues = re.findall(r"^(\d\d:\d\d:\d\d[.,]\d{3}) --> (\d\d:\d\d:\d\d[.,]\d{3})$", text, re.MULTILINE)
        assert len(cues) == len(events)
        assert all(begin < end for begin, end in cues)
        assert [begin for begin, _ in cues] == sorted(begin for begin, _ in cues)


@pytest.mark.skipif(shutil.which("ffprobe") is None, reason="ffmpeg is not installed")
@pytest.mark.parametrize(("name", "make"), [("x.srt", to_srt), ("x.vtt", to_vtt)])
def test_ffmpeg_reads_every_cue(name: str, make, tmp_path: Path) -> None:
    (tmp_path / name).write_text(make(HOSTILE_EVENTS), encoding="utf-8", newline="")
    command = ["ffprobe", "-v", "error", "-show_entries", "packet=pts_time,duration_time", "-of", "csv=p=0"]
    result = subprocess.run([*command, str(tmp_path / name)], capture_output=True, text=True, check=True)
    assert result.stderr == ""
    found = [tuple(map(float, line.split(",")[:2])) for line in result.stdout.split()]
    assert found == [(e.begin_s, e.length_s) for e in HOSTILE_EVENTS]


def test_one_line_of_anything() -> None:
    assert one_line("two\nlines\x00 \u202edone") == "two lines done"
