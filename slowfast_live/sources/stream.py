"""Network streams, decoded by FFmpeg through PyAV.

What can and what cannot hang: connecting, probing and each wait for data end after a few seconds, also where
a server accepts and never answers. Looking up a host name is the operating system's, cannot be interrupted,
and ends with the resolver's own time limit.

A finished file on a web server (`http://host/clip.mp4`) plays as a stream: in real time, paced inside `read`,
without search; it ends like a file.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import av
import av.error

from slowfast_live.errors import SourceError
from slowfast_live.sources.address import display_url
from slowfast_live.sources.base import Picture, later
from slowfast_live.sources.containers import decoder, stamp, trust_timestamps, video_stream
from slowfast_live.sources.pictures import PictureMaker
from slowfast_live.types import SourceInfo

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

log = logging.getLogger(__name__)

_OPEN_S = 5.0
_SILENCE_S = 5.0
_REANCHOR_S = 0.5
_GAP_S = 10.0
_DRIFT_GAIN = 0.02
"""How much of the difference between the sender's clock and ours is taken over with each frame."""

_NO_CLOCK = frozenset({"mpjpeg", "mjpeg", "h264", "hevc", "m4v", "mpegvideo"})
"""Formats that carry no times; FFmpeg makes them up from an assumed frame rate."""

_SEGMENTED = frozenset({"hls", "dash"})
"""Formats that arrive in pieces of several seconds."""

_WEB = frozenset({"http", "https"})
_GIVE_UP_AFTER = 256
_HTTP = (av.error.HTTPError, av.error.HTTPClientError, av.error.HTTPServerError)
_DENIED = (av.error.HTTPUnauthorizedError, av.error.HTTPForbiddenError, PermissionError)


class ArrivalClock:
    """Turns a sender's timestamps into times on our monotonic clock, free of the network's jitter.

    A frame's time is its timestamp plus an offset that follows the arrivals slowly. Where that is more than
    half a second off (the sender started anew, or the network stood still) the offset is taken anew.

    Args:
        paced: Frames lie ready before they are due, and their times say when to show them: the offset stays,
            unless we fall behind or the timestamps jump.
    """

    def __init__(self, paced: bool = False) -> None:
        self._early_s = _GAP_S if paced else _REANCHOR_S
        self._gain = 0.0 if paced else _DRIFT_GAIN
        self._offset_s: float | None = None
        self._last_s = float("-inf")

    def place(self, stamp_s: float | None, now_s: float) -> float:
        """Return the time of a frame; later than that of the frame before.

        Args:
            stamp_s: The sender's timestamp in seconds; None where there is none.
            now_s: Monotonic seconds of its arrival.
        """
        if stamp_s is None:
            t_s = now_s
        else:
            if self._offset_s is None:
                self._offset_s = now_s - stamp_s
            drift_s = now_s - (stamp_s + self._offset_s)
            sound = -self._early_s <= drift_s <= _REANCHOR_S
            self._offset_s += self._gain * drift_s if sound else drift_s
            t_s = stamp_s + self._offset_s
        self._last_s = later(t_s, self._last_s)
        return self._last_s


