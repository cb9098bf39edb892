"""Autosave sessions: save recognized data and edits shortly after each change, and report only failures."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import msgspec
from PySide6.QtCore import QObject, QTimer, Signal

from slowfast_live.core.corrections import Corrections
from slowfast_live.errors import SessionError
from slowfast_live.people.records import KnownPeople
from slowfast_live.sessions.format import Recognized, Session, SourceRef
from slowfast_live.sessions.identity import identify
from slowfast_live.sessions.recognition import (
    LivePart,
    Part,
    PeoplePart,
    at_last,
    capture,
    model_of,
    people_of,
    restore,
)
from slowfast_live.sessions.store import SessionStore
from slowfast_live.types import Level, Notice, SourceKind, SourceSpec, Topic
from slowfast_live.ui.events.session_events import SessionEvents
from slowfast_live.ui.style.language import tr
from slowfast_live.ui.threads.background import BackgroundTasks

log = logging.getLogger(__name__)

DELAY_MS = 500
"""Delay in milliseconds from the latest edit until edits are written."""
RETRY_MS = 10_000
RECOGNIZED_MS = 30_000
"""Interval in milliseconds at which recognized data is written while new data arrives; it is also written on leaving
the source."""
MIN_KNOWN_S = 2.0
"""A file of which less is known, in seconds, is saved only if it was edited."""


@dataclass
class OpenSession:
    """A session of this run.

    Its corrections stay the same object, so that undo still works after other sources were shown.

    Attributes:
        source: The session's source.
        corrections: The user's edits.
        began_s: Seconds since 1970.
        ref: Identifies the source; None until its file was examined.
        id: The session's ID; "" until then.
        title: The user's name for it.
        renamed: See `Session.renamed`.
        day_offset_s: See `Session.day_offset_s`.
        events: Number of events on display.
        captured: Recognized data that is not written yet.
        kept_version: Version of the corrections in the store.
        file: Key of its file in the history.
        noted: Version of the data captured last.
        live: For a live source, the data captured last.
        people: The people captured last.
        moved: Whether the file is in another place than the store says.
        deleted: Whether the user deleted it; it is then saved again only once it is edited.
    """

    source: SourceSpec
    corrections: Corrections
    began_s: float
    ref: SourceRef | None = None
    id: str = ""
    title: str = ""
    renamed: int = 0
    day_offset_s: float | None = None
    events: int = 0
    captured: list[Part] = field(default_factory=list)
    kept_version: int = 0
    file: Hashable = None
    noted: int = 0
    live: LivePart | None = None
    people: KnownPeople | None = None
    moved: bool = False
    deleted: bool = False

    @property
    def edited(self) -> bool:
        """Whether there are edits that are not in the store."""
        return self.corrections.version != self.kept_version

    def snapshot(self) -> Session:
        """Return the session as it is now."""
        assert self.ref is not None
        return Session(
            id=self.id,
            source=self.ref,
            title=self.title,
            renamed=self.renamed,
            began_s=self.began_s,
            changed_s=time.time(),
            day_offset_s=self.day_offset_s,
            events=self.events,
            edits=self.corrections.edits,
        )


class PeoplePort(Protocol):
    """What is known of the people in a source; see `pipeline.Pipeline`."""

    def known_people(self, source: Hashable) -> KnownPeople | None: ...  # noqa: D102
    def restore_people(self, source: Hashable, known: KnownPeople) -> None: ...  # noqa: D102


@dataclass(frozen=True)
class _Found:
    """What was found out about a source off the GUI thread."""

    ref: SourceRef
    id: str
    session: Session | None = None
    recognized: tuple[Recognized, ...] = ()
    people: KnownPeople | None = None
    outdated: Session | None = None
    problem: SessionError | None = None


class SessionKeeper(QObject):
    """Follows the session's events and saves them. For the GUI thread only; files are accessed off it.

    Args:
        session_events: The events of the source on display.
        people: Follows the people in the source on display.
        store: The session store; None to keep sessions in memory until the window is closed.
        background: Runs reading and writing off the GUI thread.
        parent: Qt parent.
    """

    notice = Signal(object)
    settled = Signal(object)
    """Emits the `Topic` of notices that no longer apply."""
    changed = Signal()
    """Emitted when the content of the store has changed."""

    def __init__(
        self,
        session_events: SessionEvents,
        people: PeoplePort,
        store: SessionStore | None,
        background: BackgroundTasks,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._session_events, self.store, self._background = session_events, store, background
        self._people = people
        self.current: OpenSession | None = None
        self._sessions: dict[str, OpenSession] = {}
        self._entering: list[OpenSession] = []  # sessions whose source is being examined
        self._lent: dict[str, Session] = {}
        self._expected: tuple[SourceSpec, str] | None = None
        self._writing = False
        self._failure = ""
        self._timer = self._make_timer(DELAY_MS, self._write, single=True)
        self._recognized_timer = self._make_timer(RECOGNIZED_MS, self._write, single=False)
        self._recognized_timer.start()
        session_events.leaving.connect(self._leave)
        session_events.restarted.connect(self._enter)
        session_events.edited.connect(self._edited)

    def _make_timer(self, interval_ms: int, slot: Callable[[], object], *, single: bool) -> QTimer:
        timer = QTimer(self)
        timer.setInterval(interval_ms)
        timer.setSingleShot(single)
        timer.timeout.connect(slot)
        return timer

    # Public interface

    @property
    def busy(self) -> bool:
        """Whether a source is being examined or data is waiting to be written."""
        return self._writing or (self.current is not None and not self.current.id)

    @property
    def unkept(self) -> list[OpenSession]:
        """Sessions with edits that are not in the store."""
        return [one for one in self._all() if one.edited]

    def expect(self, source: SourceSpec, session_id: str) -> None:
        """Make a source that is about to be shown continue a given session rather than its newest one."""
        self._expected = (source, session_id)

    def lend(self, session: Session) -> None:
        """Keep a session in memory for as long as the window is open."""
        self._lent[session.id] = session

    def switch(self, session_id: str) -> None:
        """Continue another session of the current source."""
        current = self.current
        if current is None or current.id == session_id or not current.id:
            return
        self._leave()
        self._expected = (current.source, session_id)
        self._enter()

    def show_archive(self, session: Session, recognized: tuple[Recognized, ...], generation: int) -> None:
        """Show an earlier session without its source."""
        known = self._sessions.get(session.id)
        corrections = known.corrections if known is not None else Corrections(session.edits)
        source = SourceSpec(SourceKind(session.source.kind), session.source.name, session.title)
        self._expected = None
        self._session_events.restarted.disconnect(self._enter)
        self._session_events.show_archive(source, corrections, session.day_offset_s, generation)
        self._session_events.restarted.connect(self._enter)
        if known is None:
            known = OpenSession(source, corrections, session.began_s)
            self._sessions[session.id] = known
        known.ref, known.id, known.day_offset_s = session.source, session.id, session.day_offset_s
        known.title, known.renamed, known.deleted = session.title, session.renamed, False
        self.current = known
        history = self._session_events.history
        restore(history, history.file, recognized)
        if recognized:
            self._session_events.model = model_of(recognized)
        self._session_events.people.take_archive(people_of(recognized) or KnownPeople())
        self._session_events.refresh()

    def forget(self, session_id: str) -> None:
        """Remove the edits of a session that the user deleted; the display returns to the model's own events."""
        known = self._sessions.pop(session_id, None)
        if known is None:
            return
        known.deleted, known.captured = True, []
        known.kept_version = known.corrections.version
        if known is self.current:
            known.corrections = Corrections()
            known.kept_version = 0
            self._session_events.use(known.corrections)

    def recall(self, session: Session) -> None:
        """Continue a session whose deletion was undone."""
        current = self.current
        if current is not None and current.id == session.id:
            current.deleted = False
            current.corrections.load(session.edits)
            current.kept_version = current.corrections.version
            self._sessions[session.id] = current
            self._session_events.refresh()

    def renamed(self, session: Session) -> None:
        """Take over the user's new name for a session."""
        if (known := self._sessions.get(session.id)) is not None:
            known.title, known.renamed = session.title, session.renamed

    def whole(self) -> Callable[[], Session] | None:
        """Return a function that builds the current session with all recognized data; call it off the GUI thread."""
        current = self.current
        if current is None or not current.id:
            return None
        history = self._session_events.history
        session, captured, store = self._snapshot(current), self._parts(history.file), self.store

        def make() -> Session:
            fresh = [one.pack() for one in captured]
            models = {found.model for found in fresh}
            kept = store.recognized(session.id) if store is not None else ()
            return msgspec.structs.replace(
                session, recognized=(*fresh, *(found for found in kept if found.model not in models))
            )

        return make

    def check_for_changes(self) -> None:
        """Take over changes that another window made to this session."""
        current, store = self.current, self.store
        if current is None or not current.id or store is None or self._writing:
            return
        self._background.run(
            lambda: store.load(current.id),
            lambda session: self._take_over(current, session),
            lambda error: log.warning("%s", error),
            name="session",
        )

    # Following the source

    def _edited(self) -> None:
        if self.current is not None:
            self.current.deleted = False
        self._timer.start()

    def _leave(self) -> None:
        """Capture the data of the current source before it is left."""
        session_events, current = self._session_events, self.current
        self._capture()
        lived = current is not None and current.source.live and not current.deleted and not session_events.archived
        if lived and current is not None and session_events.snapshot.end_s > session_events.snapshot.begin_s:
            # The history already belongs to the next source.
            last = at_last(current.live, session_events.model, session_events.snapshot)
            current.captured = [last, *(part for part in current.captured if isinstance(part, PeoplePart))]
        if self.current is not None and not self.current.id and not self.current.corrections.edits:
            self.current = None  # left before the source was identified, and there are no edits to lose
        self._timer.start(0)

    def _enter(self) -> None:
        """Begin a session for the new source, or continue an earlier one."""
        source = self._session_events.source
        assert source is not None
        expected, wanted = self._expected or (source, "")
        if (expected.kind, expected.address) != (source.kind, source.address):
            wanted = ""
        self._expected = None
        file = self._session_events.history.file
        current = OpenSession(source, Corrections(), time.time(), file=file)
        self.current = current
        self._entering.append(current)
        self._session_events.use(current.corrections)
        path = self._session_events.path
        self._background.run(
            lambda: self._find_and_restore(source, path, wanted, file),
            lambda found: self._arrived(current, found),
            name="session",
        )

    def _find_and_restore(self, source: SourceSpec, path: Path | None, wanted: str, file: Hashable) -> _Found:
        found = self._find(source, path, wanted)
        restore(self._session_events.history, file, found.recognized)
        return found

    def _find(self, source: SourceSpec, path: Path | None, wanted: str) -> _Found:
        """Identify a source and load what is known of it; runs off the GUI thread."""
        ref = identify(source, path)
        store = self.store
        if store is None:
            lent = self._lent.get(wanted)
            known = wanted or ref.content or ref.path or f"{ref.kind}-{time.time()}"
            recognized = lent.recognized if lent is not None else ()
            return _Found(ref, known, lent, recognized, people_of(recognized))
        session_id = wanted or store.new_id(ref)
        try:
            session = store.load(wanted) if wanted else store.find(ref)
            session_id = session.id if session is not None else session_id
            outdated = store.of_earlier_content(ref) if session is None else None
            recognized = store.recognized(session_id)
            return _Found(ref, session_id, session, recognized, people_of(recognized), outdated)
        except SessionError as error:
            return _Found(ref, session_id, problem=error)

    def _arrived(self, current: OpenSession, found: _Found) -> None:
        """Continue with what is known of a source."""
        self._entering.remove(current)
        if found.problem is not None:
            text = tr(
                "Earlier edits of {name} cannot be read: {message}",
                name=current.source.name,
                message=found.problem,
            )
            self.notice.emit(Notice(Level.WARNING, text, found.problem.details, topic=Topic.NEWS))
        if current is not self.current and not current.corrections.edits:
            return
        known = self._sessions.get(found.id)
        if known is not None:
            known.corrections.take_over(current.corrections.edits)
            known.source, known.file, known.deleted = current.source, current.file, False
        else:
            known = current
            self._sessions[found.id] = known
            fresh = known.corrections.version > 0
            if found.session is not None:
                known.corrections.load(found.session.edits)
                known.began_s, known.day_offset_s = found.session.began_s, found.session.day_offset_s
                if not fresh:
                    known.kept_version = known.corrections.version
        earlier = found.session.source if found.session is not None else known.ref
        known.moved = earlier is not None and earlier != found.ref
        known.ref, known.id = found.ref, found.id
        if found.session is not None:
            known.title, known.renamed = found.session.title, found.session.renamed
            known.corrections.merge(found.session.edits)
        if current is self.current:
            self.current = known
            if not self._session_events.model and found.recognized:
                self._session_events.model = model_of(found.recognized)
            if (people := known.people or found.people) is not None:
                self._people.restore_people(known.file, people)
            known.noted = _version(self._parts(known.file))
            self._session_events.use(known.corrections)
        self._report_problems()
        if found.outdated is not None:
            text = tr(
                "{name} has changed since its events were edited. The edits are still in the list of sessions.",
                name=current.source.name,
            )
            self.notice.emit(Notice(Level.INFO, text, command="sessions", topic=Topic.NEWS))
        if known.edited or known.moved:
            self._timer.start()

    def _take_over(self, current: OpenSession, session: Session | None) -> None:
        if session is not None and current.corrections.merge(session.edits):
            if not current.edited:
                current.kept_version = current.corrections.version
            if current is self.current:
                self._session_events.refresh()

    # Writing

    def _all(self) -> list[OpenSession]:
        return [*self._sessions.values(), *self._entering]

    def _capture(self) -> None:
        """Capture new data from the history."""
        current = self.current
        if current is None or current.deleted:
            return
        current.events = len(self._session_events.all_notes)
        current.day_offset_s = self._session_events.day_offset_s
        if self._session_events.archived:
            return
        parts = self._parts(current.file)
        current.people = next((part.known for part in parts if isinstance(part, PeoplePart)), current.people)
        current.live = next((part for part in parts if isinstance(part, LivePart)), current.live)
        if parts and _version(parts) != current.noted:
            current.noted, current.captured = _version(parts), parts

    def _parts(self, file: Hashable) -> list[Part]:
        """Return what is known of a source that is or was shown, its people included."""
        parts = capture(self._session_events.history, file)
        known = self._people.known_people(file)
        if known is not None and (known.trails or known.events):
            parts.append(PeoplePart(known))
        return parts

    def _snapshot(self, one: OpenSession) -> Session:
        if one is self.current:
            one.events, one.day_offset_s = len(self._session_events.all_notes), self._session_events.day_offset_s
        return one.snapshot()

    def _worth(self, one: OpenSession) -> bool:
        """Return whether there is anything to save."""
        if one.edited or (one.moved and not one.deleted):
            return True
        if not one.captured or one.deleted:
            return False
        return one.events > 0 or (not one.source.live and sum(part.known_s for part in one.captured) >= MIN_KNOWN_S)

    def _jobs(self) -> list[tuple[OpenSession, Session, int, list[Part]]]:
        """Take the data to write."""
        jobs = []
        for one in self._all():
            if one.id and self._worth(one):
                jobs.append((one, self._snapshot(one), one.corrections.version, one.captured))
                one.captured, one.moved = [], False
        return jobs

    def _write(self) -> None:
        """Write new data, off the GUI thread."""
        if self._writing:
            self._timer.start(DELAY_MS)
            return
        self._capture()
        store = self.store
        if store is None:
            for one in self._all():
                one.kept_version, one.captured = one.corrections.version, []
            return
        jobs = self._jobs()
        if not jobs:
            return
        self._writing = True

        def work() -> list[Session]:
            return [_keep(store, session, captured) for _one, session, _version, captured in jobs]

        def done(kept: list[Session]) -> None:
            self._writing = False
            self._kept([(job[0], job[2], session) for job, session in zip(jobs, kept, strict=True)])

        def failed(error: Exception) -> None:
            self._writing = False
            for one, _session, _version, captured in jobs:
                one.captured = one.captured or captured
            self._failed(error)

        self._background.run(work, done, failed, name="session")

    def _kept(self, kept: list[tuple[OpenSession, int, Session]]) -> None:
        for one, version, session in kept:
            since = one.corrections.version != version
            one.corrections.merge(session.edits)
            one.title, one.renamed = session.title, session.renamed
            if not since:
                one.kept_version = one.corrections.version
            if one is self.current and one.corrections.version != version and not since:
                self._session_events.refresh()
        if self._failure:
            self.settled.emit(Topic.SESSIONS)
            self._failure = ""
        self._report_problems()
        self.changed.emit()
        if any(one.edited for one, _version, _session in kept):
            self._timer.start(DELAY_MS)

    def _failed(self, error: Exception) -> None:
        """Report that saving fails and what to do; keep retrying."""
        names = ", ".join(dict.fromkeys(one.source.name for one in self.unkept))
        log.warning("sessions are not kept: %s", error)
        self._timer.start(RETRY_MS)
        if not names:
            return  # recognized data can be recognized again
        text = tr(
            "Your edits of {names} cannot be saved: {error} They stay in this window, and saving is "
            "tried again. To be safe, save the session as a file elsewhere.",
            names=names,
            error=error,
        )
        if text != self._failure:
            if self._failure:
                self.settled.emit(Topic.SESSIONS)
            self._failure = text
            details = getattr(error, "details", "") or repr(error)
            self.notice.emit(Notice(Level.ERROR, text, details, command="save_session", topic=Topic.SESSIONS))

    def _report_problems(self) -> None:
        store = self.store
        while store is not None and not store.problems.empty():
            self.notice.emit(Notice(Level.WARNING, store.problems.get_nowait(), topic=Topic.NEWS))

    def save_now(self) -> Exception | None:
        """Write everything at once, at shutdown; return the error, if any."""
        self._timer.stop()
        self._capture()
        store = self.store
        if store is None:
            return None
        for one in self._all():
            if not one.id and one.edited:  # closed before the file was examined
                found = self._find(one.source, self._session_events.path if one is self.current else None, "")
                one.ref, one.id = found.ref, found.id
                if found.session is not None:
                    one.corrections.load(found.session.edits)
        failure: Exception | None = None
        for one, session, version, captured in self._jobs():
            try:
                _keep(store, session, captured)
            except SessionError as error:
                one.captured = captured
                failure = error if one.edited else failure
                log.warning("%s", error)
            else:
                one.kept_version = version
        return failure

    def prune(self) -> None:
        """Remove the oldest sessions without edits, off the GUI thread."""
        store = self.store
        if store is not None:
            self._background.run(
                store.prune, failed=lambda error: log.warning("sessions are not pruned: %s", error), name="session"
            )


def _version(parts: Sequence[Part]) -> int:
    return sum(part.version for part in parts)


def _keep(store: SessionStore, session: Session, captured: list[Part]) -> Session:
    kept = store.keep(session)
    for part in captured:
        store.keep_recognized(session.id, part.pack())
    return kept
