"""Rates, durations and clocks of files: what the pictures' own timestamps say counts."""

from itertools import pairwise

import numpy as np
import pytest
from numbered_video import MPEG2, SIZE, X264, X264_B, X265, encode, ffmpeg, number_of, read_all

from slowfast_live.sources.file import FileSource


def played(path):
    """Return (facts, numbers, times, warning) of a file played to its end."""
    source = FileSource(path)
    info = source.open()
    numbers, times = read_all(source)
    warning = source.warning
    source.close()
    return info, numbers, times, warning


# Rates.


def dv(path):
    return encode(path, 50, "-c:v", "dvvideo", "-pix_fmt", "yuv420p", fps=25, size=(720, 576))


def with_tick(path, fps, ticks, *args):
    """Matroska without a stated rate, on a clock of `ticks` a second."""
    step = ticks // fps
    timing = f"settb=1/{ticks},setpts=N*{step}"
    return encode(path, 50, "-vf", timing, "-fps_mode", "passthrough", "-enc_time_base", f"1/{ticks}", *args, fps=fps)


RATES = {
    "raw.dv": (25, dv),
    "raw.h264": (50, lambda p: encode(p, 50, *X264_B, fps=50)),
    "raw.hevc": (30, lambda p: encode(p, 50, *X265, fps=30)),
    "raw.m4v": (24, lambda p: encode(p, 50, "-c:v", "mpeg4", "-q:v", "3", fps=24)),
    "raw.mjpeg": (25, lambda p: encode(p, 50, "-c:v", "mjpeg", "-q:v", "3", fps=25)),
    "raw.y4m": (12.5, lambda p: encode(p, 50, "-pix_fmt", "yuv420p", fps="25/2")),
    "raw.m2v": (25, lambda p: encode(p, 50, *MPEG2, fps=25)),
    "slow.mp4": (1, lambda p: encode(p, 8, *X264, fps=1)),
    "slow.mkv": (12.5, lambda p: encode(p, 50, *X264, fps="25/2")),
    "motion.mov": (240, lambda p: encode(p, 50, *X264_B, fps=240)),
    "fast.mkv": (1000, lambda p: encode(p, 50, *X264, fps=1000)),
    "tick.mkv": (25, lambda p: with_tick(p, 25, 1000, *X264)),
    "tick.webm": (25, lambda p: with_tick(p, 25, 1000, "-c:v", "libvpx", "-deadline", "realtime")),
    "tick.mp4": (25, lambda p: with_tick(p, 25, 90_000, *X264)),
    "odd.ts": (30000 / 1001, lambda p: encode(p, 50, *X264_B, fps="30000/1001")),
}  # fmt: skip


@pytest.mark.parametrize("name", RATES)
def test_the_rate_is_that_of_the_pictures(tmp_path, name, video_dir):
    fps, make = RATES[name]
    info, numbers, times, warning = played(make(tmp_path / name))
    assert info.fps == pytest.approx(fps, rel=0.02)
    assert len(numbers) == (8 if name == "slow.mp4" else 50)
    assert np.mean(np.diff(times)) == pytest.approx(1 / fps, rel=0.03)
    assert warning == ""


