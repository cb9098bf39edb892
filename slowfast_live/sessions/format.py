"""The format of a session: in the store, and as a file that can be shared.

A session file may come from anyone, so `decode` validates everything before any other code sees it: the size, the
number of items, that names are text without control characters, that times and scores are plausible numbers, and that
events are in order. A change that older readers would misunderstand requires a new `version`.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable, Sequence
from importlib.resources import files
from typing import Annotated, Any, Literal, TypeVar

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from slowfast_live import __version__
from slowfast_live.core.corrections import MAX_EDITS, Add, Delete, Edit, Move, Rename, RenameAll, Target
from slowfast_live.core.curves import NONE_KNOWN
from slowfast_live.core.events import Event, EventRule
from slowfast_live.core.moments import MAX_MOMENTS, Decided, DecisionRule, check_rows, row_type
from slowfast_live.errors import SessionError
from slowfast_live.messages import Message, as_text
from slowfast_live.sessions.naming import THE_SESSION, named
from slowfast_live.sessions.packing import pack, unpack
from slowfast_live.sessions.people import KeptPeople
from slowfast_live.text_safety import controls
from slowfast_live.types import F32

FORMAT = "slowfast-live session"
VERSION = 1
SUFFIX = ".slowfast"
MAX_BYTES = 64 << 20
"""Larger session files are rejected."""
MAX_EVENTS = 20_000
MAX_CELLS = 1 << 18
MAX_MODELS = 32
MAX_NAME = 500
"""Maximum number of characters of a label or a name."""
MAX_TIME_S = 1e9
"""Maximum seconds on a source's clock; a live source counts from when the machine was started."""

Count = Annotated[int, Meta(ge=0, le=1 << 53)]
Text = Annotated[str, Meta(max_length=MAX_NAME)]
Path_ = Annotated[str, Meta(max_length=8192)]
Labels = Annotated[tuple[Annotated[str, Meta(max_length=8192)], ...], Meta(max_length=MAX_EVENTS)]
SessionId = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9-]{7,63}\Z")]
Seconds = float


class SourceRef(msgspec.Struct, frozen=True, kw_only=True):
    """The source that a session is about.

    Attributes:
        kind: "file", "camera", "stream", "screen" or "demo".
        name: Display name: a file's name, a camera's name, a stream's address without user and password.
        path: A file's absolute path when it was last opened; "" in a session file made for sharing.
        size_bytes: A file's size; 0 if unknown.
        modified_ns: A file's modification time, in ns since 1970; 0 if unknown.
        content: Digest of parts of a file's content (see `identity.content_key`); "" if there is none.
        duration_s: A file's length; None if unknown.
    """

    kind: Literal["file", "camera", "stream", "screen", "demo"]
    name: Text
    path: Path_ = ""
    size_bytes: Count = 0
    modified_ns: Annotated[int, Meta(ge=-(1 << 62), le=1 << 62)] = 0
    content: Annotated[str, Meta(pattern=r"^[a-z0-9:]{0,120}\Z")] = ""
    duration_s: float | None = None

    @property
    def live(self) -> bool:
        """Whether it is a camera or a stream, whose past frames cannot be replayed."""
        return self.kind in ("camera", "stream", "screen")

    def same_content(self, other: SourceRef) -> bool:
        """Return whether two files have the same content, wherever they are.

        Compares paths if the content is unknown.
        """
        if self.live or other.live or self.kind != other.kind:
            return False
        if self.content and other.content:
            return self.content == other.content
        return bool(self.path) and self.path == other.path


class ModelRef(msgspec.Struct, frozen=True, kw_only=True):
    """The model that recognized something.

    Attributes:
        name: Name of its folder.
        key: Digest of everything that affects its output, because the same name may refer to another model later; "" if
            that does not matter, as for a live source.
    """

    name: Text
    key: Annotated[str, Meta(pattern=r"^[0-9a-f]{0,64}\Z")] = ""


