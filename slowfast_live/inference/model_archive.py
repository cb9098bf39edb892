"""Models that were built elsewhere, as a ZIP archive of their folders."""

from __future__ import annotations

import os
import shutil
import stat
import zipfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from slowfast_live.errors import ModelError
from slowfast_live.inference.spec import IR_FILE, SPEC_FILE, WEIGHTS_FILE, load, usable_name
from slowfast_live.messages import Message, system_reason

MAX_BYTES = 4_000_000_000
"""Archives that unpack to more are refused."""
_IMPORTING = ".importing-"


def import_archive(path: Path, output: Path) -> list[str]:
    """Unpack the models of an archive into the folder of models.

    Each model is a folder with `model.json`, `model.xml` and `model.bin`; other files of these folders come along, and
    everything else is left out. A model is checked before it appears under its name; nothing that exists is replaced.

    Args:
        path: The archive.
        output: Folder that gets the model folders.

    Returns:
        The names of the models, in alphabetical order.

    Raises:
        ModelError: It is no archive of models, is damaged, or holds a model that is there already.
    """
    temporary = output / f"{_IMPORTING}{os.getpid()}"
    try:
        output.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(path) as archive:
            folders = _folders(archive, path)
            for name in folders.values():
                if (output / name).exists():
                    raise ModelError(
                        Message(
                            "There is a model called {name} already: {output}. It is left as it is.",
                            name=name,
                            output=output / name,
                        )
                    )
            _unpack(archive, folders, temporary)
        for name in folders.values():
            load(temporary / name)
        for name in folders.values():
            (temporary / name).rename(output / name)
    except (zipfile.BadZipFile, zipfile.LargeZipFile, EOFError, NotImplementedError, RuntimeError) as error:
        raise ModelError(
            Message("{path} is no ZIP archive that can be read: {error}.", path=path, error=error), repr(error)
        ) from error
    except OSError as error:
        raise ModelError(
            Message(
                "{path} cannot be unpacked into {output}: {reason}.",
                path=path,
                output=output,
                reason=system_reason(error),
            ),
            repr(error),
        ) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return sorted(folders.values())


def _folders(archive: zipfile.ZipFile, path: Path) -> dict[PurePosixPath, str]:
    """Return the model folders within the archive, and the names that they get."""
    names = {PurePosixPath(info.filename) for info in archive.infolist() if not info.is_dir()}
    found: dict[PurePosixPath, str] = {}
    for name in sorted(names):
        folder = name.parent
        if name.name != SPEC_FILE or not {folder / IR_FILE, folder / WEIGHTS_FILE} <= names:
            continue
        title = folder.name or path.stem
        if not usable_name(title) or title in found.values():
            raise ModelError(
                Message("{path} holds a model with a name that cannot be used: '{title}'.", path=path, title=title)
            )
        found[folder] = title
    if not found:
        raise ModelError(
            Message(
                "{path} holds no model: expected folders with {spec_file}, {ir_file} and {weights_file}, as they "
                "lie in the folder of models of another machine.",
                path=path,
                spec_file=SPEC_FILE,
                ir_file=IR_FILE,
                weights_file=WEIGHTS_FILE,
            )
        )
    return found


def _unpack(archive: zipfile.ZipFile, folders: dict[PurePosixPath, str], temporary: Path) -> None:
    wanted = [info for info in archive.infolist() if PurePosixPath(info.filename).parent in folders]
    _check(wanted)
    for info in wanted:
        inside = PurePosixPath(info.filename)
        target = temporary / folders[inside.parent] / inside.name
        target.parent.mkdir(parents=True, exist_ok=True)
        with archive.open(info) as source, target.open("wb") as file:
            shutil.copyfileobj(source, file, 1 << 20)


def _check(members: Sequence[zipfile.ZipInfo]) -> None:
    """Refuse what unpacks to too much, and links."""
    if sum(info.file_size for info in members) > MAX_BYTES:
        raise ModelError(
            Message("The models unpack to more than {max_bytes:.0f} GB, which is too much.", max_bytes=MAX_BYTES / 1e9)
        )
    for info in members:
        if stat.S_ISLNK(info.external_attr >> 16):
            raise ModelError(
                Message("The archive has a link ({filename}), which is not followed.", filename=info.filename)
            )
