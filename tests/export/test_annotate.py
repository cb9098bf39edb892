"""Annotated videos: the pictures' own times, the plate where it belongs, the sound of the original in step."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest

from slowfast_live.errors import ExportError, SourceError
from slowfast_live.export.video import annotate
from slowfast_live.types import Readout, ReadoutState
from tests.export.videos import needs_ffmpeg, picture_times, pictures, probe, sound
from tests.sources.numbered_video import X264, X264_B, ffmpeg, turned

pytestmark = needs_ffmpeg
NOTHING = Readout(ReadoutState.NO_MODEL)
ACTION = Readout(ReadoutState.ACTION, "squat", 0.9)
RATE = 8000

# Containers and the codecs in them: (ending, video, sound, codec of the sound in an .mp4 and in a .webm).
SOURCES = [
    (".mp4", (*X264_B,), ("-c:a", "aac"), "aac", "opus"),
    (".mkv", (*X264_B,), ("-c:a", "libopus"), "opus", "opus"),
    (".avi", ("-c:v", "mpeg4"), ("-c:a", "pcm_s16le"), "aac", "opus"),
    (".mov", (*X264,), ("-c:a", "pcm_s16le"), "aac", "opus"),
    (".ts", (*X264_B,), ("-c:a", "aac"), "aac", "opus"),
    (".mkv", ("-c:v", "mpeg2video"), ("-c:a", "ac3"), "aac", "opus"),
    (".flv", (*X264,), ("-c:a", "libmp3lame", "-ar", "44100"), "mp3", "opus"),
]


def flashing(path: Path, *codecs: str, seconds: int = 3, fps: str = "30", more: tuple[str, ...] = ()) -> Path:
    """A video that is white, with a tone, for the first quarter of each second from second 1 on; else black."""
    on = "gte(t,1)*lt(mod(t,1),0.25)"
    video = f"color=black:s=160x96:r={fps}:d={seconds},format=gray,geq=lum='255*gte(T,1)*lt(mod(T,1),0.25)'"
    tone = f"aevalsrc='0.5*sin(2*PI*500*t)*{on}':s=44100:d={seconds}"
    ffmpeg("-f", "lavfi", "-i", video, "-f", "lavfi", "-i", tone, *codecs, *more, path)
    return path


def onsets(loud: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Return when something begins."""
    return times[1:][loud[1:] & ~loud[:-1]]


