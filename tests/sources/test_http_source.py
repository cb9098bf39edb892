"""What comes from a web server: files that play once, cameras in odd forms, and what is no video at all."""

import shutil
import socket
import subprocess
import threading

import cv2
import pytest
from numbered_video import X264, encode, number_of, picture, read_all
from web_server import WebServer, behind_password, chunked, endless, moved, ranges, until_closed, whole

from slowfast_live.errors import SourceError
from slowfast_live.sources.stream import StreamSource

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def server():
    web = WebServer()
    yield web
    web.stop()


class Slept:
    """A clock that runs on when it is waited for, and only then."""

    def __init__(self):
        self.now_s = 100.0

    def wait(self, seconds):
        self.now_s += seconds


def opened(url):
    clock = Slept()
    source = StreamSource(url, open_s=60, silence_s=60, clock=lambda: clock.now_s, wait=clock.wait)
    return source, source.open(), clock


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """What a browser records: WebM without duration and without an index, 30 frames, 3 s."""
    if shutil.which("ffmpeg") is None:
        pytest.skip("the ffmpeg command makes the videos of these tests, and is not installed")
    folder = tmp_path_factory.mktemp("recorded")
    whole = encode(folder / "whole.webm", 30, "-c:v", "libvpx", "-deadline", "realtime", "-b:v", "1M", fps=10)
    command = ["ffmpeg", "-v", "error", "-i", whole, "-c", "copy", "-f", "webm", "-live", "1", "-"]
    return subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=60).stdout


@pytest.fixture(scope="module")
def index_last(tmp_path_factory):
    """An MP4 whose index lies at its end: 30 frames, 3 s."""
    if shutil.which("ffmpeg") is None:
        pytest.skip("the ffmpeg command makes the videos of these tests, and is not installed")
    return encode(tmp_path_factory.mktemp("mp4") / "last.mp4", 30, *X264, fps=10).read_bytes()


SENDERS = {"stated length": whole, "ranges": ranges, "chunked": chunked, "until the connection closes": until_closed}


@pytest.mark.parametrize("sender", ["stated length", "ranges"])
def test_a_recording_without_a_duration_plays_once_in_real_time_and_ends(server, recorded, sender):
    server.pages["/recorder.webm"] = SENDERS[sender](recorded)
    source, _info, clock = opened(f"{server.address}/recorder.webm")
    numbers, times = read_all(source)
    assert numbers == list(range(30))
    assert times[-1] - times[0] == pytest.approx(2.9, abs=2e-3)
    assert clock.now_s - 100 == pytest.approx(2.9, abs=2e-3)
    assert source.read() is None
    source.close()


@pytest.mark.parametrize("sender", ["chunked", "until the connection closes"])
def test_a_recording_of_which_nothing_is_stated_ends_when_it_begins_again(server, recorded, sender):
    server.pages["/recorder.webm"] = SENDERS[sender](recorded)
    source, _info, _clock = opened(f"{server.address}/recorder.webm")
    with pytest.raises(SourceError, match="has ended"):
        read_all(source)
    source.open()
    assert source.read() is None
    source.close()


def test_a_stream_that_begins_with_something_else_goes_on_after_its_end(server, recorded, tmp_path):
    server.pages["/live.webm"] = chunked(recorded)
    source, _info, _clock = opened(f"{server.address}/live.webm")
    with pytest.raises(SourceError, match="has ended"):
        read_all(source)
    other = encode(tmp_path / "o.webm", [picture(n) for n in range(500, 520)], "-c:v", "libvpx", "-b:v", "1M")
    server.pages["/live.webm"] = chunked(other.read_bytes())
    source.open()
    assert number_of(source.read().image) == 500
    source.close()


@pytest.mark.parametrize("sender", SENDERS)
def test_an_index_at_the_end(server, index_last, sender):
    server.pages["/last.mp4"] = SENDERS[sender](index_last)
    source, info, _clock = opened(f"{server.address}/last.mp4")
    assert read_all(source)[0] == list(range(30))
    assert (info.width, info.seekable) == (160, False)
    source.close()


def test_a_length_that_is_too_great_loses_no_picture_and_is_said(server, index_last):
    server.pages["/last.mp4"] = whole(index_last, length=2 * len(index_last))
    source, _info, _clock = opened(f"{server.address}/last.mp4")
    assert read_all(source)[0] == list(range(30))
    assert "ended early" in source.warning
    source.close()


def test_a_redirect_is_followed(server, index_last):
    server.pages["/old"] = moved("/new.mp4")
    server.pages["/new.mp4"] = whole(index_last)
    source, _info, _clock = opened(f"{server.address}/old")
    assert read_all(source)[0] == list(range(30))
    source.close()


def test_a_password_is_sent_and_never_shown(server, index_last):
    server.pages["/a.mp4"] = behind_password(whole(index_last), "me", "se cret")
    address = server.address.removeprefix("http://")
    source, _info, _clock = opened(f"http://me:se%20cret@{address}/a.mp4")
    assert read_all(source)[0] == list(range(30))
    source.close()
    for given, said in (("", "asks for a user name and password"), ("me:wr0ng@", "refuses the user name")):
        with pytest.raises(SourceError, match=said) as caught:
            opened(f"http://{given}{address}/a.mp4?token=t0ken")
        assert "wr0ng" not in caught.value.message + caught.value.details
        assert "t0ken" not in caught.value.message + caught.value.details


