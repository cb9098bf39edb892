"""A shared model is opened like a video: dropped, chosen, or on the command line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from slowfast_live.inference.spec import Model
from slowfast_live.teaching.sharing import write_shared
from slowfast_live.types import SourceKind, SourceSpec
from slowfast_live.ui.controller.source_input import file_filter, file_of
from tests.ui.conftest import Desk


def said(desk: Desk) -> str:
    notice = desk.window.notice_bar.notice
    return notice.message if notice is not None else ""


def test_a_shared_model_is_added_and_used(make_desk: Callable[..., Desk], tiny: Model, tmp_path: Path) -> None:
    desk = make_desk()
    file = write_shared(tiny, tmp_path / "x.slowfast-model")
    assert "*.slowfast-model" in file_filter()
    assert file_of(file) == SourceSpec(SourceKind.FILE, str(file))
    before = desk.pipeline.last("open")
    desk.live.controller.open_source(SourceSpec(SourceKind.FILE, str(file)))
    desk.wait(lambda: "was added to your models" in said(desk))
    assert desk.pipeline.last("open") == before
    used = desk.pipeline.last("use_model")
    assert used is not None
    assert used[0].spec == tiny.spec


def test_a_damaged_one_is_explained_and_nothing_is_added(make_desk: Callable[..., Desk], tmp_path: Path) -> None:
    desk = make_desk()
    file = tmp_path / "x.slowfast-model"
    file.write_bytes(b"not a model")
    desk.live.controller.open_source(SourceSpec(SourceKind.FILE, str(file)))
    desk.wait(lambda: "is not a shared model" in said(desk))
