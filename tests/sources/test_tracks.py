"""Which of a file's tracks is its video: never cover art, then the default one, then the one with most pictures."""

import pytest
from numbered_video import X264, encode, ffmpeg, read_all

from slowfast_live.errors import SourceError
from slowfast_live.sources.file import FileSource
from slowfast_live.sources.previews import PreviewReader

COUNT = 40
SMALL, LARGE = (160, 96), (320, 192)
FIRST, SECOND, BOTH, NEITHER = (
    ("-disposition:v:0", first, "-disposition:v:1", second)
    for first, second in (("default", "0"), ("0", "default"), ("default", "default"), ("0", "0"))
)


@pytest.fixture(scope="module")
def parts(video_dir):
    """Return the paths of a small video of 40 pictures, a large one of 10, covers and a sound."""
    found = {
        "small": encode(video_dir / "part_small.mp4", COUNT, *X264),
        "large": encode(video_dir / "part_large.mp4", 10, *X264, size=LARGE),
        "motion": encode(video_dir / "part_motion.avi", COUNT, "-c:v", "mjpeg", "-q:v", "3"),
        "jpg": encode(video_dir / "part_cover.jpg", 1, "-q:v", "3", size=(640, 640)),
        "png": encode(video_dir / "part_cover.png", 1, size=(640, 640)),
        "sound": video_dir / "part_sound.flac",
    }
    ffmpeg("-f", "lavfi", "-i", "sine=d=2", found["sound"])
    return found


@pytest.fixture
def made(parts, tmp_path):
    """Return the path of a file made of parts, copied one after the other."""

    def make(name, *what, options=()):
        path = tmp_path / name
        inputs = [argument for part in what for argument in ("-i", parts[part])]
        maps = [argument for index in range(len(what)) for argument in ("-map", index)]
        ffmpeg(*inputs, *maps, "-c", "copy", *options, path)
        return path

    return make


def played(path):
    source = FileSource(path)
    info = source.open()
    numbers, times = read_all(source)
    assert source.warning == ""
    source.close()
    return (info.width, info.height), numbers, times[-1], info


COVERED = {
    "marked in mp4": ("a.mp4", ("small", "jpg"), ("-disposition:v:1", "attached_pic")),
    "marked, png, first in mov": ("a.mov", ("png", "small"), ("-disposition:v:0", "attached_pic")),
    "marked, with sound": ("a.m4v", ("small", "jpg", "sound"), ("-c:a", "aac", "-disposition:v:1", "attached_pic")),
    "unmarked, first in mp4": ("a.mp4", ("jpg", "small"), ()),
    "unmarked and default": ("a.mp4", ("jpg", "small"), FIRST),
    "unmarked, second in mkv": ("a.mkv", ("small", "jpg"), ()),
    "unmarked and default in mkv": ("a.mkv", ("png", "small"), FIRST),
    "unmarked in avi": ("a.avi", ("jpg", "motion"), ()),
    "beside a video of pictures": ("a.mov", ("jpg", "motion"), FIRST),
}  # fmt: skip


@pytest.mark.parametrize("case", COVERED)
def test_cover_art_is_never_the_video(made, case):
    name, what, options = COVERED[case]
    size, numbers, last_s, info = played(made(name, *what, options=options))
    assert size == SMALL
    assert numbers == list(range(COUNT))
    assert last_s == pytest.approx((COUNT - 1) / 30, abs=2e-3)
    assert info.fps == pytest.approx(30)
    assert info.duration_s == pytest.approx(COUNT / 30, abs=0.05)


def test_an_attachment_of_matroska_is_never_the_video(parts, tmp_path):
    path = tmp_path / "attached.mkv"
    ffmpeg("-i", parts["small"], "-c", "copy", "-attach", parts["jpg"], "-metadata:s:t", "mimetype=image/jpeg", path)
    assert played(path)[:2] == (SMALL, list(range(COUNT)))


AUDIO = {
    "cover.mp3": ("-c:a", "libmp3lame", "-disposition:v", "attached_pic"),
    "cover.m4a": ("-c:a", "aac", "-disposition:v", "attached_pic"),
    "cover.flac": ("-c:a", "flac", "-disposition:v", "attached_pic"),
    "cover.mka": ("-c:a", "flac"),
    "cover.wma": ("-c:a", "wmav2"),
    "cover.mkv": ("-c:a", "aac", "-f", "matroska", "-live", "1"),
    "cover.mp4": ("-c:a", "aac"),
}  # fmt: skip


@pytest.mark.parametrize("name", AUDIO)
@pytest.mark.parametrize("cover", ["jpg", "png"])
def test_sound_with_a_cover_holds_only_sound(made, parts, name, cover):
    if name.endswith("mp4"):
        cover = "jpg"
    path = made(name, "sound", cover, options=AUDIO[name])
    with pytest.raises(SourceError, match="holds only sound"):
        FileSource(path).open()
    with pytest.raises(SourceError, match="holds only sound"):
        PreviewReader(path, SMALL).at(0.0)


def test_a_video_of_one_picture_with_sound_still_plays_if_it_is_coded_as_video(made, parts, tmp_path):
    one = encode(tmp_path / "one.mp4", 1, *X264)
    ffmpeg("-i", one, "-i", parts["sound"], "-c:v", "copy", "-c:a", "aac", tmp_path / "both.mp4")
    assert played(tmp_path / "both.mp4")[1] == [0]


def test_a_video_of_pictures_with_sound_plays(parts, tmp_path):
    path = tmp_path / "motion.mov"
    ffmpeg(
        "-i", parts["motion"], "-i", parts["sound"], "-map", "0", "-map", "1", "-c:v", "copy", "-c:a", "pcm_s16le", path
    )
    assert played(path)[1] == list(range(COUNT))


CHOSEN = {
    "default beats size": ("a.mp4", ("large", "small"), SECOND, SMALL),
    "default beats number": ("a.mp4", ("small", "large"), SECOND, LARGE),
    "default in mkv": ("a.mkv", ("small", "large"), SECOND, LARGE),
    "both default": ("a.mkv", ("large", "small"), BOTH, SMALL),
    "none default in mkv": ("a.mkv", ("large", "small"), NEITHER, SMALL),
    "avi": ("a.avi", ("motion", "large"), (), SMALL),
    "equally long": ("a.ts", ("small", "large"), ("-t", "0.3"), LARGE),
}  # fmt: skip


@pytest.mark.parametrize("case", CHOSEN)
def test_the_default_track_is_played_then_the_one_with_most_pictures(made, case):
    name, what, options, size = CHOSEN[case]
    path = made(name, *what, options=options)
    assert played(path)[0] == size
    reader = PreviewReader(path, (1000, 1000))
    assert reader.at(0.1).shape[1::-1] == size
    reader.close()


def test_nothing_is_printed_about_tracks(made, capfd):
    played(made("a.mp4", "small", "jpg", options=("-disposition:v:1", "attached_pic")))
    assert capfd.readouterr() == ("", "")
