"""Video files, decoded with FFmpeg through PyAV.

What can hang: reading a local file always ends, at the latest at the end of the file; damaged data costs decoding time,
but does not block. Reading from a network share or a failing disk blocks inside the operating system, where FFmpeg
cannot be interrupted; the pipeline then abandons the reading thread.
"""

from __future__ import annotations

import logging
import math
import stat
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av.error

from slowfast_live.errors import SourceError
from slowfast_live.messages import Message, system_reason
from slowfast_live.sources.base import Picture
from slowfast_live.sources.containers import is_damage, stamp
from slowfast_live.sources.media import (
    JUMPING,
    UNINDEXED,
    Media,
    duration_s,
    frame_rate,
    open_media,
    packets_of,
    stated_end_s,
)
from slowfast_live.sources.picture_files import unread_pictures
from slowfast_live.sources.pictures import PictureMaker
from slowfast_live.sources.timeline import FrameTimes
from slowfast_live.types import SourceInfo

if TYPE_CHECKING:
    from av.packet import Packet
    from av.video.frame import VideoFrame

log = logging.getLogger(__name__)

_MAX_DAMAGED = 10_000
_GIVE_UP_AFTER = 64
"""Number of consecutive damaged reads that ends the file."""

_GAP_S = 10.0
_SCAN_BYTES = 512 * 1024 * 1024

_SAME_S = 1e-6
"""Times that are closer than this are equal: tolerance for rounding in the caller's arithmetic."""

_LATEST_STAMP = 2**62
"""FFmpeg uses 64-bit timestamps, and seeking needs some margin."""

_DECODE_AHEAD_S = 1.0
"""Targets this close ahead are decoded up to, which is faster than seeking to the last key frame."""


