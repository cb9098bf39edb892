"""Determine which part of the time span a timeline shows. Contains no widgets."""

from __future__ import annotations

from slowfast_live.ui.events.time_axis import Span

_SAME = 1e-6
_NEAR_NOW = 0.02
"""A view that ends within this fraction of its length before now counts as being at now."""
_PAGE = 0.1
"""When the playhead leaves the view, the view moves so that the playhead is at this fraction from its left edge."""


class Viewport:
    """The whole time span and the visible part of it; for a live source, the view follows now unless it is moved."""

    def __init__(self) -> None:
        self.live = False
        self.whole = self.view = Span(0.0, 60.0)
        self._all = self._at_now = True

    @property
    def shows_all(self) -> bool:
        """Whether the whole time span is visible."""
        return self._all

    @property
    def follows(self) -> bool:
        """Whether the view follows a live source."""
        return self.live and self._at_now

    def reset(self, whole: Span, *, live: bool) -> None:
        """Start over with the whole span visible."""
        self.live, self.whole, self.view = live, whole, whole
        self._all = self._at_now = True

    def set_whole(self, whole: Span) -> None:
        """Set the whole span, after it has grown."""
        self.whole = whole
        if self._all:
            self.view = whole
        elif self.follows:
            self.view = Span(whole.end_s - self.view.length_s, whole.end_s).within(whole)
        else:
            self.view = self.view.within(whole)

    def zoom(self, about_s: float, factor: float) -> None:
        """Zoom in (> 1) or out, keeping a time in place."""
        self._set_view(self.view.zoomed(about_s, factor, self.whole))

    def pan(self, by_s: float) -> None:
        """Move the view to a later (> 0) or an earlier time."""
        self._set_view(self.view.moved(by_s).within(self.whole))

    def show_all(self) -> None:
        """Show the whole time span."""
        self._set_view(self.whole)

    def go_now(self) -> None:
        """Move the view to the end, keeping the zoom."""
        self._set_view(Span(self.whole.end_s - self.view.length_s, self.whole.end_s).within(self.whole))

    def keep_in_sight(self, before_s: float, now_s: float) -> bool:
        """Page forward or back if the playhead has left the view; return whether the view moved."""
        if self.live or self._all or not self.view.holds(before_s) or self.view.holds(now_s):
            return False
        begin_s = now_s - _PAGE * self.view.length_s
        self._set_view(Span(begin_s, begin_s + self.view.length_s).within(self.whole))
        return True

    def _set_view(self, view: Span) -> None:
        self.view = view
        self._all = view.length_s >= self.whole.length_s * (1 - _SAME)
        self._at_now = self._all or view.end_s >= self.whole.end_s - _NEAR_NOW * view.length_s
