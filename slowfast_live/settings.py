"""The user's settings: one schema, one file, no Qt."""

from __future__ import annotations

import json
import logging
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from slowfast_live import files, paths
from slowfast_live.errors import SettingsError
from slowfast_live.messages import Message, as_text, sentences, system_reason
from slowfast_live.publish.settings import PublishSettings
from slowfast_live.rules.rule import RuleBook
from slowfast_live.types import DEFAULT_PICTURE_RATE, SourceKind, SourceSpec

log = logging.getLogger(__name__)

_LARGEST = 16_000_000
"""Maximum size of the file in bytes."""

RECENT_FILES = 10
"""Maximum number of recent files."""

Theme = Literal["auto", "light", "dark"]
Panel = Literal["details", "events"]
CameraSize = Annotated[tuple[Annotated[int, Meta(ge=1)], Annotated[int, Meta(ge=1)]], Meta()]


class Settings(msgspec.Struct, kw_only=True):
    """Everything that is stored between two runs.

    Attributes:
        last_source: The source that was open last.
        recent_files: Paths of opened files, newest first, at most `RECENT_FILES`.
        model: Name of the selected model; None for the first available one.
        device: Selected device; None for the app's own choice.
        servers: Addresses of the inference servers in the device list, newest first.
        source_sets: Sets of sources that are shown side by side, by the name that the user gave them.
        mirror: Whether left and right are swapped.
        loop: Whether a file starts again at its end.
        picture_rate: Rate of folders of pictures, in pictures per second.
        threshold: Score below which there is no confident action; None for the model's recommendation.
        camera_size: Requested (width, height) of a camera; None for its own choice.
        geometry: Position and size of the window, in Qt's own format as base64.
        side_panel: Whether the side panel is shown.
        panel: Page of the side panel.
        panel_width: Width of the side panel in logical pixels; 0 for a share of the window.
        timeline: Whether the timeline is expanded; when collapsed, only its row of events is shown.
        folded: Names of the collapsed sections of the side panel.
        overlay_bars: Whether the five best scores are drawn over the picture.
        theme: "auto" follows the system.
        record_overlay: Whether recordings include the overlay.
        replay: Whether the last 30 seconds are buffered, so that they can be saved afterwards.
        recordings_folder: Folder for recordings; "" for the user's videos folder.
        rules: What to do when an action is seen.
        publish: Which programs receive what is recognized.
        rest: Whether the model rests while nothing moves.
        people: Whether people are followed, each with labels of their own.
        detector: Name of the person detector; None for the first available one, or regions that move.
        on_top: Whether the window stays above others.
        rate_limits: Name of a model -> its most predictions per second.
        spans: Name of a model -> time in seconds over which its clip is spread, for models of whole actions.
        measure_offered: Whether benchmarking this machine was offered, or done without an offer.
        big_label: Whether the label is as large as can be read across a room.
        chosen_actions: By model, the actions that are looked for; a model that is missing looks for all but
            those that it has off.
        language: Language of the window, "auto" for that of the system; see `ui.style.language`.
        welcomed: Whether the start card was seen; it then comes back from the Help menu only.
        count_repetitions: Whether what repeats is counted.
        unknown: Fields of the file that are unknown to this version; written back unchanged.
    """

    last_source: SourceSpec | None = None
    recent_files: list[str] = []
    model: str | None = None
    device: str | None = None
    servers: list[str] = []
    source_sets: dict[str, list[SourceSpec]] = {}
    mirror: bool = False
    loop: bool = False
    picture_rate: Annotated[float, Meta(gt=0, le=1000)] = DEFAULT_PICTURE_RATE
    threshold: Annotated[float, Meta(ge=0, le=1)] | None = None
    camera_size: CameraSize | None = None
    geometry: str = ""
    side_panel: bool = True
    panel: Panel = "details"
    panel_width: Annotated[int, Meta(ge=0, le=20_000)] = 0
    timeline: bool = True
    folded: list[str] = msgspec.field(default_factory=lambda: ["live"])
    overlay_bars: bool = False
    theme: Theme = "auto"
    record_overlay: bool = True
    replay: bool = True
    recordings_folder: str = ""
    rules: RuleBook = RuleBook()
    publish: PublishSettings = PublishSettings()
    rest: bool = False
    people: bool = True
    detector: str | None = None
    on_top: bool = False
    rate_limits: dict[str, Annotated[float, Meta(gt=0, le=1000)]] = {}
    spans: dict[str, Annotated[float, Meta(gt=0, le=600)]] = {}
    measure_offered: bool = False
    big_label: bool = False
    chosen_actions: dict[str, list[str]] = {}
    language: str = "auto"
    welcomed: bool = False
    count_repetitions: bool = True
    unknown: dict[str, Any] = {}

    def remember_source(self, source: SourceSpec) -> None:
        """Make `source` the last source and, if it is a file, the most recent file."""
        self.last_source = source
        if source.kind is SourceKind.FILE:
            self.recent_files = [
                source.address,
                *(path for path in self.recent_files if path != source.address),
            ][:RECENT_FILES]


