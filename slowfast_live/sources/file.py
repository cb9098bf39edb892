"""Video files, decoded by FFmpeg through PyAV.

What can and what cannot hang: every read of a local file ends, at the latest with the file; damaged data
costs decoding time but no waiting. A read from a network share or a failing disk blocks inside the operating
system, where FFmpeg cannot be interrupted; the pipeline then leaves the reading thread behind.
"""

from __future__ import annotations

import logging
import math
import stat
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import av
import av.error

from slowfast_live.errors import SourceError
from slowfast_live.sources.base import Picture
from slowfast_live.sources.containers import decoder, stamp, trust_timestamps, video_stream
from slowfast_live.sources.pictures import PictureMaker
from slowfast_live.sources.timeline import Timeline
from slowfast_live.types import SourceInfo

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.codeccontext import VideoCodecContext
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

log = logging.getLogger(__name__)

_MOST_DAMAGED = 10_000
_GIVE_UP_AFTER = 64
"""So many damaged reads in a row end the file."""

UNINDEXED = frozenset({"gif", "apng", "h264", "hevc", "m4v", "mpegvideo", "mjpeg", "obu"})
"""Formats in which a position cannot be searched by time, or not decoded from there: read from the start."""

_JUMPING = frozenset({"mpegts", "mpeg", "flv", "live_flv"})
_GAP_S = 10.0
_LOOK_BYTES = 512 * 1024 * 1024

_SAME_S = 1e-6
"""Two times closer than this are the same: room for the rounding of a caller's arithmetic."""

_LATEST_STAMP = 2**62
"""FFmpeg counts in 64 bits, of which a search needs some room."""

_DECODE_AHEAD_S = 1.0
"""A target this little ahead is decoded up to, which is quicker than a search from the last key frame."""

_DEFAULT_FPS = 25.0


