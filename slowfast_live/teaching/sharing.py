"""A model as one file, to give to somebody else: a ZIP archive with the files of the model folder, data only."""

from __future__ import annotations

import itertools
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from slowfast_live import files, paths
from slowfast_live.errors import ModelError, TeachingError
from slowfast_live.export.io_errors import reason
from slowfast_live.inference.backend import Backend
from slowfast_live.inference.model_folders import swap
from slowfast_live.inference.openvino_backend import OpenVinoBackend
from slowfast_live.inference.spec import IR_FILE, LARGEST_SPEC, SPEC_FILE, WEIGHTS_FILE, Model, decode, load
from slowfast_live.messages import Message, system_reason

_LARGEST = {SPEC_FILE: LARGEST_SPEC, IR_FILE: 200_000_000, WEIGHTS_FILE: 2_000_000_000}
"""Largest size in bytes of each file in the archive; there are no others."""
_BLOCK = 1 << 20
_STAMP = (2020, 1, 1, 0, 0, 0)


def write_shared(model: Model, path: Path) -> Path:
    """Write a model as one file.

    Args:
        model: The model; its folder's other files stay behind.
        path: The file; an existing one is replaced when the new one is complete.

    Raises:
        ModelError: The model folder is damaged.
        TeachingError: The file cannot be written.
    """
    load(model.folder)
    try:
        with files.atomic(path) as part, zipfile.ZipFile(part, "w") as archive:
            for name in _LARGEST:
                entry = zipfile.ZipInfo(name, _STAMP)
                entry.compress_type = zipfile.ZIP_DEFLATED
                with (model.folder / name).open("rb") as source, archive.open(entry, "w", force_zip64=True) as target:
                    while block := source.read(_BLOCK):
                        target.write(block)
    except OSError as error:
        raise TeachingError(
            Message("{path} cannot be written: {reason}", path=path, reason=reason(error, path)), details=repr(error)
        ) from error
    return path


def read_shared(path: Path, output: Path | None = None, backend: Backend | None = None) -> Model:
    """Add the model of a shared file to the models at hand, after the same checks as for every other model.

    Nothing of the archive decides where its files go: the three known names are read, each up to a fixed size, into a
    new folder. The network is compiled and run once before that folder takes its place. A model that is there already
    is not added again; another one of the same name is kept, and the new one gets a number.

    Args:
        path: The file.
        output: Folder of the model folders; None for the user's models.
        backend: Compiles the model for the check; None for OpenVINO.

    Raises:
        ModelError: It is not such a file, is damaged, or does not hold a working model.
        TeachingError: The model cannot be written.
    """
    output = output or paths.user_models_dir()
    try:
        output.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=".opening-", dir=output) as place:
            folder = _extract(path, Path(place))
            model = Model(folder, load(folder))
            (backend or OpenVinoBackend()).compile(model, "CPU").close()
            return _added(model, output)
    except OSError as error:
        raise TeachingError(
            Message(
                "The model of {path} cannot be added to {output}: {reason}",
                path=path,
                output=output,
                reason=reason(error, output / path.name),
            ),
            details=repr(error),
        ) from error


@contextmanager
def _archive(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, ValueError) as error:
        raise ModelError(
            Message("{path} is not a shared model, or is damaged: {error}. Ask for it again.", path=path, error=error),
            details=repr(error),
        ) from error
    except OSError as error:
        raise ModelError(
            Message("{path} cannot be read: {reason}.", path=path, reason=system_reason(error)), details=repr(error)
        ) from error


def _extract(path: Path, place: Path) -> Path:
    """Write the three files of an archive to a folder that is named as the model in it calls itself."""
    with _archive(path) as archive:
        names = [entry.filename for entry in archive.infolist()]
        if sorted(names) != sorted(_LARGEST):
            shown = ", ".join(names[:5]) or "nothing"
            raise ModelError(
                Message(
                    "{path} is not a shared model: expected {largest} in it, found {shown}.",
                    path=path,
                    largest=", ".join(_LARGEST),
                    shown=shown,
                )
            )
        spec = decode(_read(archive, SPEC_FILE, path), f"{SPEC_FILE} in {path}")
        folder = place / spec.name
        folder.mkdir()
        for name in _LARGEST:
            _copy(archive, name, folder / name, path)
    return folder


def _read(archive: zipfile.ZipFile, name: str, path: Path) -> bytes:
    with archive.open(name) as source:
        data = source.read(_LARGEST[name] + 1)
    if len(data) > _LARGEST[name]:
        raise _too_large(name, path)
    return data


def _copy(archive: zipfile.ZipFile, name: str, to: Path, path: Path) -> None:
    """Unpack one file; what it claims of its size is not believed."""
    left = _LARGEST[name]
    with archive.open(name) as source, to.open("wb") as target:
        while block := source.read(_BLOCK):
            left -= len(block)
            if left < 0:
                raise _too_large(name, path)
            target.write(block)


def _too_large(name: str, path: Path) -> ModelError:
    return ModelError(
        Message(
            "{path} is not opened: {name} in it is larger than {largest:.0f} MB.",
            path=path,
            name=name,
            largest=_LARGEST[name] / 1e6,
        )
    )


def _added(model: Model, output: Path) -> Model:
    for number in itertools.count(1):
        target = output / (model.name if number == 1 else f"{model.name}-{number}")
        if not target.exists():
            swap(model.folder, target)
            return Model(target, model.spec)
        if _same(model.folder, target):
            return Model(target, model.spec)
    raise AssertionError("there is always another number")


def _same(one: Path, other: Path) -> bool:
    try:
        return all((one / name).read_bytes() == (other / name).read_bytes() for name in _LARGEST)
    except OSError:
        return False
