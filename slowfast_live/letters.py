"""Text that others wrote: names of files and models, labels. No terminal and no window may obey what is in it."""

from __future__ import annotations

import unicodedata

_CONTROLS = frozenset({"Cc", "Cs", "Zl", "Zp"})
"""Unicode's categories of control characters, halves of letters, and line and paragraph separators."""

_DIRECTIONS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""What turns the direction of the text that follows, so that it reads as something else."""


def controls(text: str, allowed: str = "") -> str:
    """Return the control characters in a text, those of `allowed` aside."""
    return "".join(letter for letter in text if _is_control(letter) and letter not in allowed)


def visible(text: str) -> str:
    r"""Return a text with its control characters written out: an escape becomes the four letters `\x1b`."""
    return "".join(ascii(letter)[1:-1] if _is_control(letter) else letter for letter in text)


def _is_control(letter: str) -> bool:
    return unicodedata.category(letter) in _CONTROLS or letter in _DIRECTIONS
