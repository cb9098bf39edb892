"""A model on its way to the machines of a cluster: each fetches it once."""

from __future__ import annotations

import getpass
import os
import secrets
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from filelock import FileLock

from slowfast_live.inference import spec as specs
from slowfast_live.inference.spec import HEAD_FILE, HEAD_WEIGHTS_FILE, IR_FILE, SPEC_FILE, WEIGHTS_FILE, Model

_FILES = (IR_FILE, WEIGHTS_FILE, SPEC_FILE)
_HEAD = (HEAD_FILE, HEAD_WEIGHTS_FILE)


def pack(model: Model) -> dict[str, bytes]:
    """Return the files of a model."""
    return {name: (model.folder / name).read_bytes() for name in (*_FILES, *(_HEAD if model.spec.detects else ()))}


def unpack(fetch: Callable[[], Mapping[str, bytes]], name: str, fingerprint: str) -> Model:
    """Return a model on this machine; it is fetched if no process of this machine did so before.

    Args:
        fetch: Returns the model's files; called once a machine.
        name: The model's name.
        fingerprint: Digest of its files.
    """
    root = Path(tempfile.gettempdir()) / f"slowfast-live-{_user()}" / "models" / fingerprint
    root.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder = root / name
    with FileLock(root / "lock"):
        if not folder.is_dir():
            part = root / f".{secrets.token_hex(4)}.part"
            part.mkdir()
            for file, data in fetch().items():
                (part / file).write_bytes(data)
            os.rename(part, folder)  # noqa: PTH104 - a folder is there whole or not at all
    return Model(folder, specs.load(folder))


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container without users
        return str(os.getuid()) if hasattr(os, "getuid") else "user"
