import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slowfast_live.errors import SourceError, UsageError
from slowfast_live.sources import make_source, parse_source
from slowfast_live.types import SourceKind, SourceSpec


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
        ("clip.mp4", SourceKind.FILE, "clip.mp4"),
        ("'a b.mp4'", SourceKind.FILE, "a b.mp4"),
        ("C:\\video\\a.mp4", SourceKind.FILE, "C:\\video\\a.mp4"),
        ("demo.mp4", SourceKind.FILE, "demo.mp4"),
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