class Curves(msgspec.Struct, frozen=True, kw_only=True):
    """Label, score and activity over time, in cells of equal length.

    Attributes:
        cell_s: Seconds of a cell.
        first: Index of the first cell, which begins at `first * cell_s`.
        count: Number of cells.
        labels: The labels that the label indices refer to.
        data: Base64 of zlib-compressed little-endian arrays, one after the other: int32 label indices (-1 for none, -2
            for something else than the labels that the model knows), float32 scores (NaN if unknown) and float32
            activities (NaN if not measured), `count` of each.
    """

    cell_s: Annotated[float, Meta(gt=0, le=1e6)]
    first: Annotated[int, Meta(ge=-(1 << 53), le=1 << 53)]
    count: Annotated[int, Meta(ge=0, le=MAX_CELLS)]
    labels: Labels
    data: str

    @classmethod
    def of(
        cls, cell_s: float, first: int, labels: Sequence[str], label: NDArray[np.int32], score: F32, activity: F32
    ) -> Curves:
        """Return curves in their compressed form.

        Args:
            cell_s: Seconds of a cell.
            first: Index of the first cell.
            labels: The labels that the indices refer to.
            label: int32 (n,): index of the label shown, -1 for none, `NONE_KNOWN` for something else.
            score: float32 (n,): its score; NaN if unknown.
            activity: float32 (n,): 0..1; NaN if not measured.
        """
        parts = (label.astype("<i4"), score.astype("<f4"), activity.astype("<f4"))
        packed = pack(b"".join(part.tobytes() for part in parts))
        return cls(cell_s=cell_s, first=first, count=len(label), labels=tuple(labels), data=packed)

    def arrays(self) -> tuple[NDArray[np.int32], F32, F32]:
        """Return labels, scores and activities, see `of`.

        Raises:
            SessionError: The data does not match its description, or contains impossible values.
        """
        raw = unpack(self.data, 12 * self.count)
        label = np.frombuffer(raw, "<i4", self.count).astype(np.int32)
        score = np.frombuffer(raw, "<f4", self.count, 4 * self.count).astype(np.float32)
        activity = np.frombuffer(raw, "<f4", self.count, 8 * self.count).astype(np.float32)
        shares = np.concatenate([score, activity])
        wrong = (label < NONE_KNOWN) | (label >= len(self.labels))
        if wrong.any() or not (np.isnan(shares) | ((shares >= 0) & (shares <= 1))).all():
            raise SessionError(Message("{where} contains impossible values.", where=THE_SESSION))
        return label, score, activity


