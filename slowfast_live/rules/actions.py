"""Actions of a triggered rule: running a program, posting to a web address.

All are slow: call them on a worker thread.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import subprocess
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

from slowfast_live.errors import RuleError
from slowfast_live.messages import Message, system_reason
from slowfast_live.rules.rule import Trigger
from slowfast_live.urls import display_endpoint

COMMAND_TIMEOUT_S = 30.0
POST_TIMEOUT_S = 10.0
_DETAILS = 2000
"""Maximum number of characters kept of a program's error output."""


@dataclass(frozen=True, slots=True)
class RuleEvent:
    """A triggered rule with its circumstances.

    Attributes:
        firing: The trigger.
        source: Name of the source, without passwords.
        model: Name of the model.
        when: Local time with its UTC offset.
        test: Whether the user is only testing the rule.
    """

    firing: Trigger
    source: str = ""
    model: str = ""
    when: datetime | None = None
    test: bool = False

    def as_json(self) -> dict[str, Any]:
        """Return the JSON document for programs and webhooks; `version` increases when its fields change."""
        firing = self.firing
        return {
            "version": 1,
            "event": "rule",
            "action": firing.action,
            "score": round(firing.score, 4),
            "seen_s": round(firing.seen_s, 3),
            "t_s": round(firing.t_s, 3),
            "source": self.source,
            "model": self.model,
            "time": self.when.isoformat(timespec="milliseconds") if self.when is not None else None,
            "test": self.test,
        }


def run_command(command: Sequence[str], event: RuleEvent, timeout_s: float = COMMAND_TIMEOUT_S) -> None:
    """Run a program without a shell, with the event as JSON on its standard input and in its environment.

    `SLOWFAST_LIVE_ACTION`, `_SCORE`, `_SEEN_S`, `_SOURCE`, `_MODEL` and `_TIME` hold the same facts.

    Args:
        command: Program and arguments.
        event: The event.
        timeout_s: The program is terminated after this time.

    Raises:
        RuleError: It cannot be started, fails, or does not end in time.
    """
    facts = event.as_json()
    names = ("action", "score", "seen_s", "source", "model", "time")
    added = {f"SLOWFAST_LIVE_{name.upper()}": str(facts[name] or "").replace("\0", "") for name in names}
    program = command[0]
    try:
        done = subprocess.run(
            list(command),
            input=json.dumps(facts, ensure_ascii=False).encode(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env={**os.environ, **added},
            timeout=timeout_s,
            check=False,
        )
    except FileNotFoundError as error:
        raise RuleError(
            Message("The rule's command cannot run: there is no program '{program}'.", program=program), repr(error)
        ) from error
    except subprocess.TimeoutExpired as error:
        text = Message(
            "The rule's command '{program}' did not end within {timeout_s:.0f} s and was stopped.",
            program=program,
            timeout_s=timeout_s,
        )
        raise RuleError(text, repr(error)) from error
    except (OSError, ValueError) as error:
        why = system_reason(error)
        raise RuleError(
            Message("The rule's command '{program}' cannot run: {why}.", program=program, why=why), repr(error)
        ) from error
    if done.returncode != 0:
        complaint = done.stderr.decode(errors="replace")[-_DETAILS:].strip()
        raise RuleError(
            Message(
                "The rule's command '{program}' failed with exit code {returncode}.",
                program=program,
                returncode=done.returncode,
            ),
            complaint,
        )


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None  # the response itself is returned, as an error


def post(address: str, event: RuleEvent, timeout_s: float = POST_TIMEOUT_S) -> None:
    """Post the event as JSON, once.

    Redirects are not followed: only the address that the user entered receives the event.

    Args:
        address: http:// or https://, checked by `Rule`.
        event: The event.
        timeout_s: Timeout of the connection and of the response.

    Raises:
        RuleError: The address cannot be reached, or refuses.
    """
    shown = display_endpoint(address)
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.HTTPDefaultErrorHandler(),
        _NoRedirects(),
    ):
        opener.add_handler(handler)
    body = json.dumps(event.as_json(), ensure_ascii=False).encode()
    headers = {"Content-Type": "application/json; charset=utf-8", "User-Agent": "slowfast-live"}
    parts = urlsplit(address)
    if parts.username is not None:
        secret = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
        headers["Authorization"] = f"Basic {base64.b64encode(secret).decode()}"
        address = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
    try:
        request = urllib.request.Request(address, body, headers, method="POST")
        with opener.open(request, timeout=timeout_s):
            pass
    except urllib.error.HTTPError as error:
        with error:
            if 300 <= error.code < 400:
                host = urlsplit(error.headers.get("Location", "")).hostname or "elsewhere"
                text = Message(
                    "{shown} sends on to {host}, which is not followed. Type the address it leads to.",
                    shown=shown,
                    host=host,
                )
            else:
                text = Message(
                    "{shown} refused what the rule sent: {code} {reason}.",
                    shown=shown,
                    code=error.code,
                    reason=error.reason,
                )
        raise RuleError(text, repr(error)) from error
    except TimeoutError as error:
        raise RuleError(
            Message("{shown} did not answer the rule within {timeout_s:.0f} s.", shown=shown, timeout_s=timeout_s),
            repr(error),
        ) from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        why = getattr(error, "reason", None)
        if isinstance(why, TimeoutError):
            raise RuleError(
                Message("{shown} did not answer the rule within {timeout_s:.0f} s.", shown=shown, timeout_s=timeout_s),
                repr(error),
            ) from error
        why = system_reason(why if isinstance(why, OSError) else error) if not isinstance(why, str) else why
        raise RuleError(
            Message("{shown} cannot be reached by the rule: {why}.", shown=shown, why=why), repr(error)
        ) from error
