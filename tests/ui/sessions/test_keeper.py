"""Edits belong to the source: they outlive other sources, other starts, full disks and other windows."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtWidgets import QMessageBox

from slowfast_live.errors import SessionError
from slowfast_live.people.records import PersonTrail
from slowfast_live.sessions.format import Session
from slowfast_live.sessions.identity import path_of
from slowfast_live.sessions.recognition import people_of
from slowfast_live.sessions.store import SessionStore
from slowfast_live.types import SourceKind, SourceSpec
from slowfast_live.ui.sessions import keeper as module
from tests.ui.conftest import Desk
from tests.ui.events.test_people_in_the_window import does, tell
from tests.ui.events.test_timeline import recognize

MakeDesk = Callable[..., Desk]
RUNS: list[str | None] = ["squat"] * 40 + [None] * 30 + ["clapping"] * 40 + [None] * 30 + ["squat"] * 40 + [None] * 30


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "sessions"


@pytest.fixture
def videos(tmp_path: Path) -> list[SourceSpec]:
    specs = []
    for name in ("one.mp4", "two.mp4"):
        (tmp_path / name).write_bytes(name.encode())
        specs.append(SourceSpec(SourceKind.FILE, str(tmp_path / name)))
    return specs


def names(desk: Desk) -> list[str]:
    return [noted.event.label for noted in desk.window.event_views.session_events.notes]


def settle(desk: Desk) -> None:
    """Wait until the source is known and nothing waits to be written."""
    keeper = desk.window.sessions.keeper
    desk.wait(lambda: not keeper.busy and not desk.live.background.busy and not keeper.unkept)


def show(desk: Desk, source: SourceSpec) -> None:
    desk.live.controller.open_source(source)
    desk.poll()
    desk.wait(lambda: not desk.window.sessions.keeper.busy)


def play(desk: Desk, labels: list[str | None] = RUNS) -> None:
    desk.poll()
    desk.wait(lambda: not desk.window.sessions.keeper.busy)
    recognize(desk, 3.0, labels)


def store_of(folder: Path) -> list[Session]:
    return [kept.session for kept in SessionStore(folder).sessions()]


@pytest.mark.parametrize("kept", [True, False])
def test_edits_are_there_again_after_another_source_with_undo(
    make_desk: MakeDesk, videos: list[SourceSpec], folder: Path, kept: bool
) -> None:
    desk = make_desk(source=videos[0], store=folder if kept else None)
    play(desk)
    session_events = desk.window.event_views.session_events
    session_events.rename(session_events.notes[0], "lunge")
    session_events.delete(session_events.notes[1:2])
    session_events.undo()
    session_events.add("jump", 40.0, 42.0)
    show(desk, videos[1])
    assert names(desk) == [] and not session_events.undoable
    show(desk, videos[0])
    assert names(desk) == ["lunge", "clapping", "squat", "jump"]
    session_events.undo()
    assert names(desk) == ["lunge", "clapping", "squat"] and session_events.redoable
    show(desk, videos[1])
    show(desk, videos[0])
    session_events.redo()
    assert names(desk) == ["lunge", "clapping", "squat", "jump"], "redo survives another source too"


def test_edits_and_what_was_recognized_are_there_in_the_next_run(
    make_desk: MakeDesk, videos: list[SourceSpec], folder: Path
) -> None:
    desk = make_desk(source=videos[0], store=folder)
    play(desk)
    session_events = desk.window.event_views.session_events
    before = [noted.event for noted in session_events.notes]
    session_events.rename(session_events.notes[0], "lunge")
    session_events.delete(session_events.notes[2:3])
    desk.window.close()
    again = make_desk(source=videos[0], store=folder)
    again.poll()
    again.wait(lambda: names(again) == ["lunge", "clapping"])
    assert again.window.event_views.session_events.notes[1].event == before[1], "nothing had to be recognized again"
    again.trigger("undo")
    assert names(again) == ["lunge", "clapping", "squat"], "undo reaches back to earlier runs"


def boxes_of(person: int, until_s: float = 20.0) -> PersonTrail:
    return PersonTrail(person, tuple((t / 2, 0.25, 0.25, 0.5, 1.0) for t in range(int(2 * until_s))), ())


def meet(desk: Desk) -> None:
    """Two people do something at the same time."""
    desk.pipeline.current_trails = (boxes_of(1), boxes_of(2))
    tell(desk, does(1, "squat", 3, 15), does(2, "clapping", 5, 18))


def done_by_people(desk: Desk) -> list[tuple[int | None, str]]:
    return [(noted.person, noted.event.label) for noted in desk.window.event_views.session_events.people.notes]


@pytest.mark.parametrize("kept", [True, False])
def test_people_and_the_edits_of_their_events_are_there_again_after_another_source(
    make_desk: MakeDesk, videos: list[SourceSpec], folder: Path, kept: bool
) -> None:
    desk = make_desk(source=videos[0], store=folder if kept else None)
    play(desk)
    meet(desk)
    session_events = desk.window.event_views.session_events
    session_events.rename(session_events.people.notes[1], "applause")
    desk.pipeline.leave_people()
    show(desk, videos[1])
    assert done_by_people(desk) == []
    desk.pipeline.leave_people()
    show(desk, videos[0])
    desk.poll()
    assert done_by_people(desk) == [(1, "squat"), (2, "applause")]
    assert [trail.id for trail in desk.pipeline.current_trails] == [1, 2], "whoever stands there is the same person"
    session_events.undo()
    assert done_by_people(desk) == [(1, "squat"), (2, "clapping")]


def test_people_are_there_in_the_next_run_and_without_their_source(
    make_desk: MakeDesk, videos: list[SourceSpec], folder: Path
) -> None:
    desk = make_desk(source=videos[0], store=folder)
    play(desk)
    meet(desk)
    session_events = desk.window.event_views.session_events
    session_events.delete(session_events.people.notes[:1])
    desk.window.close()
    again = make_desk(source=videos[0], store=folder)
    again.poll()
    again.wait(lambda: again.pipeline.last("restore_people") is not None)
    again.poll()
    assert done_by_people(again) == [(2, "clapping")]
    again.trigger("undo")
    assert done_by_people(again) == [(1, "squat"), (2, "clapping")]
    settle(again)
    (session,) = store_of(folder)
    again.window.sessions.show_events(session)
    again.wait(lambda: again.window.event_views.session_events.archived)
    again.wait(lambda: len(done_by_people(again)) == 2)
    archived = again.window.event_views.session_events
    archived.move(archived.people.notes[0], 2.0, 9.0)
    assert archived.people.notes[0].event.end_s == 9.0
    snapshot = again.window.event_views.export._snapshot()
    assert snapshot is not None and [trail.id for trail in snapshot.people] == [1, 2]
    assert snapshot.detector == "fake"


def test_people_of_a_camera_are_kept(make_desk: MakeDesk, videos: list[SourceSpec], folder: Path) -> None:
    desk = make_desk(store=folder)
    desk.pipeline.update(position_s=10.0)
    desk.poll()
    desk.wait(lambda: not desk.window.sessions.keeper.busy)
    recognize(desk, 3.0, RUNS)
    meet(desk)
    desk.pipeline.leave_people()
    show(desk, videos[0])
    settle(desk)
    (session,) = [session for session in store_of(folder) if session.source.live]
    people = people_of(SessionStore(folder).recognized(session.id))
    assert people is not None and [one.event.label for one in people.events] == ["squat", "clapping"]
    assert session.events == 5


def test_an_edit_is_on_the_disk_a_moment_later_without_quitting(
    make_desk: MakeDesk, videos: list[SourceSpec], folder: Path
) -> None:
    desk = make_desk(source=videos[0], store=folder)
    play(desk)
    desk.window.event_views.session_events.rename_all("squat", "lunge")
    desk.wait(lambda: any(session.edit_count == 1 for session in store_of(folder)))
    settle(desk)
    assert not desk.window.notice_bar.isVisible(), "that goes without saying"


def test_an_edit_made_before_the_file_was_looked_at_is_not_lost(
    make_desk: MakeDesk, videos: list[SourceSpec], folder: Path
) -> None:
    desk = make_desk(source=videos[0], store=folder, ready=False)
    desk.wait(lambda: desk.pipeline.current_status.source == videos[0])
    desk.poll()
    recognize(desk, 3.0, RUNS)
    desk.window.event_views.session_events.rename_all("squat", "lunge")
    desk.window.close()
    assert [session.edit_count for session in store_of(folder)] == [1]


def test_a_moved_file_keeps_its_edits(make_desk: MakeDesk, videos: list[SourceSpec], folder: Path) -> None:
    desk = make_desk(source=videos[0], store=folder)
    play(desk)
    desk.window.event_views.session_events.rename_all("squat", "lunge")
    show(desk, videos[1])
    moved = Path(videos[0].address).rename(folder.parent / "moved.mp4")
    show(desk, SourceSpec(SourceKind.FILE, str(moved)))
    assert desk.window.event_views.session_events.undoable
    desk.wait(lambda: [path_of(session.source) for session in store_of(folder) if session.edits] == [moved])


def test_another_content_in_its_place_begins_anew_and_says_where_the_edits_are(
    make_desk: MakeDesk, videos: list[SourceSpec], folder: Path
) -> None:
    desk = make_desk(source=videos[0], store=folder)
    play(desk)
    desk.window.event_views.session_events.rename_all("squat", "lunge")
    show(desk, videos[1])
    settle(desk)
    Path(videos[0].address).write_bytes(b"something else")
    show(desk, videos[0])
    assert not desk.window.event_views.session_events.undoable
    notice = desk.window.notice_bar.notice
    assert notice is not None and "has changed since" in notice.message and notice.command == "sessions"


def test_another_model_keeps_the_edits(make_desk: MakeDesk, videos: list[SourceSpec], folder: Path) -> None:
    desk = make_desk(source=videos[0], store=folder)
    play(desk)
    session_events = desk.window.event_views.session_events
    session_events.rename(session_events.notes[0], "lunge")
    desk.live.controller.choose_model("x3d_m")
    session_events.history.begin(live=False, generation=session_events.snapshot.version, file="forgotten")
    desk.poll()
    assert names(desk) == ["lunge"], "the user has said what happens there"


def test_each_connection_of_a_camera_is_a_session_of_its_own(
    make_desk: MakeDesk, videos: list[SourceSpec], folder: Path
) -> None:
    desk = make_desk(store=folder)
    camera = desk.pipeline.current_status.source
    assert camera is not None and camera.live
    for _ in range(2):
        desk.pipeline.update(position_s=5000.0)
        desk.poll()
        desk.wait(lambda: not desk.window.sessions.keeper.busy)
        recognize(desk, 5000.0, RUNS)
        show(desk, videos[0])
        show(desk, camera)
        assert names(desk) == []
    settle(desk)
    sessions = [session for session in store_of(folder) if session.source.live]
    assert len(sessions) == 2 and all(session.events == 3 and session.day_offset_s for session in sessions)
    found = SessionStore(folder).recognized(sessions[0].id)
    assert [event.label for event in found[0].events] == ["squat", "clapping", "squat"]


def test_nothing_is_kept_of_what_was_only_opened(make_desk: MakeDesk, videos: list[SourceSpec], folder: Path) -> None:
    desk = make_desk(source=videos[0], store=folder)
    play(desk, [])
    show(desk, videos[1])
    desk.window.close()
    assert store_of(folder) == []


def test_two_windows_lose_nothing_to_each_other(make_desk: MakeDesk, videos: list[SourceSpec], folder: Path) -> None:
    one, two = make_desk(source=videos[0], store=folder), make_desk(source=videos[0], store=folder)
    for desk in (one, two):
        play(desk)
    one.window.event_views.session_events.rename_all("squat", "lunge")
    two.window.event_views.session_events.rename_all("clapping", "applause")
    settle(one)
    settle(two)
    assert sorted(edit_count(folder)) == [2]
    assert one.window.sessions.keeper.current is not None
    assert one.window.sessions.keeper.current.id == two.window.sessions.keeper.current.id  # type: ignore[union-attr]
    one.window.sessions.keeper.check_for_changes()
    one.wait(lambda: names(one) == ["lunge", "applause", "lunge"])
    two.window.sessions.keeper.check_for_changes()
    two.wait(lambda: names(two) == ["lunge", "applause", "lunge"])
    two.trigger("undo")
    assert names(two) == ["lunge", "clapping", "lunge"], "each takes back its own"


def edit_count(folder: Path) -> list[int]:
    return [session.edit_count for session in store_of(folder)]


class FullDisk:
    """Makes keeping fail until it is cleared."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.full = True
        keep = SessionStore.keep

        def kept(store: SessionStore, session: Session) -> Session:
            if self.full:
                raise SessionError(f"{store.folder} cannot be written: there is no room left on the disk.")
            return keep(store, session)

        monkeypatch.setattr(SessionStore, "keep", kept)
        monkeypatch.setattr(module, "RETRY_MS", 50)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> FullDisk:
    return FullDisk(monkeypatch)


