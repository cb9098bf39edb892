import http.client
import json

import msgspec
import pytest

from slowfast_live.publish.publisher import Publisher
from slowfast_live.publish.settings import PublishSettings, new_token
from tests.publish.made import readout, until


@pytest.fixture
def publisher():
    publisher = Publisher()
    yield publisher
    publisher.close()


def now(publisher, token):
    connection = http.client.HTTPConnection("127.0.0.1", publisher.feed.port, timeout=20)
    connection.request("GET", "/now", headers={"Authorization": f"Bearer {token}"})
    answer = connection.getresponse().read()
    connection.close()
    return json.loads(answer) if answer else None


def test_nothing_is_on_until_it_is_turned_on(publisher):
    publisher.apply(PublishSettings())
    assert not publisher.active and publisher.problems == {} and publisher.feed is None
    publisher.publish(readout(), "clip.mp4", "m")


def test_channels_follow_the_settings(publisher, tmp_path):
    path = tmp_path / "now.txt"
    publisher.publish(readout("waving"), "clip.mp4", "m")
    publisher.apply(PublishSettings(feed=True, feed_port=0, feed_token="t", text=True, text_file=str(path)))
    assert publisher.problems == {}
    until(lambda: path.read_text() == "waving\n")
    assert now(publisher, "t")["label"] == "waving", "who connects knows what is shown already"
    feed = publisher.feed
    publisher.apply(PublishSettings(feed=True, feed_port=0, feed_token="t"))
    assert publisher.feed is feed and path.read_bytes() == b""
    publisher.publish(readout("squat"), "clip.mp4", "m")
    assert now(publisher, "t")["label"] == "squat" and path.read_bytes() == b""
    publisher.apply(PublishSettings(feed=True, feed_port=0, feed_token="another"))
    assert publisher.feed is not feed and now(publisher, "another")["label"] == "squat"
    publisher.close()
    assert not publisher.active


def test_what_is_unchanged_is_not_sent_again(publisher):
    publisher.apply(PublishSettings(feed=True, feed_port=0, feed_token="t"))
    client = publisher.feed.enter()
    for _ in range(3):
        publisher.publish(readout(), "clip.mp4", "m")
    publisher.publish(readout(), "clip.mp4", "another model")
    assert len(client.take(0)) == 2


def test_what_is_wrong_is_said_and_the_rest_goes_on(publisher, tmp_path):
    good = PublishSettings(feed=True, feed_port=0, feed_token="t")
    publisher.apply(good)
    taken = publisher.feed.port
    other = Publisher()
    other.apply(
        PublishSettings(
            feed=True,
            feed_port=taken,
            feed_token="t",
            mqtt=True,
            mqtt_url="mqtt://u:secret@/x",
            text=True,
            text_file=str(tmp_path / "now.txt"),
        )
    )
    assert other.active and set(other.problems) == {"feed", "mqtt"}
    assert "Choose another port" in other.problems["feed"] and "secret" not in other.problems["mqtt"]
    other.apply(PublishSettings(text=True))
    assert other.problems == {"text": "No text file is chosen yet."}
    other.close()
    assert other.problems == {}


def test_settings_are_kept_and_checked():
    settings = PublishSettings(feed=True, feed_token=new_token(), mqtt_url="mqtt://x", text_file="ü.txt")
    assert msgspec.convert(msgspec.to_builtins(settings), PublishSettings) == settings
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"feed_port": 70000}, PublishSettings)
    assert len({new_token() for _ in range(100)}) == 100
