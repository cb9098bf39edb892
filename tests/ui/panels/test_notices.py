"""Notices end by themselves when what they say no longer holds."""

from collections.abc import Callable
from typing import Any

import pytest

from slowfast_live.types import Level, Notice, SourceKind, SourceSpec, Topic
from slowfast_live.ui.models.model_builder import BuildOrder, BuildOutcome
from tests.ui.conftest import Desk

DEMO = SourceSpec(SourceKind.DEMO)


def another_source(desk: Desk) -> None:
    desk.live.controller.open_source(DEMO)
    desk.poll()
    desk.show_picture()


def comes_back(desk: Desk) -> None:
    desk.pipeline.update(reconnect_attempt=1)
    desk.poll()
    desk.pipeline.update(reconnect_attempt=0)


def another_model(desk: Desk) -> None:
    desk.live.controller.choose_model("x3d_m")
    desk.pipeline.predict()


def same_model_answers(desk: Desk) -> None:
    desk.pipeline.predict()


def models_are_read(desk: Desk) -> None:
    desk.live.controller.rescan()
    desk.wait(lambda: not desk.live.background.busy)


def recording_begins(desk: Desk) -> None:
    desk.show_picture()
    desk.poll()
    desk.live.recording.start()


def rules_change(desk: Desk) -> None:
    desk.live.alerts._change(desk.live.memory.settings.rules)


def snapshot_is_taken(desk: Desk) -> None:
    desk.show_picture()
    desk.window.snapshots.take()
    desk.wait(lambda: not desk.live.background.busy)


def analysis_begins(desk: Desk) -> None:
    desk.window.dialogs.show_analyze()
    assert desk.window.dialogs.analyze is not None
    desk.window.dialogs.analyze.began.emit()


def build_begins(desk: Desk) -> None:
    desk.live.builder.started.emit(BuildOrder("x3d_m", "X3D-M"))


def measuring_begins(desk: Desk) -> None:
    desk.window.dialogs.machine_check.begun.emit()


def event_is_edited(desk: Desk) -> None:
    desk.window.event_views.session_events.edited.emit()


def something_is_recognized(desk: Desk) -> None:
    desk.window.welcome.advisor.settled.emit(Topic.ADVICE)


def channels_work_again(desk: Desk) -> None:
    desk.live.publishing.settled.emit(Topic.PUBLISH)


def people_are_followed_anew(desk: Desk) -> None:
    desk.trigger("people")


def server_answers(desk: Desk) -> None:
    desk.live.controller.settled.emit(Topic.SERVER)


def explanation_is_shown(desk: Desk) -> None:
    desk.live.explaining.settled.emit(Topic.EXPLAIN)


def lesson_is_learned(desk: Desk) -> None:
    desk.window.teaching.settled.emit(Topic.TEACHING)


def export_is_saved(desk: Desk) -> None:
    desk.window.event_views.export.settled.emit(Topic.EXPORT)


def replay_is_saved(desk: Desk) -> None:
    desk.live.recording.settled.emit(Topic.REPLAY)


def edits_are_kept(desk: Desk) -> None:
    desk.window.sessions.keeper.settled.emit(Topic.SESSIONS)


def session_is_opened(desk: Desk) -> None:
    desk.window.sessions.settled.emit(Topic.SESSION_FILE)


ENDS: list[tuple[Topic, Callable[[Desk], Any]]] = [
    (Topic.SOURCE, another_source),
    (Topic.SOURCE, comes_back),
    (Topic.SWITCH, another_model),
    (Topic.DEVICES, another_model),
    (Topic.MODEL, same_model_answers),
    (Topic.MODELS, models_are_read),
    (Topic.RECORDING, recording_begins),
    (Topic.RULES, rules_change),
    (Topic.SNAPSHOT, snapshot_is_taken),
    (Topic.ANALYSIS, analysis_begins),
    (Topic.BUILD, build_begins),
    (Topic.MEASURING, measuring_begins),
    (Topic.ADVICE, something_is_recognized),
    (Topic.PEOPLE, people_are_followed_anew),
    (Topic.SERVER, server_answers),
    (Topic.EXPLAIN, explanation_is_shown),
    (Topic.TEACHING, lesson_is_learned),
    (Topic.PUBLISH, channels_work_again),
    (Topic.EDIT, event_is_edited),
    (Topic.EXPORT, export_is_saved),
    (Topic.REPLAY, replay_is_saved),
    (Topic.SESSIONS, edits_are_kept),
    (Topic.SESSION_FILE, session_is_opened),
]
STAY = {Topic.NEWS, Topic.SETTINGS, Topic.SESSION_LOG}


def shown(desk: Desk) -> set[str]:
    bar, found = desk.window.notice_bar, set()
    while bar.notice is not None:
        found.add(bar.notice.message)
        bar.dismiss()
    return found


@pytest.mark.parametrize(("topic", "event"), ENDS, ids=lambda value: getattr(value, "__name__", str(value)))
def test_a_notice_ends_with_what_it_is_about(desk: Desk, topic: Topic, event: Callable[[Desk], Any]) -> None:
    desk.pipeline.predict()
    desk.poll()
    for one in Topic:
        desk.live.poller.emit_notice(Notice(Level.ERROR, one.value, topic=one))
    event(desk)
    desk.poll()
    left = shown(desk)
    assert topic.value not in left
    assert {one.value for one in STAY} <= left


def test_every_topic_ends_or_is_read() -> None:
    assert {topic for topic, _event in ENDS} | STAY == set(Topic)


def test_a_failed_choice_stays_while_the_old_model_goes_on(desk: Desk) -> None:
    desk.pipeline.predict()
    desk.poll()
    desk.live.poller.emit_notice(Notice(Level.ERROR, "X3D-M does not run.", topic=Topic.SWITCH))
    desk.pipeline.predict()
    desk.poll()
    assert desk.window.notice_bar.notice is not None


def test_a_failed_build_is_told_and_ends_with_the_next(desk: Desk) -> None:
    order = BuildOrder("x3d_m", "X3D-M")
    desk.live.builder.finished.emit(BuildOutcome(order, False, False, "No connection."))
    assert desk.window.notice_bar.notice is not None
    desk.live.builder.started.emit(order)
    assert desk.window.notice_bar.notice is None


def test_figures_belong_to_their_source(desk: Desk) -> None:
    live = desk.window.side_panel.live
    desk.pipeline.update(frames_dropped=53, source_dropped=53, predictions=7)
    desk.window.side_panel.show_status(desk.pipeline.status(), 30.0)
    assert live.value("dropped") == "53" and live.value("latency") == "96 ms"
    desk.pipeline.update(source=DEMO, source_dropped=0, infer_ms=0.0, latency_ms=0.0)
    desk.window.side_panel.show_status(desk.pipeline.status(), 30.0)
    assert live.value("dropped") == "0" and live.value("latency") == "–" and live.value("infer") == "–"
