"""Collect the texts of the window and of the rooms below it, and compile their translations, with Qt's own tools.

`python -m slowfast_live.tools.docs translations` runs lupdate over the modules that say something in the window (`tr`
and `translate` there, `Message` below it) and lrelease over what translators wrote.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from slowfast_live.errors import UsageError
from slowfast_live.ui.style.language import FOLDER, LANGUAGES

WINDOW = FOLDER.parent
PACKAGE = WINDOW.parent
_NOT_SHOWN = frozenset({"tools", "cli", "cluster"})
"""Rooms that the window does not speak for: their texts stay English."""


def files() -> dict[str, Path]:
    """Return the files that translators edit, by language."""
    return {code: FOLDER / f"slowfast_live_{code}.ts" for code in LANGUAGES if code != "en"}


def modules() -> list[Path]:
    """Return the modules whose texts are translated: all but the programs beside the app."""
    return sorted(path for path in PACKAGE.rglob("*.py") if path.relative_to(PACKAGE).parts[0] not in _NOT_SHOWN)


def update() -> None:
    """Add new texts to the files of all languages, drop those that are gone, and compile them.

    Raises:
        UsageError: Qt's tools are not installed.
    """
    sources = [os.path.relpath(path, FOLDER) for path in modules()]
    aliases = ("-tr-function-alias", "tr+=Message")
    for path in files().values():
        _run("pyside6-lupdate", "-no-obsolete", "-locations", "none", *aliases, *sources, "-ts", path.name)
        _run("pyside6-lrelease", path.name, "-qm", path.with_suffix(".qm").name)


def _run(program: str, *arguments: str) -> None:
    beside = Path(sys.executable).with_name(program)
    found = str(beside) if beside.exists() else shutil.which(program)
    if found is None:
        raise UsageError(f"{program} was not found: install PySide6 (it comes with PySide6-Essentials).")
    subprocess.run([found, *arguments], cwd=FOLDER, check=True)
