"""Finds the class of a clip: from an index, from its file's name, or from its folder's name."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from slowfast_live import files
from slowfast_live.errors import UsageError

_LARGEST = 256_000_000
_FILE_COLUMN = "file"
_CLASS_COLUMNS = ("label", "class", "action")


@dataclass(frozen=True, slots=True)
class LabeledClip:
    """A video with its class.

    Attributes:
        path: The file; it need not exist.
        said: The class as written in the index, or in the name of the file or folder.
        label: The model's label for it; None if the model does not have the class.
        others: Further labels of the model that are right as well, for models that give several answers at once.
    """

    path: Path
    said: str
    label: str | None
    others: tuple[str, ...] = ()

    @property
    def labels(self) -> frozenset[str]:
        """All labels that are right; empty if the model has none of the classes."""
        return frozenset() if self.label is None else frozenset((self.label, *self.others))


def plain(name: str) -> str:
    """Normalize a class name for comparison: lower case, words separated by single spaces, no quotes.

    `push_up`, `Push-Up`, `PushUp` and `"push up"` are the same.
    """
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    return " ".join(re.sub(r"[\"'`´‘’“”]", "", re.sub(r"[_\-]", " ", words)).casefold().split())


def in_file_name(path: Path) -> str:
    """Extract the class from a file name: `p1_waving_one_hand_org.avi` -> "waving one hand".

    Numbers of people, takes and groups, and the video's resolution, are removed.
    """
    name = re.sub(r"^(p\d+|v)_", "", path.stem)
    name = re.sub(r"(_org|_g\d+_c\d+|_\d+p|_\d+)+$", "", name)
    return plain(name)


class Synonyms:
    """Groups of names with the same meaning.

    Args:
        groups: Names, the preferred one first.
    """

    def __init__(self, groups: Iterable[Sequence[str]]) -> None:
        self._groups: dict[str, list[tuple[str, ...]]] = {}
        for group in groups:
            names = tuple(plain(name) for name in group)
            for name in names:
                self._groups.setdefault(name, []).append(names)

    @classmethod
    def load(cls, *further: Path) -> Synonyms:
        """Return the table of this package, preceded by those of files in its format.

        Raises:
            UsageError: A file cannot be read, or a line is not a group.
        """
        own = resources.files("slowfast_live.tools.evaluation").joinpath("synonyms.txt").read_text(encoding="utf-8")
        groups = [group for path in further for group in _groups(_text(path, "--synonyms"), str(path))]
        return cls([*groups, *_groups(own, "synonyms.txt")])

    def meant(self, name: str, labels: Sequence[str]) -> str | None:
        """Return the label that `name` refers to, in the model's own spelling; None if there is none."""
        known = {plain(label): label for label in labels}
        wanted = plain(name)
        candidates = [wanted, *(other for group in self._groups.get(wanted, ()) for other in group)]
        return next((known[candidate] for candidate in candidates if candidate in known), None)


def _groups(text: str, where: str) -> list[list[str]]:
    groups = []
    for number, line in enumerate(text.splitlines(), 1):
        content = line.split("#", 1)[0].strip()
        if not content:
            continue
        names = [name.strip() for name in content.split("=")]
        if len(names) < 2 or not all(names):
            raise UsageError(f"{where}, line {number}: expected 'name = other name = ...', got '{content}'.")
        groups.append(names)
    return groups


def _text(path: Path, option: str) -> str:
    try:
        return files.read_bytes(path, _LARGEST).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}, given with {option}, cannot be read: expected UTF-8 text ({error}).") from error
    except OSError as error:
        raise UsageError(f"{path}, given with {option}, cannot be read: {error.strerror or error}.") from error


def read_index(path: Path) -> dict[Path, str]:
    """Read a table of clips: file (relative to the table's folder) -> class.

    Raises:
        UsageError: It cannot be read or lacks a column; the message says what is expected.
    """
    rows = csv.DictReader(_text(path, "--index").splitlines())
    columns = {name.strip().casefold(): name for name in rows.fieldnames or () if name}
    class_column = next((columns[name] for name in _CLASS_COLUMNS if name in columns), None)
    if _FILE_COLUMN not in columns or class_column is None:
        found = ", ".join(rows.fieldnames or ()) or "none"
        raise UsageError(
            f"{path} is no index of clips: expected a CSV file whose first line names the columns file and label "
            f"(or class, or action); its columns are: {found}."
        )
    index = {}
    for row in rows:
        file, said = (row[columns[_FILE_COLUMN]] or "").strip(), (row[class_column] or "").strip()
        if not file or not said:
            raise UsageError(f"{path}, line {rows.line_num}: expected a file and its label, got '{file}' and '{said}'.")
        index[(path.parent / file).resolve()] = said
    if not index:
        raise UsageError(f"{path} names no clips: expected a line 'file,label' for each.")
    return index


def classify(
    videos: Iterable[Path],
    labels: Sequence[str],
    synonyms: Synonyms,
    *,
    index: Mapping[Path, str] | None = None,
    roots: Iterable[Path] = (),
) -> list[LabeledClip]:
    """Find the class of each video; several classes in the index are separated by semicolons.

    The index has priority. Without an entry there: the file's name if it is a class of the model, else its folder's
    name if that is one. An unknown class is named after the folder if the file is in a folder inside one of `roots`
    (the layout of Kinetics: class/clip.mp4), else after the file.
    """
    tops = {root.resolve() for root in roots}
    clips = []
    for path in videos:
        if index and (said := index.get(path.resolve())):
            clips.append(_labeled(path, said, labels, synonyms))
            continue
        names = [in_file_name(path), plain(path.resolve().parent.name)]
        meant = [(name, synonyms.meant(name, labels)) for name in names]
        inside = tops and path.resolve().parent not in tops and any(top in path.resolve().parents for top in tops)
        unknown = (names[1] if inside else names[0], None)
        clips.append(LabeledClip(path, *next((pair for pair in meant if pair[1] is not None), unknown)))
    return clips


def _labeled(path: Path, said: str, labels: Sequence[str], synonyms: Synonyms) -> LabeledClip:
    if (whole := synonyms.meant(said, labels)) is not None or ";" not in said:
        return LabeledClip(path, said, whole)
    meant = [synonyms.meant(part, labels) for part in said.split(";") if part.strip()]
    known = list(dict.fromkeys(label for label in meant if label is not None))
    return LabeledClip(path, said, known[0] if known else None, tuple(known[1:]))
