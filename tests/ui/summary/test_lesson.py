"""From the start to the finish of a session: a summary to show, print and keep; full screen; a choice of actions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QTextDocument
from PySide6.QtWidgets import QApplication

from slowfast_live.core.events import Event
from slowfast_live.core.readout_text import NONE_KNOWN, scores
from slowfast_live.inference.spec import Decision, Model, only_actions
from slowfast_live.types import Level, Readout, ReadoutState
from slowfast_live.ui.style import formatting
from slowfast_live.ui.summary.page import SummaryFacts, page, sums
from slowfast_live.ui.video.overlay import one_line_px
from tests.ui.conftest import Desk
from tests.ui.events.test_timeline import recognize
from tests.ui.fakes import LABELS, MODELS, FakeRegistry, make_spec

MakeDesk = Callable[..., Desk]


def event(label: str, begin_s: float, end_s: float) -> Event:
    return Event(label, begin_s, end_s, 0.8, 0.9, begin_s)


def settle() -> None:
    for _ in range(4):
        QApplication.processEvents()


def summary(*events: Event, title: str = "clip.mp4") -> SummaryFacts:
    return SummaryFacts(title, "2026-11-27", 0.0, 20.0, events, "SlowFast demo", formatting.clock)


def text_of(html: str) -> str:
    document = QTextDocument()
    document.setHtml(html)
    return document.toPlainText()


def test_actions_are_summed_up() -> None:
    rows = sums((event("squat", 1, 3), event("clapping", 4, 9), event("squat", 12, 13)))
    assert [(row.label, row.count, row.total_s, row.longest_s, row.first_s) for row in rows] == [
        ("clapping", 1, 5, 5, 4),
        ("squat", 2, 3, 2, 1),
    ]


def test_repetitions_are_summed_up_and_shown_where_there_are_any(qapp: QApplication) -> None:
    squats = (replace(event("squat", 1, 3), repetitions=5), replace(event("squat", 12, 13), repetitions=3))
    assert [row.repetitions for row in sums(squats)] == [8]
    text = text_of(page(summary(*squats, event("clapping", 4, 9))))
    assert "Repetitions" in text
    assert "8" in text.split("\n")
    assert "Repetitions" not in text_of(page(summary(event("squat", 1, 3))))


def test_the_page_says_it_in_words_and_figures(qapp: QApplication) -> None:
    text = text_of(page(summary(event("squat", 1, 3), event("clapping", 4, 9), event("squat", 12, 13))))
    for part in (
        "clip.mp4",
        "00:00 to 00:20",
        "2 actions in 3 events",
        "8.0 s (40 % of the time)",
        "squat",
        "SlowFast",
    ):
        assert part in text


def test_names_are_text_and_nothing_else(qapp: QApplication) -> None:
    html = page(summary(event("<img src=x>", 1, 3), title="<b>a & b</b>"))
    assert "<img" not in html and "<b>a" not in html
    assert "<img src=x>" in text_of(html)


def test_nothing_recognized_is_said(qapp: QApplication) -> None:
    assert "No action was recognized" in text_of(page(summary()))


def test_a_session_from_start_to_finish(desk: Desk, tmp_path: Path) -> None:
    recognize(desk, 3.0, ["squat"] * 100 + [None] * 50 + ["clapping"] * 100 + [None] * 40)
    desk.poll()
    action = desk.window.actions_by_id["run_session"]
    desk.pipeline.update(position_s=4.0)
    action.trigger()
    assert action.isChecked() and action.text() == "Finish the session…"
    desk.pipeline.update(position_s=9.0)
    action.trigger()
    dialog = desk.window.lesson.dialog
    assert dialog is not None and action.text() == "Start a session"
    text = dialog.page.toPlainText()
    assert "00:04 to 00:09" in text and "squat" in text and "clapping" not in text
    for name, begin in (("a.pdf", b"%PDF"), ("a.html", b"<html>")):
        dialog.save(tmp_path / name)
        assert (tmp_path / name).read_bytes().startswith(begin)
        assert desk.window.notice_bar.notice.file == tmp_path / name  # type: ignore[union-attr]
    dialog.save(tmp_path / "nowhere" / "a.pdf")
    notice = desk.window.notice_bar.notice
    assert notice is not None and notice.level is Level.ERROR and "nowhere" in notice.message
    dialog.close()


def test_without_marks_everything_is_summed_up(desk: Desk) -> None:
    recognize(desk, 3.0, ["squat"] * 100 + [None] * 50 + ["clapping"] * 100 + [None] * 40)
    desk.poll()
    desk.pipeline.update(position_s=29.0)
    desk.trigger("summary")
    dialog = desk.window.lesson.dialog
    assert dialog is not None
    assert {"squat", "clapping"} <= set(dialog.page.toPlainText().replace("■", " ").split())
    dialog.close()


# Presenting


def test_full_screen_has_black_bars_controls_and_a_hint(desk: Desk) -> None:
    desk.live.themes.set_mode("light")
    desk.show_picture()
    desk.trigger("full_screen")
    settle()
    canvas, bar = desk.window.canvas, desk.window.presenting
    assert bar.isVisible() and bar.hint.text() == "Esc leaves the full screen"
    assert canvas._letterbox == Qt.GlobalColor.black
    canvas._pointer.timeout.emit()
    assert not bar.isVisible(), "it hides with the pointer"
    desk.qtbot.mouseMove(canvas, QPoint(30, 30))
    desk.wait(bar.isVisible)
    bar.buttons["leave_full_screen"].click()
    desk.wait(lambda: not desk.window.isFullScreen())
    assert not bar.isVisible() and canvas._letterbox != Qt.GlobalColor.black


def test_the_label_grows_with_the_screen_and_is_largest_on_request(desk: Desk) -> None:
    canvas = desk.window.canvas
    desk.show_picture()
    assert canvas.label_scale == 1.0
    canvas.set_presenting(True)
    canvas.resize(1920, 1080)
    assert 1.5 < canvas.label_scale < 2
    desk.trigger("big_label")
    assert canvas.label_scale * 28 == pytest.approx(0.12 * 1080, abs=1)
    desk.pipeline.current_readout = Readout(ReadoutState.ACTION, "squat", 0.8, (("squat", 0.8),))
    desk.poll()
    assert canvas.overlay.stats == "" and canvas.overlay.bars == ()
    assert desk.live.memory.settings.big_label
    canvas.set_presenting(False)


@pytest.mark.parametrize("size", [(800, 600), (1280, 800), (1920, 1080), (3840, 2160)])
@pytest.mark.parametrize("label", LABELS)
def test_the_big_label_is_read_whole(desk: Desk, size: tuple[int, int], label: str) -> None:
    canvas = desk.window.canvas
    desk.show_picture()
    desk.trigger("big_label")
    canvas.resize(*size)
    desk.pipeline.current_readout = Readout(ReadoutState.ACTION, label, 0.8, ((label, 0.8),))
    desk.poll()
    assert canvas.overlay.headline == label and canvas.overlay.value == "", "the action alone"
    assert one_line_px(canvas.overlay) * canvas.label_scale <= size[0] + 1
    assert canvas.label_scale >= 1.0


# A chosen subset


def test_the_others_count_as_none_of_these() -> None:
    model = only_actions(MODELS[0], {"squat", "clapping", "unheard of"})
    assert model.spec.actions == ("squat", "clapping")
    assert only_actions(MODELS[0], LABELS) is MODELS[0] and only_actions(MODELS[0], ()) is MODELS[0]
    readout = Readout(
        ReadoutState.NO_CONFIDENT_ACTION,
        None,
        0.5,
        (("jumping jacks", 0.5), ("squat", 0.2), ("walking", 0.1)),
        background=frozenset(model.spec.decision.background_labels),
    )
    assert scores(readout) == ((NONE_KNOWN, 0.6), ("squat", 0.2))


def test_unchecking_an_action_changes_what_is_looked_for(desk: Desk) -> None:
    known = desk.window.side_panel.actions_known
    row = known.visible_labels().index("squat")
    index = known._proxy.index(row, 0)
    known._proxy.setData(index, Qt.CheckState.Unchecked, Qt.ItemDataRole.CheckStateRole)
    used = desk.pipeline.last("use_model")
    assert used is not None and "squat" not in used[0].spec.actions and len(used[0].spec.actions) == len(LABELS) - 1
    assert known._count.text() == f"looks for {len(LABELS) - 1} of {len(LABELS)} actions"
    assert "squat" not in desk.live.memory.settings.chosen_actions["slowfast_r50"]
    known._all.click()
    assert desk.pipeline.last("use_model")[0] == MODELS[0]  # type: ignore[index]
    assert desk.live.memory.settings.chosen_actions == {}


def test_what_a_model_has_off_is_looked_for_only_if_chosen(make_desk: MakeDesk, tmp_path: Path) -> None:
    spec = make_spec("off", decision=Decision(0.35, off=("squat", "clapping")))
    model = Model(tmp_path / "off", spec)
    desk = make_desk(registry=FakeRegistry((model,)))
    controller = desk.live.controller
    assert controller.chosen_actions(model) == set(spec.actions) - {"squat", "clapping"}
    desk.pipeline.update(model="off")
    controller.choose_model("off")
    controller.choose_actions(spec.actions)
    assert controller.chosen_actions(model) == set(spec.actions)
    assert "squat" in desk.live.memory.settings.chosen_actions["off"]
    controller.choose_actions(set(spec.actions) - {"squat", "clapping"})
    assert desk.live.memory.settings.chosen_actions == {}


def test_the_choice_is_kept_for_the_model(make_desk: MakeDesk, video: object) -> None:
    desk = make_desk(source=video)
    desk.window.side_panel.actions_known.chosen.emit(frozenset({"squat", "clapping"}))
    desk.window.close()
    again = make_desk(source=video)
    used = again.pipeline.last("use_model")
    assert used is not None and used[0].spec.actions == ("squat", "clapping")
    again.live.controller.choose_model("x3d_m")
    assert again.pipeline.last("use_model")[0] == MODELS[1], "it is the other model's choice"  # type: ignore[index]


def test_to_look_for_nothing_is_not_offered(desk: Desk) -> None:
    known = desk.window.side_panel.actions_known
    known._choose(frozenset({"squat"}))
    index = known._proxy.index(known.visible_labels().index("squat"), 0)
    known._proxy.setData(index, Qt.CheckState.Unchecked, Qt.ItemDataRole.CheckStateRole)
    assert known._chosen == {"squat"}