class FileSource:
    """Reads a video file as fast as possible; the caller does the pacing. Single-threaded.

    Times are exact: the file's own presentation times on the player's clock, which is 0 at the start of sound or video,
    whichever is first. Variable frame rates are preserved; missing or decreasing timestamps are replaced, using the
    frame rate.

    Args:
        path: The file.
    """

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)
        self._media: Media | None = None
        self._fps: float | None = None
        self._maker = PictureMaker()
        self._timeline = FrameTimes(1.0)
        self._frames: Iterator[tuple[VideoFrame, float | None]] = iter(())
        self._waiting: deque[tuple[VideoFrame, float]] = deque()
        self._shown: tuple[VideoFrame, float] | None = None
        self._zero_s = 0.0
        self._stated_end_s: float | None = None
        self._damaged: set[int] = set()
        self._counting = True
        self._need_key = False
        self._decoded_from_s: float | None = None
        self._cut_off_at_s: float | None = None
        self._clock_jumps: bool | None = None
        self._notes: list[str] = []

    @property
    def zero_s(self) -> float:
        """The file's own timestamp of `Picture.t_s` 0, in seconds."""
        return self._zero_s

    @property
    def warning(self) -> str:
        """Problems of the file found so far, although it plays; "" if there are none."""
        name = self._path.name
        parts = list(self._notes)
        if self._damaged:
            parts.append(
                Message("{name}: {count} damaged part(s) could not be decoded.", name=name, count=len(self._damaged))
            )
        if self._cut_off_at_s is not None:
            parts.append(
                Message(
                    "{name} ends at {cut_off_at_s:.1f} s although it states {stated_end_s:.1f} s: it seems to be "
                    "cut off.",
                    name=name,
                    cut_off_at_s=self._cut_off_at_s,
                    stated_end_s=self._stated_end_s,
                )
            )
        return " ".join(parts)

    def open(self) -> SourceInfo:
        """Open the file and decode its first frame, so that files that cannot be decoded fail here."""
        self.close()
        self._damaged.clear()
        self._timeline.repaired = False
        self._cut_off_at_s = self._clock_jumps = None
        self._check()
        try:
            media = open_media(self._path)
            self._fps = frame_rate(media)
            self._start(media)
            first = next(self._frames, None)
            if first is None:
                raise SourceError(
                    Message(
                        "{name} contains no picture that can be decoded. Is the file damaged?", name=self._path.name
                    ),
                    details=f"{self._path}: {len(self._damaged)} damaged packets",
                )
            frame, stamp_s = first
            self._waiting.append((frame, self._timeline.place(stamp_s)))
            self._zero_s = self._timeline.zero_s or 0.0
            self._stated_end_s = stated_end_s(media, self._zero_s)
            ends_s = duration_s(media, self._zero_s)
            picture = self._maker.make(frame, media.pixel_aspect)
        except SourceError:
            self.close()
            raise
        except (av.error.FFmpegError, OSError, ValueError, MemoryError) as error:
            self.close()
            raise self._failure(error) from error
        height, width = picture.shape[:2]
        return SourceInfo(
            width=width,
            height=height,
            fps=self._fps,
            duration_s=ends_s,
            seekable=True,
            codec=media.stream.codec_context.name,
        )

    def read(self) -> Picture | None:
        """Return the next frame; None at the end, or if nothing more can be decoded."""
        media = self._opened()
        try:
            following = self._next()
            if following is None:
                return None
            self._shown = following
            frame, t_s = following
            return Picture(self._maker.make(frame, media.pixel_aspect), t_s)
        except (av.error.FFmpegError, OSError, ValueError, MemoryError) as error:
            raise self._failure(error) from error

    def seek(self, t_s: float) -> None:
        """Seek to the last frame at or before `t_s`; before the first frame, to the first.

        Seeks to the preceding key frame and decodes from there. Files without an index, animated pictures and files
        with broken timestamps are decoded from the start, which is exact but slow for long files.
        """
        self._opened()
        target = t_s if math.isfinite(t_s) and t_s > 0 else 0.0
        try:
            if not self._decode_ahead(target):
                self._search(target)
        except (av.error.FFmpegError, OSError, ValueError, MemoryError) as error:
            raise self._failure(error) from error

    def close(self) -> None:
        """Release the file."""
        self._frames = iter(())
        self._waiting.clear()
        self._shown = None
        media, self._media = self._media, None
        if media is not None:
            media.container.close()
            if self._damaged:
                log.warning("%s: %d damaged packets skipped", self._path, len(self._damaged))

    def _check(self) -> None:
        """Check for problems that FFmpeg reports only vaguely.

        Raises:
            SourceError: The file cannot be opened.
        """
        name = self._path.name or str(self._path)
        try:
            status = self._path.stat()
            if stat.S_ISDIR(status.st_mode):
                raise SourceError(_why_no_video(self._path), details=str(self._path))
            if not stat.S_ISREG(status.st_mode):
                raise SourceError(
                    Message("{name} is a device or pipe, not a video file.", name=name), details=str(self._path)
                )
            if status.st_size == 0:
                raise SourceError(
                    Message("{name} is empty (0 bytes). Was it copied completely?", name=name), details=str(self._path)
                )
            with self._path.open("rb") as file:
                file.read(1)
        except FileNotFoundError as error:
            raise SourceError(
                Message("{name} does not exist. Was it moved or renamed?", name=name), details=str(self._path)
            ) from error
        except PermissionError as error:
            raise SourceError(
                Message("{name} may not be read by you; check its permissions.", name=name), details=str(self._path)
            ) from error
        except (OSError, ValueError) as error:
            raise SourceError(
                Message("{name} cannot be read: {reason}.", name=name, reason=system_reason(error)),
                details=str(self._path),
            ) from error

    def _start(self, media: Media) -> None:
        """Read from the start of a newly opened file."""
        if self._media is not None:
            self._media.container.close()
        self._media = media
        self._notes = list(media.notes)
        repaired = self._timeline.repaired
        self._timeline = media.timeline(self._fps)
        self._timeline.repaired = repaired
        self._need_key = False
        self._decoded_from_s = None
        self._waiting.clear()
        self._shown = None
        self._frames = self._decode(media)

    def _decode(self, media: Media) -> Iterator[tuple[VideoFrame, float | None]]:
        """Yield frames with their timestamps in seconds up to the end of the file, skipping damaged data."""
        for packet in self._packets(media):
            if self._decoded_from_s is None and packet.size and packet.is_keyframe and packet.dts is not None:
                self._decoded_from_s = packet.dts * media.time_base
            if self._need_key and packet.size:
                if not packet.is_keyframe:
                    continue
                self._need_key = False
            try:
                frames = media.decoder.decode(packet)
            except EOFError:
                return
            except av.error.MemoryError:
                raise
            except av.error.FFmpegError as error:
                self._note_damage(packet.pos, error)
                continue
            yield from self._stamped(frames, media)
        yield from self._stamped(media.decoder.finish(), media)

    def _stamped(self, frames: list[VideoFrame], media: Media) -> Iterator[tuple[VideoFrame, float | None]]:
        for frame in frames:
            stamp_s, own = stamp(frame, media.time_base)
            if not own:
                self._timeline.distrust(self._decoded_from_s)
            yield frame, None if media.is_raw else stamp_s

    def _packets(self, media: Media) -> Iterator[Packet[Any]]:
        """Yield the video's packets up to the end, skipping damaged data, as long as the next one is found in time."""
        bad_in_a_row = 0
        packets = media.container.demux(media.stream)
        while bad_in_a_row < _GIVE_UP_AFTER:
            try:
                packet = next(packets, None)
            except av.error.ExitError as error:  # the time limit of `open_container`
                self._note_damage(None, error)
                return
            except av.error.FFmpegError as error:
                if not is_damage(error):
                    raise
                self._note_damage(None, error)
            except IndexError:  # a packet of a stream that starts later, which PyAV does not know
                pass
            else:
                if packet is None:
                    return
                bad_in_a_row = 0
                yield packet
                continue
            bad_in_a_row += 1
            packets = media.container.demux(media.stream)  # the iterator ended with the error, the file may go on

    def _note_damage(self, position: int | None, error: av.error.FFmpegError) -> None:
        """Count a damaged position once, however often it is read."""
        if self._counting and len(self._damaged) < _MAX_DAMAGED:
            self._damaged.add(-1 if position is None else position)
        log.debug("%s: damaged data: %s", self._path, error)

    def _next(self) -> tuple[VideoFrame, float] | None:
        """Return the next frame and its time, in order of presentation."""
        if self._waiting:
            return self._waiting.popleft()
        following = next(self._frames, None)
        if following is None:
            self._note_end()
            return None
        frame, stamp_s = following
        return frame, self._timeline.place(stamp_s)

    def _decode_ahead(self, target: float) -> bool:
        """Reach `target` by decoding from here, if it is close; otherwise return False."""
        known = [*((self._shown,) if self._shown else ()), *self._waiting]
        if not known or known[0][1] > target + _SAME_S or target - known[-1][1] > _DECODE_AHEAD_S:
            return False
        return self._advance(target, known)

    def _search(self, target: float) -> None:
        """Reach `target` from the preceding key frame, or from the start if that fails."""
        media = self._opened()
        if media.formats & JUMPING and self._clock_jumps is None:
            self._clock_jumps = self._has_clock_jumps()
        by_time = not media.formats & UNINDEXED and not self._clock_jumps
        # A deinterlaced frame depends on the previous one, which may lie before the key frame.
        back_s = 2 * self._timeline.step_s if media.decoder.deinterlacing else 0.0
        while by_time and not self._timeline.repaired and target - back_s > 0:
            if self._land(media, target - back_s) and self._advance(target, []):
                return
            # An index may point behind the target, and frames that depend on the previous group are lost.
            back_s = 3 * back_s + 1
        self._start(open_media(self._path))
        if not self._advance(target, []):
            raise SourceError(Message("{name} can no longer be read. Is the drive still there?", name=self._path.name))

    def _has_clock_jumps(self) -> bool:
        """Whether the file's clock restarts somewhere, so that a time does not identify a position in the file.

        Reads the packets once without decoding; of a large file, only the beginning.
        """
        last: int | None = None
        for packet, time_base in packets_of(self._path):
            if packet.dts is not None:
                if last is not None and not 0 <= (packet.dts - last) * time_base <= _GAP_S:
                    return True
                last = packet.dts
            if (packet.pos or 0) > _SCAN_BYTES:
                break
        return False

    def _land(self, media: Media, t_s: float) -> bool:
        """Seek to a key frame at or before `t_s`; return False if the file is not seekable."""
        stamp = math.floor((t_s + self._zero_s + _SAME_S) / media.time_base)
        try:
            media.container.seek(min(stamp, _LATEST_STAMP), stream=media.stream)
        except av.error.FFmpegError as error:
            log.debug("%s: no search by time: %s", self._path, error)
            return False
        self._timeline.land()
        self._need_key = True
        media.decoder.flush_buffers()
        self._frames = self._decode(media)
        return True

    def _advance(self, target: float, known: list[tuple[VideoFrame, float]]) -> bool:
        """Decode until the frame at or before `target` is next to be read; return False if it was missed.

        Args:
            target: Time in seconds.
            known: Frames already decoded, in order; empty after a seek.
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
        media, stated_s = self._opened(), self._stated_end_s
        own_duration = media.stream.duration is not None or len(media.container.streams) == 1
        if self._shown is None or stated_s is None or not own_duration or self._timeline.jumped:
            return
        end_s = self._shown[1] + self._timeline.step_s
        if stated_s - end_s > max(1.0, 0.05 * stated_s):
            self._cut_off_at_s = end_s

    def _opened(self) -> Media:
        if self._media is None:
            raise SourceError(Message("{name} is not open.", name=self._path.name))
        return self._media

    def _failure(self, error: BaseException) -> SourceError:
        name = self._path.name
        if isinstance(error, av.error.ExitError) or (isinstance(error, av.error.FFmpegError) and is_damage(error)):
            message = Message(
                "{name} is not a video that can be read, or it is damaged (a recording that was interrupted has no "
                "index).",
                name=name,
            )
        elif isinstance(error, MemoryError):
            message = Message(
                "{name} needs more memory than is available; choose a file with smaller pictures.", name=name
            )
        else:
            message = Message("{name} cannot be read: {reason}.", name=name, reason=system_reason(error))
        return SourceError(message, details=f"{self._path}: {type(error).__name__}: {error}")


def _why_no_video(folder: Path) -> str:
    """Return why a folder cannot be played."""
    unread = unread_pictures(folder)
    if unread:
        return Message(
            "{name} holds pictures that this app does not read ({unread}). Convert them to JPEG or PNG, or choose "
            "a video.",
            name=folder.name,
            unread=unread,
        )
    return Message(
        "{name} is a folder without pictures that make a video; choose a video file in it.", name=folder.name
    )
