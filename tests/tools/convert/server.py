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
        content: The file that it has, at any address.
        files: Further files, by the end of their address.
        status: Answered instead, where set.
        cut_after: Bytes after which the connection is cut, one entry a request; the whole file when used up.
        silent: Never answer (until `released`).
        ranges: Continue at a byte when asked.
        etag: Version of the file.
        requests: Headers of the requests so far.
    """

    content: bytes = b""
    files: dict[str, bytes] = field(default_factory=dict)
    status: int = 0
    cut_after: list[int] = field(default_factory=list)
    silent: bool = False
    ranges: bool = True
    etag: str = '"one"'
    requests: list[dict[str, str]] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)


class _Handler(BaseHTTPRequestHandler):
    behavior: Behaviour

    def do_GET(self) -> None:
        behavior = self.behavior
        behavior.requests.append(dict(self.headers.items()))
        if behavior.silent:
            behavior.released.wait(60)
            self.close_connection = True
            return
        if behavior.status:
            self.send_response(behavior.status)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        content = next((body for name, body in behavior.files.items() if self.path.endswith(name)), behavior.content)
        start = 0
        wanted = self.headers.get("Range")
        if wanted and behavior.ranges and self.headers.get("If-Range") == behavior.etag:
            start = int(wanted.removeprefix("bytes=").rstrip("-"))
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/*")
        else:
            self.send_response(200)
        body = content[start:]
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", behavior.etag)
        self.end_headers()
        if behavior.cut_after:
            body = body[: behavior.cut_after.pop(0)]
            self.close_connection = True
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def serving(behavior: Behaviour) -> Iterator[str]:
    """Serve while the block runs; gives the server's address."""
    handler = type("Handler", (_Handler,), {"behavior": behavior})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        behavior.released.set()
        server.shutdown()
        server.server_close()
        thread.join(10)
