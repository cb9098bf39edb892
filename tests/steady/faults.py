"""The table: what may break, at which step, and what the app does then.

Each row is one test of `test_faults.py`. Before it a file plays and a model runs; the row's fault is in a second
source or a second model, that the user switches to, or in what runs already. What must hold after every row: at most
one message, that names the thing; stopping is bounded; no thread is left, once what blocks has let go.

Cameras and streams that die, come back, fall silent or block: tests/pipeline/test_capture.py and test_reconnect.py.
Senders that never answer, drip or send nonsense: tests/sources/test_stream_source.py.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import numpy as np

from slowfast_live.errors import DeviceError, ModelError, SourceError
from slowfast_live.inference.backend import InferResult
from slowfast_live.sources.base import Picture
from tests.steady.broken import Doing, Gate, outcome, raising


class Then(Enum):
    """What the app does."""

    KEEPS_THE_OLD = "the old source or model goes on"
    TAKES_THE_NEW = "the new one runs as if nothing had been"
    IS_OVER = "the source is over; another one can be opened"
    SHOWS_NO_PICTURE = "the window says that no picture comes; another source can be opened"
    SHOWS_NO_LABEL = "pictures go on, no label is shown; another model can be chosen"


KEEPS_OLD, TAKES_NEW, OVER, NO_PICTURE, NO_LABEL = Then


@dataclass(frozen=True)
class SourceFault:
    """A source that breaks.

    Attributes:
        step: make, open, read, seek or close.
        what: How it breaks, in words.
        doing: What the step does instead of its work.
        says: The one message (a regular expression); empty for none.
        then: What the app does.
        after: So many calls of the step go well before.
    """

    step: str
    what: str
    doing: Callable[[Gate], Doing]
    says: str
    then: Then
    after: int = 0


def _raises(error: BaseException) -> Callable[[Gate], Doing]:
    return lambda _: raising(error)


def _gives(picture: Picture) -> Callable[[Gate], Doing]:
    return lambda _: lambda: picture


def _blocks(gate: Gate) -> Doing:
    return gate


_GONE = SourceError("bad.mp4 is on a drive that was pulled out.")
_UNEXPECTED = r"bad\.mp4 cannot be .* unexpected error"
_GRAY = np.zeros((48, 64), np.uint8)
_FLOAT = np.zeros((48, 64, 3), np.float32)
_EMPTY = np.zeros((0, 0, 3), np.uint8)
_OTHER_SIZE = np.zeros((100, 30, 3), np.uint8)

# fmt: off
SOURCES = [
    # step, what, what it does instead, the one message, what the app does
    SourceFault("make", "our error",     _raises(_GONE),                       "pulled out",       KEEPS_OLD),
    SourceFault("make", "no library",    _raises(ImportError("no libav")),     _UNEXPECTED,        KEEPS_OLD),
    SourceFault("open", "our error",     _raises(_GONE),                       "pulled out",       KEEPS_OLD),
    SourceFault("open", "any error",     _raises(ZeroDivisionError("codec")),  _UNEXPECTED,        KEEPS_OLD),
    SourceFault("open", "no memory",     _raises(MemoryError()),               _UNEXPECTED,        KEEPS_OLD),
    SourceFault("open", "blocked",       _blocks,                              "",                 KEEPS_OLD),
    SourceFault("read", "fails at once", _raises(_GONE),                       "pulled out",       OVER),
    SourceFault("read", "our error",     _raises(_GONE),                       "pulled out",       OVER, after=5),
    SourceFault("read", "any error",     _raises(ZeroDivisionError("codec")),  _UNEXPECTED,        OVER, after=5),
    SourceFault("read", "no memory",     _raises(MemoryError()),               _UNEXPECTED,        OVER, after=5),
    SourceFault("read", "blocked",       _blocks,                              "",                 NO_PICTURE, after=5),
    SourceFault("read", "two axes",      _gives(Picture(_GRAY, 0.2)),          _UNEXPECTED,        OVER, after=5),
    SourceFault("read", "not uint8",     _gives(Picture(_FLOAT, 0.2)),         _UNEXPECTED,        OVER, after=5),
    SourceFault("read", "no pixels",     _gives(Picture(_EMPTY, 0.2)),         _UNEXPECTED,        OVER, after=5),
    SourceFault("read", "time is NaN",   _gives(Picture(_OTHER_SIZE, np.nan)), _UNEXPECTED,        OVER, after=5),
    SourceFault("seek", "our error",     _raises(_GONE),                       "pulled out",       OVER),
    SourceFault("seek", "any error",     _raises(OSError("I/O error")),        _UNEXPECTED,        OVER),
    SourceFault("seek", "blocked",       _blocks,                              "",                 NO_PICTURE),
    SourceFault("close", "any error",    _raises(OSError("driver")),           "",                 TAKES_NEW),
    SourceFault("close", "blocked",      _blocks,                              "",                 TAKES_NEW),
]
# fmt: on


@dataclass(frozen=True)
class ModelFault:
    """A model or device that breaks.

    Attributes:
        step: compile, start, infer or close.
        what: How it breaks, in words.
        doing: What the step does first.
        answer: How an inference ends, given the number of classes.
        says: The one message (a regular expression); empty for none.
        then: What the app does.
    """

    step: str
    what: str
    says: str
    then: Then
    doing: Callable[[Gate], Doing] | None = None
    answer: Callable[[int], InferResult] | None = None


_OLD_DRIVER = DeviceError("The GPU driver is too old.")
_CORRUPT = ModelError("tiny_short-fp32 is corrupt.")
_NAN = outcome(lambda k: np.full(k, np.nan))
_HALF_NAN = outcome(lambda k: np.array([1.0, *[np.nan] * (k - 1)]))
_INFINITE = outcome(lambda k: np.full(k, np.inf))
_TOO_MANY = outcome(lambda k: np.full(k + 3, 1 / (k + 3)))
_TOO_FEW = outcome(lambda k: np.ones(1))
_TWO_AXES = outcome(lambda k: np.full((1, k), 1 / k))
_NONE = outcome(lambda k: np.zeros(0))
_NUMBER = "tiny_short-fp32.*not a number"
_SHAPE = r"tiny_short-fp32.*\d+ values.*7 labels"


def _lost(_: int) -> InferResult:
    return InferResult(None, RuntimeError("device lost"))


# fmt: off
MODELS = [
    ModelFault("compile", "our error",     "too old.*remains in use", KEEPS_OLD,  _raises(_OLD_DRIVER)),
    ModelFault("compile", "broken files",  "corrupt.*remains in use", KEEPS_OLD,  _raises(_CORRUPT)),
    ModelFault("compile", "any error",     "unexpected.*remains in use", KEEPS_OLD,  _raises(RuntimeError("plugin"))),
    ModelFault("compile", "no memory",     "unexpected.*remains in use", KEEPS_OLD,  _raises(MemoryError())),
    ModelFault("compile", "blocked",       "",                     KEEPS_OLD,  _blocks),
    ModelFault("start",   "any error",     "went away",            NO_LABEL, _raises(RuntimeError("went away"))),
    ModelFault("infer",   "device lost",   "device lost",          NO_LABEL, answer=_lost),
    ModelFault("infer",   "NaN",           _NUMBER,                NO_LABEL, answer=_NAN),
    ModelFault("infer",   "some NaN",      _NUMBER,                NO_LABEL, answer=_HALF_NAN),
    ModelFault("infer",   "infinite",      _NUMBER,                NO_LABEL, answer=_INFINITE),
    ModelFault("infer",   "too many",      _SHAPE,                 NO_LABEL, answer=_TOO_MANY),
    ModelFault("infer",   "too few",       _SHAPE,                 NO_LABEL, answer=_TOO_FEW),
    ModelFault("infer",   "two axes",      _SHAPE,                 NO_LABEL, answer=_TWO_AXES),
    ModelFault("infer",   "nothing",       _SHAPE,                 NO_LABEL, answer=_NONE),
    ModelFault("infer",   "blocked",       "not answered",         NO_LABEL, _blocks),
    ModelFault("close",   "any error",     "",                     TAKES_NEW,  _raises(RuntimeError("no"))),
    ModelFault("close",   "blocked",       "",                     TAKES_NEW,  _blocks),
]
# fmt: on


@dataclass(frozen=True)
class FileFault:
    """A file of a model folder that is broken on the disk.

    Attributes:
        file: model.json, model.xml or model.bin.
        what: How it is broken, in words.
        breaks: Breaks the file at a path.
        says: The one message (a regular expression).
    """

    file: str
    what: str
    breaks: Callable[[Path], object]
    says: str


def _half(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _noise(path: Path) -> None:
    path.write_bytes(np.random.default_rng(0).bytes(path.stat().st_size))


def _huge(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(10**10)  # a file of holes


def _pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _itself(path: Path) -> None:
    path.unlink()
    path.symlink_to(path)


def _not_a_number(path: Path) -> None:
    weights = np.fromfile(path, np.float32)
    weights[-112:] = np.nan  # those of the classifier, which nothing follows that would hide it
    weights.tofile(path)


_BROKEN = r"broken.*(not a readable OpenVINO model|cannot be compiled)"
_MISSING = r"broken is not a model folder: {} is missing"
_DESCRIPTION = r"broken/model\.json does not describe a model"

# fmt: off
MODEL_FILES = [
    FileFault("model.json", "empty",         _empty,          _DESCRIPTION),
    FileFault("model.json", "half of it",    _half,           _DESCRIPTION),
    FileFault("model.json", "noise",         _noise,          _DESCRIPTION),
    FileFault("model.json", "10 GB",         _huge,           r"broken/model\.json is too large"),
    FileFault("model.xml",  "missing",       Path.unlink,     _MISSING.format("model.xml")),
    FileFault("model.xml",  "a folder",      _folder,         _MISSING.format("model.xml")),
    FileFault("model.xml",  "a pipe",        _pipe,           _MISSING.format("model.xml")),
    FileFault("model.xml",  "a circle",      _itself,         _MISSING.format("model.xml")),
    FileFault("model.xml",  "empty",         _empty,          _BROKEN),
    FileFault("model.xml",  "half of it",    _half,           _BROKEN),
    FileFault("model.xml",  "noise",         _noise,          _BROKEN),
    FileFault("model.bin",  "missing",       Path.unlink,     _MISSING.format("model.bin")),
    FileFault("model.bin",  "a folder",      _folder,         _MISSING.format("model.bin")),
    FileFault("model.bin",  "empty",         _empty,          _BROKEN),
    FileFault("model.bin",  "half of it",    _half,           _BROKEN),
    FileFault("model.bin",  "not a number",  _not_a_number,   "broken.*not a number"),
]
# fmt: on
