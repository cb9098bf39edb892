"""Several answers at once in the window, and how often and over what time a model looks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import msgspec
import numpy as np
import pytest
from PySide6.QtCore import QSize

from slowfast_live import settings as store
from slowfast_live.core.corrections import AnnotatedEvent
from slowfast_live.core.curves import Columns
from slowfast_live.core.events import Event, EventRule
from slowfast_live.core.moments import DecisionRule
from slowfast_live.types import Readout, ReadoutState, Status
from slowfast_live.ui.controller.options import AppOptions
from slowfast_live.ui.events.time_axis import Span
from slowfast_live.ui.events.timeline_painting import FULL, SEVERAL, TimelineScene, device_columns, paint, scale_of
from slowfast_live.ui.style.palette import LIGHT
from slowfast_live.ui.video.overlay import compose
from tests.ui.conftest import Desk
from tests.ui.fakes import LABELS, MODELS, FakeRegistry
from tests.ui.pixels import pixels_of

MakeDesk = Callable[..., Desk]
pytestmark = pytest.mark.usefixtures("qapp")
TOP = tuple((label, 0.9 - 0.1 * i) for i, label in enumerate(LABELS[:5]))
SHOWN = Readout(ReadoutState.ACTION, LABELS[0], 0.9, TOP, 1.0, others=TOP[1:3], several=True)


def test_the_overlay_names_all_labels_and_colors_their_bars() -> None:
    overlay = compose(SHOWN, Status())
    assert overlay.headline == " · ".join(LABELS[:3]) and overlay.action == LABELS[0] and overlay.value == ""
    assert [bar.trusted for bar in overlay.bars] == [True] * 3 + [False] * 2
    alone = compose(replace(SHOWN, others=()), Status())
    assert alone.headline == LABELS[0] and alone.value == "90 %"
    single = compose(replace(SHOWN, others=(), several=False), Status())
    assert [bar.trusted for bar in single.bars] == [True] * 5


def noted(label: str, begin_s: float, end_s: float) -> AnnotatedEvent:
    return AnnotatedEvent(Event(label, begin_s, end_s, 0.8, 0.9, begin_s), label)


def test_events_that_overlap_are_painted_in_rows() -> None:
    notes = [noted(LABELS[0], 0, 90), noted(LABELS[1], 20, 40), noted(LABELS[2], 30, 60)]
    scale = scale_of(SEVERAL, 800, Span(0, 100))
    values = np.full(device_columns(scale, 1), np.nan, np.float32)
    scene = TimelineScene(SEVERAL, scale, notes, Columns(values, values), overlapping=True)
    picture = pixels_of(paint(scene, QSize(800, SEVERAL.height), 1, LIGHT))
    top, height = SEVERAL.events
    x = round(scale.x(35))
    colors = [tuple(picture[top + round((row + 0.5) * height / 3)][x + 30][:3]) for row in range(3)]
    assert len(set(colors)) == 3, "three events lie one below the other"
    early = round(scale.x(10)) + 40
    column = {tuple(picture[top + round((row + 0.5) * height / 3)][early][:3]) for row in (1, 2)}
    assert len(column) == 1, "nothing is painted where only one label was seen"


def test_a_file_with_several_labels_on_the_timeline_and_in_the_list(make_desk: MakeDesk, video: object) -> None:
    desk = make_desk(source=video)
    desk.poll()
    session, spec = desk.window.event_views.session_events, MODELS[0].spec
    events = EventRule.for_timing(spec.timing, overlapping=True)
    decided = session.history.decisions(spec.name, DecisionRule(spec.labels, threshold=0.5, events=events))
    assert decided is not None
    for i in range(300):
        moment = decided.moment(max(0.0, (i - 1) / 10), i / 10)
        probs = np.zeros(len(spec.labels), np.float32)
        probs[0], probs[1] = 0.9, 0.8 * (100 < i < 200)
        if moment is not None:
            decided.add(moment, probs, 0.5)
    desk.pipeline.update(position_s=15.0)
    desk.poll()
    assert [n.event.label for n in session.notes] == [LABELS[0], LABELS[1]]
    assert session.notes[0].going_on and not session.notes[1].going_on
    at = session.noted_at(15.0)
    assert at is not None and at.event.label == LABELS[1], "the shorter one is the one that is meant"
    desk.window.timeline.repaint()
    assert desk.window.timeline._rows is SEVERAL and SEVERAL.height == FULL.height
    session.corrections.rename(session.notes[1], "something new")
    session.corrected() if hasattr(session, "corrected") else session._refresh(corrected=True)
    assert {n.event.label for n in session.notes} == {LABELS[0], "something new"}


def test_a_limit_is_kept_for_each_model_and_says_what_it_saves(make_desk: MakeDesk) -> None:
    desk = make_desk()
    desk.poll()
    pace = desk.window.side_panel.live.pace
    running = desk.pipeline.current_status.model
    assert running is not None
    pace.limit.setCurrentIndex(pace.limit.findData(1.0))
    pace.limit.activated.emit(pace.limit.currentIndex())
    assert desk.pipeline.last("set_rate_limit") == (1.0,)
    settings = desk.live.controller.memory.settings
    assert settings.rate_limits == {running: 1.0}
    desk.pipeline.update(rate_limit=1.0, infer_ms=200.0, predictions=5)
    desk.window.side_panel.live.show_status(desk.pipeline.current_status, 30.0)
    assert pace.saved.text() == "80 %"
    pace.limit.setCurrentIndex(0)
    pace.limit.activated.emit(0)
    assert desk.pipeline.last("set_rate_limit") == (None,) and settings.rate_limits == {}


def test_the_rate_of_the_command_line_holds_for_this_run(make_desk: MakeDesk) -> None:
    desk = make_desk(AppOptions(rate=3.0))
    desk.poll()
    assert desk.pipeline.last("set_rate_limit") == (3.0,)
    assert desk.live.controller.memory.settings.rate_limits == {}
    desk.pipeline.update(rate_limit=3.0)
    desk.window.side_panel.live.show_status(desk.pipeline.current_status, 30.0)
    assert desk.window.side_panel.live.pace.limit.currentText() == "3 a second"


def test_the_span_of_a_whole_action_can_be_chosen(make_desk: MakeDesk) -> None:
    clip = msgspec.structs.replace(MODELS[0].spec.clip, spans_s=(2.0, 4.0))
    whole = msgspec.structs.replace(MODELS[0], spec=msgspec.structs.replace(MODELS[0].spec, clip=clip))
    desk = make_desk(registry=FakeRegistry((whole, *MODELS[1:])))
    desk.poll()
    pace = desk.window.side_panel.live.pace
    assert not pace.span.isHidden() and pace.span.value() == pytest.approx(3.0)
    pace.span.setValue(2.5)
    model = desk.pipeline.last("use_model")[0]
    assert model.spec.timing.span_s == pytest.approx(2.5)
    assert desk.live.controller.memory.settings.spans == {whole.name: 2.5}
    pace.show_model(MODELS[1].spec)
    assert pace.span.isHidden()


def test_the_settings_keep_limits_and_spans(tmp_path: object) -> None:
    settings = store.Settings(rate_limits={"slowfast_r50-int8": 1.0}, spans={"slow_r50_ssv2-fp16": 2.5})
    path = tmp_path / "settings.json"  # type: ignore[operator]
    store.save(settings, path)
    again = store.load(path).settings
    assert again.rate_limits == settings.rate_limits and again.spans == settings.spans
