"""Simulated user of the window, whose actions are reproducible for a given seed."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from random import Random

from slowfast_live.types import SourceKind, SourceSpec
from slowfast_live.ui.app import LiveApp
from slowfast_live.ui.style.theme import Mode

log = logging.getLogger(__name__)

_KEYS = (
    "mirror", "play_pause", "play_pause", "step_back", "step_forward", "back", "forward", "loop", "slower", "faster",
    "full_screen", "side_panel", "overlay_bars", "lower", "higher", "recommended", "fold_now", "fold_live",
    "fold_model", "fold_actions", "dismiss", "snapshot",
)  # fmt: skip
_DEVICES = ("CPU", "AUTO")


class RandomUser:
    """Performs one action after another.

    Args:
        live: The app.
        sources: The sources to switch between.
        seed: The same seed gives the same actions in the same order.
    """

    def __init__(self, live: LiveApp, sources: Sequence[SourceSpec], seed: int) -> None:
        self._live, self._sources = live, sources
        self._rng = Random(seed)
        self.acts = 0
        self._choices: tuple[tuple[Callable[[], str], float], ...] = (
            (self._switch_source, 3),
            (self._switch_model, 2),
            (self._switch_device, 1),
            (self._seek, 4),
            (self._scrub, 2),
            (self._resize, 3),
            (self._theme, 1),
            (self._key, 9),
        )

    def act(self) -> str:
        """Perform an action; return its name."""
        self.acts += 1
        deeds, weights = zip(*self._choices, strict=True)
        what: str = self._rng.choices(deeds, weights)[0]()
        log.debug("%d: %s", self.acts, what)
        return what

    def pause_s(self) -> float:
        """Return how long to wait before the next action."""
        return self._rng.choice((0.02, 0.1, 0.3, 0.7, 1.5))

    def go_home(self) -> None:
        """Bring the app to the initial state, in which measurements are comparable."""
        live = self._live
        live.window.actions_by_id["full_screen"].setChecked(False)
        live.window.resize(1280, 800)
        live.controller.open_source(SourceSpec(SourceKind.DEMO))
        live.controller.choose_device(_DEVICES[0])
        live.controller.choose_model(live.controller.models[0].name)
        live.pipeline.set_speed(1.0)

    @property
    def at_home(self) -> bool:
        """Whether that state is reached: the demo plays and its model has made a prediction."""
        status = self._live.pipeline.status()
        return (
            status.source is not None
            and status.source.kind is SourceKind.DEMO
            and not status.opening
            and not status.switching
            and status.model == self._live.controller.models[0].name
            and self._live.pipeline.prediction() is not None
        )

    def _switch_source(self) -> str:
        source = self._rng.choice(self._sources)
        self._live.controller.open_source(source)
        return f"open {source.name}"

    def _switch_model(self) -> str:
        models = self._live.controller.models
        pick = self._rng.random()
        if not models:
            return "no model to switch to"
        name = models[int(pick * len(models))].name
        self._live.controller.choose_model(name)
        return f"model {name}"

    def _switch_device(self) -> str:
        device = self._rng.choice(_DEVICES)
        self._live.controller.choose_device(device)
        return f"device {device}"

    def _seek(self) -> str:
        t_s = self._rng.uniform(0, 40)
        self._live.pipeline.seek(t_s)
        return f"seek to {t_s:.1f} s"

    def _scrub(self) -> str:
        t_s = self._rng.uniform(0, 40)
        for step in range(10):
            self._live.pipeline.seek(t_s + step / 10, scrubbing=True)
        self._live.pipeline.seek(t_s + 1)
        return f"scrub from {t_s:.1f} s"

    def _resize(self) -> str:
        width, height = self._rng.randrange(720, 1600), self._rng.randrange(480, 900)
        self._live.window.resize(width, height)
        return f"resize to {width} x {height}"

    def _theme(self) -> str:
        modes: tuple[Mode, ...] = ("light", "dark", "auto")
        mode = self._rng.choice(modes)
        self._live.themes.set_mode(mode)
        return f"theme {mode}"

    def _key(self) -> str:
        name = self._rng.choice(_KEYS)
        action = self._live.window.actions_by_id.get(name)
        if action is not None and action.isEnabled():
            action.trigger()
        return name
