from __future__ import annotations

import subprocess
import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parent


def test_every_test_file_of_the_tree_is_collected() -> None:
    """pytest leaves out some folders by their names ("build", "dist"): a room called so would never be tested."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "--collect-only",
        "-q",
        "-m",
        "",
        "-p",
        "no:xdist",
        "-p",
        "no:cacheprovider",
    ]
    told = subprocess.run(command, cwd=TESTS.parent, capture_output=True, text=True, timeout=240)
    assert told.returncode == 0, told.stdout + told.stderr
    collected = {line.partition("::")[0] for line in told.stdout.splitlines() if "::" in line}
    there = {path.relative_to(TESTS.parent).as_posix() for path in TESTS.rglob("test_*.py")}
    assert collected == there
