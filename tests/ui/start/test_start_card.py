"""The first minute: the start card, the moving pictures, and advice when nothing is recognized."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QApplication

from slowfast_live.core.scene import Hindrance
from slowfast_live.inference.spec import Model, Registry
from slowfast_live.settings import Settings, load, save
from slowfast_live.tools.training.action_pictures import FPS, SIZE
from slowfast_live.types import Level, Notice, Readout, ReadoutState, SourceKind, SourceSpec, Topic
from slowfast_live.ui.start.action_gallery import picture_of
from slowfast_live.ui.start.advisor import AFTER_S
from tests.ui.conftest import Desk
from tests.ui.cut_text import cut_texts
from tests.ui.fakes import CAMERAS, MODELS, FakeCameras, FakeRegistry, make_spec

MakeDesk = Callable[..., Desk]
SIZES = [(720, 480), (900, 600), (1280, 800), (1920, 1080)]


def settle() -> None:
    for _ in range(4):
        QApplication.processEvents()


def test_the_first_start_shows_it_over_what_plays(make_desk: MakeDesk, tmp_path: object) -> None:
    desk = make_desk()
    card = desk.window.welcome.card
    assert card.isVisible()
    desk.show_picture()
    assert card.isVisible() and desk.window.canvas.frame is not None
    desk.qtbot.keyClick(card.buttons[0], Qt.Key.Key_Escape)
    assert not card.isVisible() and desk.live.memory.settings.welcomed
    desk.window.close()
    again = make_desk()
    assert not again.window.welcome.card.isVisible()
    again.trigger("start_card")
    assert again.window.welcome.card.isVisible(), "it comes back from Help"


def test_who_names_a_source_is_not_stopped(desk: Desk) -> None:
    assert not desk.window.welcome.card.isVisible()


def test_settings_of_an_older_version_show_it_once(make_desk: MakeDesk, tmp_path: object) -> None:
    save(Settings(), tmp_path / "settings.json")  # type: ignore[operator]
    assert make_desk().window.welcome.card.isVisible()
    assert load(tmp_path / "settings.json").settings.welcomed is False  # type: ignore[operator]


@pytest.mark.parametrize(
    ("number", "opened"), [(0, CAMERAS[0]), (2, SourceSpec(SourceKind.DEMO))], ids=["camera", "demo"]
)
def test_its_buttons_open_a_source(desk: Desk, number: int, opened: SourceSpec) -> None:
    desk.trigger("start_card")
    desk.window.welcome.card.buttons[number].click()
    assert not desk.window.welcome.card.isVisible()
    assert desk.pipeline.last("open") == (opened,)


def test_without_a_camera_it_says_so(make_desk: MakeDesk, video: SourceSpec) -> None:
    desk = make_desk(source=video, cameras=FakeCameras(()))
    desk.trigger("open_camera")
    notice = desk.window.notice_bar.notice
    assert notice is not None and "No camera" in notice.message and notice.level is Level.WARNING
    assert desk.window.notice_bar._command.text() == "Open file…"


def test_every_action_of_the_bundled_model_has_a_moving_picture(desk: Desk) -> None:
    bundled = next(model for model in Registry().scan()[0] if model.name.startswith("slowfast_demo"))
    gallery = desk.window.welcome.card.gallery
    gallery.show_labels(bundled.spec.actions)
    desk.trigger("start_card")
    desk.wait(lambda: gallery.moving == len(bundled.spec.actions) == 18)
    movie = gallery.movie("squat")
    assert movie is not None and movie.frameCount() > 2 * FPS
    assert sum(picture_of(label).stat().st_size for label in bundled.spec.actions) < 1_500_000  # type: ignore[union-attr]
    desk.window.welcome.card.close_card()
    assert gallery.moving == 0, "nothing is decoded unseen"
    assert SIZE[0] * 3 == SIZE[1] * 4


@pytest.mark.parametrize("size", SIZES)
def test_it_fits(desk: Desk, size: tuple[int, int]) -> None:
    desk.window.resize(*size)
    desk.trigger("start_card")
    settle()
    card = desk.window.welcome.card
    assert card.rect().contains(card.panel.geometry())
    assert [text for text in cut_texts(desk.window) if "Scores" not in text] == []


def test_a_click_beside_it_closes_it(desk: Desk) -> None:
    desk.window.resize(1280, 800)
    desk.trigger("start_card")
    settle()
    desk.qtbot.mouseClick(desk.window.welcome.card.panel, Qt.MouseButton.LeftButton, pos=QPoint(20, 20))
    assert desk.window.welcome.card.isVisible()
    desk.qtbot.mouseClick(desk.window.welcome.card, Qt.MouseButton.LeftButton, pos=QPoint(5, 5))
    assert not desk.window.welcome.card.isVisible()


def test_tab_stays_in_it(desk: Desk) -> None:
    desk.trigger("start_card")
    settle()
    card, seen = desk.window.welcome.card, []
    for _ in range(12):
        focused = desk.window.focusWidget()
        assert focused is not None and card.isAncestorOf(focused)
        seen.append(focused)
        desk.qtbot.keyClick(focused, Qt.Key.Key_Tab)
    assert {*card.buttons, card.more} <= set(seen)


def test_many_actions_are_names_that_can_be_searched(make_desk: MakeDesk, video: SourceSpec) -> None:
    labels = tuple(f"doing thing {k}" for k in range(400))
    model = Model(MODELS[0].folder, make_spec(labels=labels))
    desk = make_desk(source=video, registry=FakeRegistry((model,)))
    desk.trigger("start_card")
    card = desk.window.welcome.card
    assert card.search.isVisible() and len(card.gallery.labels()) == 400 and not card.gallery.pictured
    card.search.setText("thing 39")
    assert card.gallery.labels()[0] == "doing thing 39" and len(card.gallery.labels()) == 11


# Advice


class Clock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def search(desk: Desk, seconds: float = 12.0, luma: float = 0.1) -> None:
    """Nothing is recognized in dark pictures for a while."""
    clock = Clock()
    desk.window.welcome.advisor._clock_s = clock
    desk.pipeline.current_readout = Readout(ReadoutState.NO_CONFIDENT_ACTION, None, 0.2, (("squat", 0.2),))
    desk.poll()
    for k in range(int(seconds * 4)):
        clock.now_s = k / 4
        frame = desk.pipeline.deliver(k / 4)
        desk.window.welcome.advisor.see(replace(frame, image=(frame.image * luma).astype("uint8")))
        if k % 4 == 0:
            desk.poll()


def advice(desk: Desk) -> Notice | None:
    found = [notice for notice in desk.window.notice_bar._waiting if notice.topic is Topic.ADVICE]
    return found[0] if found else None


def test_advice_fits_and_offers_the_ways_on(desk: Desk) -> None:
    desk.window.resize(900, 600)
    search(desk, AFTER_S - 2)
    assert advice(desk) is None
    search(desk)
    notice = advice(desk)
    assert notice is not None and "dark" in notice.message
    bar = desk.window.notice_bar
    assert bar._command.text() == "What can it recognize?" and not bar._timer.isActive()
    settle()
    assert cut_texts(desk.window) == []
    bar._command.click()
    assert desk.window.welcome.card.isVisible()


def test_advice_goes_when_something_is_recognized(desk: Desk) -> None:
    search(desk)
    desk.pipeline.current_readout = Readout(ReadoutState.ACTION, "squat", 0.8, (("squat", 0.8),))
    desk.poll()
    assert advice(desk) is None


def test_advice_is_given_once(desk: Desk) -> None:
    search(desk)
    desk.window.notice_bar.dismiss()
    search(desk)
    assert advice(desk) is None


def test_other_actions_are_named_by_number(desk: Desk) -> None:
    desk.window.welcome.advisor._scene.judge = lambda: Hindrance.NOT_KNOWN
    search(desk)
    notice = advice(desk)
    assert notice is not None and f"the {len(MODELS[0].spec.actions)} actions" in notice.message


def test_a_paused_file_is_not_judged(desk: Desk) -> None:
    desk.pipeline.update(paused=True)
    search(desk)
    assert advice(desk) is None
