"""Handling of disks that fill up, are unplugged, or are not writable."""

from __future__ import annotations

import errno
import io
import os
from pathlib import Path
from typing import Protocol

from slowfast_live.messages import Message


class RawFile(Protocol):
    """The file that a video is written to."""

    def write(self, data: bytes, /) -> int | None: ...  # noqa: D102
    def fileno(self) -> int: ...  # noqa: D102
    def close(self) -> None: ...  # noqa: D102


def open_raw(path: Path) -> RawFile:
    """Open a new file without buffering in this process, so that written data survives a crash of the process."""
    return io.FileIO(path, "w")


class Sink:
    """The output file of FFmpeg. After a failure it discards all further data, so that FFmpeg can be closed."""

    def __init__(self, raw: RawFile) -> None:
        self._raw = raw
        self.error: OSError | None = None
        self.size = 0

    def write(self, data: bytes) -> int:
        """Write all of the data; after a failure, discard it."""
        rest = memoryview(data)
        while rest and self.error is None:
            try:
                written = self._raw.write(rest)  # type: ignore[arg-type]
                if not written:
                    raise OSError(errno.EIO, "nothing could be written")
            except OSError as error:
                self.error = error
                raise
            self.size += written
            rest = rest[written:]
        return len(data)

    def sync(self) -> None:
        """Flush to disk, so that unplugging the disk loses only what is written later."""
        try:
            os.fsync(self._raw.fileno())
        except OSError as error:
            self.error = error
            raise

    def close(self) -> None:
        """Close the file."""
        self._raw.close()


def reason(error: BaseException, path: Path) -> str:
    """Return one sentence for the user: why the file `path` could not be written, and what to do."""
    return folder_reason(error, path.parent)


def folder_reason(error: BaseException, folder: Path) -> str:
    """Return one sentence for the user: why nothing could be written to `folder`, and what to do."""
    match getattr(error, "errno", None):
        case errno.ENOSPC | errno.EDQUOT:
            return Message("there is no room left on the disk of {folder}.", folder=folder)
        case errno.EACCES | errno.EPERM:
            return Message("you may not write to {folder}. Choose another folder.", folder=folder)
        case errno.EROFS:
            return Message("the disk of {folder} cannot be written to. Choose another folder.", folder=folder)
        case errno.ENOENT | errno.ENODEV | errno.EIO | errno.ENXIO | errno.ESTALE:
            return Message(
                "{folder} does not answer any more. Was the disk unplugged or the folder removed?", folder=folder
            )
        case errno.ENOTDIR | errno.EEXIST:
            return Message("{folder} is no folder. Choose another one.", folder=folder)
        case errno.ENAMETOOLONG:
            return Message("its name is too long for this file system. Choose a shorter one.")
        case _:
            return f"{getattr(error, 'strerror', None) or error or type(error).__name__}."
