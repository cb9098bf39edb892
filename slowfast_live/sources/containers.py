"""Helpers for files and streams opened by FFmpeg."""

from __future__ import annotations

import errno
from collections.abc import Container, Iterable
from typing import TYPE_CHECKING, Any, TypeVar, cast

import av
import av.codec
import av.container
import av.error
from av.stream import Disposition

from slowfast_live.errors import SourceError
from slowfast_live.messages import Message
from slowfast_live.sources.deinterlace import Deinterlacer
from slowfast_live.sources.stills import MAX_PIXELS

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.stream import Stream
    from av.video.codeccontext import VideoCodecContext
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

_THREADS = 2
_SMALL = 640 * 480
"""Number of pixels up to which one thread decodes: handing pictures over takes longer than a second thread saves."""
_GENERATE_PTS = 1
"""AVFMT_FLAG_GENPTS, which PyAV sets."""

INSTEAD = Message("choose a video, or a folder of pictures")
"""What to open instead of a single picture."""

_STILL = frozenset({"image2", "ico"})
"""Demuxers that turn a picture into a video."""

_TEXT = "tty"
"""The demuxer that turns text into a video."""


_PICTURE_CODECS = frozenset({"mjpeg", "png", "bmp", "gif", "tiff", "webp", "jpeg2000", "ppm"})
"""Codecs of cover art. A track with a single such picture is a cover, whether or not it is marked as one."""

_NO_VIDEO = Disposition.attached_pic | Disposition.timed_thumbnails
"""Dispositions of tracks that are not the video: cover art and chapter thumbnails."""


def video_stream(container: InputContainer, name: str, covers: Container[int] = ()) -> VideoStream:
    """Return the video stream to play, chosen as players do.

    Cover art and thumbnails are never played. Of several tracks, the default one is preferred, then the one with the
    most frames, then the largest.

    Args:
        container: An opened file or stream.
        name: Name for messages.
        covers: Indices of further streams that are known to be cover art.

    Raises:
        SourceError: There is no video, no decoder for it, or its pictures are too large.
    """
    form = container.format.name
    if form == _TEXT:
        raise SourceError(
            Message("{name} is a text, not a video; {instead}.", name=name, instead=INSTEAD), details=f"format {form}"
        )
    if form in _STILL or form.endswith("_pipe"):
        raise SourceError(
            Message("{name} is a single picture; {instead}.", name=name, instead=INSTEAD), details=f"format {form}"
        )
    kinds = sorted({stream.type for stream in container.streams if stream.type})
    streams = [
        stream
        for stream in container.streams.video
        if not stream.disposition & _NO_VIDEO and stream.index not in covers
    ]
    if "audio" in kinds:
        streams = [stream for stream in streams if not _is_unmarked_cover(stream)]
    if not streams:
        held = Message("only sound") if "audio" in kinds else Message("no video")
        raise SourceError(
            Message("{name} holds {held}; choose a file with a picture.", name=name, held=held),
            details=f"format {form}, streams: {', '.join(kinds) or 'none'}",
        )
    # Without a decoder, PyAV's streams have neither a context nor a size.
    known = [stream for stream in streams if stream.codec_context is not None]
    if not known:
        raise SourceError(Message("{name} has a coding that this app cannot decode.", name=name), details=form)
    chosen = max(known, key=_preference)
    if chosen.width * chosen.height > MAX_PIXELS:
        raise SourceError(
            Message(
                "{name} has pictures of {width} x {height}, more than {max_pixels} million pixels: they would fill "
                "the memory. Choose a smaller version of it.",
                name=name,
                width=chosen.width,
                height=chosen.height,
                max_pixels=MAX_PIXELS // 1_000_000,
            ),
            details=f"format {form}",
        )
    return chosen


def possible_covers(container: InputContainer) -> set[int]:
    """Return the indices of the streams that are a cover if they hold a single picture, of which nothing is stated."""
    return {
        stream.index
        for stream in container.streams.video
        if stream.codec_context is not None
        and stream.codec_context.name in _PICTURE_CODECS
        and not stream.disposition & _NO_VIDEO
        and _pictures(stream) == 0
    }


def _preference(stream: VideoStream) -> tuple[bool, bool, int, int]:
    marked = bool(stream.disposition & Disposition.default)
    return not _is_unmarked_cover(stream), marked, _pictures(stream), stream.width * stream.height


def _is_unmarked_cover(stream: VideoStream) -> bool:
    context = stream.codec_context
    return context is not None and context.name in _PICTURE_CODECS and _pictures(stream) == 1


def _pictures(stream: VideoStream) -> int:
    """Return the number of frames of a track according to its container; 0 if unknown."""
    if stream.frames:
        return stream.frames
    if (counted := _tag(stream, "NUMBER_OF_FRAMES")).isdecimal():
        return int(counted)
    length_s = float(stream.duration * stream.time_base) if stream.duration and stream.time_base else 0.0
    return round((length_s or _clock_s(_tag(stream, "DURATION"))) * float(stream.average_rate or 0))


