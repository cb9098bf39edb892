"""Names, labels and descriptions that are markup or hold control characters: shown letter by letter, or refused."""

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QAbstractItemModel, QModelIndex, Qt
from PySide6.QtGui import QAction, QTextDocument
from PySide6.QtGui import Qt as RichText
from PySide6.QtWidgets import QAbstractItemView, QApplication, QComboBox, QLabel, QMessageBox

import slowfast_live.ui
from slowfast_live.errors import ModelError
from slowfast_live.inference import spec as specs
from slowfast_live.inference.spec import Model, Registry
from slowfast_live.types import Level, Notice, Readout, ReadoutState, SourceKind, SourceSpec
from slowfast_live.ui.style.formatting import tooltip
from tests.tiny_model import tiny_spec, write_tiny_model
from tests.ui.conftest import Desk, make_desk
from tests.ui.fakes import FakeRegistry, make_spec

__all__ = ["make_desk"]

MARK = "<b>hostile</b><img src='file:///etc/hostname'>&lt;"
"""Bold where it is taken for markup, and a file that is then read; an escape that must not be undone."""


def shown(text: str, form: Qt.TextFormat) -> str:
    """Return the letters that Qt shows of a text."""
    rich = form is Qt.TextFormat.RichText or (form is Qt.TextFormat.AutoText and RichText.mightBeRichText(text))
    if not rich:
        return text
    document = QTextDocument()
    document.setHtml(text)
    return document.toPlainText()


def texts() -> Iterator[tuple[str, str]]:
    """Yield (where, what is shown) of everything that Qt may take for markup."""
    for widget in QApplication.allWidgets():
        where = f"{type(widget).__name__} {widget.accessibleName()}"
        yield f"tooltip of {where}", shown(widget.toolTip(), Qt.TextFormat.AutoText)
        yield f"what's this of {where}", shown(widget.whatsThis(), Qt.TextFormat.AutoText)
        if isinstance(widget, QLabel):
            yield where, shown(widget.text(), widget.textFormat())
        if isinstance(widget, QMessageBox):
            yield where, shown(widget.text(), widget.textFormat())
            yield where, shown(widget.informativeText(), widget.textFormat())
        if isinstance(widget, QAbstractItemView | QComboBox) and (model := widget.model()) is not None:
            yield from _items(model, where)
        for action in widget.findChildren(QAction):
            yield f"tooltip of action {action.objectName()}", shown(action.toolTip(), Qt.TextFormat.AutoText)


def _items(model: QAbstractItemModel, where: str) -> Iterator[tuple[str, str]]:
    for row in range(min(50, model.rowCount())):
        for column in range(model.columnCount()):
            index = model.index(row, column, QModelIndex())
            tip = model.data(index, Qt.ItemDataRole.ToolTipRole)
            yield f"tooltip in {where}, row {row}", shown(tip or "", Qt.TextFormat.AutoText)


def check() -> int:
    """All hostile texts are shown as they are; return how many there are."""
    found = 0
    for where, text in texts():
        if "hostile" in text:
            found += 1
            assert "<b>hostile<" in text and "<img" in text and "&lt;" in text, f"{where} shows {text!r}"
    return found


@pytest.fixture
def hostile(make_desk: Callable[..., Desk], tmp_path: Path) -> Desk:
    model = Model(
        tmp_path / MARK.replace("/", "-"),
        make_spec(
            title=MARK,
            family=MARK,
            labels=(MARK, f"{MARK} again", "harmless"),
            description=MARK,
            licence=MARK,
            origin={"url": f"javascript:{MARK}"},
        ),
    )
    source = SourceSpec(SourceKind.FILE, str(tmp_path / f"{MARK.replace('/', '-')}.mp4"))
    Path(source.address).write_bytes(b"video")
    desk = make_desk(source=source, registry=FakeRegistry((model,)))
    desk.live.controller.open_source(source)
    desk.pipeline.use_model(model)
    desk.poll()
    return desk


def test_the_window_shows_markup_as_it_is(hostile: Desk) -> None:
    top = ((MARK, 0.9), (f"{MARK} again", 0.1))
    hostile.pipeline.current_readout = Readout(ReadoutState.ACTION, MARK, 0.9, top)
    hostile.poll()
    hostile.live.poller.emit_notice(Notice(Level.ERROR, MARK, MARK))
    hostile.window.source_bar._busy_text.setText(MARK)
    assert check() > 10


