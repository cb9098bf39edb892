"""Deinterlacing: converts the two fields of each interlaced frame into one progressive frame.

Uses FFmpeg's motion-adaptive filters. Nothing is set up or copied until the first interlaced frame.
"""

from __future__ import annotations

import logging
from collections import deque
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

import av.error
import av.filter

if TYPE_CHECKING:
    from collections.abc import Iterable

    from av.video.codeccontext import VideoCodecContext
    from av.video.frame import VideoFrame

log = logging.getLogger(__name__)

_TOP_FIRST = frozenset({2, 4})
_BOTTOM_FIRST = frozenset({3, 5})
"""Values of AVFieldOrder: which field of a frame is shown first (coded or displayed)."""

_FLAGGING = frozenset({
    "h264", "hevc", "mpeg1video", "mpeg2video", "mpeg4", "msmpeg4v3", "vc1", "wmv3", "dvvideo", "prores", "mjpeg",
    "dnxhd", "cfhd", "av1", "vp8", "vp9",
})  # fmt: skip
"""Codecs whose frames state whether they are interlaced, or that are never interlaced."""

_FILTERS = ("bwdif", "yadif")
"""Filters, best first."""

_Shape = tuple[int, int, str]
_Stamps = tuple["int | None", "int | None", "Fraction | None"]


class Deinterlacer:
    """Passes progressive frames through and deinterlaces others, one frame out for each frame in.

    A frame is deinterlaced using its neighbors, so from the first interlaced frame on, each frame is returned one frame
    later, with its own timestamps. Single-threaded.

    Args:
        context: The decoder of the frames; used for codecs whose frames do not state whether they are interlaced.
    """

    def __init__(self, context: VideoCodecContext) -> None:
        # If each frame states it, the container's value for the whole track is too coarse.
        order = 0 if context.name in _FLAGGING else context.field_order
        self._parity = "tff" if order in _TOP_FIRST else "bff" if order in _BOTTOM_FIRST else ""
        self._graph: av.filter.Graph | None = None
        self._shape: _Shape | None = None
        self._stamps: deque[_Stamps] = deque()
        self._broken = False
        self.active = False
        """Whether there was an interlaced frame."""

    def take(self, frames: Iterable[VideoFrame]) -> list[VideoFrame]:
        """Add frames and return those that are complete, in order."""
        done: list[VideoFrame] = []
        for frame in frames:
            if not self.active and (frame.interlaced_frame or self._parity):
                self.active = not self._broken and available() is not None
            if self.active:
                done += self._deinterlace(frame)
            else:
                done.append(frame)
        return done

    def finish(self) -> list[VideoFrame]:
        """Return the frames that are still waiting for a neighbor at the end of the stream."""
        graph, self._graph = self._graph, None
        if graph is None:
            return []
        graph.push(None)
        return self._pull(graph)

    def forget(self) -> None:
        """Discard waiting frames: the next frame does not continue the last one."""
        self._graph = None
        self._stamps.clear()

    def _deinterlace(self, frame: VideoFrame) -> list[VideoFrame]:
        done: list[VideoFrame] = []
        shape = frame.width, frame.height, frame.format.name
        if self._graph is not None and shape != self._shape:
            done = self.finish()
        if self._graph is None:
            self._stamps.clear()
            try:
                self._graph, self._shape = self._build(frame), shape
            except (av.error.FFmpegError, ValueError) as error:
                log.warning("frames of %s stay interlaced: %s", shape, error)
                self.active, self._broken = False, True
                return [*done, frame]
        self._stamps.append((frame.pts, frame.dts, frame.time_base))
        self._graph.push(frame)
        return done + self._pull(self._graph)

    def _build(self, frame: VideoFrame) -> av.filter.Graph:
        graph = av.filter.Graph()
        graph.threads = 1
        source = graph.add_buffer(
            width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base or Fraction(1, 1000)
        )
        which = f"parity={self._parity}:deint=all" if self._parity else "deint=interlaced"
        chain = [source, graph.add(available() or "", f"mode=send_frame:{which}"), graph.add("buffersink")]
        for one, following in pairwise(chain):
            one.link_to(following)
        graph.configure()
        return graph

    def _pull(self, graph: av.filter.Graph) -> list[VideoFrame]:
        done: list[VideoFrame] = []
        while self._stamps:
            try:
                frame = graph.vpull()
            except (av.error.BlockingIOError, av.error.EOFError):
                break
            pts, dts, time_base = self._stamps.popleft()
            frame.pts, frame.dts = pts, dts
            if time_base is not None:
                frame.time_base = time_base
            done.append(frame)
        return done


@lru_cache(maxsize=1)
def available() -> str | None:
    """Return the best available filter of this build of FFmpeg; None if there is none."""
    found = next((name for name in _FILTERS if name in av.filter.filters_available), None)
    if found is None:
        log.warning("this build of FFmpeg has no filter for interlaced video: it is shown as it is")
    return found