class FileSource:
    """Plays a video file as fast as it is read; whoever reads paces it. One thread only.

    Times are exact: the file's own presentation times, less that of its first frame. Variable frame rates are
    kept; timestamps that are missing or run backwards are replaced from the frame rate.

    Args:
        path: The file.
    """

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)
        self._container: InputContainer | None = None
        self._stream: VideoStream | None = None
        self._decoder: VideoCodecContext | None = None
        self._maker = PictureMaker()
        self._timeline = Timeline(1 / _DEFAULT_FPS)
        self._frames: Iterator[tuple[VideoFrame, float | None]] = iter(())
        self._waiting: deque[tuple[VideoFrame, float]] = deque()
        self._shown: tuple[VideoFrame, float] | None = None
        self._start_s = 0.0
        self._pixel_aspect = 1.0
        self._duration_s: float | None = None
        self._damaged: set[int] = set()
        self._counting = True
        self._need_key = False
        self._cut_off_at_s: float | None = None
        self._clock_jumps: bool | None = None

    @property
    def begin_s(self) -> float:
        """The file's own time of its first picture, in seconds: `Picture.t_s` counts from there."""
        return self._start_s

    @property
    def warning(self) -> str:
        """What is wrong with the file although it plays, as far as it was read; "" where nothing is."""
        name = self._path.name
        parts = []
        if self._damaged:
            parts.append(f"{name}: {len(self._damaged)} damaged part(s) could not be decoded.")
        if self._cut_off_at_s is not None:
            parts.append(
                f"{name} ends at {self._cut_off_at_s:.1f} s although it states {self._duration_s:.1f} s: "
                "it seems to be cut off."
            )
        return " ".join(parts)

    def open(self) -> SourceInfo:
        """See `FrameSource.open`. Reads the first picture: what cannot be decoded fails here."""
        self.close()
        self._damaged.clear()
        self._timeline.repaired = False
        self._cut_off_at_s = self._clock_jumps = None
        self._check()
        try:
            self._start()
            first = next(self._frames, None)
            if first is None:
                raise SourceError(
                    f"{self._path.name} holds no picture that can be decoded. Is the file damaged?",
                    details=f"{self._path}: {len(self._damaged)} damaged packets",
                )
            frame, stamp_s = first
            _container, stream = self._opened()
            self._start_s = stamp_s or 0.0
            self._waiting.append((frame, self._timeline.place(stamp_s)))
            self._duration_s = self._stated_duration()
            picture = self._maker.make(frame, self._pixel_aspect)
        except SourceError:
            self.close()
            raise
        except (av.error.FFmpegError, OSError, ValueError, MemoryError) as error:
            self.close()
            raise self._failure(error) from error
        height, width = picture.shape[:2]
        rate = stream.average_rate or stream.guessed_rate
        return SourceInfo(
            width=width,
            height=height,
            fps=float(rate) if rate else None,
            duration_s=self._duration_s,
            seekable=True,
            codec=stream.codec_context.name,
        )

    def read(self) -> Picture | None:
        """See `FrameSource.read`. None at the end, or where no more can be decoded."""
        self._opened()
        try:
            following = self._next()
            if following is None:
                return None
            self._shown = following
            frame, t_s = following
            return Picture(self._maker.make(frame, self._pixel_aspect), t_s)
        except (av.error.FFmpegError, OSError, ValueError, MemoryError) as error:
            raise self._failure(error) from error

    def seek(self, t_s: float) -> None:
        """See `FrameSource.seek`. Before the first frame: the first; after the last: the last.

        Goes to the key frame before `t_s` and decodes up to it. Files without an index, animated pictures and
        files with broken timestamps are decoded from their start: exact, but slow in a long file.
        """
        self._opened()
        target = t_s if math.isfinite(t_s) and t_s > 0 else 0.0
        try:
            if not self._decode_ahead(target):
                self._search(target)
        except (av.error.FFmpegError, OSError, ValueError, MemoryError) as error:
            raise self._failure(error) from error

    def close(self) -> None:
        """See `FrameSource.close`."""
        self._frames = iter(())
        self._waiting.clear()
        self._shown = None
        container, self._container, self._stream, self._decoder = self._container, None, None, None
        if container is not None:
            container.close()
            if self._damaged:
                log.warning("%s: %d damaged packets skipped", self._path, len(self._damaged))

    def _check(self) -> None:
        """Tell what no decoder could tell: FFmpeg says little of why a file does not open."""
        name = self._path.name or str(self._path)
        try:
            status = self._path.stat()
            if stat.S_ISDIR(status.st_mode):
                raise SourceError(f"{name} is a folder; choose a video file in it.", details=str(self._path))
            if not stat.S_ISREG(status.st_mode):
                raise SourceError(f"{name} is a device or pipe, not a video file.", details=str(self._path))
            if status.st_size == 0:
                raise SourceError(f"{name} is empty (0 bytes). Was it copied completely?", details=str(self._path))
            with self._path.open("rb") as file:
                file.read(1)
        except FileNotFoundError as error:
            raise SourceError(f"{name} does not exist. Was it moved or renamed?", details=str(self._path)) from error
        except PermissionError as error:
            raise SourceError(
                f"{name} may not be read by you; check its permissions.", details=str(self._path)
            ) from error
        except (OSError, ValueError) as error:
            raise SourceError(f"{name} cannot be read: {error}.", details=str(self._path)) from error

    def _start(self) -> None:
        """Open the container at its start."""
        if self._container is not None:
            self._container.close()
        self._container = container = open_container(self._path)
        self._stream = stream = video_stream(container, self._path.name)
        trust_timestamps(container)
        self._decoder = decoder(stream, "AUTO")
        rate = stream.average_rate or stream.guessed_rate
        jumping = bool(_JUMPING & set(container.format.name.split(",")))
        repaired = self._timeline.repaired
        self._timeline = Timeline(1 / float(rate) if rate else 1 / _DEFAULT_FPS, may_jump=jumping)
        self._timeline.repaired = repaired
        self._pixel_aspect = float(stream.sample_aspect_ratio or 1)
        self._need_key = False
        self._waiting.clear()
        self._shown = None
        self._frames = self._decode(container, stream, self._decoder)

    def _decode(
        self, container: InputContainer, stream: VideoStream, decoder: VideoCodecContext
    ) -> Iterator[tuple[VideoFrame, float | None]]:
        """Yield frames with their timestamps in seconds, past damaged data, to the end of the file."""
        time_base = float(stream.time_base or 0) or 1.0
        bad_in_a_row = 0
        packets = container.demux(stream)
        while True:
            try:
                packet = next(packets, None)
            except av.error.InvalidDataError as error:
                self._note_damage(None, error)
                bad_in_a_row += 1
                if bad_in_a_row < _GIVE_UP_AFTER:
                    packets = container.demux(stream)  # the iterator ended with the error; the file may go on
                continue
            except IndexError:  # a packet of a stream that begins in the middle, which PyAV does not know
                bad_in_a_row += 1
                if bad_in_a_row < _GIVE_UP_AFTER:
                    packets = container.demux(stream)
                continue
            if packet is None:
                return
            bad_in_a_row = 0
            if self._need_key and packet.size:
                if not packet.is_keyframe:
                    continue
                self._need_key = False
            try:
                frames = decoder.decode(packet)
            except EOFError:
                return
            except av.error.MemoryError:
                raise
            except av.error.FFmpegError as error:
                self._note_damage(packet.pos, error)
                continue
            for frame in frames:
                stamp_s, own = stamp(frame, time_base)
                if not own:
                    self._timeline.repaired = True
                yield frame, stamp_s

    def _note_damage(self, position: int | None, error: av.error.FFmpegError) -> None:
        """Count a damaged place, once however often it is read."""
        if self._counting and len(self._damaged) < _MOST_DAMAGED:
            self._damaged.add(-1 if position is None else position)
        log.debug("%s: damaged data: %s", self._path, error)

    def _next(self) -> tuple[VideoFrame, float] | None:
        """Return the next frame and its time, in the order of presentation."""
        if self._waiting:
            return self._waiting.popleft()
        following = next(self._frames, None)
        if following is None:
            self._note_end()
            return None
        frame, stamp_s = following
        return frame, self._timeline.place(stamp_s)

    def _decode_ahead(self, target: float) -> bool:
        """Reach `target` from here, where it is near; False where it is not."""
        known = [*((self._shown,) if self._shown else ()), *self._waiting]
        if not known or known[0][1] > target + _SAME_S or target - known[-1][1] > _DECODE_AHEAD_S:
            return False
        return self._advance(target, known)

    def _search(self, target: float) -> None:
        """Reach `target` from the last key frame before it, or from the start where that fails."""
        container, stream = self._opened()
        forms = set(container.format.name.split(","))
        if forms & _JUMPING and self._clock_jumps is None:
            self._clock_jumps = self._look_for_jumps()
        by_time = not forms & UNINDEXED and not self._clock_jumps
        back_s = 0.0
        while by_time and not self._timeline.repaired and target - back_s > 0:
            if self._land(container, stream, target - back_s) and self._advance(target, []):
                return
            # An index may point behind the frame wanted, and pictures that lean on the group before are lost.
            back_s = 3 * back_s + 1
        self._start()
        if not self._advance(target, []):
            raise SourceError(f"{self._path.name} can no longer be read. Is the drive still there?")

    def _look_for_jumps(self) -> bool:
        """Whether the file's clock starts again somewhere: then a time does not tell a place in the file.

        Reads the packets once, without decoding; of a large file the beginning.
        """
        try:
            with open_container(self._path) as container:
                stream = video_stream(container, self._path.name)
                time_base = float(stream.time_base or 0) or 1.0
                last: int | None = None
                for packet in container.demux(stream):
                    if packet.dts is not None:
                        if last is not None and not 0 <= (packet.dts - last) * time_base <= _GAP_S:
                            return True
                        last = packet.dts
                    if (packet.pos or 0) > _LOOK_BYTES:
                        break
        except (av.error.FFmpegError, SourceError) as error:
            log.debug("%s: while looking for jumps: %s", self._path, error)
            return True
        return False

    def _land(self, container: InputContainer, stream: VideoStream, t_s: float) -> bool:
        """Go to a key frame at or before `t_s`; False where the file cannot be searched."""
        time_base = float(stream.time_base or 0) or 1.0
        stamp = math.floor((t_s + self._start_s + _SAME_S) / time_base)
        try:
            container.seek(min(stamp, _LATEST_STAMP), stream=stream)
        except av.error.FFmpegError as error:
            log.debug("%s: no search by time: %s", self._path, error)
            return False
        self._timeline.land()
        self._need_key = True
        decoder = self._decoder
        assert decoder is not None  # made with the container
        decoder.flush_buffers()
        self._frames = self._decode(container, stream, decoder)
        return True

    def _advance(self, target: float, known: list[tuple[VideoFrame, float]]) -> bool:
        """Decode until the frame at or before `target` waits to be read; False where it was missed.

        Args:
            target: Seconds.
            known: Frames that are decoded already, in order; empty after a search.
        """
        self._waiting.clear()
        self._shown = None
        self._counting = bool(known) or not self._need_key
        best: tuple[VideoFrame, float] | None = None
        landed = self._need_key
        queue = deque(known)
        try:
            while True:
                if queue:
                    frame, t_s = queue.popleft()
                else:
                    following = next(self._frames, None)
                    if following is None:
                        break
                    frame, t_s = following[0], self._timeline.place(following[1])
                    if landed and self._timeline.repaired:
                        return False
                if t_s > target + _SAME_S:
                    if best is not None:
                        self._waiting.extend((best, (frame, t_s), *queue))
                    return best is not None
                best = (frame, t_s)
        finally:
            self._counting = True
        if best is not None:
            self._waiting.append(best)
        return best is not None

    def _note_end(self) -> None:
        container, stream = self._opened()
        own_duration = stream.duration is not None or len(container.streams) == 1
        if self._shown is None or self._duration_s is None or not own_duration:
            return
        end_s = self._shown[1] + self._timeline.step_s
        if self._duration_s - end_s > max(1.0, 0.05 * self._duration_s):
            self._cut_off_at_s = end_s

    def _stated_duration(self) -> float | None:
        container, stream = self._opened()
        if stream.duration is not None and stream.time_base is not None:
            duration_s = float(stream.duration * stream.time_base)
        elif container.duration is not None:
            duration_s = container.duration / av.time_base
        else:
            return None
        return duration_s if duration_s > 0 else None

    def _opened(self) -> tuple[InputContainer, VideoStream]:
        if self._container is None or self._stream is None:
            raise SourceError(f"{self._path.name} is not open.")
        return self._container, self._stream

    def _failure(self, error: BaseException) -> SourceError:
        name = self._path.name
        if isinstance(error, av.error.InvalidDataError | EOFError):
            message = (
                f"{name} is not a video that can be read, or it is damaged "
                "(a recording that was interrupted has no index)."
            )
        elif isinstance(error, MemoryError):
            message = f"{name} needs more memory than there is; choose a file with smaller pictures."
        else:
            message = f"{name} cannot be read: {getattr(error, 'strerror', None) or error}."
        return SourceError(message, details=f"{self._path}: {type(error).__name__}: {error}")


def open_container(path: Path) -> InputContainer:
    """Open a local file as a container, and nothing that it refers to."""
    # The prefix keeps a name such as "a:b.mp4" from being taken for a URL, the list keeps a playlist or
    # session description from reaching for the network.
    return av.open(
        f"file:{path}",
        mode="r",
        container_options={"protocol_whitelist": "file,crypto,data"},
        metadata_errors="replace",  # a title in another alphabet is no reason not to play
    )
