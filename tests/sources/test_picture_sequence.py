"""Folders and patterns of pictures play like a video; what is no video of pictures is left alone."""

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numbered_video import number_of, picture, read_all
from PIL import Image

from slowfast_live.errors import SourceError
from slowfast_live.sources import make_source, parse_source
from slowfast_live.sources.local import local_source
from slowfast_live.sources.picture_files import (
    is_picture_sequence,
    is_there,
    names_pictures,
    natural,
    pictures_of,
    size_and_date,
)
from slowfast_live.sources.previews import PreviewReader
from slowfast_live.sources.stills import MAX_PIXELS


def write(path, number, **options):
    Image.fromarray(picture(number)[:, :, ::-1]).save(path, **options)
    return path


@pytest.fixture
def frames(tmp_path):
    """Pictures 0 to 19, whose names sort naturally and not as text."""
    folder = tmp_path / "frames"
    folder.mkdir()
    for number in range(20):
        write(folder / f"frame_{number + 1}.png", number)
    return folder


def test_a_folder_plays_in_natural_order_at_the_rate_that_is_chosen(frames):
    source = local_source(frames, rate=10)
    info = source.open()
    assert (info.width, info.height, info.fps, info.duration_s, info.seekable) == (160, 96, 10, 2.0, True)
    numbers, times = read_all(source)
    assert numbers == list(range(20))
    assert times == pytest.approx([n / 10 for n in range(20)])
    assert source.warning == ""
    source.close()


def test_a_search_returns_the_picture_at_or_before(frames):
    source = local_source(frames, rate=10)
    source.open()
    for target, number in ((0.55, 5), (1.0, 10), (-3, 0), (99, 19), (float("nan"), 0), (0.0, 0)):
        source.seek(target)
        assert number_of(source.read().image) == number
    assert source.read() is None or target == 0.0


@pytest.mark.parametrize("pattern", ["frame_%d.png", "frame_*.png", "frame_%1d.png", "f*_?*.png"])
def test_a_pattern_plays(frames, pattern):
    write(frames / "other_1.png", 500)
    spec = parse_source(str(frames / pattern))
    assert is_there(frames / pattern)
    source = make_source(spec)
    assert source.open().fps == 25
    assert read_all(source)[0] == list(range(20))


def test_a_pattern_of_leading_zeros(tmp_path):
    for number in range(5):
        write(tmp_path / f"f_{number:04d}.jpg", number, quality=95)
    write(tmp_path / "f_12.jpg", 12)
    source = local_source(tmp_path / "f_%04d.jpg")
    source.open()
    assert read_all(source)[0] == list(range(5))
    assert not is_there(tmp_path / "g_%04d.jpg")


def test_missing_numbers_leave_their_time_and_are_said(frames):
    for number in (6, 7, 12):
        (frames / f"frame_{number}.png").unlink()
    source = local_source(frames, rate=10)
    assert source.open().duration_s == 2.0
    numbers, times = read_all(source)
    assert numbers == [n for n in range(20) if n not in (5, 6, 11)]
    assert times == pytest.approx([n / 10 for n in numbers])
    assert "3 pictures are missing in the count (first 6 to 7)" in source.warning


def test_numbers_that_go_up_by_ten_or_by_anything(tmp_path):
    for number in range(6):
        write(tmp_path / f"a{number * 10}.png", number)
    assert pictures_of(tmp_path).places == (0, 1, 2, 3, 4, 5)
    clock = tmp_path / "clock"
    clock.mkdir()
    for number, at in enumerate((1000, 1033, 1068, 1099, 1500)):
        write(clock / f"{at}.png", number)
    assert pictures_of(clock).places == (0, 1, 2, 3, 4)


def test_pictures_of_other_sizes_kinds_and_depths_are_fitted(frames, tmp_path):
    write(frames / "frame_2.jpg", 1, quality=95)
    (frames / "frame_2.png").unlink()
    Image.new("RGB", (80, 160), (255, 0, 0)).save(frames / "frame_3.png")
    Image.fromarray(np.full((96, 160), 40_000, np.uint16)).save(frames / "frame_4.png")
    Image.new("RGBA", (160, 96), (255, 255, 255, 0)).save(frames / "frame_5.png")
    Image.fromarray(picture(5)[:, :, ::-1]).convert("P").save(frames / "frame_6.png")
    source = local_source(frames)
    source.open()
    images = [source.read().image for _ in range(20)]
    assert {image.shape for image in images} == {(96, 160, 3)}
    tall, deep, clear = images[2], images[3], images[4]
    assert tall[48, 80].tolist() == [0, 0, 255]
    assert tall[48, 20].tolist() == [0, 0, 0]
    assert deep[48, 80].tolist() == pytest.approx([155] * 3, abs=2)
    assert clear.max() == 0
    assert "1 of 20 pictures have another size" in source.warning


