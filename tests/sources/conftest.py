import shutil
import subprocess

import numpy as np
import pytest
from numbered_video import MPEG2, VP9, X264, X264_B, X265, encode, ffmpeg, picture, turned


@pytest.fixture(scope="session")
def video_dir(tmp_path_factory):
    if shutil.which("ffmpeg") is None:
        pytest.skip("the ffmpeg command makes the videos of these tests, and is not installed")
    return tmp_path_factory.mktemp("videos")


def vfr(folder):
    """Matroska, times in whole milliseconds, gaps between 20 and 400 ms."""
    times = "0+20*N+lt(0\\,mod(N\\,7))*7+floor(N/10)*333"
    return encode(
        folder / "vfr.mkv",
        60,
        "-vf",
        f"settb=1/1000,setpts={times}",
        "-fps_mode",
        "vfr",
        "-enc_time_base",
        "1/1000",
        *X264_B,
        fps=50,
    )


def no_cues(folder):
    """Matroska as a recorder writes it that never came to write the index."""
    path = encode(folder / "indexed.mkv", 60, *X264_B, "-f", "matroska", "-cluster_time_limit", "500")
    with (folder / "no_cues.mkv").open("wb") as file:
        command = ["ffmpeg", "-v", "error", "-i", path, "-c", "copy", "-f", "matroska", "-live", "1", "-"]
        subprocess.run(command, stdout=file, check=True, timeout=60)
    return folder / "no_cues.mkv"


def concat_ts(folder):
    """Two MPEG-TS recordings one after the other: the clock starts again in the middle."""
    half = encode(folder / "half.ts", 40, *MPEG2)
    rest = [picture(number) for number in range(40, 80)]
    encode(folder / "rest.ts", rest, *MPEG2)
    joined = folder / "joined.ts"
    joined.write_bytes(half.read_bytes() + (folder / "rest.ts").read_bytes())
    return joined


def trimmed(folder):
    """An mp4 whose edit list starts in the middle of a group of pictures, at its 6th frame."""
    whole = encode(folder / "whole.mp4", 60, *X264_B, "-sc_threshold", "0")
    ffmpeg("-ss", "0.2", "-i", whole, "-c", "copy", folder / "trimmed.mp4")
    return folder / "trimmed.mp4"


MAKERS = {
    "h264.mp4": lambda d: encode(d / "h264.mp4", 90, *X264_B),
    "open_gop.mp4": lambda d: encode(
        d / "open_gop.mp4", 90, *X264_B, "-x264-params", "open-gop=1:keyint=10:scenecut=0:b-adapt=0"
    ),
    "negative.mkv": lambda d: encode(
        d / "negative.mkv", 60, "-c:v", "mpeg4", "-bf", "2", "-g", "9", "-q:v", "3"
    ),
    "vfr.mkv": vfr,
    "h264.avi": lambda d: encode(d / "h264.avi", 60, *X264_B),
    "mpeg4.avi": lambda d: encode(d / "mpeg4.avi", 60, "-c:v", "mpeg4", "-bf", "2", "-g", "9", "-q:v", "3"),
    "plain.avi": lambda d: encode(d / "plain.avi", 60, "-c:v", "mpeg4", "-g", "9", "-q:v", "3"),
    "mjpeg.mov": lambda d: encode(d / "mjpeg.mov", 40, "-c:v", "mjpeg", "-q:v", "3"),
    "vp9.webm": lambda d: encode(d / "vp9.webm", 40, *VP9),
    "anim.gif": lambda d: encode(d / "anim.gif", 40, fps=10),
    "mpeg2.ts": lambda d: encode(d / "mpeg2.ts", 60, *MPEG2),
    "h264.ts": lambda d: encode(d / "h264.ts", 60, *X264_B),
    "mpeg1.mpg": lambda d: encode(d / "mpeg1.mpg", 60, "-c:v", "mpeg1video", "-g", "10", "-q:v", "3"),
    "no_cues.mkv": no_cues,
    "fragmented.mp4": lambda d: encode(
        d / "fragmented.mp4", 60, *X264_B, "-movflags", "frag_keyframe+empty_moov"
    ),
    "h264.flv": lambda d: encode(d / "h264.flv", 60, *X264_B),
    "theora.ogv": lambda d: encode(d / "theora.ogv", 40, "-c:v", "libtheora", "-g", "10", "-q:v", "9"),
    "wmv2.wmv": lambda d: encode(d / "wmv2.wmv", 60, "-c:v", "wmv2", "-g", "10", "-q:v", "3"),
    "hevc.mp4": lambda d: encode(d / "hevc.mp4", 60, *X265),
    "raw.h264": lambda d: encode(d / "raw.h264", 60, *X264_B),
    "raw.mjpeg": lambda d: encode(d / "raw.mjpeg", 40, "-c:v", "mjpeg", "-q:v", "3"),
    "raw.m1v": lambda d: encode(d / "raw.m1v", 60, "-c:v", "mpeg1video", "-bf", "2", "-g", "10", "-q:v", "3"),
    "joined.ts": concat_ts,
    "trimmed.mp4": trimmed,
    "fps10.mp4": lambda d: encode(d / "fps10.mp4", 12, *X264, fps=10),
    "fps24.mp4": lambda d: encode(d / "fps24.mp4", 30, *X264, fps=24),
    "fps29.97.mp4": lambda d: encode(d / "fps29.97.mp4", 30, *X264, fps="30000/1001"),
    "fps60.mp4": lambda d: encode(d / "fps60.mp4", 60, *X264, fps=60),
    "fps120.mp4": lambda d: encode(d / "fps120.mp4", 90, *X264, fps=120),
    "short.mp4": lambda d: encode(d / "short.mp4", 3, *X264),
    "single.mp4": lambda d: encode(d / "single.mp4", 1, *X264),
    "portrait.mp4": lambda d: encode(d / "portrait.mp4", 8, *X264, size=(160, 320)),
    "odd.mkv": lambda d: encode(
        d / "odd.mkv", 8, "-c:v", "libx264", "-pix_fmt", "yuv444p", size=(161, 99)
    ),
    "4k.mp4": lambda d: encode(d / "4k.mp4", 4, *X264, size=(3840, 2160)),
    "grey.mkv": lambda d: encode(d / "grey.mkv", 8, "-c:v", "ffv1", "-pix_fmt", "gray"),
    "ten_bit.mp4": lambda d: encode(d / "ten_bit.mp4", 8, "-c:v", "libx265", "-pix_fmt", "yuv420p10le",
                                    "-x265-params", "log-level=error"),
    "anamorphic.mp4": lambda d: encode(d / "anamorphic.mp4", 4, *X264, "-aspect", "320:96"),
}  # fmt: skip


@pytest.fixture(scope="session")
def make_video(video_dir):
    """Return the path of a video by its name; made once."""

    def make(name):
        path = video_dir / name
        return path if path.exists() else MAKERS[name](video_dir)

    return make


@pytest.fixture(scope="session")
def corners(video_dir):
    """An mp4 with a different colour in each corner, and its picture."""
    image = np.zeros((64, 96, 3), np.uint8)
    image[:32, :48], image[:32, 48:], image[32:, :48] = (0, 0, 255), (0, 255, 0), (255, 0, 0)
    image[32:, 48:] = (255, 255, 255)
    path = encode(video_dir / "corners.mp4", [image] * 3, *X264, "-crf", "4", size=(96, 64))
    return path, image


@pytest.fixture
def turned_corners(corners, tmp_path):
    """Return the path of the corners with a display matrix."""
    return lambda *matrix: turned(corners[0], tmp_path / "turned.mp4", *matrix)