class Moments(msgspec.Struct, frozen=True, kw_only=True):
    """Every decision of a model about a file: the content of `core.moments.Decided`.

    Attributes:
        labels: The model's class names.
        background_labels: Those that mean "none of the known actions".
        trained: False for random weights.
        threshold: Smoothed score from which a label is shown, as recommended by the model.
        chosen: The threshold that the user chose; None for the model's own.
        rule: When labels become an event.
        thresholds: Label -> its own threshold, if the model gives several answers at once.
        mirrored: Whether the model saw mirrored frames.
        every: Cells of 0.1 s from one analyzed moment to the next.
        thin: Cells per row.
        count: Number of rows.
        data: Base64 of zlib-compressed rows of `core.moments.row_type`, little-endian, in order of time.
    """

    labels: Annotated[tuple[str, ...], Meta(min_length=1, max_length=65_535)]
    background_labels: Labels = ()
    trained: bool = True
    threshold: Annotated[float, Meta(ge=0, le=1)]
    chosen: Annotated[float, Meta(ge=0, le=1)] | None = None
    rule: EventRule
    thresholds: dict[str, Annotated[float, Meta(ge=0, le=1)]] = {}
    mirrored: bool = False
    every: Annotated[int, Meta(ge=1, le=64)]
    thin: Annotated[int, Meta(ge=1, le=64)]
    count: Annotated[int, Meta(ge=0, le=MAX_MOMENTS)]
    data: str

    @classmethod
    def of(cls, decided: Decided) -> Moments:
        """Return decisions in their compressed form."""
        rule = decided.rule
        rows = decided.rows.astype(decided.rows.dtype.newbyteorder("<"))
        return cls(
            labels=rule.labels,
            background_labels=rule.background_labels,
            trained=rule.trained,
            threshold=rule.threshold,
            chosen=decided.threshold,
            rule=rule.events,
            thresholds=dict(rule.thresholds),
            mirrored=rule.mirrored,
            every=decided.every,
            thin=decided.thin,
            count=len(rows),
            data=pack(rows.tobytes()),
        )

    def decided(self, model: str) -> Decided:
        """Return the decisions.

        Args:
            model: Name of the model.

        Raises:
            SessionError: The data does not match its description, or contains impossible values.
        """
        dtype = row_type(len(self.labels), several=self.rule.overlapping)
        raw = unpack(self.data, dtype.itemsize * self.count)
        rows = np.frombuffer(raw, dtype.newbyteorder("<"), self.count).astype(dtype)
        rule = DecisionRule(
            self.labels,
            self.background_labels,
            self.trained,
            self.threshold,
            self.rule,
            mirrored=self.mirrored,
            model=model,
            thresholds=tuple(self.thresholds.items()),
        )
        decided = Decided(rule, self.chosen, self.every, self.thin, rows)
        try:
            check_rows(decided)
        except ValueError as error:
            raise SessionError(
                Message("{where} contains impossible decisions.", where=THE_SESSION), details=str(error)
            ) from error
        return decided