def test_a_variable_rate_is_stated_as_its_mean(tmp_path, video_dir):
    """As phones film: about 30 pictures a second, now and then a longer pause."""
    times = "settb=1/90000,setpts=N*3000+mod(N*7\\,11)*90+floor(N/20)*9000"
    path = encode(tmp_path / "phone.mp4", 60, "-vf", times, "-fps_mode", "passthrough", "-enc_time_base", "1/90000",
                  "-video_track_timescale", "90000", *X264_B)  # fmt: skip
    info, numbers, got, _ = played(path)
    assert numbers == list(range(60))
    stated = [(n * 3000 + n * 7 % 11 * 90 + n // 20 * 9000) / 90_000 for n in range(60)]
    np.testing.assert_allclose(got, stated, atol=1e-3)
    assert info.fps == pytest.approx(59 / stated[-1], rel=0.1)


def test_a_recording_of_which_the_rate_is_the_tick(tmp_path, video_dir, monkeypatch):
    """Demuxers that take the clock's tick for the rate are believed as little as possible."""
    from fractions import Fraction

    from slowfast_live.sources import containers

    path = encode(tmp_path / "plain.mkv", 50, *X264, fps=25)
    real = containers.stated_rate

    class Ticking:
        def __init__(self, rate):
            self.average_rate = self.guessed_rate = rate

    for rate in (Fraction(60_000), Fraction(90_000), Fraction(1000), None, Fraction(0)):
        assert real(Ticking(rate)) is None
    assert real(Ticking(Fraction(25))) == 25
    monkeypatch.setattr("slowfast_live.sources.media.stated_rate", lambda stream: None)
    assert played(path)[0].fps == pytest.approx(25)


# Where a clock begins, and how long a file is.


@pytest.fixture(scope="module")
def plain(video_dir):
    return encode(video_dir / "clock_plain.mp4", 120, *X264_B)


@pytest.mark.parametrize("ending", ["mkv", "webm", "ts", "flv", "mov", "nut", "asf"])
@pytest.mark.parametrize("begin_s", [0.5, 3, 40])
def test_a_late_clock_makes_no_file_longer(plain, tmp_path, ending, begin_s):
    path = tmp_path / f"late.{ending}"
    coding = ("-c:v", "libvpx", "-deadline", "realtime") if ending == "webm" else ("-c", "copy")
    ffmpeg("-i", plain, *coding, "-output_ts_offset", begin_s, path)
    info, numbers, times, warning = played(path)
    assert numbers == list(range(120))
    assert times[0] == pytest.approx(0, abs=0.05)
    assert times[-1] == pytest.approx(119 / 30, abs=0.06)
    assert info.duration_s == pytest.approx(4, abs=0.1)
    assert warning == ""


def test_a_length_that_counts_from_a_late_begin(plain, tmp_path):
    """Other programs write into Matroska how long the file is, not when it ends."""
    path = tmp_path / "late.mkv"
    ffmpeg("-i", plain, "-c", "copy", "-output_ts_offset", "3", path)
    data = path.read_bytes()
    at = data.index(b"\x44\x89\x88") + 3
    path.write_bytes(data[:at] + np.array([4000.0], ">f8").tobytes() + data[at + 8 :])
    info, _, times, warning = played(path)
    assert info.duration_s == pytest.approx(4, abs=0.05)
    assert times[-1] == pytest.approx(119 / 30, abs=2e-3)
    assert warning == ""


@pytest.mark.parametrize("begin_s", [0, 3])
def test_a_file_that_is_really_cut_off_says_so(plain, tmp_path, begin_s):
    path = tmp_path / "cut.mkv"
    ffmpeg("-i", plain, "-c", "copy", "-output_ts_offset", begin_s, "-cluster_time_limit", "200", path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    _, numbers, times, warning = played(path)
    assert 20 < len(numbers) < 90
    assert "it seems to be cut off" in warning and "states 4.0 s" in warning
    assert f"ends at {times[-1] + 1 / 30:.1f} s" in warning


@pytest.mark.parametrize("codec", [X264, MPEG2])
@pytest.mark.parametrize("begin_s", [0, 5])
def test_a_recording_that_begins_without_a_key_frame(tmp_path, video_dir, codec, begin_s):
    whole = encode(tmp_path / "whole.ts", 120, *codec, "-g", "30", "-output_ts_offset", str(begin_s))
    data = whole.read_bytes()
    path = tmp_path / "nokey.ts"
    path.write_bytes(data[len(data) * 2 // 5 // 188 * 188 :])
    info, numbers, times, warning = played(path)
    assert numbers == list(range(numbers[0], 120)) and numbers[0] % 30 == 0
    assert warning == ""
    assert info.duration_s == pytest.approx(times[-1] + 1 / 30, abs=0.05)
    source = FileSource(path)
    source.open()
    source.seek(times[20])
    assert number_of(source.read().image) == numbers[20]
    source.close()


def test_the_clock_of_mpeg_ts_may_wrap_around(tmp_path, video_dir):
    """33 bits of 90 kHz are 26.5 hours: 95443.7 s."""
    path = encode(tmp_path / "wrap.ts", 120, *X264_B, "-output_ts_offset", "95441.7")
    info, numbers, times, warning = played(path)
    assert numbers == list(range(120))
    np.testing.assert_allclose(np.diff(times), 1 / 30, atol=2e-3)
    assert info.duration_s == pytest.approx(4, abs=0.1)
    assert warning == ""
    source = FileSource(path)
    source.open()
    for at in (100, 30):
        source.seek(times[at])
        assert number_of(source.read().image) == at
    source.close()


STAMPS = {
    "jump back": "if(lt(N\\,60)\\,N\\,N-50)",
    "duplicates": "floor(N/2)*2",
    "disorder": "N+2*mod(N\\,2)",
}


@pytest.mark.parametrize("name", STAMPS)
def test_timestamps_that_do_not_rise_are_repaired(tmp_path, video_dir, name):
    """Each picture is kept, in the order in which it comes, with a time later than the one before."""
    path = tmp_path / "stamps.mkv"
    stamp = f"setts=pts='({STAMPS[name]})*1000/30':dts='N*1000/30'"
    intra = encode(tmp_path / "intra.mkv", 100, "-c:v", "ffv1", "-g", "1")
    ffmpeg("-i", intra, "-c", "copy", "-bsf:v", stamp.replace("N-50", "N-50"), path)
    _, numbers, times, warning = played(path)
    assert sorted(numbers) == list(range(100))
    assert all(late > early for early, late in pairwise(times))
    assert warning == ""


def test_a_gap_in_the_clock_of_a_broadcast_is_no_cut(tmp_path, video_dir):
    early = encode(tmp_path / "early.ts", 60, *MPEG2)
    late = encode(tmp_path / "late.ts", 60, *MPEG2, "-output_ts_offset", "600")
    path = tmp_path / "gap.ts"
    path.write_bytes(early.read_bytes() + late.read_bytes())
    _, numbers, times, warning = played(path)
    assert len(numbers) == 120 and times[-1] < 6
    assert "cut off" not in warning


def test_the_size_is_the_one_that_was_made(plain):
    info = played(plain)[0]
    assert (info.width, info.height) == SIZE
