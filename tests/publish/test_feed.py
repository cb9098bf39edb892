import http.client
import json
import logging
import socket
import threading
import time

import pytest

from slowfast_live.errors import PublishError
from slowfast_live.publish.feed import MAX_CLIENTS, MAX_WAITING, Feed
from tests.publish.made import message, until

TOKEN = "correct-horse"


opened = []


@pytest.fixture(autouse=True)
def nothing_stays_open():
    yield
    while opened:
        opened.pop().close()


@pytest.fixture
def feed():
    feed = Feed(0, TOKEN)
    yield feed
    feed.close()


def ask(feed, path, headers=None, method="GET"):
    connection = http.client.HTTPConnection("127.0.0.1", feed.port, timeout=20)
    connection.request(method, path, headers=headers or {})
    response = connection.getresponse()
    opened.extend((response, connection))
    return response


class Listener:
    """A program that reads the feed."""

    def __init__(self, feed, **headers):
        self.response = ask(feed, "/events", {"Authorization": f"Bearer {TOKEN}", **headers})

    def event(self):
        """The next event as a mapping of its fields; comments and `retry` are passed over."""
        fields = {}
        while True:
            raw = self.response.readline()
            if not raw:
                raise EOFError("the feed ended")
            line = raw.decode().rstrip("\n")
            if not line and "data" in fields:
                return fields
            name, _, value = line.partition(": ")
            if name in ("id", "event", "data"):
                fields[name] = value


def test_a_program_gets_what_is_shown(feed):
    feed.publish(message("waving"))
    listener = Listener(feed)
    assert listener.response.status == 200
    assert listener.response.getheader("Content-Type").startswith("text/event-stream")
    first = listener.event()
    assert (first["event"], first["id"]) == ("readout", "1")
    feed.publish(message("squat"))
    second = listener.event()
    assert second["id"] == "2"
    assert json.loads(second["data"]) == {
        "version": 1,
        "type": "readout",
        "state": "action",
        "label": "squat",
        "score": 0.8765,
        "top": [["squat", 0.8765], ["bending", 0.05]],
        "t_s": 12.5,
        "source": "Kamera ü",
        "model": "slowfast_demo-int8",
        "time": "2026-11-27T09:30:00.000+00:00",
    }
    assert json.loads(first["data"])["label"] == "waving"


def test_now(feed):
    assert ask(feed, f"/now?token={TOKEN}").status == 204
    feed.publish(message(None))
    answer = ask(feed, f"/now?token={TOKEN}")
    assert answer.status == 200
    told = json.loads(answer.read())
    assert (told["state"], told["label"]) == ("no_action", None)


@pytest.mark.parametrize("path", ["/now", "/events"])
@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": TOKEN}])
def test_without_the_token_there_is_nothing(feed, path, headers):
    feed.publish(message())
    answer = ask(feed, path, headers)
    assert answer.status == 401 and b"squat" not in answer.read()
    assert ask(feed, f"{path}?token=wrong", headers).status == 401
    assert feed.clients == 0


def test_a_web_site_cannot_reach_it_by_a_name_of_its_own(feed):
    assert ask(feed, f"/now?token={TOKEN}", {"Host": f"evil.example:{feed.port}"}).status == 403
    assert ask(feed, f"/now?token={TOKEN}", {"Host": f"localhost:{feed.port}"}).status == 204


def test_what_else_is_asked(feed):
    assert ask(feed, "/").status == 404
    allowed = ask(feed, "/events", method="OPTIONS")
    assert (allowed.status, allowed.getheader("Access-Control-Allow-Headers")) == (204, "Authorization")
    assert ask(feed, "/events", method="POST").status == 501


def test_it_listens_on_this_machine_alone(feed):
    assert feed._server.server_address[0] == "127.0.0.1"


def test_a_program_that_reads_nothing_holds_nobody_up():
    feed = Feed(0, TOKEN, give_up_s=0.5)
    dead = socket.create_connection(("127.0.0.1", feed.port))
    dead.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    dead.sendall(f"GET /events?token={TOKEN} HTTP/1.1\r\nHost: 127.0.0.1:{feed.port}\r\n\r\n".encode())
    until(lambda: feed.clients == 1)
    awake = Listener(feed)
    until(lambda: feed.clients == 2)
    labels = []

    def read():
        while not labels or labels[-1] != "the last":
            labels.append(json.loads(awake.event()["data"])["label"])

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    long = message("squat " * 2000)
    started_s = time.process_time()
    slowest_s = 0.0
    for _ in range(2000):  # 25 MB: more than any socket holds
        before_s = time.perf_counter()
        feed.publish(long)
        slowest_s = max(slowest_s, time.perf_counter() - before_s)
    assert slowest_s < 0.4, "publishing waits for nobody"
    assert time.process_time() - started_s < 20
    feed.publish(message("the last"))
    reader.join(20)
    assert labels[-1] == "the last"
    until(lambda: feed.clients == 1)  # the dead one was given up
    dead.close()
    feed.close()


def test_of_what_waits_the_oldest_is_dropped(feed):
    client = feed.enter()
    for number in range(MAX_WAITING + 10):
        feed.publish(message(t_s=number))
    waiting = client.take(0)
    assert len(waiting) == MAX_WAITING and waiting[-1][0] == MAX_WAITING + 10
    assert client.take(0) == []
    feed.leave(client)


def test_a_program_that_went_away_is_noticed():
    feed = Feed(0, TOKEN, heartbeat_s=0.05)
    connection = socket.create_connection(("127.0.0.1", feed.port))
    connection.sendall(f"GET /events?token={TOKEN} HTTP/1.1\r\nHost: 127.0.0.1:1\r\n\r\n".encode())
    until(lambda: feed.clients == 1)
    connection.close()
    until(lambda: feed.clients == 0)
    feed.close()


def test_too_many_programs(feed):
    listeners = [Listener(feed) for _ in range(MAX_CLIENTS)]
    assert Listener(feed).response.status == 503
    assert len(listeners) == MAX_CLIENTS


def test_a_closed_feed_ends_its_listeners(feed):
    listener = Listener(feed)
    until(lambda: feed.clients == 1)
    feed.close()
    assert listener.response.read() in (b"retry: 2000\n\n", b"")
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", feed.port), timeout=5)


def test_a_port_in_use(feed):
    with pytest.raises(PublishError, match=f"port {feed.port}.*Choose another port"):
        Feed(feed.port, TOKEN)
    with pytest.raises(PublishError, match="token"):
        Feed(0, "")


def test_nothing_secret_is_logged(feed, caplog):
    caplog.set_level(logging.DEBUG)
    Listener(feed)
    ask(feed, f"/now?token={TOKEN}")
    ask(feed, "/now?token=nearly-right")
    assert TOKEN not in caplog.text and "nearly-right" not in caplog.text
