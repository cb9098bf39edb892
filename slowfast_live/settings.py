"""What the app remembers of its user: one schema, one file, no Qt."""

from __future__ import annotations

import logging
import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from slowfast_live import paths
from slowfast_live.errors import SettingsError
from slowfast_live.rules.rule import RuleBook
from slowfast_live.types import SourceKind, SourceSpec

log = logging.getLogger(__name__)

RECENT_FILES = 10
"""How many recent files are remembered."""

Theme = Literal["auto", "light", "dark"]
Panel = Literal["details", "events"]
CameraSize = Annotated[tuple[Annotated[int, Meta(ge=1)], Annotated[int, Meta(ge=1)]], Meta()]


class Settings(msgspec.Struct, kw_only=True):
    """Everything that is remembered from one start to the next.

    Attributes:
        last_source: What was open last.
        recent_files: Paths of files opened, newest first, at most `RECENT_FILES`.
        model: Name of the model chosen; None for the first at hand.
        device: Device chosen; None for the app's own choice.
        mirror: Swap left and right.
        loop: Start a file again at its end.
        threshold: Score below which there is no confident action; None for what the model recommends.
        camera_size: Wanted (width, height) of a camera; None for its own choice.
        geometry: Place and size of the window, Qt's own format in base64.
        side_panel: The side panel is shown.
        panel: What the side panel shows.
        timeline: The timeline is unfolded; folded it keeps its lane of events.
        folded: Names of the sections of the side panel that are folded.
        overlay_bars: The five best scores are drawn over the picture.
        theme: "auto" follows the system.
        record_overlay: Recordings show the overlay too.
        replay: The last 30 seconds are kept, to be saved after the fact.
        recordings_folder: Where recordings go; "" for the user's videos.
        rules: What happens when an action is seen.
        rest: The model rests while nothing moves.
        on_top: The window stays above others.
        measure_offered: To measure this machine was offered, or done unasked.
        unknown: Fields of the file that this version does not know; written back unchanged.
    """

    last_source: SourceSpec | None = None
    recent_files: list[str] = []
    model: str | None = None
    device: str | None = None
    mirror: bool = False
    loop: bool = False
    threshold: Annotated[float, Meta(ge=0, le=1)] | None = None
    camera_size: CameraSize | None = None
    geometry: str = ""
    side_panel: bool = True
    panel: Panel = "details"
    timeline: bool = True
    folded: list[str] = msgspec.field(default_factory=lambda: ["actions"])
    overlay_bars: bool = True
    theme: Theme = "auto"
    record_overlay: bool = True
    replay: bool = True
    recordings_folder: str = ""
    rules: RuleBook = RuleBook()
    rest: bool = False
    on_top: bool = False
    measure_offered: bool = False
    unknown: dict[str, Any] = {}

    def remember_source(self, source: SourceSpec) -> None:
        """Make `source` the last source and, where it is a file, the first of the recent files."""
        self.last_source = source
        if source.kind is SourceKind.FILE:
            self.recent_files = [
                source.address,
                *(path for path in self.recent_files if path != source.address),
            ][:RECENT_FILES]


@dataclass(frozen=True, slots=True)
class Loaded:
    """Settings as read, and what the user should know of the reading.

    Attributes:
        settings: The settings; defaults stand in for what could not be read.
        notice: A sentence for the user where something was lost; "" else.
        details: Technical text for `notice`.
    """

    settings: Settings = field(default_factory=Settings)
    notice: str = ""
    details: str = ""


_FIELDS = {info.name: info for info in msgspec.structs.fields(Settings) if info.name != "unknown"}


def load(path: Path | None = None) -> Loaded:
    """Read the settings; never fails.

    A file that is no JSON object, or holds values that make no sense, is kept beside as `*.bad`; fields that
    make sense are taken, defaults stand in for the rest.

    Args:
        path: The file; the user's own where None. It may be missing.
    """
    path = path or paths.settings_file()
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return Loaded()
    except OSError as error:
        return Loaded(notice=f"The settings in {path} cannot be read; defaults are used.", details=str(error))
    try:
        raw = msgspec.json.decode(data)
        if not isinstance(raw, dict):
            raise msgspec.DecodeError(f"expected an object, got {type(raw).__name__}")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        kept = _keep(path, data)
        return Loaded(notice=f"The settings in {path} are damaged; defaults are used. {kept}", details=str(error))
    settings = Settings(unknown={name: value for name, value in raw.items() if name not in _FIELDS})
    wrong = []
    for name, info in _FIELDS.items():
        if name not in raw:
            continue
        try:
            setattr(settings, name, msgspec.convert(raw[name], info.type))
        except (msgspec.ValidationError, ValueError, OverflowError) as error:
            wrong.append(f"{name}: {error}")
    if not wrong:
        return Loaded(settings)
    kept = _keep(path, data)
    names = ", ".join(text.partition(":")[0] for text in wrong)
    return Loaded(settings, f"Some settings make no sense and were reset: {names}. {kept}", "\n".join(wrong))


def _keep(path: Path, data: bytes) -> str:
    """Keep a damaged file beside the good one; return a sentence that says where."""
    bad = path.with_name(path.name + ".bad")
    try:
        _write(bad, data)
    except OSError as error:
        log.warning("cannot keep the damaged settings as %s: %s", bad, error)
        return ""
    return f"The old file is kept as {bad.name}."


def encode(settings: Settings) -> bytes:
    """Return the settings as indented JSON, unknown fields included."""
    known = msgspec.to_builtins(settings)
    known.pop("unknown")
    return msgspec.json.format(msgspec.json.encode({**settings.unknown, **known}), indent=2) + b"\n"


def save(settings: Settings, path: Path | None = None) -> None:
    """Write the settings in one step: a crash leaves the old file or the new one, never half of one.

    Only the user may read the file: the address of a stream may hold a password.

    Args:
        settings: What to write.
        path: The file; the user's own where None. Its folder is made.

    Raises:
        SettingsError: It cannot be written.
    """
    write(encode(settings), path)


def write(data: bytes, path: Path | None = None) -> None:
    """Write settings encoded already (see `encode`), as `save` does. Safe from any thread.

    Raises:
        SettingsError: It cannot be written.
    """
    path = path or paths.settings_file()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, data)
    except OSError as error:
        raise SettingsError(
            f"The settings cannot be saved to {path}: {error.strerror or error}. Is the folder writable?",
            details=repr(error),
        ) from error


def _write(path: Path, data: bytes) -> None:
    """Write a new file beside `path`, then rename it; `mkstemp` makes it readable by its owner alone."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
