"""Several files, one after the other, in the real window on a fake pipeline."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent

from slowfast_live.types import SourceInfo, SourceKind, SourceSpec
from tests.ui.conftest import Desk

MakeDesk = Callable[..., Desk]


@pytest.fixture
def clips(tmp_path: Path) -> list[SourceSpec]:
    made = []
    for name in ("a", "b", "c"):
        path = tmp_path / f"{name}.mp4"
        path.write_bytes(b"video")
        made.append(SourceSpec(SourceKind.FILE, str(path)))
    return made


def plays(desk: Desk) -> str:
    """The name of the file that was opened last."""
    call = desk.pipeline.last("open")
    assert call is not None
    return str(Path(call[0].address).name)


def arrive(desk: Desk) -> None:
    """The pipeline has opened what was asked for, and shows it."""
    call = desk.pipeline.last("open")
    assert call is not None
    desk.pipeline.update(source=call[0], opening=False, ended=False, info=SourceInfo(640, 480), source_frames=3)
    desk.poll()


def end(desk: Desk) -> None:
    desk.pipeline.update(ended=True)
    desk.poll()


def test_files_on_the_command_line_play_one_after_the_other(make_desk: MakeDesk, clips: list[SourceSpec]) -> None:
    desk = make_desk(source=clips[0], queue=tuple(clips))
    arrive(desk)
    assert (plays(desk), desk.live.queue.files.current) == ("a.mp4", 0)
    end(desk)
    assert plays(desk) == "b.mp4"
    desk.poll()
    desk.poll()
    assert plays(desk) == "b.mp4", "an end counts once"
    arrive(desk)
    end(desk)
    assert plays(desk) == "c.mp4"
    arrive(desk)
    opened = len(desk.pipeline.calls)
    end(desk)
    assert len([call for call in desk.pipeline.calls[opened:] if call[0] == "open"]) == 0, "the last one stays"


def test_next_and_previous_by_their_commands(make_desk: MakeDesk, clips: list[SourceSpec]) -> None:
    desk = make_desk(source=clips[0], queue=tuple(clips))
    arrive(desk)
    actions = desk.window.actions_by_id
    assert actions["next_file"].isEnabled() and not actions["previous_file"].isEnabled()
    desk.trigger("next_file")
    arrive(desk)
    assert plays(desk) == "b.mp4" and actions["previous_file"].isEnabled()
    desk.trigger("next_file")
    arrive(desk)
    assert plays(desk) == "c.mp4" and not actions["next_file"].isEnabled()
    desk.trigger("previous_file")
    assert plays(desk) == "b.mp4"


def test_dropping_several_files_makes_a_queue(make_desk: MakeDesk, clips: list[SourceSpec], video: SourceSpec) -> None:
    desk = make_desk(source=video)
    arrive(desk)
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(clip.address) for clip in clips])
    event = QDropEvent(
        QPointF(100, 100),
        Qt.DropAction.CopyAction,
        data,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    desk.window.dropEvent(event)
    assert plays(desk) == "a.mp4" and desk.live.queue.files.files == tuple(clips)
    desk.window.source_dialogs._open_files([clips[2].address, clips[1].address])
    assert plays(desk) == "c.mp4" and len(desk.live.queue.files.files) == 2
    desk.window.source_dialogs._open_files([video.address])
    assert plays(desk) == "clip.mp4" and len(desk.live.queue.files.files) == 2, "one file alone leaves the queue"


def test_a_file_that_is_gone_or_broken_is_passed_over(make_desk: MakeDesk, clips: list[SourceSpec]) -> None:
    Path(clips[1].address).unlink()
    desk = make_desk(source=clips[0], queue=tuple(clips))
    arrive(desk)
    end(desk)
    assert plays(desk) == "c.mp4", "b is gone"
    queue = desk.live.queue.files
    queue.play([clips[2], clips[0]])
    desk.pipeline.update(opening=True)
    desk.poll()
    desk.pipeline.update(opening=False, source=None, ended=False)  # c could not be opened
    desk.poll()
    assert plays(desk) == "a.mp4" and queue.current == 1


def test_another_source_leaves_the_queue_as_it_is(make_desk: MakeDesk, clips: list[SourceSpec]) -> None:
    desk = make_desk(source=clips[0], queue=tuple(clips))
    arrive(desk)
    desk.trigger("open_demo")
    arrive(desk)
    queue = desk.live.queue.files
    assert queue.current is None and queue.files == tuple(clips)
    end(desk)
    assert desk.pipeline.last("open")[0].kind is SourceKind.DEMO, "the end of another source starts nothing"
    desk.trigger("next_file")
    assert plays(desk) == "a.mp4"


def test_a_looping_file_stays(make_desk: MakeDesk, clips: list[SourceSpec]) -> None:
    desk = make_desk(source=clips[0], queue=tuple(clips))
    arrive(desk)
    desk.pipeline.update(loop=True)
    end(desk)
    assert plays(desk) == "a.mp4"


def test_the_list_is_edited(make_desk: MakeDesk, clips: list[SourceSpec], qtbot) -> None:  # type: ignore[no-untyped-def]
    desk = make_desk(source=clips[0])
    arrive(desk)
    desk.trigger("queue")
    dialog = desk.live.queue.dialog
    queue = desk.live.queue.files
    assert dialog.isVisible() and dialog.empty.isVisible()
    dialog.add_paths([clips[1].address, clips[2].address])
    assert [file.name for file in queue.files] == ["a.mp4", "b.mp4", "c.mp4"] and queue.current == 0
    dialog.list.setCurrentRow(2)
    qtbot.keyClick(dialog.list, Qt.Key.Key_Up, Qt.KeyboardModifier.AltModifier)
    assert [file.name for file in queue.files] == ["a.mp4", "c.mp4", "b.mp4"] and dialog.list.currentRow() == 1
    dialog.list.setCurrentRow(0)
    dialog.down.click()
    assert [file.name for file in queue.files] == ["c.mp4", "a.mp4", "b.mp4"] and queue.current == 1
    assert "▸" in dialog.list.item(1).text()
    dialog.list.setCurrentRow(0)
    qtbot.keyClick(dialog.list, Qt.Key.Key_Delete)
    assert [file.name for file in queue.files] == ["a.mp4", "b.mp4"] and queue.current == 0
    dialog.list.setCurrentRow(1)
    qtbot.keyClick(dialog.list, Qt.Key.Key_Return)
    assert plays(desk) == "b.mp4"
    queue.clear()
    assert dialog.empty.isVisible() and not dialog.play.isEnabled()
