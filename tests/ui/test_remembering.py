"""A source is remembered once it gave a picture, a model or device once it ran; what failed is not."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtWidgets import QPushButton

from slowfast_live import settings as store
from slowfast_live.types import Level, Notice, PipelineState, SourceKind, SourceSpec, Topic
from tests.ui.conftest import Desk
from tests.ui.fakes import MODELS

MakeDesk = Callable[..., Desk]
DEAD = SourceSpec(SourceKind.STREAM, "rtsp://127.0.0.1:9/nothing")


def fail(desk: Desk, source: SourceSpec) -> None:
    """Let the source fail as a dead address does: nothing is shown."""
    desk.pipeline.current_frame = None
    desk.pipeline.update(
        state=PipelineState.FAILED, source=None, info=None, opening=False, source_frames=0, coverage=0.0
    )
    text = f"{source.name} cannot be opened."
    desk.pipeline.pending.append(Notice(Level.ERROR, text, topic=Topic.SOURCE))
    desk.poll()


def offered(desk: Desk) -> list[str]:
    buttons = desk.window.canvas.findChildren(QPushButton)
    return [button.text() for button in buttons if button.isVisible()]


def test_a_source_is_remembered_with_its_first_picture(desk: Desk, video: SourceSpec) -> None:
    settings = desk.live.memory.settings
    assert settings.last_source is None and settings.recent_files == []
    desk.show_picture()
    desk.poll()
    assert settings.last_source == video and settings.recent_files == [video.address]


def test_an_address_that_gives_no_picture_is_not_remembered(desk: Desk, video: SourceSpec) -> None:
    desk.show_picture()
    desk.poll()
    desk.live.controller.open_source(DEAD)
    fail(desk, DEAD)
    assert desk.live.memory.settings.last_source == video


def test_a_start_that_cannot_show_the_last_source_offers_ways_out(make_desk: MakeDesk, tmp_path: Path) -> None:
    store.save(store.Settings(last_source=DEAD), tmp_path / "settings.json")
    desk = make_desk()
    assert desk.pipeline.last("open") == (DEAD,)
    fail(desk, DEAD)
    assert offered(desk) == ["Try again", "Play the demo", "Open file…"]
    assert "rtsp://127.0.0.1:9/nothing cannot be shown" in desk.window.canvas.accessibleDescription()
    assert desk.window.side_panel.now.action_text == "no picture"
    button = next(b for b in desk.window.canvas.findChildren(QPushButton) if b.text() == "Try again")
    opened = len([call for call in desk.pipeline.calls if call[0] == "open"])
    button.click()
    assert [call for call in desk.pipeline.calls if call[0] == "open"][opened:] == [("open", DEAD)]
    fail(desk, DEAD)
    desk.trigger("open_demo")
    desk.poll()
    desk.show_picture()
    desk.poll()
    assert offered(desk) == []
    assert desk.window.notice_bar.notice is None, "the demo plays: that the stream is dead is no news any more"


def test_a_model_and_a_device_are_remembered_once_they_ran(desk: Desk) -> None:
    settings = desk.live.memory.settings
    desk.window.source_bar.model_chosen.emit("x3d_m")
    desk.window.source_bar.device_chosen.emit("AUTO")
    desk.poll()
    assert (settings.model, settings.device) == (None, None)
    desk.pipeline.predict()
    desk.poll()
    assert (settings.model, settings.device) == ("x3d_m", "AUTO")


def test_a_model_that_does_not_run_is_not_remembered(desk: Desk) -> None:
    settings = desk.live.memory.settings
    desk.pipeline.fail_model = True
    desk.window.source_bar.model_chosen.emit("x3d_m")
    desk.pipeline.predict()
    desk.poll()
    assert settings.model is None and desk.pipeline.status().model == MODELS[0].name


def test_the_title_names_the_source(desk: Desk) -> None:
    desk.poll()
    assert desk.window.windowTitle() == "clip.mp4 – SlowFast Live"
