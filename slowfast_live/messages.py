"""Sentences for the user that can be shown in another language later: a template with its named values. No Qt here.

Everything below the window writes its messages as `Message("{path} was not found.", path=path)`: an English string,
which logs, terminals and files take as it is. The window translates the template with `ui.style.language.shown`;
`python -m slowfast_live.tools.docs translations` collects the templates with the window's own texts.
"""

from __future__ import annotations

import errno
from collections.abc import Mapping, Sequence
from numbers import Number
from typing import Any

from slowfast_live.text_safety import encodable


class Message(str):
    """An English text that knows how it was made.

    Args:
        template: The text, with the names of values in braces; a literal, so that it can be collected.
        **values: The values. Numbers keep their type, for formats such as "{size:.1f}"; messages, and those of errors,
            stay messages, so that they are translated as well; anything else becomes text at once.

    Attributes:
        template: The text before its values were filled in.
        values: The values by their names.

    Example:
        >>> Message("{path} was not found.", path="a.mp4")
        'a.mp4 was not found.'
    """

    template: str
    values: dict[str, object]

    def __new__(cls, template: str, /, **values: object) -> Message:
        """Fill in the values."""
        kept = {name: _kept(value) for name, value in values.items()}
        text = super().__new__(cls, encodable(template.format(**kept) if kept else template))
        text.template, text.values = template, kept
        return text

    def with_values(self, /, **values: object) -> Message:
        """Return the same message with other values for some names."""
        return Message(self.template, **self.values | values)

    def __getnewargs_ex__(self) -> tuple[tuple[str], dict[str, object]]:
        """Let a message cross to another process as it is."""
        return (self.template,), self.values


def as_text(value: object) -> str:
    """Return the English text of a message, for encoders that know nothing of messages (msgspec's `enc_hook`).

    Raises:
        NotImplementedError: It is something else.
    """
    if isinstance(value, Message):
        return str.__str__(value)
    raise NotImplementedError(f"{type(value).__name__} is no message")


def _kept(value: object) -> object:
    """Return what a message keeps of a value; of an error its own message."""
    if isinstance(value, Exception):
        said = getattr(value, "message", None) or next(iter(value.args), None)
        return said if isinstance(said, Message) else str(value)
    return value if isinstance(value, Message | Number) else str(value)


def sentences(*parts: str) -> Message:
    """Return several messages as one, with a space between them; empty ones are left out."""
    return _one([part for part in parts if part], " ")


def listed(parts: Sequence[str]) -> Message:
    """Return several messages as one, with commas between them."""
    return _one(parts, ", ")


def parts_of(text: str) -> dict[str, Any] | None:
    """Return a message as JSON can hold it, for another process; None for other texts."""
    if not isinstance(text, Message):
        return None
    return {"template": text.template, "values": {name: _plain(value) for name, value in text.values.items()}}


def message_of(parts: Mapping[str, Any] | None, text: str) -> str:
    """Return the message of `parts_of`; `text` if there are none, or if they do not fit together."""
    try:
        return text if parts is None else _unpacked(parts)
    except (KeyError, IndexError, TypeError, ValueError, AttributeError):
        return text


def _plain(value: object) -> object:
    if isinstance(value, Message):
        return parts_of(value)
    return value if isinstance(value, str | int) else float(value)  # type: ignore[arg-type]


def _unpacked(parts: Mapping[str, Any]) -> Message:
    values = {
        name: _unpacked(value) if isinstance(value, Mapping) else value for name, value in parts["values"].items()
    }
    return Message(parts["template"], **values)


def _one(parts: Sequence[str], between: str) -> Message:
    named = {f"part{number}": part for number, part in enumerate(parts)}
    return Message(between.join(f"{{{name}}}" for name in named), **named)


def system_reason(error: BaseException) -> str:
    """Return what the operating system says of a failure, such as "No such file or directory"."""
    known = _SYSTEM.get(getattr(error, "errno", None) or 0)
    return known or getattr(error, "strerror", None) or str(error) or type(error).__name__


_SYSTEM = {
    errno.ENOENT: Message("No such file or directory"),
    errno.EACCES: Message("Permission denied"),
    errno.EPERM: Message("Operation not permitted"),
    errno.EISDIR: Message("Is a directory"),
    errno.ENOTDIR: Message("Not a directory"),
    errno.EEXIST: Message("File exists"),
    errno.ENOSPC: Message("No space left on device"),
    errno.EIO: Message("Input/output error"),
    errno.EROFS: Message("Read-only file system"),
    errno.ENAMETOOLONG: Message("File name too long"),
    errno.EBUSY: Message("Device or resource busy"),
    errno.EMFILE: Message("Too many open files"),
    errno.ELOOP: Message("Too many levels of symbolic links"),
    errno.ECONNREFUSED: Message("Connection refused"),
    errno.ECONNRESET: Message("Connection reset by peer"),
    errno.EHOSTUNREACH: Message("No route to host"),
    errno.ENETUNREACH: Message("Network is unreachable"),
    errno.EADDRINUSE: Message("Address already in use"),
    errno.ETIMEDOUT: Message("Connection timed out"),
}
