import os
import threading
from pathlib import Path

import pytest

from slowfast_live.errors import PublishError
from slowfast_live.publish.text_file import TextFile
from tests.publish.made import message, until


def test_the_file_has_the_action_that_is_shown(tmp_path):
    path = tmp_path / "now.txt"
    text = TextFile(path)
    assert path.read_bytes() == b""
    text.publish(message("jumping jacks"))
    until(lambda: path.read_text() == "jumping jacks\n")
    text.publish(message("Kniebeuge ü\nzwei"))
    until(lambda: path.read_text(encoding="utf-8") == "Kniebeuge ü zwei\n")
    text.publish(message(None))
    until(lambda: path.read_bytes() == b"")
    text.publish(message("squat"))
    until(lambda: path.read_text() == "squat\n")
    text.close()
    assert path.read_bytes() == b"", "what is no longer recognized is not shown either"


def test_with_the_score(tmp_path):
    path = tmp_path / "now.txt"
    text = TextFile(path, score=True)
    text.publish(message("squat", 0.874))
    until(lambda: path.read_text() == "squat 87 %\n")
    text.close()


def test_nobody_reads_half_a_file(tmp_path):
    path = tmp_path / "now.txt"
    text = TextFile(path)
    seen, stop = set(), threading.Event()

    def read():
        while not stop.is_set():
            seen.add(path.read_text())

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(200):
        text.publish(message("squat" if number % 2 else "jumping jacks, very long " + 8 * "x"))
    text.close()
    stop.set()
    reader.join()
    assert seen <= {"", "squat\n", "jumping jacks, very long xxxxxxxx\n"}
    assert [name.name for name in tmp_path.iterdir()] == ["now.txt"]


def test_an_earlier_file_is_replaced_and_a_foreign_one_is_not(tmp_path):
    earlier = tmp_path / "earlier.txt"
    earlier.write_text("squat 88 %\n")
    TextFile(earlier).close()
    assert earlier.read_bytes() == b""
    for data in (b"many\nlines\nof a letter\n", b"x" * 5000, b"a\0b"):
        foreign = tmp_path / "letter.txt"
        foreign.write_bytes(data)
        with pytest.raises(PublishError, match=r"letter\.txt exists and was not written by this program"):
            TextFile(foreign)
        assert foreign.read_bytes() == data


def test_a_folder_or_a_place_that_cannot_be_written(tmp_path):
    with pytest.raises(PublishError, match="is a folder"):
        TextFile(tmp_path)
    (tmp_path / "file").write_text("x")
    with pytest.raises(PublishError, match="cannot be written"):
        TextFile(tmp_path / "file" / "now.txt")


@pytest.mark.skipif(os.name == "nt", reason="a folder of POSIX")
def test_a_disk_that_fails_later_is_said_once_and_forgotten(tmp_path):
    folder = tmp_path / "stick"
    folder.mkdir()
    said: list[str] = []
    text = TextFile(folder / "now.txt", problem=said.append)
    aside = folder.rename(tmp_path / "pulled out")
    Path(folder).write_text("no folder any more")
    text.publish(message("squat"))
    until(lambda: said)
    text.publish(message("waving"))
    assert len(said) == 1 and "cannot be written" in said[0]
    folder.unlink()
    aside.rename(folder)
    text.publish(message("running"))
    until(lambda: (folder / "now.txt").read_text() == "running\n")
    until(lambda: said[-1] == "")
    text.close()
