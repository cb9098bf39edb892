"""What published weights were trained on: class names and what their scores mean. No torch here.

Class names, in the order of the checkpoints' outputs:

* Kinetics-400: pytorchvideo's `kinetics_classnames.json`. Kinetics-600 and -700 (2020): alphabetical, as the lists of
  the dataset are.
* Charades: classes `c000` to `c156` of the dataset's `Charades_v1_classes.txt`.
* Something-Something v2: `something-something-v2-labels.json`, numbers 0 to 173.
* AVA: actions 1 to 80 of `ava_action_list_v2.2.pbtxt`, less the words in brackets that only tell groups apart.
* Driver actions and welding: the documentation of Open Model Zoo's models.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from slowfast_live import paths
from slowfast_live.errors import ModelError
from slowfast_live.inference.spec import Decision

Activation = Literal["softmax", "sigmoid"]
"""softmax: one label is right, and scores sum to 1. sigmoid: each label is right or wrong by itself."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """A dataset of labeled videos.

    Attributes:
        title: Its name.
        classes: K, the number of its labels.
        about: What the labels are about, to complete "400 ...".
        file: Name of the list of labels among the bundled ones; "" if `names` has them.
        names: The labels, if they are few.
        activation: What a network's scores for it mean.
        whole_action: Whether each video shows one whole action, over which a clip is spread, however long it lasts.
        mirrored: Whether a mirrored video shows the same action; False if labels say left and right.
        fps: Frames per second of the videos.
        people: Whether the labels are about each person in the picture, not about the picture.
    """

    title: str
    classes: int
    about: str
    file: str = ""
    names: tuple[str, ...] = ()
    activation: Activation = "softmax"
    whole_action: bool = False
    mirrored: bool = True
    fps: float = 30.0
    people: bool = False

    def decision(self) -> Decision:
        """Return when to trust a network that was trained on this dataset."""
        return ava_decision(self.labels()) if self.people else Decision()

    def labels(self) -> tuple[str, ...]:
        """Return the labels in the order of the checkpoints' outputs.

        Raises:
            ModelError: The bundled list is missing or damaged.
        """
        if self.names:
            return self.names
        path = paths.bundled("assets") / "labels" / self.file
        try:
            names = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ModelError(f"{path}, the list of class names, cannot be read: {error}.") from error
        if len(names) != self.classes:
            raise ModelError(f"{path} has {len(names)} class names, expected {self.classes}. Reinstall SlowFast Live.")
        return tuple(names)


KINETICS_400 = Dataset("Kinetics-400", 400, "actions of everyday life and sport", "kinetics400.json")
KINETICS_600 = Dataset("Kinetics-600", 600, "actions of everyday life and sport", "kinetics600.json")
KINETICS_700 = Dataset("Kinetics-700", 700, "actions of everyday life and sport", "kinetics700.json")
CHARADES = Dataset(
    "Charades",
    157,
    "things that people do at home, several at a time",
    "charades.json",
    activation="sigmoid",
    fps=24.0,
)
SOMETHING_V2 = Dataset(
    "Something-Something v2",
    174,
    "things that hands do with objects",
    "something_something_v2.json",
    whole_action=True,
    mirrored=False,
)
AVA = Dataset(
    "AVA 2.2",
    80,
    "things that people do, of each person, several at a time",
    "ava.json",
    activation="sigmoid",
    people=True,
)
AVA_21 = dataclasses.replace(AVA, title="AVA 2.1")
AVA_NOT_EVALUATED = (2, 16, 18, 19, 21, 23, 25, 31, 32, 33, 35, 39, 40, 42, 44, 50, 53, 55, 71, 75)
"""Actions, counted from 1, that had too few examples to be evaluated."""
_AVA_COMMON = (1, 8, 11, 14, 17, 59, 74, 79, 80)
_AVA_COMMON_FROM, _AVA_FROM = 0.7, 0.3
"""Scores from which an action is shown, as in PySlowFast's demo: common actions, and the others."""


def ava_decision(labels: Sequence[str]) -> Decision:
    """Return thresholds as in PySlowFast's demo; the 20 labels that are not evaluated are off."""
    return Decision(
        threshold=_AVA_FROM,
        thresholds={labels[action - 1]: _AVA_COMMON_FROM for action in _AVA_COMMON},
        off=tuple(labels[action - 1] for action in AVA_NOT_EVALUATED),
    )


DRIVERS = Dataset(
    "a driver's cabin",
    9,
    "things that drivers do",
    names=(
        "safe driving",
        "texting left",
        "texting right",
        "talking on the phone left",
        "talking on the phone right",
        "operating the radio",
        "drinking or eating",
        "reaching behind",
        "hair and makeup",
    ),
    mirrored=False,
)
WELDING = Dataset("welding", 3, "states of a weld", names=("no weld", "normal weld", "porosity"))

BY_CLASSES: dict[int, Dataset] = {
    dataset.classes: dataset for dataset in (KINETICS_400, KINETICS_600, KINETICS_700, SOMETHING_V2, CHARADES)
}
"""Datasets by their number of classes, by which a checkpoint of unknown origin is labeled."""
