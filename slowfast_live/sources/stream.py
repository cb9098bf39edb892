"""Network streams, decoded with FFmpeg through PyAV.

What can hang: connecting, probing and waiting for data end after a few seconds, even if a server accepts the connection
and never responds. Resolving a host name is done by the operating system; it cannot be interrupted, and ends with the
resolver's own timeout.

An HTTP address is a file or a live stream. It is a file if what the server sends has an end: the server states a length
(`Content-Length`), the video a duration, or a playlist is closed (`#EXT-X-ENDLIST`). Such a file is played once in real
time, paced inside `read`, without seeking, and ends like a file. Everything else is live; motion JPEG of a camera
always is, whatever length the server states. When a live stream ends, it is opened again. If it then begins with
exactly the same frame as before, it was a recording, and has ended.

Small cameras send variants of MJPEG: multipart without a first boundary, with a differently written boundary, or just a
sequence of JPEGs. If FFmpeg's reader fails, the pictures are found by their own start markers, as in browsers.
"""

from __future__ import annotations

import errno
import hashlib
import logging
import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import av
import av.error

from slowfast_live.errors import SourceError
from slowfast_live.messages import Message, system_reason
from slowfast_live.sources import answers
from slowfast_live.sources.answers import ServerAnswer
from slowfast_live.sources.base import Picture, later
from slowfast_live.sources.containers import decoder, stamp, trust_timestamps, video_stream
from slowfast_live.sources.pictures import PictureMaker
from slowfast_live.types import U8, SourceInfo
from slowfast_live.urls import display_url, redact

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
"""Share of the difference between the sender's clock and the local clock that is corrected with each frame."""

_NO_CLOCK = frozenset({"mpjpeg", "mjpeg", "h264", "hevc", "m4v", "mpegvideo"})
"""Formats without timestamps; FFmpeg generates them from an assumed frame rate."""

_SEGMENTED = frozenset({"hls", "dash"})
"""Formats that arrive in segments of several seconds."""

_WEB = frozenset({"http", "https"})
_WEB_PROTOCOLS = "http,https,tcp,tls,httpproxy,crypto,data"
"""Protocols that a web server may refer to, so that it cannot make the app open other ports or local files."""
_JPEGS = "mjpeg"
"""FFmpeg's reader that finds pictures by their start markers."""
_GIVE_UP_AFTER = 256
_HTTP = (av.error.HTTPError, av.error.HTTPClientError, av.error.HTTPServerError)
_UNREADABLE = av.error.InvalidDataError | av.error.ExitError | av.error.EOFError | TimeoutError | ConnectionResetError
"""Errors raised if a server sends something other than a video; what it sends is then examined."""
_PROTOCOL_NAMES = {"rtsp": "an RTSP", "rtsps": "an RTSP", "rtmp": "an RTMP", "rtmps": "an RTMP", "srt": "an SRT"}
_SOI = b"\xff\xd8\xff"
_THUMBNAILS = 2
"""A single picture may contain a thumbnail of itself."""
_DENIED = (av.error.HTTPUnauthorizedError, av.error.HTTPForbiddenError, PermissionError)


