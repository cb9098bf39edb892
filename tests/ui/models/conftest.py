"""A window with its model manager open, on a fake build program."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication

from slowfast_live.inference.spec import Registry
from slowfast_live.types import SourceSpec
from slowfast_live.ui.app import LiveApp, Services
from slowfast_live.ui.controller.options import AppOptions
from slowfast_live.ui.models import model_builder
from slowfast_live.ui.models.manager_dialog import ModelManager
from slowfast_live.ui.models.model_builder import (
    BuildOutcome,
    BuildTools,
)
from tests.ui.conftest import Desk
from tests.ui.fakes import DEVICES, FakeCameras, FakePipeline
from tests.ui.models import fake_build

MakeBench = Callable[..., "Bench"]


def tools(kind: str, output: Path, needed: tuple[str, ...] = ()) -> BuildTools:
    return BuildTools((sys.executable, fake_build.__file__, kind), output, needed)


class Bench(Desk):
    """A window with its model manager open."""

    dialog: ModelManager
    output: Path

    @property
    def builder(self) -> model_builder.ModelBuilder:
        return self.live.builder

    def build(self, name: str = "x3d_xs", wait: bool = True) -> BuildOutcome | None:
        ended: list[BuildOutcome] = []
        self.builder.finished.connect(ended.append)
        self.dialog.choose(name)
        self.qtbot.mouseClick(self.dialog.form.build, Qt.MouseButton.LeftButton)
        assert self.builder.busy
        if not wait:
            return None
        self.wait(lambda: ended)
        return ended[0]

    def cells(self, column: int) -> dict[str, str]:
        model = self.dialog._table_model
        return {row.key: model.index(number, column).data() for number, row in enumerate(model.rows)}

    def words(self) -> list[str]:
        """The arguments that the build program got."""
        line = next(line for line in self.builder.log if line.startswith("words: "))
        return list(json.loads(line.removeprefix("words: ")))


@pytest.fixture
def make_bench(qapp: QApplication, qtbot: Any, tmp_path: Path, video: SourceSpec) -> Any:
    made: list[Bench] = []

    def make(
        kind: str = "well",
        built: tuple[tuple[str, str], ...] = (),
        needed: tuple[str, ...] = (),
        opened: bool = True,
    ) -> Bench:
        output = tmp_path / "models"
        for name, precision in built:
            fake_build.write(name, output, precision)
        pipeline, cameras = FakePipeline(), FakeCameras()
        options = AppOptions(source=video, settings_path=tmp_path / "settings.json")
        services = Services(
            lambda: pipeline,
            cameras,
            lambda: list(DEVICES),
            Registry([output]),
            build=tools(kind, output, needed),
        )
        live = LiveApp(qapp, options, services)
        bench = Bench(live, pipeline, cameras, qtbot)
        bench.output = output
        made.append(bench)
        live.start()
        bench.wait(lambda: bench.window.source_bar.devices.count() and not live.background.busy)
        bench.poll()
        if opened:
            bench.trigger("models")
            assert bench.window.dialogs.manager is not None
            bench.dialog = bench.window.dialogs.manager
            bench.wait(lambda: not live.background.busy)
        return bench

    yield make
    for bench in made:
        bench.live.close()
        bench.window.close()
        bench.window.deleteLater()
    qapp.processEvents()
