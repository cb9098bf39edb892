"""Numbers in a session file: arrays of little-endian rows, compressed, as text."""

from __future__ import annotations

import base64
import binascii
import zlib

from slowfast_live.errors import SessionError
from slowfast_live.messages import Message
from slowfast_live.sessions.naming import THE_SESSION


def pack(raw: bytes) -> str:
    """Return the Base64 text of compressed data."""
    return base64.b64encode(zlib.compress(raw, 6)).decode()


def unpack(data: str, size: int) -> bytes:
    """Return decompressed data of a known size, without decompressing more than that.

    Raises:
        SessionError: It is something else.
    """
    try:
        inflater = zlib.decompressobj()
        raw = inflater.decompress(base64.b64decode(data, validate=True), size + 1)
    except (binascii.Error, ValueError, zlib.error) as error:
        raise SessionError(Message("{where} contains damaged data.", where=THE_SESSION), details=repr(error)) from error
    if len(raw) != size or not inflater.eof:
        raise SessionError(
            Message("{where} contains damaged data.", where=THE_SESSION), details=f"{len(raw)} bytes, not {size}"
        )
    return raw
