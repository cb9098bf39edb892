"""The local feed: server-sent events for programs on this machine.

`GET /events` delivers a message for every change, and `GET /now` the latest one. Both want the token, as
`Authorization: Bearer TOKEN` or as `?token=TOKEN` (browsers' `EventSource` can send no headers). The server listens on
127.0.0.1 only, and answers only requests that name this machine as their host, so that no web site can reach it by a
name of its own. Server-sent events: https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from __future__ import annotations

import hmac
import logging
import socket
import threading
from collections import deque
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from slowfast_live.errors import PublishError
from slowfast_live.messages import Message, system_reason
from slowfast_live.publish.message import ReadoutMessage

log = logging.getLogger(__name__)

HOST = "127.0.0.1"
MAX_CLIENTS = 16
MAX_WAITING = 64
"""Messages that wait for a slow client; the oldest are dropped."""
GIVE_UP_S = 10.0
"""A client that takes nothing for this long is disconnected."""
HEARTBEAT_S = 15.0
"""A comment is sent after this long without a message, which shows both sides whether the other is still there."""
_RETRY_MS = 2000
_LOCAL = {"127.0.0.1", "localhost", "[::1]"}


class _Client:
    """The messages that wait for one client."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: deque[tuple[int, bytes]] = deque(maxlen=MAX_WAITING)
        self._closed = False

    def put(self, number: int, data: bytes) -> None:
        with self._changed:
            self._waiting.append((number, data))
            self._changed.notify()

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify()

    def take(self, timeout_s: float) -> list[tuple[int, bytes]] | None:
        """Return what is waiting, nothing after the timeout; None if the feed is closed."""
        with self._changed:
            if not self._waiting and not self._closed:
                self._changed.wait(timeout_s)
            taken = list(self._waiting)
            self._waiting.clear()
            return None if self._closed else taken