def test_edits_that_cannot_be_kept_are_said_and_tried_again(
    make_desk: MakeDesk, videos: list[SourceSpec], folder: Path, disk: FullDisk
) -> None:
    desk = make_desk(source=videos[0], store=folder)
    play(desk)
    desk.window.event_views.session_events.rename_all("squat", "lunge")
    bar = desk.window.notice_bar
    desk.wait(lambda: bar.notice is not None)
    assert bar.notice is not None and "one.mp4 cannot be saved" in bar.notice.message
    assert "no room left" in bar.notice.message and str(folder) in bar.notice.message
    assert bar.notice.command == "save_session", "what to do stands beside it"
    assert names(desk) == ["lunge", "clapping", "lunge"], "they stay in the window"
    show(desk, videos[1])
    show(desk, videos[0])
    assert names(desk) == ["lunge", "clapping", "lunge"], "across sources too"
    disk.full = False
    desk.wait(lambda: bar.notice is None)
    settle(desk)
    assert 1 in edit_count(folder)


@pytest.mark.parametrize("leave", [True, False])
def test_quitting_asks_while_edits_cannot_be_kept(
    make_desk: MakeDesk,
    videos: list[SourceSpec],
    folder: Path,
    disk: FullDisk,
    leave: bool,
) -> None:
    desk = make_desk(source=videos[0], store=folder)
    play(desk)
    desk.window.event_views.session_events.rename_all("squat", "lunge")
    assert not desk.window.close() and desk.window.isVisible()
    box = desk.window.sessions.dialog
    assert isinstance(box, QMessageBox) and box.text() == "Your edits of one.mp4 cannot be saved."
    wanted = "Quit without saving" if leave else "Stay"
    next(button for button in box.buttons() if button.text() == wanted).click()
    desk.wait(lambda: desk.window.isVisible() is not leave)
    disk.full = False
    desk.window.close()
    assert not desk.window.isVisible()
    assert leave or edit_count(folder) == [1]