def test_the_model_manager_shows_markup_as_it_is(hostile: Desk) -> None:
    hostile.trigger("models")
    hostile.wait(lambda: manager(hostile).table.model().rowCount())
    table = manager(hostile).table
    for row in range(table.model().rowCount()):
        if "hostile" in str(table.model().index(row, 0).data()):
            table.selectRow(row)
    hostile.wait(lambda: "hostile" in manager(hostile).details.toPlainText())
    assert "<b>hostile</b>" in manager(hostile).details.toPlainText()
    assert "href" not in manager(hostile).details.toHtml(), "only web addresses are links"
    assert check() > 10


def manager(desk: Desk) -> Any:
    return next(w for w in QApplication.topLevelWidgets() if type(w).__name__ == "ModelManager" and w.isVisible())


@pytest.mark.parametrize("text", ["a < b", "<b>", "Tom & Jerry", "&lt;i&gt;", "line\nbreak <x>", "", "a  b <c>", MARK])
def test_a_tooltip_shows_every_letter(qapp: QApplication, text: str) -> None:
    assert shown(tooltip(text), Qt.TextFormat.AutoText) == text


CONTROL = ["a\nb", "a\x00b", "a\x1b[31mb", "\x07", "a\u2028b", "a\u202eb", "a\u2066b", "\x7f", "a\x85b"]


@pytest.mark.parametrize("text", CONTROL, ids=ascii)
@pytest.mark.parametrize("field", ["labels", "title", "family", "licence"])
def test_control_characters_in_a_description_are_refused(field: str, text: str) -> None:
    data = json.loads(specs.encode(tiny_spec("tiny", trained=True)))
    data[field] = ["fine", text] if field == "labels" else text
    with pytest.raises(ModelError, match=rf"tiny/model\.json does not describe a model.*{field}") as caught:
        specs.decode(json.dumps(data), "tiny/model.json")
    assert caught.value.message.isprintable()


@pytest.mark.parametrize("text", ["déjà vu", "跳舞", "می‌رود", "👩‍🚒 climbing", "<b>bold</b>", "50 % & more"])
def test_letters_of_all_alphabets_are_welcome(text: str) -> None:
    data = json.loads(specs.encode(tiny_spec("tiny", trained=True))) | {"labels": [text, "other"]}
    assert specs.decode(json.dumps(data), "model.json").labels[0] == text


def test_half_a_letter_is_refused() -> None:
    data = json.loads(specs.encode(tiny_spec("tiny", trained=True)))
    text = json.dumps(data).replace('"action 0"', '"\\ud800"')
    with pytest.raises(ModelError, match=r"model\.json does not describe a model"):
        specs.decode(text, "model.json")


@pytest.mark.parametrize("name", ["line\nbreak", "\x1b[2Jclear", "back\u202ewards"], ids=ascii)
def test_a_folder_with_control_characters_in_its_name_is_refused(tmp_path: Path, name: str) -> None:
    write_tiny_model(tmp_path / "fine", trained=True)
    (tmp_path / "fine").rename(tmp_path / name)
    models, broken = Registry([tmp_path]).scan()
    assert not models and len(broken) == 1
    assert "control characters" in broken[0].message and broken[0].message.isprintable()
    with pytest.raises(ModelError, match="control characters"):
        Registry([]).find(str(tmp_path / name))


def test_the_command_line_sends_no_escapes_to_the_terminal(tmp_path: Path) -> None:
    (tmp_path / "\x1b[31mred").mkdir()
    (tmp_path / "\x1b[31mred/model.json").write_text("{}")
    code = "import sys; from slowfast_live.cli import main; sys.exit(main(sys.argv[1:]))"
    environment = {"SLOWFAST_LIVE_MODELS": str(tmp_path), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    for arguments in (["models"], ["--source", "/nowhere/\x1b[31mred.mp4"], ["--model", "\x1b[31mred"]):
        command = [sys.executable, "-c", code, *arguments]
        environment["PYTHONPATH"] = str(Path(specs.__file__).resolve().parents[2])
        said = subprocess.run(
            command, env={**environment, "QT_QPA_PLATFORM": "offscreen"}, capture_output=True, text=True, timeout=120
        )
        assert "\x1b[31m" not in said.stdout + said.stderr
        assert "red" in said.stdout + said.stderr
        assert "Traceback" not in said.stderr


_MADE = re.compile(r"^\s*(self\.\w+) = QLabel\(", re.MULTILINE)


def test_every_label_whose_text_changes_says_how_it_is_read() -> None:
    """Qt guesses from the text whether it is markup; what is set later may be the name of a file or a model."""
    code = {
        path.name: path.read_text(encoding="utf-8") for path in Path(slowfast_live.ui.__file__).parent.rglob("*.py")
    }
    unsaid = [
        f"{file}: {name}"
        for file, text in sorted(code.items())
        for name in _MADE.findall(text)
        if f"{name}.setText(" in text and f"{name}.setTextFormat(" not in text
    ]
    assert not unsaid
