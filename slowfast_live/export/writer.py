"""Crash-safe writing of videos that browsers can play."""

from __future__ import annotations

import errno
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

import av
import av.error
import cv2
import numpy as np

from slowfast_live.errors import ExportError
from slowfast_live.export.codecs import Coding, Effort, coding_for
from slowfast_live.export.io_errors import RawFile, Sink, open_raw, reason
from slowfast_live.export.remux import drop_torn_end, playable_s, remux
from slowfast_live.files import reserve
from slowfast_live.messages import Message, sentences
from slowfast_live.types import U8

if TYPE_CHECKING:
    from av.container import OutputContainer
    from av.packet import Packet
    from av.video.stream import VideoStream

log = logging.getLogger(__name__)

TICKS = 90_000
"""Ticks per second of presentation times; common frame rates do not drift in it."""
KEY_EVERY_S = 1.0
"""Maximum age of a keyframe before the next frame becomes one: a crash loses no more than that."""
_SYNC_EVERY_S = 2.0
_LARGEST = 16_384
_FALLBACK_FPS = 30.0

# ISO/IEC 23001-8: limited range; BT.601 matrix (OpenCV's), BT.709 primaries and transfer (a screen's).
_RANGE, _MATRIX, _PRIMARIES, _TRANSFER = 1, 6, 1, 1


class SoundTrack(Protocol):
    """Sound that accompanies the frames; see `slowfast_live.export.sound`."""

    def add_to(self, container: OutputContainer, coding: Coding) -> None:
        """Add a stream to the container."""
        ...

    def packets(self, until_s: float | None) -> Iterator[Packet[Any]]:
        """Return the sound before a time on the frames' clock, each packet once; None: all that remains."""
        ...


