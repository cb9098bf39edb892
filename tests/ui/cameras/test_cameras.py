"""Several sources in one window."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QMessageBox

from slowfast_live.core.history import History
from slowfast_live.rules.rule import Rule, RuleBook
from slowfast_live.sessions.store import SessionStore
from slowfast_live.types import Level, Notice, PipelineState, Readout, ReadoutState, SourceKind, SourceSpec
from slowfast_live.ui.cameras.arrangement import MAX_SOURCES, places
from slowfast_live.ui.cameras.cameras_app import CamerasApp, CameraServices, marks_of
from slowfast_live.ui.controller.options import AppOptions
from tests.ui.fakes import FakePipeline, FakeRegistry

SOURCES = [SourceSpec(SourceKind.CAMERA, str(number), f"Camera {number + 1}") for number in range(4)]


class Several:
    def __init__(self, live: CamerasApp, pipelines: list[FakePipeline], qtbot: Any) -> None:
        self.live, self.pipelines, self.qtbot = live, pipelines, qtbot
        self.window = live.window

    def wait(self, until: Callable[[], object]) -> None:
        self.qtbot.waitUntil(lambda: bool(until()), timeout=30_000)


@pytest.fixture
def several(qapp: QApplication, qtbot: Any, tmp_path: Path) -> Iterator[Several]:
    pipelines: list[FakePipeline] = []

    def pipeline(_history: History) -> FakePipeline:
        pipelines.append(FakePipeline())
        return pipelines[-1]

    options = AppOptions(settings_path=tmp_path / "settings.json", threshold=0.5)
    services = CameraServices(pipeline, FakeRegistry(), tmp_path, SessionStore(tmp_path / "sessions"))
    live = CamerasApp(qapp, SOURCES, options, services, "hall")
    live.start()
    found = Several(live, pipelines, qtbot)
    found.wait(lambda: all(any(call[0] == "use_model" for call in each.calls) for each in pipelines))
    yield found
    live.window.close()
    live.close()
    live.window.deleteLater()
    qapp.processEvents()


def test_each_source_has_a_tile_of_its_own(several: Several) -> None:
    assert several.window.windowTitle() == "hall – SlowFast Live"
    for number, pipeline in enumerate(several.pipelines):
        assert ("open", SOURCES[number]) in pipeline.calls and ("set_threshold", 0.5) in pipeline.calls
    shown = several.window.tiles[2]
    several.pipelines[2].deliver()
    several.wait(lambda: shown.canvas.frame is not None)
    assert several.window.tiles[1].canvas.frame is None
    several.wait(lambda: "predictions/s for 4 sources" in several.window._model.text())


def test_one_is_shown_large_with_its_events(several: Several) -> None:
    window = several.window
    tile = window.tiles[1]
    several.qtbot.mouseClick(tile.canvas, Qt.MouseButton.LeftButton)
    assert window.large == 1 and window._events.isVisible() and window._events.currentWidget() is tile.events
    several.wait(lambda: tile.canvas.width() > 1.8 * window.tiles[0].canvas.width())
    assert not tile.timeline.slim and window.tiles[0].timeline.slim
    window._back.click()
    assert window.large is None and not window._events.isVisible() and tile.timeline.slim


def test_a_notice_names_its_source(several: Several) -> None:
    several.window.tiles[3].notice.emit(Notice(Level.WARNING, "It does not answer."))
    notice = several.window.notice_bar.notice
    assert notice is not None and notice.message == "Camera 4: It does not answer."


def test_closing_stops_every_source(several: Several) -> None:
    several.window.close()
    assert all(("stop",) in pipeline.calls for pipeline in several.pipelines)


@pytest.mark.parametrize("count", range(1, MAX_SOURCES + 1))
@pytest.mark.parametrize("large", [None, 0, 4])
def test_tiles_never_overlap(count: int, large: int | None) -> None:
    cells = places(count, large if large is not None and large < count else None)
    taken = [
        (row, column)
        for cell in cells
        for row in range(cell.row, cell.row + cell.rows)
        for column in range(cell.column, cell.column + cell.columns)
    ]
    assert len(cells) == count and len(taken) == len(set(taken))


def test_a_camera_that_is_off_at_the_start_is_tried_again(several: Several) -> None:
    tile, pipeline = several.window.tiles[0], several.pipelines[0]
    tile.retry.setInterval(10)
    pipeline.update(state=PipelineState.FAILED, source_frames=0)
    several.wait(lambda: pipeline.calls.count(("open", SOURCES[0])) > 1)
    tile.retry.setInterval(100_000)  # no try comes between
    pipeline.update(state=PipelineState.RUNNING, source_frames=1)
    several.wait(lambda: not tile.retry.isActive())


def test_each_source_has_its_own_session(several: Several, tmp_path: Path) -> None:
    for number in (0, 2):
        several.pipelines[number].deliver()
    tiles = [several.window.tiles[number] for number in (0, 2)]
    several.wait(lambda: all(tile.keeper.current is not None and tile.keeper.current.id for tile in tiles))
    for tile, name in zip(tiles, ("at the door", "in the yard"), strict=True):
        tile.session_events.add(name, 1.0, 2.0)
    several.wait(lambda: not any(tile.keeper.unkept for tile in tiles))
    several.window.close()
    kept = [each.session for each in SessionStore(tmp_path / "sessions").sessions()]
    assert {session.source.name for session in kept} == {"Camera 1", "Camera 3"}
    added = {session.source.name: str(session.edits) for session in kept}
    assert "at the door" in added["Camera 1"] and "in the yard" in added["Camera 3"]


def test_edits_that_cannot_be_saved_hold_the_window_open(
    several: Several, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tile = several.window.tiles[1]
    several.pipelines[1].deliver()
    several.wait(lambda: tile.keeper.current is not None and tile.keeper.current.id)
    folder = tmp_path / "sessions"
    shutil.rmtree(folder, ignore_errors=True)
    folder.write_text("a file where the folder should be")
    tile.session_events.add("at the door", 1.0, 2.0)
    several.window.close()
    assert several.window.isVisible()
    (box,) = several.window.findChildren(QMessageBox)
    assert "Camera 2" in box.text()
    next(button for button in box.buttons() if "without" in button.text()).click()
    assert not several.window.isVisible() and ("stop",) in several.pipelines[0].calls


def test_rules_hold_for_every_source(several: Several) -> None:
    for pipeline in several.pipelines[:3]:
        pipeline.current_readout = Readout(ReadoutState.NO_PICTURE)
    alerts = several.live.rules.alerts
    alerts[0]._change(RuleBook(enabled=True, rules=(Rule("jumping jacks", threshold=0.5, hold_s=0.0, notify=True),)))
    assert all(len(each._watches) == 1 for each in alerts)
    several.wait(lambda: several.window.notice_bar.notice is not None)
    notice = several.window.notice_bar.notice
    assert notice is not None and notice.message.startswith("Camera 4: Rule: jumping jacks")


def test_people_are_followed_in_each_source_or_all(several: Several) -> None:
    tiles, pipelines = several.window.tiles, several.pipelines
    assert all(("use_people", "auto") in pipeline.calls for pipeline in pipelines), "as in the window of one"
    tiles[1].commands["people"].setChecked(False)
    assert pipelines[1].calls[-1] == ("use_people", "off")
    people = next(action for action in several.window.menu.actions() if action.text() == "Follow people")
    people.setChecked(False)
    assert all(("use_people", "off") in pipeline.calls for pipeline in pipelines)


def test_a_click_on_the_large_picture_follows_a_person(several: Several, monkeypatch: pytest.MonkeyPatch) -> None:
    tile = several.window.tiles[0]
    clicks: list[object] = []
    monkeypatch.setattr(tile.people, "click", clicks.append)
    several.qtbot.mouseClick(tile.canvas, Qt.MouseButton.LeftButton)
    assert several.window.large == 0 and not clicks
    several.qtbot.mouseClick(tile.canvas, Qt.MouseButton.LeftButton)
    assert several.window.large == 0 and len(clicks) == 1
    tile.commands["large"].trigger()
    assert several.window.large is None


def test_all_sources_are_recorded_into_files_of_their_own(several: Several, tmp_path: Path) -> None:
    for pipeline in several.pipelines:
        pipeline.deliver()
    several.wait(lambda: all(tile.poller.latest_status.info is not None for tile in several.window.tiles))
    several.live._record_all()
    recordings = [tile.recording for tile in several.window.tiles]
    assert all(recording.progress is not None for recording in recordings)
    for pipeline in several.pipelines:
        pipeline.deliver()
    paths = {recording.progress.path for recording in recordings if recording.progress is not None}
    several.live._record_all()
    several.wait(lambda: all(recording.progress is None for recording in recordings))
    assert len(paths) == 4 or len(list(tmp_path.glob("*.mp4"))) == 4


def test_sources_of_the_same_name_are_told_apart() -> None:
    assert marks_of(["stream", "door", "stream"]) == [" 1", "", " 2"]
