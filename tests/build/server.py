"""A small HTTP server on this machine that misbehaves as told."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Behaviour:
    """What the server does; may be changed between requests.

    Attributes:
        content: The file that it has.
        status: Answered instead, where set.
        cut_after: Bytes after which the connection is cut, one entry a request; the whole file when used up.
        silent: Never answer (until `released`).
        ranges: Continue at a byte when asked.
        etag: Version of the file.
        requests: Headers of the requests so far.
    """

    content: bytes = b""
    status: int = 0
    cut_after: list[int] = field(default_factory=list)
    silent: bool = False
    ranges: bool = True
    etag: str = '"one"'
    requests: list[dict[str, str]] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)


class _Handler(BaseHTTPRequestHandler):
    behaviour: Behaviour

    def do_GET(self) -> None:
        behaviour = self.behaviour
        behaviour.requests.append(dict(self.headers.items()))
        if behaviour.silent:
            behaviour.released.wait(60)
            self.close_connection = True
            return
        if behaviour.status:
            self.send_response(behaviour.status)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        start = 0
        wanted = self.headers.get("Range")
        if wanted and behaviour.ranges and self.headers.get("If-Range") == behaviour.etag:
            start = int(wanted.removeprefix("bytes=").rstrip("-"))
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(behaviour.content) - 1}/*")
        else:
            self.send_response(200)
        body = behaviour.content[start:]
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", behaviour.etag)
        self.end_headers()
        if behaviour.cut_after:
            body = body[: behaviour.cut_after.pop(0)]
            self.close_connection = True
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def serving(behaviour: Behaviour) -> Iterator[str]:
    """Serve while the block runs; gives the server's address."""
    handler = type("Handler", (_Handler,), {"behaviour": behaviour})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        behaviour.released.set()
        server.shutdown()
        server.server_close()
        thread.join(10)
