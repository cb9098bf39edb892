from __future__ import annotations

import json
import os
import stat
import sys
import tempfile
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slowfast_live import settings as store
from slowfast_live.errors import SettingsError
from slowfast_live.settings import RECENT_FILES, Settings
from slowfast_live.types import SourceKind, SourceSpec

TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
SIZES = st.none() | st.tuples(st.integers(1, 8000), st.integers(1, 8000))
SOURCES = st.builds(SourceSpec, st.sampled_from(SourceKind), TEXT, TEXT, st.integers(0, 2000), SIZES)
SETTINGS = st.builds(
    Settings,
    last_source=st.none() | SOURCES,
    recent_files=st.lists(TEXT, max_size=4),
    model=st.none() | TEXT,
    device=st.none() | TEXT,
    mirror=st.booleans(),
    loop=st.booleans(),
    threshold=st.none() | st.floats(0, 1),
    camera_size=SIZES,
    geometry=TEXT,
    side_panel=st.booleans(),
    panel=st.sampled_from(["details", "events"]),
    timeline=st.booleans(),
    folded=st.lists(TEXT, max_size=4),
    overlay_bars=st.booleans(),
    theme=st.sampled_from(["auto", "light", "dark"]),
    on_top=st.booleans(),
    unknown=st.dictionaries(st.from_regex(r"x_[a-z]{1,5}", fullmatch=True), st.integers() | TEXT, max_size=3),
)


@given(SETTINGS)
def test_what_is_saved_is_loaded(settings: Settings) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "deep" / "settings.json"
        store.save(settings, path)
        loaded = store.load(path)
    assert loaded.settings == settings
    assert loaded.notice == ""


@given(st.binary(max_size=200))
def test_any_bytes_load(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "settings.json"
        path.write_bytes(data)
        loaded = store.load(path)
        kept = path.with_name("settings.json.bad")
        assert isinstance(loaded.settings, Settings)
        assert kept.exists() == bool(loaded.notice)
        if loaded.notice:
            assert kept.read_bytes() == data


LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT
JSON = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from([info.name for info in msgspec.structs.fields(Settings)]), JSON))
def test_values_that_make_no_sense_fall_back_one_by_one(raw: dict[str, object]) -> None:
    good = {name: value for name, value in raw.items() if name != "loop"} | {"loop": True}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "settings.json"
        path.write_text(json.dumps(good))
        loaded = store.load(path)
        assert loaded.settings.loop is True
        store.save(loaded.settings, path)
        again = store.load(path)
    assert again.notice == ""
    assert again.settings == loaded.settings


def test_a_missing_file_gives_defaults(tmp_path: Path) -> None:
    loaded = store.load(tmp_path / "none.json")
    assert (loaded.settings, loaded.notice) == (Settings(), "")


def test_a_damaged_file_is_kept_and_named(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    path.write_text('{"mirror": tru')
    loaded = store.load(path)
    assert loaded.settings == Settings()
    assert str(path) in loaded.notice and "settings.json.bad" in loaded.notice
    assert loaded.details


def test_a_wrong_value_is_named_and_the_rest_kept(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    path.write_text('{"mirror": true, "threshold": 7, "camera_size": [0, 5], "theme": "pink"}')
    loaded = store.load(path)
    assert loaded.settings.mirror is True
    assert (loaded.settings.threshold, loaded.settings.camera_size, loaded.settings.theme) == (
        None,
        None,
        "auto",
    )
    for name in ("threshold", "camera_size", "theme"):
        assert name in loaded.notice


def test_fields_of_a_newer_version_survive(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    path.write_text('{"timeline_height": 120, "mirror": true}')
    store.save(store.load(path).settings, path)
    assert json.loads(path.read_text())["timeline_height"] == 120


def test_saving_leaves_no_other_file(tmp_path: Path) -> None:
    store.save(Settings(), tmp_path / "settings.json")
    assert [entry.name for entry in tmp_path.iterdir()] == ["settings.json"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no permission bits")
def test_only_the_user_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    store.save(Settings(last_source=SourceSpec(SourceKind.STREAM, "rtsp://me:secret@cam/1")), path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_failed_write_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "settings.json"
    store.save(Settings(mirror=True), path)

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(SettingsError, match="No space left"):
        store.save(Settings(mirror=False), path)
    assert store.load(path).settings.mirror is True
    assert [entry.name for entry in tmp_path.iterdir()] == ["settings.json"]


def test_recent_files_are_distinct_newest_first_and_few() -> None:
    settings = Settings()
    for number in [*range(RECENT_FILES + 5), 3]:
        settings.remember_source(SourceSpec(SourceKind.FILE, f"/v/{number}.mp4"))
    assert settings.recent_files[0] == "/v/3.mp4"
    assert len(settings.recent_files) == len(set(settings.recent_files)) == RECENT_FILES
    settings.remember_source(SourceSpec(SourceKind.CAMERA, "0"))
    assert settings.recent_files[0] == "/v/3.mp4"
    assert settings.last_source == SourceSpec(SourceKind.CAMERA, "0")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_what_cannot_be_read_is_set_aside_so_that_saving_does_not_replace_it(tmp_path: Path) -> None:
    for number, make in enumerate((os.mkfifo, Path.mkdir, lambda path: path.write_bytes(bytes(16_000_001)))):
        path = tmp_path / str(number) / "settings.json"
        path.parent.mkdir()
        make(path)  # type: ignore[operator]
        loaded = store.load(path)
        assert loaded.settings == Settings()
        assert f"The settings in {path} cannot be read" in loaded.notice
        assert "kept as settings.json.bad" in loaded.notice
        store.save(Settings(), path)
        assert path.is_file() and path.with_name("settings.json.bad").exists()
