import bisect
import errno
import gc
import os
import subprocess
from itertools import pairwise

import numpy as np
import pytest
from av.error import FFmpegError, err_check
from av.video.frame import VideoFrame
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numbered_video import SEEKABLE, X264, X264_B, encode, ffmpeg, number_of, picture, read_all

from slowfast_live.errors import SourceError
from slowfast_live.sources.containers import is_damage
from slowfast_live.sources.file import FileSource


@pytest.fixture
def opened():
    sources = []

    def open_(path):
        source = FileSource(path)
        sources.append(source)
        return source, source.open()

    yield open_
    for source in sources:
        source.close()


@pytest.mark.parametrize("name", SEEKABLE)
def test_all_frames_come_in_order_with_rising_times(make_video, opened, name):
    source, info = opened(make_video(name))
    numbers, times = read_all(source)
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert times[0] == 0
    assert all(late > early for early, late in pairwise(times))
    assert info.seekable
    assert source.read() is None


FOUR = ("4k.mp4", "anamorphic.mp4")
COUNTS = {"h264.mp4": 90, "open_gop.mp4": 90, "negative.mkv": 60, "vfr.mkv": 60, "h264.avi": 60,
          "mpeg4.avi": 60, "mjpeg.mov": 40, "vp9.webm": 40, "anim.gif": 40, "mpeg2.ts": 60,
          "h264.ts": 60, "mpeg1.mpg": 60,
          "raw.h264": 60, "joined.ts": 80, "no_cues.mkv": 60, "fragmented.mp4": 60, "h264.flv": 60,
          "theora.ogv": 40, "wmv2.wmv": 60, "hevc.mp4": 60, "single.mp4": 1}  # fmt: skip


@pytest.mark.parametrize("name", COUNTS)
def test_no_frame_is_lost(make_video, opened, name):
    source, _ = opened(make_video(name))
    assert read_all(source)[0] == list(range(COUNTS[name]))
    assert source.warning == ""


@pytest.mark.parametrize(
    ("name", "fps"),
    [("fps10.mp4", 10), ("fps24.mp4", 24), ("fps29.97.mp4", 30000 / 1001), ("h264.mp4", 30),
     ("fps60.mp4", 60), ("fps120.mp4", 120), ("anim.gif", 10), ("h264.avi", 30),
     ("mpeg4.avi", 30), ("mpeg2.ts", 30)],
)  # fmt: skip
def test_times_are_exact(make_video, opened, name, fps):
    source, info = opened(make_video(name))
    _, times = read_all(source)
    assert info.fps == pytest.approx(fps, rel=1e-3)
    np.testing.assert_allclose(times, np.arange(len(times)) / fps, atol=2e-5)


