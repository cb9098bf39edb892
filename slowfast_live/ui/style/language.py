"""The language of the window: `tr` marks and translates its texts.

Texts are written in English. `python -m slowfast_live.tools.docs translations` collects them with Qt's lupdate into
`ui/translations/*.ts` and compiles these with lrelease; see CONTRIBUTING.md. The language is chosen once per start,
before the first text is needed, because tables of texts are made when modules are loaded.

The rooms below the window know no language: they say what they have to say as a `Message`, which `shown` translates.
"""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path

from PySide6.QtCore import QLibraryInfo, QLocale, QTranslator
from PySide6.QtWidgets import QApplication

from slowfast_live import settings
from slowfast_live.errors import SlowFastLiveError
from slowfast_live.messages import Message
from slowfast_live.text_safety import encodable

FOLDER = Path(__file__).resolve().parents[1] / "translations"
LANGUAGES: dict[str, str] = {"en": "English", "ko": "한국어", "zh_CN": "简体中文"}
"""The languages by their codes, each with its own name."""
VARIABLE = "SLOWFAST_LIVE_LANGUAGE"
"""An environment variable that overrides the setting."""


def tr(text: str, /, **values: object) -> str:
    """Return a text in the window's language, with `{names}` replaced by values; messages among them are translated.

    A text that is not translated stays English.
    """
    said = _translated("", text)
    return said.format(**{name: _value(value) for name, value in values.items()}) if values else said


def shown(text: str) -> str:
    """Return what other rooms say in the window's language: a `Message`; other texts stay as they are."""
    return encodable(tr(text.template, **text.values)) if isinstance(text, Message) else text


def words(error: BaseException) -> str:
    """Return what an error says in the window's language."""
    if isinstance(error, SlowFastLiveError):
        return shown(error.message)
    return shown(error.args[0]) if error.args and isinstance(error.args[0], Message) else str(error)


def _value(value: object) -> object:
    if isinstance(value, SlowFastLiveError):
        return words(value)
    return shown(value) if isinstance(value, Message) else value


def translate(context: str, text: str) -> str:
    """Return a text that has a context of its own, such as the name of an action, in the window's language."""
    return _translated(context, text)


@lru_cache(maxsize=4096)
def _translated(context: str, text: str) -> str:
    translator = _translator()
    if translator is None:
        return text
    return translator.translate(context, text) or text


@lru_cache(maxsize=1)
def _translator() -> QTranslator | None:
    code = language()
    if code == "en":
        return None
    translator = QTranslator()
    return translator if translator.load(f"slowfast_live_{code}", str(FOLDER)) else None


@lru_cache(maxsize=1)
def language() -> str:
    """Return the code of the window's language: from the environment, the settings, or the system."""
    for wanted in (os.environ.get(VARIABLE, ""), settings.load().settings.language):
        if wanted in LANGUAGES:
            return wanted
    return supported(QLocale.system().name())


def supported(locale: str) -> str:
    """Return the language that fits a locale such as "ko_KR"; English if none does."""
    if locale in LANGUAGES:
        return locale
    language_code = locale.partition("_")[0]
    return next((code for code in LANGUAGES if code.partition("_")[0] == language_code), "en")


def translate_qt(app: QApplication) -> None:
    """Let Qt's own texts, such as those of its dialogs, follow the window's language."""
    code = language()
    if code == "en":
        return
    translator = QTranslator(app)
    folder = QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath)
    if translator.load(f"qtbase_{code}", folder) or translator.load(f"qt_{code}", folder):
        app.installTranslator(translator)
