"""The page that sets up 400 actions by one button."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QLabel, QRadioButton, QWidget

from slowfast_live.errors import ModelError
from slowfast_live.ui.commands.commands import describe
from slowfast_live.ui.controller.controller import Controller
from slowfast_live.ui.models.kinetics_offers import BUNDLED, TIMES_AS_LONG, KineticsOffer, make_offers, recommended
from slowfast_live.ui.models.kinetics_setup import KineticsSetup, SetupEnd, SetupOrder, SetupProgress
from slowfast_live.ui.models.model_builder import ModelBuilder
from slowfast_live.ui.models.model_catalogue import Buildable, Speeds
from slowfast_live.ui.models.setup_dialog import SetupDialog, SetupTexts, text_label
from slowfast_live.ui.style.fitting import resize_to_fit
from slowfast_live.ui.style.language import tr, words
from slowfast_live.ui.style.theme import GRID
from slowfast_live.ui.threads.background import BackgroundTasks

_FINDING = tr("Finding out what suits this machine…")
_INTRO = tr(
    "The model that comes with the app knows 18 movements. These networks know the 400 "
    "actions of Kinetics: sport, music, cooking, crafts and much else. Their weights are "
    "published by their authors and are fetched from them."
)
_TOOLS = tr(
    "Converting them needs PyTorch and other build tools, which are not installed. They are "
    "installed once, into a folder of their own: several hundred megabytes, or several "
    "gigabytes if PyTorch comes with CUDA."
)


@dataclass(frozen=True, slots=True)
class _Found:
    """What was found out on a thread."""

    buildable: list[Buildable]
    missing: list[str]
    error: ModelError | None = None


class KineticsDialog(SetupDialog):
    """Recommends a network, sets it up and switches to it; a setup goes on when it is closed.

    Args:
        controller: Knows the models, and switches.
        builder: Builds models.
        setup: Sets up.
        background: Runs slow work off the GUI thread.
        speeds: What was measured in this session.
        parent: The window.
    """

    actions_wanted = Signal()
    """The user wants to see the list of actions of the model that runs now."""

    def __init__(
        self,
        controller: Controller,
        builder: ModelBuilder,
        setup: KineticsSetup,
        background: BackgroundTasks,
        speeds: Speeds,
        parent: QWidget | None = None,
    ) -> None:
        texts = SetupTexts(
            title=tr("Recognize 400 actions"),
            intro=_INTRO,
            progress=tr("Progress of the setup"),
            wrote=tr("What the programs wrote"),
            show_wrote=tr("Show what the programs wrote"),
            start=(tr("Set up"), tr("Fetch, convert, check and switch to the selected network")),
            from_file=tr("Without the internet: from weights or models on this machine"),
            stop=tr("End the setup; it can go on later from there"),
            shut=tr("Close; a setup goes on (Esc)"),
        )
        super().__init__(texts, setup, parent)
        self._controller, self._builder, self._setup = controller, builder, setup
        self._background, self._speeds = background, speeds
        self._found = _Found([], [])
        self._offers: tuple[KineticsOffer, ...] = ()
        self._facts: dict[str, QLabel] = {}
        self.says.setText(_FINDING)
        self.tools = text_label("")
        # Made before the buttons have their places, so that Tab reaches them first; shown when it is known what can be
        # offered.
        self._prepared = {name: (QRadioButton(self), text_label("")) for name in TIMES_AS_LONG}
        for choice, facts in self._prepared.values():
            facts.setContentsMargins(3 * GRID, 0, 0, 0)
            self.group.addButton(choice)
            self.rows.addWidget(choice)
            self.rows.addWidget(facts)
            choice.hide()
            facts.hide()
        self.lay_out(self.tools)
        resize_to_fit(self, 90 * GRID, 62 * GRID)
        self.setMinimumSize(70 * GRID, 50 * GRID)
        self._wire()

    def _wire(self) -> None:
        self.start.clicked.connect(lambda: self.begin())
        self.from_file.clicked.connect(lambda: self._ask_file())
        self.group.buttonClicked.connect(lambda _: self._show_state())
        self._setup.progress.connect(self._progress)
        self._setup.finished.connect(self._finished)
        self._controller.models_changed.connect(lambda _: self._show_offers())

    def open_up(self) -> None:
        """Show the page, with what is known now."""
        self.show()
        self.raise_()
        self._find_out()

    def _find_out(self) -> None:
        tools = self._builder.tools

        def find() -> _Found:
            missing = tools.missing()
            try:
                return _Found(tools.catalogue(), missing)
            except ModelError as error:
                return _Found([], missing, error)

        self._background.run(find, self._show_found, name=tr("400 actions"))

    def _show_found(self, found: _Found) -> None:
        self._found = found
        if found.error is not None:
            self.says.setText(words(found.error))
            self.details.setPlainText(found.error.details)
        self._show_offers()

    def _show_offers(self) -> None:
        chosen = self.chosen
        measured = self._speeds.fastest(BUNDLED)
        self._offers = make_offers(self._found.buildable, self._controller.models, measured)
        best = recommended(self._offers)
        for offer in self._offers:
            if offer.name not in self.choices:
                self._add_row(offer)
            mark = tr(" – recommended for this machine") if offer is best and measured else ""
            mark = mark or (tr(" – the fastest") if offer is best else "")
            self.choices[offer.name].setText(f"{offer.title}{mark}")
            self._facts[offer.name].setText(offer.text)
            describe(self.choices[offer.name], f"{offer.title}{mark}", offer.text)
        wanted = chosen or best
        if wanted is not None:
            self.choices[wanted.name].setChecked(True)
        self.tools.setText(_TOOLS if self._found.missing else "")
        self.tools.setVisible(bool(self._found.missing))
        self._show_state()

    def _add_row(self, offer: KineticsOffer) -> None:
        choice, facts = self._prepared[offer.name]
        self.choices[offer.name], self._facts[offer.name] = choice, facts
        choice.show()
        facts.show()

    @property
    def chosen(self) -> KineticsOffer | None:
        """The selected network; None before they are known."""
        for offer in self._offers:
            if self.choices[offer.name].isChecked():
                return offer
        return None

    def begin(self, file: Path | None = None, wheels: Path | None = None) -> None:
        """Set up the selected network, or switch to it if it is set up already.

        Args:
            file: Weights, or an archive of models; None for the published weights.
            wheels: Folder to install the build tools from; None for the internet.
        """
        offer = self.chosen
        if offer is None:
            return
        if offer.built and file is None:
            self._controller.choose_model(offer.built)
            self.say(tr("Switching to {title}.", title=offer.title))
            return
        if not self._setup.start(SetupOrder(offer.name, offer.title, file, wheels)):
            self.say(tr("Another model is being built. Start again when it is done."), "amber")
            return
        self.details.setPlainText("")
        self._show_state()

    def _ask_file(self) -> None:
        self.ask_file(
            tr("Weights or models on this machine"),
            [tr("Weights and archives of models (*.pyth *.pth *.pt *.zip)"), tr("All files (*)")],
            self.use_file,
        )

    def use_file(self, file: Path) -> None:
        """Set up from a file. Packages for the build tools are taken from a folder `wheels` beside it, if there is one.

        Published weights select their network by their name.
        """
        for entry in self._found.buildable:
            if entry.name in self.choices and entry.checkpoint.url.rpartition("/")[2] == file.name:
                self.choices[entry.name].setChecked(True)
        wheels = file.parent / "wheels"
        self.begin(file, wheels if wheels.is_dir() else None)

    def _show_state(self) -> None:
        busy, offer = self._setup.busy, self.chosen
        self.show_busy()
        self.start.setEnabled(offer is not None)
        self.start.setText(tr("Use it") if offer is not None and offer.built else tr("Set up"))
        if busy:
            self._progress(self._setup.latest)
        elif self.says.text() == _FINDING:
            measured = self._speeds.fastest(BUNDLED) is not None
            self.say(
                "" if measured else tr("Nothing was measured on this machine yet; the fastest is recommended."), "quiet"
            )

    def _progress(self, progress: SetupProgress) -> None:
        self.show_progress(progress.text, progress.fraction)

    def _finished(self, end: SetupEnd) -> None:
        self.details.setPlainText(end.details)
        self._show_state()
        self.say(end.message, "plain" if end.done or end.cancelled else "amber")
        if not end.done:
            self.start.setText(tr("Go on") if end.cancelled else tr("Try again"))
        self._find_out()
