"""Write a taught model as an ordinary model folder."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import openvino as ov

from slowfast_live import paths
from slowfast_live.errors import ModelError, TeachingError
from slowfast_live.export.io_errors import reason
from slowfast_live.inference.model_folders import building_folder, clear_leftovers, swap
from slowfast_live.inference.openvino_backend import RT_INFO_KEY
from slowfast_live.inference.spec import IR_FILE, SPEC_FILE, Accuracy, Decision, Model, ModelSpec, encode
from slowfast_live.inference.spec import load as load_spec
from slowfast_live.messages import Message
from slowfast_live.teaching.advice import sentences
from slowfast_live.teaching.graph import features_of, with_head
from slowfast_live.teaching.learning import Learned, TeachingReport
from slowfast_live.teaching.takes import NOTHING_NAME
from slowfast_live.teaching.trunks import TRUNK_KEY, identity_of, read_network

TAUGHT_KEY = "taught"
"""Key in the `origin` of a taught model: when it was taught."""


def folder_name(title: str, precision: str) -> str:
    """Return the name of a taught model's folder.

    >>> folder_name("Physio: Übung 3", "INT8")
    'physio-ubung-3-int8'
    """
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    stem = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:60].strip("-")
    return f"{stem or 'my-actions'}-{precision.lower()}"


def is_taught(spec: ModelSpec) -> bool:
    """Return whether a model was taught in the app."""
    return TAUGHT_KEY in spec.origin


def none_label(labels: tuple[str, ...]) -> str:
    """Return the background label of a taught model: "none of these", or a variant if an action has that name."""
    name = str(NOTHING_NAME)
    while name.casefold() in {label.casefold() for label in labels}:
        name += "."
    return name


def describe(learned: Learned, base: Model, title: str, *, beside: bool) -> tuple[ModelSpec, list[int] | None]:
    """Return the description of a taught model, and the classes of the base model that it keeps.

    Args:
        learned: The classifier.
        base: The model whose network is used.
        title: Name of the taught model.
        beside: Whether to keep the base model's own actions. One with the name of a taught action is replaced by it.

    Raises:
        TeachingError: The base model's actions are to be kept, but there is no example of none of the taught ones.
    """
    spec = base.spec
    kept = _kept(learned, base) if beside else None
    if kept is not None:
        names = (*learned.labels, *(spec.labels[i] for i in kept))
        background = tuple(label for label in spec.decision.background_labels if label in names)
    else:
        background = (none_label(learned.labels),) if learned.head.none is not None else ()
        names = (*learned.labels, *background)
    words = " ".join(sentences(learned.report)[:1])
    return ModelSpec(
        name=folder_name(title, spec.precision),
        title=title,
        family=spec.family,
        labels=names,
        clip=spec.clip,
        alpha=spec.alpha,
        mean=spec.mean,
        std=spec.std,
        precision=spec.precision,
        trained=True,
        features=learned.head.weights.shape[1],
        decision=Decision(threshold=learned.report.threshold, background_labels=background),
        licence=spec.licence,
        origin={
            "note": f"Taught in the app on the network of {spec.title}.",
            "base": spec.origin.get("base", base.name) if is_taught(spec) else base.name,
            TRUNK_KEY: identity_of(base),
            TAUGHT_KEY: datetime.now(UTC).isoformat(timespec="seconds"),
        },
        accuracy=_accuracy(learned.report),
        gflops=spec.gflops,
        params_m=spec.params_m,
        description=f"Taught from {sum(learned.report.takes)} takes on {spec.title}. {words}",
    ), kept


def _kept(learned: Learned, base: Model) -> list[int]:
    """Return the classes of the base model that stand beside the taught ones.

    Raises:
        TeachingError: They cannot.
    """
    spec = base.spec
    if spec.several:
        raise TeachingError(
            Message(
                "“{title}” gives several answers at once, so its actions cannot stand beside yours, of which one "
                "is right. Leave its actions out, or choose another model.",
                title=spec.title,
            )
        )
    if learned.head.none is None:
        raise TeachingError(
            Message(
                "To keep the actions of “{title}” beside yours, examples of “none of these” are needed: they show "
                "when to leave the answer to it. Add some, or leave its actions out.",
                title=spec.title,
            )
        )
    own = {label.casefold() for label in learned.labels}
    return [i for i, label in enumerate(spec.labels) if label.casefold() not in own]


def _accuracy(report: TeachingReport) -> tuple[Accuracy, ...]:
    tested = report.actions_tested
    if not tested:
        return ()
    share = round(100 * report.right / len(tested), 1)
    note = f"{len(tested)} takes, each held out in turn"
    return (Accuracy("takes", "top-1", share, origin="measured", note=note),)


def build(learned: Learned, base: Model, title: str, output: Path | None = None, *, beside: bool = False) -> Model:
    """Write a taught model: the base network with the learned classifier in place of its own.

    The folder appears when it is complete; one with the same name is replaced only if it is a taught model.

    Args:
        learned: The classifier.
        base: The model whose network is used; a taught one serves as well.
        title: Name of the taught model.
        output: Folder of the model folders; None for the user's models.
        beside: Whether to keep the base model's own actions.

    Raises:
        ModelError: The base model cannot be read or taught.
        TeachingError: The model cannot be written there.
    """
    if not title.strip():
        raise TeachingError(Message("The taught model has no name. Give it one."))
    if beside and is_taught(base.spec):
        raise TeachingError(
            Message(
                "“{title}” is a taught model itself, so there are no actions of a base model to keep. Choose the "
                "model that it was taught on, or leave its actions out.",
                title=base.spec.title,
            )
        )
    spec, kept = describe(learned, base, title.strip(), beside=beside)
    output = output or paths.user_models_dir()
    target = output / spec.name
    if target.exists() and not _replaceable(target):
        raise TeachingError(
            Message(
                "{target} exists and is not a taught model. It is left as it is; choose another name.", target=target
            )
        )
    network = read_network(base)
    taught = with_head(network, features_of(network, base.name), learned.head, kept)
    inside = msgspec.structs.replace(spec, accuracy=(), parity={})
    taught.set_rt_info(msgspec.json.encode(inside).decode(), RT_INFO_KEY)
    try:
        output.mkdir(parents=True, exist_ok=True)
        clear_leftovers(output)
        with building_folder(output, spec.name) as part:
            ov.save_model(taught, part / IR_FILE, compress_to_fp16=spec.precision != "FP32")
            (part / SPEC_FILE).write_bytes(encode(spec))
            swap(part, target)
    except OSError as error:
        raise TeachingError(
            Message("{path} cannot be written: {reason}", path=target, reason=reason(error, target)),
            details=repr(error),
        ) from error
    except RuntimeError as error:  # OpenVINO's own errors, such as a full disk
        raise TeachingError(
            Message("{target} cannot be written. Is the disk full?", target=target), details=str(error)
        ) from error
    return Model(target, spec)


def _replaceable(folder: Path) -> bool:
    try:
        return is_taught(load_spec(folder))
    except ModelError:
        return False
