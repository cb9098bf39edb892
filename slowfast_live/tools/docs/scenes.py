"""What each picture of the window shows, and how the window comes to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from PySide6.QtWidgets import QWidget

from slowfast_live.rules.rule import Rule, RuleBook
from slowfast_live.sources.screens import Area, ScreenAddress, ScreenWindow
from slowfast_live.tools.docs.studio import Studio
from slowfast_live.types import Level, Notice, Topic
from slowfast_live.ui.sources.screen_dialog import OnScreen, ScreenDialog

_MEASURED_MS = 1000 / 358


def _start_card(studio: Studio) -> None:
    studio.live.window.welcome.card.open_card()
    studio.rest(1.5)


def _menus(studio: Studio) -> QWidget | None:
    studio.live.window.dialogs.show_about(studio.session.pipeline.status())
    about = studio.live.window.dialogs.about
    assert about is not None  # just opened
    about.pages.setCurrentIndex(1)  # the other page tells of the machine it was taken on
    return about


def _advice(studio: Studio) -> None:
    advisor = studio.live.window.welcome.advisor
    text = "Nothing recognized yet. You are cut off: step back until your whole body is in the picture."
    ways = ("start_card", "recognize_400", "models")
    advisor.notice.emit(Notice(Level.INFO, text, topic=Topic.ADVICE, commands=ways))


def _presenting(studio: Studio) -> None:
    studio.live.window.actions_by_id["big_label"].trigger()
    studio.live.window.actions_by_id["full_screen"].trigger()
    studio.until(studio.recognized)


def _summary(studio: Studio) -> QWidget | None:
    studio.rest(8.0)
    studio.live.window.actions_by_id["summary"].trigger()
    return studio.live.window.lesson.dialog


def _marks(studio: Studio) -> None:
    studio.rest(6.0)
    events = studio.live.window.event_views.session_events
    events.mark(3.0, 9.0)
    events.select(events.notes[0])
    studio.live.window.side_panel.show_panel("events")


def _choice(studio: Studio) -> QWidget | None:
    panel = studio.live.window.side_panel
    panel.sections["model"].set_folded(True)
    panel.actions_known.chosen.emit(frozenset({"waving hand", "clapping", "jumping jacks", "squat"}))
    panel.actions_known.show_labels(panel.actions_known.visible_labels(), {"clapping", "jumping jacks", "squat"})
    return panel


def _why(studio: Studio) -> None:
    studio.live.window.actions_by_id["explain"].setChecked(True)
    studio.until(lambda: studio.live.window.canvas.heat is not None)


def _screen(studio: Studio) -> QWidget | None:
    studio.live.window.actions_by_id["open_screen"].trigger()
    dialog = studio.live.window.source_dialogs.current
    assert isinstance(dialog, ScreenDialog)
    studio.until(lambda: not studio.live.background.busy)
    area = Area(0, 0, 1280, 720)
    windows = [ScreenWindow("Morning exercises – Player", area), ScreenWindow("Notes", area)]
    dialog.show_found(OnScreen([ScreenAddress(1).spec, ScreenAddress(2).spec], windows))
    return dialog


def _queue(studio: Studio) -> QWidget | None:
    studio.live.window.actions_by_id["queue"].trigger()
    dialog = studio.live.queue.dialog
    assert dialog is not None
    dialog.add_paths(["warming up.mp4", "lesson 1.mp4", "lesson 2.mp4"])
    return dialog


def _publish(studio: Studio) -> QWidget | None:
    studio.live.window.actions_by_id["publish"].trigger()
    return studio.live.publishing.dialog


def _kinetics(studio: Studio) -> QWidget | None:
    latest = studio.session.pipeline.prediction()
    assert latest is not None  # an action was recognized before
    # The time of docs/measurements.md: the picture must not depend on what else the machine does.
    studio.live.window.dialogs.note(replace(latest, infer_ms=_MEASURED_MS))
    studio.live.window.actions_by_id["recognize_400"].trigger()
    dialog = studio.live.window.dialogs.kinetics
    assert dialog is not None
    studio.until(lambda: bool(dialog.choices))
    return dialog


def _events(studio: Studio) -> QWidget | None:
    events = studio.live.window.event_views.session_events
    studio.until(lambda: len(events.notes) >= 3)
    events.rename(events.notes[0], "greeting")
    studio.trigger("events")
    return studio.live.window.side_panel


def _recording(studio: Studio) -> QWidget | None:
    studio.trigger("record")
    studio.rest(3.0)
    return studio.live.window.source_bar


def _rules(studio: Studio) -> QWidget | None:
    known = (Rule("clapping"), Rule("jumping jacks", 0.6, sound=True))
    studio.live.memory.settings.rules = RuleBook(enabled=True, rules=known)
    studio.trigger("rules")
    return studio.live.alerts.dialog


def _keys(studio: Studio) -> QWidget | None:
    studio.trigger("help")
    return studio.live.window.dialogs.help


Scene = Callable[[Studio], QWidget | None]
SCENES: dict[str, Scene] = {
    "start-card": _start_card,
    "about": _menus,
    "advice": _advice,
    "presenting": _presenting,
    "summary": _summary,
    "marks": _marks,
    "choice": _choice,
    "why": _why,
    "screen": _screen,
    "queue": _queue,
    "publish": _publish,
    "400-actions": _kinetics,
    "events": _events,
    "recording": _recording,
    "rules": _rules,
    "keys": _keys,
}
"""Pictures by name: each function brings the window to what is pictured, and may return another widget to picture."""
DARK = ("presenting", "marks")
"""The scenes that are shown in the dark theme."""
