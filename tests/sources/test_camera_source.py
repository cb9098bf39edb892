from itertools import count, pairwise

import cv2
import numpy as np
import pytest

from slowfast_live.errors import SourceError
from slowfast_live.sources.camera import CameraSource, backends


def colors(shape=(48, 64, 3), value=90):
    return np.full(shape, value, np.uint8)


class FakeCapture:
    """A camera that delivers what it is told; the last thing again and again."""

    def __init__(self, *deliveries, opens=True, properties=None):
        self.deliveries = list(deliveries) or [colors()]
        self.opens = opens
        self.properties = properties or {}
        self.asked = {}
        self.reads = 0
        self.released = 0

    def isOpened(self):  # noqa: N802
        return self.opens

    def read(self):
        delivery = self.deliveries[min(self.reads, len(self.deliveries) - 1)]
        self.reads += 1
        if isinstance(delivery, Exception):
            raise delivery
        return (False, None) if delivery is None else (True, delivery)

    def get(self, prop):
        return self.properties.get(prop, 0.0)

    def set(self, prop, value):
        self.asked[prop] = value
        return False

    def release(self):
        self.released += 1


class Clock:
    """Stands still, but for what is waited."""

    def __init__(self):
        self.now_s = 1000.0

    def __call__(self):
        return self.now_s

    def wait(self, seconds):
        self.now_s += seconds


def camera(capture, address="0", **options):
    clock = Clock()
    options.setdefault("platform", "linux")
    return CameraSource(address, capture=lambda *_: capture, clock=clock, wait=clock.wait, **options), clock


def test_facts_come_from_the_first_picture_not_from_what_the_driver_says():
    lies = {
        cv2.CAP_PROP_FRAME_WIDTH: 1920.0,
        cv2.CAP_PROP_FPS: 30.0,
        cv2.CAP_PROP_FOURCC: float(cv2.VideoWriter.fourcc(*"MJPG")),
    }
    source, _ = camera(FakeCapture(properties=lies))
    info = source.open()
    assert (info.width, info.height, info.fps, info.codec) == (64, 48, 30.0, "mjpg")
    assert info.duration_s is None
    assert not info.seekable


@pytest.mark.parametrize("fps", [0.0, -1.0, float("nan"), 1e9])
def test_a_senseless_rate_is_left_out(fps):
    source, _ = camera(FakeCapture(properties={cv2.CAP_PROP_FPS: fps}))
    assert source.open().fps is None


def test_pictures_and_their_times():
    numbers = count()
    capture = FakeCapture()
    capture.read = lambda: (True, colors(value=next(numbers)))
    source, clock = camera(capture)
    source.open()
    pictures = []
    for _ in range(5):
        pictures.append(source.read())
        clock.now_s += 0.04
    pictures += [source.read() for _ in range(3)]  # the clock stands still
    assert [each.image[0, 0, 0] for each in pictures] == list(range(8))
    assert [each.t_s for each in pictures[:5]] == pytest.approx([1000 + 0.04 * n for n in range(5)])
    assert all(late.t_s > early.t_s for early, late in pairwise(pictures))
    assert not any(each.image.flags.writeable for each in pictures)
    assert all(each.image.flags.c_contiguous for each in pictures)


def test_the_picture_read_at_opening_is_not_lost_and_not_the_drivers_own():
    raw = colors()
    source, _ = camera(FakeCapture(raw, colors(value=7)))
    source.open()
    first = source.read()
    assert first.image[0, 0, 0] == 90
    assert source.read().image[0, 0, 0] == 7


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (colors((48, 64)), (90, 90, 90)),
        (colors((48, 64, 1)), (90, 90, 90)),
        (colors((48, 64, 4)), (90, 90, 90)),
        (colors((48, 128, 3))[:, ::2], (90, 90, 90)),
    ],
)
def test_other_layouts_become_bgr(raw, expected):
    source, _ = camera(FakeCapture(raw))
    source.open()
    image = source.read().image
    assert image.shape == (48, 64, 3)
    assert tuple(image[5, 5]) == expected
    assert image.flags.c_contiguous


@pytest.mark.parametrize(
    "raw", [colors((48,)), colors((0, 0, 3)), colors((48, 64, 2)), np.zeros((48, 64, 3), np.float32)]
)
def test_what_is_no_picture_is_refused(raw):
    source, _ = camera(FakeCapture(raw))
    with pytest.raises(SourceError, match="no more pictures") as caught:
        source.open()
    assert str(raw.shape) in caught.value.details


