"""A session file is read back as it was written, and nothing else is taken for one."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import zlib
from functools import cache
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slowfast_live.core.corrections import AnnotatedEvent, Corrections
from slowfast_live.core.events import Event
from slowfast_live.core.history import History
from slowfast_live.errors import SessionError
from slowfast_live.sessions import format as form
from slowfast_live.sessions.format import decode, encode, make_schema, published_schema, to_send
from slowfast_live.sessions.recognition import restore
from tests.sessions.made import EVENTS, RULE, edited, make_curves, make_decisions, make_recognized, make_session

NAMES = st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp", "Cf")), min_size=1, max_size=40).filter(
    str.strip
)
TIMES = st.floats(0, 1e6)


@cache
def full() -> Any:
    corrections = edited("lunge", "deep lunge")
    corrections.delete([AnnotatedEvent(EVENTS[1], "clapping")])
    corrections.rename(AnnotatedEvent(EVENTS[0], "squat"), "bow", "slowfast_r50")
    corrections.add("jump", 6.0, 8.0)
    corrections.undo()
    return make_session(edits=corrections.edits, recognized=(make_recognized(),), title="Monday")


def test_a_session_is_read_back_as_it_was_written() -> None:
    session = full()
    again = decode(encode(session), "x")
    assert again == session
    assert again.recognized[0].curves is not None
    label, score, activity = again.recognized[0].curves.arrays()
    assert label.dtype == np.int32 and score.dtype == activity.dtype == np.float32
    np.testing.assert_array_equal(score, make_curves().arrays()[1])
    assert again.recognized[0].moments is not None
    assert again.recognized[0].moments.decided("slowfast_r50").rule == RULE


@given(NAMES, NAMES, TIMES, st.floats(0.01, 1e5))
def test_whatever_a_user_types_is_read_back(one: str, other: str, begin_s: float, length_s: float) -> None:
    corrections = Corrections()
    corrections.rename_all(one, other)
    corrections.add(one, begin_s, begin_s + length_s)
    session = make_session(edits=corrections.edits, title=other)
    assert decode(encode(session), "x") == session


def test_what_is_sent_does_not_say_in_which_folder_the_video_lies() -> None:
    assert b"/videos" not in encode(to_send(full())) and b"clip.mp4" in encode(to_send(full()))


def spoiled(**changes: Any) -> bytes:
    """The full session as JSON with some of its values replaced; the keys are paths."""
    data = json.loads(encode(full()))
    for path, value in changes.items():
        *way, last = [int(step) if step.isdigit() else step for step in path.split("__")]
        at = data
        for step in way:
            at = at[step]
        at[last] = value
    return json.dumps(data).encode()


def bomb() -> str:
    return base64.b64encode(zlib.compress(bytes(200 << 20), 9)).decode()


def spoiled_rows(name: str, row: int, value: float) -> str:
    rows = make_decisions().decided().rows.copy()
    rows[name][row] = value
    return base64.b64encode(zlib.compress(rows.tobytes())).decode()


HOSTILE = {
    "an id that is a path": {"id": "../../etc/passwd"},
    "an id with a line break": {"id": "0123456789abcdef\n"},
    "a title with a direction override": {"title": "abc\u202egpj.exe"},
    "a name with an escape": {"source__name": "\x1b[2Jclip.mp4"},
    "a label with a line break": {"edits__0__change__name": "two\nlines"},
    "an empty name": {"edits__0__change__name": " "},
    "an edit twice": {"edits__1": json.loads(encode(full()))["edits"][0]},
    "an edit of no kind": {"edits__0__change__type": "explode"},
    "an event that ends before it begins": {"recognized__0__events__0__end_s": -1.0},
    "events that overlap": {"recognized__0__events__0__end_s": 12.0},
    "a score above 1": {"recognized__0__events__0__mean_score": 1.5},
    "a time that cannot be": {"recognized__0__events__0__begin_s": -1e300},
    "a score that is text": {"recognized__0__events__0__mean_score": "high"},
    "more cells than there can be": {"recognized__0__curves__count": 1 << 40},
    "cells without length": {"recognized__0__curves__cell_s": 0.0},
    "curves that are no base64": {"recognized__0__curves__data": "*" * 100},
    "curves that are too short": {"recognized__0__curves__count": 101},
    "curves that unpack to 200 MB": {"recognized__0__curves__data": bomb()},
    "a label number beyond the labels": {"recognized__0__curves__labels": []},
    "moments that are too short": {"recognized__0__moments__count": 101},
    "moments that unpack to 200 MB": {"recognized__0__moments__data": bomb()},
    "moments of a model with fewer classes": {"recognized__0__moments__labels": ["squat", "clapping"]},
    "a model without classes": {"recognized__0__moments__labels": []},
    "a class twice": {"recognized__0__moments__labels": ["squat", "squat", "nothing"]},
    "steps that are no power of two": {"recognized__0__moments__every": 3},
    "a rule that cannot be": {"recognized__0__moments__rule__hold_s": 0.0},
    "moments out of order": {"recognized__0__moments__data": spoiled_rows("t_s", 1, 0.0)},
    "moments at the end of the world": {"recognized__0__moments__data": spoiled_rows("t_s", 99, 1e300)},
    "a moment without time": {"recognized__0__moments__data": spoiled_rows("t_s", 5, float("nan"))},
    "a label that the model does not have": {"recognized__0__moments__data": spoiled_rows("label", 5, 3)},
    "a class that the model does not have": {"recognized__0__moments__data": spoiled_rows("raw_class", 5, 9)},
    "a moment that follows a later one": {"recognized__0__moments__data": spoiled_rows("before", 5, 7)},
    "a smoothed score beyond 1": {"recognized__0__moments__data": spoiled_rows("score", 5, 7.0)},
    "motion that cannot be": {"recognized__0__moments__data": spoiled_rows("motion", 5, float("inf"))},
    "a source of no kind": {"source__kind": "telepathy"},
    "a negative size": {"source__size_bytes": -1},
    "nothing deleted": {"edits__2__change__targets": []},
    "an added event that is not by hand": {"edits__4__change__event__by_hand": False},
}


@pytest.mark.parametrize("changes", HOSTILE.values(), ids=list(HOSTILE))
def test_what_cannot_be_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(SessionError, match=r"^review\.slowfast "):
        decode(spoiled(**changes), "review.slowfast")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0" * 100,
        b"[]",
        b"{}",
        b"null",
        b"\xff\xfe{}",
        b'{"format": "slowfast-live findings", "version": 1}',
        b'{"format": "slowfast-live session", "version": 1}',
        b"[" * 100_000,
        b'{"x": ' + b"[" * 100_000,
    ],
)
def test_what_is_something_else_is_refused(data: bytes) -> None:
    with pytest.raises(SessionError, match=r"^review\.slowfast is not a session of SlowFast Live"):
        decode(data, "review.slowfast")


@given(st.data())
def test_a_damaged_file_is_refused_or_still_a_session(data: st.DataObject) -> None:
    whole = encode(full())
    at = data.draw(st.integers(0, len(whole) - 1))
    damaged = whole[:at] + data.draw(st.binary(max_size=4)) + whole[at + data.draw(st.integers(0, 50)) :]
    try:
        session = decode(damaged, "x")
    except SessionError:
        return
    corrections = Corrections(session.edits)
    history = History()
    history.begin(live=False, file="file")
    for found in session.recognized:
        corrections.apply(found.events)
        restore(history, "file", [found])
    corrections.apply(history.snapshot().events)
    history.columns(0.0, 60.0, 100)


def test_one_written_by_a_newer_version_says_so() -> None:
    with pytest.raises(form.NewerSessionError, match="newer version"):
        decode(spoiled(version=2), "x")


def test_too_large_a_file_is_refused_before_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(form, "MAX_BYTES", 100)
    with pytest.raises(SessionError, match="larger than"):
        decode(encode(full()), "x")


def test_unknown_fields_of_a_later_program_do_no_harm() -> None:
    assert decode(spoiled(mood="good"), "x") == full_as(spoiled(mood="good"))


def full_as(data: bytes) -> form.Session:
    return msgspec.json.decode(data, type=form.Session)


def test_the_published_schema_is_that_of_the_code() -> None:
    told = "the format changed: write the schema anew, and think of VERSION"
    assert json.loads(published_schema()) == json.loads(json.dumps(make_schema())), told


def test_sessions_fit_the_schema() -> None:
    jsonschema = pytest.importorskip("jsonschema")
    validator = jsonschema.Draft202012Validator(json.loads(published_schema()))
    validator.check_schema(json.loads(published_schema()))
    validator.validate(json.loads(encode(full())))
    with pytest.raises(jsonschema.ValidationError):
        validator.validate(json.loads(spoiled(id="..")))


def test_an_event_by_hand_is_an_event_like_others() -> None:
    corrections = Corrections()
    corrections.add("jump", 6.0, 8.0)
    assert corrections.apply(EVENTS)[1].event == Event("jump", 6.0, 8.0, 1.0, 1.0, 7.0, by_hand=True)


_NINE = """
import sys, threading
from slowfast_live.sessions.format import Session, SourceRef, decode, encode

sys.setswitchinterval(1e-6)
data = encode(Session(id="a" * 32, source=SourceRef(kind="file", name="x"), began_s=0.0, changed_s=0.0))
start = threading.Barrier(9)

def read():
    start.wait()
    decode(data, "x")

threads = [threading.Thread(target=read) for _ in range(9)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""


def test_several_sources_may_read_their_first_session_at_the_same_time() -> None:
    for _ in range(3):  # without a lock, two of three runs crash
        finished = subprocess.run([sys.executable, "-c", _NINE], capture_output=True, text=True, timeout=120)
        assert (finished.returncode, finished.stderr) == (0, "")