class ArrivalClock:
    """Maps a sender's timestamps to the local monotonic clock, without network jitter.

    The time of a frame is its timestamp plus an offset that follows the arrival times slowly. If the difference exceeds
    half a second (the sender restarted, or the network stalled), the offset is set anew.

    Args:
        paced: Frames are available before they are due, and their times determine when to show them: the offset stays
            constant, unless the app falls behind or the timestamps jump.
    """

    def __init__(self, paced: bool = False) -> None:
        self._early_s = _GAP_S if paced else _REANCHOR_S
        self._gain = 0.0 if paced else _DRIFT_GAIN
        self._offset_s: float | None = None
        self._last_s = float("-inf")

    def place(self, stamp_s: float | None, now_s: float) -> float:
        """Return the time of a frame; later than that of the previous frame.

        Args:
            stamp_s: The sender's timestamp in seconds; None if there is none.
            now_s: Monotonic time of arrival, in seconds.
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
    """A network stream: RTSP, RTMP, MPEG-TS over TCP or UDP, MJPEG, HLS or a file over HTTP.

    Args:
        url: The address.
        open_s: Connection timeout in seconds; the same again for probing the stream.
        silence_s: Seconds without a frame after which the stream is considered broken.
        clock: Returns monotonic seconds.
        wait: Waits the given number of seconds (only for streams that need pacing).
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
        self._form: str | None = None
        self._began: tuple[float | None, bytes] | None = None
        self._ended = False
        self._warning = ""

    @property
    def warning(self) -> str:
        """Problems of the stream found so far; "" if there are none."""
        return self._warning

    def open(self) -> SourceInfo:
        """Open the stream and decode its first frame."""
        try:
            return self._open(self._form)
        except SourceError as error:
            if self._form is not None:
                raise
            answer = answers.probe(self._url) if _may_be_no_video(error.__cause__) else None
            if answer is None:
                raise
            if answer.holds_jpegs:
                return self._open_jpegs(answer, error)
            raise SourceError(answer.describe(self._name), error.details) from error

    def _open_jpegs(self, answer: ServerAnswer, error: SourceError) -> SourceInfo:
        """Open a camera whose pictures are found by their start markers.

        Raises:
            SourceError: There is only one picture, or the pictures cannot be decoded.
        """
        try:
            info = self._open(_JPEGS)
        except SourceError:
            raise SourceError(answer.describe(self._name), error.details) from error
        if answer.stated is not None and answer.stated <= len(answer.head) and answer.head.count(_SOI) <= _THUMBNAILS:
            self.close()
            raise SourceError(answer.describe(self._name), error.details) from error
        self._form = _JPEGS
        return info

    def _open(self, form: str | None) -> SourceInfo:
        self.close()
        self._opening_s = self._now()
        try:
            self._container = container = av.open(
                self._url,
                mode="r",
                format=form,
                container_options=self._options(form),
                timeout=(self._open_s, self._silence_s),
                metadata_errors="replace",  # a title in another encoding must not prevent playback
            )
            stream = video_stream(container, self._name)
            trust_timestamps(container)
            forms = set(container.format.name.split(","))
            self._finite = self._scheme in _WEB and _has_an_end(container, forms)
            self._paced = self._finite or bool(forms & _SEGMENTED)
            self._pixel_aspect = float(stream.sample_aspect_ratio or 1)
            self._arrivals = ArrivalClock(self._paced)
            self._frames = self._decode(container, stream, has_clock=not forms & _NO_CLOCK)
            self._first = next(self._frames, None)
            if self._first is None:
                raise SourceError(Message("{name} ended before its first picture.", name=self._name))
            picture = self._maker.make(self._first[0], self._pixel_aspect)
            self._note_beginning(self._first[1], picture)
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
        """Return the next frame; None at the end of a file. The end of a live stream is an error."""
        if self._container is None:
            raise SourceError(Message("{name} is not open.", name=self._name))
        try:
            following = self._first or next(self._frames, None)
            self._first = None
            if following is None:
                self._ended = True
                if self._finite:
                    return None
                raise SourceError(Message("{name} has ended: the sender closed the connection.", name=self._name))
            frame, stamp_s = following
            t_s = self._arrivals.place(stamp_s, self._now())
            if self._paced and (ahead_s := t_s - self._now()) > 0:
                self._wait(ahead_s)
            return Picture(self._maker.make(frame, self._pixel_aspect), t_s)
        except (av.error.FFmpegError, OSError, ValueError, MemoryError) as error:
            raise self._failure(error, opening=False) from error

    def seek(self, t_s: float) -> None:
        """Raise an error: a stream is not seekable."""
        raise SourceError(Message("{name} is a live stream and cannot be searched.", name=self._name))

    def close(self) -> None:
        """Release the stream."""
        self._frames, self._first = iter(()), None
        container, self._container = self._container, None
        if container is not None:
            container.close()

    def _note_beginning(self, stamp_s: float | None, picture: U8) -> None:
        """Remember how a web address begins: if it ended and begins with the same frame again, it is over.

        Other senders (TCP, RTSP, UDP) that begin again with the same frame show a static scene.
        """
        if self._scheme not in _WEB:
            return
        began = stamp_s, hashlib.blake2b(picture.data, digest_size=16).digest()
        if self._ended and stamp_s is not None and began == self._began:
            self._finite = True
            self._frames, self._first = iter(()), None
        self._began, self._ended = began, False

    def _options(self, form: str | None) -> dict[str, str]:
        """Return FFmpeg's options: short buffering and probing; RTSP over TCP."""
        # Not "nobuffer": it discards what was read while probing, often the only key frame for seconds. It has no
        # benefit if frames are read as fast as they arrive.
        options = {"analyzeduration": "1000000", "probesize": "1000000"}
        if self._scheme in ("rtsp", "rtsps"):
            options["rtsp_transport"] = "tcp"
        if form == _JPEGS:
            # Each picture is self-contained, and a slow camera takes seconds for a megabyte.
            options |= {"fpsprobesize": "0", "analyzeduration": "1"}
        if self._scheme in _WEB:
            options["protocol_whitelist"] = _WEB_PROTOCOLS
        return options

    def _decode(
        self, container: InputContainer, stream: VideoStream, has_clock: bool
    ) -> Iterator[tuple[VideoFrame, float | None]]:
        """Yield frames with the sender's timestamps in seconds, skipping damaged data.

        Raises:
            SourceError: Nothing could be decoded for `silence_s`.
        """
        time_base = float(stream.time_base or 0) or 1.0
        context = decoder(stream, "SLICE")
        received_s = self._now()
        bad_in_a_row = 0
        # Process all packets, so that a stream with only sound does not prevent the timeout.
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
            except OSError as error:
                # A server that closes the connection before sending what it announced, or that announced nothing.
                if self._scheme not in _WEB or error.errno != errno.EIO:
                    raise
                if self._finite:
                    self._warning = Message(
                        "{name} ended early: the server sent less than it announced.", name=self._name
                    )
                for frame in context.finish():
                    yield frame, stamp(frame, time_base)[0] if has_clock else None
                return
            except av.error.InvalidDataError as error:
                log.debug("%s: damaged data: %s", self._name, error)
                bad_in_a_row += 1
                if packet is None:
                    packets = container.demux()
            except IndexError:  # a packet of a stream that starts later, which PyAV does not know
                packets = container.demux()
            for frame in frames:
                bad_in_a_row = 0
                yield frame, stamp(frame, time_base)[0] if has_clock else None
                received_s = self._now()
            if self._now() - received_s > self._silence_s or bad_in_a_row > _GIVE_UP_AFTER:
                raise SourceError(
                    Message(
                        "{name} sends no picture that can be decoded since {silence_s:g} s.",
                        name=self._name,
                        silence_s=self._silence_s,
                    ),
                    details=f"{bad_in_a_row} damaged packets in a row",
                )

    def _failure(self, error: BaseException, opening: bool) -> SourceError:
        name = self._name
        details = redact(f"{name}: {type(error).__name__}: {error}".replace(self._url, name))
        # RTSP reports an interrupted wait as invalid data.
        waited = opening and self._now() - self._opening_s >= self._open_s
        if waited or isinstance(error, av.error.ExitError | TimeoutError):
            seconds = self._open_s if opening else self._silence_s
            message = Message(
                "{name} did not answer within {seconds:g} s. Is the sender running and reachable?",
                name=name,
                seconds=seconds,
            )
            if not opening:
                message = Message("{name} fell silent: no data for {seconds:g} s.", name=name, seconds=seconds)
        elif isinstance(error, ConnectionRefusedError):
            message = Message("{name} refused the connection. Is the sender running, and is the port right?", name=name)
        elif isinstance(error, _DENIED):
            message = (
                Message("{name} refuses the user name and password given in the address.", name=name)
                if "@" in urlsplit(self._url).netloc
                else Message(
                    "{name} asks for a user name and password: {scheme}://user:password@host/...",
                    name=name,
                    scheme=self._scheme,
                )
            )
        elif isinstance(error, _HTTP):
            message = Message(
                "{name}: the server answered with an error ({error}). Is the address right?",
                name=name,
                error=_reason(error),
            )
        elif isinstance(error, av.error.InvalidDataError):
            protocol = _PROTOCOL_NAMES.get(self._scheme)
            message = (
                Message(
                    "{name} answers, but not as {protocol} server does. Is the port right?",
                    name=name,
                    protocol=protocol,
                )
                if opening and protocol
                else Message("{name} sends no video that can be read.", name=name)
            )
        elif opening:
            message = Message("{name} could not be opened: {error}.", name=name, error=_reason(error))
        else:
            message = Message("{name} broke off: {error}.", name=name, error=_reason(error))
        return SourceError(message, details=details)


def _may_be_no_video(cause: BaseException | None) -> bool:
    """Whether opening failed in a way that suggests that the server does not send a video."""
    if isinstance(cause, OSError) and cause.errno == errno.EIO:
        return True
    return cause is None or isinstance(cause, _UNREADABLE)


def _has_an_end(container: InputContainer, forms: set[str]) -> bool:
    """Whether the server states a length, or the video a duration."""
    if forms & _NO_CLOCK:
        return False
    if container.duration and container.duration > 0:
        return True
    return not forms & _SEGMENTED and container.size > 0  # for a playlist it is the length of the list


def _reason(error: BaseException) -> str:
    return system_reason(error) if getattr(error, "strerror", None) else type(error).__name__
