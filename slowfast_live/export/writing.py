"""Files that are there whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from slowfast_live.errors import ExportError
from slowfast_live.export.disk import reason


def part_of(path: Path) -> Path:
    """Return where a file is written before it takes its name: hidden, beside it, always the same."""
    return path.with_name(f".{path.name}.part")


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a path to write to that becomes `path` when the block ends well, and goes away when it does not.

    Raises:
        ExportError: It cannot be written; the message says why and what to do.
    """
    part = part_of(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield part
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        _discard(part)
        raise write_error(path, error) from error
    except BaseException:
        _discard(part)
        raise


def _discard(part: Path) -> None:
    with suppress(OSError):
        part.unlink(missing_ok=True)


def write_whole(path: Path, data: bytes) -> None:
    """Write a file, replacing what has its name only when all of it is on the disk.

    Raises:
        ExportError: It cannot be written; what was there before is still there.
    """
    with replacing(path) as part:
        part.write_bytes(data)


def write_error(path: Path, error: OSError) -> ExportError:
    """Return what to tell a user whose file could not be written."""
    return ExportError(f"{path} cannot be written: {reason(error, path)}", details=repr(error))
