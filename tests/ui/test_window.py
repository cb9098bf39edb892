"""The window as a user meets it, on a fake pipeline."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent, QImage
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSlider,
    QAbstractSpinBox,
    QComboBox,
    QInputDialog,
    QLineEdit,
    QListView,
    QPlainTextEdit,
    QScrollBar,
    QWidget,
)

from slowfast_live import settings as store
from slowfast_live.types import Level, Notice, PipelineState, Readout, ReadoutState, SourceKind, SourceSpec
from slowfast_live.ui.commands.commands import COMMANDS, key_text
from slowfast_live.ui.commands.help_sheet import HelpSheet
from slowfast_live.ui.commands.menu_bar import THEME
from slowfast_live.ui.controller.protocols import SessionFacts
from tests.ui.conftest import Desk
from tests.ui.fakes import ACTION, CAMERAS, DEVICES, LABELS, MODELS, TOP, FakeCameras, FakeRegistry

MakeDesk = Callable[..., Desk]
CONTROLS = (
    QAbstractButton,
    QAbstractSlider,
    QAbstractSpinBox,
    QComboBox,
    QLineEdit,
    QListView,
    QPlainTextEdit,
)


def controls(window: QWidget) -> list[QWidget]:
    """Everything that can take the focus by Tab, in tab order."""
    found, widget = [], window.nextInFocusChain()
    while widget is not window:
        if widget.focusPolicy() & Qt.FocusPolicy.TabFocus and widget.focusProxy() is None:
            found.append(widget)
        widget = widget.nextInFocusChain()
    return found


# Start


def test_the_window_opens_before_anything_else(make_desk: MakeDesk) -> None:
    desk = make_desk()
    assert desk.window.isVisible()
    assert desk.pipeline.last("open") == (CAMERAS[0],)
    assert desk.pipeline.last("use_model") == (MODELS[0], "CPU")


def test_options_win_over_settings_and_are_not_saved(make_desk: MakeDesk, video: SourceSpec, tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    store.save(store.Settings(model="tiny", mirror=False, device="AUTO", threshold=0.2), path)
    desk = make_desk(source=video, model="x3d_m", device="CPU", mirror=True, loop=True, threshold=0.7)
    assert desk.pipeline.last("use_model") == (MODELS[1], "CPU")
    assert desk.pipeline.last("set_mirror") == (True,)
    assert desk.pipeline.last("set_loop") == (True,)
    assert desk.pipeline.last("set_threshold") == (0.7,)
    assert desk.window.actions_by_id["mirror"].isChecked()
    desk.window.close()
    saved = store.load(path).settings
    assert (saved.mirror, saved.threshold, saved.model) == (False, 0.2, "tiny")


def test_settings_are_remembered(make_desk: MakeDesk, video: SourceSpec, tmp_path: Path) -> None:
    desk = make_desk(source=video)
    desk.trigger("mirror")
    desk.trigger("side_panel")
    desk.trigger("fold_actions")
    desk.window.source_bar.model_chosen.emit("x3d_m")
    desk.window.source_bar.device_chosen.emit("AUTO")
    desk.show_picture()
    desk.pipeline.predict()
    desk.poll()
    desk.window.resize(780, 520)
    desk.window.close()
    saved = store.load(tmp_path / "settings.json").settings
    assert saved.last_source == video and saved.recent_files == [video.address]
    assert (saved.mirror, saved.side_panel, saved.model, saved.device) == (True, False, "x3d_m", "AUTO")
    assert set(saved.folded) == {"actions", "live"}
    again = make_desk()
    assert again.pipeline.last("open") == (video,)
    assert again.pipeline.last("use_model") == (MODELS[1], "AUTO")
    assert not again.window.side_panel.isVisible()
    assert (again.window.width(), again.window.height()) == (780, 520)


def test_no_camera_plays_the_demo(make_desk: MakeDesk) -> None:
    desk = make_desk(cameras=FakeCameras(()))
    assert desk.pipeline.last("open") == (SourceSpec(SourceKind.DEMO),)
    notice = desk.window.notice_bar.notice
    assert notice is not None and notice.message == "No camera found. Playing the demo."


def test_cameras_that_are_still_listed_are_waited_for(make_desk: MakeDesk) -> None:
    desk = make_desk(cameras=FakeCameras((), version=0))
    assert desk.pipeline.last("open") is None
    desk.cameras.plug(CAMERAS[1])
    desk.poll()
    assert desk.pipeline.last("open") == (CAMERAS[1],)


def test_damaged_settings_are_told(make_desk: MakeDesk, tmp_path: Path) -> None:
    (tmp_path / "settings.json").write_text("{")
    notice = make_desk().window.notice_bar.notice
    assert notice is not None and notice.level is Level.WARNING and "settings.json.bad" in notice.message


def test_no_model_says_how_to_get_one(make_desk: MakeDesk, video: SourceSpec) -> None:
    desk = make_desk(source=video, registry=FakeRegistry(()))
    notice = desk.window.notice_bar.notice
    assert notice is not None and "slowfast-live models build" in notice.message
    assert desk.pipeline.last("use_model") is None
    assert desk.window.source_bar.models.currentText() == "No model"
    assert any("slowfast-live models build" in text for text in desk.window.side_panel.card.texts())


def test_a_model_built_meanwhile_is_found_when_the_user_comes_back(make_desk: MakeDesk, video: SourceSpec) -> None:
    registry = FakeRegistry(())
    desk = make_desk(source=video, registry=registry)
    registry._fake = MODELS
    desk.live.controller.scan_models_again()
    desk.wait(lambda: desk.pipeline.last("use_model") == (MODELS[0], "CPU"))
    desk.poll()
    assert desk.window.source_bar.models.currentText() == "SlowFast R50 8x8 · INT8"
    assert desk.window.notice_bar.notice is None, "what is no longer true is taken back"
    desk.live.controller.scan_models_again()
    assert not desk.live.background.busy, "with a model at hand there is nothing to look for"


def test_an_unknown_model_is_told_and_another_runs(make_desk: MakeDesk, video: SourceSpec) -> None:
    desk = make_desk(source=video, model="nonesuch")
    notice = desk.window.notice_bar.notice
    assert notice is not None and "nonesuch" in notice.message
    assert desk.pipeline.last("use_model") == (MODELS[0], "CPU")


# Picture


def test_pictures_are_shown_and_counted(desk: Desk) -> None:
    for _ in range(3):
        desk.show_picture()
    assert desk.window.shown_frames == 3
    assert desk.window.canvas.frame is desk.pipeline.current_frame
    assert desk.window.display_fps > 0


def test_the_picture_keeps_its_aspect_between_bars_of_the_theme(desk: Desk) -> None:
    desk.live.themes.set_mode("light")
    desk.window.actions_by_id["overlay_bars"].setChecked(False)
    desk.pipeline.deliver(image=np.full((400, 100, 3), (10, 200, 30), np.uint8))
    desk.wait(lambda: desk.window.canvas.frame is not None)
    canvas = desk.window.canvas
    rect = canvas.picture_rect()
    assert rect.height() == canvas.height()
    assert rect.width() / rect.height() == pytest.approx(1 / 4, abs=0.01)
    image = canvas.grab().toImage()
    assert image.pixelColor(2, image.height() // 2).name() == desk.live.themes.theme.letterbox
    assert image.pixelColor(image.width() // 2, 4).getRgb()[:3] == (30, 200, 10)  # type: ignore[index]


def test_resizing_asks_for_pictures_of_the_new_size(desk: Desk) -> None:
    desk.show_picture()
    asked: list[tuple[int, int]] = []
    desk.window.canvas.target_changed.connect(lambda w, h: asked.append((w, h)))
    desk.window.resize(1000, 700)
    desk.wait(lambda: asked)
    desk.wait(lambda: desk.window.canvas._image is not None and desk.window.canvas._image.width() == asked[-1][0])


def test_double_click_fills_the_screen_with_picture_only(desk: Desk) -> None:
    window = desk.window
    desk.qtbot.mouseDClick(window.canvas, Qt.MouseButton.LeftButton)
    assert window.isFullScreen()
    assert not any(p.isVisible() for p in (window.source_bar, window.side_panel, window.transport, window.notice_bar))
    window.canvas._pointer.timeout.emit()
    assert window.canvas.cursor().shape() is Qt.CursorShape.BlankCursor
    desk.qtbot.mouseMove(window.canvas, QPoint(30, 30))
    desk.wait(lambda: window.canvas.cursor().shape() is Qt.CursorShape.ArrowCursor)
    window.notice_bar.show_notice(Notice(Level.ERROR, "later"))
    assert not window.notice_bar.isVisible()
    desk.qtbot.keyClick(window, Qt.Key.Key_Escape)
    desk.wait(lambda: not window.isFullScreen())
    assert not window.canvas.hasMouseTracking()
    assert all(p.isVisible() for p in (window.source_bar, window.side_panel, window.transport, window.notice_bar))


def test_the_overlay_is_not_drawn_again_for_the_same_words(desk: Desk) -> None:
    desk.show_picture()
    desk.poll()
    desk.show_picture()
    drawn = desk.window.canvas.overlays_drawn
    for _ in range(5):
        desk.show_picture()
        desk.poll()
    assert desk.window.canvas.overlays_drawn == drawn


def test_a_new_label_is_shown_with_its_prediction(desk: Desk) -> None:
    desk.pipeline.current_readout = Readout(ReadoutState.ACTION, "squat", 0.8, (("squat", 0.8),))
    desk.pipeline.predict()
    desk.live.poller.present()
    assert desk.window.canvas.overlay.headline == "squat"
    assert desk.window.side_panel.now.action_text == "squat"


def test_a_failed_source_gives_calm_words(desk: Desk) -> None:
    desk.show_picture()
    desk.pipeline.update(state=PipelineState.FAILED, info=None)
    desk.pipeline.pending.append(
        Notice(Level.ERROR, "clip.mp4 is no video. Choose another file.", "moov atom not found")
    )
    desk.poll()
    assert desk.window.canvas.frame is None
    assert "clip.mp4 cannot be shown" in desk.window.canvas.accessibleDescription()
    assert desk.window.notice_bar.isVisible()


# Sources


def test_dropdown_of_sources(desk: Desk, video: SourceSpec) -> None:
    box = desk.window.source_bar.sources
    assert box.currentText() == "clip.mp4"
    texts = [box.itemText(row) for row in range(box.count()) if box.itemText(row)]
    assert texts == [
        "Camera: Logitech C920",
        "Camera: Integrated Webcam",
        "clip.mp4",
        "Demo clip",
        "Open file…",
        "Open folder of images…",
        "Open stream URL…",
        "Watch the screen…",
    ]
    box.activated.emit(texts.index("Camera: Integrated Webcam"))
    assert desk.pipeline.last("open") == (CAMERAS[1],)
    desk.poll()
    assert box.currentText() == "Camera: Integrated Webcam"


def test_things_to_do_do_not_stay_chosen(desk: Desk) -> None:
    bar = desk.window.source_bar
    with desk.qtbot.waitSignal(bar.url_wanted, timeout=20_000):
        row = bar.sources.findText("Open stream URL…")
        bar.sources.setCurrentIndex(row)
        bar.sources.activated.emit(row)
    assert bar.sources.currentText() == "clip.mp4"
    assert isinstance(desk.window.source_dialogs.current, QInputDialog)
    desk.window.source_dialogs.current.setTextValue("rtsp://me:secret@cam/1")
    desk.window.source_dialogs.current.accept()
    assert desk.pipeline.last("open") == (SourceSpec(SourceKind.STREAM, "rtsp://me:secret@cam/1", "rtsp://cam/1"),)
    desk.poll()
    assert bar.sources.currentText() == "Stream: rtsp://cam/1"


def test_a_camera_plugged_in_appears(desk: Desk) -> None:
    desk.cameras.plug(*CAMERAS, SourceSpec(SourceKind.CAMERA, "2", "Document Camera"))
    desk.poll()
    box = desk.window.source_bar.sources
    assert box.findText("Camera: Document Camera") >= 0
    assert box.currentText() == "clip.mp4"
    desk.cameras.plug()
    desk.poll()
    row = box.findText("No camera found")
    assert row >= 0 and not box.model().flags(box.model().index(row, 0)) & Qt.ItemFlag.ItemIsEnabled


def test_a_recent_file_that_is_gone_is_told_and_forgotten(desk: Desk, video: SourceSpec) -> None:
    desk.show_picture()
    desk.poll()
    Path(video.address).unlink()
    opened = len(desk.pipeline.calls)
    desk.window.menu.recent_menu.aboutToShow.emit()
    desk.window.menu.recent_menu.actions()[0].trigger()
    assert len(desk.pipeline.calls) == opened
    notice = desk.window.notice_bar.notice
    assert notice is not None and "no longer exists" in notice.message and video.address in notice.message
    assert desk.live.memory.settings.recent_files == []
    desk.window.menu.recent_menu.aboutToShow.emit()
    assert [a.text() for a in desk.window.menu.recent_menu.actions()] == ["None yet"]


def test_dropping(desk: Desk, tmp_path: Path) -> None:
    other = tmp_path / "ümlaut film.mkv"
    other.write_bytes(b"v")

    def drop(data: QMimeData) -> bool:
        event = QDropEvent(
            QPointF(50, 50),
            Qt.DropAction.CopyAction,
            data,
            Qt.MouseButton.LeftButton,
            Qt.KeyboardModifier.NoModifier,
        )
        event.ignore()
        desk.window.dropEvent(event)
        return event.isAccepted()

    files = QMimeData()
    files.setUrls([QUrl.fromLocalFile(str(other))])
    assert drop(files)
    assert desk.pipeline.last("open") == (SourceSpec(SourceKind.FILE, str(other)),)
    text = QMimeData()
    text.setText("rtsp://cam/2")
    assert drop(text)
    assert desk.pipeline.last("open") == (SourceSpec(SourceKind.STREAM, "rtsp://cam/2"),)
    nonsense = QMimeData()
    nonsense.setText("lunch at noon")
    assert not drop(nonsense)


def test_nonsense_typed_as_url_is_told(desk: Desk) -> None:
    desk.live.controller.open_text("hello there")
    notice = desk.window.notice_bar.notice
    assert notice is not None and "hello there" in notice.message and "rtsp://" in notice.message


def test_camera_size(make_desk: MakeDesk) -> None:
    desk = make_desk()
    desk.live.controller.set_camera_size((1280, 720))
    opened = desk.pipeline.last("open")
    assert opened is not None and opened[0].size == (1280, 720)
    desk.live.controller.set_camera_size(None)
    opened = desk.pipeline.last("open")
    assert opened is not None and opened[0].size is None


# Models and devices


def test_model_dropdown_shows_the_choice_then_the_truth(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    box = desk.window.source_bar.models
    assert box.currentText() == "SlowFast R50 8x8 · INT8"
    assert "untrained" in box.itemText(2)
    desk.pipeline.fail_model = True
    box.setCurrentIndex(1)
    box.activated.emit(1)
    assert desk.pipeline.last("use_model") == (MODELS[1], None)
    desk.pipeline.update(switching="Compiling X3D-M for CPU")
    desk.poll()
    assert box.currentText() == "X3D-M · FP32"
    assert desk.window.source_bar._busy.isVisible()
    assert desk.window.source_bar._busy_text.whole_text == "Compiling X3D-M for CPU"
    monkeypatch.setattr("slowfast_live.ui.panels.source_bar._GRACE_S", -1.0)
    desk.pipeline.update(switching="")
    desk.poll()
    assert box.currentText() == "SlowFast R50 8x8 · INT8", "it failed: the old one goes on"
    assert not desk.window.source_bar._busy.isVisible()


def test_the_running_model_fills_card_list_and_threshold(desk: Desk) -> None:
    texts = "\n".join(desk.window.side_panel.card.texts())
    for part in (
        "77 % right at first guess (top-1) on Kinetics-400, published",
        "71 %",
        "measured",
        "Apache-2.0",
        "INT8",
        "34.57",
    ):
        assert part in texts
    assert desk.window.side_panel.actions_known.visible_labels() == sorted(LABELS, key=str.casefold)
    desk.pipeline.use_model(None)
    desk.poll()
    assert desk.window.side_panel.actions_known.visible_labels() == []


def test_searching_the_actions(desk: Desk) -> None:
    desk.trigger("find_action")
    known = desk.window.side_panel.actions_known
    assert desk.window.focusWidget() is known._search
    desk.qtbot.keyClicks(known._search, "AMERICAN")
    assert known.visible_labels() == ["passing American football (not in game)"]
    known.search("nothing like it")
    assert known.visible_labels() == [] and "does not know" in known._count.text()


def test_absent_devices_are_shown_disabled_with_a_reason(desk: Desk) -> None:
    box = desk.window.source_bar.devices
    assert box.currentText() == "CPU · AMD EPYC 9V74 80-Core Processor"
    for row, device in enumerate(DEVICES):
        flags = box.model().flags(box.model().index(row, 0))
        assert bool(flags & Qt.ItemFlag.ItemIsEnabled) == device.available
        if not device.available:
            assert box.itemData(row, Qt.ItemDataRole.ToolTipRole) == device.reason
    box.activated.emit(1)
    assert desk.pipeline.last("use_device") == ("AUTO",)


# Playing


def test_play_and_pause(desk: Desk) -> None:
    desk.trigger("play_pause")
    assert desk.pipeline.last("pause") == ()
    desk.poll()
    assert desk.window.canvas.overlay.badge == "Paused"
    desk.trigger("play_pause")
    assert desk.pipeline.last("play") == ()
    desk.pipeline.update(ended=True)
    desk.trigger("play_pause")
    assert desk.pipeline.calls[-1] == ("play",)


def test_space_presses_a_focused_button_and_else_plays(desk: Desk) -> None:
    desk.window.activateWindow()
    desk.window.canvas.setFocus()
    desk.qtbot.keyClick(desk.window.canvas, Qt.Key.Key_Space)
    assert desk.pipeline.last("pause") == ()
    calls = len(desk.pipeline.calls)
    section = desk.window.side_panel.sections["now"]
    section._button.setFocus()
    desk.qtbot.keyClick(section._button, Qt.Key.Key_Space)
    assert not section.body.isVisible()
    assert len(desk.pipeline.calls) == calls


def test_steps_jumps_and_speed(desk: Desk) -> None:
    desk.pipeline.update(position_s=10.0)
    for command, call in (
        ("step_forward", ("step", 1)),
        ("step_back", ("step", -1)),
        ("forward", ("seek", 15.0, False)),
        ("back", ("seek", 10.0, False)),
        ("faster", ("set_speed", 1.25)),
        ("slower", ("set_speed", 1.0)),
    ):
        desk.trigger(command)
        assert desk.pipeline.calls[-1] == call
    desk.trigger("loop")
    assert desk.pipeline.calls[-1] == ("set_loop", True)


def test_a_live_source_has_no_transport(make_desk: MakeDesk) -> None:
    desk = make_desk()
    assert desk.window.transport._live.isVisible()
    assert not desk.window.transport._play.isVisible()
    calls = list(desk.pipeline.calls)
    for command in ("play_pause", "step_forward", "forward", "faster"):
        desk.trigger(command)
    assert desk.pipeline.calls == calls


# Decision


def test_threshold(desk: Desk) -> None:
    now = desk.window.side_panel.now
    assert now._spin.text() == "35 %" and now._note.text() == "recommended by the model"
    assert not now._reset.isEnabled()
    now._slider.setValue(60)
    assert desk.pipeline.last("set_threshold") == (0.6,)
    assert now._spin.text() == "60 %"
    desk.trigger("lower")
    assert desk.pipeline.last("set_threshold") == (0.55,)
    assert now._note.text() == "recommended: 35 %"
    desk.pipeline.use_model(MODELS[1])
    desk.poll()
    assert now._spin.text() == "55 %", "a choice outlives a switch of the model"
    desk.trigger("recommended")
    assert desk.pipeline.last("set_threshold") == (None,)
    assert desk.live.memory.settings.threshold is None
    assert now._spin.text() == "35 %"


def test_states_in_the_panel(desk: Desk) -> None:
    said = set()
    for state in ReadoutState:
        desk.pipeline.current_readout = Readout(state, "squat", 0.5, TOP)
        desk.poll()
        said.add(desk.window.side_panel.now.action_text)
        named = desk.window.side_panel.now._action.accessibleName()
        assert named == f"Current action: {desk.window.side_panel.now.action_text}"
    assert len(said) == len(ReadoutState)
    assert "untrained model: scores are meaningless" in said


def test_live_numbers_and_the_plot(desk: Desk) -> None:
    desk.show_picture()
    desk.pipeline.predict()
    desk.pipeline.update(frames_dropped=60, source_dropped=7)
    for _ in range(3):  # the numbers are told every third time
        desk.poll()
    live = desk.window.side_panel.live
    assert live.value("latency") == "96 ms" and live.value("dropped") == "7"
    assert live.value("source") == "30 fps" and live.value("size") == "1280 × 720 · h264"
    assert live.plot.readings == (96.0,)


# Notices


def test_notices_queue_by_weight(desk: Desk) -> None:
    bar = desk.window.notice_bar
    desk.pipeline.pending += [
        Notice(Level.ERROR, "bad", "trace"),
        Notice(Level.INFO, "fyi"),
        Notice(Level.ERROR, "worse"),
        Notice(Level.ERROR, "bad", "trace 2"),
    ]
    desk.poll()
    assert bar.isVisible() and bar.notice is not None
    assert (bar.notice.message, bar.notice.details) == ("bad", "trace 2")
    assert not bar._details.isVisible()
    bar._details_button.click()
    assert bar._details.isVisible() and bar._details.toPlainText() == "trace 2"
    desk.trigger("dismiss")
    assert bar.notice.message == "worse" and not bar._details.isVisible()
    assert not bar._details_button.isVisible()
    bar._close.click()
    assert bar.notice.message == "fyi"
    assert bar._timer.isActive(), "a note goes by itself"
    bar.dismiss()
    assert bar.notice is None and not bar.isVisible()


def test_notices_are_bounded(desk: Desk) -> None:
    for number in range(100):
        desk.window.notice_bar.show_notice(Notice(Level.ERROR, f"error {number}"))
    assert len(desk.window.notice_bar._waiting) == 20
    assert desk.window.notice_bar.notice == Notice(Level.ERROR, "error 99")


# Snapshot


def test_a_snapshot_is_the_picture_with_its_overlay(desk: Desk, tmp_path: Path) -> None:
    desk.show_picture()
    desk.poll()
    desk.trigger("snapshot")
    desk.wait(lambda: desk.window.notice_bar.notice is not None)
    files = list((tmp_path / "pictures").iterdir())
    assert len(files) == 1 and files[0].suffix == ".png"
    assert str(files[0]) in desk.window.notice_bar.notice.message  # type: ignore[union-attr]
    saved = cv2.imdecode(np.fromfile(files[0], np.uint8), cv2.IMREAD_COLOR)
    frame = desk.pipeline.current_frame
    assert saved is not None and frame is not None
    assert abs(saved.shape[1] - 1280) <= 2 and abs(saved.shape[0] - 720) <= 2
    part = cv2.resize(saved, (1280, 720))
    assert np.abs(part[:200].astype(int) - frame.image[:200]).mean() < 3, "above the overlay: the frame itself"
    assert np.abs(part[500:, :400].astype(int) - frame.image[500:, :400]).mean() > 5, "below: the overlay"


def test_two_snapshots_in_a_second_do_not_meet(desk: Desk, tmp_path: Path) -> None:
    desk.show_picture()
    desk.trigger("snapshot")
    desk.trigger("snapshot")
    desk.wait(lambda: not desk.live.background.busy)
    assert len(list((tmp_path / "pictures").glob("*.png"))) == 2


def test_a_snapshot_that_cannot_be_saved_is_told(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "pictures").write_bytes(b"in the way")
    desk.show_picture()
    desk.trigger("snapshot")
    desk.wait(lambda: desk.window.notice_bar.notice is not None)
    notice = desk.window.notice_bar.notice
    assert notice is not None and notice.level is Level.ERROR and "pictures" in notice.message


# Keys, names, themes


def test_shortcuts_are_distinct() -> None:
    keys = [key for command in COMMANDS for key in command.keys]
    assert len(keys) == len(set(keys))
    assert all(command.tip and (command.keys or command.text) for command in COMMANDS)


def test_every_command_does_something(desk: Desk) -> None:
    for command in COMMANDS:
        action = desk.window.actions_by_id[command.id]
        signal = "2toggled(bool)" if command.checkable else "2triggered(bool)"
        assert action.receivers(signal) > 0, command.id
        assert key_text(command.id) in action.toolTip()


def test_every_control_can_be_reached_and_names_itself(desk: Desk) -> None:
    desk.window.notice_bar.show_notice(Notice(Level.ERROR, "bad", "details"))
    desk.window.notice_bar._details_button.setChecked(True)
    for section in desk.window.side_panel.sections.values():
        section.set_folded(False)
    reachable = controls(desk.window)
    shown = [
        widget
        for widget in desk.window.findChildren(QWidget)
        if isinstance(widget, CONTROLS)
        and widget.isVisible()
        and not isinstance(widget, QScrollBar)
        and not widget.objectName().startswith("qt_")
        and not isinstance(widget.parent(), QComboBox | QAbstractSpinBox | QLineEdit)
    ]
    assert len(shown) > 15
    for widget in shown:
        assert widget in reachable, f"{widget} {widget.accessibleName()} cannot be reached by Tab"
        assert widget.accessibleName(), f"{widget} has no name"
        assert widget.accessibleDescription(), f"{widget.accessibleName()} has no description"
        assert widget.toolTip(), f"{widget.accessibleName()} has no tooltip"


def test_tab_order_is_the_reading_order(desk: Desk) -> None:
    names = [widget.accessibleName() for widget in controls(desk.window)]
    wanted = [
        "Source",
        "Model",
        "Device",
        "Record",
        "Save the last 30 seconds",
        "Take a snapshot",
        "Full screen",
        "Picture",
        "Side panel",
        "Now",
        "Threshold",
        "Actions",
        "Model",
        "Live",
        "Timeline",
        "Speed",
    ]
    position = -1
    for name in wanted:
        position = names.index(name, position + 1)


def test_the_help_sheet_lists_every_key(desk: Desk) -> None:
    desk.trigger("help")
    sheet = desk.window.dialogs.help
    assert isinstance(sheet, HelpSheet)
    from PySide6.QtWidgets import QLabel

    texts = [label.text() for label in sheet.findChildren(QLabel)]
    for command in (command for command in COMMANDS if command.keys):
        assert command.tip in texts
        assert all(part in texts for part in key_text(command.id).split(" or "))
    sheet.close()


def test_switching_the_theme_changes_the_picture(desk: Desk) -> None:
    def shot() -> bytes:
        image = desk.window.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
        return bytes(image.constBits())

    desk.window.view.choose_theme("light")
    light = shot()
    desk.window.view.choose_theme("dark")
    assert shot() != light
    assert desk.live.memory.settings.theme == "dark"
    desk.window.menu.submenus[THEME].aboutToShow.emit()
    assert [action.isChecked() for _, action in desk.window.menu._theme_actions] == [False, False, True]


def test_always_on_top(desk: Desk) -> None:
    desk.trigger("on_top")
    assert desk.window.windowFlags() & Qt.WindowType.WindowStaysOnTopHint
    assert desk.window.isVisible()
    desk.trigger("on_top")
    assert not desk.window.windowFlags() & Qt.WindowType.WindowStaysOnTopHint


@pytest.mark.parametrize("size", [(720, 480), (900, 600), (1920, 1080), (3840, 2160)])
def test_it_holds_at_every_size(desk: Desk, size: tuple[int, int]) -> None:
    desk.pipeline.current_readout = Readout(ReadoutState.ACTION, LABELS[-1], 0.83, ((LABELS[-1], 0.83), *TOP[1:]))
    desk.window.resize(*size)
    desk.show_picture()
    desk.poll()
    assert (desk.window.width(), desk.window.height()) == size, "nothing forces the window larger"
    assert desk.window.canvas.width() >= 400
    bar = desk.window.source_bar
    for widget in (bar.sources, bar.models, bar.devices):
        assert bar.rect().contains(widget.geometry())


# End


class Session:
    def __init__(self) -> None:
        self.facts: SessionFacts | None = None

    def close(self, facts: SessionFacts) -> None:
        assert self.facts is None, "closed once"
        self.facts = facts


def test_the_session_hears_of_the_end(make_desk: MakeDesk, video: SourceSpec) -> None:
    session = Session()
    desk = make_desk(source=video, on_close=session.close)
    desk.show_picture()
    desk.live.quit("SIGTERM")
    assert session.facts is not None
    assert (session.facts.frames_shown, session.facts.exit_reason) == (1, "SIGTERM")
    assert ("stop",) in desk.pipeline.calls
    desk.live.close()


def test_quitting_after_a_time(make_desk: MakeDesk, video: SourceSpec) -> None:
    session = Session()
    desk = make_desk(source=video, on_close=session.close, quit_after_s=0.0, ready=False)
    desk.wait(lambda: session.facts is not None)
    assert session.facts is not None and session.facts.exit_reason == "quit-after"


def test_stalls_are_measured(desk: Desk) -> None:
    import time

    desk.show_picture()
    desk.wait(lambda: desk.window.loop_latency.iterations > 5)
    before = desk.window.loop_latency.iterations

    def work() -> None:
        end = time.perf_counter() + 0.1
        while time.perf_counter() < end:
            pass

    from PySide6.QtCore import QTimer

    QTimer.singleShot(0, work)
    desk.wait(lambda: desk.window.loop_latency.max_ms >= 100)
    desk.wait(lambda: desk.window.loop_latency.iterations > before + 5)
    assert 10 < desk.window.loop_latency.work_max_ms <= desk.window.loop_latency.max_ms
    desk.window.loop_latency.stop()
    counted = desk.window.loop_latency.iterations
    desk.show_picture()
    assert desk.window.loop_latency.iterations == counted


def test_stalls_may_be_measured_anew_in_the_middle_of_work(desk: Desk) -> None:
    from PySide6.QtCore import QTimer

    meter = desk.window.loop_latency
    desk.show_picture()
    desk.wait(lambda: meter.iterations > 5)
    anew: list[int] = []

    def begin_anew() -> None:
        meter.start()
        anew.append(meter.iterations)

    QTimer.singleShot(0, begin_anew)
    desk.wait(lambda: anew)
    assert anew == [0]
    desk.wait(lambda: meter.iterations > 5)


def test_readout_changes_come_at_most_with_the_slow_poll(desk: Desk) -> None:
    heard: list[Readout] = []
    desk.live.poller.stop()
    desk.live.poller.readout.connect(heard.append)
    for k in range(5):
        desk.pipeline.current_readout = Readout(ReadoutState.ACTION, "jumping jacks", 0.9 - k / 100, TOP)
        desk.pipeline.predict()
        desk.live.poller.present()
    assert heard == [], "scores alone wait for the slow poll"
    desk.poll()
    assert [readout.score for readout in heard] == [0.86]
    assert ACTION.label == heard[0].label
