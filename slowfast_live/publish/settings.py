"""What the user set: which programs receive what is recognized."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import quote, unquote, urlsplit

from msgspec import Meta

from slowfast_live.errors import UsageError
from slowfast_live.messages import Message
from slowfast_live.urls import display_url

FEED_PORT = 8770
TOPIC = "slowfast-live"
MQTT_PASSWORD = "SLOWFAST_LIVE_MQTT_PASSWORD"
"""Environment variable with the password of the MQTT broker, for command lines that others can read."""
FEED_TOKEN = "SLOWFAST_LIVE_FEED_TOKEN"
"""Environment variable with the token of the local feed, which takes precedence over the one in the settings."""
_MQTT_PORTS = {"mqtt": 1883, "mqtts": 8883}
_EXPECTED = Message(
    "Expected mqtt://HOST, mqtt://USER:PASSWORD@HOST:PORT/TOPIC, or mqtts:// for an encrypted connection"
)

Port = Annotated[int, Meta(ge=0, le=65535)]


@dataclass(frozen=True, slots=True)
class PublishSettings:
    """Which programs receive what is recognized; all off until the user turns them on.

    Attributes:
        feed: Whether the local feed is on.
        feed_port: Its port on 127.0.0.1.
        feed_token: What a program must know to read it; made when the feed is first turned on.
        mqtt: Whether messages are sent to an MQTT broker.
        mqtt_url: The broker, as `parse_broker` reads it.
        text: Whether a text file is kept up to date.
        text_file: Its path.
        text_score: Whether the file has the score beside the action.
    """

    feed: bool = False
    feed_port: Port = FEED_PORT
    feed_token: str = ""
    mqtt: bool = False
    mqtt_url: str = ""
    text: bool = False
    text_file: str = ""
    text_score: bool = False


@dataclass(frozen=True, slots=True, repr=False)
class Broker:
    """An MQTT broker. Has no `repr`, because that would show the password.

    Attributes:
        host: Name or address.
        port: Port.
        tls: Whether the connection is encrypted.
        user: User name; "" for none.
        password: Password; "" for none.
        topic: First part of the topics.
    """

    host: str
    port: int = 1883
    tls: bool = False
    user: str = ""
    password: str = ""
    topic: str = TOPIC

    @property
    def shown(self) -> str:
        """The address without user name and password."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'mqtts' if self.tls else 'mqtt'}://{host}:{self.port}/{quote(self.topic)}"


def new_token() -> str:
    """Return a new token for the feed: 128 random bits."""
    return secrets.token_urlsafe(16)


def parse_broker(address: str, environment: Mapping[str, str] = os.environ) -> Broker:
    """Read the address of an MQTT broker.

    >>> parse_broker("mqtt://192.168.1.5/studio", {}).shown
    'mqtt://192.168.1.5:1883/studio'

    Args:
        address: mqtt://USER:PASSWORD@HOST:PORT/TOPIC; all but the host may be missing.
        environment: Environment variables; `MQTT_PASSWORD` counts if the address has no password.

    Raises:
        UsageError: It is no such address.
    """
    text = address.strip()
    shown = display_url(text)
    try:
        parts = urlsplit(text if "://" in text else f"mqtt://{text}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port, parts = None, None, urlsplit("")
    if parts.scheme not in _MQTT_PORTS or not host or port == 0 or set("?#") & set(text):
        raise UsageError(
            Message("'{shown}' is no address of an MQTT broker. {expected}.", shown=shown, expected=_EXPECTED)
        )
    topic = unquote(parts.path).strip("/") or TOPIC
    if any(character in topic for character in "+#\0") or len(topic.encode()) > 1000:
        raise UsageError(
            Message("The topic '{topic}' cannot be used: expected a name without '+' and '#'.", topic=topic)
        )
    password = unquote(parts.password or "") or environment.get(MQTT_PASSWORD, "")
    tls = parts.scheme == "mqtts"
    return Broker(host, port or _MQTT_PORTS[parts.scheme], tls, unquote(parts.username or ""), password, topic)
