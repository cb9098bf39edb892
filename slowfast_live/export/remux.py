"""Remuxing of videos from one container to another, including incomplete ones."""

from __future__ import annotations

import logging
import os
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
import av.error

from slowfast_live.export.codecs import Coding

if TYPE_CHECKING:
    from av.packet import Packet

log = logging.getLogger(__name__)

_TICKS = 90_000
"""Ticks per second; finer than any time base in use."""


def remux(source: Path, target: Path, coding: Coding, first_s: float = 0.0) -> None:
    """Copy a video into a plain container that starts to play before it is fully loaded.

    Args:
        source: The video.
        target: The copy.
        coding: Its container.
        first_s: Time of the first frame in the copy; sound keeps its offset from it.

    Raises:
        OSError, av.error.FFmpegError: It cannot be read or written.
    """
    with (
        av.open(f"file:{source}") as reader,
        av.open(f"file:{target}", "w", format=coding.form, container_options=coding.final) as writer,
    ):
        if comment := reader.metadata.get("comment", reader.metadata.get("COMMENT")):
            writer.metadata["comment"] = comment
        streams = {
            stream.index: writer.add_stream_from_template(stream)
            for stream in reader.streams
            if stream.type in ("video", "audio")
        }
        begin_s: Fraction | None = None
        held: list[Packet[Any]] = []
        for packet in reader.demux():
            if packet.pts is None or packet.dts is None or packet.stream.index not in streams:
                continue
            if begin_s is None and packet.stream.type == "video":
                begin_s = packet.pts * _base(packet) - Fraction(first_s).limit_denominator(_TICKS)
            held.append(packet)
            if begin_s is None:
                continue
            for waiting in held:
                shift = round(begin_s / _base(waiting))
                assert waiting.pts is not None and waiting.dts is not None  # checked above
                waiting.pts, waiting.dts = waiting.pts - shift, waiting.dts - shift
                waiting.stream = streams[waiting.stream.index]
                writer.mux(waiting)
            held.clear()
    _sync(target)


def _base(packet: Packet[Any]) -> Fraction:
    return Fraction(packet.time_base)


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def drop_torn_end(path: Path) -> None:
    """Truncate a fragmented MP4 after its last complete fragment, because some players fail on an incomplete one."""
    end = whole = 0
    with path.open("r+b") as file:
        size = file.seek(0, os.SEEK_END)
        while end + 8 <= size:
            file.seek(end)
            head = file.read(16)
            length, kind = int.from_bytes(head[:4], "big"), head[4:8]
            if length == 1:
                length = int.from_bytes(head[8:16], "big")
            if length < 8 or end + length > size:
                break
            end += length
            if kind in (b"moov", b"mdat"):
                whole = end
        file.truncate(whole)


def playable_s(path: Path) -> float | None:
    """Return the end time of a video's frames in seconds; None if it has none that can be read."""
    last: float | None = None
    try:
        with av.open(f"file:{path}") as container:
            for packet in container.demux(video=0):
                if packet.pts is not None:
                    end = (packet.pts + (packet.duration or 0)) * float(_base(packet))
                    last = end if last is None else max(last, end)
    except (OSError, av.error.FFmpegError, IndexError) as error:
        log.debug("%s cannot be read to its end: %s", path, error)
    return last
