"""MQTT, against a real broker on this machine where one is installed, and a broker that hangs."""

import asyncio
import json
import logging
import socket
import threading
import time

import pytest

pytest.importorskip("paho.mqtt.client")
amqtt_broker = pytest.importorskip("amqtt.broker")

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from slowfast_live.errors import UsageError
from slowfast_live.publish.mqtt import MqttPublisher
from slowfast_live.publish.settings import Broker, parse_broker
from tests.publish.made import message, until

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class RealBroker:
    """amqtt's broker, on a thread with an event loop of its own."""

    def __init__(self, port, users=""):
        self.port, self.problem = port, None
        plugins = {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}}
        if users:
            plugins = {"amqtt.plugins.authentication.FileAuthPlugin": {"password_file": users}}
        self.config = {"listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{port}"}}, "plugins": plugins}
        self.started, self.ending = threading.Event(), None
        self.thread = threading.Thread(target=lambda: asyncio.run(self._main()), daemon=True)
        self.thread.start()
        assert self.started.wait(30)

    async def _main(self):
        self.loop, self.ending = asyncio.get_running_loop(), asyncio.Event()
        broker = amqtt_broker.Broker(self.config)
        await broker.start()
        self.started.set()
        await self.ending.wait()
        await broker.shutdown()

    def stop(self):
        self.loop.call_soon_threadsafe(self.ending.set)
        self.thread.join(20)


@pytest.fixture
def broker():
    broker = RealBroker(free_port())
    yield broker
    broker.stop()


class Subscriber:
    def __init__(self, port, topic="#"):
        self.got = []
        self.client = Client(CallbackAPIVersion.VERSION2)
        self.ready = threading.Event()
        self.client.on_connect = lambda client, *_: client.subscribe(topic, qos=1)
        self.client.on_subscribe = lambda *_: self.ready.set()
        self.client.on_message = lambda _client, _data, told: self.got.append((told.topic, told.payload))
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()
        assert self.ready.wait(20)

    def of(self, topic):
        return [payload for name, payload in list(self.got) if name == topic]

    def close(self):
        self.client.disconnect()
        self.client.loop_stop()


def test_a_broker_gets_what_is_shown(broker):
    subscriber = Subscriber(broker.port)
    said = []
    publisher = MqttPublisher(Broker("127.0.0.1", broker.port, topic="studio/1"), said.append)
    publisher.publish(message("waving"))
    until(lambda: subscriber.of("studio/1/action"))
    publisher.publish(message("waving", 0.5))
    until(lambda: len(subscriber.of("studio/1/readout")) == 2)
    publisher.publish(message(None))
    until(lambda: len(subscriber.of("studio/1/action")) == 2)
    assert subscriber.of("studio/1/action") == [b"waving", b""]
    assert json.loads(subscriber.of("studio/1/readout")[0]) == message("waving").as_json()
    publisher.close()
    until(lambda: subscriber.of("studio/1/status") == [b"online", b"offline"])
    assert said == []
    subscriber.close()


def test_who_subscribes_later_knows_the_action(broker):
    publisher = MqttPublisher(Broker("127.0.0.1", broker.port))
    first = Subscriber(broker.port)
    publisher.publish(message("squat"))
    until(lambda: first.of("slowfast-live/action"))
    late = Subscriber(broker.port)
    # As a set: this broker sends what is retained twice.
    retained = {("slowfast-live/action", b"squat"), ("slowfast-live/status", b"online")}
    until(lambda: set(late.got) == retained)
    publisher.close()
    first.close()
    late.close()


def test_a_broker_that_comes_later_and_goes():
    port, said = free_port(), []
    publisher = MqttPublisher(Broker("127.0.0.1", port), said.append)
    publisher.publish(message("old"))
    until(lambda: said)
    assert "cannot be reached" in said[0]
    publisher.publish(message("new"))
    broker = RealBroker(port)
    late = Subscriber(port)
    until(lambda: late.of("slowfast-live/action"))
    assert late.of("slowfast-live/action") == [b"new"], "of what waited, the newest"
    until(lambda: said[-1] == "")
    late.close()
    broker.stop()
    until(lambda: "is away" in said[-1] or "cannot be reached" in said[-1])
    publisher.close()


def test_a_broker_that_hangs_holds_nobody_up():
    """It accepts the connection, and never reads again."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        accepted = []

        def serve():
            connection, _ = server.accept()
            connection.recv(1024)
            connection.sendall(bytes([0x20, 2, 0, 0]))  # CONNACK: accepted
            accepted.append(connection)

        threading.Thread(target=serve, daemon=True).start()
        publisher = MqttPublisher(Broker("127.0.0.1", server.getsockname()[1]))
        until(lambda: publisher.connected)
        long = message("squat " * 20_000)
        slowest_s = 0.0
        for _ in range(300):
            before_s = time.perf_counter()
            publisher.publish(long)
            slowest_s = max(slowest_s, time.perf_counter() - before_s)
            time.sleep(0.001)  # lets the sender fill the socket
        assert slowest_s < 0.4
        assert len(publisher._client._out_packet) <= 4, "what waits is bounded"
        before_s = time.monotonic()
        publisher.close()
        assert time.monotonic() - before_s < 8
        for connection in accepted:
            connection.close()


def test_a_wrong_password_is_said_without_it(tmp_path, caplog):
    users = tmp_path / "users"
    users.write_text("")
    broker = RealBroker(free_port(), str(users))
    caplog.set_level(logging.DEBUG)
    said = []
    publisher = MqttPublisher(Broker("127.0.0.1", broker.port, user="ada", password="hunter2"), said.append)
    until(lambda: said)
    assert "refuses" in said[0] or "is away" in said[0] or "cannot be reached" in said[0]
    publisher.close()
    broker.stop()
    assert "hunter2" not in caplog.text + "".join(said)


def test_addresses():
    broker = parse_broker("mqtts://ada:s%40cret@broker.local/home/camera/", {})
    assert (broker.host, broker.port, broker.tls) == ("broker.local", 8883, True)
    assert (broker.user, broker.password, broker.topic) == ("ada", "s@cret", "home/camera")
    assert broker.shown == "mqtts://broker.local:8883/home/camera"
    assert "s@cret" not in repr(broker)
    plain = parse_broker("192.168.1.5", {"SLOWFAST_LIVE_MQTT_PASSWORD": "from outside"})
    assert (plain.host, plain.port, plain.topic, plain.password) == (
        "192.168.1.5",
        1883,
        "slowfast-live",
        "from outside",
    )
    assert parse_broker("mqtt://[::1]:1884", {}).shown == "mqtt://[::1]:1884/slowfast-live"


@pytest.mark.parametrize(
    "address", ["", "http://x", "mqtt://", "mqtt://a:b@:1883", "mqtt://x:99999", "mqtt://x/a/#", "mqtt://u:geheim@x/+"]
)
def test_addresses_that_cannot_be(address):
    with pytest.raises(UsageError) as said:
        parse_broker(address, {})
    assert "geheim" not in str(said.value)
