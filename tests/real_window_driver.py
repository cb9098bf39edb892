"""Runs the real command line, and says on standard output, as JSON lines, what stands where on the screen."""

import json
import sys
from typing import Any

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QComboBox, QWidget

from slowfast_live import cli
from slowfast_live.ui.app import LiveApp

PERIOD_MS = 100


def describe(live: LiveApp) -> dict[str, Any]:
    status = live.pipeline.status()
    places = {}
    for widget in QApplication.allWidgets():
        if widget.isVisible() and widget.accessibleName():
            at = widget.mapToGlobal(widget.rect().topLeft())
            kind = "choose " if isinstance(widget, QComboBox) else ""
            places[kind + widget.accessibleName()] = [at.x(), at.y(), widget.width(), widget.height()]
    modal: QWidget | None = QApplication.activeModalWidget()
    canvas = live.window.canvas
    at = canvas.mapToGlobal(canvas.rect().topLeft())
    return {
        "places": places,
        "canvas": [at.x(), at.y(), canvas.width(), canvas.height()],
        "shown": live.window.shown_frames,
        "paused": status.paused,
        "position_s": status.position_s,
        "model": status.model,
        "source": status.source.name if status.source else None,
        "full_screen": live.window.isFullScreen(),
        "modal": type(modal).__name__ if modal else None,
        "popup": QApplication.activePopupWidget() is not None,
        "notices": [
            w.text() for w in live.window.notice_bar.findChildren(QWidget) if hasattr(w, "text") and w.isVisible()
        ],
    }


def main() -> int:
    start = LiveApp.start

    def start_and_say(live: LiveApp) -> None:
        start(live)
        timer = QTimer(live)
        timer.timeout.connect(lambda: print(json.dumps(describe(live)), flush=True))  # noqa: T201
        timer.start(PERIOD_MS)

    LiveApp.start = start_and_say  # type: ignore[method-assign]
    return cli.main(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
