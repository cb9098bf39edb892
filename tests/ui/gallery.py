"""Pictures of the window in its states, to be looked at: `python -m tests.ui.gallery FOLDER`.

Runs against the fake pipeline, on whatever display there is (QT_QPA_PLATFORM=offscreen draws without one).
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QEventLoop
from PySide6.QtWidgets import QApplication, QWidget

from slowfast_live.inference.spec import Registry
from slowfast_live.rules.rule import Rule, RuleBook
from slowfast_live.types import Level, Notice, PipelineState, Readout, ReadoutState, SourceKind, SourceSpec
from slowfast_live.ui.app import AppOptions, LiveApp, Services, make_application
from slowfast_live.ui.models.model_builder import BuildTools
from slowfast_live.ui.style.theme import Mode
from tests.ui.fakes import ACTION, DEVICES, TOP, FakeCameras, FakePipeline, FakeRegistry
from tests.ui.models import fake_build

FAKE_BUILD = Path(fake_build.__file__)
LONG = "passing American football (not in game)"
FILE = SourceSpec(SourceKind.FILE, "/home/ada/videos/jumping-jacks.mp4")


def settle(seconds: float) -> None:
    """Let the window live for a while."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        QApplication.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, 20)
        time.sleep(0.002)


class Studio:
    """Takes one picture after another."""

    def __init__(self, app: QApplication, folder: Path) -> None:
        self.app, self.folder = app, folder

    def shoot(
        self,
        name: str,
        change: Callable[[LiveApp, FakePipeline], object],
        *,
        size: tuple[int, int] = (1280, 800),
        theme: Mode = "light",
        models: bool = True,
        frames: bool = True,
        picture: tuple[int, int] = (1280, 720),
        source: SourceSpec | None = FILE,
    ) -> None:
        pipeline = FakePipeline(size=picture)
        registry = FakeRegistry() if models else FakeRegistry(())
        with tempfile.TemporaryDirectory() as home:
            build = BuildTools((sys.executable, str(FAKE_BUILD), "well"), Path(home) / "models", ())
            services = Services(
                lambda: pipeline, FakeCameras(), lambda: DEVICES, registry, None, self.folder, self.folder, build
            )
            live = LiveApp(self.app, AppOptions(source=source, settings_path=Path(home) / "settings.json"), services)
            live.themes.set_mode(theme)
            live.window.resize(*size)
            live.start()
            if frames:
                pipeline.start_frames()
            settle(0.6)
            change(live, pipeline)
            settle(1.4 if frames else 0.6)
            target: QWidget | None = live.window
            if name.startswith("models"):
                target = live.window.dialogs.manager
            if name.startswith(("help", "rules")):
                target = QApplication.activeModalWidget()
            elif name.startswith("popup"):
                target = QApplication.activePopupWidget()
            assert target is not None
            target.grab().save(str(self.folder / f"{name}.png"))
            if target is not live.window:
                target.close()
            live.close()
            live.window.close()
            settle(0.1)


def readout(value: Readout) -> Callable[[LiveApp, FakePipeline], object]:
    return lambda _live, pipeline: setattr(pipeline, "current_readout", value)


def manager(
    kind: str = "", size: tuple[int, int] = (1080, 680), needed: tuple[str, ...] = ()
) -> Callable[[LiveApp, FakePipeline], object]:
    """Open the model manager; `kind` starts a build of that kind."""

    def show(live: LiveApp, pipeline: FakePipeline) -> None:
        folder = live.builder.output
        for name, precision in (("slowfast_r50", "fp16"), ("slowfast_r50", "int8"), ("x3d_m", "int8")):
            fake_build.write(name, folder, precision)
        fake_build.write("x3d_s", folder, "int8", trained=False)
        live.controller._registry = Registry([folder])
        live.controller.rescan()
        pipeline.current_prediction = replace(pipeline.predict(), model="slowfast_r50-int8")
        pipeline.update(model="slowfast_r50-int8")
        live.builder.tools = BuildTools((sys.executable, str(FAKE_BUILD), kind or "well"), folder, needed)
        settle(0.5)
        live.window.dialogs.show_models()
        dialog = live.window.dialogs.manager
        assert dialog is not None
        dialog.resize(*size)
        settle(2.5)
        if kind:
            os.environ["FAKE_BUILD_GO"] = str(folder / "go")
            dialog.choose("x3d_xs")
            dialog.form.start_build()
            settle(1.5)

    return show


