"""Videos whose pictures carry their own number, so that a test can tell which picture it was given."""

import struct
import subprocess
from pathlib import Path

import numpy as np

BITS = 10
BLOCK = 16
SIZE = (BITS * BLOCK, 96)  # width, height

# Arguments of the ffmpeg command: codecs.
X264 = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p")
X264_B = ("-c:v", "libx264", "-preset", "veryfast", "-bf", "3", "-g", "12", "-pix_fmt", "yuv420p")
X265 = ("-c:v", "libx265", "-preset", "ultrafast", "-bf", "3", "-g", "12", "-x265-params",
        "log-level=error:open-gop=1")  # fmt: skip
VP9 = ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-g", "15")
MPEG2 = ("-c:v", "mpeg2video", "-g", "10", "-bf", "2", "-q:v", "3")

# Videos (by their names in conftest.py) that can be searched.
SEEKABLE = (
    "h264.mp4", "open_gop.mp4", "negative.mkv", "vfr.mkv", "h264.avi", "mpeg4.avi", "plain.avi",
    "mjpeg.mov", "vp9.webm", "anim.gif", "mpeg2.ts", "h264.ts", "mpeg1.mpg", "raw.h264", "joined.ts",
    "no_cues.mkv", "fragmented.mp4", "h264.flv", "theora.ogv", "wmv2.wmv", "hevc.mp4", "trimmed.mp4",
    "fps29.97.mp4", "single.mp4", "raw.mjpeg", "raw.m1v",
)  # fmt: skip

MATRIX = struct.pack(">9i", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)


def picture(number, size=SIZE):
    """Return uint8 (H, W, 3): the bits of `number` as black and white columns above a ramp of colours."""
    width, height = size
    image = np.zeros((height, width, 3), np.uint8)
    image[height // 2 :, :, 0] = np.linspace(30, 220, width).astype(np.uint8)
    image[height // 2 :, :, 2] = 120
    column = width // BITS
    for bit in range(BITS):
        if number >> bit & 1:
            image[: height // 2, bit * column : (bit + 1) * column] = 255
    return image


def number_of(image):
    """Return the number that a picture carries."""
    height, width = image.shape[:2]
    column = width // BITS
    rows = image[height // 8 : height // 2 - height // 8].mean(axis=(0, 2))
    means = [rows[bit * column + column // 4 : (bit + 1) * column - column // 4].mean() for bit in range(BITS)]
    assert all(mean < 80 or mean > 175 for mean in means), means
    return sum((mean > 127) << bit for bit, mean in enumerate(means))


def encode(path: Path, frames, *args, fps="30", size=SIZE, pixels="bgr24", before=()):
    """Encode `frames` (a count, or pictures) with the ffmpeg command."""
    if isinstance(frames, int):
        frames = [picture(number, size) for number in range(frames)]
    data = b"".join(np.ascontiguousarray(frame).tobytes() for frame in frames)
    head = ["ffmpeg", "-v", "error", "-nostdin", "-y", *before, "-f", "rawvideo", "-pix_fmt", pixels]
    head += ["-s", f"{size[0]}x{size[1]}", "-r", str(fps), "-i", "-"]
    done = subprocess.run([*head, *args, str(path)], input=data, capture_output=True, timeout=120)
    assert done.returncode == 0, done.stderr.decode()
    return path


def ffmpeg(*args):
    """Run the ffmpeg command."""
    command = ["ffmpeg", "-v", "error", "-nostdin", "-y", *map(str, args)]
    done = subprocess.run(command, capture_output=True, timeout=120)
    assert done.returncode == 0, done.stderr.decode()


def turned(source: Path, target: Path, a, b, c, d):
    """Copy an mp4 with another display matrix in its track header."""
    data = source.read_bytes()
    at = data.index(MATRIX, data.index(b"tkhd"))
    matrix = struct.pack(">9i", a << 16, b << 16, 0, c << 16, d << 16, 0, 0, 0, 0x40000000)
    target.write_bytes(data[:at] + matrix + data[at + 36 :])
    return target


def read_all(source):
    """Return (numbers, times) of all pictures from here to the end."""
    numbers, times = [], []
    while (picture_ := source.read()) is not None:
        numbers.append(number_of(picture_.image))
        times.append(picture_.t_s)
    return numbers, times
