"""Class names of a user's own model, from a file in any of the usual formats or from the number of classes."""

from __future__ import annotations

import codecs
import csv
import json
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from slowfast_live.errors import UsageError
from slowfast_live.messages import Message, system_reason
from slowfast_live.text_safety import controls, visible

MAX_CLASSES = 100_000
"""Maximum number of classes of a model."""
FORMS = Message("one name a line, a JSON list or mapping of names and numbers, or CSV with a name and its number")
_LARGEST_FILE = 16_000_000
_NAME_COLUMNS = ("name", "label", "class_name", "classname", "class", "action", "category", "display_name")
_NUMBER_COLUMNS = ("id", "index", "idx", "number", "class_id", "label_id", "class_index", "")
_LIST_KEYS = ("labels", "names", "classes", "class_names", "categories", "id2label", "label2id", "thing_classes")
_BREAKS = re.compile(r"\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")


def own_labels(file: Path | None, classes: int | None) -> tuple[str, ...] | None:
    """Return K class names in the order of the outputs; "class 0", "class 1", ... if only their number is known.

    Args:
        file: Names as text (one per line, with or without numbers starting at 0 or 1; or all on one line, separated by
            commas, semicolons, tabs or vertical bars), as CSV (with or without a header), as JSON (a list; name ->
            number or number -> name; objects with a name and a number; any of these under a key such as "labels" or
            "names"), or as a label map (`item { name: "..." id: 1 }`). UTF-8, or UTF-16 with a byte order mark.
        classes: K; must match the file.

    Returns:
        None if neither is given.

    Raises:
        UsageError: The file cannot be read or used, the number is out of range, or the two do not match.
    """
    if classes is not None and not 1 <= classes <= MAX_CLASSES:
        raise UsageError(
            Message(
                "The number of classes is from 1 to {max_classes:,}, not {classes:,}.",
                max_classes=MAX_CLASSES,
                classes=classes,
            )
        )
    if file is None:
        return None if classes is None else tuple(f"class {index}" for index in range(classes))
    labels = _read(file)
    if classes not in (None, len(labels)):
        raise UsageError(
            Message(
                "{file} holds {count:,} names, but {classes:,} classes were requested.",
                file=file,
                count=len(labels),
                classes=classes,
            )
        )
    return labels


def _read(file: Path) -> tuple[str, ...]:
    try:
        if (size := file.stat().st_size) > _LARGEST_FILE:
            raise UsageError(
                Message("{file} is no list of labels: it is too large ({size:.0f} MB).", file=file, size=size / 1e6)
            )
        text = _decoded(file.read_bytes())
    except OSError as error:
        raise UsageError(
            Message("The labels {file} cannot be read: {reason}.", file=file, reason=system_reason(error))
        ) from error
    except UnicodeDecodeError as error:
        raise UsageError(
            Message("{file} is no list of labels: expected UTF-8 text, {forms}.", file=file, forms=FORMS)
        ) from error
    try:
        labels = tuple(name.strip().strip("\"'").strip() for name in _names(text, file.suffix.lower()))
    except ValueError as error:
        raise UsageError(
            Message("{file} is no list of labels: {error}. Expected {forms}.", file=file, error=error, forms=FORMS)
        ) from error
    if not any(labels):
        raise UsageError(Message("{file} holds no names: expected {forms}.", file=file, forms=FORMS))
    if not all(labels):
        raise UsageError(
            Message("{file} is no list of labels: name {number} is empty.", file=file, number=labels.index(""))
        )
    if odd := next((label for label in labels if controls(label)), None):
        raise UsageError(
            Message("{file} is no list of labels: control characters in '{odd}'.", file=file, odd=visible(odd)[:60])
        )
    label, count = Counter(labels).most_common(1)[0]
    if count > 1:
        raise UsageError(Message("{file} holds names twice: '{label}'.", file=file, label=label))
    if len(labels) > MAX_CLASSES:
        raise UsageError(
            Message(
                "{file} holds {count:,} names; a model has {max_classes:,} classes at most.",
                file=file,
                count=len(labels),
                max_classes=MAX_CLASSES,
            )
        )
    return labels


def _decoded(content: bytes) -> str:
    utf16 = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return content.decode("utf-16" if utf16 else "utf-8-sig")


def _names(text: str, suffix: str) -> Sequence[str]:
    """Return the names in a text, in the order of the outputs.

    Raises:
        ValueError: The text has none of the known formats; the message describes what was found.
    """
    start = text.lstrip()[:1]
    if suffix == ".json" or start == "{" or (start == "[" and text.rstrip().endswith("]")):
        try:
            return _from_json(json.loads(text))
        except (json.JSONDecodeError, RecursionError) as error:
            raise ValueError(f"it is not valid JSON ({error})") from error
    if re.search(r"^\s*item\s*\{", text, re.MULTILINE):
        return _from_label_map(text)
    lines = [line for line in _BREAKS.split(text) if line.strip()]
    if len(lines) == 1 and (separator := next((mark for mark in "\t;|," if mark in lines[0]), "")):
        return _cells(lines, separator)[0]
    if (rows := _rows(lines, suffix)) is not None:
        return _from_rows(rows)
    return _without_numbers(lines)


