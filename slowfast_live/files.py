"""Safe file writing: atomic, and without overwriting files of other programs.

All functions raise plain `OSError` unless stated otherwise; callers turn it into a message for the user.
"""

from __future__ import annotations

import errno
import json
import os
import re
import secrets
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from slowfast_live.errors import UsageError
from slowfast_live.messages import Message, system_reason

LONGEST_NAME = 255
"""Maximum length of a file name in bytes on common file systems."""
_PART = ".part"
_HEAD_BYTES = 4096
_FOLDER = Message("is a folder")
_SURROGATE = re.compile("[\ud800-\udfff]")


def read_bytes(path: Path, most: int) -> bytes:
    """Read a file of at most `most` bytes as a whole; never waits for a pipe, and never fills the memory.

    Raises:
        OSError: It cannot be read, is not a file (a folder, a pipe, a device), or is larger.
    """
    mode = path.stat().st_mode
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "It is a device or pipe, not a file", str(path))
    with path.open("rb") as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise OSError(errno.EFBIG, f"It is larger than {most / 1e6:g} MB", str(path))
    return data


@contextmanager
def atomic(path: Path, *, private: bool = False, staging: Path | None = None) -> Iterator[Path]:
    """Provide a temporary path that replaces `path` when the block succeeds, and is removed when it fails.

    Symbolic links are followed: the target is replaced, and the link remains. A device or a pipe, which cannot be
    replaced, is written to directly. An existing file keeps its permissions.

    Args:
        path: The file; its folder is created if missing.
        private: Whether only the user may read the file.
        staging: Folder for the unfinished file, on the same file system; next to `path` by default.

    Raises:
        OSError: The file cannot be written; its previous content is unchanged.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    target = _followed(path)
    if target.exists() and not target.is_file():
        if target.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        yield target
        return
    part = _new_part(target, staging or target.parent, 0o600 if private else 0o666)
    try:
        yield part
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        if target.exists() and not private:
            shutil.copymode(target, part)
        _move(part, target)
    except BaseException:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise


def write_bytes(path: Path, data: bytes, *, private: bool = False, staging: Path | None = None) -> None:
    """Write a file atomically; see `atomic`.

    Raises:
        OSError: It cannot be written; its previous content is unchanged.
    """
    with atomic(path, private=private, staging=staging) as part:
        part.write_bytes(data)


def reserve(path: Path) -> Path:
    """Create an empty file under an unused name: `path` itself, or with a number: "clip (2).mp4".

    If two programs call this at the same time, each gets its own name.

    Raises:
        OSError: No file can be created there.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    for candidate in numbered(path):
        try:
            candidate.touch(exist_ok=False)
        except FileExistsError:
            continue
        return candidate
    raise AssertionError("there is always another number")


def numbered(path: Path) -> Iterator[Path]:
    """Yield `path`, then the same name with (2), (3) and so on before its suffix."""
    yield path
    number = 2
    while True:
        yield path.with_name(f"{path.stem} ({number}){path.suffix}")
        number += 1


def marked(mark: bytes) -> Callable[[Path], bool]:
    """Return a predicate for files that contain a marker near the beginning, as those of this program do."""

    def has_mark(path: Path) -> bool:
        with path.open("rb") as file:
            return mark in file.read(_HEAD_BYTES)

    return has_mark


def refuse_foreign(path: Path, is_ours: Callable[[Path], bool], option: str) -> None:
    """Check that a report may be written: the file does not exist yet, or was written by this program.

    Args:
        path: The file to replace.
        is_ours: Whether a file with content was written by this program; may raise `OSError`.
        option: Name of the option for the file, for the message.

    Raises:
        UsageError: The file was written by another program, or cannot be checked.
    """
    reason = not_ours(path, is_ours)
    if reason == _FOLDER:
        raise UsageError(
            Message(
                "{option}: {path} cannot be written: it is a folder; expected the name of a file.",
                option=option,
                path=path,
            )
        )
    if reason:
        raise UsageError(
            Message(
                "{option}: {path} {reason}. It is left as it is; name another file.",
                option=option,
                path=path,
                reason=reason,
            )
        )


def not_ours(path: Path, is_ours: Callable[[Path], bool]) -> str:
    """Return why a file must not be replaced; "" if it is missing, empty, a device or pipe, or ours."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return Message("is a link to something that does not exist") if path.is_symlink() else ""
    except OSError as error:
        nothing = error.errno in (errno.ENOTDIR, errno.ENAMETOOLONG)  # writing there reports the reason
        return "" if nothing else Message("cannot be inspected ({reason})", reason=system_reason(error))
    if stat.S_ISDIR(status.st_mode):
        return _FOLDER
    if not stat.S_ISREG(status.st_mode) or status.st_size == 0:
        return ""
    try:
        return "" if is_ours(path) else Message("exists and was not written by this program")
    except OSError as error:
        return Message("exists and cannot be read ({reason})", reason=system_reason(error))


def json_bytes(value: Any, indent: int | None = 2) -> bytes:
    r"""Encode a value as JSON in UTF-8 with a trailing newline.

    A file name may contain bytes that are not text. Python represents them as lone surrogates, which are written as
    escapes (`\udcff`) and read back by `json.loads`.
    """
    text = json.dumps(value, indent=indent, ensure_ascii=False)
    return _SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", text).encode() + b"\n"


def shortened(name: str, most: int) -> str:
    """Truncate a name to at most `most` bytes, at a character boundary."""
    data = os.fsencode(name)
    return name if len(data) <= most else data[:most].decode("utf-8", "ignore")


def _followed(path: Path) -> Path:
    """Return the target of a symbolic link.

    Raises:
        OSError: The target does not exist.
    """
    if not path.is_symlink():
        return path
    try:
        target = path.resolve()
    except RuntimeError as error:  # links that lead to each other
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path)) from error
    if not target.exists() and not target.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, f"it is a link to {target}, which does not exist", str(path))
    return target


def _new_part(target: Path, folder: Path, mode: int) -> Path:
    base = shortened(target.name, LONGEST_NAME - len(_PART) - 12)
    while True:
        part = folder / f".{base}.{secrets.token_hex(4)}{_PART}"
        try:
            os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode))
        except FileExistsError:
            continue
        return part


def _move(part: Path, target: Path) -> None:
    try:
        part.replace(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        beside = _new_part(target, target.parent, 0o666)  # the folder is on another file system
        try:
            shutil.copyfile(part, beside)
            beside.replace(target)
        except BaseException:
            beside.unlink(missing_ok=True)
            raise
        part.unlink()
