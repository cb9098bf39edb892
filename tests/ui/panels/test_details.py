"""The details: now and actions first, one line of accuracy, a panel as wide as the user wants it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel

from slowfast_live.inference.spec import Accuracy, Registry
from slowfast_live.types import SourceKind, SourceSpec
from slowfast_live.ui.events.events_model import TIME
from slowfast_live.ui.panels.model_card import accuracy_text, headline_accuracy
from slowfast_live.ui.panels.side_panel import WIDTHS
from tests.ui.conftest import Desk
from tests.ui.cut_text import cut_texts
from tests.ui.events.test_timeline import recognize
from tests.ui.fakes import make_spec

MakeDesk = Callable[..., Desk]


def settle() -> None:
    for _ in range(4):
        QApplication.processEvents()


def drag(desk: Desk, by: int) -> None:
    grip = desk.window.middle.handle(1)
    at = grip.rect().center()
    QTest.mousePress(grip, Qt.MouseButton.LeftButton, pos=at)
    QTest.mouseMove(grip, at + QPoint(by // 2, 0))
    QTest.mouseMove(grip, at + QPoint(by - by // 2, 0))
    QTest.mouseRelease(grip, Qt.MouseButton.LeftButton, pos=at)
    settle()


def test_now_and_actions_come_first_and_figures_on_demand(desk: Desk) -> None:
    assert list(desk.window.side_panel.sections) == ["now", "actions", "model", "live"]
    assert desk.window.side_panel.sections["actions"].body.isVisibleTo(desk.window)
    assert not desk.window.side_panel.sections["live"].body.isVisibleTo(desk.window)


def test_the_model_card_is_one_line_until_more_is_wanted(desk: Desk) -> None:
    card = desk.window.side_panel.card
    assert card._accuracy.text() == "71 % right at first guess on test clips."
    assert not card._rows.isVisibleTo(card) and not card._text.isVisibleTo(card)
    card._more.click()
    assert card._rows.isVisibleTo(card) and card._text.isVisibleTo(card)
    shown = {label.text() for label in card._rows.findChildren(QLabel)}
    assert any("77 % right at first guess (top-1) on Kinetics-400, published" in text for text in shown)


def test_what_was_measured_on_most_people_counts() -> None:
    bundled = next(model for model in Registry().scan()[0] if model.name.startswith("slowfast_demo"))
    best = headline_accuracy(bundled.spec)
    assert best is not None and best.dataset.startswith("other video") and "rendered" not in best.dataset
    assert headline_accuracy(make_spec(accuracy=())) is None
    rendered = Accuracy("rendered, held out", "top-1", 99.0, origin="measured")
    assert headline_accuracy(make_spec(accuracy=(rendered,))) is rendered, "better than nothing, and it says so"


def test_figures_are_whole_percent() -> None:
    assert accuracy_text(Accuracy("Kinetics-400", "top-1", 76.94)).startswith("77 % right")
    assert accuracy_text(Accuracy("AVA", "mAP", 24.7, unit="")).startswith("24.7 mAP")


@pytest.mark.parametrize("by", [-60, -200])
def test_the_panel_is_widened_and_stays_so(make_desk: MakeDesk, video: SourceSpec, by: int) -> None:
    desk = make_desk(source=video)
    desk.window.resize(1280, 800)
    settle()
    usual = desk.window.side_panel.width()
    drag(desk, by)
    wide = desk.window.side_panel.width()
    assert wide > usual + 20 and desk.live.memory.settings.panel_width == wide
    assert cut_texts(desk.window) == []
    desk.window.close()
    again = make_desk(source=video)
    again.window.resize(1280, 800)
    settle()
    assert again.window.side_panel.width() == wide
    again.qtbot.mouseDClick(again.window.middle.handle(1), Qt.MouseButton.LeftButton)
    settle()
    assert again.window.side_panel.width() == usual and again.live.memory.settings.panel_width == 0


def test_the_panel_leaves_room_for_the_picture(desk: Desk) -> None:
    desk.window.resize(1280, 800)
    settle()
    drag(desk, -600)
    desk.window.resize(720, 480)
    settle()
    assert desk.window.side_panel.width() >= WIDTHS[0]
    assert desk.window.canvas.width() >= 0.3 * desk.window.width()
    assert desk.window.middle.width() <= desk.window.width()


def test_the_list_marks_what_is_shown_now(desk: Desk) -> None:
    recognize(desk, 3.0, ["squat"] * 100 + [None] * 50 + ["clapping"] * 150)
    model = desk.window.side_panel.events.model

    def marked() -> list[str]:
        return [row.event.label for number, row in enumerate(model.rows) if model.is_now(number)]

    for position_s, wanted in ((5.0, ["squat"]), (14.0, []), (20.0, ["clapping"])):
        desk.pipeline.update(position_s=position_s)
        desk.poll()
        assert marked() == wanted
    said = model.data(model.index(1, TIME), Qt.ItemDataRole.AccessibleDescriptionRole)
    assert said.startswith("Now. ")


def test_the_mark_is_painted(desk: Desk) -> None:
    recognize(desk, 3.0, ["squat"] * 100 + [None] * 50 + ["clapping"] * 150)
    desk.trigger("events")
    table = desk.window.side_panel.events.table

    def left_edge(row: int) -> str:
        rect = table.visualRect(table.model().index(row, TIME))
        image = table.viewport().grab(rect).toImage()
        return image.pixelColor(1, image.height() // 2).name()

    desk.pipeline.update(position_s=5.0)
    desk.poll()
    settle()
    assert left_edge(0) == desk.live.themes.theme.accent
    assert left_edge(1) != desk.live.themes.theme.accent


def test_a_live_source_marks_what_goes_on(make_desk: MakeDesk) -> None:
    desk = make_desk(source=SourceSpec(SourceKind.CAMERA, "0", "Logitech C920"))
    recognize(desk, 3.0, ["squat"] * 100)
    model = desk.window.side_panel.events.model
    assert [row.going_on for row in model.rows] == [model.is_now(0)] == [True]
