"""Storage of sessions: a folder of small files, each written atomically.

A session has one file with the facts and the user's edits, and one per model with what that model recognized, which is
larger and can be computed again. Any number of windows may use the folder at once: every writer holds a lock, reads the
existing content first, and merges it. All methods are thread-safe.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

import msgspec

from slowfast_live.core.corrections import merge_edits
from slowfast_live.errors import ExportError, SessionError
from slowfast_live.export.atomic import write_whole
from slowfast_live.export.io_errors import reason
from slowfast_live.files import atomic
from slowfast_live.messages import Message, as_text, system_reason
from slowfast_live.sessions import format as form
from slowfast_live.sessions.format import ModelRef, Recognized, Session, SourceRef

log = logging.getLogger(__name__)

MAX_UNEDITED = 200
MAX_UNEDITED_BYTES = 200_000_000
MAX_UNEDITED_DAYS = 90
"""Unedited and unnamed sessions are removed, oldest first, if there are more or older ones than these limits allow."""
_LOCK_S = 5.0
_FACTS, _SEEN = ".json", ".seen.json"


@dataclass(frozen=True, slots=True)
class KeptSession:
    """A session in the store.

    Attributes:
        session: The session, without what was recognized.
        bytes: Its size on disk.
    """

    session: Session
    bytes: int


@dataclass(frozen=True, slots=True)
class Removed:
    """A deleted session, with everything needed to restore it.

    Attributes:
        id: Its id.
        files: Name and content of each of its files.
    """

    id: str
    files: tuple[tuple[str, bytes], ...]


def merge(one: Session, other: Session) -> Session:
    """Merge two copies: the edits of both, the title of the one renamed more often, the rest of the later one."""
    newer, older = (one, other) if one.changed_s >= other.changed_s else (other, one)
    named = max(one, other, key=lambda session: (session.renamed, session.title))
    return msgspec.structs.replace(
        newer,
        edits=merge_edits(newer.edits, older.edits),
        title=named.title,
        renamed=named.renamed,
        began_s=min(one.began_s, other.began_s),
    )


class SessionStore:
    """Stores sessions in a folder, which is created when something is first saved.

    Args:
        folder: The folder.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.problems: SimpleQueue[str] = SimpleQueue()
        """Messages for the user about damaged files, each of them once."""

    # Finding

    def new_id(self, source: SourceRef) -> str:
        """Return the id of the session that this store creates for a source.

        It is the same each time for the same content, so that two windows that open a file at the same time create one
        session; other machines create a different id. A live source gets a new id each time.
        """
        if source.live:
            return f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(4)}"
        what = source.content or f"{source.kind}:{source.path}"
        return hashlib.blake2b(self._salt() + what.encode(), digest_size=16).hexdigest()

    def find(self, source: SourceRef) -> Session | None:
        """Return the newest session about a source, wherever the file is now; None if there is none."""
        found = [kept.session for kept in self.sessions() if kept.session.source.same_content(source)]
        return max(found, key=lambda session: session.changed_s, default=None)

    def of_earlier_content(self, source: SourceRef) -> Session | None:
        """Return the newest edited session about a file that was at the same path but had different content."""
        found = [
            kept.session
            for kept in self.sessions()
            if kept.session.worth_keeping
            and source.path
            and kept.session.source.path == source.path
            and not kept.session.source.same_content(source)
        ]
        return max(found, key=lambda session: session.changed_s, default=None)

    def load(self, session_id: str) -> Session | None:
        """Return a session without what was recognized; None if there is none. A damaged one is quarantined.

        Raises:
            SessionError: It cannot be read, or was written by a newer version.
        """
        path = self._facts(session_id)
        try:
            data = _read(path)
        except OSError as error:
            raise SessionError(
                Message("{path} cannot be read: {reason}", path=path, reason=reason(error, path)), details=repr(error)
            ) from error
        return None if data is None else self._decoded(path, data)

    def recognized(self, session_id: str) -> tuple[Recognized, ...]:
        """Return what was recognized, newest first; damaged files are quarantined."""
        files = sorted(self._seen_files(session_id), key=_modified_ns, reverse=True)
        return tuple(found for path in files if (found := self._known(path)) is not None)

    def sessions(self) -> list[KeptSession]:
        """Return all sessions, newest first; damaged ones are quarantined.

        Raises:
            SessionError: The folder cannot be read.
        """
        found = []
        files = self._files()
        seen: Counter[str] = Counter()
        for path in files:
            if path.name.endswith(_SEEN):
                seen[path.name.partition(".")[0]] += _size(path)
        for path in files:
            if path.name.endswith(_SEEN):
                continue
            try:
                data = _read(path)
                session = None if data is None else self._decoded(path, data)
            except (OSError, SessionError) as error:
                log.warning("%s is left out: %s", path, error)
                continue
            if session is not None:
                found.append(KeptSession(session, _size(path) + seen[session.id]))
        return sorted(found, key=lambda kept: kept.session.changed_s, reverse=True)

    # Saving

    def keep(self, session: Session) -> Session:
        """Save a session's facts and edits, merged with the existing ones; return what was written.

        Raises:
            SessionError: It cannot be written; the existing content is unchanged.
        """
        session = msgspec.structs.replace(session, recognized=())
        path = self._facts(session.id)
        with self._writing(path):
            there = self.load(session.id)
            merged = session if there is None else merge(session, there)
            if merged != there:
                _write(path, form.encode(merged))
        return merged

    def keep_recognized(self, session_id: str, found: Recognized) -> None:
        """Save what a model recognized, unless the store already knows more.

        Raises:
            SessionError: It cannot be written; the existing content is unchanged.
        """
        path = self._seen(session_id, found.model)
        with self._writing(path):
            there = self._known(path)
            if there is None or there.known_s <= found.known_s:
                _write(path, msgspec.json.encode(found, enc_hook=as_text) + b"\n")

    def rename(self, session_id: str, title: str) -> Session | None:
        """Set the name of a session; "" for none. Return the updated session; None if it no longer exists.

        Raises:
            SessionError: It cannot be written.
        """
        path = self._facts(session_id)
        with self._writing(path):
            there = self.load(session_id)
            if there is None:
                return None
            renamed = msgspec.structs.replace(there, title=title, renamed=there.renamed + 1)
            _write(path, form.encode(renamed))
        return renamed

    def delete(self, session_id: str) -> Removed:
        """Delete a session from disk; `restore` brings it back.

        Raises:
            SessionError: It cannot be deleted.
        """
        with self._writing(self._facts(session_id)):
            files = []
            for path in (self._facts(session_id), *self._seen_files(session_id)):
                if (data := _read(path)) is not None:
                    files.append((path.name, data))
                    path.unlink()
        return Removed(session_id, tuple(files))

    def restore(self, removed: Removed) -> None:
        """Restore a deleted session, merged with what has been saved under its id since.

        Raises:
            SessionError: It cannot be written.
        """
        for name, data in removed.files:
            path = self.folder / name
            if path == self._facts(removed.id):
                self.keep(form.decode(data, str(path)))
            else:
                self.keep_recognized(removed.id, form.decode_recognized(data, str(path)))

    def prune(self, now_s: float | None = None, spare: Sequence[str] = ()) -> int:
        """Remove the oldest unedited and unnamed sessions if there are too many or they are too old.

        Args:
            now_s: Seconds since 1970; None for the system's time.
            spare: Ids of sessions that are in use.

        Returns:
            Number of sessions removed.

        Raises:
            SessionError: They cannot be removed.
        """
        oldest_s = (time.time() if now_s is None else now_s) - MAX_UNEDITED_DAYS * 86_400
        unedited = [kept for kept in self.sessions() if not kept.session.worth_keeping]
        total, surplus = 0, []
        for number, kept in enumerate(unedited):
            total += kept.bytes
            old = kept.session.changed_s < oldest_s
            if (old or number >= MAX_UNEDITED or total > MAX_UNEDITED_BYTES) and kept.session.id not in spare:
                surplus.append(kept.session.id)
        for session_id in surplus:
            with self._writing(self._facts(session_id)):
                there = self.load(session_id)
                if there is None or not there.worth_keeping:  # meanwhile edited by another window
                    for path in (self._facts(session_id), *self._seen_files(session_id)):
                        path.unlink(missing_ok=True)
        return len(surplus)

    # Session files for sharing

    def whole(self, session: Session) -> Session:
        """Return a session with what was recognized in it."""
        return msgspec.structs.replace(session, recognized=self.recognized(session.id)[: form.MAX_MODELS])

    def take_in(self, session: Session) -> Session:
        """Save a session that was imported from a file, merged with the existing copy, if there is one.

        Raises:
            SessionError: It cannot be written.
        """
        there = self.load(session.id)
        if there is not None:
            session = msgspec.structs.replace(session, source=there.source)
        kept = self.keep(session)
        for found in session.recognized:
            self.keep_recognized(session.id, found)
        return kept

    # Helpers

    def _facts(self, session_id: str) -> Path:
        return self.folder / f"{session_id}{_FACTS}"

    def _seen(self, session_id: str, model: ModelRef) -> Path:
        digest = hashlib.blake2b(f"{model.name}\0{model.key}".encode(), digest_size=8).hexdigest()
        return self.folder / f"{session_id}.{digest}{_SEEN}"

    def _seen_files(self, session_id: str) -> list[Path]:
        return [path for path in self._files() if path.name.startswith(f"{session_id}.") and path.name.endswith(_SEEN)]

    def _files(self) -> list[Path]:
        try:
            return sorted(path for path in self.folder.iterdir() if path.suffix == _FACTS)
        except FileNotFoundError:
            return []
        except OSError as error:
            raise SessionError(
                Message("The sessions in {folder} cannot be read.", folder=self.folder), details=repr(error)
            ) from error

    def _decoded(self, path: Path, data: bytes) -> Session | None:
        try:
            session = form.decode(data, str(path))
            if self._facts(session.id) != path:
                raise SessionError(Message("{path} contains another session than its name indicates.", path=path))
            return session
        except form.NewerSessionError:
            raise
        except SessionError as error:
            self._set_aside(path, error)
            return None

    def _known(self, path: Path) -> Recognized | None:
        try:
            data = _read(path)
            return None if data is None else form.decode_recognized(data, str(path))
        except SessionError as error:
            self._set_aside(path, error)
        except OSError as error:
            log.warning("%s is left out: %s", path, error)
        return None

    def _set_aside(self, path: Path, error: SessionError) -> None:
        """Move a damaged file aside, so that it does no harm and can be inspected."""
        aside = path.with_name(f"{path.name}.{secrets.token_hex(2)}.bad")
        try:
            path.replace(aside)
        except OSError:
            log.exception("cannot move %s aside", path)
            return
        log.warning("%s %s", error.message, error.details)
        self.problems.put(
            Message(
                "{problem} It was moved to {name}; everything else is as it was.",
                problem=error.message,
                name=aside.name,
            )
        )

    def _salt(self) -> bytes:
        """Return the salt that makes this store's ids different from those of any other store."""
        path = self.folder / "store-id"
        try:
            return path.read_bytes()
        except OSError:
            pass
        try:
            with self._writing(path):
                if not path.exists():
                    _write(path, secrets.token_hex(16).encode())
                return path.read_bytes()
        except (SessionError, OSError):
            return b""

    @contextmanager
    def _writing(self, path: Path) -> Iterator[None]:
        """Hold the store's lock, and turn failures into messages for the user."""
        import filelock  # takes a tenth of a second, which would delay the start of the app

        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with filelock.FileLock(self.folder / ".lock", timeout=_LOCK_S, thread_local=False):
                yield
        except filelock.Timeout as error:
            raise SessionError(
                Message("Another program holds {folder}; waiting for it.", folder=self.folder / ".lock"),
                details=repr(error),
            ) from error
        except OSError as error:
            raise SessionError(
                Message("Nothing can be written to {folder}: {reason}", folder=self.folder, reason=reason(error, path)),
                details=f"{path}: {error!r}",
            ) from error


