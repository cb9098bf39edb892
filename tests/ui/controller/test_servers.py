"""Inference servers in the device list."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtWidgets import QInputDialog

from slowfast_live.settings import Settings, encode
from tests.ui.conftest import Desk

ADDRESS = "grpc://cellar:9000"


def entries(desk: Desk) -> list[str]:
    box = desk.window.source_bar.devices
    return [box.itemData(row) for row in range(box.count())]


def test_a_server_is_added_by_its_address(desk: Desk) -> None:
    box = desk.window.source_bar.devices
    row = box.findText("Add inference server…")
    box.activated.emit(row)
    dialog = desk.window.findChild(QInputDialog)
    assert dialog is not None and dialog.textValue() == "grpc://"
    dialog.textValueSelected.emit("GRPC://cellar:9000")
    assert ADDRESS in entries(desk) and desk.pipeline.calls[-1] == ("use_device", ADDRESS)
    assert desk.live.memory.settings.servers == [ADDRESS]
    dialog.close()


def test_an_address_that_is_none_says_so(desk: Desk) -> None:
    before = entries(desk)
    desk.window._controller.add_server("cellar")
    notice = desk.window.notice_bar.notice
    assert notice is not None and "'cellar' is no address of an inference server" in notice.message
    assert entries(desk) == before


def test_servers_are_remembered_and_one_given_is_listed(
    make_desk: Callable[..., Desk], video: object, tmp_path: Path
) -> None:
    (tmp_path / "settings.json").write_bytes(encode(Settings(servers=[ADDRESS])))
    desk = make_desk(source=video, device="grpc://attic:9000")
    assert {ADDRESS, "grpc://attic:9000"} <= set(entries(desk))
