import contextlib
import functools
import http.server
import shutil
import socket
import subprocess
import threading
import time
from itertools import pairwise

import pytest
from numbered_video import X264, encode, ffmpeg, number_of, read_all

from slowfast_live.errors import SourceError
from slowfast_live.sources.stream import ArrivalClock, StreamSource
from slowfast_live.urls import display_url

PATIENCE_S = 60.0


@pytest.fixture(autouse=True)
def needs_ffmpeg():
    if shutil.which("ffmpeg") is None:
        pytest.skip("the ffmpeg command sends the streams of these tests, and is not installed")


@pytest.fixture
def port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def stream():
    sources = []

    def make(url, **options):
        sources.append(StreamSource(url, **options))
        return sources[-1]

    yield make
    for source in sources:
        source.close()


@pytest.fixture
def send(make_video):
    """Start an ffmpeg that sends a video for ever, in real time."""
    senders = []

    def start(name, *args):
        command = [
            "ffmpeg",
            "-v",
            "error",
            "-nostdin",
            "-stream_loop",
            "-1",
            "-re",
            "-i",
            str(make_video(name)),
        ]
        senders.append(subprocess.Popen([*command, *args]))
        return senders[-1]

    yield start
    for sender in senders:
        sender.kill()
        sender.wait(PATIENCE_S)


def connect(source):
    """Open a source as soon as its server listens."""
    deadline = time.monotonic() + PATIENCE_S
    pause = threading.Event()
    while True:
        try:
            return source.open()
        except SourceError as error:
            if "refused" not in error.message or time.monotonic() > deadline:
                raise
            pause.wait(0.05)


SENT = {
    "MPEG-TS over TCP": ("tcp://127.0.0.1:{}", ("-c", "copy", "-f", "mpegts", "tcp://127.0.0.1:{}?listen=1")),
    "MPEG-TS over HTTP": (
        "http://127.0.0.1:{}/live.ts",
        ("-c", "copy", "-f", "mpegts", "-listen", "1", "http://127.0.0.1:{}/live.ts"),
    ),
    "MJPEG over HTTP": (
        "http://127.0.0.1:{}/cam.mjpg",
        ("-c:v", "mjpeg", "-q:v", "3", "-f", "mpjpeg", "-listen", "1", "http://127.0.0.1:{}/cam.mjpg"),
    ),
}


@pytest.mark.parametrize("kind", SENT)
def test_live_streams(send, stream, port, kind):
    url, args = SENT[kind]
    sender = send("h264.mp4", *(arg.format(port) for arg in args))
    source = stream(url.format(port))
    info = connect(source)
    assert (info.width, info.height) == (160, 96)
    assert not info.seekable
    assert info.duration_s is None
    before_s = time.monotonic()
    pictures = [source.read() for _ in range(40)]
    times = [each.t_s for each in pictures]
    assert all(late > early for early, late in pairwise(times))
    assert abs(times[-1] - time.monotonic()) < 10
    assert times[-1] - before_s < PATIENCE_S
    numbers = [number_of(each.image) for each in pictures]
    assert all((late - early) % 90 == 1 for early, late in pairwise(numbers))
    with pytest.raises(SourceError, match="stream"):
        source.seek(0)
    sender.kill()
    with pytest.raises(SourceError, match=r"127\.0\.0\.1"):
        while source.read() is not None:
            pass


