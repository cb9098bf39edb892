"""Messages of the rooms below the window: English sentences that can be shown in another language."""

from __future__ import annotations

import ast
import errno
import pickle
from collections.abc import Iterator
from pathlib import Path

import msgspec

from slowfast_live import errors
from slowfast_live.errors import ModelError, SourceError
from slowfast_live.messages import Message, listed, message_of, parts_of, sentences, system_reason
from slowfast_live.tools.docs.translations import PACKAGE, modules
from slowfast_live.types import Level, Notice
from slowfast_live.ui.style import language

COMMANDS = frozenset({"analysis/command.py", "teaching/command.py", "inference/remote/repository.py"})
"""Modules that only the command line uses."""


def test_a_message_is_its_english_text() -> None:
    text = Message("{path} is {size:.1f} MB.", path=Path("a.mp4"), size=1.25)
    assert text == "a.mp4 is 1.2 MB."
    assert (text.template, text.values) == ("{path} is {size:.1f} MB.", {"path": "a.mp4", "size": 1.25})
    assert text.with_values(path="b.mp4") == "b.mp4 is 1.2 MB."


def test_braces_and_bytes_that_are_no_text_do_no_harm() -> None:
    assert Message("no values: {}") == "no values: {}"
    assert Message("{name} is gone.", name="{x}\udcff") == "{x}\ufffd is gone."


def test_messages_within_messages_stay_messages() -> None:
    inner = ModelError(Message("it has no output '{name}'", name="p"))
    outer = Message("{title} cannot be explained: {error}.", title="X3D", error=inner)
    assert outer == "X3D cannot be explained: it has no output 'p'."
    assert isinstance(outer.values["error"], Message)
    assert Message("{error}", error=OSError(2, "gone")) == "[Errno 2] gone"
    invalid = Message("{error}", error=ValueError(Message("it is empty")))
    assert isinstance(invalid.values["error"], Message)
    assert sentences("One.", "", Message("Two.")) == "One. Two."
    assert listed(["a", Message("b")]) == "a, b"


def test_errors_and_notices_keep_the_message() -> None:
    error = SourceError(Message("{name} is gone.", name="a.mp4"), "details")
    assert str(error) == error.message == "a.mp4 is gone."
    assert isinstance(error.message, Message)
    assert isinstance(Notice(Level.ERROR, error.message).message, Message)


def test_it_reaches_another_process() -> None:
    text = sentences(Message("{count} failed", count=2), Message("{size:.1f} MB", size=1.5), "plain")
    again = pickle.loads(pickle.dumps(text))
    assert (again, again.template, again.values) == (text, text.template, text.values)
    sent = msgspec.json.decode(msgspec.json.encode(parts_of(text)))
    received = message_of(sent, str(text))
    assert isinstance(received, Message)
    assert (received, received.template) == (text, text.template)
    assert parts_of("plain") is None
    for broken in (None, {}, {"template": "{x.y}", "values": {"x": 1}}):
        assert message_of(broken, "as it came") == "as it came"


def test_reasons_of_the_system_are_messages_if_they_are_usual() -> None:
    gone = system_reason(FileNotFoundError(errno.ENOENT, "No such file or directory", "a"))
    assert isinstance(gone, Message)
    assert gone == "No such file or directory"
    assert system_reason(OSError(errno.EXDEV, "Invalid cross-device link")) == "Invalid cross-device link"
    assert system_reason(ValueError("odd")) == "odd"
    assert system_reason(MemoryError()) == "MemoryError"


def literal_messages() -> Iterator[tuple[str, str]]:
    """What the rooms that the window speaks for say as a plain string, and where."""
    trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in modules()}
    kinds = {name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, Exception)}
    kinds |= {
        node.name
        for tree in trees.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
        and any(isinstance(base, ast.Name) and base.id in kinds for base in node.bases)
    }
    for path, tree in trees.items():
        if path.relative_to(PACKAGE).as_posix() in COMMANDS:
            continue
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
                continue
            place = 1 if node.func.id == "Notice" else 0 if node.func.id in kinds else None
            if place is None or len(node.args) <= place:
                continue
            said = node.args[place]
            if isinstance(said, ast.Constant | ast.JoinedStr):
                yield f"{path.relative_to(PACKAGE)}:{node.lineno}", ast.unparse(said).lstrip("f'\"")


def test_what_the_window_may_show_can_be_translated() -> None:
    plain = [f"{where}: {text}" for where, text in literal_messages() if not text.startswith("--")]
    assert plain == [], 'write Message("...", name=value): the window shows it in its language'


def test_a_value_may_have_any_name() -> None:
    """Also those of the parameters of what makes and translates messages."""
    assert Message("{text}, {template} and {self}", text=1, template=2, self=3) == "1, 2 and 3"
    assert language.shown(Message("{text} and {template}", text=1, template=2)) == "1 and 2"