class Recognized(msgspec.Struct, frozen=True, kw_only=True):
    """What one model recognized in the source.

    Attributes:
        model: The model.
        begin_s: Start of the known time range, on the source's clock.
        end_s: End of the known time range.
        known_s: Seconds that are known within it.
        events: Events, oldest first; those of one label do not overlap, those of different labels only if
            `overlapping` is set.
        overlapping: Whether the model gave several answers at once.
        curves: For a live source: what was last shown for each time.
        moments: For a file: all decisions.
        people: Where each person was, what was said of them and their events. That depends on the detector and on all
            models that ran meanwhile, so it stands alone, under the name `PEOPLE`.
    """

    model: ModelRef
    begin_s: Seconds
    end_s: Seconds
    known_s: Seconds
    events: Annotated[tuple[Event, ...], Meta(max_length=MAX_EVENTS)]
    curves: Curves | None = None
    moments: Moments | None = None
    overlapping: bool = False
    people: KeptPeople | None = None


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is kept about one source.

    Attributes:
        format: Identifies the file format.
        version: Version of this format.
        program: The program that wrote it.
        id: Unique id of the session; a shared copy keeps it.
        source: The source that it is about.
        title: The user's name for the session; "" for the source's name.
        renamed: Number of times it was renamed: of two copies, the one renamed more often determines the name.
        began_s: When the session began, in seconds since 1970.
        changed_s: When it was last played or edited, in seconds since 1970.
        day_offset_s: For a live source: what to add to its clock to get the time of day, in seconds since midnight;
            else None.
        events: Number of events shown when it was saved.
        edits: The user's edits, including undone ones.
        recognized: What each model recognized. The store keeps it in separate files.
    """

    format: Literal["slowfast-live session"] = "slowfast-live session"
    version: Literal[1] = 1
    program: Text = f"SlowFast Live {__version__}"
    id: SessionId
    source: SourceRef
    title: Text = ""
    renamed: Count = 0
    began_s: Seconds
    changed_s: Seconds
    day_offset_s: Seconds | None = None
    events: Count = 0
    edits: Annotated[tuple[Edit, ...], Meta(max_length=MAX_EDITS)] = ()
    recognized: Annotated[tuple[Recognized, ...], Meta(max_length=MAX_MODELS)] = ()

    @property
    def edit_count(self) -> int:
        """Number of edits in effect."""
        return sum(not edit.undone for edit in self.edits)

    @property
    def worth_keeping(self) -> bool:
        """Whether the user edited or named it; then only the user removes it."""
        return bool(self.title) or self.edit_count > 0

    @property
    def name(self) -> str:
        """Display name."""
        return self.title or self.source.name


class NewerSessionError(SessionError):
    """A session was written by a newer version and must not be changed."""


class _SessionHead(msgspec.Struct):
    format: str = ""
    version: int = 0


_Kind = TypeVar("_Kind")
_making = threading.Lock()
_decoders: dict[type[Any], msgspec.json.Decoder[Any]] = {}


def _decoder(kind: type[_Kind]) -> msgspec.json.Decoder[_Kind]:
    """Return the decoder of a type, made on first use.

    By one thread at a time: msgspec (0.22) crashes when two threads look at the fields of a type for the first time.
    """
    with _making:
        found = _decoders.get(kind)
        if found is None:
            found = _decoders[kind] = msgspec.json.Decoder(kind)
    return found


def encode(session: Session) -> bytes:
    """Return the session as JSON, UTF-8."""
    return msgspec.json.encode(session, enc_hook=as_text) + b"\n"


def decode(data: bytes, where: str) -> Session:
    """Parse and validate a session; `where` names the file in errors.

    Raises:
        SessionError: It is something else, of a newer version, too large, or contains impossible values.
    """
    if len(data) > MAX_BYTES:
        raise SessionError(
            Message("{where} is larger than a session can be ({max_bytes} MB).", where=where, max_bytes=MAX_BYTES >> 20)
        )
    try:
        head = _decoder(_SessionHead).decode(data)
        if head.format != FORMAT:
            raise SessionError(Message("{where} is not a session of SlowFast Live.", where=where))
        if head.version > VERSION:
            raise NewerSessionError(
                Message("{where} was written by a newer version of SlowFast Live. Update to open it.", where=where)
            )
        session = _decoder(Session).decode(data)
        _check(session)
    except SessionError as error:
        raise type(error)(named(error.message, where), error.details) from error
    except (msgspec.DecodeError, ValueError, RecursionError, UnicodeDecodeError) as error:
        raise SessionError(
            Message("{where} is not a session of SlowFast Live, or it is damaged.", where=where), str(error)
        ) from error
    return session


def decode_recognized(data: bytes, where: str) -> Recognized:
    """Parse and validate what one model recognized, as `decode` does.

    Raises:
        SessionError: It is something else, or contains impossible values.
    """
    try:
        found = _decoder(Recognized).decode(data)
        _check_recognized(found)
    except (msgspec.DecodeError, ValueError, RecursionError, UnicodeDecodeError) as error:
        raise SessionError(Message("{where} is damaged.", where=where), str(error)) from error
    except SessionError as error:
        raise SessionError(Message("{where} is damaged.", where=where), f"{error.message} {error.details}") from error
    return found


def make_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of the format."""
    (top,), parts = msgspec.json.schema_components([Session], ref_template="#/$defs/{name}")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"SlowFast Live session, version {VERSION}",
        **top,
        "$defs": parts,
    }


def published_schema() -> bytes:
    """Return the JSON Schema that is shipped with the app."""
    return (files("slowfast_live.sessions") / "schema" / f"session-{VERSION}.json").read_bytes()


def to_send(session: Session) -> Session:
    """Return the session without private data, which is the folder of the file."""
    return msgspec.structs.replace(session, source=msgspec.structs.replace(session.source, path=""))


