"""Own-painted widgets: in each of their states, in both themes, everything that they show is still there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPen
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QTableView, QWidget

from slowfast_live.recording.recorder import RecordingProgress
from slowfast_live.types import Readout, ReadoutState
from slowfast_live.ui.analysis.analyze_dialog import AnalyzeDialog
from slowfast_live.ui.events.hover_card import HoverCard
from slowfast_live.ui.models.model_table import BadgeDelegate
from slowfast_live.ui.panels.latency_plot import POINTS, LatencyPlot, scale_top
from slowfast_live.ui.style import icons
from slowfast_live.ui.style.painting import draw_focus, restores_painter
from slowfast_live.ui.style.palette import DARK, LIGHT, Theme
from slowfast_live.ui.style.theme import Mode
from tests.ui.conftest import Desk
from tests.ui.events.test_timeline import recognize
from tests.ui.fakes import TOP
from tests.ui.pixels import Pixels, changed, classes, edges, functions, shot

State = Callable[[], object]


@dataclass
class Painted:
    """A widget that paints itself, and how it comes into its states."""

    widget: QWidget
    states: dict[str, State] = field(default_factory=dict)


def hover(widget: QWidget, at: QPoint | None = None) -> State:
    return lambda: QTest.mouseMove(widget, at or widget.rect().center())


def focus(widget: QWidget) -> State:
    return lambda: widget.setFocus(Qt.FocusReason.TabFocusReason)


def disable(widget: QWidget) -> State:
    return lambda: widget.setEnabled(False)


def played(desk: Desk) -> None:
    """Half a minute was seen, and the best five scores are there."""
    desk.show_picture()
    recognize(desk, 3.0, ["squat"] * 100 + [None] * 50 + ["clapping"] * 150)


def timeline(desk: Desk) -> Painted:
    played(desk)
    widget = desk.window.timeline
    session_events = desk.window.event_views.session_events
    return Painted(
        widget,
        {
            "focused": focus(widget),
            "hovered": hover(widget, QPoint(600, 30)),
            "selected": lambda: session_events.select(session_events.notes[0]),
            "disabled": disable(widget),
        },
    )


def canvas(desk: Desk) -> Painted:
    played(desk)
    widget = desk.window.canvas
    return Painted(widget, {"focused": focus(widget), "hovered": hover(widget), "disabled": disable(widget)})


def empty_canvas(desk: Desk) -> Painted:
    widget = desk.window.canvas
    desk.pipeline.update(source=None, info=None)
    desk.poll()
    return Painted(widget, {"focused": focus(widget), "hovered": hover(widget), "disabled": disable(widget)})


def score_bars(desk: Desk) -> Painted:
    desk.pipeline.current_readout = Readout(ReadoutState.ACTION, "squat", 0.8, TOP)
    desk.poll()
    widget = desk.window.side_panel.now.bars
    return Painted(widget, {"hovered": hover(widget), "disabled": disable(widget)})


def latency_plot(desk: Desk) -> Painted:
    widget = LatencyPlot(desk.window)  # a plot of its own: the window's takes readings, and is cleared, at any time
    widget.set_theme(desk.live.themes.theme)
    widget.setGeometry(40, 60, 270, widget.sizeHint().height())
    widget.show()
    widget.raise_()
    for number in range(POINTS):
        widget.add(90 + number % 17)
    return Painted(widget, {"hovered": hover(widget), "disabled": disable(widget)})


def hover_plate(desk: Desk) -> Painted:
    plate = HoverCard(desk.window)
    plate.show_texts("00:12.3", "squat", ("squat", "score 80 % · activity 54 %"))
    image = QImage(160, 90, QImage.Format.Format_RGB32)
    image.fill(QColor("#3a6ea5"))
    plate.show_preview(image)
    plate.stand_above(QPoint(600, 500))
    return Painted(plate, {"hovered": hover(plate), "disabled": disable(plate)})


def choice(desk: Desk) -> Painted:
    widget = desk.window.source_bar.devices
    return Painted(widget, {"focused": focus(widget), "hovered": hover(widget), "disabled": disable(widget)})


def record_button(desk: Desk) -> Painted:
    widget = desk.live.recording.button
    return Painted(widget, {"focused": focus(widget), "hovered": hover(widget), "disabled": disable(widget)})


def recording_button(desk: Desk) -> Painted:
    widget = desk.live.recording.button
    widget.show_progress(RecordingProgress(running=True, elapsed_s=62.0, size=12_300_000))
    return Painted(widget, {"focused": focus(widget), "hovered": hover(widget), "disabled": disable(widget)})


def empty_list(desk: Desk) -> Painted:
    dialog = AnalyzeDialog(lambda: [], lambda: (None, "CPU"), desk.window)
    dialog.show()
    desk.qtbot.addWidget(dialog)
    widget = dialog.paths
    dialog.activateWindow()
    dialog.shut.setFocus()
    return Painted(widget, {"focused": focus(widget), "hovered": hover(widget), "disabled": disable(widget)})


def badges(desk: Desk) -> Painted:
    table = QTableView(desk.window)
    table.setModel(desk.window.side_panel.events.model)
    played(desk)
    delegate = BadgeDelegate(lambda index: ("INT8", "FP16 untrained") if index.row() == 0 else (), table)
    delegate.theme = desk.live.themes.theme
    table.setItemDelegateForColumn(1, delegate)
    table.setSelectionBehavior(QTableView.SelectionBehavior.SelectRows)
    table.setGeometry(0, 60, 420, 160)
    table.show()
    table.raise_()
    return Painted(
        table,
        {
            "focused": focus(table),
            "hovered": hover(table.viewport()),
            "selected": lambda: table.selectRow(0),
            "disabled": disable(table),
        },
    )


REGISTRY: dict[str, tuple[str, Callable[[Desk], Painted]]] = {
    "timeline": ("Timeline", timeline),
    "canvas": ("Canvas", canvas),
    "canvas without a picture": ("Canvas", empty_canvas),
    "score bars": ("ScoreBars", score_bars),
    "latency plot": ("LatencyPlot", latency_plot),
    "hover plate": ("HoverCard", hover_plate),
    "dropdown": ("Choice", choice),
    "record button": ("RecordButton", record_button),
    "record button while it records": ("RecordButton", recording_button),
    "empty list of files": ("_Paths", empty_list),
    "badges": ("BadgeDelegate", badges),
}
"""Each own-painted class, by what is tested: (its name, what makes one)."""
NO_STATES = {
    "OverlayPainter",
    "PeoplePainter",
    "PeopleFeature",
    "CountView",
    "Countdown",
    "StartCard",
    "_NowMark",
    "_Tile",
}
"""Paint on the picture or in a list, without states of their own: their own tests hold what they paint."""
NOT_PAINTED = {"RecordButton"}
"""Painted by Qt with icons of ours."""


def test_every_class_that_paints_is_tested_here() -> None:
    painting = {
        node.name
        for _path, node in classes()
        if any(getattr(part, "name", "") in ("paintEvent", "paint", "drawRow") for part in node.body)
    }
    tested = {name for name, _make in REGISTRY.values()} - NOT_PAINTED
    assert painting - NO_STATES == tested


CASES = [
    (name, state)
    for name, states in {
        "timeline": ("focused", "hovered", "selected", "disabled"),
        "canvas": ("focused", "hovered", "disabled"),
        "canvas without a picture": ("focused", "hovered", "disabled"),
        "score bars": ("hovered", "disabled"),
        "latency plot": ("hovered", "disabled"),
        "hover plate": ("hovered", "disabled"),
        "dropdown": ("focused", "hovered", "disabled"),
        "record button": ("focused", "hovered", "disabled"),
        "record button while it records": ("focused", "hovered", "disabled"),
        "empty list of files": ("focused", "hovered", "disabled"),
        "badges": ("focused", "hovered", "selected", "disabled"),
    }.items()
    for state in states
]


def inner(pixels: Pixels, margin: int = 4) -> Pixels:
    return pixels[margin:-margin, margin:-margin]


def settle() -> None:
    for _ in range(3):
        QApplication.processEvents()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("name", "state"), CASES, ids=lambda value: value.replace(" ", "-"))
def test_what_is_shown_is_shown_in_every_state(desk: Desk, theme: Mode, name: str, state: str) -> None:
    desk.live.themes.set_mode(theme)
    desk.window.activateWindow()
    desk.window.centralWidget().setFocus()
    painted = REGISTRY[name][1](desk)
    assert set(painted.states) >= {s for n, s in CASES if n == name}
    settle()
    resting = shot(painted.widget)
    painted.states[state]()
    settle()
    now = shot(painted.widget)
    assert now.shape == resting.shape, "no state changes its size"
    drawn = edges(inner(resting), 24)
    assert drawn.sum() > 100, "there is something to see"
    kept = edges(inner(now), 5)[drawn].mean()
    assert kept > 0.95, f"{1 - kept:.0%} of what is drawn at rest is gone"
    if state == "focused":
        assert painted.widget.hasFocus()
        ring = changed(resting, now, 40)
        ring[4:-4, 4:-4] = False
        assert ring.sum() > now.shape[0] + now.shape[1], "the focus is seen along the edge"
        assert changed(inner(resting), inner(now), 24).mean() < 0.02, "the focus changes the edge only"


# Painters are given back as they were


def state_of(painter: QPainter) -> tuple[object, ...]:
    return (
        painter.pen(),
        painter.brush(),
        painter.font(),
        painter.renderHints(),
        painter.transform(),
        painter.hasClipping(),
        painter.opacity(),
        painter.compositionMode(),
        painter.background(),
    )


@pytest.mark.usefixtures("qapp")
def test_a_lent_painter_comes_back_as_it_was() -> None:
    image = QImage(40, 40, QImage.Format.Format_RGB32)
    painter = QPainter(image)

    @restores_painter
    def draw(lent: QPainter, fail: bool) -> str:
        lent.setPen(QPen(QColor("red"), 7))
        lent.setBrush(QColor("blue"))
        lent.setClipRect(QRect(0, 0, 3, 3))
        lent.translate(5, 5)
        lent.setOpacity(0.5)
        lent.setRenderHint(QPainter.RenderHint.Antialiasing)
        if fail:
            raise ValueError
        return "drawn"

    states = [state_of(painter)]
    said = draw(painter, False)
    states.append(state_of(painter))
    with pytest.raises(ValueError):
        draw(painter, True)
    states.append(state_of(painter))
    painter.end()
    assert said == "drawn"
    assert states[1] == states[0], "after it was drawn"
    assert states[2] == states[0], "after it failed"


def test_every_function_that_is_lent_a_painter_restores_it() -> None:
    lent = 0
    for path, node in functions():
        if node.name == "__init__":  # keeps a painter for good
            continue
        if not any(getattr(arg.annotation, "id", "") == "QPainter" for arg in node.args.args):
            continue
        lent += 1
        bears = {getattr(decorator, "id", "") for decorator in node.decorator_list}
        assert "restores_painter" in bears, f"{path.name}: {node.name} leaves the painter as it pleases"
    assert lent > 10


@pytest.mark.usefixtures("qapp")
@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=lambda theme: theme.name)
def test_the_focus_is_a_line_whatever_was_drawn_before(theme: Theme) -> None:
    image = QImage(60, 40, QImage.Format.Format_RGB32)
    image.fill(QColor("#808080"))
    painter = QPainter(image)
    painter.setBrush(QColor("#ff00ff"))
    painter.setPen(QPen(QColor("#00ff00"), 9))
    draw_focus(painter, image.rect(), theme)
    painter.end()
    colors = {image.pixelColor(x, y).name() for x in range(60) for y in range(40)}
    assert colors == {"#808080", theme.accent}
    assert {image.pixelColor(x, y).name() for x in range(2, 58) for y in range(2, 38)} == {"#808080"}
    assert image.pixelColor(1, 1).name() == image.pixelColor(58, 38).name() == theme.accent


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=lambda theme: theme.name)
@pytest.mark.parametrize("name", icons.names())
def test_an_icon_keeps_its_shape_in_every_state(qapp: QApplication, name: str, theme: Theme) -> None:
    from PySide6.QtGui import QIcon

    def shape(mode: QIcon.Mode, state: QIcon.State) -> np.ndarray:
        image = icons.icon(name, theme).pixmap(QSize(20, 20), mode, state).toImage()
        return np.array([[image.pixelColor(x, y).alpha() > 128 for x in range(20)] for y in range(20)])

    resting = shape(QIcon.Mode.Normal, QIcon.State.Off)
    assert 10 < resting.sum() < 390
    for mode in (QIcon.Mode.Normal, QIcon.Mode.Active, QIcon.Mode.Selected, QIcon.Mode.Disabled):
        for state in (QIcon.State.Off, QIcon.State.On):
            assert (shape(mode, state) == resting).all()


def test_the_scale_of_the_plot_holds_its_values() -> None:
    for value in (0.0, 0.4, 1.0, 9.6, 96.0, 105.0, 250.0, 4_321.0):
        top = scale_top(value)
        assert value < top <= max(2.0, 2.8 * value)
        assert top in {float(f"{top:.1g}")}, "a number with one figure"