@dataclass(frozen=True, slots=True)
class Loaded:
    """Loaded settings, and what to report to the user.

    Attributes:
        settings: The settings, with defaults for what could not be read.
        notice: A sentence for the user if something was lost; otherwise "".
        details: Technical text for `notice`.
    """

    settings: Settings = field(default_factory=Settings)
    notice: str = ""
    details: str = ""


_FIELDS = {info.name: info for info in msgspec.structs.fields(Settings) if info.name != "unknown"}


def load(path: Path | None = None) -> Loaded:
    """Load the settings; never fails.

    A file that is not a JSON object, or contains invalid values, is also saved as `*.bad`. Valid fields are used, and
    defaults for the rest.

    Args:
        path: The file; the user's own by default. It may be missing.
    """
    path = path or paths.settings_file()
    try:
        data = files.read_bytes(path, _LARGEST)
    except FileNotFoundError:
        return Loaded()
    except OSError as error:
        kept = _set_aside(path)
        unread = Message("The settings in {path} cannot be read; defaults are used.", path=path)
        return Loaded(notice=sentences(unread, kept), details=error.strerror or str(error))
    try:
        raw = json.loads(data)
        if not isinstance(raw, dict):
            raise ValueError(f"expected an object, got {type(raw).__name__}")
    except (ValueError, RecursionError) as error:
        kept = _keep(path, data)
        return Loaded(
            notice=Message("The settings in {path} are damaged; defaults are used. {kept}", path=path, kept=kept),
            details=str(error),
        )
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
    return Loaded(
        settings,
        Message("Some settings make no sense and were reset: {names}. {kept}", names=names, kept=kept),
        "\n".join(wrong),
    )


def _keep(path: Path, data: bytes) -> str:
    """Save a damaged file next to the good one; return a sentence with its name."""
    wanted = path.with_name(path.name + ".bad")
    try:
        bad = next(name for name in files.numbered(wanted) if not name.exists() or name.read_bytes() == data)
        files.write_bytes(bad, data, private=True)
    except OSError as error:
        log.warning("cannot keep the damaged settings as %s: %s", wanted, error)
        return ""
    return Message("The old file is kept as {name}.", name=bad.name)


def _set_aside(path: Path) -> str:
    """Rename what cannot be read, so that saving does not replace it; return a sentence with its new name."""
    bad = next(name for name in files.numbered(path.with_name(path.name + ".bad")) if not os.path.lexists(name))
    try:
        path.rename(bad)
    except OSError as error:
        log.warning("cannot rename the settings %s that cannot be read: %s", path, error)
        return ""
    return Message("What is there is kept as {name}.", name=bad.name)


def encode(settings: Settings) -> bytes:
    """Encode the settings as indented JSON, including unknown fields."""
    known = msgspec.to_builtins(settings, enc_hook=as_text)
    known.pop("unknown")
    return files.json_bytes({**settings.unknown, **known})


def save(settings: Settings, path: Path | None = None) -> None:
    """Save the settings atomically: a crash leaves either the old or the new file.

    Only the user may read the file, because the address of a stream may contain a password.

    Args:
        settings: The settings.
        path: The file; the user's own by default. Its folder is created.

    Raises:
        SettingsError: It cannot be written.
    """
    write(encode(settings), path)


def write(data: bytes, path: Path | None = None) -> None:
    """Write encoded settings (see `encode`), like `save`. Thread-safe.

    Raises:
        SettingsError: The file cannot be written.
    """
    path = path or paths.settings_file()
    try:
        files.write_bytes(path, data, private=True)
    except OSError as error:
        raise SettingsError(
            Message(
                "The settings cannot be saved to {path}: {reason}. Is the folder writable?",
                path=path,
                reason=system_reason(error),
            ),
            details=repr(error),
        ) from error
