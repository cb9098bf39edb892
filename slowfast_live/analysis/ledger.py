"""Keeps track of the files that this program wrote into an output folder, in a list inside that folder.

A file counts as ours only while its content is what was written; a file that was changed since belongs to the user. A
line is appended to the list before each file is written, so that a run that is killed at any moment still recognizes
its own files.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from slowfast_live import files
from slowfast_live.analysis.names import absolute
from slowfast_live.analysis.videos import path_digest, same_name
from slowfast_live.errors import ExportError, SourceError
from slowfast_live.messages import Message, system_reason
from slowfast_live.sources.picture_files import size_and_date
from slowfast_live.sources.remote_files import url_of

FOLDER = ".slowfast-live"
"""Subfolder for the list and for unfinished files; everything in it is ours."""
THUMBNAILS = "thumbnails"
_LIST, _LOCK, _STAGING = "files.jsonl", "lock", "unfinished"
_HEAD = {"format": "slowfast-live results", "version": 1}


@dataclass(slots=True)
class LedgerEntry:
    """What was written for one video.

    Attributes:
        key: Digest that stands for the video's path.
        source: The video's path.
        size: Size in bytes at the time of the analysis.
        modified_ns: Modification time at the time of the analysis.
        stem: Path of its results relative to the folder, without extensions.
        files: Extensions of its results, each with the digests of the content written there.
    """

    key: str
    source: str
    size: int
    modified_ns: int
    stem: str
    files: dict[str, list[str]] = field(default_factory=dict)


@dataclass(slots=True)
class ReportRecord:
    """A report: the digests of its content and the keys of the videos that it covers."""

    digests: list[str] = field(default_factory=list)
    covers: list[str] = field(default_factory=list)


class Ledger:
    """The list of one folder, locked for one run at a time. Must be closed.

    Args:
        folder: The output folder; it exists and is writable.

    Raises:
        ExportError: Another run is writing there, or the list is not ours or cannot be read.
        OSError: Something in the folder cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.own = folder / FOLDER
        self.staging = self.own / _STAGING
        self.records: dict[str, LedgerEntry] = {}
        self._by_stem: dict[str, list[LedgerEntry]] = {}
        self._by_state: dict[tuple[int, int], list[LedgerEntry]] = {}
        self.reports: dict[str, ReportRecord] = {}
        self._list = self.own / _LIST
        names = {path.name for path in self.own.iterdir()} if self.own.is_dir() else set()
        if names - {_LOCK, _STAGING, THUMBNAILS} and _LIST not in names:
            raise ExportError(
                Message("{path} was not made by this program. Choose another folder for the results.", path=self.own)
            )
        self.staging.mkdir(parents=True, exist_ok=True)
        self._lock = _lock(self.own / _LOCK)
        try:
            self._read()
            shutil.rmtree(self.staging)
            self.staging.mkdir()
        except BaseException:
            self._lock.close()
            raise

    def close(self) -> None:
        """Release the lock, so that other runs can write to the folder."""
        with suppress(OSError):
            self.staging.rmdir()
        self._lock.close()

    def find(self, video: Path) -> LedgerEntry | None:
        """Return the entry of a video, even if it was moved or its folder was renamed since."""
        key = path_digest(video)
        if (known := self.records.get(key)) is not None:
            return known
        try:
            state = size_and_date(video)
        except OSError:
            return None
        for record in self._by_state.get(state, ()):
            if (
                Path(record.source).name == video.name
                and url_of(record.source) is None
                and not os.path.lexists(record.source)
            ):
                return record
        return None

    def taken_by_another(self, stem: str, endings: Iterable[str], mine: LedgerEntry | None) -> bool:
        """Return whether a name belongs to the results of another video, ignoring case."""
        return any(
            record is not mine and any(self.path(record.stem, ending).exists() for ending in {*endings, *record.files})
            for record in self._by_stem.get(same_name(stem), ())
        )

    def path(self, stem: str, ending: str) -> Path:
        """Return the path of a result."""
        place = self.folder / stem
        return place.with_name(place.name + ending)

    def is_ours(self, record: LedgerEntry | None, ending: str) -> bool:
        """Return whether a file still has the content that was written for a video."""
        if record is None or not (digests := record.files.get(ending)):
            return False
        return digest_of(self.path(record.stem, ending)) in digests

    def claim(self, video: Path, stem: str, contents: Mapping[str, str]) -> LedgerEntry:
        """Record what is about to be written for a video: extensions, each with the digest of its content.

        Raises:
            SourceError: The video no longer exists.
            OSError: The list cannot be written.
        """
        try:
            size_bytes, modified_ns = size_and_date(video)
        except OSError as error:
            raise SourceError(
                Message("{path} cannot be read: {reason}.", path=video, reason=system_reason(error)),
                details=repr(error),
            ) from error
        before = self.find(video)
        record = LedgerEntry(path_digest(video), absolute(video), size_bytes, modified_ns, stem)
        if before is not None and before.stem == stem:
            record.files = before.files
        line = _line(record, {ending: [digest] for ending, digest in contents.items()})
        self._append(line if before is None else {**line, "replaces": before.key})
        for ending, digest in contents.items():
            record.files.setdefault(ending, []).append(digest)
        if before is not None:
            self._forget(before)
        self._keep(record)
        return record

    def _keep(self, record: LedgerEntry) -> None:
        self.records[record.key] = record
        self._by_stem.setdefault(same_name(record.stem), []).append(record)
        self._by_state.setdefault((record.size, record.modified_ns), []).append(record)

    def _forget(self, record: LedgerEntry) -> None:
        del self.records[record.key]
        self._by_stem[same_name(record.stem)].remove(record)
        self._by_state[record.size, record.modified_ns].remove(record)

    def report_is_ours(self, name: str, covered: Iterable[str]) -> bool:
        """Return whether a report was written by us, is unchanged, and covers no videos other than these."""
        report = self.reports.get(name)
        if report is None or not set(report.covers) <= set(covered):
            return False
        return digest_of(self.folder / name) in report.digests

    def claim_report(self, name: str, digest: str, covers: Iterable[str]) -> None:
        """Record that a report is about to be written.

        Raises:
            OSError: The list cannot be written.
        """
        before = self.reports.get(name)
        report = ReportRecord([*(before.digests if before else ()), digest], sorted(covers))
        self._append({"report": name, "digests": [digest], "covers": report.covers})
        self.reports[name] = report

    def compact(self) -> None:
        """Rewrite the list with one entry per file.

        Raises:
            OSError: The list cannot be written; the longer one remains.
        """
        lines: list[Mapping[str, Any]] = [_HEAD]
        for record in sorted(self.records.values(), key=lambda each: each.stem):
            for ending, digests in record.files.items():
                record.files[ending] = _current(digests, self.path(record.stem, ending))
            lines.append(_line(record, dict(sorted(record.files.items()))))
        for name, report in sorted(self.reports.items()):
            report.digests = _current(report.digests, self.folder / name)
            lines.append({"report": name, "digests": report.digests, "covers": report.covers})
        data = b"".join(files.json_bytes(line, indent=None) for line in lines)
        files.write_bytes(self._list, data, staging=self.staging)

    def _append(self, line: Mapping[str, Any]) -> None:
        with self._list.open("ab") as file:
            file.write(files.json_bytes(line, indent=None))
            file.flush()
            os.fsync(file.fileno())

    def _read(self) -> None:
        try:
            lines = self._list.read_bytes().split(b"\n")
        except FileNotFoundError:
            files.write_bytes(self._list, files.json_bytes(_HEAD, indent=None), staging=self.staging)
            return
        head = _parsed(lines[0])
        if head.get("format") != _HEAD["format"]:
            raise ExportError(
                Message(
                    "{path} was not written by this program. Choose another folder for the results.", path=self._list
                )
            )
        if head.get("version") != _HEAD["version"]:
            raise ExportError(
                Message("{path} is of a newer version of this program. Choose another folder.", path=self._list)
            )
        if lines[-1]:  # a run was killed while it wrote this line: the next line must not be appended to it
            with self._list.open("ab") as file:
                file.write(b"\n")
        for line in lines[1:]:
            self._take(_parsed(line))

    def _take(self, line: Mapping[str, Any]) -> None:
        try:
            if "report" in line:
                report = self.reports.setdefault(str(line["report"]), ReportRecord())
                report.digests += map(str, line["digests"])
                report.covers = list(map(str, line["covers"]))
            elif "video" in line:
                record = LedgerEntry(
                    str(line["video"]), str(line["source"]), int(line["size"]), int(line["modified_ns"]),
                    str(line["stem"]),
                )  # fmt: skip
                before = self.records.get(str(line.get("replaces", record.key)))
                if before is not None:
                    if before.stem == record.stem:
                        record.files = before.files
                    self._forget(before)
                for ending, digests in dict(line["files"]).items():
                    record.files.setdefault(str(ending), []).extend(map(str, digests))
                self._keep(record)
        except (KeyError, TypeError, ValueError):
            return  # an incomplete line, left by a run that was killed


def digest(data: bytes) -> str:
    """Return a digest of a file's content."""
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def digest_of(path: Path) -> str:
    """Return the digest of a file; "" if it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
    except OSError:
        return ""


def _current(digests: list[str], path: Path) -> list[str]:
    """Return the one of several possible digests that matches the file."""
    if len(set(digests)) < 2:
        return digests[-1:]
    found = digest_of(path)
    return [found if found in digests else digests[-1]]


def _line(record: LedgerEntry, contents: Mapping[str, list[str]]) -> dict[str, Any]:
    return {
        "video": record.key,
        "source": record.source,
        "size": record.size,
        "modified_ns": record.modified_ns,
        "stem": record.stem,
        "files": dict(contents),
    }


def _parsed(line: bytes) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _lock(path: Path) -> IO[bytes]:
    """Lock out other runs until the returned file is closed; the lock of a process that dies is released."""
    file = path.open("ab")
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EWOULDBLOCK, errno.EACCES, errno.EDEADLK):
            file.close()
            raise ExportError(
                Message(
                    "Another analysis is writing into {parent}. Wait for its end, or choose another folder.",
                    parent=path.parent.parent,
                )
            ) from error
    return file  # the file system has no locks: the user must take care to have only one run at a time
