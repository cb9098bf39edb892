"""Collect the window's texts and compile their translations, with Qt's own tools.

`python -m slowfast_live.tools.docs translations` runs lupdate over the window's modules and lrelease over what
translators wrote.
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


def files() -> dict[str, Path]:
    """Return the files that translators edit, by language."""
    return {code: FOLDER / f"slowfast_live_{code}.ts" for code in LANGUAGES if code != "en"}


def update() -> None:
    """Add new texts to the files of all languages, drop those that are gone, and compile them.

    Raises:
        UsageError: Qt's tools are not installed.
    """
    sources = sorted(os.path.relpath(path, FOLDER) for path in WINDOW.rglob("*.py"))
    for path in files().values():
        _run("pyside6-lupdate", "-no-obsolete", "-locations", "none", *sources, "-ts", path.name)
        _run("pyside6-lrelease", path.name, "-qm", path.with_suffix(".qm").name)


def _run(program: str, *arguments: str) -> None:
    beside = Path(sys.executable).with_name(program)
    found = str(beside) if beside.exists() else shutil.which(program)
    if found is None:
        raise UsageError(f"{program} was not found: install PySide6 (it comes with PySide6-Essentials).")
    subprocess.run([found, *arguments], cwd=FOLDER, check=True)
