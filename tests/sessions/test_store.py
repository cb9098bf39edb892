"""Nothing that a user made is lost: not to another window, a power cut, a full disk or a damaged file."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from slowfast_live.core.corrections import Corrections
from slowfast_live.errors import SessionError
from slowfast_live.sessions import store as module
from slowfast_live.sessions.format import ModelRef, decode, encode, to_send
from slowfast_live.sessions.store import SessionStore, read_file, write_file
from tests.sessions.made import edited, make_recognized, make_session, make_source


@pytest.fixture
def store(tmp_path: Path) -> SessionStore:
    return SessionStore(tmp_path / "sessions")


def test_what_is_kept_is_found_by_another_store_in_the_same_folder(store: SessionStore) -> None:
    session = make_session(edits=edited("lunge").edits)
    store.keep(session)
    store.keep_recognized(session.id, make_recognized())
    other = SessionStore(store.folder)
    assert other.load(session.id) == session
    assert other.recognized(session.id) == (make_recognized(),)
    assert [kept.session for kept in other.sessions()] == [session]


def test_the_session_of_a_source_is_found_wherever_the_file_lies(store: SessionStore) -> None:
    store.keep(make_session())
    moved = make_source(path="/elsewhere/x.mp4", modified_ns=7)
    assert store.find(moved) == make_session()
    assert store.find(make_source(content="blake2b:11")) is None
    assert store.find(make_source(kind="camera")) is None


def test_a_file_with_another_content_than_the_one_edited_is_noticed(store: SessionStore) -> None:
    store.keep(make_session(edits=edited("lunge").edits))
    assert store.of_earlier_content(make_source(content="blake2b:11")) is not None
    assert store.of_earlier_content(make_source()) is None
    assert store.of_earlier_content(make_source(content="blake2b:11", path="/other.mp4")) is None


def test_ids_are_the_same_for_the_same_content_in_one_store_only(store: SessionStore, tmp_path: Path) -> None:
    source = make_source()
    assert store.new_id(source) == SessionStore(store.folder).new_id(make_source(path="/moved.mp4"))
    assert store.new_id(source) != SessionStore(tmp_path / "other").new_id(source)
    camera = make_source(kind="camera", path="", content="")
    assert store.new_id(camera) != store.new_id(camera)
    for made in (store.new_id(source), store.new_id(camera)):
        assert decode(encode(make_session(id=made)), "x").id == made


def test_the_edits_of_two_windows_are_both_kept(store: SessionStore) -> None:
    one, two = edited("lunge"), edited("bow")
    store.keep(make_session(edits=one.edits))
    merged = store.keep(make_session(edits=two.edits, changed_s=2e9))
    assert {edit.id for edit in merged.edits} == {edit.id for edit in (*one.edits, *two.edits)}
    assert store.load(merged.id) == merged
    assert store.keep(make_session(edits=one.edits, changed_s=2e9)).edits == merged.edits


def test_an_undo_is_not_taken_back_by_a_window_that_does_not_know_of_it(store: SessionStore) -> None:
    corrections = edited("lunge")
    before = corrections.edits
    corrections.undo()
    store.keep(make_session(edits=corrections.edits))
    assert store.keep(make_session(edits=before)).edit_count == 0


_WRITER = """
import sys
from pathlib import Path
from slowfast_live.core.corrections import Corrections
from slowfast_live.sessions.store import SessionStore
from tests.sessions.made import make_session
store, corrections = SessionStore(Path(sys.argv[1])), Corrections()
print("ready", flush=True)
for i in range(int(sys.argv[3])):
    corrections.rename_all("squat", f"{sys.argv[2]}-{i}")
    store.keep(make_session(edits=corrections.edits, changed_s=1e9 + i))
