"""Diagnosis of servers that do not send a video, for more helpful messages.

FFmpeg reports "invalid data" for a login page, a camera's still image, and a server with another protocol alike.
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import socket
import ssl
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import unquote, urlsplit

from slowfast_live.messages import Message
from slowfast_live.sources import playlists

_HEAD = 64 * 1024
_CONNECT_S = 3.0
_LISTEN_S = 2.0
_JPEG = b"\xff\xd8\xff"
_PICTURES = {
    _JPEG: "JPEG",
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"BM": "BMP",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
}
_SHOWN = 40


@dataclass(frozen=True, slots=True)
class ServerAnswer:
    """What a server sent.

    Attributes:
        head: The first bytes; of the body if the server uses HTTP.
        content_type: Content type in lower case, without parameters; "" if not stated.
        stated: Content length in bytes; None if not stated.
        foreign: Whether the server does not use the requested protocol.
    """

    head: bytes
    content_type: str = ""
    stated: int | None = None
    foreign: bool = False

    @property
    def holds_jpegs(self) -> bool:
        """Whether the server sends a sequence of JPEG pictures, in any form."""
        if self.head.startswith(_JPEG):
            return True
        return self.content_type.startswith("multipart/") and _JPEG in self.head

    def describe(self, name: str) -> str:
        """Describe in one or two sentences what the server called `name` sent, and what to do."""
        if self.foreign:
            return Message(
                "{name} answers, but not in HTTP: it sent {head}. Is the port right?",
                name=name,
                head=_quoted(self.head),
            )
        if not self.head:
            return Message(
                "{name} answers, but sends nothing. Is the address complete, and is the camera on?", name=name
            )
        if (kind := playlists.kind_of_head(self.head)) is not None:
            if kind is playlists.ListKind.HLS:
                return Message(
                    "{name} is {kind} that names no video that can be read. Is the broadcast over?",
                    name=name,
                    kind=kind.value,
                )
            advice = playlists.ADVICE.get(kind, Message("Open the address that it names."))
            return Message("{name} is {kind}, not a video. {advice}", name=name, kind=kind.value, advice=advice)
        form = next((form for mark, form in _PICTURES.items() if self.head.startswith(mark)), "")
        if form or self.content_type.startswith("image/"):
            form = form or self.content_type.partition("/")[2].upper()
            return Message(
                "{name} sends a single picture ({form}), not a video. Cameras have another address for their live "
                "stream: look for MJPEG or RTSP in its manual.",
                name=name,
                form=form,
            )
        start = self.head[:512].lstrip().lower()
        if self.content_type == "text/html" or start.startswith((b"<!doctype html", b"<html")):
            return Message(
                "{name} sends a web page, not a video. Look for the address of the stream itself in the manual of "
                "the camera, or in the page.",
                name=name,
            )
        if self.content_type.startswith("audio/"):
            return Message(
                "{name} sends sound ({content_type}), not a video.", name=name, content_type=self.content_type
            )
        if _is_text(self.head):
            return Message(
                "{name} sends text, not a video: {head}. Is the address right?", name=name, head=_quoted(self.head)
            )
        begin = self.head[:8].hex(" ")
        if not self.content_type:
            return Message(
                "{name} sends data that is no video known here: it begins with {begin}. "
                "Is it damaged or encrypted, or the address that of another service?",
                name=name,
                begin=begin,
            )
        return Message(
            "{name} sends data as {kind} that is no video known here: it begins with {begin}. "
            "Is it damaged or encrypted, or the address that of another service?",
            name=name,
            kind=self.content_type,
            begin=begin,
        )


class _Readable(Protocol):
    def read1(self, size: int, /) -> bytes: ...


def probe(url: str) -> ServerAnswer | None:
    """Request the URL again and return what the server sends; None if unknown. Takes a few seconds at most."""
    scheme = urlsplit(url).scheme.lower()
    try:
        if scheme in ("http", "https"):
            return _ask(url)
        if scheme == "tcp":
            answer = _listen(url)
            return answer if answer.head else None
    except (OSError, http.client.HTTPException, ValueError):
        return None
    return None


def _ask(url: str) -> ServerAnswer | None:
    parts = urlsplit(url)
    headers = {"User-Agent": "slowfast-live", "Accept": "*/*"}
    if parts.username is not None:
        secret = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
        headers["Authorization"] = f"Basic {base64.b64encode(secret).decode()}"
    bare = parts._replace(netloc=parts.netloc.rpartition("@")[2], fragment="").geturl()
    context = ssl.create_default_context()
    context.check_hostname = False  # cameras use self-signed certificates, which FFmpeg accepts too
    context.verify_mode = ssl.CERT_NONE
    opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=context))
    try:
        with opener.open(urllib.request.Request(bare, headers=headers), timeout=_CONNECT_S) as response:
            length = response.headers.get("Content-Length", "")
            return ServerAnswer(
                _collect(response),
                response.headers.get_content_type() if response.headers.get("Content-Type") else "",
                int(length) if length.isdecimal() else None,
            )
    except urllib.error.HTTPError as error:
        error.close()
        return None
    except http.client.BadStatusLine as error:
        return ServerAnswer(
            str(error.args[0] if error.args else "").encode("latin-1", "replace").strip(b"'\""), foreign=True
        )


def _listen(url: str) -> ServerAnswer:
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname or "", parts.port or 0), _CONNECT_S) as connection:
        connection.settimeout(_LISTEN_S)
        with connection.makefile("rb") as file:
            return ServerAnswer(_collect(file))


def _collect(body: _Readable) -> bytes:
    """Return the first bytes, as many as arrive within a short time."""
    data = bytearray()
    until_s = time.monotonic() + _LISTEN_S
    with contextlib.suppress(OSError, http.client.HTTPException):
        while len(data) < _HEAD and time.monotonic() < until_s:
            part = body.read1(_HEAD)
            if not part:
                break
            data += part
    return bytes(data[:_HEAD])


def _is_text(data: bytes) -> bool:
    head = data[:512]
    try:
        text = head.decode()
    except UnicodeDecodeError as error:
        if error.start < len(head) - 3:
            return False
        text = head[: error.start].decode()
    return all(character.isprintable() or character in "\r\n\t" for character in text)


def _quoted(data: bytes) -> str:
    text = "".join(c if c.isprintable() else " " for c in data[: 4 * _SHOWN].decode("latin-1")).strip()
    return f"“{text[:_SHOWN]}{'…' if len(text) > _SHOWN else ''}”"
