"""The command `slowfast-live teach`: folders of example videos become a model."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from slowfast_live.errors import SlowFastLiveError, TeachingError, UsageError
from slowfast_live.inference.spec import Model, Registry
from slowfast_live.sources.videos import find_videos
from slowfast_live.teaching.advice import sentences
from slowfast_live.teaching.building import build
from slowfast_live.teaching.collecting import take_of_file
from slowfast_live.teaching.learning import learn
from slowfast_live.teaching.names import SHARED_SUFFIX
from slowfast_live.teaching.sharing import write_shared
from slowfast_live.teaching.takes import NOTHING, NOTHING_NAME, Take
from slowfast_live.teaching.trunks import Trunk
from slowfast_live.text_safety import visible

NOTHING_FOLDERS = frozenset({"none", "nothing", NOTHING_NAME, "none_of_these", "other", "something else", "unknown"})
"""Names of folders whose videos show none of the actions."""
SOME_MISSING = 1


@dataclass(frozen=True, slots=True)
class TeachOptions:
    """What to teach.

    Attributes:
        base: Name or folder of the model to build on.
        examples: Folder with a folder of videos for each action.
        name: Name of the taught model.
        output: Folder of the model folders; None for the user's models.
        device: OpenVINO device.
        mirrored: Whether mirror images are examples, too.
        beside: Whether to keep the base model's own actions.
        shared: Also write the model as one file; None to leave that out.
    """

    base: str
    examples: Path
    name: str
    output: Path | None = None
    device: str = "CPU"
    mirrored: bool = True
    beside: bool = False
    shared: Path | None = None


@dataclass(frozen=True, slots=True)
class Example:
    """A video and the action that it shows; the label is `NOTHING` for none."""

    label: str
    path: Path


def examples_in(folder: Path) -> list[Example]:
    """Return the videos of a folder of folders, one for each action; "_" in a folder's name stands for a space.

    Raises:
        UsageError: It is not such a folder.
    """
    try:
        inside = sorted(entry for entry in folder.iterdir() if entry.is_dir() and not entry.name.startswith("."))
    except OSError as error:
        raise UsageError(f"--examples: {folder} cannot be read: {error.strerror or error}.") from error
    if not inside:
        raise UsageError(f"--examples: {folder} has no folders; expected one for each action, with videos in it.")
    found: list[Example] = []
    for place in inside:
        name = place.name.strip()
        label = NOTHING if name.casefold() in NOTHING_FOLDERS else name.replace("_", " ")
        try:
            found += [Example(label, video.path) for video in find_videos([place]).files]
        except UsageError as error:
            raise UsageError(f"--examples: the action “{visible(name)}” has no example. {error.message}") from error
    return found


def run(options: TeachOptions, say: Callable[[str], object] | None = None) -> int:
    """Teach a model from folders.

    Returns:
        0, or 1 if some of the videos could not be read.

    Raises:
        SlowFastLiveError: Nothing could be taught.
    """
    say = say or _print
    base = Registry().find(options.base)
    examples = examples_in(options.examples)
    if options.shared is not None and options.shared.suffix != SHARED_SUFFIX:
        raise UsageError(f"--share: {options.shared} should end in {SHARED_SUFFIX}, so that it opens as a model.")
    takes, failed = _takes(options, base, examples, say)
    for problem in failed:
        sys.stderr.write(f"slowfast-live: {visible(problem)}\n")
    if missing := {e.label for e in examples} - {take.label for take in takes}:
        names = ", ".join(f"“{label or NOTHING_NAME}”" for label in sorted(missing))
        raise TeachingError(f"None of the examples of {names} can be read. Replace them, or remove the folder.")
    learned = learn(takes)
    model = build(learned, base, options.name, options.output, beside=options.beside)
    for sentence in sentences(learned.report):
        say(sentence)
    say(f"Written to {model.folder}")
    if options.shared is not None:
        say(f"Written to {write_shared(model, options.shared)}")
    return SOME_MISSING if failed else 0


def _takes(
    options: TeachOptions, base: Model, examples: list[Example], say: Callable[[str], object]
) -> tuple[list[Take], list[str]]:
    trunk = Trunk(base, options.device)
    takes: list[Take] = []
    failed: list[str] = []
    for number, example in enumerate(examples, 1):
        say(f"{number} of {len(examples)}: {example.label or NOTHING_NAME}, {example.path.name}")
        try:
            takes.append(take_of_file(trunk, example.label, example.path, mirrored=options.mirrored))
        except (SlowFastLiveError, ValueError) as error:
            failed.append(str(error))
    return takes, failed


def _print(text: str) -> None:
    sys.stdout.write(visible(text) + "\n")
    sys.stdout.flush()
