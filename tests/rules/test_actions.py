"""Commands are real programs, web addresses a real server."""

from __future__ import annotations

import base64
import json
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from slowfast_live.errors import RuleError
from slowfast_live.rules.actions import RuleEvent, post, run_command
from slowfast_live.rules.rule import Rule, Trigger

FIRING = Trigger(Rule("jumping jacks", hold_s=2), "jumping jacks", 0.914, 10.0, 12.25)
OCCASION = RuleEvent(FIRING, "Küche; rm -rf $HOME", "slowfast_r50", datetime(2026, 5, 4, 13, 5, 9, tzinfo=UTC))
FACTS = {
    "version": 1,
    "event": "rule",
    "action": "jumping jacks",
    "score": 0.914,
    "seen_s": 2.25,
    "t_s": 12.25,
    "source": "Küche; rm -rf $HOME",
    "model": "slowfast_r50",
    "time": "2026-05-04T13:05:09.000+00:00",
    "test": False,
}
NOTE = """
import json, os, sys
facts = {name: value for name, value in os.environ.items() if name.startswith("SLOWFAST_LIVE_")}
json.dump([sys.argv[2:], json.load(sys.stdin), facts], open(sys.argv[1], "w"))
"""


def test_a_program_gets_arguments_json_and_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONUTF8", "1")
    out = tmp_path / "note.json"
    run_command((sys.executable, "-c", NOTE, str(out), "a b", "$HOME; echo"), OCCASION)
    arguments, document, environment = json.loads(out.read_text())
    assert arguments == ["a b", "$HOME; echo"]
    assert document == FACTS
    assert environment["SLOWFAST_LIVE_ACTION"] == "jumping jacks"
    assert environment["SLOWFAST_LIVE_SCORE"] == "0.914"
    assert environment["SLOWFAST_LIVE_SOURCE"] == FACTS["source"]


def test_a_program_that_is_not_there_is_named() -> None:
    with pytest.raises(RuleError, match="no program 'no-such-program-here'"):
        run_command(("no-such-program-here",), OCCASION)


def test_a_program_that_fails_says_why() -> None:
    with pytest.raises(RuleError, match="exit code 3") as caught:
        run_command((sys.executable, "-c", "import sys; sys.exit(print('no lamp', file=sys.stderr) or 3)"), OCCASION)
    assert caught.value.details == "no lamp"


def test_a_program_that_hangs_is_ended() -> None:
    with pytest.raises(RuleError, match="did not end within 0 s"):
        run_command((sys.executable, "-c", "import threading; threading.Event().wait()"), OCCASION, timeout_s=0.2)


def test_a_program_need_not_read_its_input() -> None:
    run_command((sys.executable, "-c", "import os; os.close(0)"), OCCASION)


class Server(ThreadingHTTPServer):
    """Notes what it is sent; answers as the path asks."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.got: list[tuple[str, str, dict[str, str], Any]] = []
        self.release = threading.Event()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.got.append((self.command, self.path, dict(self.headers), json.loads(body) if body else None))
        if self.path == "/slow":
            self.server.release.wait(20)
        wanted = urlsplit(self.path).path[1:]
        code = int(wanted) if wanted.isdigit() else 204
        self.send_response(code)
        if 300 <= code < 400:
            self.send_header("Location", "http://elsewhere.invalid/taken")
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_POST = do_GET = answer  # noqa: N815

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "*")
    with Server() as made:
        thread = threading.Thread(target=made.serve_forever, args=(0.01,))
        thread.start()
        yield made
        made.release.set()
        made.shutdown()
        thread.join()


def test_the_event_is_posted_as_json(server: Server) -> None:
    post(f"{server.address}/hook?key=1", OCCASION)
    ((method, path, headers, document),) = server.got
    assert (method, path) == ("POST", "/hook?key=1")
    assert headers["Content-Type"].startswith("application/json")
    assert document == FACTS


@pytest.mark.parametrize("code", [400, 404, 500, 503])
def test_a_refusal_is_said_and_not_tried_again(server: Server, code: int) -> None:
    with pytest.raises(RuleError, match=rf"{server.address}/{code} refused .*: {code}"):
        post(f"{server.address}/{code}?token=secret", OCCASION)
    assert len(server.got) == 1


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_redirections_are_not_followed(server: Server, code: int) -> None:
    with pytest.raises(RuleError, match=r"sends on to elsewhere\.invalid"):
        post(f"{server.address}/{code}", OCCASION)
    assert len(server.got) == 1


def test_nobody_there_is_said(server: Server) -> None:
    address = server.address
    server.socket.close()
    with pytest.raises(RuleError, match=rf"{address}/hook cannot be reached"):
        post(f"{address}/hook", OCCASION)


def test_no_answer_is_said(server: Server) -> None:
    with pytest.raises(RuleError, match="did not answer"):
        post(f"{server.address}/slow", OCCASION, timeout_s=0.3)


def test_name_and_password_of_an_address_are_sent_as_such(server: Server) -> None:
    post(f"{server.address.replace('//', '//ada:p%40ss@')}/hook", OCCASION)
    ((_, _, headers, _),) = server.got
    assert base64.b64decode(headers["Authorization"].removeprefix("Basic ")) == b"ada:p@ss"


def test_messages_hold_no_secrets(server: Server) -> None:
    with pytest.raises(RuleError) as caught:
        post(f"{server.address.replace('//', '//ada:pass@')}/500?token=hidden", OCCASION)
    assert "pass" not in caught.value.message and "hidden" not in caught.value.message
