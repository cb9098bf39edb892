"""The class names of a model of the user's own: a text file with one a line, or a number of classes."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from slowfast_live.errors import UsageError
from slowfast_live.letters import controls, visible

MOST = 100_000
"""Classes that a model may have."""
_LARGEST_FILE = 16_000_000


def own_labels(file: Path | None, classes: int | None) -> tuple[str, ...] | None:
    """Return K class names, in the order of the outputs; "class 0", "class 1", ... where only their number is known.

    Args:
        file: UTF-8 text, one name a line; empty lines count for nothing.
        classes: K; has to agree with the file.

    Returns:
        None where neither is given.

    Raises:
        UsageError: The file cannot be read or used, the number is out of range, or the two disagree.
    """
    if classes is not None and not 1 <= classes <= MOST:
        raise UsageError(f"The number of classes is from 1 to {MOST:,}, not {classes:,}.")
    if file is None:
        return None if classes is None else tuple(f"class {index}" for index in range(classes))
    labels = _read(file)
    if classes not in (None, len(labels)):
        raise UsageError(f"{file} holds {len(labels):,} names, but {classes:,} classes were asked for.")
    return labels


def _read(file: Path) -> tuple[str, ...]:
    try:
        if (size := file.stat().st_size) > _LARGEST_FILE:
            raise UsageError(f"{file} is no list of labels: it is too large ({size / 1e6:.0f} MB).")
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise UsageError(f"The labels {file} cannot be read: {error.strerror or error}.") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{file} is no list of labels: expected UTF-8 text, one name a line.") from error
    labels = tuple(line.strip() for line in lines if line.strip())
    if not labels:
        raise UsageError(f"{file} holds no names: expected one a line.")
    if odd := next((label for label in labels if controls(label)), None):
        raise UsageError(f"{file} is no list of labels: control characters in '{visible(odd)[:60]}'.")
    label, count = Counter(labels).most_common(1)[0]
    if count > 1:
        raise UsageError(f"{file} holds names twice: '{label}'.")
    if len(labels) > MOST:
        raise UsageError(f"{file} holds {len(labels):,} names; a model has {MOST:,} classes at most.")
    return labels
