"""Sanitizing of untrusted text (names of files and models, labels) for terminals and windows."""

from __future__ import annotations

import re
import sys
import unicodedata

_CONTROLS = frozenset({"Cc", "Cs", "Zl", "Zp"})
"""Unicode categories of control characters, surrogates, and line and paragraph separators."""

_DIRECTIONS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Characters that change the direction of the following text, so that it reads as something else."""


_SURROGATES = re.compile("[\ud800-\udfff]")
"""Surrogates: Python's representation of bytes in a file name that are not text. No output accepts them."""


def encodable(text: str) -> str:
    """Replace bytes that are not text with U+FFFD, so that any file, window and terminal accepts the text."""
    return _SURROGATES.sub("\ufffd", text)


def shown_name(name: str) -> str:
    """Return a file name for display: on one line, from left to right, with all characters visible."""
    return visible(encodable(name))


def take_any_text() -> None:
    """Make standard output and error escape characters that they cannot encode, instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if getattr(stream, "errors", "") == "strict" and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def controls(text: str, allowed: str = "") -> str:
    """Return the control characters in a text, except those in `allowed`."""
    return "".join(letter for letter in text if _is_control(letter) and letter not in allowed)


def visible(text: str) -> str:
    r"""Escape the control characters in a text: an escape character becomes the four characters `\x1b`."""
    return "".join(ascii(letter)[1:-1] if _is_control(letter) else letter for letter in text)


def _is_control(letter: str) -> bool:
    return unicodedata.category(letter) in _CONTROLS or letter in _DIRECTIONS
