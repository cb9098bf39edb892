"""The session features of the window: list, session files, finding a moved video, and closing without losing edits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
from PySide6.QtCore import QObject, QStandardPaths, Qt, Signal
from PySide6.QtWidgets import QDialog, QFileDialog, QLabel, QMessageBox, QWidget

from slowfast_live.sessions.format import SUFFIX, Recognized, Session
from slowfast_live.sessions.identity import is_same_file, path_of
from slowfast_live.sessions.store import Removed, SessionStore, read_file, write_file
from slowfast_live.types import Level, Notice, SourceKind, SourceSpec, Topic
from slowfast_live.ui.controller import source_input
from slowfast_live.ui.controller.controller import Controller
from slowfast_live.ui.events.session_events import SessionEvents, clean_name
from slowfast_live.ui.panels.file_manager import show_in_folder
from slowfast_live.ui.sessions.keeper import SessionKeeper
from slowfast_live.ui.sessions.sessions_dialog import SessionRow, SessionsDialog
from slowfast_live.ui.style.language import tr, words
from slowfast_live.ui.threads.background import BackgroundTasks

_BOX_PX = 400
FILTER = tr("Sessions (*{suffix})", suffix=SUFFIX)


class Sessions(QObject):
    """Opens, lists and exports sessions; the `SessionKeeper` saves them.

    Args:
        session_events: The events of the source on display.
        store: The session store; None to keep sessions in memory only.
        controller: Opens sources.
        background: Runs reading and writing off the GUI thread.
        window: Parent of the dialogs.
    """

    notice = Signal(object)
    settled = Signal(object)
    """Emits the `Topic` of notices that no longer apply."""
    archived = Signal()
    """Emitted when an earlier session is shown without its source."""

    def __init__(
        self,
        session_events: SessionEvents,
        store: SessionStore | None,
        controller: Controller,
        background: BackgroundTasks,
        window: QWidget,
    ) -> None:
        super().__init__(window)
        self._session_events, self._store, self._controller = session_events, store, controller
        self._background, self._window = background, window
        self.keeper = SessionKeeper(session_events, controller.pipeline, store, background, self)
        self.keeper.notice.connect(self.notice)
        self.keeper.settled.connect(self.settled)
        self.keeper.changed.connect(self._list)
        self.list: SessionsDialog | None = None
        self.dialog: QDialog | None = None
        self._removed: list[Removed] = []
        self._leaving = False
        controller.session_wanted.connect(self.open_file)

    @property
    def commands(self) -> dict[str, Callable[[], object]]:
        """Handlers of the window's commands, by name."""
        return {"sessions": self.show_list, "save_session": self.ask_save}

    def start(self) -> None:
        """Remove old sessions, once the window is shown."""
        self.keeper.prune()

    # The list

    def show_list(self) -> None:
        """Show the list of earlier sessions; the dialog is created once and reused."""
        if self.list is None:
            self.list = dialog = SessionsDialog(self._store.folder if self._store else None, self._window)
            dialog.open_wanted.connect(self._open_from_list)
            dialog.rename_wanted.connect(self._rename)
            dialog.delete_wanted.connect(self._delete)
            dialog.undo_wanted.connect(self._undo_delete)
            dialog.save_wanted.connect(self._save_listed)
            dialog.folder_wanted.connect(self._show_folder)
        self._list()
        self.list.show()
        self.list.raise_()
        self.list.activateWindow()
        self.list.table.setFocus()

    def _list(self) -> None:
        """Refresh the list of sessions if it is visible."""
        store, dialog = self._store, self.list
        if store is None or dialog is None:
            return

        def rows() -> list[SessionRow]:
            return [SessionRow(kept.session, _missing(kept.session)) for kept in store.sessions()]

        self._background.run(rows, dialog.show_rows, self._failed, name="session")

    def _open_from_list(self, session: Session) -> None:
        if self.list is not None:
            self.list.hide()
        self.open(session)

    def _rename(self, session: Session, title: str) -> None:
        store = self._store
        if store is None:
            return

        def renamed(now: Session | None) -> None:
            if now is not None:
                self.keeper.renamed(now)
            self._list()

        self._background.run(lambda: store.rename(session.id, clean_name(title)), renamed, self._failed, name="session")

    def _delete(self, sessions: Sequence[Session]) -> None:
        store = self._store
        if store is None:
            return
        self.settled.emit(Topic.SESSION_FILE)
        for session in sessions:
            self.keeper.forget(session.id)

        def deleted(removed: list[Removed]) -> None:
            self._removed = removed
            if self.list is not None:
                one = (
                    tr("“{name}” deleted", name=sessions[0].name)
                    if len(sessions) == 1
                    else tr("{sessions} sessions deleted", sessions=len(sessions))
                )
                self.list.show_message(one, undo=True)
            self._list()

        self._background.run(
            lambda: [store.delete(session.id) for session in sessions], deleted, self._failed, name="session"
        )

    def _undo_delete(self) -> None:
        store, removed = self._store, self._removed
        if store is None or not removed:
            return
        self._removed = []

        def work() -> list[Session | None]:
            for one in removed:
                store.restore(one)
            return [store.load(one.id) for one in removed]

        def done(sessions: list[Session | None]) -> None:
            for session in sessions:
                if session is not None:
                    self.keeper.recall(session)
            if self.list is not None:
                self.list.show_message("")
            self._list()

        self._background.run(work, done, self._failed, name="session")

    def _show_folder(self) -> None:
        if self._store is not None:
            show_in_folder(self._store.folder / "sessions")

    # Opening

    def open_file(self, path: Path) -> None:
        """Open a session file, such as one received from somebody else."""
        self.settled.emit(Topic.SESSION_FILE)
        store = self._store

        def read() -> Session:
            session = read_file(path)
            if store is not None:
                return msgspec.structs.replace(store.take_in(session), recognized=session.recognized)
            return session

        self._background.run(read, lambda session: self.open(session, beside=path.parent), self._failed, name="session")

    def open(self, session: Session, beside: Path | None = None) -> None:
        """Open a session: play its source if available, else show its events and offer to find the source.

        Args:
            session: The session.
            beside: Another folder to search for the video.
        """
        if session.source.kind == SourceKind.DEMO.value:
            self._play(session, SourceSpec(SourceKind.DEMO))
        elif session.source.live:
            self.show_events(session)
        else:
            self._background.run(
                lambda: _find_video(session, beside),
                lambda found: self._found(session, *found),
                self._failed,
                name="session",
            )

    def _found(self, session: Session, path: Path | None, same: bool) -> None:
        if path is not None and same:
            self._play(session, SourceSpec(SourceKind.FILE, str(path)))
        else:
            self._ask_where(session, path)

    def _ask_where(self, session: Session, path: Path | None) -> None:
        """Ask for the video if it is missing or its content has changed."""
        name, known = session.source.name, path_of(session.source)
        box = QMessageBox(self._window)
        box.setWindowTitle(tr("Open a session"))
        box.setTextFormat(Qt.TextFormat.PlainText)
        box.setIcon(QMessageBox.Icon.Question)
        if path is not None:
            box.setText(tr("{path} has changed since this session was saved.", path=path))
            box.setInformativeText(
                tr("The events may not match. Use this file, find another, or show only the events.")
            )
            use = box.addButton(tr("Use this file"), QMessageBox.ButtonRole.AcceptRole)
            use.clicked.connect(lambda: self._play(session, SourceSpec(SourceKind.FILE, str(path))))
        else:
            if known:
                box.setText(tr("The video {name} is not at {known}.", name=name, known=known))
            else:
                box.setText(tr("The video {name} is not here.", name=name))
            box.setInformativeText(tr("Find it, or show the events without it."))
        find = box.addButton(tr("Find the video…"), QMessageBox.ButtonRole.ActionRole)
        events = box.addButton(tr("Show the events"), QMessageBox.ButtonRole.ActionRole)
        box.addButton(QMessageBox.StandardButton.Cancel)
        find.clicked.connect(lambda: self.ask_video(session))
        events.clicked.connect(lambda: self.show_events(session))
        self._open_dialog(box)

    def ask_video(self, session: Session) -> None:
        """Let the user find the video of a session."""
        dialog = QFileDialog(self._window, tr("Find {name}", name=session.source.name))
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setNameFilters(source_input.file_filter().split(";;"))
        dialog.fileSelected.connect(lambda name: self._chosen(session, Path(name)))
        self._open_dialog(dialog)

    def _chosen(self, session: Session, path: Path) -> None:
        self._background.run(
            lambda: is_same_file(path, session.source),
            lambda same: self._found(session, path, same or not session.source.content),
            self._failed,
            name="session",
        )

    def _play(self, session: Session, source: SourceSpec) -> None:
        """Open the source of a session and continue that session."""
        self._keep_sent(session)
        status = self._controller.pipeline.status()
        shown = (
            status.source
            if status.source == self._session_events.source and not self._session_events.archived
            else None
        )
        if shown is not None and (shown.kind, shown.address) == (source.kind, source.address):
            self.keeper.switch(session.id)
        else:
            self.keeper.expect(source, session.id)
            self._controller.open_source(source)

    def _keep_sent(self, session: Session) -> None:
        """Pass a session that is not in the store to the keeper."""
        if self._store is None:
            self.keeper.lend(session)

    def show_events(self, session: Session) -> None:
        """Show the events of a session without its source."""
        store = self._store

        def recognized() -> tuple[Recognized, ...]:
            return session.recognized or (store.recognized(session.id) if store is not None else ())

        def show(found: tuple[Recognized, ...]) -> None:
            pipeline = self._controller.pipeline
            pipeline.close_source()
            self.keeper.show_archive(session, found, pipeline.status().generation)
            self.archived.emit()

        self._background.run(recognized, show, self._failed, name="session")

    # Files

    def ask_save(self) -> None:
        """Let the user save the current session as a file, in a non-blocking dialog."""
        make = self.keeper.whole()
        if make is None:
            self.notice.emit(Notice(Level.INFO, tr("There is no session to save yet. Open a source first.")))
            return
        session_events = self._session_events
        path = session_events.path
        current = self.keeper.current
        stem = path.stem if path is not None else (current.title or current.source.name if current else "session")
        self._ask_path(stem, lambda name: self.save(self.keeper.whole() or make, name))

    def _save_listed(self, session: Session) -> None:
        store = self._store
        current = self.keeper.current
        if current is not None and current.id == session.id:
            self.ask_save()
        elif store is not None:
            self._ask_path(Path(session.name).stem, lambda name: self.save(lambda: store.whole(session), name))

    def _ask_path(self, stem: str, save: Callable[[Path], object]) -> None:
        dialog = QFileDialog(self._window, tr("Save session"))
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setNameFilters([FILTER])
        dialog.setDefaultSuffix(SUFFIX)
        folder = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DocumentsLocation)
        dialog.setDirectory(folder or str(Path.home()))
        dialog.selectFile("".join("-" if letter in '/\\:*?"<>|' else letter for letter in stem))
        dialog.fileSelected.connect(lambda name: save(Path(name)))
        self._open_dialog(dialog)

    def save(self, make: Callable[[], Session], path: Path) -> None:
        """Write a session to a file; a notice names the file or the error."""
        self.settled.emit(Topic.SESSION_FILE)

        def write() -> Path:
            write_file(make(), path)
            return path

        def saved(written: Path) -> None:
            self.notice.emit(Notice(Level.INFO, tr("Saved {written}", written=written), file=written))

        self._background.run(write, saved, self._failed, name="session")

    # Closing

    def may_close(self) -> bool:
        """Save everything; if that fails, ask what to do, without blocking, and return False until answered."""
        if self._leaving:
            return True
        failure = self.keeper.save_now()
        if failure is None:
            return True
        box = QMessageBox(self._window)
        box.setWindowTitle(tr("Edits cannot be saved"))
        box.setTextFormat(Qt.TextFormat.PlainText)
        box.setIcon(QMessageBox.Icon.Warning)
        names = ", ".join(dict.fromkeys(one.source.name for one in self.keeper.unkept))
        box.setText(tr("Your edits of {names} cannot be saved.", names=names))
        box.setInformativeText(words(failure))
        save = box.addButton(tr("Save as a file…"), QMessageBox.ButtonRole.AcceptRole)
        leave = box.addButton(tr("Quit without saving"), QMessageBox.ButtonRole.DestructiveRole)
        stay = box.addButton(tr("Stay"), QMessageBox.ButtonRole.RejectRole)
        box.setDefaultButton(save)
        box.setEscapeButton(stay)
        save.clicked.connect(self.ask_save)
        leave.clicked.connect(self._leave)
        if (label := box.findChild(QLabel, "qt_msgbox_label")) is not None:
            label.setMinimumWidth(_BOX_PX)  # otherwise the box is as narrow as its first line and clips its buttons
        self._open_dialog(box)
        return False

    def _leave(self) -> None:
        """Close the window although edits are not saved, as the user decided."""
        self._leaving = True
        self._window.close()

    def _open_dialog(self, dialog: QDialog) -> None:
        self.dialog = dialog
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    def _failed(self, error: Exception) -> None:
        details = getattr(error, "details", "") or repr(error)
        self.notice.emit(Notice(Level.ERROR, words(error), details, topic=Topic.SESSION_FILE))


def _missing(session: Session) -> bool:
    path = path_of(session.source)
    try:
        return session.source.kind == SourceKind.FILE.value and (path is None or not path.exists())
    except OSError:
        return True


def _find_video(session: Session, beside: Path | None) -> tuple[Path | None, bool]:
    """Return the path of a session's video and whether its content is unchanged; runs off the GUI thread.

    Only its last known path on this machine and the session file's folder are searched: a session file from somebody
    else must not make the app open any other path.
    """
    known = path_of(session.source)
    name = session.source.name.replace("\\", "/").rpartition("/")[2]
    candidates = [known] if known is not None else []
    if beside is not None and name not in ("", ".", ".."):
        candidates.append(beside / name)
    there = []
    for path in candidates:
        try:
            if path.exists():
                there.append(path)
        except (OSError, ValueError):
            continue
    same = next((path for path in there if is_same_file(path, session.source)), None)
    return (same, True) if same is not None else (there[0] if there else None, False)
