"""Copies the sound of a video into another one, in sync with its frames."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
import av.error

from slowfast_live.export.codecs import Coding
from slowfast_live.sources.containers import default_first
from slowfast_live.sources.media import JUMPING, open_container
from slowfast_live.sources.timeline import FrameTimes

if TYPE_CHECKING:
    from av.audio.codeccontext import AudioCodecContext
    from av.audio.frame import AudioFrame
    from av.audio.stream import AudioStream
    from av.container import InputContainer, OutputContainer
    from av.packet import Packet

log = logging.getLogger(__name__)

_RATES = (48_000, 44_100, 32_000, 24_000, 16_000, 12_000, 8_000)
_OPUS_RATES = (48_000, 24_000, 16_000, 12_000, 8_000)


class FileSound:
    """The sound of a video file: its default track, or else its first one. Not thread-safe.

    Packets are copied if the new container supports their codec, and re-encoded otherwise. Damaged sound is skipped;
    what follows stays in sync.

    Args:
        path: The video file.
        begin_s: The file's own timestamp of the new video's zero; earlier sound is cut off.
    """

    def __init__(self, path: Path, begin_s: float) -> None:
        self._path = path
        self._begin_s = begin_s
        self._reader: InputContainer | None = open_container(path)
        self._track: AudioStream | None = default_first(self._reader.streams.audio)
        self._out: AudioStream | None = None
        self._recoder: _Recoder | None = None
        self._waiting: Iterator[tuple[float, Packet[Any]]] = iter(())
        self._next: tuple[float, Packet[Any]] | None = None

    @property
    def there(self) -> bool:
        """Whether the file has sound at all."""
        return self._track is not None and self._track.codec_context is not None

    def add_to(self, container: OutputContainer, coding: Coding) -> None:
        """See `SoundTrack.add_to`."""
        track = self._track
        assert track is not None  # checked by `there`
        if _can_be_copied(track, coding):
            self._out = container.add_stream_from_template(track)
        else:
            self._recoder = _Recoder(container, coding.sound, track)
            self._out = self._recoder.stream
        self._waiting = self._read(track)
        self._next = next(self._waiting, None)

    def packets(self, until_s: float | None) -> Iterator[Packet[Any]]:
        """See `SoundTrack.packets`."""
        while self._next is not None and (until_s is None or self._next[0] <= until_s):
            yield self._next[1]
            self._next = next(self._waiting, None)

    def close(self) -> None:
        """Close the file."""
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.close()

    def _read(self, track: AudioStream) -> Iterator[tuple[float, Packet[Any]]]:
        """Yield packets of the new track with their times, starting at 0."""
        for packet, t_s in self._placed(track):
            if self._recoder is not None:
                yield from self._recoder.recode(packet, t_s)
            elif t_s + float((packet.duration or 0) * packet.time_base) > 0:
                base = Fraction(packet.time_base)
                packet.pts = packet.dts = round(t_s / base)
                packet.stream = self._out
                yield t_s, packet
        if self._recoder is not None:
            yield from self._recoder.flush()

    def _placed(self, track: AudioStream) -> Iterator[tuple[Packet[Any], float]]:
        """Yield the file's packets with their times on the frames' clock."""
        assert self._reader is not None  # closed only at the very end
        jumping = bool(JUMPING & set(self._reader.format.name.split(",")))
        timeline = FrameTimes(1024 / (track.codec_context.sample_rate or 48_000), may_jump=jumping)
        first_s: float | None = None
        packets = self._reader.demux(track)
        while True:
            try:
                packet = next(packets, None)
            except av.error.FFmpegError as error:
                log.info("the sound of %s ends early: %s", self._path, error)
                return
            if packet is None:
                return
            if not packet.size or packet.time_base is None:
                continue
            stamp = packet.pts if packet.pts is not None else packet.dts
            stamp_s = None if stamp is None else stamp * float(packet.time_base)
            if first_s is None:
                first_s = stamp_s if stamp_s is not None else self._begin_s
            if packet.duration:
                timeline.step_s = packet.duration * float(packet.time_base)
            yield packet, timeline.place(stamp_s) + first_s - self._begin_s


def _can_be_copied(track: AudioStream, coding: Coding) -> bool:
    codec = track.codec_context
    # In broadcast AAC (ADTS), each packet carries the configuration that an MP4 needs before the first one.
    described = codec.codec.canonical_name != "aac" or bool(codec.extradata)
    return described and codec.codec.canonical_name in coding.copied


class _Recoder:
    """Decodes and re-encodes sound."""

    def __init__(self, container: OutputContainer, encoder: str, track: AudioStream) -> None:
        self._decoder: AudioCodecContext = track.codec_context
        rates = _OPUS_RATES if encoder == "libopus" else _RATES
        rate = next((rate for rate in rates if rate <= (self._decoder.sample_rate or 48_000)), rates[-1])
        layout = "mono" if self._decoder.channels == 1 else "stereo"
        self.stream: AudioStream = container.add_stream(encoder, rate=rate)  # type: ignore[assignment]
        context = self.stream.codec_context
        context.layout = layout
        context.time_base = Fraction(1, rate)
        context.bit_rate = 96_000 if layout == "mono" else 160_000
        form = context.codec.audio_formats
        context.format = form[0] if form else av.AudioFormat("fltp")
        context.open()
        self._rate, self._layout = rate, layout
        self._resampler: av.AudioResampler | None = None
        self._pts: int | None = None

    def recode(self, packet: Packet[Any], t_s: float) -> Iterator[tuple[float, Packet[Any]]]:
        """Re-encode a packet with time `t_s`; undecodable sound becomes silence."""
        try:
            frames = self._decoder.decode(packet)
        except av.error.FFmpegError as error:
            log.debug("damaged sound: %s", error)
            return
        for frame in frames:
            yield from self._take(frame, t_s)
            t_s += frame.samples / frame.sample_rate

    def _take(self, frame: AudioFrame, t_s: float) -> Iterator[tuple[float, Packet[Any]]]:
        wanted = round(t_s * self._rate)
        if wanted < 0:
            return
        if self._pts is None or abs(wanted - self._pts) > self._rate // 10:
            # At the first sound or after a gap, restart at the sound's own time. Small deviations are rounding.
            yield from self._drain()
            self._pts = wanted
        if self._resampler is None:
            size = self.stream.codec_context.frame_size or None
            self._resampler = av.AudioResampler(self.stream.codec_context.format, self._layout, self._rate, size)
        frame.pts = None
        for resampled in self._resampler.resample(frame):
            yield from self._encode(resampled)

    def _drain(self) -> Iterator[tuple[float, Packet[Any]]]:
        resampler, self._resampler = self._resampler, None
        if resampler is not None:
            for resampled in resampler.resample(None):
                yield from self._encode(resampled)

    def _encode(self, frame: AudioFrame) -> Iterator[tuple[float, Packet[Any]]]:
        assert self._pts is not None  # set with the first sound
        frame.pts, frame.time_base = self._pts, Fraction(1, self._rate)
        self._pts += frame.samples
        for packet in self.stream.encode(frame):
            yield (packet.pts or 0) / self._rate, packet

    def flush(self) -> Iterator[tuple[float, Packet[Any]]]:
        """Yield the remaining packets."""
        yield from self._drain()
        for packet in self.stream.encode(None):
            yield (packet.pts or 0) / self._rate, packet