def test_variable_rate_is_kept(make_video, opened):
    source, _ = opened(make_video("vfr.mkv"))
    _, times = read_all(source)
    stated = [(20 * n + (7 if n % 7 else 0) + n // 10 * 333) / 1000 for n in range(60)]
    np.testing.assert_allclose(times, stated, atol=1e-3)


def test_clock_that_starts_again_is_repaired(make_video, opened):
    source, _ = opened(make_video("joined.ts"))
    _, times = read_all(source)
    steps = np.diff(times)
    np.testing.assert_allclose(steps, 1 / 30, atol=2e-3)


@pytest.fixture(scope="module")
def passes(make_video):
    """Return (path, numbers, times) of a linear pass over a video; made once."""
    cache = {}

    def pass_over(name):
        if name not in cache:
            source = FileSource(make_video(name))
            source.open()
            cache[name] = (make_video(name), *read_all(source))
            source.close()
        return cache[name]

    return pass_over


@pytest.mark.parametrize("name", SEEKABLE)
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_search_finds_the_last_frame_at_or_before(passes, name, data):
    path, numbers, times = passes(name)
    exact = st.sampled_from(times)
    anywhere = st.floats(-0.5, times[-1] + 0.5)
    source = FileSource(path)
    source.open()
    try:
        for target in data.draw(st.lists(st.one_of(exact, anywhere), min_size=1, max_size=4)):
            source.seek(target)
            expected = max(0, bisect.bisect_right(times, target + 1e-6) - 1)
            for position in range(expected, min(expected + 3, len(times))):
                found = source.read()
                assert (number_of(found.image), found.t_s) == (numbers[position], times[position])
        source.seek(times[-1] + 100)
        assert number_of(source.read().image) == numbers[-1]
        assert source.read() is None
        source.seek(0)
        assert read_all(source) == (numbers, times)
    finally:
        source.close()


def test_a_search_does_not_change_the_pixels(make_video, opened):
    straight, _ = opened(make_video("open_gop.mp4"))
    pictures = []
    while (each := straight.read()) is not None:
        pictures.append(each)
    source, _ = opened(make_video("open_gop.mp4"))
    for each in pictures[::-7]:
        source.seek(each.t_s)
        np.testing.assert_array_equal(source.read().image, each.image)


@pytest.mark.parametrize("target", [float("nan"), float("inf"), float("-inf"), -1.0])
def test_senseless_targets_go_to_the_start(make_video, opened, target):
    source, _ = opened(make_video("h264.mp4"))
    source.seek(target)
    assert source.read().t_s == 0


@pytest.mark.parametrize(
    ("name", "size"),
    [("portrait.mp4", (160, 320)), ("odd.mkv", (161, 99)), ("4k.mp4", (3840, 2160)), ("grey.mkv", (160, 96)),
     ("ten_bit.mp4", (160, 96)), ("anamorphic.mp4", (320, 96))],
)  # fmt: skip
def test_shapes_and_pixel_formats(make_video, opened, name, size):
    source, info = opened(make_video(name))
    assert (info.width, info.height) == size
    first = source.read()
    assert first.image.shape == (size[1], size[0], 3)
    assert first.image.dtype == np.uint8
    assert first.image.flags.c_contiguous
    assert not first.image.flags.writeable
    assert [number_of(first.image), *read_all(source)[0]] == list(range(4 if name in FOUR else 8))


def test_colors_come_out_as_they_went_in(corners, opened):
    path, image = corners
    source, _ = opened(path)
    assert np.abs(source.read().image[4:28, 4:44].astype(int) - image[4:28, 4:44]).max() < 12


@pytest.mark.parametrize("matrix", ["bt709", "smpte170m"])
def test_the_color_matrix_of_the_file_is_used(opened, tmp_path, matrix):
    colors = np.zeros((64, 96, 3), np.uint8)
    colors[:] = (40, 200, 90)
    path = encode(
        tmp_path / "tagged.mp4", [colors] * 2, "-vf", f"scale=out_color_matrix={matrix}", *X264, "-crf", "4",
        "-colorspace", matrix, size=(96, 64),
    )  # fmt: skip
    source, _ = opened(path)
    assert np.abs(source.read().image.astype(int) - colors).max() < 8


TURNS = {
    "90 clockwise": ((0, 1, -1, 0), lambda image: np.rot90(image, -1)),
    "180": ((-1, 0, 0, -1), lambda image: np.rot90(image, 2)),
    "90 counter-clockwise": ((0, -1, 1, 0), lambda image: np.rot90(image, 1)),
    "mirrored": ((-1, 0, 0, 1), lambda image: image[:, ::-1]),
    "upside down": ((1, 0, 0, -1), lambda image: image[::-1]),
    "transposed": ((0, 1, 1, 0), lambda image: image.transpose(1, 0, 2)),
}


@pytest.mark.parametrize("name", TURNS)
def test_rotation_and_flips_are_applied(corners, turned_corners, opened, name):
    matrix, expected = TURNS[name]
    source, info = opened(turned_corners(*matrix))
    upright = np.ascontiguousarray(expected(corners[1]))
    assert (info.height, info.width) == upright.shape[:2]
    image = source.read().image
    for y, x in ((8, 8), (8, -8), (-8, 8), (-8, -8)):
        assert np.abs(image[y, x].astype(int) - upright[y, x]).max() < 16, (y, x)


ALPHA = {
    "vp8.webm": ("-c:v", "libvpx", "-pix_fmt", "yuva420p", "-auto-alt-ref", "0", "-crf", "5", "-b:v", "2M"),
    "vp9.webm": ("-c:v", "libvpx-vp9", "-pix_fmt", "yuva420p", "-crf", "5", "-b:v", "0"),
    "qtrle.mov": ("-c:v", "qtrle",),
    "png.mov": ("-c:v", "png",),
    "anim.gif": ("-vf", "split[a][b];[a]palettegen[p];[b][p]paletteuse"),
}  # fmt: skip


@pytest.mark.parametrize("name", ALPHA)
def test_alpha_is_composited_over_black(opened, tmp_path, name):
    image = np.full((64, 96, 4), 255, np.uint8)
    image[:, :48, 3] = 0
    if name != "anim.gif":
        image[:, 32:64, 3] = 128
    path = encode(tmp_path / name, [image] * 3, *ALPHA[name], size=(96, 64), pixels="bgra", fps=10)
    source, _ = opened(path)
    first = source.read().image
    assert first.shape == (64, 96, 3)
    assert first[:, :24].max() < 10
    assert first[:, 72:].min() > 245
    if name != "anim.gif":
        assert np.abs(first[:, 40:56].astype(int) - 128).max() < 12


@pytest.mark.parametrize("name", ["raw.mjpeg", "raw.m1v", "raw.h264"])
def test_data_without_a_container_has_the_times_of_its_rate_and_states_no_duration(make_video, opened, tmp_path, name):
    source, info = opened(make_video(name))
    numbers, times = read_all(source)
    rate = 25 if name == "raw.mjpeg" else 30  # which such data does not state
    assert numbers == list(range(len(numbers)))
    assert times == pytest.approx([number / rate for number in numbers])
    assert info.duration_s is None
    assert source.warning == ""
    other = tmp_path / "recording.bin"
    other.write_bytes(make_video(name).read_bytes())
    assert read_all(opened(other)[0])[0] == numbers


def test_a_photograph_that_holds_further_pictures_is_no_video(tmp_path):
    one = encode(tmp_path / "one.jpg", 1, "-q:v", "3").read_bytes()
    (tmp_path / "photo.jpg").write_bytes(one * 20)
    (tmp_path / "photo").write_bytes(one * 4)
    for name in ("photo.jpg", "photo"):
        with pytest.raises(SourceError, match="single picture"):
            FileSource(tmp_path / name).open()


def test_whatever_ffmpeg_calls_damage_what_is_there_plays(opened, tmp_path):
    """FFmpeg says "not yet implemented" of an animated PNG that is cut off, not "invalid data"."""
    path = encode(tmp_path / "cut.apng", 40)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10])
    source, _ = opened(path)
    numbers, _times = read_all(source)
    assert len(numbers) > 15 and numbers[:-1] == list(range(len(numbers) - 1))
    assert "damaged" in source.warning