class StreamSource:
    """A stream from the network: RTSP, RTMP, MPEG-TS over TCP or UDP, MJPEG, HLS or a file over HTTP.

    Args:
        url: The address.
        open_s: Seconds after which connecting is given up; the same again for recognising the stream.
        silence_s: Seconds without a picture after which the stream counts as broken.
        clock: Monotonic seconds.
        wait: Waits so many seconds (only for streams that have to be paced).
    """

    def __init__(
        self,
        url: str,
        open_s: float = _OPEN_S,
        silence_s: float = _SILENCE_S,
        *,
        clock: Callable[[], float] = time.monotonic,
        wait: Callable[[float], object] | None = None,
    ) -> None:
        self._url = url
        self._name = display_url(url)
        self._scheme = url.partition(":")[0].lower()
        self._open_s = open_s
        self._silence_s = silence_s
        self._now = clock
        self._wait = wait or threading.Event().wait
        self._container: InputContainer | None = None
        self._maker = PictureMaker()
        self._arrivals = ArrivalClock()
        self._frames: Iterator[tuple[VideoFrame, float | None]] = iter(())
        self._first: tuple[VideoFrame, float | None] | None = None
        self._pixel_aspect = 1.0
        self._finite = False
        self._paced = False
        self._opening_s = 0.0

    @property
    def warning(self) -> str:
        """See `FrameSource.warning`."""
        return ""

    def open(self) -> SourceInfo:
        """See `FrameSource.open`. Reads the first picture."""
        self.close()
        self._opening_s = self._now()
        try:
            self._container = container = av.open(
                self._url,
                mode="r",
                container_options=self._options(),
                timeout=(self._open_s, self._silence_s),
                metadata_errors="replace",  # a title in another alphabet is no reason not to play
            )
            stream = video_stream(container, self._name)
            trust_timestamps(container)
            forms = set(container.format.name.split(","))
            self._finite = self._scheme in _WEB and bool(container.duration and container.duration > 0)
            self._paced = self._finite or bool(forms & _SEGMENTED)
            self._pixel_aspect = float(stream.sample_aspect_ratio or 1)
            self._arrivals = ArrivalClock(self._paced)
            self._frames = self._decode(container, stream, has_clock=not forms & _NO_CLOCK)
            self._first = next(self._frames, None)
            if self._first is None:
                raise SourceError(f"{self._name} ended before its first picture.")
            picture = self._maker.make(self._first[0], self._pixel_aspect)
        except SourceError:
            self.close()
            raise
        except (av.error.FFmpegError, OSError, ValueError, MemoryError) as error:
            self.close()
            raise self._failure(error, opening=True) from error
        height, width = picture.shape[:2]
        rate = stream.average_rate or stream.guessed_rate
        return SourceInfo(
            width=width,
            height=height,
            fps=float(rate) if rate and rate <= 1000 else None,
            codec=stream.codec_context.name,
        )

    def read(self) -> Picture | None:
        """See `FrameSource.read`. None at the end of a finished file; a live stream only breaks."""
        if self._container is None:
            raise SourceError(f"{self._name} is not open.")
        try:
            following = self._first or next(self._frames, None)
            self._first = None
            if following is None:
                if self._finite:
                    return None
                raise SourceError(f"{self._name} has ended: the sender closed the connection.")
            frame, stamp_s = following
            t_s = self._arrivals.place(stamp_s, self._now())
            if self._paced and (ahead_s := t_s - self._now()) > 0:
                self._wait(ahead_s)
            return Picture(self._maker.make(frame, self._pixel_aspect), t_s)
        except (av.error.FFmpegError, OSError, ValueError, MemoryError) as error:
            raise self._failure(error, opening=False) from error

    def seek(self, t_s: float) -> None:
        """Refuse: a stream cannot be searched."""
        raise SourceError(f"{self._name} is a stream: there is no other moment to go to.")

    def close(self) -> None:
        """See `FrameSource.close`."""
        self._frames, self._first = iter(()), None
        container, self._container = self._container, None
        if container is not None:
            container.close()

    def _options(self) -> dict[str, str]:
        """Return FFmpeg's options: little buffering and probing; RTSP through TCP."""
        # Not "nobuffer": it throws away what was read to recognise the stream, often with the only key frame
        # for seconds. Nothing is gained by it where frames are taken as fast as they come.
        options = {"analyzeduration": "1000000", "probesize": "1000000"}
        if self._scheme in ("rtsp", "rtsps"):
            options["rtsp_transport"] = "tcp"
        return options

    def _decode(
        self, container: InputContainer, stream: VideoStream, has_clock: bool
    ) -> Iterator[tuple[VideoFrame, float | None]]:
        """Yield frames with the sender's timestamps in seconds, past damaged data.

        Raises:
            SourceError: Nothing that can be shown came for `silence_s`.
        """
        time_base = float(stream.time_base or 0) or 1.0
        context = decoder(stream, "SLICE")
        heard_s = self._now()
        bad_in_a_row = 0
        # All packets are looked at, so that a stream of sound alone does not keep the wait alive.
        packets = container.demux()
        while True:
            packet = None
            frames: list[VideoFrame] = []
            try:
                packet = next(packets, None)
                if packet is None:
                    return
                if packet.stream_index == stream.index:
                    frames = context.decode(packet)
            except EOFError:
                return
            except av.error.InvalidDataError as error:
                log.debug("%s: damaged data: %s", self._name, error)
                bad_in_a_row += 1
                if packet is None:
                    packets = container.demux()
            except IndexError:  # a packet of a stream that begins in the middle, which PyAV does not know
                packets = container.demux()
            for frame in frames:
                bad_in_a_row = 0
                yield frame, stamp(frame, time_base)[0] if has_clock else None
                heard_s = self._now()
            if self._now() - heard_s > self._silence_s or bad_in_a_row > _GIVE_UP_AFTER:
                raise SourceError(
                    f"{self._name} sends no picture that can be decoded since {self._silence_s:g} s.",
                    details=f"{bad_in_a_row} damaged packets in a row",
                )

    def _failure(self, error: BaseException, opening: bool) -> SourceError:
        name = self._name
        details = f"{name}: {type(error).__name__}: {error}".replace(self._url, name)
        # RTSP reports a wait that was cut short as bad data.
        waited = opening and self._now() - self._opening_s >= self._open_s
        if waited or isinstance(error, av.error.ExitError | TimeoutError):
            seconds = self._open_s if opening else self._silence_s
            message = f"{name} did not answer within {seconds:g} s. Is the sender running and reachable?"
            if not opening:
                message = f"{name} fell silent: no data for {seconds:g} s."
        elif isinstance(error, ConnectionRefusedError):
            message = f"{name} refused the connection. Is the sender running, and is the port right?"
        elif isinstance(error, _DENIED):
            message = f"{name} asks for a user name and password: scheme://user:password@host/..."
        elif isinstance(error, _HTTP):
            message = f"{name}: the server answered with an error ({_reason(error)}). Is the address right?"
        elif isinstance(error, av.error.InvalidDataError):
            message = f"{name} sends no video that can be read."
        elif opening:
            message = f"{name} could not be opened: {_reason(error)}."
        else:
            message = f"{name} broke off: {_reason(error)}."
        return SourceError(message, details=details)


def _reason(error: BaseException) -> str:
    return str(getattr(error, "strerror", None) or type(error).__name__)
