"""Interlaced frames come out as whole pictures, HDR as colors of an ordinary screen; the rest passes unchanged."""

import numpy as np
import pytest
from numbered_video import MPEG2, X264, encode, number_of, picture, read_all

from slowfast_live.sources import deinterlace, pictures
from slowfast_live.sources.file import FileSource
from slowfast_live.sources.previews import PreviewReader

WOVEN = "interlace=scan={}"
INTERLACED = {
    "mpeg2.ts": (WOVEN.format("tff"), *MPEG2, "-flags", "+ilme+ildct"),
    "mpeg2.mpg": (WOVEN.format("bff"), *MPEG2, "-flags", "+ilme+ildct"),
    "h264.mp4": (WOVEN.format("tff"), *X264, "-x264-params", "tff=1:keyint=8", "-flags", "+ilme+ildct"),
    "h264.mkv": (WOVEN.format("bff"), *X264, "-x264-params", "bff=1:keyint=8", "-flags", "+ilme+ildct"),
    "ffv1.mkv": (WOVEN.format("tff"), "-c:v", "ffv1", "-pix_fmt", "yuv422p", "-field_order", "tt"),
    "mpeg4.avi": (WOVEN.format("tff"), "-c:v", "mpeg4", "-q:v", "2", "-flags", "+ilme+ildct", "-g", "6"),
}  # fmt: skip
FRAMES = 24
FIRST_FIELDS = [n ^ n >> 1 for n in range(0, 2 * FRAMES, 2)]
"""Gray code: of consecutive numbers one bit differs, so no bit blinks at the fields' own rate."""


@pytest.fixture(scope="module")
def woven(video_dir):
    """Return the path of an interlaced video: frame k is woven of the pictures 2k and 2k + 1."""

    def make(name):
        path = video_dir / f"woven_{name}"
        if not path.exists():
            encode(path, [picture(n ^ n >> 1) for n in range(2 * FRAMES)], "-vf", *INTERLACED[name], fps=50)
        return path

    return make


@pytest.mark.parametrize("name", INTERLACED)
def test_each_interlaced_frame_becomes_the_picture_of_its_first_field(woven, name):
    source = FileSource(woven(name))
    info = source.open()
    numbers, times = read_all(source)
    source.close()
    assert numbers == FIRST_FIELDS[: len(numbers)]
    assert len(numbers) == FRAMES
    assert info.fps == pytest.approx(25)
    np.testing.assert_allclose(np.diff(times), 1 / 25, atol=2e-3)


@pytest.mark.parametrize("name", INTERLACED)
def test_a_search_gives_the_same_interlaced_picture(woven, name):
    source = FileSource(woven(name))
    source.open()
    straight = []
    while (each := source.read()) is not None:
        straight.append(each)
    for at in (FRAMES - 1, 12, 8, 6, 5, 10, 0):
        source.seek(straight[at].t_s)
        found = source.read()
        assert found.t_s == straight[at].t_s
        np.testing.assert_array_equal(found.image, straight[at].image)
    source.close()


def test_previews_are_deinterlaced(woven):
    reader = PreviewReader(woven("h264.mp4"), (160, 96))
    assert [number_of(reader.at(at / 25)) for at in (3, 15, 9)] == [FIRST_FIELDS[at] for at in (3, 15, 9)]
    reader.close()


def test_a_build_without_the_filters_shows_frames_as_they_are(woven, monkeypatch):
    monkeypatch.setattr(deinterlace, "available", lambda: None)
    source = FileSource(woven("mpeg2.ts"))
    source.open()
    count = 0
    while source.read() is not None:
        count += 1
    source.close()
    assert count == FRAMES


def test_progressive_video_passes_untouched(make_video, monkeypatch):
    def refuse(*_):
        raise AssertionError("a progressive frame was filtered")

    monkeypatch.setattr(deinterlace.Deinterlacer, "_deinterlace", refuse)
    for name in ("h264.mp4", "mpeg2.ts", "mjpeg.mov", "vp9.webm"):
        source = FileSource(make_video(name))
        source.open()
        assert len(read_all(source)[0]) >= 40
        source.close()


# BGR columns: black to white, and colors of medium strength.
CHART = np.array(
    [(0, 0, 0), (64, 64, 64), (128, 128, 128), (190, 190, 190), (60, 60, 180), (60, 180, 60), (180, 60, 60)], np.uint8
)


def chart():
    return np.repeat(np.repeat(CHART[None], 64, axis=0), 32, axis=1)


def columns(path):
    source = FileSource(path)
    source.open()
    image = source.read().image
    source.close()
    return np.array([image[16:48, 32 * i + 8 : 32 * i + 24].mean(axis=(0, 1)) for i in range(len(CHART))])


def hdr(path, transfer, name, *tags):
    convert = (
        "setparams=range=pc:color_primaries=bt709:color_trc=bt709:colorspace=gbr,format=gbrp,"
        f"zscale=transfer={transfer}:primaries=bt2020:matrix=bt2020nc:range=limited:npl=203,format=yuv420p10le"
    )
    x265 = f"log-level=error:lossless=1:colorprim=bt2020:transfer={name}:colormatrix=bt2020nc"
    frames = [chart()] * 2
    size = frames[0].shape[1::-1]
    return encode(path, frames, "-vf", convert, "-c:v", "libx265", "-x265-params", x265, *tags, size=size)


@pytest.mark.parametrize("transfer", ["smpte2084", "arib-std-b67"])
def test_hdr_is_tone_mapped(tmp_path, transfer):
    got = columns(hdr(tmp_path / "hdr.mp4", transfer, transfer))
    error = np.abs(got - CHART)
    assert error[:4].max() < 4 and error.max() < 26, got.round()


def test_hdr_is_shown_without_tone_mapping_if_ffmpeg_refuses(tmp_path, monkeypatch):
    class Refusing:
        def __init__(self):
            self._real = pictures.av.video.reformatter.VideoReformatter()

        def reformat(self, frame, **options):
            if "dst_color_trc" in options:
                raise pictures.av.error.FFmpegError(95, "Operation not supported")
            return self._real.reformat(frame, **options)

    path = hdr(tmp_path / "hdr.mp4", "smpte2084", "smpte2084")
    monkeypatch.setattr(pictures, "VideoReformatter", Refusing)
    got = columns(path)
    assert got[0].max() < 10 and np.all(np.diff(got[:4, 0]) > 10)


CODED = {
    "limited": ("format=yuv444p", "tv"),
    "full": ("format=yuv444p", "pc"),
    "ten bits, full": ("format=yuv444p10le", "pc"),
    "ten bits, limited": ("format=yuv420p10le", "tv"),
}


@pytest.mark.parametrize("matrix", ["bt709", "smpte170m", "bt2020nc"])
@pytest.mark.parametrize("coded", CODED)
def test_range_depth_and_matrix_of_the_file_are_used(tmp_path, coded, matrix):
    pixels, span = CODED[coded]
    scale = {"bt2020nc": "bt2020"}.get(matrix, matrix)
    path = encode(
        tmp_path / "coded.mkv", [chart()] * 2, "-vf", f"scale=out_color_matrix={scale}:out_range={span},{pixels}",
        "-c:v", "ffv1", "-colorspace", matrix, "-color_range", span, size=chart().shape[1::-1],
    )  # fmt: skip
    assert np.abs(columns(path) - CHART).max() < 6
