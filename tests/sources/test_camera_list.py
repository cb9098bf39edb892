import queue
import threading
from types import SimpleNamespace

import pytest

from slowfast_live.sources import cameras
from slowfast_live.sources.cameras import CameraWatcher, list_cameras, plugged
from slowfast_live.types import SourceKind, SourceSpec

PATIENCE_S = 30.0


def found(index, name, path=None):
    return SimpleNamespace(index=index, name=name, path=path, vid=None, pid=None)


def spec(index, title):
    return SourceSpec(SourceKind.CAMERA, str(index), title, 200)


def test_names_order_and_doubles():
    listed = list_cameras(
        lambda _: [found(2, "HD  Webcam"), found(0, "HD Webcam"), found(0, "HD Webcam"), found(4, "")],
        "linux",
    )
    assert listed == [spec(0, "HD Webcam"), spec(2, "HD Webcam (2)"), spec(4, "Camera 4")]
    assert [each.name for each in listed] == ["HD Webcam", "HD Webcam (2)", "Camera 4"]


def test_metadata_nodes_that_may_not_be_asked_are_left_out(tmp_path, monkeypatch):
    monkeypatch.setattr(cameras, "_VIDEO4LINUX", tmp_path)
    for node, index in (("video0", 0), ("video1", 1)):
        (tmp_path / node).mkdir()
        (tmp_path / node / "index").write_text(f"{index}\n")
    nodes = [found(n, "Cam", f"/nonexistent/video{n}") for n in range(3)]
    assert [each.address for each in list_cameras(lambda _: nodes, "linux")] == ["0", "2"]


@pytest.mark.parametrize(("platform", "backend"), [("linux", 200), ("darwin", 1200), ("win32", 1400)])
def test_the_backend_of_the_platform_is_asked(platform, backend):
    listed = list_cameras(lambda asked: [found(0, f"asked {asked}")], platform)
    assert [(each.title, each.backend) for each in listed] == [(f"asked {backend}", backend)]


def test_windows_falls_back_to_direct_show():
    listed = list_cameras(lambda asked: [found(0, "Old")] if asked == 700 else [], "win32")
    assert [(each.title, each.backend) for each in listed] == [("Old", 700)]


def test_listing_never_raises(caplog):
    def broken(_):
        raise RuntimeError("driver")

    assert list_cameras(broken, "linux") == []
    assert "cannot be listed" in caplog.text
    assert list_cameras(broken, "plan9") == []


def test_the_real_list_is_a_list():
    assert all(isinstance(each, SourceSpec) for each in list_cameras())


def test_the_fingerprint_shows_what_is_plugged_in(tmp_path, monkeypatch):
    monkeypatch.setattr(cameras, "_VIDEO4LINUX", tmp_path)
    before = plugged("linux")
    (tmp_path / "video0").mkdir()
    assert plugged("linux") != before
    monkeypatch.setattr(cameras, "_VIDEO4LINUX", tmp_path / "missing")
    assert plugged("linux") == ()
    assert plugged("win32") is None


class Bench:
    """A watcher that looks when it is told to."""

    def __init__(self, lister, fingerprint=lambda: None):
        self.waiting = queue.Queue()
        self.go = queue.Queue()
        self.news = []
        self.watcher = CameraWatcher(lister, self.news.append, fingerprint=fingerprint, wait=self.wait)

    def wait(self, _seconds):
        self.waiting.put(None)
        return self.go.get(timeout=PATIENCE_S)

    def look(self):
        """Return when one look is done."""
        if self.watcher._thread is None:
            self.watcher.start()
        else:
            self.go.put(False)
        self.waiting.get(timeout=PATIENCE_S)

    def end(self):
        self.go.put(True)
        assert self.watcher.stop(PATIENCE_S)


def test_the_watcher_tells_of_changes_only():
    lists = iter([[spec(0, "A")], [spec(0, "A")], [spec(0, "A"), spec(1, "B")], []])
    bench = Bench(lambda: next(lists))
    assert (bench.watcher.cameras(), bench.watcher.version) == ((), 0)
    seen = []
    for _ in range(4):
        bench.look()
        seen.append((len(bench.watcher.cameras()), bench.watcher.version))
    bench.end()
    assert seen == [(1, 1), (1, 1), (2, 2), (0, 3)]
    assert bench.news == [(spec(0, "A"),), (spec(0, "A"), spec(1, "B")), ()]


def test_an_empty_first_list_counts():
    bench = Bench(list)
    bench.look()
    bench.look()
    bench.end()
    assert bench.watcher.version == 1
    assert bench.news == [()]


def test_nothing_is_listed_while_nothing_is_plugged():
    marks = iter(["x", "x", "x", "y", "y"])
    calls = []
    bench = Bench(lambda: calls.append(1) or [], fingerprint=lambda: next(marks))
    for _ in range(5):
        bench.look()
    bench.end()
    assert len(calls) == 2


def test_the_watch_survives_a_broken_lister_and_listener(caplog):
    lists = iter([RuntimeError("driver"), [spec(0, "A")], [spec(1, "B")]])

    def lister():
        each = next(lists)
        if isinstance(each, Exception):
            raise each
        return each

    bench = Bench(lister)
    bench.watcher._on_change = lambda _: 1 / 0
    for _ in range(3):
        bench.look()
    bench.end()
    assert bench.watcher.cameras() == (spec(1, "B"),)
    assert "driver" in caplog.text


def test_stop_is_bounded_when_a_driver_hangs(caplog):
    inside, free = threading.Event(), threading.Event()

    def hang():
        inside.set()
        free.wait(PATIENCE_S)
        return []

    watcher = CameraWatcher(hang)
    watcher.start()
    watcher.start()
    assert inside.wait(PATIENCE_S)
    assert not watcher.stop(0.01)
    assert "left behind" in caplog.text
    free.set()
    assert watcher.stop(PATIENCE_S)


def test_stop_wakes_a_waiting_watcher():
    watcher = CameraWatcher(list, period_s=3600)
    assert watcher.stop()
    watcher = CameraWatcher(list, period_s=3600)
    watcher.start()
    assert watcher.stop(PATIENCE_S)