def test_a_signal_is_not_kept_waiting_by_a_question(
    make_desk: MakeDesk, videos: list[SourceSpec], folder: Path, disk: FullDisk
) -> None:
    desk = make_desk(source=videos[0], store=folder)
    play(desk)
    desk.window.event_views.session_events.rename_all("squat", "lunge")
    assert not desk.window.close()
    desk.live.quit("SIGTERM")
    assert not desk.window.isVisible()


def test_edits_are_kept_when_a_signal_ends_the_window(
    make_desk: MakeDesk, videos: list[SourceSpec], folder: Path
) -> None:
    desk = make_desk(source=videos[0], store=folder)
    play(desk)
    desk.window.event_views.session_events.rename_all("squat", "lunge")
    desk.live.quit("SIGTERM")
    assert edit_count(folder) == [1]


def test_a_damaged_session_is_said_and_the_window_goes_on(
    make_desk: MakeDesk, videos: list[SourceSpec], folder: Path
) -> None:
    desk = make_desk(source=videos[0], store=folder)
    play(desk)
    desk.window.event_views.session_events.rename_all("squat", "lunge")
    settle(desk)
    desk.window.close()
    path = next(path for path in folder.glob("*.json") if ".seen" not in path.name)
    path.write_bytes(path.read_bytes()[:100])
    again = make_desk(source=videos[0], store=folder)
    again.poll()
    bar = again.window.notice_bar
    again.wait(lambda: bar.notice is not None and ".bad" in bar.notice.message)
    again.window.event_views.session_events.rename_all("clapping", "applause")
    settle(again)
    assert edit_count(folder) == [1] and len(list(folder.glob("*.bad"))) == 1


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="needs permissions that hold")
def test_a_folder_that_may_not_be_written_is_said(make_desk: MakeDesk, videos: list[SourceSpec], folder: Path) -> None:
    folder.mkdir()
    folder.chmod(0o500)
    desk = make_desk(source=videos[0], store=folder)
    play(desk)
    desk.window.event_views.session_events.rename_all("squat", "lunge")
    bar = desk.window.notice_bar
    desk.wait(lambda: bar.notice is not None and "may not write" in bar.notice.message)
    folder.chmod(0o700)