def main(folder: Path) -> None:
    """Take all pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    studio = Studio(make_application(), folder)
    only = sys.argv[2:]

    def shoot(name: str, *args: object, **kwargs: object) -> None:
        if not only or name in only:
            studio.shoot(name, *args, **kwargs)  # type: ignore[arg-type]

    nothing = readout(ACTION)
    small, large = (900, 600), (1600, 900)
    for theme in ("light", "dark"):
        shoot(f"action-{theme}-900", nothing, size=small, theme=theme)
        shoot(f"action-{theme}-1600", nothing, size=large, theme=theme)
    warming = Readout(ReadoutState.WARMING_UP)

    def warm(live: LiveApp, pipeline: FakePipeline) -> None:
        pipeline.current_readout = warming
        pipeline.update(coverage=0.62, predictions_per_s=0.0)

    shoot("warming-dark", warm, theme="dark")
    top = tuple((label, score * 0.2) for label, score in TOP)
    shoot("none-light", readout(Readout(ReadoutState.NO_CONFIDENT_ACTION, None, 0.18, top)))
    shoot(
        "reconnecting-dark",
        lambda _l, p: p.update(reconnect_attempt=3),
        theme="dark",
        source=SourceSpec(SourceKind.CAMERA, "0", "Logitech C920"),
    )
    error = Notice(
        Level.ERROR,
        "rtsp://10.0.0.7/stream does not answer: expected a video stream within 5 s. "
        "Check the address and the network.",
        "av.error.TimeoutError: [Errno 110] Connection timed out\n  at open (stream.py:88)",
    )

    def fail(live: LiveApp, pipeline: FakePipeline) -> None:
        pipeline.current_frame = None
        pipeline.update(state=PipelineState.FAILED, info=None, predictions_per_s=0.0, source_fps=0.0)
        pipeline.pending.append(error)
        settle(0.3)
        live.window.notice_bar._details_button.setChecked(True)

    shoot("failed-light", fail, frames=False)
    shoot("failed-dark-900", fail, frames=False, theme="dark", size=small)
    shoot("no-model-light", readout(Readout(ReadoutState.NO_MODEL)), models=False)
    shoot("untrained-dark", readout(Readout(ReadoutState.UNTRAINED, None, 0.2, top)), theme="dark")
    long_top = ((LONG, 0.83), *TOP[1:])
    shoot("long-900", readout(Readout(ReadoutState.ACTION, LONG, 0.83, long_top)), size=small)
    shoot("portrait-dark", nothing, theme="dark", picture=(720, 1280))

    def full(live: LiveApp, pipeline: FakePipeline) -> None:
        live.window.actions_by_id["full_screen"].trigger()

    shoot("fullscreen", full)
    shoot("help-light", lambda live, _p: live.window.dialogs.show_help())
    shoot("help-dark", lambda live, _p: live.window.dialogs.show_help(), theme="dark")

    def card(live: LiveApp, pipeline: FakePipeline) -> None:
        for name in ("now", "live"):
            live.window.side_panel.sections[name].set_folded(True)
        live.window.side_panel.sections["actions"].set_folded(False)

    shoot("card-light", card, size=large)
    shoot("camera-dark", nothing, theme="dark", source=SourceSpec(SourceKind.CAMERA, "0", "Logitech C920"))

    def pause(live: LiveApp, pipeline: FakePipeline) -> None:
        pipeline.pause()
        pipeline.update(switching="Compiling X3D-M for CPU")
        live.window.side_panel.now.set_threshold(0.5)

    shoot("paused-switching-light", pause)
    for theme in ("light", "dark"):
        shoot(f"models-{theme}", manager(), theme=theme)
        shoot(f"models-{theme}-900", manager(size=(860, 540)), theme=theme, size=small)
    shoot("models-building-dark", manager("waits"), theme="dark")
    shoot("models-failed-light-900", manager("fails", size=(860, 540)), size=small)
    shoot("models-missing-dark-900", manager(needed=("torch", "no_such_package"), size=(860, 540)), theme="dark")
    shoot("models-missing-light", manager(needed=("torch", "no_such_package")))
    shoot("resting-light-900", readout(Readout(ReadoutState.RESTING)), size=small)
    shoot("recording-dark-900", lambda live, _p: live.recording.toggle(), theme="dark", size=small)
    rules = (Rule("jumping jacks", command=("lamp", "on")), Rule("squat", 0.8, webhook="https://example.org/hook"))

    def show_rules(live: LiveApp, pipeline: FakePipeline) -> None:
        live.memory.settings.rules = RuleBook(enabled=True, rules=rules)
        live.window.actions_by_id["rules"].trigger()

    for theme in ("light", "dark"):
        shoot(f"rules-{theme}", show_rules, theme=theme)
    # Popups are windows of their own: these pictures show them alone.
    shoot(
        "popup-menu-dark",
        lambda live, _p: live.window.menu.open_first(),
        theme="dark",
    )
    shoot("popup-sources-light", lambda live, _p: live.window.source_bar.sources.showPopup())
    shoot("popup-devices-dark", lambda live, _p: live.window.source_bar.devices.showPopup(), theme="dark")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