def test_errors_of_the_disk_are_no_damage():
    for number, damage in ((errno.EPERM, True), (errno.EINVAL, True), (errno.EIO, False), (errno.ENOMEM, False)):
        with pytest.raises(FFmpegError) as caught:
            err_check(-number)
        assert is_damage(caught.value) is damage


def test_pictures_that_would_fill_the_memory_are_refused_with_their_size(tmp_path):
    path = tmp_path / "huge.mkv"
    ffmpeg("-f", "lavfi", "-i", "color=size=16000x8000:rate=1:duration=1", "-c:v", "png", path)
    with pytest.raises(SourceError, match=r"huge\.mkv has pictures of 16000 x 8000, more than 67 million pixels"):
        FileSource(path).open()


def whole_packets(path, length):
    """Return how many of the first packets of a video lie wholly in its first `length` bytes."""
    command = ["ffprobe", "-v", "error", "-select_streams", "v", "-show_entries", "packet=pos,size"]
    done = subprocess.run([*command, "-of", "csv=p=0", path], capture_output=True, check=True, timeout=60)
    ends = [sum(map(int, reversed(line.split(",")[:2]))) for line in done.stdout.decode().split()]
    return sum(end <= length for end in ends)


@pytest.mark.parametrize("share", [0.5, 0.83, 0.97])
@pytest.mark.parametrize("name", ["cut.mkv", "cut.avi", "cut.mp4", "cut.ts"])
def test_a_file_that_ends_in_a_frame_plays_what_is_there(opened, tmp_path, name, share):
    args = (*X264_B, "-movflags", "+faststart") if name.endswith("mp4") else X264_B
    grain = np.random.default_rng(5)
    frames = [picture(number) for number in range(90)]
    for frame in frames:
        frame[72:] = grain.integers(0, 256, (24, 160, 3))  # so that all frames need about as many bytes
    whole = encode(tmp_path / f"whole{name}", frames, *args)
    data = whole.read_bytes()
    length = int(len(data) * share)
    path = tmp_path / name
    path.write_bytes(data[:length])
    source, _ = opened(path)
    pictures = []
    while (each := source.read()) is not None:
        pictures.append(each)
    times = [each.t_s for each in pictures]
    there = whole_packets(whole, length)
    # The frame that was cut may come in part; B-frames (at most 3) that lean on it may not come.
    assert there - 3 <= len(times) <= there + 1
    assert [number_of(each.image) for each in pictures[: there - 4]] == list(range(there - 4))
    assert all(late > early for early, late in pairwise(times))
    source.seek(times[5])
    assert number_of(source.read().image) == 5
    if name == "cut.mp4":
        assert "cut off" in source.warning or "damaged" in source.warning


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "avi", "ts"])
def test_damage_in_the_middle_is_passed(opened, tmp_path, suffix, caplog):
    clusters = ("-cluster_time_limit", "100") if suffix == "mkv" else ()
    data = bytearray(encode(tmp_path / f"whole.{suffix}", 90, *X264_B, *clusters).read_bytes())
    noise = np.random.default_rng(3).integers(0, 256, len(data) // 10, np.uint8).tobytes()
    middle = len(data) * 45 // 100
    data[middle : middle + len(noise)] = noise
    path = tmp_path / f"damaged.{suffix}"
    path.write_bytes(data)
    source, _ = opened(path)
    count = 0
    last = None
    while (each := source.read()) is not None:
        count, last = count + 1, each
    assert 45 < count <= 92
    assert number_of(last.image) == 89
    if source.warning:
        assert "damaged" in source.warning
        source.close()
        assert "damaged packets" in caplog.text


def bad_files(folder):
    (folder / "empty.mp4").write_bytes(b"")
    (folder / "text.mp4").write_text("This is no video.\n" * 200)
    (folder / "text.txt").write_text("This is no video.\n" * 200)
    (folder / "noise.mkv").write_bytes(np.random.default_rng(1).bytes(50_000))
    (folder / "folder.mp4").mkdir()
    one = encode(folder / "still.png", 1)
    (folder / "still.mp4").write_bytes(one.read_bytes())
    encode(folder / "still.jpg", 1, "-q:v", "3")
    encode(folder / "still.bmp", 1)
    whole = encode(folder / "whole.mp4", 30, *X264).read_bytes()
    (folder / "no_index.mp4").write_bytes(whole[: len(whole) // 2])
    subprocess.run(
        ["ffmpeg", "-v", "error", "-nostdin", "-f", "lavfi", "-i", "sine=d=0.5", str(folder / "sound.mp4")],
        check=True,
        timeout=60,
    )


@pytest.fixture(scope="module")
def bad_dir(video_dir):
    folder = video_dir / "bad"
    folder.mkdir()
    bad_files(folder)
    return folder


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("empty.mp4", "empty"),
        ("text.mp4", "not a video"),
        ("text.txt", "not a video"),
        ("noise.mkv", "not a video"),
        ("folder.mp4", "folder"),
        ("still.png", "picture"),
        ("still.jpg", "picture"),
        ("still.bmp", "picture"),
        ("still.mp4", "picture"),
        ("no_index.mp4", "no index"),
        ("sound.mp4", "only sound"),
        ("missing.mp4", "does not exist"),
    ],
)
def test_what_is_no_video_is_refused_by_name(bad_dir, name, word):
    source = FileSource(bad_dir / name)
    with pytest.raises(SourceError, match=word) as caught:
        source.open()
    assert name in caught.value.message
    assert "\n" not in caught.value.message
    source.close()


def test_a_file_that_may_not_be_read(make_video, monkeypatch):
    path = make_video("short.mp4")

    def refuse(*args, **kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.open", refuse)
    with pytest.raises(SourceError, match=r"short\.mp4.*permissions"):
        FileSource(path).open()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes on this system")
def test_a_pipe_is_refused_without_waiting(tmp_path):
    os.mkfifo(tmp_path / "pipe.mp4")
    with pytest.raises(SourceError, match="pipe"):
        FileSource(tmp_path / "pipe.mp4").open()


@pytest.mark.parametrize("name", ["a:b.mp4", "concat:x.mp4", "sp ace é 100%d.mp4", "#?&.mp4"])
def test_strange_names(make_video, opened, tmp_path, name):
    path = tmp_path / name
    try:
        path.write_bytes(make_video("short.mp4").read_bytes())
    except OSError:
        pytest.skip("this file system does not take such a name")
    source, _ = opened(path)
    assert read_all(source)[0] == [0, 1, 2]


def test_a_playlist_does_not_reach_for_the_network(tmp_path):
    path = tmp_path / "list.m3u8"
    path.write_text("#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nhttp://127.0.0.1:9/x.ts\n#EXT-X-ENDLIST\n")
    with pytest.raises(SourceError, match=r"list\.m3u8"):
        FileSource(path).open()


def test_facts(make_video, opened):
    _, info = opened(make_video("h264.mp4"))
    assert info.duration_s == pytest.approx(3.0, abs=0.05)
    assert info.codec == "h264"
    _, info = opened(make_video("vp9.webm"))
    assert info.duration_s == pytest.approx(40 / 30, abs=0.05)


def test_life(make_video):
    source = FileSource(make_video("short.mp4"))
    source.close()
    with pytest.raises(SourceError, match="not open"):
        source.read()
    with pytest.raises(SourceError, match="not open"):
        source.seek(0)
    source.open()
    source.read()
    source.open()
    assert read_all(source)[0] == [0, 1, 2]
    source.close()
    source.close()


def test_pictures_outlive_the_source(make_video):
    source = FileSource(make_video("h264.mp4"))
    source.open()
    kept = [source.read() for _ in range(20)]
    source.close()
    assert [number_of(each.image) for each in kept] == list(range(20))
    assert picture(3).shape == kept[3].image.shape


def test_frames_are_let_go_without_the_garbage_collector(make_video, opened):
    source, _ = opened(make_video("h264.mp4"))
    gc.collect()
    gc.disable()
    try:
        while source.read() is not None:
            pass
        held = sum(type(each) is VideoFrame for each in gc.get_objects())
    finally:
        gc.enable()
    assert held < 10


def test_nothing_is_printed(make_video, tmp_path, capfd):
    data = bytearray(encode(tmp_path / "whole.avi", 60, *X264_B).read_bytes())
    data[len(data) // 2 : len(data) // 2 + 900] = bytes(900)
    (tmp_path / "damaged.avi").write_bytes(data)
    source = FileSource(tmp_path / "damaged.avi")
    source.open()
    while source.read() is not None:
        pass
    source.close()
    assert capfd.readouterr() == ("", "")
