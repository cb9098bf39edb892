from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from slowfast_live import paths
from slowfast_live.inference.building import NEEDED, install_command, missing_packages, output_folder


@pytest.fixture
def wheel_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A site-packages folder that holds what a wheel has put there."""
    (tmp_path / "slowfast_live" / "_bundled" / "models").mkdir(parents=True)
    monkeypatch.setattr(paths, "ROOT", tmp_path)
    return tmp_path


def test_looking_for_packages_imports_none() -> None:
    assert missing_packages(("json", "no_such_package")) == ["no_such_package"]
    before = set(sys.modules)
    missing_packages(NEEDED)
    assert not (set(sys.modules) - before) & set(NEEDED)


def test_a_clone_installs_itself_with_its_pinned_versions() -> None:
    command = install_command()
    assert f"{paths.ROOT}[build]" in command and str(paths.ROOT / "constraints.txt") in command
    assert sys.executable in command and "-m pip install" in command


def test_a_wheel_install_adds_the_extra(wheel_install: Path) -> None:
    assert install_command().endswith('-m pip install "slowfast-live[build]"')
    assert str(wheel_install) not in install_command()


def test_models_of_a_clone_go_into_it_if_it_can_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    assert output_folder() == paths.bundled("models")
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert output_folder() == paths.user_models_dir()


def test_models_of_a_wheel_install_go_to_the_user_where_the_app_finds_them(wheel_install: Path) -> None:
    assert output_folder() == paths.user_models_dir()
    assert output_folder() in paths.model_folders()
