from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
REQUIREMENTS = [*PROJECT["dependencies"], *(text for texts in EXTRAS.values() for text in texts)]


def locked() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = (line.split("==") for line in lines if line and not line.startswith("#"))
    return {canonicalize_name(name): version for name, version in pins}


@pytest.mark.parametrize("text", sorted(set(REQUIREMENTS)))
def test_every_dependency_is_locked_within_its_range(text: str) -> None:
    requirement = Requirement(text)
    version = locked().get(canonicalize_name(requirement.name))
    assert version is not None, f"constraints.txt does not lock {requirement.name}"
    assert requirement.specifier.contains(version), f"{requirement.name} {version} is locked, {text} is asked for"


def test_commands_in_the_documents_install_what_is_locked() -> None:
    for document in ("README.md", "CONTRIBUTING.md"):
        for line in (ROOT / document).read_text(encoding="utf-8").splitlines():
            if "pip install" in line and "-e" in line:
                assert "-c constraints.txt" in line, f"{document}: {line}"


def test_the_test_command_installs_what_any_test_wants() -> None:
    """Else tests skip for want of a package, everywhere and unnoticed. (`bodies` is data for training, not code.)"""
    command = next(line for line in (ROOT / "README.md").read_text(encoding="utf-8").splitlines() if "pytest" in line)
    installed = set(command.partition("[")[2].partition("]")[0].split(","))
    assert installed == set(EXTRAS) - {"bodies"}
