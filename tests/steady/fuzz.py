"""Damaged videos without end: mutations of small real files, tried in processes of their own.

    python -m tests.steady.fuzz --minutes 30 --seed 1 --keep findings

Each try is a number: the same number gives the same bytes, whatever was tried before. A process tries many; where
it dies or falls silent, the number that it had begun is the finding, its file is kept, and the next process goes
on behind it. What must never happen: the end of the process, an error that is none of ours, a picture that is no
picture, a try that does not end, memory without bound.
"""

from __future__ import annotations

import argparse
import contextlib
import faulthandler
import io
import json
import os
import queue
import resource
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import IO, Any

import av
import av.logging
import numpy as np

from slowfast_live.errors import SourceError
from slowfast_live.sources.base import FrameSource, Picture
from slowfast_live.sources.file import FileSource
from slowfast_live.sources.stream import StreamSource

ROOT = Path(__file__).resolve().parents[2]
SILENT_S = 60.0
"""A try that takes longer counts as hanging."""
MAX_MEMORY = 3e9
"""A process that needs more (in bytes) counts as one that can be made to eat the machine's memory."""
_MAX_PICTURES = 40
_EDGES = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0x7FFFFFFFFFFFFFFF)


@dataclass(frozen=True)
class Seed:
    """A small good video.

    Attributes:
        form: FFmpeg's name of the container.
        codec: FFmpeg's name of the encoder.
        pixels: Pixel format.
        options: Of the encoder.
    """

    form: str
    codec: str
    pixels: str = "yuv420p"
    options: tuple[tuple[str, str], ...] = ()

    def bytes(self, frames: int = 14, size: tuple[int, int] = (64, 48)) -> bytes:
        """Return the file."""
        file = io.BytesIO()
        rng = np.random.default_rng(5)
        with av.open(file, "w", format=self.form) as container:
            stream: Any = container.add_stream(self.codec, rate=25, options=dict(self.options))
            stream.width, stream.height, stream.pix_fmt = *size, self.pixels
            for number in range(frames):
                image = rng.integers(0, 60, (size[1], size[0], 3), np.uint8)
                image[10:30, 3 * number : 3 * number + 12] = 230
                container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
            container.mux(stream.encode())
        return file.getvalue()


_B_FRAMES = (("bf", "2"), ("g", "6"))
FILES = {
    "mp4": Seed("mp4", "libx264", options=_B_FRAMES),
    "mpeg4.mp4": Seed("mp4", "mpeg4"),
    "mkv": Seed("matroska", "libx264", options=_B_FRAMES),
    "avi": Seed("avi", "mpeg4"),
    "mjpeg.avi": Seed("avi", "mjpeg", "yuvj420p"),
    "ts": Seed("mpegts", "mpeg2video"),
    "gif": Seed("gif", "gif", "rgb8"),
    "webm": Seed("webm", "libvpx", options=(("deadline", "realtime"), ("cpu-used", "8"))),
    "vp9.webm": Seed("webm", "libvpx-vp9", options=(("deadline", "realtime"), ("cpu-used", "8"))),
    "ffv1.mkv": Seed("matroska", "ffv1"),
    "flv": Seed("flv", "flv"),
    "hevc.mp4": Seed("mp4", "libx265", options=(("preset", "ultrafast"), ("x265-params", "log-level=none"))),
    "wmv": Seed("asf", "wmv2"),
    "mpg": Seed("mpeg", "mpeg1video"),
    "prores.mov": Seed("mov", "prores", "yuv422p10le"),
}
STREAMS = {
    "ts": Seed("mpegts", "mpeg2video", options=(("g", "5"),)),
    "h264.ts": Seed("mpegts", "libx264", options=(("g", "5"),)),
    "mpjpeg": Seed("mpjpeg", "mjpeg", "yuvj420p"),
    "flv": Seed("flv", "flv"),
    "webm": Seed("webm", "libvpx", options=(("deadline", "realtime"), ("cpu-used", "8"))),
    "h264": Seed("h264", "libx264", options=(("g", "5"),)),
}


def seeds(kind: str) -> dict[str, bytes]:
    """Return the good videos for "file" or "stream"."""
    av.logging.set_level(None)
    return {name: seed.bytes() for name, seed in (FILES if kind == "file" else STREAMS).items()}


def mutated(videos: dict[str, bytes], number: int) -> tuple[str, bytes]:
    """Return (name of the good video, damaged bytes) of a number."""
    rng = Random(number)
    name = rng.choice(sorted(videos))
    data = bytearray(videos[name])
    for _ in range(rng.choice((1, 1, 2, 3, 5, 12))):
        rng.choice((_flip, _edge, _edge, _noise, _cut_out, _repeat, _swap, _cut_off))(data, rng)
    if rng.random() < 0.05:
        other = videos[rng.choice(sorted(videos))]
        data += other[rng.randrange(len(other)) :]
    return name, bytes(data)


