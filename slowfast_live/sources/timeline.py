"""Presentation times that can be relied upon, made of timestamps that cannot."""

from __future__ import annotations

_JUMP_BACK_S = 1.0
"""Timestamps that fall back by more than this start a new piece of the file; less is disorder."""

_JUMP_AHEAD_S = 10.0
"""In formats that allow gaps in their clock (MPEG-TS, FLV), a gap longer than this is no pause."""


class Timeline:
    """Gives each frame of a file a time: 0 at the first, strictly increasing.

    Timestamps of a sound file pass unchanged, less that of the first frame. A frame without one, or with one
    not later than the frame before, comes one frame duration after it.

    Args:
        step_s: Duration of a frame, from the frame rate; > 0.
        may_jump: The format allows its clock to jump ahead; a gap of more than 10 s is closed.
    """

    def __init__(self, step_s: float, may_jump: bool = False) -> None:
        self.step_s = step_s
        self.repaired = False
        """A timestamp had to be replaced: times follow from all frames before."""
        self._may_jump = may_jump
        self._origin_s: float | None = None
        self._offset_s = 0.0
        self._last_s: float | None = None

    def place(self, stamp_s: float | None) -> float:
        """Return the time of the next frame.

        Args:
            stamp_s: Its timestamp in seconds, on whatever clock the file uses; None where it has none.

        Returns:
            Seconds; later than the time returned before.
        """
        last = self._last_s
        if self._origin_s is None:
            # Without a first timestamp the first later one is taken for one step after the frames before it.
            if stamp_s is not None:
                self._origin_s = stamp_s - (0.0 if last is None else last + self.step_s)
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
            if abs(expected - t_s) > _JUMP_BACK_S:
                self._offset_s += expected - t_s
            t_s, self.repaired = expected, True
        self._last_s = t_s
        return t_s

    def rewind(self) -> None:
        """Expect the first frame of the file again: the file was opened anew."""
        self._origin_s, self._offset_s, self._last_s = None, 0.0, None

    def land(self) -> None:
        """Expect any frame next: the file was searched by timestamp."""
        self._last_s = None
