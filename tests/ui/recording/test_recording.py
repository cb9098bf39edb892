"""Recording as a user meets it: the button, the last seconds, the notices, and the end."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from slowfast_live import settings as store
from slowfast_live.counting.live import LiveCounter
from slowfast_live.recording import replay as replays
from slowfast_live.recording.recorder import RecordingProgress
from slowfast_live.types import Frame, Level, SourceKind, SourceSpec
from slowfast_live.ui.commands.menu_bar import RECORDING
from slowfast_live.ui.controller.pipeline_poller import PipelinePoller
from slowfast_live.ui.panels import notice_bar
from slowfast_live.ui.recording.recording import RecordingControls, outcome
from slowfast_live.ui.style import formatting
from tests.export.videos import needs_ffmpeg, pictures, probe
from tests.ui.conftest import Desk

pytestmark = needs_ffmpeg
MakeDesk = Callable[..., Desk]


@pytest.fixture
def small(make_desk: MakeDesk, video: SourceSpec) -> Iterator[Desk]:
    """A window that plays small pictures."""
    desk = make_desk(source=video)
    desk.pipeline.size = (160, 96)
    yield desk


def recording(desk: Desk) -> RecordingControls:
    return desk.live.recording


def folder(desk: Desk) -> list[Path]:
    """The recordings that are complete."""
    return sorted(path for path in recording(desk).folder.glob("*.mp4") if ".part" not in path.name)


def deliver(desk: Desk, count: int, first: int = 0) -> None:
    for number in range(first, first + count):
        desk.pipeline.deliver(number / 30)


def message(desk: Desk) -> str:
    notice = desk.window.notice_bar.notice
    return notice.message if notice else ""


def keepers(desk: Desk) -> list[Callable[[Frame], None]]:
    """Who keeps frames: all watchers but the picture itself and the counter of repetitions."""
    others = (PipelinePoller, LiveCounter)
    return [watcher for watcher in desk.pipeline.watchers if not isinstance(watcher.__self__, others)]


def test_the_button_records_and_says_how_long(small: Desk) -> None:
    button = recording(small).button
    assert (button.text(), button.accessibleName()) == ("REC", "Record")
    small.trigger("record")
    deliver(small, 31)
    small.wait(lambda: button.text().startswith("00:01 · "))
    assert button.accessibleName().startswith("Stop recording, 00:01")
    assert small.window.actions_by_id["record"].text() == "Stop recording"
    button.click()
    small.wait(lambda: message(small).startswith("Recorded 00:01"))
    (path,) = folder(small)
    assert path.name.endswith(" clip.mp4")
    assert probe(path)["video"]["nb_frames"] == "31"
    assert button.text() == "REC"
    assert small.window.actions_by_id["record"].text() == "Record"
    assert keepers(small) == [recording(small)._replay.offer]  # type: ignore[union-attr]


def test_the_notice_shows_the_file_in_its_folder(small: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[Path] = []
    monkeypatch.setattr(notice_bar, "show_in_folder", shown.append)
    small.trigger("record")
    deliver(small, 3)
    small.trigger("record")
    small.wait(lambda: message(small).startswith("Recorded"))
    bar = small.window.notice_bar
    assert bar._show_file.isVisible()
    bar._show_file.click()
    assert shown == folder(small)


@pytest.mark.parametrize("overlay", [True, False])
def test_the_overlay_is_recorded_where_that_is_wanted(make_desk: MakeDesk, tmp_path: Path, overlay: bool) -> None:
    path = tmp_path / "settings.json"
    store.save(store.Settings(record_overlay=overlay), path)
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(b"video")
    desk = make_desk(source=SourceSpec(SourceKind.FILE, str(clip)))
    desk.pipeline.size = (320, 180)
    desk.trigger("record")
    deliver(desk, 5)
    desk.trigger("record")
    desk.wait(lambda: message(desk).startswith("Recorded"))
    image = pictures(folder(desk)[0], (320, 180))[2]
    whites = (image[-32:, 10:150].min(axis=2) > 215).sum()
    assert (whites > 20) == overlay


def test_another_source_ends_the_recording(small: Desk) -> None:
    small.trigger("record")
    deliver(small, 5)
    small.pipeline.open(SourceSpec(SourceKind.DEMO))
    small.poll()
    small.wait(lambda: message(small).startswith("Recorded"))
    assert len(folder(small)) == 1


def test_quitting_completes_the_recording(small: Desk) -> None:
    small.trigger("record")
    deliver(small, 20)
    small.window.close()
    (path,) = folder(small)
    assert probe(path)["video"]["nb_frames"] == "20"
    assert small.pipeline.watchers == []


def test_nothing_open_nothing_recorded(make_desk: MakeDesk) -> None:
    desk = make_desk()
    desk.pipeline.update(source=None, info=None)
    desk.poll()
    desk.trigger("record")
    assert "nothing to record" in message(desk)
    assert recording(desk).progress is None


def test_a_folder_that_cannot_be_is_said(small: Desk, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    small.live.memory.settings.recordings_folder = str(tmp_path / "file")
    small.trigger("record")
    assert "is no folder" in message(small)
    assert recording(small).progress is None


def test_the_last_seconds_are_saved_after_the_fact(small: Desk) -> None:
    for number in range(40):
        small.pipeline.deliver(number / 30)
        assert recording(small)._replay.settle(20)  # type: ignore[union-attr]
    small.trigger("save_last")
    small.wait(lambda: message(small).startswith("Saved the last 1 s"))
    (path,) = folder(small)
    assert probe(path)["video"]["nb_frames"] == "40"
    small.window.notice_bar.dismiss()
    assert not message(small).startswith("Saving")


def test_a_full_disk_is_said_where_the_last_seconds_are_saved(small: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise replays.ExportError("no room left", repr(errno.ENOSPC))

    monkeypatch.setattr(replays, "save", full)
    small.pipeline.deliver()
    assert recording(small)._replay.settle(20)  # type: ignore[union-attr]
    small.trigger("save_last")
    small.wait(lambda: message(small) == "no room left")
    assert small.window.notice_bar.notice.level is Level.ERROR  # type: ignore[union-attr]


def test_keeping_the_last_seconds_can_be_switched_off(small: Desk, tmp_path: Path) -> None:
    menu = small.window.menu.submenus[RECORDING]
    switch = next(action for action in menu.actions() if action.text().startswith("Keep the last"))
    assert switch.isChecked()
    switch.trigger()
    assert keepers(small) == []
    assert not small.window.actions_by_id["save_last"].isEnabled()
    small.window.close()
    assert store.load(tmp_path / "settings.json").settings.replay is False


def test_what_ended_by_itself_is_an_error_with_its_file(tmp_path: Path) -> None:
    error = replays.ExportError("The disk is full. The first 3 s are kept.")
    notice = outcome(RecordingProgress(running=False, path=tmp_path / "a.mp4", error=error))
    assert (notice.level, notice.message, notice.file) == (Level.ERROR, error.message, tmp_path / "a.mp4")


def test_what_was_left_out_is_said(tmp_path: Path) -> None:
    progress = RecordingProgress(61, 2_000_000, 12, running=False, path=tmp_path / "a.mp4")
    notice = outcome(progress)
    assert notice.level is Level.WARNING
    assert notice.message == "Recorded 01:01 as a.mp4 (2.0 MB). 12 pictures were dropped."
    assert outcome(replace(progress, dropped=0)).level is Level.INFO


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 kB"), (999_499, "999 kB"), (999_500, "1.0 MB"), (99_950_000, "100 MB"), (1_234_000_000, "1.2 GB")],
)
def test_sizes_in_words(count: int, text: str) -> None:
    assert formatting.size(count) == text