def _place(data: bytearray, rng: Random) -> int:
    """Return a place, often one in the head or the tail, where the structure of a file is."""
    where = rng.random()
    if where < 0.4:
        return rng.randrange(min(len(data), 600) or 1)
    if where < 0.6:
        return max(0, len(data) - 1 - rng.randrange(1500))
    return rng.randrange(len(data) or 1)


def _flip(data: bytearray, rng: Random) -> None:
    if data:
        data[_place(data, rng)] ^= 1 << rng.randrange(8)


def _edge(data: bytearray, rng: Random) -> None:
    """Overwrite a number by one at the edge of its range."""
    width = rng.choice((1, 2, 4, 8))
    at = _place(data, rng)
    value = rng.choice(_EDGES) & ((1 << 8 * width) - 1)
    data[at : at + width] = value.to_bytes(width, rng.choice(("big", "little")))


def _noise(data: bytearray, rng: Random) -> None:
    at = _place(data, rng)
    length = rng.randrange(1, 40)
    data[at : at + length] = rng.randbytes(length)


def _cut_out(data: bytearray, rng: Random) -> None:
    at = _place(data, rng)
    del data[at : at + rng.randrange(1, 200)]


def _repeat(data: bytearray, rng: Random) -> None:
    at = _place(data, rng)
    data[at:at] = data[at : at + rng.randrange(1, 300)] * rng.randrange(1, 4)


def _swap(data: bytearray, rng: Random) -> None:
    one, other, length = _place(data, rng), _place(data, rng), rng.randrange(1, 32)
    data[one : one + length] = data[other : other + length]


def _cut_off(data: bytearray, rng: Random) -> None:
    if rng.random() < 0.3:
        del data[_place(data, rng) :]


def play(source: FrameSource, *, search: bool) -> str:
    """Open, read, search and close; return "played" or our own error's message.

    Raises:
        AssertionError: What came is no picture.
    """
    try:
        info = source.open()
        _read(source)
        for t_s in (0.2, 0.0, (info.duration_s or 0.0) / 2, 1e12) if search else ():
            source.seek(t_s)
            _read(source, 3)
    except SourceError as error:
        assert error.message, "an error without a message"
        assert "\n" not in error.message, error.message
        return error.message
    finally:
        source.close()
    return "played"


def _read(source: FrameSource, most: int = _MAX_PICTURES) -> None:
    last_s = float("-inf")
    for _ in range(most):
        picture: Picture | None = source.read()
        if picture is None:
            return
        assert picture.image.dtype == np.uint8 and picture.image.ndim == 3 and picture.image.shape[2] == 3
        assert picture.image.size and picture.image.flags.c_contiguous
        assert np.isfinite(picture.t_s) and picture.t_s > last_s, f"time {picture.t_s} after {last_s}"
        last_s = picture.t_s


def try_file(data: bytes, name: str, folder: Path) -> str:
    """Play damaged bytes as a file."""
    path = folder / f"damaged.{name}"
    path.write_bytes(data)
    return play(FileSource(path), search=True)


def try_stream(data: bytes, name: str, folder: Path) -> str:
    """Play damaged bytes as what a sender on this machine sends."""
    with _sender(data) as port:
        # A stream that is paced would take its own time; nothing is waited for here.
        outcome = play(StreamSource(f"tcp://127.0.0.1:{port}", 5.0, 5.0, wait=lambda _: None), search=False)
    return "played" if "has ended" in outcome else outcome


@contextlib.contextmanager
def _sender(data: bytes) -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(SILENT_S)

        def send() -> None:
            with contextlib.suppress(OSError):
                connection, _ = server.accept()
                with connection:
                    connection.sendall(data)

        thread = threading.Thread(target=send, daemon=True)
        thread.start()
        yield int(server.getsockname()[1])
    thread.join(SILENT_S)


TRIES: dict[str, Callable[[bytes, str, Path], str]] = {"file": try_file, "stream": try_stream}


# The process that tries, and the one that watches it.


def work(kind: str, first: int, count: int) -> int:
    """Try the numbers from `first` on; say on standard output what is begun and how it ended."""
    faulthandler.enable()
    videos = seeds(kind)
    with tempfile.TemporaryDirectory() as folder:
        for number in range(first, first + count):
            _say(begun=number)
            name, data = mutated(videos, number)
            began_s = time.monotonic()
            try:
                outcome = TRIES[kind](data, name, Path(folder))
                fault = ""
            except BaseException as error:  # noqa: BLE001 - whatever is not ours is what is looked for
                outcome, fault = "fault", f"{type(error).__name__}: {error}"
            memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
            _say(ended=number, name=name, outcome=outcome, fault=fault, memory=memory, s=time.monotonic() - began_s)
    return 0


