"""Previews: the picture that a search would show, small; dropped when nobody wants it any more."""

import bisect
import itertools

import cv2
import pytest
from numbered_video import SEEKABLE, number_of, read_all

from slowfast_live.errors import SourceError
from slowfast_live.sources.file import FileSource
from slowfast_live.sources.previews import PreviewReader

SIZE = (176, 112)
ODD = {"joined.ts"}
"""A clock that starts again in the middle: a preview may be off, but there is one."""


@pytest.mark.parametrize("name", SEEKABLE)
def test_a_preview_is_the_picture_of_its_moment(make_video, name):
    source = FileSource(make_video(name))
    source.open()
    numbers, times = read_all(source)
    source.close()
    reader = PreviewReader(make_video(name), SIZE)
    for target in (0.0, times[-1] / 3, times[-1] / 2 + 0.01, times[-1], times[-1] + 5):
        preview = reader.at(target)
        expected = numbers[max(0, bisect.bisect_right(times, target + 1e-6) - 1)]
        assert preview is not None
        if name not in ODD:
            assert number_of(preview) == expected, f"{target} s"
    reader.close()


@pytest.mark.parametrize("name", ["4k.mp4", "portrait.mp4", "anamorphic.mp4", "grey.mkv", "ten_bit.mp4"])
def test_a_preview_fits_and_keeps_the_aspect(make_video, name):
    source = FileSource(make_video(name))
    info = source.open()
    source.close()
    preview = PreviewReader(make_video(name), SIZE).at(0.0)
    height, width = preview.shape[:2]
    assert width <= SIZE[0] and height <= SIZE[1]
    assert width / height == pytest.approx(info.width / info.height, rel=0.03)
    assert cv2.mean(preview)[0] > 1


def test_what_is_no_longer_wanted_is_dropped(make_video):
    reader, asked = PreviewReader(make_video("h264.mp4"), SIZE), itertools.count()
    assert reader.at(2.0, lambda: next(asked) < 1) is None
    assert next(asked) <= 4, "the work ended when the answer was no"
    assert reader.at(2.0) is not None, "the next one is not harmed"


def test_what_is_no_video_is_told(tmp_path):
    path = tmp_path / "note.mp4"
    path.write_text("no video")
    with pytest.raises(SourceError, match=r"note\.mp4"):
        PreviewReader(path, SIZE).at(0.0)
    with pytest.raises(SourceError):
        PreviewReader(tmp_path / "missing.mp4", SIZE).at(0.0)
