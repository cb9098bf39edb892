"""A person detector by one button in the real window; the program behind it is a stand-in."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt

from slowfast_live import paths
from slowfast_live.people.now import MOTION, PeopleNow
from slowfast_live.tools.convert.detector_catalogue import DETECTOR, DETECTORS, NAMES, folder_name
from slowfast_live.types import Level, Topic
from slowfast_live.ui.people.detector_dialog import DetectorDialog
from slowfast_live.ui.people.detector_setup import OFFERS, RECOMMENDED
from tests.ui.conftest import Desk
from tests.ui.people import fake_detector_build

MakeBench = Callable[[str], Desk]


@pytest.fixture
def make_bench(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MakeBench:
    """A window without a detector, whose page is open."""
    found = tmp_path / "detectors"
    monkeypatch.setattr(paths, "model_folders", lambda: (found,))
    setup = desk.window.dialogs.detectors

    def make(kind: str) -> Desk:
        program = (sys.executable, fake_detector_build.__file__, kind)
        setup._tools = dataclasses.replace(setup._tools, program=program)
        setup._output = found
        desk.pipeline.current_people = PeopleNow(detector="Motion")
        desk.trigger("person_detector")
        desk.wait(lambda: page(desk).choices)
        return desk

    return make


def page(desk: Desk) -> DetectorDialog:
    dialog = desk.window.dialogs.detector
    assert dialog is not None
    return dialog


def press(desk: Desk, button: object) -> None:
    desk.qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def test_the_offers_are_those_of_the_build_program() -> None:
    assert NAMES[DETECTOR] == RECOMMENDED == OFFERS[0].name
    for offer in OFFERS:
        entry = DETECTORS[offer.name]
        assert offer.title == entry.title and offer.folder == folder_name(entry.name)
        stated = sum(file.size for file in entry.files) / 1e6
        assert stated <= offer.size_mb + 0.05, "the description of a network adds to its weights"


def test_one_click_gets_the_recommended_detector_and_uses_it(make_bench: MakeBench) -> None:
    desk = make_bench("well")
    assert page(desk).chosen == RECOMMENDED and page(desk).start.text() == "Get it"
    press(desk, page(desk).start)
    desk.wait(lambda: page(desk).says.text() == "People are found by YOLOX_NANO now.")
    assert ("use_people", "person_detector-yolox_nano") in desk.pipeline.calls
    settings = desk.live.controller.memory.settings
    assert settings.people and settings.detector == "person_detector-yolox_nano"
    desk.wait(lambda: "person_detector-yolox_nano" in page(desk).choices)
    assert "in use" in page(desk).choices["person_detector-yolox_nano"].text()
    page(desk).choices[MOTION].click()
    press(desk, page(desk).start)
    assert desk.pipeline.calls[-1] == ("use_people", MOTION)


def test_a_file_does_without_the_internet(make_bench: MakeBench, tmp_path: Path) -> None:
    desk = make_bench("well")
    page(desk).begin(tmp_path / "mine.onnx")
    desk.wait(lambda: ("use_people", "person_detector-mine") in desk.pipeline.calls)


def test_a_failure_is_said_and_can_be_tried_again(make_bench: MakeBench) -> None:
    desk = make_bench("fails")
    press(desk, page(desk).start)
    desk.wait(lambda: page(desk).says.text() == "The server does not answer. Try again later.")
    assert page(desk).start.text() == "Try again" and page(desk).start.isVisible()
    assert not any(call[0] == "use_people" and "yolox" in call[1] for call in desk.pipeline.calls)
    page(desk).close()
    press(desk, page(desk).start)
    desk.window.dialogs.detectors.start(RECOMMENDED)
    desk.wait(lambda: desk.window.notice_bar.notice is not None)
    notice = desk.window.notice_bar.notice
    assert notice is not None and (notice.level, notice.command) == (Level.ERROR, "person_detector")


def test_it_can_be_cancelled(make_bench: MakeBench) -> None:
    desk = make_bench("hangs")
    press(desk, page(desk).start)
    desk.wait(lambda: page(desk).bar.value() > 0)
    assert page(desk).stop.isVisible() and not page(desk).choices[RECOMMENDED].isEnabled()
    press(desk, page(desk).stop)
    desk.wait(lambda: page(desk).says.text().startswith("Canceled"))


def test_switching_people_on_without_a_detector_offers_one(make_bench: MakeBench) -> None:
    desk = make_bench("well")
    page(desk).close()
    for _ in range(2):
        desk.trigger("people")
    desk.wait(lambda: desk.window.notice_bar.notice is not None)
    notice = desk.window.notice_bar.notice
    assert notice is not None and notice.topic is Topic.PEOPLE and notice.command == "person_detector"


def test_the_model_manager_leads_to_it(make_bench: MakeBench) -> None:
    desk = make_bench("well")
    page(desk).close()
    desk.trigger("models")
    manager = desk.window.dialogs.manager
    assert manager is not None
    press(desk, manager.person_detector)
    assert page(desk).isVisible()
