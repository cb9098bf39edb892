"""To other programs: the dialog and the channels, in the real window."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication

from slowfast_live import settings
from slowfast_live.types import Readout, ReadoutState
from slowfast_live.ui.controller.options import PublishOptions
from slowfast_live.ui.publish.publish_dialog import PublishDialog
from tests.ui.conftest import Desk
from tests.ui.fakes import ACTION

MakeDesk = Callable[..., Desk]


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def ask(port: int, token: str, path: str = "/now") -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def opened(desk: Desk) -> PublishDialog:
    desk.trigger("publish")
    dialog = desk.live.publishing.dialog
    assert dialog is not None
    return dialog


def test_nothing_is_on_by_itself(desk: Desk) -> None:
    desk.poll()
    assert not desk.live.publishing.publisher.active
    dialog = opened(desk)
    assert not (dialog.feed.isChecked() or dialog.mqtt.isChecked() or dialog.text.isChecked())


def test_the_feed_is_turned_on_in_the_dialog(desk: Desk, port: int, tmp_path: Path) -> None:
    dialog = opened(desk)
    dialog.port.setValue(port)
    dialog.feed.setChecked(True)
    token = desk.live.memory.settings.publish.feed_token
    assert len(token) > 20 and f":{port}/events?token={token}" in dialog.address.text()
    dialog.copy.click()
    assert QApplication.clipboard().text() == dialog.address.text()
    desk.pipeline.current_readout = ACTION
    desk.poll()
    status, body = ask(port, token)
    assert status == 200 and json.loads(body)["label"] == "jumping jacks"
    assert json.loads(body)["source"] == "clip.mp4"
    assert "this machine alone" in dialog.says["feed"].text()
    dialog.renew.click()
    assert ask(port, token)[0] == 401
    dialog.feed.setChecked(False)
    with pytest.raises(OSError):
        ask(port, token)
    dialog.close()
    desk.live.memory.save_now()
    assert settings.load(tmp_path / "settings.json").settings.publish.feed_port == port


def test_the_text_file(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "now.txt"
    dialog = opened(desk)
    dialog.path.setText(str(path))
    dialog.text.setChecked(True)
    dialog.score.setChecked(True)
    desk.poll()
    desk.wait(lambda: path.read_text() == "jumping jacks 91 %\n")
    desk.pipeline.current_readout = Readout(ReadoutState.NO_CONFIDENT_ACTION)
    desk.poll()
    desk.wait(lambda: path.read_bytes() == b"")
    desk.live.close()
    assert path.read_bytes() == b""


def test_what_is_wrong_is_said_where_the_user_looks(desk: Desk, port: int) -> None:
    dialog = opened(desk)
    dialog.broker.setText("mqtt://ada:geheim@/no-host")
    dialog.mqtt.setChecked(True)
    assert "no address of an MQTT broker" in dialog.says["mqtt"].text()
    assert "geheim" not in dialog.says["mqtt"].text()
    dialog.close()
    with socket.create_server(("127.0.0.1", port)):
        dialog = opened(desk)
        dialog.mqtt.setChecked(False)
        dialog.port.setValue(port)
        dialog.feed.setChecked(True)
        assert "Choose another port" in dialog.says["feed"].text()
        dialog.close()
        desk.live.publishing.publisher.close()
        desk.live.publishing.start()
        desk.poll()
    shown = desk.window.notice_bar.notice
    assert shown is not None and "Choose another port" in shown.message


def test_the_command_line(make_desk: MakeDesk, video: object, port: int, tmp_path: Path) -> None:
    options = PublishOptions(port, "from outside", None, tmp_path / "now.txt")
    desk = make_desk(source=video, publish=options)
    desk.poll()
    assert ask(port, "from outside")[0] == 200
    desk.wait(lambda: (tmp_path / "now.txt").read_text() == "jumping jacks\n")
    assert not desk.live.memory.settings.publish.feed, "the command line counts for this run alone"
    assert opened(desk).feed.isChecked()