def test_a_photograph_is_turned_as_its_metadata_says(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    for number in range(2):
        Image.new("RGB", (40, 20), "white").save(tmp_path / f"{number}.jpg", exif=exif)
    info = local_source(tmp_path).open()
    assert (info.width, info.height) == (20, 40)


def test_pictures_that_cannot_be_read_are_passed_and_said(frames):
    (frames / "frame_4.png").write_bytes(b"no picture")
    (frames / "frame_9.png").write_bytes((frames / "frame_9.png").read_bytes()[:90])
    source = local_source(frames)
    source.open()
    assert read_all(source)[0] == [n for n in range(20) if n not in (3, 8)]
    assert "2 of 20 pictures cannot be read (first frame_4.png)" in source.warning
    source.seek(8 / 25)
    assert number_of(source.read().image) == 7


def test_a_picture_that_would_fill_the_memory_is_not_decoded(tmp_path):
    bomb = Image.new("1", (MAX_PIXELS // 4096 + 4096, 4096))
    for number in range(2):
        bomb.save(tmp_path / f"{number}.png")
    with pytest.raises(SourceError, match="can be read"):
        local_source(tmp_path).open()


def test_many_pictures_open_without_reading_them(tmp_path):
    first = write(tmp_path / "f_00000.png", 3)
    for number in range(1, 3000):
        (tmp_path / f"f_{number:05d}.png").symlink_to(first)
    source = local_source(tmp_path)
    assert source.open().duration_s == 120
    source.seek(119.99)
    assert number_of(source.read().image) == 3


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".avif", ".bmp", ".tif"])
def test_a_single_picture_says_what_to_choose(tmp_path, suffix):
    path = write(tmp_path / f"one{suffix}", 3)
    with pytest.raises(SourceError, match=r"single picture.*choose a video, or a folder of pictures"):
        local_source(path).open()


@pytest.mark.parametrize(
    ("head", "said"),
    [
        (b"\xff\x0a" + bytes(200), "JPEG XL"),
        (b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(200), "JPEG XL"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(200), "HEIC"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic" + bytes(200), "HEIC"),
    ],
)
def test_pictures_that_nothing_here_reads_are_named(tmp_path, head, said):
    (tmp_path / "photo.bin").write_bytes(head)
    with pytest.raises(SourceError, match=f"{said}.*does not read"):
        local_source(tmp_path / "photo.bin").open()


def test_folders_that_hold_no_pictures(tmp_path):
    with pytest.raises(SourceError, match="folder without pictures"):
        local_source(tmp_path).open()
    (tmp_path / "a.HEIC").touch()
    with pytest.raises(SourceError, match=r"does not read \(\.heic\)"):
        local_source(tmp_path).open()


def test_what_counts_as_a_video_of_pictures(frames, tmp_path):
    assert names_pictures(frames)
    assert is_picture_sequence(frames)
    album = tmp_path / "album"
    album.mkdir()
    for name in ("cover.jpg", "fanart.jpg", "poster.png", "a.jpg", "b.jpg", "c.jpg", "me.jpg", "you.jpg", "x1.jpg"):
        write(album / name, 1)
    assert names_pictures(album)  # where it is named itself
    assert not is_picture_sequence(album)  # where it is found
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    for number in range(20):
        write(hidden / f".f{number}.png", 1)
    assert not names_pictures(hidden)
    assert not names_pictures(tmp_path / "gone")


def test_size_and_date_change_with_any_picture(frames):
    before = size_and_date(frames)
    write(frames / "frame_3.png", 700, compress_level=0)
    assert size_and_date(frames) != before


def test_previews_of_pictures(frames):
    reader = PreviewReader(frames, (80, 80), rate=10)
    assert number_of(np.repeat(np.repeat(reader.at(1.24), 2, 0), 2, 1)) == 12
    reader.close()


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=40, unique=True))
def test_natural_order_is_that_of_the_numbers(numbers):
    names = [f"f{number}.png" for number in numbers]
    assert sorted(names, key=natural) == [f"f{number}.png" for number in sorted(numbers)]


# Pictures that move


@pytest.fixture
def moving(tmp_path):
    """Return the path of an animation of some kind: 12 pictures, of 40 ms and of 200 ms in turn."""

    def make(suffix):
        path = tmp_path / f"moving{suffix}"
        images = [Image.fromarray(picture(number)[:, :, ::-1]) for number in range(12)]
        options = {"quality": 95} if suffix == ".avif" else {"lossless": True} if suffix == ".webp" else {}
        durations = [40, 200] * 6
        images[0].save(path, save_all=True, append_images=images[1:], duration=durations, loop=0, **options)
        return path

    return make


@pytest.mark.parametrize("suffix", [".webp", ".avif", ".gif", ".png"])
def test_animations_play_with_their_own_times_and_can_be_searched(moving, suffix):
    source = local_source(moving(suffix))
    info = source.open()
    assert (info.width, info.height) == (160, 96)
    numbers, times = read_all(source)
    assert numbers == list(range(12))
    assert times == pytest.approx([0.24 * (n // 2) + 0.04 * (n % 2) for n in range(12)], abs=2e-3)
    for number in (7, 2, 11, 0):
        source.seek(times[number] + 0.01)
        assert number_of(source.read().image) == number
    source.close()
    source.close()


def test_an_animated_webp_states_its_length_and_loses_nothing_when_cut_off(moving):
    path = moving(".webp")
    source = local_source(path)
    assert source.open().duration_s == pytest.approx(1.44)
    source.close()
    path.write_bytes(path.read_bytes()[:-400])
    source.open()
    numbers, _times = read_all(source)
    assert numbers == list(range(len(numbers)))
    assert 8 <= len(numbers) < 12
    assert f"cut off; {len(numbers)} frames are whole" in source.warning
    assert local_source(path).zero_s == 0


def test_an_animated_webp_of_great_size_is_refused_before_it_is_decoded(moving):
    path = moving(".webp")
    data = bytearray(path.read_bytes())
    data[24:30] = (16_000).to_bytes(3, "little") * 2
    path.write_bytes(data)
    began = time.process_time()
    with pytest.raises(SourceError, match=r"moving\.webp"):
        local_source(path).open()
    assert time.process_time() - began < 20


def test_previews_of_an_animation(moving):
    reader = PreviewReader(moving(".webp"), (160, 96))
    assert number_of(reader.at(0.25)) == 2
    reader.close()
