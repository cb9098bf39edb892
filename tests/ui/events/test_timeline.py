"""The timeline as a user meets it: seeking, zooming, rolling, pointing, keys, and what is painted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QWheelEvent
from PySide6.QtWidgets import QApplication

from slowfast_live import settings as store
from slowfast_live.colors import action_color, contrast
from slowfast_live.core.corrections import AnnotatedEvent
from slowfast_live.core.curves import Columns
from slowfast_live.core.events import Event, EventRule
from slowfast_live.core.moments import DecisionRule
from slowfast_live.types import Prediction, Readout, ReadoutState, SourceKind, SourceSpec
from slowfast_live.ui.events.time_axis import Span
from slowfast_live.ui.events.timeline import Timeline
from slowfast_live.ui.events.timeline_painting import (
    FULL,
    SLIM,
    TimelineScene,
    device_columns,
    paint,
    playhead,
    scale_of,
    tick_boxes,
)
from slowfast_live.ui.style.curve import area
from slowfast_live.ui.style.palette import DARK, LIGHT
from tests.ui.conftest import Desk
from tests.ui.fakes import CAMERAS, LABELS, MODELS
from tests.ui.pixels import Pixels, changed, pixels_of

MakeDesk = Callable[..., Desk]
LEFT = Qt.MouseButton.LeftButton
pytestmark = pytest.mark.usefixtures("qapp")


def recognize(desk: Desk, begin_s: float, labels: list[str | None], step_s: float = 0.1) -> None:
    """Have the worker tell of labels, one after the other."""
    history, generation = desk.window.event_views.session_events.history, desk.pipeline.current_status.generation
    spec = MODELS[0].spec
    rule = DecisionRule(spec.labels, trained=True, threshold=0.5, events=EventRule.for_timing(spec.timing))
    decided = history.decisions(spec.name, rule)
    for i, label in enumerate(labels):
        t_s = begin_s + i * step_s
        if decided is not None:
            probs = np.array([0.8 * (name == label) for name in spec.labels], np.float32)
            moment = decided.moment(max(0.0, t_s - step_s), t_s)
            if moment is not None:
                decided.add(moment, probs, 0.54)
            continue
        said = Prediction(np.ones(1, np.float32), (), t_s, 9.0, 9.0, "slowfast_r50", "CPU", generation)
        state = ReadoutState.ACTION if label else ReadoutState.NO_CONFIDENT_ACTION
        history.add(said, Readout(state, label, 0.8 if label else 0.2, (), t_s, 0.54))
    desk.pipeline.update(position_s=begin_s + (len(labels) - 1) * step_s)
    desk.poll()


@pytest.fixture
def played(desk: Desk) -> Desk:
    """A file of 150 s of which half a minute was seen."""
    desk.poll()
    recognize(desk, 3.0, ["squat"] * 100 + [None] * 50 + ["clapping"] * 150)
    return desk


@pytest.fixture
def camera(make_desk: MakeDesk) -> Desk:
    """A live source whose clock stands at 5000 s."""
    desk = make_desk()
    desk.pipeline.update(position_s=5000.0)
    desk.poll()
    recognize(desk, 5000.0, ["squat"] * 100 + [None] * 50 + ["clapping"] * 150)
    return desk


def place(desk: Desk, t_s: float, y: int | None = None) -> QPoint:
    timeline = desk.window.timeline
    return QPoint(round(timeline.scale.x(t_s)), timeline.height() // 2 if y is None else y)


def wheel(desk: Desk, at: QPoint, notches: float, *, sideways: bool = False, shift: bool = False) -> None:
    turned = QPoint(round(120 * notches), 0) if sideways else QPoint(0, round(120 * notches))
    modifier = Qt.KeyboardModifier.ShiftModifier if shift else Qt.KeyboardModifier.NoModifier
    timeline = desk.window.timeline
    event = QWheelEvent(
        QPointF(at), QPointF(timeline.mapToGlobal(at)), QPoint(), turned, Qt.MouseButton.NoButton, modifier,
        Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(timeline, event)


def seeks(desk: Desk) -> list[tuple[Any, ...]]:
    return [call for call in desk.pipeline.calls if call[0] == "seek"]


# Seeking


def test_a_click_seeks_to_its_moment(played: Desk) -> None:
    played.qtbot.mouseClick(played.window.timeline, LEFT, pos=place(played, 60.0))
    name, t_s, scrubbing = played.pipeline.calls[-1]
    assert (name, scrubbing) == ("seek", False)
    assert t_s == pytest.approx(60.0, abs=2 * played.window.timeline.scale.pixel_s)


def test_dragging_scrubs_and_ends_with_one_true_seek(played: Desk) -> None:
    timeline, transport = played.window.timeline, played.window.transport
    played.qtbot.mousePress(timeline, LEFT, pos=place(played, 40.0))
    for t_s in range(40, 75, 3):
        played.qtbot.mouseMove(timeline, place(played, t_s))
    assert timeline.scrubbing
    played.pipeline.update(position_s=3.0)
    played.poll()  # what the pipeline says does not tear the playhead away
    assert timeline.position_s > 70 and transport._time.text().startswith("01:1")
    played.qtbot.mouseRelease(timeline, LEFT, pos=place(played, 75.0))
    told = seeks(played)
    assert [call[2] for call in told[:-1]] == [True] * (len(told) - 1) and len(told) >= 2
    assert told[0][1] == pytest.approx(40, abs=1) and told[-1][1] == pytest.approx(75, abs=1)
    assert not told[-1][2] and not timeline.scrubbing


def test_a_position_from_before_the_seek_does_not_move_the_playhead_back(played: Desk) -> None:
    timeline = played.window.timeline
    timeline.seek_to(100.0)
    played.pipeline.update(position_s=33.0)
    played.poll()
    assert timeline.position_s == 100.0
    played.pipeline.update(position_s=100.3)
    played.poll()
    played.pipeline.update(position_s=101.0)
    played.poll()
    assert timeline.position_s == 101.0


@pytest.mark.parametrize(
    ("key", "expected_s"),
    [
        (Qt.Key.Key_Left, 19.0),
        (Qt.Key.Key_Right, 21.0),
        (Qt.Key.Key_Home, 0.0),
        (Qt.Key.Key_End, 150.0),
    ],
)
def test_keys_seek_at_once(desk: Desk, key: Qt.Key, expected_s: float) -> None:
    desk.pipeline.update(position_s=20.0)
    desk.poll()
    desk.window.timeline.setFocus()
    desk.qtbot.keyClick(desk.window.timeline, key)
    assert desk.pipeline.calls[-1] == ("seek", expected_s, False)


def test_showing_the_position_seeks_nowhere(desk: Desk) -> None:
    for position in (0.0, 17.0, 149.0):
        desk.pipeline.calls.clear()
        desk.pipeline.update(position_s=position)
        desk.poll()
        assert desk.window.timeline.position_s == position
        assert desk.pipeline.calls == []
    assert desk.window.transport._time.text() == "02:29 / 02:30"


def test_a_live_source_is_not_sought(camera: Desk) -> None:
    before = len(camera.pipeline.calls)
    camera.qtbot.mouseClick(camera.window.timeline, LEFT, pos=QPoint(300, 40))
    for key in (Qt.Key.Key_Left, Qt.Key.Key_Home):
        camera.qtbot.keyClick(camera.window.timeline, key)
    assert len(camera.pipeline.calls) == before


# Zoom and pan


def test_the_wheel_zooms_about_the_pointer(played: Desk) -> None:
    timeline = played.window.timeline
    at = place(played, 50.0)
    before_s = timeline.scale.t(at.x())
    wheel(played, at, 6)
    assert timeline.viewport.view.length_s < 50
    assert timeline.scale.t(at.x()) == pytest.approx(before_s)
    wheel(played, at, -20)
    assert timeline.viewport.shows_all


def test_sideways_wheel_shift_and_middle_button_move_the_view(played: Desk) -> None:
    timeline = played.window.timeline
    for move in (
        lambda: wheel(played, place(played, 50.0), -2, sideways=True),
        lambda: wheel(played, place(played, 50.0), -2, shift=True),
        lambda: drag(played, Qt.MouseButton.MiddleButton, -200),
        lambda: drag(played, LEFT, -200, Qt.KeyboardModifier.ShiftModifier),
    ):
        timeline.show_all()
        wheel(played, place(played, 50.0), 8)
        before = timeline.viewport.view
        told = len(seeks(played))
        move()
        assert timeline.viewport.view.begin_s > before.begin_s
        assert timeline.viewport.view.length_s == pytest.approx(before.length_s)
        assert len(seeks(played)) == told


def drag(desk: Desk, button: Qt.MouseButton, by: int, modifier: Any = Qt.KeyboardModifier.NoModifier) -> None:
    timeline = desk.window.timeline
    begin = QPoint(timeline.width() // 2, 40)
    desk.qtbot.mousePress(timeline, button, modifier, begin)
    desk.qtbot.mouseMove(timeline, begin + QPoint(by // 2, 0))
    desk.qtbot.mouseMove(timeline, begin + QPoint(by, 0))
    desk.qtbot.mouseRelease(timeline, button, modifier, begin + QPoint(by, 0))


def test_a_double_click_shows_all_again(played: Desk) -> None:
    wheel(played, place(played, 50.0), 8)
    assert not played.window.timeline.viewport.shows_all
    played.qtbot.mouseDClick(played.window.timeline, LEFT, pos=QPoint(400, 40))
    assert played.window.timeline.viewport.shows_all


def test_commands_and_focused_keys_zoom(played: Desk) -> None:
    timeline = played.window.timeline
    threshold = played.pipeline.last("set_threshold")
    timeline.setFocus()
    for closer, farther in (
        (lambda: played.trigger("zoom_in"), lambda: played.trigger("zoom_all")),
        (
            lambda: played.qtbot.keyClick(timeline, Qt.Key.Key_Plus),
            lambda: played.qtbot.keyClick(timeline, Qt.Key.Key_0),
        ),
    ):
        closer()
        assert not timeline.viewport.shows_all
        farther()
        assert timeline.viewport.shows_all
    assert played.pipeline.last("set_threshold") == threshold, "plus and minus belong to what has the focus"


def test_a_playhead_that_leaves_the_view_turns_the_page(played: Desk) -> None:
    timeline = played.window.timeline
    for _ in range(8):
        played.trigger("zoom_in")
    end_s = timeline.viewport.view.end_s
    played.pipeline.update(position_s=end_s - 0.1)
    played.poll()
    played.pipeline.update(position_s=end_s + 0.2)
    played.poll()
    assert timeline.viewport.view.holds(end_s + 0.2)
    timeline.viewport.pan(-100)
    view = timeline.viewport.view
    played.pipeline.update(position_s=end_s + 0.5)
    played.poll()
    assert timeline.viewport.view == view, "who looks elsewhere is not torn away"
    played.trigger("now")
    assert timeline.viewport.view.holds(end_s + 0.5)


# Live


def test_a_live_view_rolls_until_it_is_moved_back_and_now_returns(camera: Desk) -> None:
    timeline, now = camera.window.timeline, camera.window.transport.now
    assert timeline.viewport.view.end_s == pytest.approx(5029.9)
    camera.pipeline.update(position_s=5040.0)
    camera.poll()
    assert timeline.viewport.view.end_s == 5040.0 and not now.isVisible()
    wheel(camera, QPoint(400, 40), 5)
    view = timeline.viewport.view
    drag(camera, LEFT, 200)
    assert timeline.viewport.view.begin_s < view.begin_s and now.isVisible()
    view = timeline.viewport.view
    camera.pipeline.update(position_s=5041.0)
    camera.poll()
    assert timeline.viewport.view == view
    camera.qtbot.mouseClick(now, LEFT)
    assert timeline.viewport.view.end_s == 5041.0 and not now.isVisible()


def test_of_a_live_source_ten_minutes_are_shown(camera: Desk) -> None:
    camera.pipeline.update(position_s=5000.0 + 3600)
    camera.poll()
    assert camera.window.timeline.viewport.whole == Span(8000.0, 8600.0)


# Another source


def test_another_source_begins_another_timeline(played: Desk, tmp_path: Path) -> None:
    assert played.window.event_views.session_events.notes
    wheel(played, place(played, 50.0), 8)
    other = tmp_path / "other.mp4"
    other.write_bytes(b"video")
    played.live.controller.open_source(SourceSpec(SourceKind.FILE, str(other)))
    played.pipeline.update(position_s=0.0)
    played.poll()
    assert played.window.event_views.session_events.notes == () and played.window.timeline.viewport.shows_all
    played.live.controller.open_source(CAMERAS[0])
    played.poll()
    assert played.window.timeline.viewport.live


# Pointing


def test_pointing_tells_time_and_action(played: Desk) -> None:
    timeline = played.window.timeline
    played.qtbot.mouseMove(timeline, place(played, 7.0))
    plate = timeline.pointer.card
    assert plate is not None and plate.isVisible()
    assert plate.texts[0].startswith("00:0") and plate.texts[1] == "squat"
    assert plate.texts[2] == "score 80 % · activity 49 %"
    played.qtbot.mouseMove(timeline, place(played, 140.0))
    assert plate.texts[1] == "not recognized yet"
    assert played.window.rect().contains(plate.geometry())
    played.qtbot.mouseMove(timeline, QPoint(2, 2))
    assert not plate.isVisible()


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """Two seconds of red, then two of blue."""
    path = tmp_path / "film.mp4"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), 10, (64, 48))
    for number in range(40):
        writer.write(np.full((48, 64, 3), (0, 0, 220) if number < 20 else (220, 0, 0), np.uint8))
    writer.release()
    return path


def test_a_preview_of_a_real_file_arrives(make_desk: MakeDesk, film: Path) -> None:
    desk = make_desk(source=SourceSpec(SourceKind.FILE, str(film)))
    info = desk.pipeline.current_status.info
    assert info is not None
    desk.pipeline.update(info=replace(info, duration_s=4.0))
    desk.poll()
    timeline = desk.window.timeline
    for t_s, red in ((1.0, True), (3.0, False), (1.0, True)):
        desk.qtbot.mouseMove(timeline, place(desk, t_s))
        desk.wait(lambda red=red: looks_red(timeline) is red)


def looks_red(timeline: Timeline) -> bool | None:
    """Whether the preview at the pointer is red; None while there is none."""
    image = timeline.pointer.card.image if timeline.pointer.card else None
    if image is None:
        return None
    color = image.pixelColor(image.width() // 2, image.height() // 2)
    return color.red() > 150 and color.blue() < 80


# Folding and looks


def test_it_folds_to_one_lane_and_remembers(played: Desk, tmp_path: Path) -> None:
    timeline = played.window.timeline
    tall = timeline.height()
    played.trigger("timeline")
    assert timeline.isVisible() and timeline.slim and timeline.height() < tall / 2
    played.qtbot.mouseClick(timeline, LEFT, pos=place(played, 60.0))
    assert played.pipeline.calls[-1][0] == "seek"
    played.window.close()
    assert store.load(tmp_path / "settings.json").settings.timeline is False


def test_full_screen_hides_it(played: Desk) -> None:
    played.trigger("full_screen")
    assert not played.window.timeline.isVisible()
    played.trigger("leave_full_screen")
    assert played.window.timeline.isVisible()


def test_a_playhead_that_moves_paints_no_layer(played: Desk) -> None:
    timeline = played.window.timeline
    played.show_picture()
    layer = timeline._layer
    assert layer is not None
    for t_s in np.arange(33.0, 60.0, 0.5):
        timeline.set_position(float(t_s))
        QApplication.processEvents()
    assert timeline._layer is layer


def test_news_paint_the_layer_at_every_second_report_at_most(played: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    painted: list[int] = []
    reports: list[object] = []
    changes: list[object] = []

    def counted(*args: Any) -> QImage:
        painted.append(1)
        return paint(*args)

    monkeypatch.setattr("slowfast_live.ui.events.timeline.paint", counted)
    played.live.poller.status.connect(reports.append)
    played.window.event_views.session_events.changed.connect(lambda: changes.append(1))
    for i in range(40):
        recognize(played, 40 + i * 0.5, ["squat"] * 4)
        QApplication.processEvents()
    assert 2 <= len(painted) <= len(reports) / 2 + len(changes) + 1


# Painting


def scene(
    notes: list[AnnotatedEvent], span: Span, width: int, rows: Any = FULL, score: float = 0.5, hint: str = ""
) -> TimelineScene:
    scale = scale_of(rows, width, span)
    values = np.full(device_columns(scale, 1.0), score, np.float32)
    return TimelineScene(rows, scale, notes, Columns(values, values / 2), hint=hint)


def noted(label: str, begin_s: float, end_s: float) -> AnnotatedEvent:
    return AnnotatedEvent(Event(label, begin_s, end_s, 0.5, 0.6, begin_s), label)


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("rows", [FULL, SLIM], ids=["full", "slim"])
@pytest.mark.parametrize("ratio", [1.0, 1.5, 2.0])
def test_events_are_painted_in_their_colors_where_they_lie(theme: Any, rows: Any, ratio: float) -> None:
    what = scene([noted("squat", 10, 20), noted("clapping", 40, 70)], Span(0, 100), 800, rows)
    what = TimelineScene(rows, what.scale, what.notes, _curves(device_columns(what.scale, ratio)))
    image = paint(what, QSize(800, rows.height), ratio, theme)
    assert image.size() == QSize(round(800 * ratio), round(rows.height * ratio))
    y = round((rows.events[0] + 3) * ratio)

    def color(t_s: float) -> str:
        return image.pixelColor(round(what.scale.x(t_s) * ratio), y).name()

    assert color(11) == color(19) == action_color("squat", theme.name)
    assert color(41) == color(69) == action_color("clapping", theme.name)
    assert color(5) == color(30) == theme.sunken
    assert contrast(action_color("squat", theme.name), theme.surface) >= 4.5, "its name is written in this"


def _curves(count: int) -> Columns:
    return Columns(np.full(count, 0.5, np.float32), np.full(count, np.nan, np.float32))


def test_more_events_than_pixels_cost_no_more_than_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    notes = [noted(LABELS[i % 4], i, i + 0.6) for i in range(20_000)]
    asked: list[str] = []

    def counted(label: str, ground: str = "plate") -> str:
        asked.append(label)
        return action_color(label, ground)

    monkeypatch.setattr("slowfast_live.ui.events.timeline_painting.action_color", counted)
    image = paint(scene(notes, Span(0, 20_000), 700), QSize(700, FULL.height), 1.0, LIGHT)
    assert len(asked) <= 700
    assert image.pixelColor(300, FULL.events[0] + 3).name() != LIGHT.sunken


@pytest.mark.parametrize("value", [0.0, 0.25, 0.5, 1.0])
def test_a_curve_stands_as_high_as_its_value(value: float) -> None:
    height = 40
    pixels = area(np.full(3, value, np.float32), height, np.full((3, 3), 200, np.uint8))
    top = int(np.argmax(pixels[:, 1, 3] > 100))
    assert height - top == pytest.approx(1 + value * (height - 1), abs=1.1)
    assert pixels[..., :3].max() <= 200
    assert (pixels[..., :3].max(axis=-1) <= pixels[..., 3]).all(), "premultiplied"


def test_what_is_not_known_has_no_curve() -> None:
    pixels = area(np.array([0.5, np.nan, 0.0], np.float32), 20, np.full((3, 3), 200, np.uint8))
    assert pixels[:, 1].max() == 0 and pixels[:, 0, 3].max() > 200 and pixels[:, 2, 3].max() > 200


def test_an_empty_lane_says_why() -> None:
    empty = paint(scene([], Span(0, 60), 600), QSize(600, FULL.height), 1.0, LIGHT)
    hinted = paint(scene([], Span(0, 60), 600, hint="No action yet"), QSize(600, FULL.height), 1.0, LIGHT)
    assert bytes_of(empty) != bytes_of(hinted)


def bytes_of(image: QImage) -> bytes:
    return bytes(image.constBits())


def test_the_widget_shows_events_and_playhead(played: Desk) -> None:
    timeline = played.window.timeline
    image = timeline.grab().toImage()
    scale, rows = timeline.scale, FULL
    theme = played.live.themes.theme
    ratio = image.devicePixelRatio()

    def color(t_s: float, y: int) -> QColor:
        return image.pixelColor(round(scale.x(t_s) * ratio), round(y * ratio))

    assert color(6, rows.events[0] + 2).name() == action_color("squat", theme.name)
    assert color(timeline.position_s, rows.events[0] + 2).name() == theme.text


def on_screen(desk: Desk) -> Pixels:
    """What stands on the screen of the timeline now, after the updates that it asked for."""
    QApplication.processEvents()
    timeline, window = desk.window.timeline, desk.window
    corner = timeline.mapTo(window, QPoint(0, 0))
    at = (corner.x(), corner.y(), timeline.width(), timeline.height())
    return pixels_of(window.screen().grabWindow(window.winId(), *at).toImage())


@pytest.mark.parametrize("begin_s", [0.0, 37.0, 140.0])
def test_a_playhead_that_moves_leaves_no_half_of_anything(played: Desk, begin_s: float) -> None:
    timeline = played.window.timeline
    played.live.poller.stop()
    for k in range(60):
        timeline.set_position(begin_s + k * 0.31)
        moved = on_screen(played)
        timeline.update()
        assert not changed(moved, on_screen(played)).any(), f"at {timeline.position_s:.2f} s"


def test_the_plate_shows_the_time_also_where_a_pixel_is_many_seconds(make_desk: MakeDesk, video: SourceSpec) -> None:
    desk = make_desk(source=video)
    info = desk.pipeline.current_status.info
    assert info is not None
    desk.pipeline.update(info=replace(info, duration_s=7200.0))
    desk.poll()
    desk.live.poller.stop()
    for k in range(12):
        desk.window.timeline.set_position(100.0 + k)
        moved = on_screen(desk)
        desk.window.timeline.update()
        assert not changed(moved, on_screen(desk)).any()


@pytest.mark.parametrize("t_s", [0.0, 9.0, 30.0, 36.5, 149.9])
def test_the_plate_hides_the_times_that_it_touches_and_no_others(played: Desk, t_s: float) -> None:
    scale = played.window.timeline.scale
    head = playhead(FULL, scale, t_s)
    assert head.time_box is not None
    boxes = [box for box, _text in tick_boxes(FULL, scale, None)]
    for box in boxes:
        clear = box.right() < head.time_box.left() - 4 or box.left() > head.time_box.right() + 4
        assert clear == (box not in head.hidden)
    left, right = head.reach
    assert all(left <= box.left() and box.right() <= right for box in (head.time_box, *head.hidden))


def test_the_playhead_and_the_time_beside_it_never_differ(played: Desk) -> None:
    timeline, time = played.window.timeline, played.window.transport._time

    def agree() -> None:
        plate = playhead(FULL, timeline.scale, timeline.position_s).text
        assert time.text() == f"{plate} / 02:30"

    timeline.seek_to(72.0)
    agree()
    for reported_s in (33.0, 71.97, 71.99, 72.01, 72.98, 73.02):
        played.pipeline.update(position_s=reported_s)
        played.poll()
        agree()
    played.live.poller.stop()
    timeline.set_position(74.99)  # a picture comes before the next report
    agree()
    played.pipeline.update(position_s=74.2)
    played.poll()
    agree()
