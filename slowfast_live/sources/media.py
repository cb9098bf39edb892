"""Opening of video files, shared by everything that plays, searches, previews or copies them.

Determines which stream is the video, its frame rate, and where its clock is 0.
"""

from __future__ import annotations

import io
import logging
import statistics
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
import av.error

from slowfast_live.errors import SourceError
from slowfast_live.messages import Message
from slowfast_live.sources import playlists
from slowfast_live.sources.containers import (
    INSTEAD,
    MAX_TRUSTED_FPS,
    VideoDecoder,
    decoder,
    possible_covers,
    stated_rate,
    trust_timestamps,
    video_stream,
)
from slowfast_live.sources.picture_files import READABLE_STILLS, STILL_HEAD, jpeg_format, still_kind
from slowfast_live.sources.playlists import ListKind
from slowfast_live.sources.timeline import FrameTimes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from av.container import InputContainer
    from av.packet import Packet
    from av.video.stream import VideoStream

log = logging.getLogger(__name__)

OPEN_LIMIT_S, READ_LIMIT_S, PROBE_LIMIT_S = 5.0, 15.0, 1.0
"""Time limits, because FFmpeg searches for valid data up to the end of the file: in terabytes of zeros, for hours."""

UNINDEXED = frozenset({"gif", "apng", "h264", "hevc", "m4v", "mpegvideo", "mjpeg", "obu"})
"""Formats that cannot be searched by time, or not decoded from there: they are read from the start."""

JUMPING = frozenset({"mpegts", "mpeg", "flv", "live_flv"})
"""Formats whose clock may restart or contain gaps."""

_RAW = frozenset({"h264", "hevc", "vvc", "mpegvideo", "m4v", "mjpeg", "obu", "vc1", "cavsvideo", "h261", "h263"})
"""Codecs without a container: there are no timestamps, and only the coded data states the rate."""

_LENGTHS = frozenset({"hls", "flv", "live_flv"})
"""Formats that state their duration. Others may state the end time instead, depending on the program that wrote them.
"""

_DEFAULT_FPS = 25.0
_RATE_PACKETS = 64
_LATE_S = 0.25
_FAR_STAMP = 2**62
_MAX_TAIL_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True, eq=False)
class Media:
    """An opened file, positioned at its start.

    Attributes:
        path: The file.
        container: The container; closed by whoever opened it.
        stream: The video stream.
        decoder: Decodes the packets of `stream`.
        time_base: Duration of one timestamp unit, in seconds.
        start_s: Timestamp at which players show 0, in seconds; None if unknown.
        pixel_aspect: Width of a pixel divided by its height.
        notes: Problems of a playlist that plays nevertheless.
    """

    path: Path
    container: InputContainer
    stream: VideoStream
    decoder: VideoDecoder
    time_base: float
    start_s: float | None
    pixel_aspect: float
    notes: tuple[str, ...] = ()

    @property
    def formats(self) -> frozenset[str]:
        """FFmpeg's names of the format."""
        return frozenset(self.container.format.name.split(","))

    @property
    def is_raw(self) -> bool:
        """Whether there is no container, so that timestamps and durations are FFmpeg's guesses."""
        return bool(self.formats & _RAW)

    def timeline(self, fps: float | None) -> FrameTimes:
        """Return the timeline for this file's frames; `fps` is used to replace missing timestamps."""
        return FrameTimes(1 / (fps or _DEFAULT_FPS), may_jump=bool(self.formats & JUMPING), start_s=self.start_s)


def open_container(
    path: Path, limits_s: tuple[float, float] | None = None, notes: list[str] | None = None
) -> InputContainer:
    """Open a local file as a container, without access to the network, with time limits.

    Args:
        path: The file. A playlist is played as far as its segments exist.
        limits_s: Time limits in seconds for each step of opening and for finding each packet; None for the defaults.
        notes: List to which problems of a playlist that plays are added.

    Raises:
        SourceError: It is a list of other files that cannot be played.
        OSError, av.error.FFmpegError: It cannot be read, or is not a container.
    """
    with path.open("rb") as file:
        still = still_kind(file.read(STILL_HEAD))
    if still is not None:
        if still in READABLE_STILLS:
            text = Message(
                "{name} is a single picture ({form}); {instead}.", name=path.name, form=still, instead=INSTEAD
            )
        else:
            text = Message(
                "{name} is a single picture ({form}), which this app does not read; {instead}.",
                name=path.name,
                form=still,
                instead=INSTEAD,
            )
        raise SourceError(text, details=str(path))
    kind = playlists.kind_of(path)
    # The prefix keeps a name such as "a:b.mp4" from being parsed as a URL; the whitelist keeps files that refer to
    # other files from accessing the network.
    name: str | io.BytesIO = f"file:{path}"
    form = None
    if kind is ListKind.HLS:
        playlist = playlists.complete(path)
        name, form = io.BytesIO(playlist.text), "hls"
        if notes is not None and playlist.warning:
            notes.append(playlist.warning)
    elif kind is ListKind.CONCAT:
        playlists.check_concat(path)
    elif kind is not None:
        raise playlists.refuse(path, kind)
    else:
        form = jpeg_format(path)
    return av.open(
        name,
        mode="r",
        format=form,
        container_options={"protocol_whitelist": "file,crypto,data"},
        metadata_errors="replace",  # a title in another encoding must not prevent playback
        timeout=limits_s or (OPEN_LIMIT_S, READ_LIMIT_S),
    )


