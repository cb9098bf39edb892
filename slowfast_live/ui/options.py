"""What the command line asks of the window."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from slowfast_live.types import SourceSpec


@dataclass(frozen=True, slots=True)
class AppOptions:
    """What was asked for; None leaves it to the settings, and those to the app.

    Attributes:
        source: What to open.
        model: Name or folder of a model.
        device: OpenVINO device.
        loop: Start a file again at its end.
        mirror: Swap left and right.
        threshold: Score below which there is no confident action, 0..1.
        session_log: Where the session's log goes; kept here for whoever writes it.
        quit_after_s: Close the window after so many seconds.
        settings_path: The settings file to use instead of the user's own.
    """

    source: SourceSpec | None = None
    model: str | None = None
    device: str | None = None
    loop: bool | None = None
    mirror: bool | None = None
    threshold: float | None = None
    session_log: Path | None = None
    quit_after_s: float | None = None
    settings_path: Path | None = None