def _from_json(content: Any) -> Sequence[str]:
    if isinstance(content, dict):
        if key := next((key for key in _LIST_KEYS if isinstance(content.get(key), list | dict)), None):
            return _from_json(content[key])
        if all(_is_number(value) for value in content.values()):
            return _ordered([(int(number), name) for name, number in content.items()])
        if all(_is_number(key) and isinstance(name, str) for key, name in content.items()):
            return _ordered([(int(key), name) for key, name in content.items()])
    if isinstance(content, list):
        if all(isinstance(name, str) for name in content):
            return content
        if all(isinstance(entry, dict) for entry in content):
            head = list(content[0]) if content else []
            return _from_rows([head, *([str(entry.get(key, "")) for key in head] for entry in content)])
    raise ValueError("its JSON is neither a list of names nor a mapping of names and numbers")


def _from_label_map(text: str) -> Sequence[str]:
    numbered = []
    for body in re.findall(r"item\s*\{(.*?)\}", text, re.DOTALL):
        name = re.search(r"""\b(?:display_)?name\s*:\s*("[^"]*"|'[^']*')""", body)
        number = re.search(r"\bid\s*:\s*(\d+)", body)
        if name is None or number is None:
            raise ValueError("an item of its label map has no name or no id")
        numbered.append((int(number[1]), name[1]))
    return _ordered(numbered)


def _rows(lines: Sequence[str], suffix: str) -> list[list[str]] | None:
    """Return the cells of a table with a header or with a number in each row; None for plain text."""
    separators = {".csv": ",;\t", ".tsv": "\t"}.get(suffix, "\t,;")
    for separator in separators:
        rows = _cells(lines, separator)
        width = len(rows[0]) if rows else 0
        head = [cell.strip().lower() for cell in rows[0]] if rows else []
        if width > 1 and all(len(row) == width for row in rows) and (_has_head(head) or _numbered_column(rows)):
            return rows
    if suffix in (".csv", ".tsv"):
        rows = _cells(lines, separators[0])
        if rows and all(len(row) == 1 for row in rows):
            return rows if rows[0][0].strip().lower() in _NAME_COLUMNS else [["name"], *rows]
        raise ValueError("no column of it is known to hold the names (name, label, class) or their numbers")
    return None


def _cells(lines: Sequence[str], separator: str) -> list[list[str]]:
    return list(csv.reader(lines, delimiter=separator, skipinitialspace=True))


def _has_head(head: Sequence[str]) -> bool:
    return any(cell in _NAME_COLUMNS for cell in head) and not any(_is_number(cell) for cell in head)


def _from_rows(rows: Sequence[Sequence[str]]) -> Sequence[str]:
    head = [cell.strip().lower() for cell in rows[0]] if rows else []
    if not _has_head(head):
        column = _numbered_column(rows)
        if column is None or len(rows[0]) != 2:
            raise ValueError("its rows hold no name with its number")
        return _ordered([(int(row[column]), row[1 - column]) for row in rows])
    names = next(index for wanted in _NAME_COLUMNS for index, cell in enumerate(head) if cell == wanted)
    body = rows[1:]
    for index, cell in enumerate(head):
        if index != names and cell in _NUMBER_COLUMNS and all(_is_number(row[index]) for row in body):
            return _ordered([(int(row[index]), row[names]) for row in body])
    if names and all(_is_number(row[names]) for row in body):  # "label,class": a number, then its name
        raise ValueError(f"its column '{head[names]}' holds numbers, and no column its names")
    return [row[names] for row in body]


def _numbered_column(rows: Sequence[Sequence[str]]) -> int | None:
    """Return which of two columns numbers the rows; None if there is none."""
    if not rows or any(len(row) != 2 for row in rows):
        return None
    return next((c for c in (0, 1) if _is_count([row[c] for row in rows])), None)


def _without_numbers(lines: Sequence[str]) -> Sequence[str]:
    """Return names sorted by, and without, the numbers before or after them ("0 walking", "walking: 0")."""
    for form, number, name in (
        (re.compile(r"^\s*(\d+)\s*[:.,;)=\s-]\s*(\S.*)$"), 1, 2),
        (re.compile(r"^\s*(\S.*?)\s*[:,;=\s]\s*(\d+)\s*$"), 2, 1),
    ):
        found = [form.match(line) for line in lines]
        if len(lines) > 1 and all(found) and _is_count([match[number] for match in found if match]):
            return _ordered([(int(match[number]), match[name]) for match in found if match])
    return lines


def _is_number(value: object) -> bool:
    if isinstance(value, str):
        return value.strip().isascii() and value.strip().isdigit()
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_count(cells: Sequence[str]) -> bool:
    """Return whether the cells are consecutive numbers from 0 or 1, each once, in any order."""
    if not all(_is_number(cell) for cell in cells):
        return False
    numbers = sorted(int(cell) for cell in cells)
    return numbers in (list(range(len(numbers))), list(range(1, len(numbers) + 1)))


def _ordered(numbered: Sequence[tuple[int, str]]) -> list[str]:
    """Return names sorted by their numbers, which start at 0 or 1.

    Raises:
        ValueError: Numbers are missing or occur twice.
    """
    names = dict(numbered)
    first = min(names, default=0)
    if len(names) < len(numbered):
        number, count = Counter(number for number, _ in numbered).most_common(1)[0]
        raise ValueError(f"the number {number} stands {count} times")
    if first > 1 or max(names, default=0) != first + len(names) - 1:
        missing = next(number for number in range(min(first, 1), len(names) + 2) if number not in names)
        raise ValueError(f"the number {missing} is missing: names are numbered from 0 or 1 without a gap")
    return [names[number] for number in sorted(names)]
