"""Files that name other files: played as far as these are there, or refused with what to open instead."""

import os

import pytest
from numbered_video import ffmpeg, read_all

from slowfast_live.errors import SourceError
from slowfast_live.sources.file import FileSource

pytestmark = pytest.mark.timeout(60)
PIECES = 4


@pytest.fixture
def pieces(make_video, tmp_path):
    """A closed HLS playlist of 90 frames, `list.m3u8`, and its pieces of about a second."""
    ffmpeg(
        "-i", make_video("h264.mp4"), "-c:v", "libx264", "-g", "15", "-bf", "0", "-f", "hls", "-hls_time", "1",
        "-hls_list_size", "0", "-hls_segment_filename", tmp_path / "piece%d.ts", tmp_path / "list.m3u8",
    )  # fmt: skip
    return tmp_path


def without_end(folder, name="crashed.m3u8"):
    """The playlist that a recorder leaves behind which was killed."""
    text = (folder / "list.m3u8").read_text().replace("#EXT-X-ENDLIST", "")
    (folder / name).write_text(text)
    return folder / name


def play(path):
    source = FileSource(path)
    info = source.open()
    numbers, times = read_all(source)
    return info, numbers, times, source


def test_a_playlist_without_an_end_plays_what_is_there_and_ends(pieces):
    info, numbers, times, source = play(without_end(pieces))
    assert numbers == list(range(90))
    assert info.duration_s == pytest.approx(3.0, abs=0.1)
    assert source.warning == ""
    source.seek(times[70])
    assert source.read().t_s == times[70]
    source.close()


def test_a_list_of_qualities_plays_the_best_that_is_there(pieces):
    without_end(pieces)
    (pieces / "master.m3u8").write_text(
        "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=900000\ngone.m3u8\n"
        "#EXT-X-STREAM-INF:AVERAGE-BANDWIDTH=999999,BANDWIDTH=100\nslow.m3u8\n"
        "#EXT-X-STREAM-INF:BANDWIDTH=500000\ncrashed.m3u8\n"
    )
    assert play(pieces / "master.m3u8")[1] == list(range(90))


def test_pieces_that_are_missing_are_said(pieces):
    path = without_end(pieces)
    (pieces / "piece1.ts").unlink()
    _info, numbers, _times, source = play(path)
    assert numbers[0] == 0
    assert numbers[-1] == 89
    assert len(numbers) < 90
    assert "1 of 3 pieces are missing" in source.warning


def test_a_piece_that_is_a_pipe_is_not_waited_for(pieces):
    path = without_end(pieces)
    (pieces / "piece0.ts").unlink()
    os.mkfifo(pieces / "piece0.ts")
    _info, numbers, _times, source = play(path)
    assert numbers[-1] == 89
    assert "1 of 3 pieces are missing" in source.warning


HEAD = "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:1\n"


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("loop.m3u8", "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nloop.m3u8\n", "leads back to itself"),
        ("own.m3u8", f"{HEAD}#EXTINF:1,\nown.m3u8\n#EXT-X-ENDLIST\n", "none of the 1 pieces"),
        ("empty.m3u8", f"{HEAD}#EXT-X-ENDLIST\n", "names no pieces"),
        ("open.m3u8", HEAD, "names no pieces"),
        ("gone.m3u8", f"{HEAD}#EXTINF:1,\na.ts\n#EXTINF:1,\nb.ts\n", "none of the 2 pieces"),
        ("web.m3u8", f"{HEAD}#EXTINF:1,\nhttp://u:secret@127.0.0.1:9/a.ts\n", "network.*open that address"),
        ("key.m3u8", f'{HEAD}#EXT-X-KEY:METHOD=AES-128,URI="gone.key"\n#EXTINF:1,\na.ts\n', "needs gone.key"),
        (
            "songs.m3u",
            "#EXTM3U\n#EXTINF:9,x\na.mp4\n#EXTINF:9,y\nb.mp4\n",
            "playlist.*Open what it names.*a.mp4.*names 2",
        ),
        ("bare.m3u", "rtsp://u:secret@host/live\n", r"playlist.*rtsp://host/live"),
        ("radio.pls", "[playlist]\nFile1=http://host/live\nNumberOfEntries=1\n", "playlist.*http://host/live"),
        ("wm.asx", '<asx version="3"><entry><ref href="mms://host/x"/></entry></asx>', "playlist.*mms://host/x"),
        (
            "vlc.xspf",
            '<?xml version="1.0"?><playlist xmlns="http://xspf.org/ns/0/"><track><location>a.mp4</location></track></playlist>',
            "playlist.*a.mp4",
        ),
        (
            "cam.sdp",
            "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nt=0 0\r\nm=video 5004 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n",
            "description of a live stream.*rtsp://",
        ),
        ("own.txt", "ffconcat version 1.0\nfile own.txt\n", "another list"),
        ("cat.txt", "ffconcat version 1.0\nfile 'not there.mp4'\n", "not there.mp4, which does not exist"),
        ("net.txt", "ffconcat version 1.0\nfile http://127.0.0.1:9/a.mp4\n", "network"),
    ],
)
def test_lists_that_cannot_be_played_say_why_and_what_to_open(tmp_path, name, text, said):
    (tmp_path / name).write_text(text)
    with pytest.raises(SourceError, match=f"(?s){said}") as caught:
        FileSource(tmp_path / name).open()
    assert name in caught.value.message
    assert "secret" not in caught.value.message + caught.value.details


def test_playlists_that_lead_round_in_a_circle(tmp_path):
    for here, there in (("a", "b"), ("b", "c"), ("c", "a")):
        (tmp_path / f"{here}.m3u8").write_text(f"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n{there}.m3u8\n")
    with pytest.raises(SourceError, match="leads back to itself"):
        FileSource(tmp_path / "a.m3u8").open()


def test_a_list_of_pieces_plays(pieces):
    (pieces / "cat.txt").write_text("ffconcat version 1.0\nfile piece0.ts\nfile 'piece1.ts'\nfile piece2.ts\n")
    assert play(pieces / "cat.txt")[1] == list(range(90))


def test_a_list_of_pieces_does_not_wait_for_a_pipe(tmp_path):
    os.mkfifo(tmp_path / "pipe.ts")
    (tmp_path / "cat.txt").write_text("ffconcat version 1.0\nfile pipe.ts\n")
    with pytest.raises(SourceError, match=r"pipe\.ts, which does not exist or is not a file"):
        FileSource(tmp_path / "cat.txt").open()


def test_a_dash_manifest_is_refused_by_its_kind(make_video, tmp_path):
    ffmpeg("-i", make_video("h264.mp4"), "-c", "copy", "-f", "dash", tmp_path / "clip.mpd")
    with pytest.raises(SourceError, match=r"clip\.mpd is a DASH manifest.*HLS"):
        FileSource(tmp_path / "clip.mpd").open()


def test_a_piece_with_an_initial_part_and_odd_names_plays(make_video, tmp_path):
    folder = tmp_path / "ü b#1 100%"
    folder.mkdir()
    ffmpeg(
        "-i", make_video("h264.mp4"), "-c", "copy", "-f", "hls", "-hls_segment_type", "fmp4", "-hls_time", "1",
        "-hls_list_size", "0", folder / "list.m3u8",
    )  # fmt: skip
    assert play(without_end(folder))[1] == list(range(90))
