"""Atomic writing of results, with error messages for the user."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from slowfast_live import files
from slowfast_live.errors import ExportError
from slowfast_live.export.io_errors import reason
from slowfast_live.messages import Message


@contextmanager
def replacing(path: Path, staging: Path | None = None) -> Iterator[Path]:
    """Context manager that yields a path to write to, which becomes `path` if the block succeeds; see `files.atomic`.

    Raises:
        ExportError: It cannot be written; the message says why and what to do.
    """
    try:
        with files.atomic(path, staging=staging) as part:
            yield part
    except OSError as error:
        raise write_error(path, error) from error


def write_whole(path: Path, data: bytes, staging: Path | None = None) -> None:
    """Write a file atomically: an existing one is replaced only after all data is on disk.

    Raises:
        ExportError: It cannot be written; an existing file is unchanged.
    """
    with replacing(path, staging) as part:
        part.write_bytes(data)


def write_error(path: Path, error: OSError) -> ExportError:
    """Return the error to raise when a user's file could not be written."""
    return ExportError(
        Message("{path} cannot be written: {reason}", path=path, reason=reason(error, path)), details=repr(error)
    )