def test_a_few_failed_reads_are_forgiven():
    source, _ = camera(FakeCapture(colors(), None, cv2.error("busy"), None, colors(value=5)))
    source.open()
    source.read()
    assert source.read().image[0, 0, 0] == 5


def test_black_pictures_are_pictures():
    source, _ = camera(FakeCapture(colors(value=0)))
    source.open()
    assert source.read().image.max() == 0


def test_a_camera_that_dies():
    capture = FakeCapture(colors(), colors(), None)
    source, clock = camera(capture, title="Desk camera")
    source.open()
    source.read()
    source.read()
    with pytest.raises(SourceError, match="Desk camera delivers no more pictures"):
        source.read()
    assert 0.5 < clock.now_s - 1000 < 2
    assert capture.reads < 50


def test_a_camera_that_opens_and_delivers_nothing_is_released():
    capture = FakeCapture(None)
    source, clock = camera(capture)
    with pytest.raises(SourceError, match="Camera 0 delivers no more pictures"):
        source.open()
    assert capture.released == 1
    assert clock.now_s - 1000 < 6


@pytest.mark.parametrize(
    ("platform", "hint"),
    [("linux", r"There is no /dev/video0"), ("darwin", "System Settings"), ("win32", "desktop apps")],
)
def test_a_camera_that_does_not_open(platform, hint, monkeypatch):
    monkeypatch.setattr("pathlib.Path.exists", lambda _: False)
    source, _ = camera(FakeCapture(opens=False), platform=platform)
    with pytest.raises(SourceError, match="could not be opened") as caught:
        source.open()
    assert hint in caught.value.message
    with pytest.raises(SourceError, match="not open"):
        source.read()


def test_a_camera_that_may_not_be_used(tmp_path, monkeypatch):
    node = tmp_path / "video0"
    node.touch()
    source, _ = camera(FakeCapture(opens=False), address=str(node))
    with pytest.raises(SourceError, match="another program"):
        source.open()
    monkeypatch.setattr("os.access", lambda *_: False)
    with pytest.raises(SourceError, match="group 'video'"):
        source.open()


def test_the_next_backend_is_tried():
    tried = []

    def open_capture(address, backend):
        tried.append((address, backend))
        if backend == cv2.CAP_MSMF:
            raise cv2.error("no Media Foundation")
        return FakeCapture()

    source = CameraSource("1", capture=open_capture, platform="win32")
    source.open()
    assert tried == [(1, cv2.CAP_MSMF), (1, cv2.CAP_DSHOW)]
    tried.clear()
    CameraSource("/dev/video2", backend=cv2.CAP_V4L2, capture=open_capture, platform="linux").open()
    assert tried == [("/dev/video2", cv2.CAP_V4L2)]


def test_backends():
    assert backends("linux") == (cv2.CAP_V4L2,)
    assert backends("darwin") == (cv2.CAP_AVFOUNDATION,)
    assert backends("freebsd14") == (cv2.CAP_ANY,)


@pytest.mark.parametrize(("size", "mjpg"), [((640, 480), False), ((1280, 720), True), ((1920, 1080), True)])
def test_size_request(size, mjpg):
    capture = FakeCapture()
    source, _ = camera(capture, size=size)
    source.open()
    assert (capture.asked[cv2.CAP_PROP_FRAME_WIDTH], capture.asked[cv2.CAP_PROP_FRAME_HEIGHT]) == size
    assert (cv2.CAP_PROP_FOURCC in capture.asked) == mjpg
    assert capture.asked[cv2.CAP_PROP_BUFFERSIZE] == 1
    assert next(iter(capture.asked)) == (cv2.CAP_PROP_FOURCC if mjpg else cv2.CAP_PROP_FRAME_WIDTH)


def test_no_size_request():
    capture = FakeCapture()
    source, _ = camera(capture)
    source.open()
    assert set(capture.asked) == {cv2.CAP_PROP_BUFFERSIZE}


def test_life():
    capture = FakeCapture()
    source, _ = camera(capture)
    source.close()
    source.open()
    with pytest.raises(SourceError, match="live"):
        source.seek(1)
    source.close()
    source.close()
    assert capture.released == 1


def test_closing_never_fails():
    capture = FakeCapture()
    capture.release = lambda: 1 / 0
    source, _ = camera(capture)
    source.open()
    source.close()


def test_a_real_camera_that_is_not_there(capfd):
    source = CameraSource("97")
    with pytest.raises(SourceError, match="Camera 97 could not be opened"):
        source.open()
