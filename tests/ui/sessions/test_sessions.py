"""Earlier sessions are listed, opened, renamed, deleted and sent; events are added manually."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QFileDialog, QInputDialog, QMessageBox

from slowfast_live.sessions.store import SessionStore, read_file, write_file
from slowfast_live.types import Level, SourceKind, SourceSpec
from slowfast_live.ui.sessions.sessions_dialog import EDITS, EVENTS, SessionsDialog
from tests.sessions.made import edited, make_recognized, make_session, make_source
from tests.ui.conftest import Desk
from tests.ui.events.test_timeline import recognize
from tests.ui.sessions.test_keeper import RUNS, MakeDesk, folder, names, play, settle, show, store_of, videos

__all__ = ["folder", "videos"]


def listed(desk: Desk) -> SessionsDialog:
    """The list, as it is once it was read anew."""
    settle(desk)
    desk.trigger("sessions")
    desk.wait(lambda: not desk.live.background.busy)
    assert desk.window.sessions.list is not None
    return desk.window.sessions.list


def select(dialog: SessionsDialog, row: int) -> None:
    dialog.table.clearSelection()
    dialog.table.selectRow(row)


@pytest.fixture
def desk(make_desk: MakeDesk, videos: list[SourceSpec], folder: Path) -> Desk:
    """Two files were watched; the events of the first one were edited, and the second one is shown."""
    desk = make_desk(source=videos[0], store=folder)
    play(desk)
    desk.window.event_views.session_events.rename_all("squat", "lunge")
    show(desk, videos[1])
    play(desk, ["clapping"] * 60 + [None] * 40)
    desk.window.sessions.keeper._write()
    settle(desk)
    return desk


def cells(dialog: SessionsDialog) -> list[tuple[str, str, str]]:
    model = dialog.table.model()
    return [
        tuple(model.index(row, column).data() for column in (1, EVENTS, EDITS))  # type: ignore[misc]
        for row in range(model.rowCount())
    ]


def test_the_list_says_source_events_and_edits_the_newest_first(desk: Desk) -> None:
    assert cells(listed(desk)) == [("two.mp4", "1", "none"), ("one.mp4", "3", "1 edit")]


def test_a_session_is_opened_from_the_list(desk: Desk, videos: list[SourceSpec]) -> None:
    dialog = listed(desk)
    select(dialog, 1)
    dialog.open_selected()
    desk.wait(lambda: desk.pipeline.last("open") == (videos[0],))
    desk.poll()
    desk.wait(lambda: names(desk) == ["lunge", "clapping", "lunge"])


def test_a_session_is_renamed_and_found_by_its_name(desk: Desk, folder: Path) -> None:
    dialog = listed(desk)
    select(dialog, 1)
    dialog.rename_selected()
    box = dialog.findChild(QInputDialog)
    assert box is not None
    box.setTextValue("Monday\u202e")
    box.accept()
    desk.wait(lambda: any("Monday (one.mp4)" in row[0] for row in cells(dialog)))
    dialog.search.setText("mond")
    assert len(dialog.rows) == 1
    assert {session.title for session in store_of(folder)} == {"Monday", ""}


def test_deleting_is_undone(desk: Desk, folder: Path) -> None:
    dialog = listed(desk)
    select(dialog, 1)
    dialog.delete_selected()
    desk.wait(lambda: len(dialog.rows) == 1)
    assert "“one.mp4” deleted" in dialog.message.text() and len(store_of(folder)) == 1
    assert len(dialog.selected) == 1, "what takes its place is selected"
    dialog.message.linkActivated.emit("undo")
    desk.wait(lambda: len(dialog.rows) == 2)
    assert sorted(session.edit_count for session in store_of(folder)) == [0, 1]


def test_a_deleted_session_that_is_shown_is_not_kept_again_by_itself(
    make_desk: MakeDesk, videos: list[SourceSpec], folder: Path
) -> None:
    desk = make_desk(source=videos[0], store=folder)
    play(desk)
    desk.window.event_views.session_events.rename_all("squat", "lunge")
    dialog = listed(desk)
    dialog.delete_all.click()
    desk.wait(lambda: dialog.rows == [])
    assert names(desk) == ["squat", "clapping", "squat"]
    recognize(desk, 40.0, RUNS)
    show(desk, videos[1])
    desk.wait(lambda: not desk.live.background.busy)
    assert store_of(folder) == []
    dialog.undo_wanted.emit()
    desk.wait(lambda: len(store_of(folder)) == 1)
    show(desk, videos[0])
    desk.wait(lambda: names(desk)[:3] == ["lunge", "clapping", "lunge"])


def test_undoing_brings_the_edits_of_the_shown_source_back(
    make_desk: MakeDesk, videos: list[SourceSpec], folder: Path
) -> None:
    desk = make_desk(source=videos[0], store=folder)
    play(desk)
    desk.window.event_views.session_events.rename_all("squat", "lunge")
    dialog = listed(desk)
    dialog.delete_all.click()
    desk.wait(lambda: dialog.rows == [])
    dialog.undo_wanted.emit()
    desk.wait(lambda: names(desk) == ["lunge", "clapping", "lunge"])


def test_the_dialog_says_where_sessions_lie_and_what_is_removed(desk: Desk, folder: Path) -> None:
    from PySide6.QtWidgets import QLabel

    text = " ".join(label.text() for label in listed(desk).findChildren(QLabel))
    assert str(folder) in text and "90 days" in text and "Edited ones stay" in text and "no pictures" in text


# A source that is not there


def test_a_missing_file_is_said_and_its_events_are_shown_without_it(
    desk: Desk, videos: list[SourceSpec], folder: Path
) -> None:
    Path(videos[0].address).unlink()
    dialog = listed(desk)
    assert "file not found" in cells(dialog)[1][0]
    select(dialog, 1)
    dialog.open_selected()
    sessions = desk.window.sessions
    desk.wait(lambda: isinstance(sessions.dialog, QMessageBox))
    assert isinstance(sessions.dialog, QMessageBox) and "is not at" in sessions.dialog.text()
    press(sessions.dialog, "Show the events")
    desk.wait(lambda: names(desk) == ["lunge", "clapping", "lunge"])
    desk.poll()
    assert desk.pipeline.last("close_source") is not None
    assert "earlier session" in desk.window.canvas.accessibleDescription()
    session_events = desk.window.event_views.session_events
    session_events.delete(session_events.notes[:1])
    settle(desk)
    assert 2 in [session.edit_count for session in store_of(folder)], "it can be edited"
    show(desk, videos[1])
    assert names(desk) == ["clapping"] and not session_events.archived


def test_a_missing_file_is_found_again(desk: Desk, videos: list[SourceSpec], folder: Path) -> None:
    path = Path(videos[0].address)
    (folder.parent / "elsewhere").mkdir()
    moved = path.rename(folder.parent / "elsewhere" / "film.mp4")
    dialog = listed(desk)
    select(dialog, 1)
    dialog.open_selected()
    sessions = desk.window.sessions
    desk.wait(lambda: isinstance(sessions.dialog, QMessageBox))
    assert isinstance(sessions.dialog, QMessageBox)
    press(sessions.dialog, "Find the video…")
    assert isinstance(sessions.dialog, QFileDialog)
    sessions.dialog.fileSelected.emit(str(moved))
    desk.wait(lambda: desk.pipeline.last("open") == (SourceSpec(SourceKind.FILE, str(moved)),))
    desk.poll()
    desk.wait(lambda: names(desk) == ["lunge", "clapping", "lunge"])
    settle(desk)
    assert "file not found" not in cells(listed(desk))[0][0]


def press(box: QMessageBox, text: str) -> None:
    next(button for button in box.buttons() if button.text() == text).click()


def test_a_camera_of_an_earlier_day_is_shown_with_its_times(make_desk: MakeDesk, folder: Path) -> None:
    store = SessionStore(folder)
    source = make_source(kind="camera", name="Logitech", path="", content="")
    session = make_session(source=source, day_offset_s=45_000.0, title="Tuesday")
    store.keep(session)
    store.keep_recognized(session.id, make_recognized(moments=None))
    desk = make_desk(store=folder)
    dialog = listed(desk)
    select(dialog, len(dialog.rows) - 1)
    dialog.open_selected()
    desk.wait(lambda: names(desk) == ["squat", "clapping", "squat"])
    desk.poll()
    assert desk.window.event_views.events.model.index(0, 0).data() == "12:30:00"
    assert desk.window.timeline.viewport.whole.end_s >= 25.0 and not desk.window.timeline.viewport.live
    desk.trigger("add_event")
    assert desk.window.event_views.dialog is not None and desk.window.event_views.dialog.end.text() == "12:30:25.0"


# Sessions as files


@pytest.fixture
def sent(tmp_path: Path, videos: list[SourceSpec]) -> Path:
    """A session about the first video, made on another machine."""
    from slowfast_live.sessions.identity import identify

    source = identify(videos[0])
    session = make_session(source=source, edits=edited("lunge").edits, recognized=(make_recognized(curves=None),))
    (tmp_path / "post").mkdir()
    write_file(session, tmp_path / "post" / "review.slowfast")
    return tmp_path / "post" / "review.slowfast"


def drop(desk: Desk, path: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    left = Qt.MouseButton.LeftButton
    event = QDropEvent(QPointF(9, 9), Qt.DropAction.CopyAction, data, left, Qt.KeyboardModifier.NoModifier)
    desk.window.dropEvent(event)


def ask_for_video(desk: Desk) -> QMessageBox:
    sessions = desk.window.sessions
    desk.wait(lambda: isinstance(sessions.dialog, QMessageBox))
    assert isinstance(sessions.dialog, QMessageBox)
    return sessions.dialog


@pytest.mark.parametrize("keep", [True, False])
def test_a_dropped_session_shows_its_events_or_asks_for_the_video(
    make_desk: MakeDesk, videos: list[SourceSpec], folder: Path, sent: Path, keep: bool
) -> None:
    desk = make_desk(source=videos[1], store=folder if keep else None)
    drop(desk, sent)
    press(ask_for_video(desk), "Show the events")
    desk.wait(lambda: "lunge" in names(desk))
    assert desk.window.event_views.session_events.archived


@pytest.mark.parametrize("keep", [True, False])
def test_a_session_beside_its_video_opens_both(
    make_desk: MakeDesk, videos: list[SourceSpec], folder: Path, sent: Path, keep: bool
) -> None:
    desk = make_desk(source=videos[1], store=folder if keep else None)
    beside = sent.rename(sent.parent.parent / "review.slowfast")
    drop(desk, beside)
    desk.wait(lambda: desk.pipeline.last("open") == (videos[0],))
    desk.poll()
    desk.wait(lambda: "lunge" in names(desk))
    desk.show_picture()
    desk.poll()
    assert desk.live.memory.settings.recent_files[0] == videos[0].address, "the video is remembered, not the session"


def test_the_command_line_opens_a_session(make_desk: MakeDesk, folder: Path, sent: Path) -> None:
    desk = make_desk(source=SourceSpec(SourceKind.FILE, str(sent)), store=folder)
    assert "clip" not in ask_for_video(desk).text() and "one.mp4" in ask_for_video(desk).text()


def test_the_open_dialog_offers_sessions(desk: Desk) -> None:
    desk.trigger("open_file")
    dialog = desk.window.findChild(QFileDialog)
    assert dialog is not None and "*.slowfast" in dialog.nameFilters()[0]
    dialog.close()


def test_what_is_no_session_is_said(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "bad.slowfast"
    path.write_bytes(b'{"format": "slowfast-live session", "version": 1, "id": "../../x"}')
    drop(desk, path)
    bar = desk.window.notice_bar
    desk.wait(lambda: bar.notice is not None and bar.notice.level is Level.ERROR)
    assert bar.notice is not None and str(path) in bar.notice.message and names(desk) == ["clapping"]


def test_a_session_that_names_a_file_of_this_machine_does_not_open_it(
    desk: Desk, videos: list[SourceSpec], tmp_path: Path
) -> None:
    from slowfast_live.sessions.format import encode
    from slowfast_live.sessions.identity import identify

    opened = desk.pipeline.last("open")
    path = tmp_path / "post.slowfast"
    (tmp_path / "secret").mkdir()
    secret = Path(videos[0].address).rename(tmp_path / "secret" / "film.mp4")
    path.write_bytes(encode(make_session(source=identify(SourceSpec(SourceKind.FILE, str(secret))))))
    drop(desk, path)
    ask_for_video(desk)
    assert desk.pipeline.last("open") == opened


def test_what_is_shown_is_saved_with_all_that_was_recognized(desk: Desk, tmp_path: Path) -> None:
    desk.window.event_views.session_events.rename_all("clapping", "applause")
    desk.trigger("save_session")
    dialog = desk.window.sessions.dialog
    assert isinstance(dialog, QFileDialog) and dialog.selectedFiles()[0].endswith("two.slowfast")
    target = tmp_path / "out.slowfast"
    dialog.fileSelected.emit(str(target))
    desk.wait(target.exists)
    session = read_file(target)
    assert session.edit_count == 1 and session.source.path == ""
    assert [event.label for event in session.recognized[0].events] == ["clapping"]
    dialog.close()


# Adding an event


def add(desk: Desk, name: str, begin: str, end: str) -> str:
    """Fill in the dialog; return what it says."""
    desk.trigger("add_event")
    dialog = desk.window.event_views.dialog
    assert dialog is not None
    dialog.name.setEditText(name)
    dialog.begin.setText(begin)
    dialog.end.setText(end)
    dialog.accept()
    message = dialog.message.text()
    dialog.close()
    return message


def test_an_event_is_added_by_hand(desk: Desk) -> None:
    assert add(desk, "  jumping   rope ", "0:30", "31.5") == ""
    assert names(desk) == ["clapping", "jumping rope"]
    panel = desk.window.event_views.events
    assert [noted.event.label for noted in panel.selected] == ["jumping rope"]
    assert "added manually" in panel.details and panel.model.index(1, 4).data() == "added"
    desk.trigger("undo")
    assert names(desk) == ["clapping"]
    desk.trigger("redo")
    assert names(desk) == ["clapping", "jumping rope"]


def test_the_current_moment_is_offered(desk: Desk) -> None:
    desk.pipeline.update(position_s=61.24)
    desk.trigger("add_event")
    dialog = desk.window.event_views.dialog
    assert dialog is not None and (dialog.begin.text(), dialog.end.text()) == ("01:01.2", "01:03.2")
    assert "squat" in [dialog.name.itemText(i) for i in range(dialog.name.count())]
    dialog.close()


@pytest.mark.parametrize(
    ("name", "begin", "end", "message"),
    [(" ", "0:01", "0:02", "action"), ("jump", "soon", "0:02", "1:23.4"), ("jump", "0:02", "0:02", "before it ends")],
)
def test_what_is_missing_is_said(desk: Desk, name: str, begin: str, end: str, message: str) -> None:
    assert message in add(desk, name, begin, end)
    assert names(desk) == ["clapping"]


# Deleting in the list of events


def test_deleting_an_event_selects_the_next_one_and_offers_undo(make_desk: MakeDesk, videos: list[SourceSpec]) -> None:
    desk = make_desk(source=videos[0])
    play(desk)
    desk.trigger("events")
    panel = desk.window.event_views.events
    panel.table.setFocus()
    panel.table.selectRow(1)
    desk.qtbot.keyClick(panel.table, Qt.Key.Key_Delete)
    assert names(desk) == ["squat", "squat"]
    assert [panel.model.rows.index(noted) for noted in panel.selected] == [1]
    assert "“clapping” deleted" in panel.deleted_text
    desk.qtbot.keyClick(panel.table, Qt.Key.Key_Delete)
    assert [panel.model.rows.index(noted) for noted in panel.selected] == [0], "at the end: the one before"
    panel._deleted.linkActivated.emit("undo")
    assert names(desk) == ["squat", "squat"] and panel.deleted_text == ""
