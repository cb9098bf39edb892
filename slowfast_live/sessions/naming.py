"""What is wrong with a session is said of "the session", until the name of its file is known."""

from __future__ import annotations

from slowfast_live.messages import Message

THE_SESSION = Message("The session")
"""The value of `{where}` in messages about a session whose file is not known yet."""


def named(message: str, where: str) -> str:
    """Return a message about a session with the name of its file."""
    return message.with_values(where=where) if isinstance(message, Message) else message
