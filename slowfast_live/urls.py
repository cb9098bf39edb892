"""Removal of credentials from URLs for messages, logs and results."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

_SECRET = re.compile(
    r"(?i)([?&;](?:pass|passwd|password|pwd|psw|user|usr|username|login|loginuse|loginpas|token|access_token|auth|"
    r"key|api_?key|apikey|secret|sig|signature|session|sid)=)[^&;#\s'\"]+"
)
"""Query parameters with credentials or keys, as used by cameras and cloud services."""

_USER = re.compile(r"(?i)\b([a-z][a-z0-9+.-]*://)[^/?#\s]*@")
_HIDDEN = "***"


def display_url(url: str) -> str:
    """Return a URL without user name, password, keys and tokens, for messages, logs and results."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return redact(url)
    if "@" in parts.netloc:
        url = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    return _SECRET.sub(rf"\g<1>{_HIDDEN}", url)


def display_endpoint(url: str) -> str:
    """Return scheme, host and path of a URL, for services whose whole query may be secret."""
    return re.split(r"[?#]", display_url(url), maxsplit=1)[0]


def redact(text: str) -> str:
    """Remove user names, passwords and keys from all URLs in a text."""
    return _SECRET.sub(rf"\g<1>{_HIDDEN}", _USER.sub(r"\g<1>", text))
