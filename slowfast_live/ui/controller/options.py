"""Command-line options of the window."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from slowfast_live.types import SourceSpec


@dataclass(frozen=True, slots=True)
class PublishOptions:
    """What the command line asks for other programs; None where it asks for nothing.

    Attributes:
        feed_port: Port of the local feed.
        feed_token: Its token; "" for the one in the settings.
        mqtt_url: Address of an MQTT broker.
        text_file: Path of the text file.
    """

    feed_port: int | None = None
    feed_token: str = ""
    mqtt_url: str | None = None
    text_file: Path | None = None


@dataclass(frozen=True, slots=True)
class AppOptions:
    """The options given; for None, the setting applies, and without a setting the app's default.

    Attributes:
        source: The source to open.
        model: Name or folder of a model.
        device: OpenVINO device.
        loop: Restart a file when it ends.
        mirror: Mirror the video horizontally.
        threshold: Score below which no action is shown, 0..1.
        rate: Most predictions per second.
        session_log: Path of the session log; stored here for the code that writes it.
        quit_after_s: Close the window after this many seconds.
        queue: All files to play one after the other, if there are several; `source` is the first.
        publish: What other programs shall receive.
        settings_path: The settings file to use instead of the user's own.
    """

    source: SourceSpec | None = None
    model: str | None = None
    device: str | None = None
    loop: bool | None = None
    mirror: bool | None = None
    threshold: float | None = None
    rate: float | None = None
    session_log: Path | None = None
    quit_after_s: float | None = None
    settings_path: Path | None = None
    queue: tuple[SourceSpec, ...] = ()
    publish: PublishOptions = PublishOptions()