def read_file(path: Path) -> Session:
    """Read a session file from someone else. The video's path in it is ignored: it could name any file.

    Raises:
        SessionError: It cannot be read, or is invalid.
    """
    try:
        if not path.is_file():  # reading a pipe would block forever
            raise SessionError(
                Message("{path} is no file. Choose a file that ends with {suffix}.", path=path, suffix=form.SUFFIX)
            )
        with path.open("rb") as file:
            data = file.read(form.MAX_BYTES + 1)
    except OSError as error:
        raise SessionError(
            Message("{path} cannot be read: {reason}.", path=path, reason=system_reason(error)), details=repr(error)
        ) from error
    return form.to_send(form.decode(data, str(path)))


def write_file(session: Session, path: Path) -> None:
    """Write a session file for sharing.

    Raises:
        SessionError: It cannot be written; an existing file is unchanged.
    """
    try:
        write_whole(path, form.encode(form.to_send(session)))
    except ExportError as error:
        raise SessionError(error.message, error.details) from error


def _write(path: Path, data: bytes) -> None:
    """Write a file atomically, readable only by the user."""
    with atomic(path, private=True) as part:
        part.write_bytes(data)


def _read(path: Path) -> bytes | None:
    """Return the content of a file; None if there is no such file."""
    try:
        with path.open("rb") as file:
            return file.read(form.MAX_BYTES + 1)
    except FileNotFoundError:
        return None


def _modified_ns(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