class VideoWriter:
    """Writes frames, and sound, into one video. Not thread-safe.

    While it is written, the video lies beside its target as `NAME.part.mp4`: a fragmented MP4 (or WebM), which remains
    playable after a crash. `close` turns it into a plain file, which starts to play before it is fully loaded. If
    writing fails, what was written is kept under the target's name.

    Args:
        target: The file to write. Its extension selects the format: see `coding_for`.
        effort: How much processor time encoding may use.
        fps: Frame rate, as far as known: a hint for the encoder. The frames have their own times.
        sound: The accompanying sound.
        keep: Whether to keep what was written before a failure.
        replace: Whether to replace an existing file; if not, the video gets a number: "clip (2).mp4".
        comment: Comment in the file's metadata.
        open_file: Opens the file; replaced in tests.

    Raises:
        ExportError: The extension is unknown, or the target is not writable.
    """

    def __init__(
        self,
        target: Path,
        *,
        effort: Effort = Effort.CAREFUL,
        fps: float | None = None,
        sound: SoundTrack | None = None,
        keep: bool = True,
        replace: bool = False,
        comment: str = "",
        open_file: Callable[[Path], RawFile] = open_raw,
    ) -> None:
        self.target = target
        """Final path of the video once it is closed; the intended path until then."""
        self.pictures = 0
        self.kept = False
        """Whether the video, complete or up to a failure, is at `target`."""
        self._coding = coding_for(target.suffix)
        self._effort, self._fps, self._sound, self._keep = effort, fps or _FALLBACK_FPS, sound, keep
        self._replace, self._comment = replace, comment
        self._container: OutputContainer | None = None
        self._stream: VideoStream | None = None
        self._pts = -1
        self._first_s = 0.0
        self._step = round(TICKS / self._fps)
        self._key_s = -KEY_EVERY_S
        self._synced_s = 0.0
        self._done = False
        try:
            self.part = reserve(target.with_name(f"{target.stem}.part{target.suffix}"))
            self._sink = Sink(open_file(self.part))
        except OSError as error:
            raise ExportError(
                Message("{path} cannot be written: {reason}", path=target, reason=reason(error, target)),
                repr(error),
            ) from error

    @property
    def size(self) -> int:
        """Bytes written so far."""
        return self._sink.size

    def write(self, image: U8, t_s: float) -> None:
        """Add a frame. The first one sets the size; others are fitted to it.

        Args:
            image: uint8 (H, W, 3), BGR.
            t_s: Its time, later than that of the previous frame and at least 0, the start of the video.

        Raises:
            ExportError: The disk is full, gone or not writable; the message says what is kept. The writer is closed.
        """
        if self._done:
            raise ValueError(f"{self.target} is closed")
        with self._failures():
            stream = self._stream or self._start(image)
            frame = av.VideoFrame.from_ndarray(_yuv(_fitted(image, stream.width, stream.height)), "yuv420p")
            pts = max(round(t_s * TICKS), self._pts + 1)
            if self._pts >= 0:
                self._step = pts - self._pts
            else:
                self._first_s = pts / TICKS
            frame.pts, frame.time_base, frame.duration = pts, Fraction(1, TICKS), self._step
            self._pts = pts
            if t_s - self._key_s >= KEY_EVERY_S:
                self._key_s = t_s
                frame.pict_type = av.video.frame.PictureType.I
            if self._sound is not None:
                self._mux(self._sound.packets(t_s))
            self._mux(stream.encode(frame))
            self.pictures += 1
            if t_s - self._synced_s >= _SYNC_EVERY_S:
                self._synced_s = t_s
                self._sink.sync()

    def close(self, *, plain: bool = True) -> Path:
        """Complete the video and give it its final name.

        Args:
            plain: Whether to copy it into a plain container; if not, it keeps its fragmented form, which is playable,
                too.

        Raises:
            ExportError: It could not be completed, and the message says what is kept; or it has no frame.
        """
        if self._done:
            return self.target
        if self._stream is None:
            self.discard()
            raise ExportError(Message("{name} was not written, because there were no pictures.", name=self.target.name))
        with self._failures():
            if self._sound is not None:
                self._mux(self._sound.packets(None))
            self._mux(self._stream.encode(None))
            self._release()
            self._sink.sync()
            self._sink.close()
        self._done = True
        self._complete(plain)
        return self.target

    def discard(self) -> None:
        """Discard what was written. Never raises."""
        self._give_up()
        self.part.unlink(missing_ok=True)

    # Writing

    def _start(self, image: U8) -> VideoStream:
        height, width = (even(side) for side in image.shape[:2])
        if max(height, width) > _LARGEST:
            raise ExportError(
                Message(
                    "{name}: pictures of {width} x {height} are too large for a video.",
                    name=self.target.name,
                    width=width,
                    height=height,
                )
            )
        coding = self._coding
        container = av.open(self._sink, "w", format=coding.form, container_options=coding.growing)
        self._container = container
        if self._comment:
            container.metadata["comment"] = self._comment
        options = dict(coding.effort[self._effort])
        rate = Fraction(self._fps).limit_denominator(1001)
        stream = cast("VideoStream", container.add_stream(coding.video, rate=rate, options=options))
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        context = stream.codec_context
        context.time_base = stream.time_base = Fraction(1, TICKS)
        context.color_range, context.colorspace = _RANGE, _MATRIX
        context.color_primaries, context.color_trc = _PRIMARIES, _TRANSFER
        if self._sound is not None:
            self._sound.add_to(container, coding)
        container.start_encoding()
        self._stream = stream
        return stream

    def _mux(self, packets: Iterator[Packet[Any]] | list[Packet[VideoStream]]) -> None:
        container = self._container
        assert container is not None  # created together with the stream
        for packet in packets:
            container.mux(packet)

    @contextmanager
    def _failures(self) -> Iterator[None]:
        """Turn failures in the block into one message that says what is kept."""
        try:
            yield
        except ExportError:
            self.discard()
            raise
        except (OSError, av.error.FFmpegError, MemoryError) as error:
            cause = self._sink.error
            why = reason(cause, self.target) if cause is not None else Message("FFmpeg says '{error}'.", error=error)
            failed = Message("{name} could not be written to its end: {reason}", name=self.target.name, reason=why)
            raise ExportError(sentences(failed, self._salvage()), repr(cause or error)) from error
        except BaseException:
            self.discard()
            raise

    def _salvage(self) -> str:
        """Close everything and keep what is complete; return a sentence that says what is kept."""
        self._give_up()
        try:
            if self._keep:
                if self._coding.form == "mp4":
                    drop_torn_end(self.part)
                if (seconds := playable_s(self.part)) is not None:
                    self._give_name(self.part)
                    return Message(
                        "What was written until then is kept and can be played ({seconds:.0f} s).", seconds=seconds
                    )
            self.part.unlink(missing_ok=True)
        except OSError as error:
            log.warning("after a failure %s cannot be put in order: %s", self.part, error)
            return Message("What was written so far is in {name}, if it still exists.", name=self.part.name)
        return ""

    def _give_up(self) -> None:
        self._done = True
        self._sink.error = self._sink.error or OSError(errno.ECANCELED, "given up")
        for close in (self._release, self._sink.close):
            try:
                close()
            except (OSError, av.error.FFmpegError) as error:
                log.debug("closing %s after a failure: %s", self.part, error)

    def _release(self) -> None:
        container, self._container = self._container, None
        if container is not None:
            container.close()

    # Closing

    def _complete(self, plain: bool) -> None:
        """Give the growing file its final name, as a plain file if there is space for a second copy."""
        copy: Path | None = None
        if plain:
            try:
                copy = reserve(self.target.with_name(f"{self.target.stem}.final.part{self.target.suffix}"))
                remux(self.part, copy, self._coding, self._first_s)
                self._give_name(copy)
                self.part.unlink(missing_ok=True)
                return
            except (OSError, av.error.FFmpegError) as error:
                log.info("%s stays as it was written: %s", self.target, error)
        try:
            if copy is not None:
                copy.unlink(missing_ok=True)
            self._give_name(self.part)
        except OSError as error:
            failed = Message(
                "{target} cannot be given its name: {reason}", target=self.target, reason=reason(error, self.target)
            )
            kept = Message("It is kept as {name}.", name=self.part.name)
            raise ExportError(sentences(failed, kept), repr(error)) from error

    def _give_name(self, written: Path) -> None:
        """Move a complete file to the target, or beside it if the target exists and must not be replaced."""
        name = self.target if self._replace else reserve(self.target)
        try:
            written.replace(name)
        except OSError:
            if not self._replace:
                name.unlink(missing_ok=True)
            raise
        self.target, self.kept = name, True


def even(side: int) -> int:
    """Round up to an even number, as 4:2:0 video requires."""
    return max(2, side + side % 2)


def _fitted(image: U8, width: int, height: int) -> U8:
    """Return an image of exactly this size: edges are repeated for a missing line; else scaled with black bars."""
    have_height, have_width = image.shape[:2]
    if (have_width, have_height) == (width, height):
        return image
    if (even(have_width), even(have_height)) == (width, height):
        padded = cv2.copyMakeBorder(image, 0, height - have_height, 0, width - have_width, cv2.BORDER_REPLICATE)
        return np.asarray(padded, np.uint8)
    scale = min(width / have_width, height / have_height)
    size = max(1, min(width, round(have_width * scale))), max(1, min(height, round(have_height * scale)))
    left, top = (width - size[0]) // 2, (height - size[1]) // 2
    fitted = np.zeros((height, width, 3), np.uint8)
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    fitted[top : top + size[1], left : left + size[0]] = cv2.resize(image, size, interpolation=how)
    return fitted


def _yuv(image: U8) -> U8:
    """Return uint8 (3 H / 2, W), planar YUV 4:2:0, BT.601 in limited range. Takes a third of the time of swscale."""
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2YUV_I420), np.uint8)
