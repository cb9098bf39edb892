from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

import pytest

from slowfast_live import cli
from slowfast_live.tools.docs import tables

ROOT = Path(__file__).resolve().parents[2]


def test_tables_of_the_documents_are_those_of_the_code() -> None:
    for path, text in tables.written().items():
        assert path.read_text(encoding="utf-8") == text, "python -m slowfast_live.tools.docs tables"


def test_every_command_is_described() -> None:
    parser = cli.make_parser()
    (commands,) = (action for action in parser._actions if isinstance(action, argparse._SubParsersAction))
    described = (ROOT / "docs" / "command-line.md").read_text(encoding="utf-8")
    for name in commands.choices:
        assert f"| `{name}" in described, name
    nested = (
        action for action in commands.choices["models"]._actions if isinstance(action, argparse._SubParsersAction)
    )
    for name in next(nested).choices:
        assert f"| `models {name}`" in described, name


def test_the_readme_counts_the_networks() -> None:
    pytest.importorskip("torch", reason="torch is only needed to build models")
    from slowfast_live.tools.convert.catalogue import CATALOGUE

    known = [entry.dataset.title for entry in CATALOGUE.values()]
    kinetics = known.count("Kinetics-400")
    text = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    assert f"SlowFast and {kinetics - 1} other networks" in text
    assert f"{len(known) - kinetics} more know other things" in text


def test_the_site_is_built_without_a_warning(tmp_path: Path) -> None:
    pytest.importorskip("mkdocs", reason="mkdocs is not installed")
    options = ["build", "--strict", "--quiet", "--site-dir", str(tmp_path / "site")]
    built = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "mkdocs", *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    assert (tmp_path / "site" / "guide" / "index.html").is_file()
