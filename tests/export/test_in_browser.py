"""What is written plays in a real browser, picture and sound."""

from __future__ import annotations

import queue
import shutil
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from slowfast_live.export.codecs import Effort
from slowfast_live.export.video import annotate
from slowfast_live.export.writer import VideoWriter
from slowfast_live.types import Readout, ReadoutState
from tests.export.test_annotate import flashing
from tests.export.videos import needs_ffmpeg
from tests.sources.numbered_video import X264, picture

BROWSER = next((path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), "")
pytestmark = [needs_ffmpeg, pytest.mark.skipif(not BROWSER, reason="needs Chromium")]
WITHIN_S = 90.0
PAGE = """<!doctype html><video muted src="/video"></video><script>
const video = document.querySelector("video");
const tell = (what) => fetch(`/told?what=${what}&width=${video.videoWidth}&height=${video.videoHeight}`
  + `&duration=${video.duration}&frames=${video.webkitDecodedFrameCount}&sound=${video.webkitAudioDecodedByteCount}`
  + `&error=${encodeURIComponent(video.error ? video.error.message : "")}`);
video.onended = () => tell("ended");
video.onerror = () => tell("error");
video.play();
</script>"""


class Server(ThreadingHTTPServer):
    """Serves a page with a video, and takes what the page tells."""

    def __init__(self, path: Path) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.path = path
        self.told: queue.Queue[dict[str, str]] = queue.Queue()


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        body, kind = PAGE.encode(), "text/html"
        if address.path == "/video":
            path = self.server.path
            body, kind = path.read_bytes(), {".mp4": "video/mp4", ".webm": "video/webm"}[path.suffix]
        elif address.path == "/told":
            self.server.told.put({name: values[0] for name, values in parse_qs(address.query).items()})
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def profile(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "profile"


def play(path: Path, profile: Path) -> dict[str, str]:
    """Play a video to its end; return what the browser says of it."""
    with Server(path) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        options = ["--headless", "--no-sandbox", "--disable-gpu", "--mute-audio", f"--user-data-dir={profile}"]
        address = f"http://127.0.0.1:{server.server_port}/"
        quiet = subprocess.DEVNULL
        browser = subprocess.Popen(
            [BROWSER, *options, "--autoplay-policy=no-user-gesture-required", "--remote-debugging-port=0", address],
            stdout=quiet,
            stderr=quiet,
        )
        try:
            told = server.told.get(timeout=WITHIN_S)
        finally:
            browser.terminate()
            browser.wait(20)
            server.shutdown()
            thread.join()
    assert told["what"] == "ended", told
    return told


@pytest.mark.parametrize("ending", [".mp4", ".webm"])
def test_an_annotated_video_plays(tmp_path: Path, profile: Path, ending: str) -> None:
    source = flashing(tmp_path / "source.mkv", *X264, "-c:a", "ac3", seconds=2)
    copy = tmp_path / f"copy{ending}"
    annotate(source, copy, [(0.0, Readout(ReadoutState.ACTION, "squat", 0.9))])
    told = play(copy, profile)
    assert (told["width"], told["height"]) == ("160", "96")
    assert float(told["duration"]) == pytest.approx(2, abs=0.07)
    assert int(told["frames"]) > 30
    assert int(told["sound"]) > 0


@pytest.mark.parametrize("plain", [True, False])
def test_a_recording_plays_in_its_final_and_in_its_growing_form(tmp_path: Path, profile: Path, plain: bool) -> None:
    writer = VideoWriter(tmp_path / "clip.mp4", effort=Effort.LIVE)
    for number in range(60):
        writer.write(picture(number), number / 30)
    told = play(writer.close(plain=plain), profile)
    assert float(told["duration"]) == pytest.approx(2, abs=0.04)
    assert int(told["frames"]) > 30