def open_media(path: Path) -> Media:
    """Open a file and select its video stream.

    Raises:
        SourceError: There is no video.
        OSError, av.error.FFmpegError: It cannot be read, or is not a container.
    """
    notes: list[str] = []
    container = open_container(path, notes=notes)
    try:
        stream = _video_of(container, path)
        trust_timestamps(container)
        return Media(
            path=path,
            container=container,
            stream=stream,
            decoder=decoder(stream, "AUTO"),
            time_base=float(stream.time_base or 0) or 1.0,
            start_s=None if container.start_time is None else container.start_time / av.time_base,
            pixel_aspect=float(stream.sample_aspect_ratio or 1),
            notes=tuple(notes),
        )
    except BaseException:
        container.close()
        raise


def _video_of(container: InputContainer, path: Path) -> VideoStream:
    """Return the video stream; tracks whose container does not count their pictures are counted here."""
    doubtful = possible_covers(container)
    if not doubtful or len(container.streams) < 2:
        return video_stream(container, path.name)
    return video_stream(container, path.name, covers=_single_pictures(path, doubtful))


def _single_pictures(path: Path, tracks: set[int]) -> set[int]:
    """Return which of a file's tracks hold a single picture; of a large file, only the beginning is read."""
    count = dict.fromkeys(tracks, 0)
    try:
        with open_container(path, (PROBE_LIMIT_S, PROBE_LIMIT_S)) as container:
            for packet in container.demux():
                if packet.size and packet.stream_index in count:
                    count[packet.stream_index] += 1
                if min(count.values()) > 1 or (packet.pos or 0) > _MAX_TAIL_BYTES:
                    break
    except (av.error.FFmpegError, OSError, IndexError) as error:
        log.debug("%s: while counting the pictures of its tracks: %s", path, error)
    return {index for index, pictures in count.items() if pictures == 1}


def frame_rate(media: Media) -> float | None:
    """Return a file's frame rate; if none is stated plausibly, it is measured from the first timestamps."""
    coded = float(media.stream.guessed_rate or 0)
    if media.is_raw and 0 < coded <= MAX_TRUSTED_FPS:
        return coded
    stated = stated_rate(media.stream)
    if stated is not None:
        return stated
    measured = _measured_rate(media.path)
    average = float(media.stream.average_rate or 0)
    if measured is None:
        return average if 0 < average < 1000 else None
    # The beginning of a file with a variable rate may not be typical.
    return average if 0.8 <= average / measured <= 1.25 else measured


def _measured_rate(path: Path) -> float | None:
    stamps: set[float] = set()
    for packet, time_base in packets_of(path):
        stamp = packet.pts if packet.pts is not None else packet.dts
        if stamp is not None:
            stamps.add(stamp * time_base)
        if len(stamps) >= _RATE_PACKETS:
            break
    steps = [late - early for early, late in pairwise(sorted(stamps))]
    if not steps:
        return None
    usual_s = statistics.median(steps)
    return 1 / statistics.mean(step for step in steps if step <= 10 * usual_s)


def stated_end_s(media: Media, zero_s: float) -> float | None:
    """Return the stated end of a file's video, relative to the timestamp `zero_s`; None if not stated.

    If it is unclear whether a duration or an end time is stated, the shorter interpretation is used.
    """
    stream, container = media.stream, media.container
    if media.is_raw:  # FFmpeg divides the size by the bit rate
        return None
    if stream.duration is not None and not _is_ambiguous(media, zero_s):
        begin = stream.start_time if stream.start_time is not None else round(zero_s / media.time_base)
        end_s = (begin + stream.duration) * media.time_base - zero_s
    elif container.duration is not None:
        length_s = container.duration / av.time_base
        end_s = length_s - zero_s if _is_ambiguous(media, zero_s) and zero_s < length_s else length_s
    else:
        return None
    return end_s if end_s > 0 else None


def duration_s(media: Media, zero_s: float) -> float | None:
    """Return the end of a file's video like `stated_end_s`; if that is ambiguous, the end of the file is read."""
    stated_s = stated_end_s(media, zero_s)
    if stated_s is None or not _is_ambiguous(media, zero_s):
        return stated_s
    last_s = _last_end_s(media.path)
    return last_s - zero_s if last_s is not None and last_s > zero_s else stated_s


def _is_ambiguous(media: Media, zero_s: float) -> bool:
    if zero_s <= _LATE_S or media.formats & _LENGTHS:
        return False
    return media.stream.duration is None or "asf" in media.formats


def _last_end_s(path: Path) -> float | None:
    """Return the last timestamp of a file's video, by reading its end."""
    end_s: float | None = None
    begin: int | None = None
    for packet, time_base in packets_of(path, from_end=True):
        begin = packet.pos if begin is None else begin
        if packet.pts is not None:
            shown_until_s = (packet.pts + (packet.duration or 0)) * time_base
            end_s = shown_until_s if end_s is None else max(end_s, shown_until_s)
        if (packet.pos or 0) - (begin or 0) > _MAX_TAIL_BYTES:
            break
    return end_s


def packets_of(path: Path, from_end: bool = False) -> Iterator[tuple[Packet[Any], float]]:
    """Yield the video's packets with their time base, from a separately opened file; nothing is decoded."""
    try:
        with open_container(path, (PROBE_LIMIT_S, PROBE_LIMIT_S)) as container:
            stream = _video_of(container, path)
            trust_timestamps(container)
            time_base = float(stream.time_base or 0) or 1.0
            if from_end:
                container.seek(_FAR_STAMP, stream=stream)
            for packet in container.demux(stream):
                if packet.size:
                    yield packet, time_base
    except (av.error.FFmpegError, OSError, SourceError, IndexError) as error:
        log.debug("%s: while looking at its packets: %s", path, error)
