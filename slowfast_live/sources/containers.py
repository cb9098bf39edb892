"""What files and streams share when FFmpeg has opened them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import av
import av.codec
import av.container

from slowfast_live.errors import SourceError

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.codeccontext import VideoCodecContext
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

_THREADS = 2
_GENERATE_PTS = 1
"""AVFMT_FLAG_GENPTS, which PyAV sets."""

_MOST_PIXELS = 8192 * 8192
"""Larger pictures are refused by the decoder: a damaged header must not ask for all of the machine's memory."""

_STILL = frozenset({"image2", "tty", "ico"})
"""Demuxers that make a video of a picture or a text."""


def video_stream(container: InputContainer, name: str) -> VideoStream:
    """Return the video stream to play: the largest that is not a cover picture.

    Args:
        container: An opened file or stream.
        name: What to call it in a message.

    Raises:
        SourceError: There is no video in it, or no decoder for it.
    """
    form = container.format.name
    if form in _STILL or form.endswith("_pipe"):
        raise SourceError(f"{name} is a picture, not a video; choose a video file.", details=f"format {form}")
    streams = [stream for stream in container.streams.video if "attached_pic" not in _flags(stream)]
    if not streams:
        kinds = sorted({stream.type for stream in container.streams if stream.type})
        held = "only sound" if "audio" in kinds else "no video"
        raise SourceError(
            f"{name} holds {held}; choose a file with a picture.",
            details=f"format {form}, streams: {', '.join(kinds) or 'none'}",
        )
    # Without a decoder PyAV's streams have neither a context nor a size.
    known = [stream for stream in streams if stream.codec_context is not None]
    if not known:
        raise SourceError(f"{name} has a coding that this app cannot decode.", details=form)
    return max(known, key=lambda stream: stream.width * stream.height)


def decoder(stream: VideoStream, thread_type: str) -> VideoCodecContext:
    """Return what decodes a stream's packets, with two threads.

    Args:
        stream: The video stream.
        thread_type: "AUTO" for files; "SLICE" for streams: threads by frames hold each frame back until the
            next.
    """
    context = stream.codec_context
    see_through = stream.metadata.get("alpha_mode", stream.metadata.get("ALPHA_MODE")) == "1"
    if see_through and context.name == "vp9" and "libvpx-vp9" in av.codec.codecs_available:
        # FFmpeg's own decoder leaves the alpha of a WebM file unread.
        context = av.CodecContext.create("libvpx-vp9", "r")
    context.options = {**context.options, "max_pixels": str(_MOST_PIXELS)}
    context.thread_type = thread_type
    context.thread_count = _THREADS
    return context


def trust_timestamps(container: InputContainer) -> None:
    """Have missing timestamps stay missing: those that FFmpeg generates put frames in the wrong order."""
    container.flags &= ~_GENERATE_PTS


def stamp(frame: VideoFrame, time_base: float) -> tuple[float | None, bool]:
    """Return a frame's timestamp in seconds, and whether it is its own presentation time.

    Where a format (AVI) keeps only the times of decoding, those are taken: they run at the same pace.
    """
    if frame.pts is not None:
        return frame.pts * time_base, True
    return (None if frame.dts is None else frame.dts * time_base), False


def _flags(stream: VideoStream) -> str:
    return str(stream.disposition).lower()
