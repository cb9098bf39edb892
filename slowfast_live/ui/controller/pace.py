"""How often each model looks, and over what time: the limit on predictions and the span of a whole action."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from slowfast_live.inference.spec import Model
from slowfast_live.ui.controller.settings_store import SettingsStore


class Pace:
    """The user's choices for each model, kept in the settings.

    Args:
        memory: The settings.
        apply_limit: Sets the most predictions per second; None for no limit.
        apply_span: Runs a model again after its span has changed.
        asked_limit: Limit given on the command line, which takes precedence for this run.
    """

    def __init__(
        self,
        memory: SettingsStore,
        apply_limit: Callable[[float | None], None],
        apply_span: Callable[[Model], None],
        asked_limit: float | None = None,
    ) -> None:
        self._memory, self._apply_limit, self._apply_span = memory, apply_limit, apply_span
        self._asked = asked_limit

    def spread(self, model: Model) -> Model:
        """Return a model whose clip is spread over the time that the user chose for it."""
        span_s = self._memory.settings.spans.get(model.name)
        clip = model.spec.clip.spread(span_s)
        if clip == model.spec.clip:
            return model
        return msgspec.structs.replace(model, spec=msgspec.structs.replace(model.spec, clip=clip))

    def limit(self, model: Model | None) -> float | None:
        """Return the most predictions per second of a model; None for no limit."""
        if self._asked is not None:
            return self._asked
        return None if model is None else self._memory.settings.rate_limits.get(model.name)

    def running(self, model: Model | None) -> None:
        """Apply the limit of the model that now runs."""
        self._apply_limit(self.limit(model))

    def choose_limit(self, model: Model | None, per_s: float | None) -> None:
        """Limit a model to so many predictions per second; None for no limit."""
        if model is None:
            return
        self._asked = None
        limits = {**self._memory.settings.rate_limits}
        limits.pop(model.name, None)
        if per_s is not None:
            limits[model.name] = per_s
        self._memory.settings.rate_limits = limits
        self._memory.changed()
        self._apply_limit(per_s)

    def choose_span(self, model: Model | None, span_s: float) -> None:
        """Spread a model's clip over another time, in seconds; has no effect if its span is fixed."""
        if model is None or model.spec.clip.spans_s is None:
            return
        self._memory.settings.spans = {**self._memory.settings.spans, model.name: span_s}
        self._memory.changed()
        self._apply_span(self.spread(model))