class Feed:
    """Serves the feed. `publish` never blocks: each client has a thread and a bounded queue of its own.

    Args:
        port: Port on 127.0.0.1; 0 for any.
        token: What a client must know.
        heartbeat_s: See `HEARTBEAT_S`.
        give_up_s: See `GIVE_UP_S`.

    Raises:
        PublishError: The port cannot be used.
    """

    def __init__(
        self, port: int, token: str, *, heartbeat_s: float = HEARTBEAT_S, give_up_s: float = GIVE_UP_S
    ) -> None:
        if not token:
            raise PublishError(Message("The local feed needs a token."))
        self._token, self.heartbeat_s, self.give_up_s = token, heartbeat_s, give_up_s
        self._lock = threading.Lock()
        self._clients: set[_Client] = set()
        self._latest: tuple[int, bytes] | None = None
        self._number = 0
        try:
            self._server = _Server((HOST, port), self)
        except (OSError, OverflowError) as error:
            text = Message(
                "The local feed cannot use port {port}: {reason}. Choose another port.",
                port=port,
                reason=system_reason(error),
            )
            raise PublishError(text, repr(error)) from error
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), name="feed", daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._server.server_address[1])

    @property
    def clients(self) -> int:
        """Number of connected clients."""
        with self._lock:
            return len(self._clients)

    def publish(self, message: ReadoutMessage) -> None:
        """Send a message to all clients; returns at once."""
        data = message.encoded()
        with self._lock:
            self._number += 1
            self._latest = (self._number, data)
            for client in self._clients:
                client.put(self._number, data)

    def close(self) -> None:
        """Disconnect all clients and stop listening."""
        with self._lock:
            clients, self._clients = self._clients, set()
        for client in clients:
            client.close()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(2.0)

    # For the handlers, each on a thread of its own.

    def allows(self, token: str) -> bool:
        """Return whether a token is the right one; takes as long for a wrong one."""
        return hmac.compare_digest(token.encode("utf-8", "replace"), self._token.encode())

    def latest(self) -> bytes | None:
        """Return the latest message; None before the first."""
        with self._lock:
            return self._latest[1] if self._latest is not None else None

    def enter(self) -> _Client | None:
        """Add a client, which gets the latest message first; None if there are too many."""
        client = _Client()
        with self._lock:
            if len(self._clients) >= MAX_CLIENTS:
                return None
            if self._latest is not None:
                client.put(*self._latest)
            self._clients.add(client)
        return client

    def leave(self, client: _Client) -> None:
        """Remove a client."""
        with self._lock:
            self._clients.discard(client)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    # On Windows this option would let a second program take the port.
    allow_reuse_address = not hasattr(socket, "SO_EXCLUSIVEADDRUSE")

    def __init__(self, address: tuple[str, int], feed: Feed) -> None:
        self.feed = feed
        super().__init__(address, _Handler)

    def server_bind(self) -> None:
        """Bind without looking up this machine's name, which may take seconds."""
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = HOST, int(self.server_address[1])

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients come and go."""
        log.debug("a client of the feed failed", exc_info=True)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    server_version = "slowfast-live"
    sys_version = ""
    timeout = GIVE_UP_S

    def do_OPTIONS(self) -> None:
        """Allow pages of other origins, such as a browser source of OBS; they need the token as well."""
        self._answer(HTTPStatus.NO_CONTENT)

    def do_GET(self) -> None:
        """Answer `/events` and `/now`."""
        if (self.headers.get("Host") or "").rpartition(":")[0] not in _LOCAL:
            self._answer(HTTPStatus.FORBIDDEN, b"Only 127.0.0.1 and localhost are served.\n")
            return
        answers: dict[str, Callable[[], None]] = {"/events": self._events, "/now": self._now}
        parts = urlsplit(self.path)
        answer = answers.get(parts.path)
        if answer is None:
            self._answer(HTTPStatus.NOT_FOUND, b"There are /events and /now.\n")
        elif not self.server.feed.allows(self._token(parts.query)):
            self._answer(HTTPStatus.UNAUTHORIZED, b"Give the token as 'Authorization: Bearer TOKEN' or ?token=TOKEN.\n")
        else:
            answer()

    def _token(self, query: str) -> str:
        scheme, _, given = (self.headers.get("Authorization") or "").partition(" ")
        if scheme.lower() == "bearer":
            return given.strip()
        return (parse_qs(query).get("token") or [""])[0]

    def _now(self) -> None:
        latest = self.server.feed.latest()
        if latest is None:
            self._answer(HTTPStatus.NO_CONTENT)
        else:
            self._answer(HTTPStatus.OK, latest + b"\n", "application/json; charset=utf-8")

    def _events(self) -> None:
        feed = self.server.feed
        client = feed.enter()
        if client is None:
            self._answer(HTTPStatus.SERVICE_UNAVAILABLE, b"Too many programs read this feed.\n")
            return
        self.close_connection = True
        self.connection.settimeout(feed.give_up_s)
        try:
            self.send_response(HTTPStatus.OK)
            self._common("text/event-stream; charset=utf-8")
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(f"retry: {_RETRY_MS}\n\n".encode())
            while (messages := client.take(feed.heartbeat_s)) is not None:
                sent = b"".join(b"id: %d\nevent: readout\ndata: %s\n\n" % message for message in messages)
                self.wfile.write(sent or b": still here\n\n")
        except OSError as error:  # gone, or too slow
            log.debug("a client of the feed is gone: %s", error)
        finally:
            feed.leave(client)

    def _answer(self, status: HTTPStatus, body: bytes = b"", kind: str = "text/plain; charset=utf-8") -> None:
        self.send_response(status)
        self._common(kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _common(self, kind: str) -> None:
        self.send_header("Content-Type", kind)
        self.send_header("Cache-Control", "no-store")
        self.send_header("Access-Control-Allow-Origin", "*")
        self.send_header("Access-Control-Allow-Headers", "Authorization")

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing of a request: its address has the token."""
