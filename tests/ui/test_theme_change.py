"""A window whose theme changes looks like one that began in that theme, down to the pixel."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPointF
from PySide6.QtWidgets import QApplication, QWidget

from slowfast_live import settings as store
from slowfast_live.types import Level, Notice, Readout, ReadoutState, SourceSpec
from slowfast_live.ui.style.theme import Mode
from tests.ui.conftest import Desk
from tests.ui.dialogs import DIALOGS
from tests.ui.events.test_timeline import recognize
from tests.ui.fakes import TOP
from tests.ui.pixels import Pixels, changed, shot

MakeDesk = Callable[..., Desk]
OTHER: dict[Mode, Mode] = {"light": "dark", "dark": "light"}


def details(desk: Desk) -> QWidget:
    return desk.window


def events(desk: Desk) -> QWidget:
    desk.trigger("events")
    desk.window.side_panel.events.table.selectRow(0)
    return desk.window


def actions(desk: Desk) -> QWidget:
    desk.trigger("find_action")
    return desk.window


def notice(desk: Desk) -> QWidget:
    desk.window.notice_bar.show_notice(Notice(Level.ERROR, "clip.mp4 is no video.", "moov atom not found"))
    desk.window.notice_bar._details_button.setChecked(True)
    return desk.window


def pointed_at(desk: Desk) -> QWidget:
    timeline = desk.window.timeline
    timeline._hover(QPointF(600.0, 10.0))
    return desk.window


def recording(desk: Desk) -> QWidget:
    from slowfast_live.recording.recorder import RecordingProgress

    desk.live.recording.button.show_progress(RecordingProgress(running=True, elapsed_s=62.0, size=12_300_000))
    return desk.window


SCENES: dict[str, Callable[[Desk], QWidget]] = {
    "details": details,
    "events": events,
    "actions": actions,
    "notice": notice,
    "pointer": pointed_at,
    "recording": recording,
    **DIALOGS,
}


def settle() -> None:
    for _ in range(4):
        QApplication.processEvents()


def stage(make_desk: MakeDesk, video: SourceSpec, settings: Path, mode: Mode) -> Desk:
    store.save(store.Settings(theme=mode), settings)
    desk = make_desk(source=video, settings_path=settings)
    desk.show_picture()
    desk.pipeline.current_readout = Readout(ReadoutState.ACTION, "squat", 0.8, TOP)
    recognize(desk, 3.0, ["squat"] * 100 + [None] * 50 + ["clapping"] * 150)
    desk.live.poller.stop()
    for number in range(60):
        desk.window.side_panel.live.plot.add(90 + number % 17)
    assert desk.live.themes.mode == mode
    return desk


def look(desk: Desk, widget: QWidget) -> Pixels:
    """The pixels, with nothing that blinks or counts."""
    settle()
    if (focused := QApplication.focusWidget()) is not None:
        focused.clearFocus()
    desk.window.side_panel.live._values["shown"].setText("–")
    desk.window.event_views.previewer.stop()
    settle()
    return shot(widget)


@pytest.mark.parametrize("name", SCENES)
@pytest.mark.parametrize("mode", ["light", "dark"])
def test_a_change_of_theme_reaches_everything(
    make_desk: MakeDesk, video: SourceSpec, tmp_path: Path, mode: Mode, name: str
) -> None:
    began = stage(make_desk, video, tmp_path / "one.json", mode)
    wanted = look(began, SCENES[name](began))
    began.window.close()
    desk = stage(make_desk, video, tmp_path / "two.json", OTHER[mode])
    widget = SCENES[name](desk)
    before = look(desk, widget)
    desk.window.view.choose_theme(mode)
    now = look(desk, widget)
    assert now.shape == wanted.shape == before.shape
    assert changed(before, now).mean() > 0.3, "the theme did change"
    other = changed(wanted, now)
    rows, columns = np.nonzero(other)
    where = (rows.min(), rows.max(), columns.min(), columns.max()) if other.any() else ()
    assert not other.any(), f"{other.sum()} pixels are not those of the theme: rows and columns {where}"
