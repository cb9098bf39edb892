"""Every text of the window is translated, with its placeholders, and no translation is cut off."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QTranslator
from PySide6.QtWidgets import QApplication

from slowfast_live.core import readout_text
from slowfast_live.core.corrections import Add, Delete, Move, Rename, RenameAll, Target
from slowfast_live.core.events import Event
from slowfast_live.inference.spec import Registry
from slowfast_live.settings import Settings, load, save
from slowfast_live.tools.docs.translations import PACKAGE, files, modules
from slowfast_live.ui.commands.menu_bar import LANGUAGE
from slowfast_live.ui.style import language
from slowfast_live.ui.style.language import FOLDER, LANGUAGES, supported
from slowfast_live.ui.style.names import ACTIONS, READOUTS, change_text
from tests.ui.conftest import Desk

OTHERS = [code for code in LANGUAGES if code != "en"]
PLACEHOLDER = re.compile(r"\{\w+[^{}]*\}")
Text = tuple[str, str]


def marked() -> dict[Text, str]:
    """(context, text) of each text that the code marks, and where."""
    found: dict[Text, str] = {}
    for path in modules():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
                continue
            literals = [arg.value for arg in node.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
            where = f"{path.relative_to(PACKAGE)}:{node.lineno}"
            if node.func.id in ("tr", "Message") and len(literals) == 1:
                found[("", literals[0])] = where
            elif node.func.id == "translate" and len(literals) == 2:
                found[(literals[0], literals[1])] = where
    return found


def translated(code: str) -> dict[Text, str | None]:
    """The translations of a language's file; None if one is not finished."""
    found: dict[Text, str | None] = {}
    for context in ElementTree.parse(files()[code]).getroot().iter("context"):
        for message in context.iter("message"):
            target = message.find("translation")
            assert target is not None
            done = target.get("type") is None and bool(target.text)
            found[(context.findtext("name") or "", message.findtext("source") or "")] = target.text if done else None
    return found


def test_texts_are_marked() -> None:
    assert len(marked()) > 800


@pytest.mark.parametrize("code", OTHERS)
def test_every_text_is_translated_and_none_is_left_over(code: str) -> None:
    wanted, there = marked(), translated(code)
    missing = [f"{where}: {text!r}" for (context, text), where in wanted.items() if there.get((context, text)) is None]
    assert missing == [], "python -m slowfast_live.tools.docs translations adds them to the files"
    assert set(there) == set(wanted), "texts that are gone"


@pytest.mark.parametrize("code", OTHERS)
def test_placeholders_markup_and_endings_survive(code: str) -> None:
    for (_context, text), target in translated(code).items():
        assert target is not None
        assert set(PLACEHOLDER.findall(target)) == set(PLACEHOLDER.findall(text)), text
        assert re.findall(r"<[^>]+>", target) == re.findall(r"<[^>]+>", text), text
        if len(text) < 40:  # a command that asks for more, or something under way
            assert target.endswith("…") == text.endswith("…"), text
        assert re.findall(r"\*\.\w+", target) == re.findall(r"\*\.\w+", text), text


@pytest.mark.parametrize("code", OTHERS)
def test_what_is_compiled_is_what_was_translated(code: str, qapp: QApplication) -> None:
    translator = QTranslator()
    assert translator.load(f"slowfast_live_{code}", str(FOLDER))
    for (context, text), target in translated(code).items():
        assert translator.translate(context, text) == target, "python -m slowfast_live.tools.docs translations"


@pytest.mark.parametrize("code", OTHERS)
def test_menus_open_with_letters_that_differ(code: str) -> None:
    there = translated(code)
    letters = [
        (there[("", text)] or "").partition("&")[2][0]
        for text in ("&File", "&Edit", "&View", "&Playback", "&Tools", "&Help")
    ]
    assert len(set(letters)) == len(letters)


def test_the_actions_of_the_bundled_model_have_names() -> None:
    bundled = next(model for model in Registry().scan()[0] if model.name.startswith("slowfast_demo"))
    assert set(ACTIONS) == set(bundled.spec.actions)


def test_what_readouts_say_is_known() -> None:
    said = set(readout_text._SENTENCES.values()) | {readout_text.NONE_KNOWN, readout_text.NO_ACTION}
    assert said <= set(READOUTS)


def test_edits_are_worded_as_in_the_core() -> None:
    target = Target(Event("squat", 1, 2, 0.8, 0.9, 1.5), "squat")
    for change in (
        Rename(target, "deep squat"),
        RenameAll("squat", "deep squat"),
        Delete((target,)),
        Delete((target, target)),
        Add(target.event),
        Move(target, 0, 2),
    ):
        assert change_text(change) == str(change)
    assert change_text(None) == ""


@pytest.mark.parametrize(
    ("locale", "code"),
    [("ko_KR", "ko"), ("zh_CN", "zh_CN"), ("zh_TW", "zh_CN"), ("en_US", "en"), ("fr_FR", "en"), ("C", "en")],
)
def test_the_system_language_is_taken_if_there_is_one(locale: str, code: str) -> None:
    assert supported(locale) == code