def _tag(stream: VideoStream, name: str) -> str:
    """Return a per-track tag of Matroska files, with or without a language suffix: "DURATION-eng"."""
    found = (text for key, text in stream.metadata.items() if key.upper().partition("-")[0] == name)
    return next(found, "").strip()


def _clock_s(text: str) -> float:
    """Parse "00:01:02.5" as seconds; return 0 for anything else."""
    try:
        hours, minutes, seconds = (float(part) for part in text.split(":"))
    except ValueError:
        return 0.0
    return 3600 * hours + 60 * minutes + seconds


_WITH_ALPHA = {"vp8": "libvpx", "vp9": "libvpx-vp9"}
"""Decoders that know the alpha channel of WebM files, which FFmpeg's own ignore."""

_Track = TypeVar("_Track", bound="Stream")


def default_first(tracks: Iterable[_Track]) -> _Track | None:
    """Return the default track, or the first one; None if there is none."""
    return max(tracks, key=lambda track: bool(track.disposition & Disposition.default), default=None)


class VideoDecoder:
    """Decodes the packets of one stream and deinterlaces interlaced frames. Single-threaded.

    Args:
        context: FFmpeg's decoder.
    """

    def __init__(self, context: VideoCodecContext) -> None:
        self._context = context
        self._deinterlacer = Deinterlacer(context)

    @property
    def name(self) -> str:
        """Short name of the codec."""
        return self._context.name

    @property
    def deinterlacing(self) -> bool:
        """Whether there were interlaced frames: each frame then depends on its neighbors."""
        return self._deinterlacer.active

    def decode(self, packet: Packet[Any]) -> list[VideoFrame]:
        """Return the frames that a packet completes, in order of presentation; an empty packet ends the stream.

        Raises:
            av.error.FFmpegError: The packet is damaged.
        """
        frames = self._deinterlacer.take(self._context.decode(packet))
        return frames if packet.size else frames + self._deinterlacer.finish()

    def finish(self) -> list[VideoFrame]:
        """Return the remaining frames at the end of the stream."""
        try:
            frames = self._deinterlacer.take(self._context.decode(None))
        except av.error.FFmpegError:  # the end was decoded already, or the rest is damaged
            frames = []
        return frames + self._deinterlacer.finish()

    def flush_buffers(self) -> None:
        """Discard all state: the following packets do not continue the previous ones."""
        self._context.flush_buffers()
        self._deinterlacer.forget()


def decoder(stream: VideoStream, thread_type: str) -> VideoDecoder:
    """Return the decoder for a stream's packets, with two threads unless its pictures are small.

    Args:
        stream: The video stream.
        thread_type: "AUTO" for files; "SLICE" for streams, because frame threads delay each frame until the next.
    """
    context = stream.codec_context
    see_through = stream.metadata.get("alpha_mode", stream.metadata.get("ALPHA_MODE")) == "1"
    library = _WITH_ALPHA.get(context.name, "")
    if see_through and library in av.codec.codecs_available:
        context = cast("VideoCodecContext", av.CodecContext.create(library, "r"))
    context.options = {**context.options, "max_pixels": str(MAX_PIXELS)}
    context.thread_type = thread_type
    small = context.width * context.height <= _SMALL
    context.thread_count = 1 if small else _THREADS
    return VideoDecoder(context)


_READING = frozenset({errno.EIO, errno.ENXIO, errno.ENODEV, errno.ENOMEM, errno.ESTALE, errno.ETIMEDOUT})
"""Errors of a disk or a network share, or of the machine, rather than of what a file contains."""


def is_damage(error: av.error.FFmpegError) -> bool:
    """Whether an error of decoding or of finding the next packet is due to what the file contains.

    FFmpeg has many errors for that: invalid data, not implemented, not permitted, a wrong argument.
    """
    return not isinstance(error, av.error.ExitError) and error.errno not in _READING


MAX_TRUSTED_FPS = 250.0
"""Maximum plausible frame rate; higher values are usually the clock's tick rate (1000, 60000, 90000)."""

_RATE_TOLERANCE = 0.02


def stated_rate(stream: VideoStream) -> float | None:
    """Return a stream's stated frame rate; None if it is missing, inconsistent or implausible."""
    average, guessed = (float(rate or 0) for rate in (stream.average_rate, stream.guessed_rate))
    agreed = average or guessed
    if not 0 < agreed <= MAX_TRUSTED_FPS:
        return None
    if guessed and abs(average - guessed) > _RATE_TOLERANCE * guessed:
        return None
    return agreed


def trust_timestamps(container: InputContainer) -> None:
    """Keep missing timestamps missing: those that FFmpeg generates put frames in the wrong order."""
    container.flags &= ~_GENERATE_PTS


def stamp(frame: VideoFrame, time_base: float) -> tuple[float | None, bool]:
    """Return a frame's timestamp in seconds, and whether it is its own presentation time.

    If a format (AVI) only stores decoding times, those are used, as they advance at the same rate.
    """
    if frame.pts is not None:
        return frame.pts * time_base, True
    return (None if frame.dts is None else frame.dts * time_base), False
