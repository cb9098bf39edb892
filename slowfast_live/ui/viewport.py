"""Which part of the time a timeline shows. No widgets here."""

from __future__ import annotations

from slowfast_live.ui.time_axis import Span

_SAME = 1e-6
_NEAR_NOW = 0.02
"""A view that ends this part of its length before now is at now."""
_PAGE = 0.1
"""A playhead that leaves the view is shown this far from its left edge again."""


class Viewport:
    """The whole time there is, and the view of it; of a live source the view follows now unless it is moved."""

    def __init__(self) -> None:
        self.live = False
        self.whole = self.view = Span(0.0, 60.0)
        self._all = self._at_now = True

    @property
    def shows_all(self) -> bool:
        """Whether the whole time is in view."""
        return self._all

    @property
    def follows(self) -> bool:
        """Whether the view rolls with a live source."""
        return self.live and self._at_now

    def reset(self, whole: Span, *, live: bool) -> None:
        """Begin anew: everything is in view."""
        self.live, self.whole, self.view = live, whole, whole
        self._all = self._at_now = True

    def set_whole(self, whole: Span) -> None:
        """The time there is has grown."""
        self.whole = whole
        if self._all:
            self.view = whole
        elif self.follows:
            self.view = Span(whole.end_s - self.view.length_s, whole.end_s).within(whole)
        else:
            self.view = self.view.within(whole)

    def zoom(self, about_s: float, factor: float) -> None:
        """Look closer (> 1) or from farther away, with a moment staying where it is."""
        self._look(self.view.zoomed(about_s, factor, self.whole))

    def pan(self, by_s: float) -> None:
        """Look at a later (> 0) or an earlier time."""
        self._look(self.view.moved(by_s).within(self.whole))

    def show_all(self) -> None:
        """Look at the whole time."""
        self._look(self.whole)

    def go_now(self) -> None:
        """Look at the end, as closely as before."""
        self._look(Span(self.whole.end_s - self.view.length_s, self.whole.end_s).within(self.whole))

    def keep_in_sight(self, before_s: float, now_s: float) -> bool:
        """Turn the page where a playhead that was in view has left it; return whether it was turned."""
        if self.live or self._all or not self.view.holds(before_s) or self.view.holds(now_s):
            return False
        begin_s = now_s - _PAGE * self.view.length_s
        self._look(Span(begin_s, begin_s + self.view.length_s).within(self.whole))
        return True

    def _look(self, view: Span) -> None:
        self.view = view
        self._all = view.length_s >= self.whole.length_s * (1 - _SAME)
        self._at_now = self._all or view.end_s >= self.whole.end_s - _NEAR_NOW * view.length_s