"""


def write_beside(store: SessionStore, name: str, count: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", _WRITER, str(store.folder), name, str(count)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_processes_that_write_at_once_lose_no_edit(store: SessionStore) -> None:
    writers = [write_beside(store, name, 25) for name in "abc"]
    for writer in writers:
        writer.communicate(timeout=120)
        assert writer.returncode == 0
    session = store.load(make_session().id)
    assert session is not None and len(session.edits) == 75


@pytest.mark.skipif(os.name == "nt", reason="kills like a power cut")
def test_a_session_is_whole_whenever_its_writer_is_killed(store: SessionStore) -> None:
    for _ in range(5):
        writer = write_beside(store, "x", 100_000)
        assert writer.stdout is not None and writer.stdout.readline() == "ready\n"
        deadline_s = time.monotonic() + 60
        before = store.load(make_session().id)
        while (now := store.load(make_session().id)) == before and time.monotonic() < deadline_s:
            time.sleep(0.001)
        writer.send_signal(signal.SIGKILL)
        writer.communicate(timeout=60)
        left = store.load(make_session().id)
        assert left is not None and now is not None and left.edit_count >= now.edit_count > 0
        store.keep(left)  # the lock of the dead is nobody's
    assert store.problems.empty()


def test_a_damaged_file_is_moved_aside_and_said_and_the_others_stay(store: SessionStore) -> None:
    good, bad = make_session(id="0000000000000001"), make_session(id="0000000000000002")
    store.keep(good)
    store.keep(bad)
    store.keep_recognized(good.id, make_recognized())
    (store.folder / f"{bad.id}.json").write_bytes(encode(bad)[:-40])
    next(store.folder.glob("*.seen.json")).write_bytes(b"\0" * 50)
    assert [kept.session for kept in store.sessions()] == [good]
    assert store.recognized(good.id) == ()
    told = [store.problems.get_nowait() for _ in range(2)]
    assert store.problems.empty() and bad.id in told[0] and all(".bad" in text for text in told)
    kept_aside = [path.read_bytes() for path in store.folder.glob("*.bad")]
    assert encode(bad)[:-40] in kept_aside and len(kept_aside) == 2
    assert store.keep(bad) == bad, "the app goes on"


def test_a_session_under_another_name_is_not_taken_for_it(store: SessionStore) -> None:
    store.keep(make_session())
    (store.folder / "ffffffffffffffff.json").write_bytes(encode(make_session()))
    assert [kept.session.id for kept in store.sessions()] == [make_session().id]


def test_a_session_of_a_newer_version_is_left_as_it_is(store: SessionStore) -> None:
    store.keep(make_session())
    path = store.folder / f"{make_session().id}.json"
    newer = path.read_bytes().replace(b'"version":1', b'"version":2')
    path.write_bytes(newer)
    assert store.sessions() == [] and store.find(make_source()) is None
    with pytest.raises(SessionError, match="newer version"):
        store.keep(make_session())
    assert path.read_bytes() == newer


def test_more_of_what_was_recognized_replaces_less_but_not_the_other_way(store: SessionStore) -> None:
    session_id = make_session().id
    for known_s in (20.0, 5.0):
        store.keep_recognized(session_id, make_recognized(known_s=known_s))
    store.keep_recognized(session_id, make_recognized(model=ModelRef(name="other"), known_s=1.0))
    assert sorted(found.known_s for found in store.recognized(session_id)) == [1.0, 20.0]


@pytest.mark.parametrize(
    ("number", "told"),
    [(errno.ENOSPC, "no room left"), (errno.EROFS, "cannot be written to"), (errno.EACCES, "may not")],
)
def test_what_cannot_be_written_is_said_and_the_old_stays(
    store: SessionStore, monkeypatch: pytest.MonkeyPatch, number: int, told: str
) -> None:
    store.keep(make_session(edits=edited("lunge").edits))

    def fail(path: Path, data: bytes) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(module, "_write", fail)
    with pytest.raises(SessionError, match=told) as caught:
        store.keep(make_session(edits=edited("bow").edits))
    assert str(store.folder) in caught.value.message
    assert store.load(make_session().id) == make_session(edits=store.load(make_session().id).edits)  # type: ignore[union-attr]


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    store = SessionStore(tmp_path / "file" / "sessions")
    assert store.new_id(make_source())
    with pytest.raises(SessionError, match=r"sessions"):
        store.keep(make_session())


def test_deleting_can_be_undone(store: SessionStore) -> None:
    session = make_session(edits=edited("lunge").edits)
    store.keep(session)
    store.keep_recognized(session.id, make_recognized())
    removed = store.delete(session.id)
    assert store.sessions() == [] and not list(store.folder.glob("*.json")), "gone from the disk"
    store.restore(removed)
    assert store.load(session.id) == session and store.recognized(session.id) == (make_recognized(),)


def test_a_name_given_in_one_window_outlives_what_another_keeps(store: SessionStore) -> None:
    store.keep(make_session())
    assert store.rename(make_session().id, "Monday") is not None
    assert store.keep(make_session(changed_s=2e9)).title == "Monday"
    assert store.rename("ffffffffffffffff", "x") is None


def fill(store: SessionStore, count: int, changed_s: Callable[[int], float]) -> None:
    for i in range(count):
        store.keep(make_session(id=f"{i:016d}", changed_s=changed_s(i), source=make_source(content=f"blake2b:{i}")))


def test_the_oldest_sessions_without_edits_are_removed_and_no_others(
    store: SessionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_UNEDITED", 3)
    fill(store, 6, lambda i: 1e9 + i)
    store.keep(make_session(id="e" * 16, changed_s=1.0, edits=edited("lunge").edits))
    store.keep(make_session(id="f" * 16, changed_s=1.0, title="named"))
    assert store.prune(now_s=1e9 + 10, spare=["0" * 16]) == 2
    left = {kept.session.id for kept in store.sessions()}
    assert left == {"e" * 16, "f" * 16, *(f"{i:016d}" for i in (0, 3, 4, 5))}


def test_sessions_without_edits_go_after_some_time_or_when_they_take_too_much(
    store: SessionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(store, 2, lambda i: 1e9 + i * 80 * 86_400)
    store.keep_recognized(f"{0:016d}", make_recognized())
    assert store.prune(now_s=1e9 + 95 * 86_400) == 1
    assert not list(store.folder.glob("*.seen.json")), "with what was recognized in them"
    monkeypatch.setattr(module, "MAX_UNEDITED_BYTES", 10)
    assert store.prune(now_s=1e9 + 95 * 86_400) == 1 and store.sessions() == []


def test_undone_edits_do_not_make_a_session_worth_keeping() -> None:
    corrections = edited("lunge")
    assert make_session(edits=corrections.edits).worth_keeping
    corrections.undo()
    assert not make_session(edits=corrections.edits).worth_keeping
    assert Corrections(corrections.edits).count == 0


def test_a_session_sent_to_another_machine_and_back_keeps_the_edits_of_both(
    store: SessionStore, tmp_path: Path
) -> None:
    mine = store.keep(make_session(edits=edited("lunge").edits))
    store.keep_recognized(mine.id, make_recognized())
    write_file(store.whole(mine), tmp_path / "review.slowfast")
    other = SessionStore(tmp_path / "other machine")
    theirs = other.take_in(read_file(tmp_path / "review.slowfast"))
    assert theirs == to_send(mine) and other.recognized(mine.id) == (make_recognized(),)
    corrections = Corrections(theirs.edits)
    corrections.rename_all("lunge", "deep lunge")
    theirs = other.keep(msgspec.structs.replace(theirs, edits=corrections.edits, changed_s=2e9))
    write_file(other.whole(theirs), tmp_path / "back.slowfast")
    back = store.take_in(read_file(tmp_path / "back.slowfast"))
    assert back.edits == corrections.edits
    assert back.source.path == "/videos/clip.mp4", "where the video lies here is still known"


@pytest.mark.skipif(os.name == "nt", reason="permissions of another kind")
def test_nobody_else_may_read_what_is_kept(store: SessionStore) -> None:
    store.keep(make_session())
    store.keep_recognized(make_session().id, make_recognized())
    assert store.folder.stat().st_mode & 0o077 == 0
    assert all(path.stat().st_mode & 0o077 == 0 for path in store.folder.glob("*.json"))


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "missing.slowfast", Path("/dev/zero")):
        with pytest.raises(SessionError, match="is no file"):
            read_file(path)