# Cameras


def jpegs(count=24):
    return [bytes(cv2.imencode(".jpg", picture(n), [cv2.IMWRITE_JPEG_QUALITY, 90])[1]) for n in range(count)]


def part(head, jpeg, tail=b"\r\n"):
    return head + b"\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(jpeg) + jpeg + tail


MIXED = "multipart/x-mixed-replace; boundary="
FORMS = {
    "as the standard says": (MIXED + "frame", lambda jpeg: part(b"--frame", jpeg)),
    "dashes in the header too": (MIXED + "--frame", lambda jpeg: part(b"--frame", jpeg)),
    "no first boundary": (MIXED + "frame", lambda jpeg: part(b"", jpeg, b"\r\n--frame")),
    "boundary without dashes": (MIXED + "frame", lambda jpeg: part(b"frame", jpeg)),
    "quoted, without lengths": (
        MIXED + '"frame"', lambda jpeg: b"\r\n--frame\r\nContent-type: image/jpg\r\n\r\n" + jpeg,
    ),
    "another boundary than announced": (MIXED + "frame", lambda jpeg: part(b"--other", jpeg)),
    "announced, but bare": (MIXED + "frame", lambda jpeg: jpeg),
    "bare JPEGs": ("image/jpeg", lambda jpeg: jpeg),
    "bare JPEGs of no kind": ("application/octet-stream", lambda jpeg: jpeg),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_pictures_of_cameras_in_any_form(server, form):
    kind, wrap = FORMS[form]
    server.pages["/video"] = endless([wrap(jpeg) for jpeg in jpegs()], kind)
    source = StreamSource(f"{server.address}/video", open_s=30, silence_s=30)
    info = source.open()
    assert (info.width, info.height, info.codec) == (160, 96, "mjpeg")
    numbers = [number_of(source.read().image) for _ in range(60)]
    assert numbers == [(numbers[0] + n) % 24 for n in range(60)]
    source.close()
    source.open()  # as after a break
    assert source.read() is not None
    source.close()


def test_bare_jpegs_over_tcp():
    done = threading.Event()
    pictures = jpegs()

    def send(server):
        while not done.is_set():
            connection, _ = server.accept()
            with connection:
                try:
                    while not done.wait(0.01):
                        for jpeg in pictures:
                            connection.sendall(jpeg)
                except OSError:
                    continue

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=send, args=(server,), daemon=True).start()
        source = StreamSource(f"tcp://127.0.0.1:{server.getsockname()[1]}", open_s=30, silence_s=30)
        source.open()
        assert [number_of(source.read().image) for _ in range(30)] == [n % 24 for n in range(30)]
        source.close()
        done.set()


# What is no video


@pytest.mark.parametrize(
    ("page", "said"),
    [
        (whole(b"<!DOCTYPE html><title>Log in</title>" * 9, "text/html"), "web page.*manual"),
        (whole(b"  <html>hello</html>" * 9), "web page"),
        (whole(jpegs(1)[0], "image/jpeg"), r"single picture \(JPEG\).*RTSP"),
        (whole(bytes(cv2.imencode(".png", picture(3))[1]), "image/png"), r"single picture \(PNG\)"),
        (whole(b'{"error": "no such channel"}' * 99, "application/json"), "text.*no such channel"),
        (whole(bytes(range(7, 250)) * 300, "video/mp4"), "data as video/mp4.*begins with 07 08"),
        (whole(b"", "video/mp4"), "sends nothing"),
        (whole(b"[playlist]\nFile1=http://x/y\n"), "a playlist"),
        (whole(b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nt=0 0\r\nm=video 5004 RTP/AVP 96\r\n"), "stream"),
        (whole(b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n"), "HLS playlist that names no video"),
    ],
)
def test_what_came_is_said_and_what_to_do(server, page, said):
    server.pages["/x"] = page
    with pytest.raises(SourceError, match=f"(?s){said}") as caught:
        StreamSource(f"http://u:secret@127.0.0.1:{server.server_port}/x?password=hush", open_s=20, silence_s=20).open()
    assert "127.0.0.1" in caught.value.message
    for hidden in ("secret", "hush"):
        assert hidden not in caught.value.message + caught.value.details


def test_a_playlist_over_http_does_not_reach_for_files_of_this_machine(server, make_video):
    listed = f"#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:3,\nfile://{make_video('h264.ts')}\n#EXT-X-ENDLIST\n"
    server.pages["/list.m3u8"] = whole(listed.encode())
    with pytest.raises(SourceError):
        StreamSource(f"{server.address}/list.m3u8", open_s=20, silence_s=20).open()


@pytest.mark.parametrize("scheme", ["http", "rtsp"])
def test_a_server_that_speaks_another_protocol(scheme):
    def greet(server):
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with connection:
                connection.recv(4096)
                connection.sendall(b"SSH-2.0-OpenSSH_9\r\n" + bytes(range(256)))

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=greet, args=(server,), daemon=True).start()
        url = f"{scheme}://127.0.0.1:{server.getsockname()[1]}/x"
        with pytest.raises(SourceError, match=r"answers, but not .*Is the port right"):
            StreamSource(url, open_s=20, silence_s=20).open()
        server.shutdown(socket.SHUT_RDWR)
