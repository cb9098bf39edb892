"""Messages to an MQTT broker, with the library paho-mqtt.

Topics below the user's own: `readout` has every message (QoS 0), `action` the label that is shown, retained ("" for
none), and `status` "online" or, as the last will, "offline", retained.
"""

from __future__ import annotations

import logging
import ssl
import threading
from collections.abc import Callable
from typing import Any

from slowfast_live.errors import PublishError
from slowfast_live.messages import Message
from slowfast_live.publish.message import ReadoutMessage
from slowfast_live.publish.settings import Broker

log = logging.getLogger(__name__)

CLOSE_WITHIN_S = 1.0
_LONGEST_PAUSE_S = 30
_PATIENCE_S = 0.05

Problem = Callable[[str], object]
"""Receives a sentence for the user when the broker cannot be used, and "" when it can again."""


class MqttPublisher:
    """Sends messages to a broker. `publish` never blocks: while the broker is slow or away, the newest message waits.

    Args:
        broker: The broker.
        problem: See `Problem`; called from a thread of this object.
        make_client: Creates a client of paho-mqtt; for tests.

    Raises:
        PublishError: paho-mqtt is not installed.
    """

    def __init__(
        self, broker: Broker, problem: Problem = lambda _: None, make_client: Callable[[], Any] | None = None
    ) -> None:
        self._broker, self._problem = broker, problem
        self._changed = threading.Condition()
        self._newest: ReadoutMessage | None = None
        self._closed = self._connected = False
        self._said = ""
        self._told: tuple[Any, ...] | None = None  # the action that the broker knows
        self._client = (make_client or _make_client)()
        self._prepare()
        self._sender = threading.Thread(target=self._send, name="mqtt", daemon=True)
        self._sender.start()

    def _prepare(self) -> None:
        client, broker = self._client, self._broker
        client.on_connect, client.on_disconnect = self._on_connect, self._on_disconnect
        client.on_connect_fail = self._on_connect_fail
        client.reconnect_delay_set(1, _LONGEST_PAUSE_S)
        client.max_queued_messages_set(8)
        if broker.user:
            client.username_pw_set(broker.user, broker.password or None)
        if broker.tls:
            client.tls_set_context(ssl.create_default_context())
        client.will_set(f"{broker.topic}/status", "offline", qos=1, retain=True)
        client.connect_async(broker.host, broker.port, keepalive=30)
        client.loop_start()

    @property
    def connected(self) -> bool:
        """Whether the broker accepted the connection."""
        with self._changed:
            return self._connected

    def publish(self, message: ReadoutMessage) -> None:
        """Send a message; returns at once. A message that still waits is replaced."""
        with self._changed:
            self._newest = message
            self._changed.notify_all()

    def close(self) -> None:
        """Say goodbye and disconnect; bounded."""
        with self._changed:
            self._closed = True
            connected = self._connected
            self._changed.notify_all()
        self._sender.join(CLOSE_WITHIN_S)
        if connected:
            sent = self._client.publish(f"{self._broker.topic}/status", "offline", qos=1, retain=True)
            try:
                sent.wait_for_publish(CLOSE_WITHIN_S)
            except (RuntimeError, ValueError):  # the connection broke, or the queue is full
                log.debug("the broker was not told that this program ends")
        self._client.disconnect()
        threading.Thread(target=self._client.loop_stop, name="mqtt end", daemon=True).start()

    # Threads

    def _send(self) -> None:
        while True:
            with self._changed:
                # What is queued in the client is not bounded: hand it nothing while it has anything left to send.
                while not self._closed and (self._newest is None or not self._connected or self._client.want_write()):
                    waits = self._newest is not None and self._connected
                    self._changed.wait(_PATIENCE_S if waits else None)
                if self._closed:
                    return
                message, self._newest = self._newest, None
            assert message is not None
            self._client.publish(f"{self._broker.topic}/readout", message.encoded(), qos=0)
            if message.shown != self._told:
                self._told = message.shown
                label = (message.readout.label or "").encode("utf-8", "replace")
                self._client.publish(f"{self._broker.topic}/action", label, qos=1, retain=True)

    def _on_connect(self, client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            self._say(
                Message(
                    "The MQTT broker {shown} refuses the connection: {reason}.", shown=self._broker.shown, reason=reason
                )
            )
            return
        client.publish(f"{self._broker.topic}/status", "online", qos=1, retain=True)
        with self._changed:
            self._connected, self._told = True, None
            self._changed.notify_all()
        self._say("")

    def _on_disconnect(self, _client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        with self._changed:
            was, self._connected = self._connected, False
            closed = self._closed
        if was and not closed:
            self._say(
                Message(
                    "The MQTT broker {shown} is away ({reason}); trying again.", shown=self._broker.shown, reason=reason
                )
            )

    def _on_connect_fail(self, _client: Any, _data: Any) -> None:
        self._say(
            Message("The MQTT broker {shown} cannot be reached. Is it running? Trying again.", shown=self._broker.shown)
        )

    def _say(self, problem: str) -> None:
        if problem != self._said:
            self._said = problem
            self._problem(problem)


def _make_client() -> Any:
    try:
        from paho.mqtt.client import Client
        from paho.mqtt.enums import CallbackAPIVersion
    except ImportError as error:
        text = Message('MQTT needs the package paho-mqtt, which is missing: pip install "slowfast-live[mqtt]".')
        raise PublishError(text, repr(error)) from error
    return Client(CallbackAPIVersion.VERSION2)