@contextlib.contextmanager
def serve(handle):
    """Accept connections on a free port and hand each to `handle`, on a thread."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        done = threading.Event()

        def accept():
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    with connection, contextlib.suppress(OSError):
                        handle(connection, done)

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            done.set()
            with contextlib.suppress(OSError):
                server.shutdown(socket.SHUT_RDWR)
    thread.join(PATIENCE_S)


@pytest.mark.parametrize("url", ["tcp://127.0.0.1:{}", "http://127.0.0.1:{}/x", "rtsp://127.0.0.1:{}/x",
                                 "rtmp://127.0.0.1:{}/a/b"])  # fmt: skip
def test_a_server_that_never_answers_is_given_up(stream, url):
    with serve(lambda _connection, done: done.wait(PATIENCE_S)) as port:
        source = stream(url.format(port), open_s=0.3, silence_s=0.3)
        with pytest.raises(SourceError, match=r"did not answer within 0\.3 s") as caught:
            source.open()
        assert str(port) in caught.value.message


def test_a_server_that_drips_is_given_up(stream):
    def drip(connection, done):
        while not done.wait(0.02):
            connection.sendall(b"\x00")

    with serve(drip) as port, pytest.raises(SourceError, match=str(port)):
        stream(f"tcp://127.0.0.1:{port}", open_s=0.3, silence_s=0.3).open()


def test_a_refused_connection(stream, port):
    with pytest.raises(SourceError, match="refused the connection"):
        stream(f"tcp://127.0.0.1:{port}").open()


def test_udp_without_sender(stream, port):
    with pytest.raises(SourceError, match="did not answer"):
        stream(f"udp://127.0.0.1:{port}", open_s=0.3, silence_s=0.3).open()


def test_a_sender_that_stops_in_the_middle(stream, make_video):
    data = make_video("h264.ts").read_bytes()
    with serve(lambda connection, _done: connection.sendall(data[: len(data) * 2 // 3])) as port:
        source = stream(f"tcp://127.0.0.1:{port}")
        source.open()
        count = 0
        with pytest.raises(SourceError, match="ended"):
            while source.read() is not None:
                count += 1
        assert count > 20


def test_a_sender_that_falls_silent(stream, make_video):
    data = make_video("h264.ts").read_bytes()

    def stall(connection, done):
        connection.sendall(data[: len(data) * 2 // 3])
        done.wait(PATIENCE_S)

    with serve(stall) as port:
        source = stream(f"tcp://127.0.0.1:{port}", open_s=2.0, silence_s=0.5)
        source.open()
        with pytest.raises(SourceError, match=r"silent: no data for 0\.5 s"):
            while source.read() is not None:
                pass


def test_a_sender_of_text(stream):
    def greet(connection, _done):
        connection.sendall(b"hello world\n" * 5000)

    with serve(greet) as port, pytest.raises(SourceError, match=r"text, not a video.*hello world"):
        stream(f"tcp://127.0.0.1:{port}").open()


@pytest.fixture
def web(tmp_path):
    handler = functools.partial(QuietHandler, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield tmp_path, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join(PATIENCE_S)


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


def test_a_finished_file_on_a_web_server_plays_in_real_time_and_ends(stream, web):
    folder, address = web
    encode(folder / "clip.mp4", 30, *X264, "-movflags", "+faststart", fps=10)
    now_s = 100.0
    waits = []

    def wait(seconds):
        nonlocal now_s
        waits.append(seconds)
        now_s += seconds

    source = stream(f"{address}/clip.mp4", clock=lambda: now_s, wait=wait)
    source.open()
    numbers, times = read_all(source)
    assert numbers == list(range(30))
    assert times[-1] - times[0] == pytest.approx(2.9, abs=1e-3)
    assert sum(waits) == pytest.approx(2.9, abs=1e-3)


def test_segments_play_in_real_time(stream, web, make_video):
    folder, address = web
    ffmpeg("-i", make_video("h264.mp4"), "-c", "copy", "-f", "hls", "-hls_time", "1", folder / "list.m3u8")
    now_s = 100.0

    def wait(seconds):
        nonlocal now_s
        now_s += seconds

    source = stream(f"{address}/list.m3u8", clock=lambda: now_s, wait=wait)
    source.open()
    numbers, times = read_all(source)
    assert numbers == list(range(90))
    assert times[-1] - times[0] == pytest.approx(89 / 30, abs=1e-3)
    assert now_s - 100 == pytest.approx(89 / 30, abs=1e-3)


def test_datagrams(send, stream, port):
    send("h264.mp4", "-c:v", "mpeg2video", "-g", "5", "-f", "mpegts", f"udp://127.0.0.1:{port}?pkt_size=1316")
    source = stream(f"udp://127.0.0.1:{port}", open_s=PATIENCE_S, silence_s=PATIENCE_S)
    assert source.open().codec == "mpeg2video"
    times = [source.read().t_s for _ in range(20)]
    assert all(late > early for early, late in pairwise(times))


def test_a_missing_page(stream, web):
    with pytest.raises(SourceError, match="answered with an error"):
        stream(f"{web[1]}/missing.mp4").open()


def test_not_open(stream):
    source = stream("tcp://127.0.0.1:1")
    with pytest.raises(SourceError, match="not open"):
        source.read()
    source.close()
    source.close()


def test_passwords_are_not_shown(stream, port):
    assert display_url("rtsp://user:secret@host:554/x?y=1") == "rtsp://host:554/x?y=1"
    with pytest.raises(SourceError) as caught:
        stream(f"http://user:secret@127.0.0.1:{port}/x").open()
    assert "secret" not in caught.value.message + caught.value.details


def test_arrival_clock_takes_out_jitter():
    clock = ArrivalClock()
    jitter = [0.0, 0.03, -0.02, 0.05, 0.0, -0.04, 0.02] * 20
    times = [clock.place(50 + n / 30, 1000 + n / 30 + late) for n, late in enumerate(jitter)]
    steps = [late - early for early, late in pairwise(times)]
    assert max(abs(step - 1 / 30) for step in steps) < 0.003
    assert abs(times[-1] - (1000 + 139 / 30)) < 0.05


def test_arrival_clock_follows_a_sender_whose_clock_runs_fast():
    clock = ArrivalClock()
    for n in range(20_000):
        now_s = n / 30
        assert abs(clock.place(now_s * 1.001, now_s) - now_s) < 0.05


@pytest.mark.parametrize("jump_s", [-50.0, 3600.0])
def test_arrival_clock_takes_a_jump_of_the_sender(jump_s):
    clock = ArrivalClock()
    times = [clock.place(n / 30 + (jump_s if n >= 30 else 0), 5 + n / 30) for n in range(60)]
    assert times == pytest.approx([5 + n / 30 for n in range(60)], abs=1e-6)


def test_arrival_clock_after_a_burst_is_still_strictly_increasing():
    clock = ArrivalClock()
    times = [clock.place(n / 30, 10.0) for n in range(60)]
    times += [clock.place(None, 10.0) for _ in range(3)]
    assert all(late > early for early, late in pairwise(times))
    assert times[-1] < 11
