"""Results by URL: they are written to a folder of this machine and copied from there, the mark of being done last."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any

import msgspec

from slowfast_live import files, paths
from slowfast_live.analysis.progress import Reporter, Step
from slowfast_live.errors import ExportError, UsageError
from slowfast_live.messages import Message, as_text, system_reason
from slowfast_live.sources.remote_files import file_system, url_of
from slowfast_live.urls import display_url

PUSH_EVERY_S = 30.0
"""Results are copied at most this often while a run is under way, and at its end."""
_LEFT_OUT = ("lock", "unfinished")


class _Known(msgspec.Struct):
    """A file that is the same on both sides: an id there, size and modification time here."""

    there: str
    size: int
    modified_ns: int


class Mirror:
    """A folder of this machine and its copy at a URL.

    Files at the URL that are newer or unknown here are fetched first, so that a run that was ended goes on, on any
    machine, and files of others are known and never replaced. Two runs at the same time are not kept apart.

    Args:
        url: The folder of the results.

    Raises:
        UsageError: It cannot be reached.
    """

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        name = hashlib.blake2b(self.url.encode(), digest_size=8).hexdigest()
        root = paths.cache_dir() / "outputs"
        self.folder, self._list = root / name, root / f"{name}.json"
        self._pushed_s = float("-inf")
        self._known = self._read()
        try:
            self._system, self._root = file_system(self.url)
            self._pull()
        except OSError as error:
            shown = display_url(self.url)
            raise UsageError(
                Message("The results cannot go to {shown}: {reason}.", shown=shown, reason=system_reason(error)),
                repr(error),
            ) from error

    def push(self, *, now: bool = False) -> None:
        """Copy what changed; if not `now`, only if the last time is long enough ago.

        Raises:
            ExportError: It cannot be copied; it stays on this machine, and the same command tries again.
        """
        if not now and time.monotonic() - self._pushed_s < PUSH_EVERY_S:
            return
        try:
            # The list of files comes first and JSON last: it marks a video as done.
            changed = sorted(self._changed(), key=lambda name: (name.endswith(".json"), not name.startswith("."), name))
            for name in changed:
                path = self.folder / name
                self._system.put_file(str(path), f"{self._root}/{name}")
                self._known[name] = _known(self._id(self._system.info(f"{self._root}/{name}")), path)
            for name in [name for name in self._known if not (self.folder / name).exists()]:
                self._system.rm_file(f"{self._root}/{name}")
                del self._known[name]
        except Exception as error:  # libraries of clouds have exceptions of their own
            raise ExportError(
                Message(
                    "The results cannot be copied to {url}: {error}. They are in {folder}, and the same command "
                    "tries again.",
                    url=display_url(self.url),
                    error=error,
                    folder=self.folder,
                ),
                repr(error),
            ) from error
        finally:
            files.write_bytes(self._list, msgspec.json.encode(self._known, enc_hook=as_text))
        self._pushed_s = time.monotonic()

    def _pull(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._system.invalidate_cache()
        there = self._system.find(self._root, detail=True) if self._system.exists(self._root) else {}
        for full, info in there.items():
            name = str(full).removeprefix(self._root.rstrip("/") + "/")
            path, known = self.folder / name, self._known.get(name)
            if known is not None and known.there == self._id(info) and path.exists():
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            self._system.get_file(full, str(path))
            self._known[name] = _known(self._id(info), path)
        for name in set(self._known) - {str(full).removeprefix(self._root.rstrip("/") + "/") for full in there}:
            (self.folder / name).unlink(missing_ok=True)
            del self._known[name]

    def _changed(self) -> Iterator[str]:
        for path in self.folder.rglob("*"):
            name = path.relative_to(self.folder).as_posix()
            if path.is_file() and not set(_LEFT_OUT) & set(name.split("/")):
                known, status = self._known.get(name), path.stat()
                if known is None or (known.size, known.modified_ns) != (status.st_size, status.st_mtime_ns):
                    yield name

    def _read(self) -> dict[str, _Known]:
        try:
            return msgspec.json.decode(self._list.read_bytes(), type=dict[str, _Known])
        except (OSError, msgspec.DecodeError):
            return {}

    def _id(self, info: dict[str, Any]) -> str:
        return str(info.get("ETag") or info.get("etag") or info.get("mtime") or info.get("LastModified") or "")


def _known(there: str, path: Path) -> _Known:
    status = path.stat()
    return _Known(there, status.st_size, status.st_mtime_ns)


class MirroringReporter:
    """Copies results while they are reported; see `Reporter`.

    Args:
        reporter: Receives the steps, with the URL instead of the folder here.
        mirror: What copies them.
    """

    def __init__(self, reporter: Reporter, mirror: Mirror) -> None:
        self._reporter, self._mirror = reporter, mirror

    def report(self, step: Step) -> None:
        """See `Reporter.report`."""
        if step.step in ("done", "end"):
            self._mirror.push(now=step.step == "end")
        here, shown = str(self._mirror.folder), display_url(self._mirror.url)
        message, report = step.message.replace(here, shown), step.report.replace(here, shown)
        self._reporter.report(replace(step, message=message, report=report))

    def __enter__(self) -> MirroringReporter:
        self._reporter.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._reporter.__exit__(kind, error, trace)


def mirrored(folder: Path) -> Mirror | None:
    """Return the mirror for a folder of results by URL; None for one of this machine."""
    url = url_of(folder)
    return None if url is None else Mirror(url)