def _check(session: Session) -> None:
    source = session.source
    _check_text(source.name, session.title, source.path, session.program)
    _check_times(session.began_s, session.changed_s, source.duration_s or 0.0, session.day_offset_s or 0.0, most=1e12)
    ids = set()
    for edit in session.edits:
        if not edit.id or len(edit.id) > 64 or edit.id in ids or edit.order < 0 or edit.flips < 0:
            raise SessionError(
                Message("{where} contains an impossible edit.", where=THE_SESSION), details=repr(edit)[:500]
            )
        ids.add(edit.id)
        change = edit.change
        if isinstance(change, RenameAll):
            _check_names(change.name)
            _check_text(change.label)
        elif isinstance(change, Rename):
            _check_names(change.name)
            _check_text(change.model)
            _check_targets((change.target,))
        elif isinstance(change, Delete):
            if not change.targets:
                raise SessionError(
                    Message("{where} contains an impossible edit.", where=THE_SESSION), details="nothing is deleted"
                )
            _check_targets(change.targets)
        elif isinstance(change, Move):
            _check_targets((change.target,))
            _check_times(change.begin_s, change.end_s)
            if not change.begin_s < change.end_s:
                raise SessionError(
                    Message("{where} contains an impossible edit.", where=THE_SESSION), details="an empty event"
                )
        else:
            assert isinstance(change, Add)
            _check_names(change.event.label)
            _check_events((change.event,))
            if not change.event.by_hand:
                raise SessionError(
                    Message("{where} contains an impossible edit.", where=THE_SESSION),
                    details="added, but not by hand",
                )
    for found in session.recognized:
        _check_recognized(found)


def _check_recognized(found: Recognized) -> None:
    _check_text(found.model.name)
    _check_times(found.begin_s, found.end_s, found.known_s)
    _check_events(found.events, overlapping=found.overlapping)
    if found.curves is not None:
        _check_text(*found.curves.labels)
        if abs(found.curves.first * found.curves.cell_s) > MAX_TIME_S:
            raise SessionError(Message("{where} contains impossible times.", where=THE_SESSION))
        found.curves.arrays()
    if found.moments is not None:
        rule = found.moments.rule
        _check_text(*found.moments.labels, *found.moments.background_labels)
        _check_times(rule.shortest_s, rule.gap_s, rule.lag_s, rule.hold_s)
        if len(set(found.moments.labels)) < len(found.moments.labels):
            raise SessionError(Message("{where} contains a duplicate label.", where=THE_SESSION))
        found.moments.decided(found.model.name)
    if found.people is not None:
        for person in found.people.persons:
            _check_events(person.events, overlapping=True)
        found.people.known()


def _check_targets(targets: Sequence[Target]) -> None:
    for target in targets:
        _check_text(target.shown)
        _check_events((target.event,))


def _check_events(events: Iterable[Event], *, overlapping: bool = False) -> None:
    before: dict[str, float] = {}  # by label, if events of different labels may overlap
    begun_s = -math.inf
    for event in events:
        _check_text(event.label)
        _check_times(event.begin_s, event.end_s, event.peak_s)
        scores = (event.mean_score, event.peak_score)
        if not event.begin_s < event.end_s or not all(0 <= score <= 1 for score in scores):
            raise SessionError(
                Message("{where} contains an impossible event.", where=THE_SESSION), details=repr(event)[:500]
            )
        label = event.label if overlapping else ""
        if event.begin_s < max(before.get(label, -math.inf), begun_s):
            raise SessionError(
                Message("{where} contains overlapping events.", where=THE_SESSION), details=repr(event)[:500]
            )
        before[label], begun_s = event.end_s, event.begin_s


def _check_names(*names: str) -> None:
    if not all(name.strip() for name in names):
        raise SessionError(Message("{where} contains an empty name.", where=THE_SESSION))
    _check_text(*names)


def _check_text(*texts: str) -> None:
    for text in texts:
        if len(text) > 8192 or controls(text):
            raise SessionError(
                Message("{where} contains text with control characters.", where=THE_SESSION), details=repr(text)[:200]
            )


def _check_times(*times_s: float, most: float = MAX_TIME_S) -> None:
    if not all(math.isfinite(t_s) and abs(t_s) <= most for t_s in times_s):
        raise SessionError(Message("{where} contains impossible times.", where=THE_SESSION))
