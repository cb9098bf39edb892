"""Names of actions as parts of file names."""

from __future__ import annotations

import re


def slug(label: str) -> str:
    """Return a label as a file name without ending: "waving both hands" becomes "waving-both-hands"."""
    return re.sub(r"[^a-z0-9]+", "-", label.casefold()).strip("-")
