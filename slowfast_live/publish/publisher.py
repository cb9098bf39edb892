"""Passes what is shown on to all channels that are turned on."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Protocol

from slowfast_live.errors import PublishError, UsageError
from slowfast_live.messages import Message
from slowfast_live.publish.feed import Feed
from slowfast_live.publish.message import ReadoutMessage
from slowfast_live.publish.mqtt import MqttPublisher
from slowfast_live.publish.settings import PublishSettings, parse_broker
from slowfast_live.publish.text_file import TextFile
from slowfast_live.types import Readout

FEED, MQTT, TEXT = "feed", "mqtt", "text"


class Channel(Protocol):
    """A way to other programs."""

    def publish(self, message: ReadoutMessage) -> None:
        """Pass on a message; returns at once."""
        ...

    def close(self) -> None:
        """Stop; bounded."""
        ...


class Publisher:
    """Opens and closes the channels as the settings say, and passes readouts on. To be used by one thread."""

    def __init__(self) -> None:
        self._channels: dict[str, Channel] = {}
        self._keys: dict[str, tuple[object, ...]] = {}
        self._lock = threading.Lock()
        self._problems: dict[str, str] = {}
        self._latest: ReadoutMessage | None = None

    @property
    def active(self) -> bool:
        """Whether any channel is open."""
        return bool(self._channels)

    @property
    def problems(self) -> dict[str, str]:
        """What is wrong with each channel that has a problem: a sentence for the user by the channel's name."""
        with self._lock:
            return {name: text for name, text in self._problems.items() if text}

    @property
    def feed(self) -> Feed | None:
        """The local feed, if it is on."""
        channel = self._channels.get(FEED)
        return channel if isinstance(channel, Feed) else None

    def apply(self, settings: PublishSettings) -> None:
        """Open what is turned on and close the rest; a channel whose settings are unchanged stays as it is.

        What cannot be opened is in `problems`.
        """
        wanted: dict[str, tuple[tuple[object, ...], Callable[[], Channel]]] = {}
        if settings.feed:
            wanted[FEED] = (
                (settings.feed_port, settings.feed_token),
                lambda: Feed(settings.feed_port, settings.feed_token),
            )
        if settings.mqtt:
            wanted[MQTT] = (
                (settings.mqtt_url,),
                lambda: MqttPublisher(parse_broker(settings.mqtt_url), lambda text: self._note(MQTT, text)),
            )
        if settings.text:
            wanted[TEXT] = ((settings.text_file, settings.text_score), lambda: self._text_file(settings))
        for name in (FEED, MQTT, TEXT):
            self._apply_one(name, wanted.get(name))

    def _apply_one(self, name: str, wanted: tuple[tuple[object, ...], Callable[[], Channel]] | None) -> None:
        if wanted is not None and name in self._channels and self._keys[name] == wanted[0]:
            return
        if (old := self._channels.pop(name, None)) is not None:
            old.close()
        self._note(name, "")
        if wanted is None:
            return
        try:
            channel = wanted[1]()
        except (PublishError, UsageError) as error:
            self._note(name, error.message)
            return
        self._channels[name], self._keys[name] = channel, wanted[0]
        if self._latest is not None:
            channel.publish(self._latest)

    def _text_file(self, settings: PublishSettings) -> TextFile:
        if not settings.text_file:
            raise PublishError(Message("No text file is chosen yet."))
        path = Path(settings.text_file).expanduser()
        return TextFile(path, score=settings.text_score, problem=lambda text: self._note(TEXT, text))

    def publish(self, readout: Readout, source: str, model: str) -> None:
        """Pass a readout on; returns at once. The same one twice is passed on once.

        Args:
            readout: What is shown.
            source: Name of the source, without passwords.
            model: Name of the model.
        """
        latest = self._latest
        if latest is not None and (latest.readout, latest.source, latest.model) == (readout, source, model):
            return
        self._latest = ReadoutMessage(readout, source, model, datetime.now().astimezone())
        for channel in self._channels.values():
            channel.publish(self._latest)

    def close(self) -> None:
        """Close all channels."""
        for name in (FEED, MQTT, TEXT):
            self._apply_one(name, None)

    def _note(self, name: str, problem: str) -> None:
        with self._lock:
            self._problems[name] = problem
