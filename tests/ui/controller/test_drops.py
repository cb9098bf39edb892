"""What is dropped or chosen is found, whatever bytes its name holds."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QByteArray, QMimeData, QUrl

from slowfast_live.types import Level, Notice, SourceKind, SourceSpec
from slowfast_live.ui.analysis.analyze_dialog import AnalyzeDialog
from slowfast_live.ui.controller.drops import dropped_source, local_path
from slowfast_live.ui.controller.source_input import file_filter, file_of, on_disk, source_of
from tests.ui.conftest import Desk

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="names are text there")
NAMES = (
    b"plain.mp4", "übung 跳绳 \U0001f3c3.mov".encode(), b"caf\xe9.MTS", b"two\nlines.mp4", b"\'quoted\'.mp4",
    b"a%41#?.mp4", b" spaces .mp4 ", "\u202egpj.mp4".encode(), b"--help.mp4", b"x" * 251 + b".mp4", b"0", b"demo",
)  # fmt: skip


def dropped(path: Path) -> QMimeData:
    """Return what a file manager hands over for a file."""
    data = QMimeData()
    data.setUrls([QUrl.fromEncoded(QByteArray(path.as_uri().encode()))])
    return data


def there(folder: Path, name: bytes) -> Path:
    path = folder / os.fsdecode(name)
    try:
        path.write_bytes(b"video")
    except OSError:
        pytest.skip("this file system refuses such names")
    return path


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_a_file_that_is_dropped_is_opened(tmp_path: Path, name: bytes) -> None:
    path = there(tmp_path, name)
    assert dropped_source(dropped(path)) == SourceSpec(SourceKind.FILE, str(path))
    assert local_path(QUrl("https://example.com/x.mp4")) is None


def test_other_files_and_texts_are_not(tmp_path: Path) -> None:
    assert file_of(tmp_path / "gone.txt") is None and file_of(tmp_path / "gone.M2TS") is not None
    assert file_of(Path("x" * 5000)) is None
    data = QMimeData()
    data.setText("rtsp://host/path")
    assert dropped_source(data) == source_of("rtsp://host/path")
    data.setText("hello")
    assert dropped_source(data) is None


def test_what_a_dialog_cannot_spell_is_found_on_disk(tmp_path: Path) -> None:
    path = there(tmp_path, b"caf\xe9.mp4")
    assert on_disk(tmp_path / "caf\ufffd.mp4") == path
    there(tmp_path, b"caf\xe8.mp4")
    assert on_disk(tmp_path / "caf\ufffd.mp4") == tmp_path / "caf\ufffd.mp4", "which of the two is not known"
    assert on_disk(tmp_path / "gone\ufffd" / "x\ufffd.mp4") == tmp_path / "gone\ufffd" / "x\ufffd.mp4"


def test_the_analysis_gets_the_path_itself(qtbot: object, tmp_path: Path) -> None:
    orders = []

    class Job:
        def __init__(self, order: object, *_: object) -> None:
            orders.append(order)

        def start(self) -> None: ...
        def cancel(self) -> None: ...

    dialog = AnalyzeDialog(lambda: [], lambda: (None, "CPU"), make_job=Job)
    paths = [there(tmp_path, name) for name in NAMES]
    dialog.add(paths)
    dialog.add(paths)
    dialog.folder.setText(str(tmp_path / "out"))
    dialog.start_analysis()
    assert list(orders[0].given) == paths
    shown = [dialog.paths.item(row).text() for row in range(dialog.paths.count())]
    assert not any("\n" in text or "\u202e" in text for text in shown) and any("caf\ufffd.MTS" in t for t in shown)
    dialog.shut_down()
    dialog.deleteLater()


def test_the_dialog_offers_every_kind() -> None:
    assert all(f"*{ending}" in file_filter() for ending in (".mts", ".MTS", ".m2ts", ".vob", ".dv", ".mxf", ".mod"))


def test_a_notice_takes_any_text(desk: Desk) -> None:
    message = os.fsdecode(b"caf\xe9.mp4 cannot be read.")
    desk.live.poller.emit_notice(Notice(Level.WARNING, message, message))
    desk.poll()
    assert Notice(Level.WARNING, message).message == "caf\ufffd.mp4 cannot be read."


def test_sources_with_odd_names_play(make_desk: Callable[..., Desk], tmp_path: Path) -> None:
    path = there(tmp_path, b"two\nlines\xff.mp4")
    desk = make_desk(source=SourceSpec(SourceKind.FILE, str(path)))
    desk.show_picture()
    desk.poll()
    assert desk.window.source_bar.sources.currentText() == "two\\nlines\ufffd.mp4"
