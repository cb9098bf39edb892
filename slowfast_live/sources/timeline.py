"""Reliable presentation times from unreliable timestamps."""

from __future__ import annotations

_JUMP_BACK_S = 1.0
"""Timestamps that decrease by more than this start a new part of the file; smaller decreases are disorder."""

_DISORDER = 1.5
"""The same in frame durations: in a slow time-lapse, one timestamp that stands twice is no new part."""

_MAX_DELAY = 16
"""Maximum delay of a decoder in frames, that of H.264 and HEVC."""

_JUMP_AHEAD_S = 10.0
"""In formats that allow gaps in their clock (MPEG-TS, FLV), a gap longer than this is not a pause."""

_ROUNDING_S = 2e-6
"""Tolerance, because containers state their start in whole microseconds."""


class FrameTimes:
    """Computes each frame's time on the player's clock; strictly increasing.

    That clock is 0 at the start of the file's sound or video, whichever is first. Timestamps are used unchanged,
    relative to the start. A frame without a timestamp, or with one that does not increase, is placed one frame duration
    after the previous frame.

    Args:
        step_s: Duration of a frame, from the frame rate; > 0.
        may_jump: Whether the format allows its clock to jump ahead; gaps of more than 10 s are closed.
        start_s: Timestamp at which the file begins; the first frame's timestamp is used if this is None or later.
    """

    def __init__(self, step_s: float, may_jump: bool = False, start_s: float | None = None) -> None:
        self.step_s = step_s
        self._start_s = start_s
        self.repaired = False
        """Whether a timestamp was replaced: times then depend on all previous frames."""
        self._may_jump = may_jump
        self._origin_s: float | None = None
        self._offset_s = 0.0
        self._last_s: float | None = None
        self._decoded_from_s: float | None = None
        self._delay_s = 0.0

    @property
    def zero_s(self) -> float | None:
        """The file's own time of time 0; None before the first frame with a timestamp."""
        return None if self._origin_s is None else self._origin_s - self._delay_s

    @property
    def origin_s(self) -> float | None:
        """The frames' timestamp of time 0: later than `zero_s` by the decoder's delay if they are decoding times."""
        return self._origin_s

    @property
    def jumped(self) -> bool:
        """Whether the clock restarted or jumped ahead, so that durations derived from it are wrong."""
        return self._offset_s != 0

    def place(self, stamp_s: float | None) -> float:
        """Return the time of the next frame.

        Args:
            stamp_s: Its timestamp in seconds, on the file's own clock; None if it has none.

        Returns:
            Time in seconds; later than the previous result.
        """
        last = self._last_s
        if self._origin_s is None:
            # Without a first timestamp, the first later one is assumed to be one step after the frames before it.
            if stamp_s is not None:
                self._origin_s = self._begin(stamp_s) if last is None else stamp_s - last - self.step_s
            elif last is None:
                self._last_s, self.repaired = 0.0, True
                return 0.0
        if stamp_s is None or self._origin_s is None:
            assert last is not None  # the first frame was placed above
            self._last_s, self.repaired = last + self.step_s, True
            return self._last_s
        t_s = stamp_s - self._origin_s + self._offset_s
        if last is not None and (t_s <= last or (self._may_jump and t_s - last > _JUMP_AHEAD_S)):
            expected = last + self.step_s
            if abs(expected - t_s) > max(_JUMP_BACK_S, _DISORDER * self.step_s):
                self._offset_s += expected - t_s
            t_s, self.repaired = expected, True
        self._last_s = t_s
        return t_s

    def distrust(self, decoded_from_s: float | None = None) -> None:
        """Treat timestamps as decoding times, which have the right intervals but are late by the decoder's delay.

        Args:
            decoded_from_s: Timestamp of the first packet that was decoded: the time of the first frame. None if it is
                unknown; the first frame is then at time 0.
        """
        self.repaired, self._decoded_from_s = True, decoded_from_s
        if decoded_from_s is None:
            self._start_s = None

    def _begin(self, first_s: float) -> float:
        """Return the timestamp of time 0, given that of the first frame."""
        if self._decoded_from_s is not None:
            delay_s = first_s - self._decoded_from_s
            # Otherwise nothing was decodable for a while, or the first packet's time is wrong.
            self._delay_s = delay_s if 0 < delay_s <= _MAX_DELAY * self.step_s + _ROUNDING_S else 0.0
        return self._start_of(first_s - self._delay_s) + self._delay_s

    def _start_of(self, first_s: float) -> float:
        if self._start_s is None or self._start_s > first_s - _ROUNDING_S:
            return first_s
        gap = self._may_jump and first_s - self._start_s > _JUMP_AHEAD_S
        return first_s if gap else self._start_s

    def land(self) -> None:
        """Expect any frame next, after a seek by timestamp."""
        self._last_s = None
