"""Models that were built elsewhere, from an archive that one may have got from anybody."""

import stat
import zipfile
from pathlib import Path

import pytest

from slowfast_live.errors import ModelError
from slowfast_live.inference import model_archive
from slowfast_live.inference.model_archive import import_archive
from slowfast_live.inference.spec import load
from tests.tiny_model import write_tiny_model


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("built")
    write_tiny_model(root / "tiny_a-fp32", trained=True)
    write_tiny_model(root / "tiny_b-fp32", trained=True, seed=1)
    (root / "tiny_a-fp32" / "CARD.md").write_text("about it")
    (root / "README.md").write_text("not a model")
    return root


def pack(root: Path, target: Path, below: str = "") -> Path:
    with zipfile.ZipFile(target, "w") as archive:
        for file in sorted(root.rglob("*")):
            archive.write(file, f"{below}{file.relative_to(root)}")
    return target


def left(output: Path) -> set[str]:
    return {path.name for path in output.iterdir()} if output.exists() else set()


@pytest.mark.parametrize("below", ["", "models/"])
def test_all_models_come_with_their_files(built: Path, tmp_path: Path, below: str) -> None:
    output = tmp_path / "out"
    assert import_archive(pack(built, tmp_path / "m.zip", below), output) == ["tiny_a-fp32", "tiny_b-fp32"]
    assert left(output) == {"tiny_a-fp32", "tiny_b-fp32"}
    assert load(output / "tiny_a-fp32").title == "Tiny tiny_a-fp32"
    assert (output / "tiny_a-fp32" / "CARD.md").read_text() == "about it"


def test_the_files_of_one_model_take_the_name_of_the_archive(built: Path, tmp_path: Path) -> None:
    archive = pack(built / "tiny_a-fp32", tmp_path / "tiny_a-fp32.zip")
    assert import_archive(archive, tmp_path / "out") == ["tiny_a-fp32"]


def test_what_is_there_stays(built: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    (output / "tiny_b-fp32").mkdir(parents=True)
    with pytest.raises(ModelError, match="tiny_b-fp32 already"):
        import_archive(pack(built, tmp_path / "m.zip"), output)
    assert left(output) == {"tiny_b-fp32"}


def test_what_is_no_archive_of_models(built: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    for name, data, message in (
        ("a.zip", b"no archive", "no ZIP archive"),
        ("b.zip", pack(built, tmp_path / "whole.zip").read_bytes()[:-3000], "no ZIP archive"),
    ):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(ModelError, match=message):
            import_archive(tmp_path / name, output)
    with zipfile.ZipFile(tmp_path / "c.zip", "w") as archive:
        archive.writestr("holiday.jpg", b"x")
    with pytest.raises(ModelError, match="holds no model"):
        import_archive(tmp_path / "c.zip", output)
    with pytest.raises(ModelError, match="cannot be unpacked"):
        import_archive(tmp_path / "missing.zip", output)
    assert left(output) == set()


def test_nothing_is_written_elsewhere(built: Path, tmp_path: Path) -> None:
    archive = tmp_path / "evil.zip"
    files = {name: (built / "tiny_a-fp32" / name).read_bytes() for name in ("model.json", "model.xml", "model.bin")}
    with zipfile.ZipFile(archive, "w") as packed:
        for name, data in files.items():
            packed.writestr(f"../../escaped/{name}", data)
    assert import_archive(archive, tmp_path / "deep" / "out") == ["escaped"]
    assert not (tmp_path / "escaped").exists() and (tmp_path / "deep" / "out" / "escaped").is_dir()
    with zipfile.ZipFile(archive, "w") as packed:
        for name, data in files.items():
            packed.writestr(f"x/../{name}", data)
    with pytest.raises(ModelError, match="name that cannot be used"):
        import_archive(archive, tmp_path / "out")


def test_links_and_floods_are_refused(built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = pack(built, tmp_path / "m.zip")
    monkeypatch.setattr(model_archive, "MAX_BYTES", 1000)
    with pytest.raises(ModelError, match="unpack to more than"):
        import_archive(archive, tmp_path / "out")
    monkeypatch.undo()
    with zipfile.ZipFile(archive, "a") as packed:
        link = zipfile.ZipInfo("tiny_a-fp32/link")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        packed.writestr(link, "/etc/passwd")
    with pytest.raises(ModelError, match="has a link"):
        import_archive(archive, tmp_path / "out")
    assert left(tmp_path / "out") == set()


def test_a_damaged_description_never_appears(built: Path, tmp_path: Path) -> None:
    archive = tmp_path / "m.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("bad-fp32/model.json", "{}")
        packed.writestr("bad-fp32/model.xml", "<net/>")
        packed.writestr("bad-fp32/model.bin", b"")
    with pytest.raises(ModelError):
        import_archive(archive, tmp_path / "out")
    assert left(tmp_path / "out") == set()
