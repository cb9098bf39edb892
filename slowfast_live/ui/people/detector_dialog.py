"""The page that gets a person detector by one button, and chooses among those at hand."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QRadioButton, QWidget

from slowfast_live.people.now import MOTION
from slowfast_live.people.spec import DetectorModel, find_detectors
from slowfast_live.ui.commands.commands import describe
from slowfast_live.ui.models.setup_dialog import SetupDialog, SetupTexts
from slowfast_live.ui.people.detector_setup import (
    OFFERS,
    RECOMMENDED,
    SUFFIXES,
    DetectorEnd,
    DetectorSetup,
    UsesDetectors,
)
from slowfast_live.ui.style.language import tr
from slowfast_live.ui.style.theme import GRID
from slowfast_live.ui.threads.background import BackgroundTasks

_INTRO = tr(
    "A person detector finds everybody in the picture, whatever they do. Without one, regions that move are followed: "
    "who stands still is not found, and two who touch are one."
)


class DetectorDialog(SetupDialog):
    """Lists the detectors at hand and those that can be fetched; fetching goes on when it is closed.

    Args:
        controller: Switches the detector.
        setup: Fetches detectors.
        background: Runs slow work off the GUI thread.
        parent: The window.
    """

    def __init__(
        self,
        controller: UsesDetectors,
        setup: DetectorSetup,
        background: BackgroundTasks,
        parent: QWidget | None = None,
    ) -> None:
        texts = SetupTexts(
            title=tr("Person detector"),
            intro=_INTRO,
            progress=tr("Progress"),
            wrote=tr("What the program wrote"),
            show_wrote=tr("Show what the program wrote"),
            start=(tr("Get it"), tr("Fetch and convert the selected detector, and use it")),
            from_file=tr("Without the internet: an ONNX, OpenVINO or TFLite file"),
            stop=tr("End it; incomplete files are removed"),
            shut=tr("Close; fetching goes on (Esc)"),
        )
        super().__init__(texts, setup, parent)
        self._controller, self._setup, self._background = controller, setup, background
        self._at_hand: tuple[DetectorModel, ...] = ()
        self._used = ""
        self.lay_out()
        self.setMinimumSize(72 * GRID, 42 * GRID)
        self._wire()

    def _wire(self) -> None:
        self.start.clicked.connect(lambda: self.begin())
        self.from_file.clicked.connect(lambda: self._ask_file())
        self.group.buttonClicked.connect(lambda _: self._show_state())
        self._setup.progress.connect(self.show_progress)
        self._setup.finished.connect(self._finished)

    def open_up(self, used: str) -> None:
        """Show the page.

        Args:
            used: Title of the detector that runs now; "" if people are not followed.
        """
        self._used = used
        self.show()
        self.raise_()
        self._find_out()

    def _find_out(self) -> None:
        self._background.run(lambda: find_detectors()[0], self._show_choices, name="detectors")

    def _show_choices(self, detectors: list[DetectorModel]) -> None:
        self._at_hand = tuple(detectors)
        wanted = self.chosen
        for choice in self.choices.values():
            self.group.removeButton(choice)
            self.rows.removeWidget(choice)
            choice.deleteLater()
        self.choices = {}
        running = ""
        for detector in detectors:
            in_use = detector.spec.title == self._used
            running = detector.name if in_use else running
            mark = tr("in use") if in_use else tr("at hand")
            self._add(detector.name, f"{detector.spec.title} · {mark}")
        there = {detector.name for detector in detectors}
        for offer in OFFERS:
            if offer.folder not in there:
                self._add(offer.name, f"{offer.title} · {offer.size_mb:.1f} MB · {offer.text}")
        self._add(MOTION, tr("None: follow what moves") + (f" · {tr('in use')}" if self._used == "Motion" else ""))
        first = RECOMMENDED if RECOMMENDED in self.choices and not running else running
        self.choices[next((n for n in (wanted, first) if n in self.choices), MOTION)].setChecked(True)
        self._show_state()

    def _add(self, name: str, text: str) -> None:
        choice = QRadioButton(text, self)
        describe(choice, text, text)
        self.group.addButton(choice)
        self.rows.addWidget(choice)
        self.choices[name] = choice

    @property
    def chosen(self) -> str:
        """The selected detector: a folder at hand, the name of an offer, or `MOTION`; "" before they are known."""
        return next((name for name, choice in self.choices.items() if choice.isChecked()), "")

    @property
    def _to_fetch(self) -> bool:
        return self.chosen in {offer.name for offer in OFFERS}

    def begin(self, file: Path | None = None) -> None:
        """Get the selected detector, or use it if it is at hand.

        Args:
            file: An ONNX, IR (.xml) or TFLite file; None for the published one.
        """
        chosen = self.chosen
        if file is None and not self._to_fetch:
            if chosen:
                self._controller.use_detector(chosen)
                title = next((one.spec.title for one in self._at_hand if one.name == chosen), "")
                self._used = title or tr("Motion")
                found = tr("People are found by {title} now.", title=title)
                self.say(found if title else tr("What moves is followed."))
                self._find_out()
            return
        if not self._setup.start(chosen if file is None else RECOMMENDED, file):
            self.say(tr("A detector is being fetched already."), "amber")
        self._show_state()

    def _ask_file(self) -> None:
        endings = " ".join(f"*{suffix}" for suffix in SUFFIXES)
        filters = [tr("Networks ({endings})", endings=endings), tr("All files (*)")]
        self.ask_file(tr("A person detector on this machine"), filters, self.begin)

    def _show_state(self) -> None:
        self.show_busy()
        self.start.setText(tr("Get it") if self._to_fetch else tr("Use it"))
        if self._setup.busy:
            self.show_progress(*self._setup.latest)

    def _finished(self, end: DetectorEnd) -> None:
        self.details.setPlainText(end.details)
        self.say(end.message, "plain" if end.done or end.cancelled else "amber")
        if end.done:
            self._used = end.title
        self._find_out()
        self._show_state()
        if not end.done:
            self.start.setText(tr("Try again"))
