import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slowfast_live.errors import SourceError, UsageError
from slowfast_live.sources import make_source, parse_source
from slowfast_live.sources.address import file_path
from slowfast_live.types import SourceKind, SourceSpec
from slowfast_live.urls import display_url, redact


@pytest.mark.parametrize(
    ("text", "kind", "address"),
    [
        ("0", SourceKind.CAMERA, "0"),
        (" 12 ", SourceKind.CAMERA, "12"),
        ("camera:0", SourceKind.CAMERA, "0"),
        ("Camera:007", SourceKind.CAMERA, "7"),
        ("camera:/dev/video2", SourceKind.CAMERA, "/dev/video2"),
        ("/dev/video0", SourceKind.CAMERA, "/dev/video0"),
        ("/dev/v4l/by-id/usb-cam-index0", SourceKind.CAMERA, "/dev/v4l/by-id/usb-cam-index0"),
        ("demo", SourceKind.DEMO, ""),
        ("DEMO", SourceKind.DEMO, ""),
        ("rtsp://user:pw@host:554/a?b=c", SourceKind.STREAM, "rtsp://user:pw@host:554/a?b=c"),
        ("HTTP://host/Clip.mp4", SourceKind.STREAM, "http://host/Clip.mp4"),
        ("udp://@239.0.0.1:1234", SourceKind.STREAM, "udp://@239.0.0.1:1234"),
        ("tcp://127.0.0.1:9000?listen=1", SourceKind.STREAM, "tcp://127.0.0.1:9000?listen=1"),
        ("clip.mp4", SourceKind.FILE, str(Path("clip.mp4").absolute())),
        ("'a b.mp4'", SourceKind.FILE, str(Path("a b.mp4").absolute())),
        ("C:\\video\\a.mp4", SourceKind.FILE, str(Path("C:\\video\\a.mp4").absolute())),
        ("demo.mp4", SourceKind.FILE, str(Path("demo.mp4").absolute())),
        ("f_%04d.jpg", SourceKind.FILE, str(Path("f_%04d.jpg").absolute())),
    ],
)
def test_what_is_understood(text, kind, address):
    spec = parse_source(text)
    assert (spec.kind, spec.address) == (kind, address)
    assert "pw" not in spec.name


def test_paths():
    assert parse_source("~/a.mp4").address == str(Path.home() / "a.mp4")
    path = Path("/tmp/ü b#1.mp4").absolute()
    assert Path(parse_source(path.as_uri()).address) == path
    assert Path(parse_source(path.as_uri().replace("file://", "file://localhost")).address) == path


@pytest.mark.parametrize("form", ["file://{}", "file://localhost{}", "FILE://LocalHost{}", "file:{}"])
def test_file_addresses_in_any_form(form):
    path = Path("/tmp/100% ü #1?.mp4")
    encoded = path.as_uri().removeprefix("file://")
    assert parse_source(form.format(encoded)).address == str(path)
    assert file_path(form.format(encoded)) == path
    assert file_path(form.format("/tmp/a?b.mp4")) == Path("/tmp/a?b.mp4")


def test_a_file_that_is_really_called_so(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file:").mkdir()
    (tmp_path / "file:" / "a.mp4").touch()
    assert file_path("file:/a.mp4") == tmp_path / "file:/a.mp4"


@pytest.mark.skipif(os.name != "nt", reason="drives are those of Windows")
def test_drives_in_file_addresses():
    assert parse_source("file:///C:/a%20b.mp4").address == "C:\\a b.mp4"


def test_relative_paths_mean_the_same_after_the_folder_has_changed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    spec = parse_source("dir/clip.mp4")
    monkeypatch.chdir("/")
    assert spec.address == str(tmp_path / "dir/clip.mp4")
    assert spec.name == "clip.mp4"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("rtsp://me:pa@ss@host:554/x", "rtsp://host:554/x"),
        ("http://host/v?user=me&password=geheim&x=1", "http://host/v?user=***&password=***&x=1"),
        ("https://host/v.m3u8?token=abc#t", "https://host/v.m3u8?token=***#t"),
        ("http://host/v?keyframe=1&passage=2", "http://host/v?keyframe=1&passage=2"),
        ("http://[bad/v?pwd=x", "http://[bad/v?pwd=***"),
    ],
)
def test_addresses_are_shown_without_their_secrets(url, shown):
    assert display_url(url) == shown
    assert redact(f"failed: '{url}' again {url} twice").count(shown) == 2


@pytest.mark.parametrize(
    "text",
    ["", "  ", "''", "camera:", "camera:x", "gopher://host/x", "rtsp://", "http:///", "file://", "a\0b", "file://host/a.mp4"],
)  # fmt: skip
def test_nonsense_is_refused_with_what_was_expected(text):
    with pytest.raises(UsageError, match="Expected a camera"):
        parse_source(text)


@given(st.text(max_size=40))
def test_any_text_gives_a_source_or_a_usage_error(text):
    try:
        made = parse_source(text)
    except UsageError:
        return
    assert made.address or made.kind is SourceKind.DEMO


@pytest.mark.parametrize(
    ("text", "kind"),
    [("0", "CameraSource"), ("demo", "DemoSource"), ("tcp://h:1", "StreamSource"), ("a.mp4", "FileSource"),
     ("rtsp://host", "StreamSource")],
)  # fmt: skip
def test_the_factory(text, kind):
    source = make_source(parse_source(text))
    assert type(source).__name__ == kind
    source.close()


def test_the_demo_is_missing(monkeypatch, tmp_path):
    monkeypatch.setattr("slowfast_live.paths.bundled", lambda kind: tmp_path / kind)
    with pytest.raises(SourceError, match=r"demo\.mp4 is missing"):
        make_source(SourceSpec(SourceKind.DEMO)).open()


def test_the_demo_plays(monkeypatch, tmp_path, make_video):
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets" / "demo.mp4").write_bytes(make_video("short.mp4").read_bytes())
    monkeypatch.setattr("slowfast_live.paths.bundled", lambda kind: tmp_path / kind)
    source = make_source(SourceSpec(SourceKind.DEMO))
    source.open()
    assert [source.read() is None for _ in range(4)] == [False, False, False, True]
    source.seek(0)
    assert source.read().t_s == 0
    source.close()


def test_importing_the_package_loads_neither_opencv_nor_pyav():
    code = (
        "import sys, os, slowfast_live.sources, slowfast_live.sources.cameras\n"
        "assert not {'cv2', 'av'} & set(sys.modules), sorted(sys.modules)\n"
        "slowfast_live.sources.cameras.list_cameras()\n"
        "assert 'av' not in sys.modules\n"
        "assert os.environ['OPENCV_VIDEOIO_MSMF_ENABLE_HW_TRANSFORMS'] == '0'\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
