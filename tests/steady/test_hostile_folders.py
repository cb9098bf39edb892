"""Model folders with tricks in their paths."""

import os
from pathlib import Path

import pytest

from slowfast_live.errors import ModelError
from slowfast_live.inference.spec import Model, Registry, load
from slowfast_live.ui.models.model_catalogue import delete
from tests.tiny_model import write_tiny_model


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    write_tiny_model(tmp_path / "elsewhere/mine", trained=True)
    (tmp_path / "models").mkdir()
    return tmp_path / "elsewhere/mine"


def test_a_link_out_of_the_folder_is_read_and_never_deleted(tmp_path: Path, elsewhere: Path) -> None:
    link = tmp_path / "models/mine"
    link.symlink_to(elsewhere)
    models, broken = Registry([tmp_path / "models"]).scan()
    assert [model.name for model in models] == ["mine"] and not broken
    with pytest.raises(ModelError, match="link to another location"):
        delete(models[0])
    assert (elsewhere / "model.bin").is_file()


def test_files_that_are_links_go_and_what_they_point_to_stays(tmp_path: Path, elsewhere: Path) -> None:
    folder = tmp_path / "models/linked"
    folder.mkdir()
    for file in elsewhere.iterdir():
        (folder / file.name).symlink_to(file)
    (folder / "more").symlink_to(elsewhere.parent)
    delete(Model(folder, load(folder)))
    assert not folder.exists() and (elsewhere / "model.bin").is_file()


@pytest.mark.parametrize("name", ["../elsewhere/mine", "mine/../../elsewhere/mine", "/etc", "..", "."])
def test_a_name_is_no_way_out(tmp_path: Path, elsewhere: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """A path is taken for what it is, the folder that it names from here; as a name it finds nothing."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelError, match="There is no model"):
        Registry([tmp_path / "models"]).find(name)


def test_folders_that_lead_in_a_circle_do_not_hang(tmp_path: Path) -> None:
    (tmp_path / "models/round").mkdir(parents=True)
    (tmp_path / "models/round/round").symlink_to(tmp_path / "models/round")
    (tmp_path / "models/circle").symlink_to(tmp_path / "models/circle")
    assert Registry([tmp_path / "models"]).scan() == ([], [])


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes on this system")
def test_a_description_that_is_a_pipe_does_not_hang(tmp_path: Path) -> None:
    (tmp_path / "piped").mkdir()
    os.mkfifo(tmp_path / "piped/model.json")
    models, broken = Registry([tmp_path]).scan()
    assert not models and len(broken) == 1 and "model.json is missing" in broken[0].message