def _say(**what: object) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


@dataclass
class Report:
    """What became of all tries."""

    tried: int
    played: int
    slowest_s: float
    slowest: int
    memory: float
    messages: Counter[str]
    findings: list[str]


def watch(kind: str, first: int, count: int, *, until_s: float = float("inf"), keep: Path | None = None) -> Report:
    """Have `count` numbers tried in processes, until the monotonic time `until_s`."""
    report = Report(0, 0, 0.0, first, 0.0, Counter(), [])
    following, end = first, first + count
    while following < end and time.monotonic() < until_s:
        following = _watch_one(kind, following, min(end - following, 2000), until_s, keep, report)
    return report


def _watch_one(kind: str, first: int, count: int, until_s: float, keep: Path | None, report: Report) -> int:
    """Watch one process; return the number to go on with."""
    command = [sys.executable, "-m", "tests.steady.fuzz", "--work", kind, "--seed", str(first), "--count", str(count)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    with (
        tempfile.TemporaryFile("w+") as errors,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True, cwd=ROOT, env=environment) as child,
    ):
        lines: queue.Queue[str] = queue.Queue()
        assert child.stdout is not None
        threading.Thread(target=_pump, args=(child.stdout, lines), daemon=True).start()
        begun, ended = first - 1, first - 1
        try:
            while time.monotonic() < until_s:
                try:
                    line = lines.get(timeout=SILENT_S)
                except queue.Empty:
                    _found(kind, begun, f"hangs for more than {SILENT_S:.0f} s", keep, report)
                    return begun + 1
                if not line:
                    break
                said = json.loads(line)
                begun = said.get("begun", begun)
                if "ended" in said:
                    ended = said["ended"]
                    _take(kind, said, keep, report)
        finally:
            if time.monotonic() >= until_s or begun != ended:
                child.kill()
        if time.monotonic() < until_s and child.wait() != 0:
            errors.seek(0)
            why = f"the process ended with {child.returncode}: {errors.read()[-600:]}"
            _found(kind, begun, why, keep, report)
            return begun + 1
    return ended + 1


def _pump(stream: IO[str], lines: queue.Queue[str]) -> None:
    for line in stream:
        lines.put(line)
    lines.put("")


def _take(kind: str, said: dict[str, Any], keep: Path | None, report: Report) -> None:
    report.tried += 1
    report.played += said["outcome"] == "played"
    report.messages[_without_numbers(said["outcome"])] += 1
    if said["s"] > report.slowest_s:
        report.slowest_s, report.slowest = said["s"], said["ended"]
    grown = said["memory"] > MAX_MEMORY >= report.memory
    report.memory = max(report.memory, said["memory"])
    if said["fault"] or grown:
        why = said["fault"] or f"{said['memory'] / 1e9:.1f} GB of memory"
        _found(kind, said["ended"], why, keep, report)


def _without_numbers(message: str) -> str:
    return "".join("#" if letter.isdigit() else letter for letter in message)[:90]


def _found(kind: str, number: int, why: str, keep: Path | None, report: Report) -> None:
    name, data = mutated(seeds(kind), number)
    report.findings.append(f"{kind} {number} ({name}): {why}")
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        (keep / f"{kind}-{number}.{name}").write_bytes(data)


def main() -> int:
    """Run from the command line; exit code 1 where something was found."""
    parser = argparse.ArgumentParser(description="Play damaged videos until something breaks.")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=0, help="the first number")
    parser.add_argument("--count", type=int, default=10**9, help="how many numbers at most, of each kind")
    parser.add_argument("--kind", choices=sorted(TRIES), action="append", help="default: both, one after the other")
    parser.add_argument("--keep", type=Path, help="folder for the files that broke something")
    parser.add_argument("--work", choices=sorted(TRIES), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        return work(options.work, options.seed, options.count)
    kinds = options.kind or sorted(TRIES)
    findings = 0
    for kind in kinds:
        until_s = time.monotonic() + options.minutes * 60 / len(kinds)
        report = watch(kind, options.seed, options.count, until_s=until_s, keep=options.keep)
        findings += len(report.findings)
        sys.stdout.write(
            f"{kind}: {report.tried} tried, {report.played} played to the end, slowest {report.slowest_s:.1f} s "
            f"(number {report.slowest}), at most {report.memory / 1e6:.0f} MB\n"
        )
        for message, times in report.messages.most_common(25):
            sys.stdout.write(f"  {times:7d}  {message}\n")
        for finding in report.findings:
            sys.stdout.write(f"  FOUND {finding}\n")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
