"""Containers and codecs that browsers can play."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from slowfast_live.errors import ExportError
from slowfast_live.messages import Message


class Effort(Enum):
    """How much processor time the encoder may use."""

    LIVE = "live"
    """As little as possible, on one core: other work needs the processor."""
    CAREFUL = "careful"
    """Small files of good quality."""


@dataclass(frozen=True, slots=True)
class Coding:
    """A container and the codecs in it.

    Attributes:
        form: FFmpeg's name of the container.
        video: FFmpeg's name of the video encoder.
        sound: FFmpeg's name of the encoder for sound that cannot be copied.
        copied: Audio codecs that players expect in this container; they are copied without re-encoding.
        effort: Options of the video encoder.
        growing: Options of the container while it is written: playable at any moment.
        final: Options of the finished container: playback starts before the file is fully loaded.
    """

    form: str
    video: str
    sound: str
    copied: frozenset[str]
    effort: dict[Effort, dict[str, str]]
    growing: dict[str, str] = field(default_factory=dict)
    final: dict[str, str] = field(default_factory=dict)


_X264 = {
    Effort.LIVE: {"preset": "ultrafast", "tune": "zerolatency", "crf": "23", "forced-idr": "1", "threads": "1"},
    Effort.CAREFUL: {"preset": "veryfast", "crf": "20", "bf": "0", "forced-idr": "1"},
}
_VP9 = {
    Effort.LIVE: {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0", "crf": "33", "b": "0", "threads": "1"},
    Effort.CAREFUL: {"deadline": "good", "cpu-used": "4", "row-mt": "1", "crf": "30", "b": "0"},
}


def coding_for(suffix: str) -> Coding:
    """Return the encoding for a file extension: ".mp4" with H.264, ".webm" with VP9.

    If FFmpeg was built without libx264, an MP4 holds VP9, which browsers play, too.

    Raises:
        ExportError: Browsers cannot play such a file, or FFmpeg has no encoder for it.
    """
    from av import codecs_available as available  # FFmpeg is large: do not load it before something is written

    if suffix.lower() == ".mp4" and {"libx264", "libvpx-vp9"} & available:
        h264 = "libx264" in available
        return Coding(
            "mp4",
            "libx264" if h264 else "libvpx-vp9",
            "aac",
            frozenset({"aac", "mp3", "opus"}),
            _X264 if h264 else _VP9,
            {"movflags": "frag_keyframe+delay_moov+default_base_moof"},
            {"movflags": "faststart"},
        )
    if suffix.lower() == ".webm" and "libvpx-vp9" in available:
        opus = "libopus" if "libopus" in available else "libvorbis"
        return Coding("webm", "libvpx-vp9", opus, frozenset({"opus", "vorbis"}), _VP9, {}, {"cues_to_front": "1"})
    if suffix.lower() in (".mp4", ".webm"):
        raise ExportError(
            Message(
                "Videos cannot be written as {suffix}: this build of FFmpeg has no encoder for it. Reinstall the "
                "package 'av', its wheels have them all.",
                suffix=suffix,
            )
        )
    raise ExportError(
        Message("A video cannot be written as '{suffix}'. Expected a name that ends in .mp4 or .webm.", suffix=suffix)
    )