@pytest.fixture
def fresh_choice(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    for cached in (language.language, language._translator, language._translated):
        cached.cache_clear()
    yield monkeypatch
    monkeypatch.undo()
    for cached in (language.language, language._translator, language._translated):
        cached.cache_clear()


def test_the_setting_decides_and_the_environment_overrides_it(fresh_choice: pytest.MonkeyPatch) -> None:
    fresh_choice.setenv(language.VARIABLE, "")
    save(Settings(language="ko"))
    assert language.language() == "ko"
    assert language.tr("Undo") == "실행 취소"
    assert language.tr("Saved {path}", path="a.png") == "a.png 저장됨"
    assert language.tr("never translated {x}", x=1) == "never translated 1"
    language.language.cache_clear()
    fresh_choice.setenv(language.VARIABLE, "zh_CN")
    assert language.language() == "zh_CN"


def test_it_is_chosen_in_the_view_menu(desk: Desk, tmp_path: Path) -> None:
    menu = desk.window.menu.submenus[LANGUAGE]
    assert [action.text() for action in menu.actions()] == ["Same as system", *LANGUAGES.values()]
    menu.actions()[2].trigger()
    notice = desk.window.notice_bar.notice
    assert notice is not None and "next start" in notice.message
    menu.aboutToShow.emit()
    assert [action.isChecked() for action in menu.actions()] == [False, False, True, False]
    desk.window.close()
    assert load(tmp_path / "settings.json").settings.language == "ko"


@pytest.mark.parametrize("code", OTHERS)
def test_no_translation_is_cut_off(code: str) -> None:
    """The tests of cut texts in a process of their own: texts are made when modules are loaded."""
    wanted = (
        "tests/ui/test_cut_text.py::test_the_window_cuts_no_text",
        "tests/ui/test_cut_text.py::test_no_dialog_cuts_text",
        "tests/ui/start/test_start_card.py::test_it_fits",
    )
    environment = os.environ | {language.VARIABLE: code, "QT_QPA_PLATFORM": "offscreen"}
    root = Path(__file__).resolve().parents[3]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *wanted],
        env=environment, cwd=root, capture_output=True, text=True, timeout=1200,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:]


def test_a_changed_language_reaches_the_window(run_python: Callable[[str, str], str]) -> None:
    code = "from slowfast_live.ui.commands.commands import command; print(command('undo').text)"
    assert run_python("ko", code) == "실행 취소"
    assert run_python("en", code) == "Undo"


@pytest.fixture
def run_python() -> Callable[[str, str], str]:
    def run(code: str, program: str) -> str:
        environment = os.environ | {language.VARIABLE: code, "PYTHONIOENCODING": "utf-8"}
        done = subprocess.run(
            [sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=120, check=True
        )
        return done.stdout.strip()

    return run


REPORTER = """
import sys
from PySide6.QtCore import QTimer
from slowfast_live import cli
from slowfast_live.types import SourceKind, SourceSpec
from slowfast_live.ui.app import LiveApp

start, files = LiveApp.start, sys.argv[2:]

def started(live):
    start(live)
    notices = live.window.notice_bar
    def read():
        if notices.notice is None:
            return
        print(notices.accessibleName(), flush=True)
        notices.dismiss()
        if not files:
            live.window.close()
            return
        live.pipeline.open(SourceSpec(SourceKind.FILE, files.pop(0)))
    timer = QTimer(live)
    timer.timeout.connect(read)
    timer.start(50)

LiveApp.start = started
sys.exit(cli.main(["--source", "demo", "--model", sys.argv[1]]))
"""
"""The real program, which opens one file after the other and prints the notices of its window."""


def test_what_goes_wrong_below_the_window_is_said_in_its_language(tmp_path: Path, tiny_models: Path) -> None:
    models = tmp_path / "models"
    shutil.copytree(tiny_models / "tiny_trained-fp32", models / "tiny_trained-fp32")
    (models / "tiny_trained-fp32" / "model.xml").write_text("no network")
    (tmp_path / "letter.mp4").write_text("Dear Sir or Madam,\n" * 99)
    environment = os.environ | {
        language.VARIABLE: "ko",
        "QT_QPA_PLATFORM": "offscreen",
        "SLOWFAST_LIVE_MODELS": str(models),
        "PYTHONIOENCODING": "utf-8",
    }
    files = [str(tmp_path / name) for name in ("gone.mp4", "letter.mp4")]
    done = subprocess.run(
        [sys.executable, "-c", REPORTER, "tiny_trained-fp32", *files],
        env=environment, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    said = done.stdout.splitlines()
    assert len(said) == 3, done.stderr[-3000:]
    assert "읽을 수 있는 OpenVINO 모델이 아닙니다" in said[0]
    assert "gone.mp4이(가) 없습니다. 옮기거나 이름을 바꾸었나요?" in said[1]
    assert "letter.mp4은(는) 읽을 수 있는 동영상이 아니거나 손상되었습니다" in said[2]
