"""Addresses of inference servers, as they stand in the device list. Imports nothing of gRPC."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, quote, unquote, urlsplit

from slowfast_live.errors import UsageError
from slowfast_live.messages import Message

PLAIN, TLS = "grpc", "grpcs"
EXAMPLE = "grpc://cellar:9000"
_MODEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """Where an inference server listens.

    Attributes:
        host: Name or IP address.
        port: TCP port.
        tls: Whether the connection is encrypted.
        model: Name of the model on the server; "" for the name that it has here.
        ca: File with the certificates to trust instead of the system's, PEM; for servers with a certificate of their
            own making.
    """

    host: str
    port: int
    tls: bool = False
    model: str = ""
    ca: Path | None = None

    @property
    def target(self) -> str:
        """Host and port as gRPC writes them."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def text(self) -> str:
        """The address as a user writes it: the name of the device."""
        model = f"/{self.model}" if self.model else ""
        ca = f"?ca={quote(str(self.ca))}" if self.ca is not None else ""
        return f"{TLS if self.tls else PLAIN}://{self.target}{model}{ca}"

    @property
    def shown(self) -> str:
        """The address without what only the connection needs, for messages and lists."""
        return self.text.partition("?")[0]


def names_server(text: str) -> bool:
    """Return whether a device's name is the address of an inference server."""
    return text.strip().lower().startswith((f"{PLAIN}://", f"{TLS}://"))


def parse_address(text: str) -> ServerAddress:
    """Read an address such as `grpc://cellar:9000`, `grpcs://host:9000/MODEL` or `grpcs://host:9000?ca=ca.pem`.

    Raises:
        UsageError: It is none.
    """
    expected = Message(
        "Expected an address such as {example}, or grpcs://HOST:PORT for an encrypted connection", example=EXAMPLE
    )
    try:
        parts = urlsplit(text.strip())
        port = parts.port
    except ValueError as error:
        raise UsageError(
            Message(
                "'{text}' is no address of an inference server: {error}. {expected}.",
                text=text,
                error=error,
                expected=expected,
            )
        ) from error
    if parts.scheme.lower() not in (PLAIN, TLS) or not parts.hostname or port is None:
        raise UsageError(
            Message("'{text}' is no address of an inference server. {expected}.", text=text, expected=expected)
        )
    if parts.username is not None or parts.fragment:
        raise UsageError(
            Message("An address of an inference server has no user name and no '#'. {expected}.", expected=expected)
        )
    model = unquote(parts.path.strip("/"))
    if model and not _MODEL.fullmatch(model):
        raise UsageError(
            Message(
                "'{model}' is no name of a model on a server. {expected}, optionally with /MODEL behind it.",
                model=model,
                expected=expected,
            )
        )
    query = parse_qs(parts.query)
    tls = parts.scheme.lower() == TLS
    if set(query) - {"ca"} or (query and not tls):
        raise UsageError(
            Message(
                "'{text}': only ?ca=FILE may follow, and only after {tls}://. {expected}.",
                text=text,
                tls=TLS,
                expected=expected,
            )
        )
    ca = Path(query["ca"][-1]).expanduser() if "ca" in query else None
    return ServerAddress(parts.hostname, port, tls, model, ca)