def seen_and_heard(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return when the pictures turn white and when the tone begins, in seconds."""
    lit = pictures(path, (160, 96))[:, :40].mean(axis=(1, 2, 3)) > 120
    wave = np.abs(sound(path, RATE))
    window = RATE // 100
    level = wave[: len(wave) // window * window].reshape(-1, window).max(axis=1) > 0.15
    return onsets(lit, np.array(picture_times(path))), onsets(level, np.arange(len(level)) * window / RATE)


@pytest.mark.parametrize("target", [".mp4", ".webm"])
@pytest.mark.parametrize(("ending", "video", "audio", "in_mp4", "in_webm"), SOURCES)
def test_the_sound_stays_in_step(
    tmp_path: Path, ending: str, video: tuple[str, ...], audio: tuple[str, ...], in_mp4: str, in_webm: str, target: str
) -> None:
    source = flashing(tmp_path / f"source{ending}", *video, *audio)
    copy = tmp_path / f"copy{target}"
    annotate(source, copy, [(0.0, NOTHING), (1.5, ACTION)])
    found = probe(copy)
    assert found["audio"]["codec_name"] == {".mp4": in_mp4, ".webm": in_webm}[target]
    assert found["video"]["pix_fmt"] == "yuv420p"
    assert float(found["format"]["duration"]) == pytest.approx(3, abs=0.07)
    seen, heard = seen_and_heard(copy)
    assert len(seen) == len(heard) == 2
    assert heard == pytest.approx(seen, abs=0.04)


def test_sound_that_begins_later_stays_in_step(tmp_path: Path) -> None:
    early = flashing(tmp_path / "early.mp4", *X264_B, "-c:a", "aac")
    source = tmp_path / "source.mp4"
    ffmpeg("-i", early, "-itsoffset", "0.7", "-i", early, "-map", "0:v", "-map", "1:a", "-c", "copy", source)
    before = seen_and_heard(source)
    annotate(source, tmp_path / "copy.mp4", [])
    seen, heard = seen_and_heard(tmp_path / "copy.mp4")
    assert heard[:2] - seen[:2] == pytest.approx(before[1][:2] - before[0][:2], abs=0.03)
    assert heard[0] - seen[0] == pytest.approx(0.7, abs=0.04)


@pytest.mark.parametrize("ending", [".mp4", ".webm"])
def test_pictures_that_begin_after_the_sound_still_do(tmp_path: Path, ending: str) -> None:
    early = flashing(tmp_path / "early.mp4", *X264_B, "-c:a", "aac")
    source = tmp_path / "source.mkv"
    ffmpeg("-itsoffset", "0.6", "-i", early, "-i", early, "-map", "0:v", "-map", "1:a", "-c", "copy", source)
    copy = tmp_path / f"copy{ending}"
    annotate(source, copy, [])
    seen, heard = seen_and_heard(copy)
    assert seen[0] == pytest.approx(1.6, abs=0.05)
    assert heard[0] == pytest.approx(1.0, abs=0.05)
    assert picture_times(copy)[0] == pytest.approx(0.6, abs=0.05)


def test_the_default_sound_track_is_carried_over(tmp_path: Path) -> None:
    seen = flashing(tmp_path / "seen.mp4", *X264, "-an")
    source = tmp_path / "source.mp4"
    tones = [part for hz in (300, 900) for part in ("-f", "lavfi", "-i", f"sine={hz}:d=3")]
    ffmpeg(
        "-i", seen, *tones, "-map", "0", "-map", "1", "-map", "2", "-c:v", "copy", "-c:a", "aac",
        "-disposition:a:0", "0", "-disposition:a:1", "default", source,
    )  # fmt: skip
    annotate(source, tmp_path / "copy.mp4", [])
    wave = sound(tmp_path / "copy.mp4", RATE)[RATE : 2 * RATE]
    assert np.abs(np.fft.rfft(wave)).argmax() == 900


def test_pieces_joined_keep_picture_and_sound_together(tmp_path: Path) -> None:
    one = flashing(tmp_path / "one.ts", *X264, "-c:a", "aac")
    joined = tmp_path / "joined.ts"
    joined.write_bytes(one.read_bytes() * 2)
    annotate(joined, tmp_path / "copy.mp4", [])
    seen, heard = seen_and_heard(tmp_path / "copy.mp4")
    assert len(seen) == len(heard) == 4
    assert heard == pytest.approx(seen, abs=0.12)


def test_times_of_a_variable_rate_are_kept(tmp_path: Path) -> None:
    source = flashing(tmp_path / "source.mkv", *X264, "-c:a", "aac", more=("-vf", "setpts='PTS+0.02*mod(N,3)/TB'"))
    annotate(source, tmp_path / "copy.mp4", [])
    began_s = float(probe(source)["format"]["start_time"])
    wanted, got = picture_times(source), picture_times(tmp_path / "copy.mp4")
    assert got == pytest.approx([t_s - began_s for t_s in wanted], abs=2e-3)


def test_rotation_is_applied(tmp_path: Path) -> None:
    upright = flashing(tmp_path / "upright.mp4", *X264)
    source = turned(upright, tmp_path / "turned.mp4", 0, 1, -1, 0)
    annotate(source, tmp_path / "copy.mp4", [])
    video = probe(tmp_path / "copy.mp4")["video"]
    assert (video["width"], video["height"]) == (96, 160)
    assert "side_data_list" not in video


def test_the_plate_is_there_from_its_time_on(tmp_path: Path) -> None:
    source = flashing(tmp_path / "source.mp4", *X264, "-an")
    plain, marked = tmp_path / "plain.mp4", tmp_path / "marked.mp4"
    annotate(source, plain, [])
    annotate(source, marked, [(0.5, ACTION), (2.0, NOTHING)])
    differs = np.abs(pictures(plain, (160, 96)).astype(int) - pictures(marked, (160, 96))).max(axis=(1, 2, 3)) > 60
    times = np.array(picture_times(plain))
    assert (differs == ((times >= 0.5 - 1e-3) & (times < 2.0 - 1e-3))).all()


def test_a_video_without_sound_has_none(tmp_path: Path) -> None:
    source = flashing(tmp_path / "source.mp4", *X264, "-an")
    annotate(source, tmp_path / "copy.mp4", [])
    assert "audio" not in probe(tmp_path / "copy.mp4")


def test_progress_grows_to_one(tmp_path: Path) -> None:
    told: list[float] = []
    source = flashing(tmp_path / "source.mp4", *X264)
    annotate(source, tmp_path / "copy.mp4", [], on_progress=told.append)
    assert told == sorted(set(told)) and told[-1] == 1.0 and len(told) > 20


def test_an_interruption_leaves_nothing_behind(tmp_path: Path) -> None:
    source = flashing(tmp_path / "source.mp4", *X264)

    def stop(_: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        annotate(source, tmp_path / "copy.mp4", [], on_progress=stop)
    assert list(tmp_path.iterdir()) == [source]


def test_the_original_is_never_written_over(tmp_path: Path) -> None:
    source = flashing(tmp_path / "source.mp4", *X264)
    data = source.read_bytes()
    with pytest.raises(ExportError, match="is the video itself"):
        annotate(source, source, [])
    assert source.read_bytes() == data


def test_what_is_no_video_is_said(tmp_path: Path) -> None:
    source = tmp_path / "notes.txt"
    source.write_text("hello")
    with pytest.raises(SourceError, match=r"notes\.txt"):
        annotate(source, tmp_path / "copy.mp4", [])
    assert list(tmp_path.iterdir()) == [source]


def test_damaged_sound_does_not_stop_the_pictures(tmp_path: Path) -> None:
    source = flashing(tmp_path / "source.avi", "-c:v", "mpeg4", "-c:a", "mp2")
    data = bytearray(source.read_bytes())
    found = subprocess.run(
        [
            "ffprobe",
            "-v",
            "error",
            "-select_streams",
            "a",
            "-show_entries",
            "packet=pos,size",
            "-of",
            "csv=p=0",
            source,
        ],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    for row in found[40:50]:
        size, position = (int(part) for part in row.split(",")[:2])
        data[position + 16 : position + size - 16] = bytes(size - 32)
    source.write_bytes(data)
    annotate(source, tmp_path / "copy.mp4", [])
    seen, heard = seen_and_heard(tmp_path / "copy.mp4")
    assert len(seen) == 2
    assert heard[-1] == pytest.approx(seen[-1], abs=0.05)
