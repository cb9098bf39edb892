"""Takes: examples of an action, kept as features of a network and a thumbnail. One file each."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

import msgspec
import numpy as np
from msgspec import Meta

from slowfast_live import files
from slowfast_live.errors import TeachingError
from slowfast_live.export.io_errors import reason
from slowfast_live.messages import Message, system_reason
from slowfast_live.teaching.names import CLIP_PREFIX
from slowfast_live.text_safety import controls
from slowfast_live.types import F32

NOTHING = ""
"""Label of a take of none of the actions."""
NOTHING_NAME = Message("none of these")
TAKE_SUFFIX = ".take"
MAX_WINDOWS, MAX_FEATURES = 512, 16_384
_MAGIC = b"SFLTAKE1"
_LARGEST_BYTES = 80_000_000

Name = Annotated[str, Meta(max_length=100)]


class Take(msgspec.Struct, frozen=True, kw_only=True):
    """One example.

    Attributes:
        schema: Version of this format.
        id: Name of its file, without the suffix.
        label: The action; `NOTHING` for none of the actions.
        made: When it was taken, ISO 8601.
        source: Where from: a camera's or file's name.
        length_s: Seconds that it lasts.
        trunk: Identity of the network up to its features; see `trunks.identity_of`.
        windows: W, number of frame windows.
        size: F, length of the features.
        data: Features, float16 (W, 2, F), little-endian: of each frame window and of its mirror image.
        mirrored: Whether the mirror images are examples, too.
        thumbnail: A JPEG; may be empty.
        clip: File name of the clip in the same folder; "" if it is not kept.
    """

    schema: Literal[1] = 1
    id: str
    label: Name
    made: str
    source: str
    length_s: float
    trunk: str
    windows: Annotated[int, Meta(ge=1, le=MAX_WINDOWS)]
    size: Annotated[int, Meta(ge=1, le=MAX_FEATURES)]
    data: bytes
    mirrored: bool = True
    thumbnail: bytes = b""
    clip: str = ""

    def __post_init__(self) -> None:
        if len(self.data) != self.windows * 2 * self.size * 2:
            raise ValueError(f"data has {len(self.data)} bytes, expected {self.windows} x 2 x {self.size} x 2")
        if controls(self.label):
            raise ValueError(f"label holds control characters: {self.label!r}")
        if Path(self.clip).name != self.clip:
            raise ValueError(f"clip {self.clip!r} is not a plain file name")

    @property
    def name(self) -> str:
        """The label, in words."""
        return self.label or NOTHING_NAME

    def features(self) -> F32:
        """Return float32 (N, F): of the frame windows, then of their mirror images where those count.

        Raises:
            TeachingError: They hold values that are not finite.
        """
        both = np.frombuffer(self.data, "<f2").reshape(self.windows, 2, self.size).astype(np.float32)
        if not np.isfinite(both).all():
            raise TeachingError(
                Message(
                    "The example {id} of “{name}” is damaged: its values are not finite.", id=self.id, name=self.name
                )
            )
        return np.asarray(np.concatenate([both[:, 0], both[:, 1]] if self.mirrored else [both[:, 0]]), np.float32)


def make_take(
    label: str,
    features: F32,
    *,
    trunk: str,
    source: str,
    length_s: float,
    mirrored: bool,
    thumbnail: bytes = b"",
    clip: str = "",
) -> Take:
    """Return a new take.

    Args:
        label: The action; `NOTHING` for none.
        features: float32 (W, 2, F): of each frame window and of its mirror image.
        trunk: Identity of the network.
        source: Name of the source.
        length_s: Its duration in seconds.
        mirrored: Whether mirror images are examples, too.
        thumbnail: A JPEG.
        clip: File name of its clip; "" if it is not kept.
    """
    limit = np.finfo(np.float16).max
    data = np.clip(features, -limit, limit).astype("<f2")
    return Take(
        id=secrets.token_hex(8),
        label=label.strip(),
        made=datetime.now(UTC).isoformat(timespec="seconds"),
        source=source,
        length_s=round(length_s, 3),
        trunk=trunk,
        windows=features.shape[0],
        size=features.shape[2],
        data=data.tobytes(),
        mirrored=mirrored,
        thumbnail=thumbnail,
        clip=clip,
    )


class TeachingSet(msgspec.Struct, frozen=True, kw_only=True):
    """What is taught together.

    Attributes:
        schema: Version of this format.
        title: Name of the taught model.
        base: Name of the model whose network is used.
        trunk: Identity of that network up to its features; "" before the first take.
        beside: Whether the base model's own actions are kept beside the taught ones.
        clips: Whether new examples are kept as videos, too.
        actions: Names of actions that were added, also of those without a take.
    """

    schema: Literal[1] = 1
    title: str = "My actions"
    base: str = ""
    trunk: str = ""
    beside: bool = False
    clips: bool = False
    actions: Annotated[tuple[Name, ...], Meta(max_length=1000)] = ()


class TakeStore:
    """A folder with the takes of one teaching set. Each is a file of its own, written whole or not at all.

    Args:
        folder: The folder; created with the first take.
    """

    _SET = "set.json"

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def settings(self) -> TeachingSet:
        """Return what is taught; the default where nothing is stored or the file is damaged."""
        try:
            return msgspec.json.decode((self.folder / self._SET).read_bytes(), type=TeachingSet)
        except (OSError, msgspec.DecodeError, ValueError):
            return TeachingSet()

    def save_settings(self, settings: TeachingSet) -> None:
        """Store what is taught.

        Raises:
            TeachingError: It cannot be written.
        """
        self._write(self.folder / self._SET, msgspec.json.encode(settings))

    def load(self) -> tuple[list[Take], list[TeachingError]]:
        """Return the takes, oldest first, and an error for each file that cannot be used; those files are kept."""
        takes: list[Take] = []
        broken: list[TeachingError] = []
        try:
            paths = sorted(self.folder.glob(f"*{TAKE_SUFFIX}"))
        except OSError as error:
            return [], [
                TeachingError(
                    Message("{path} cannot be read: {reason}.", path=self.folder, reason=system_reason(error))
                )
            ]
        for path in paths:
            try:
                takes.append(read_take(path))
            except TeachingError as error:
                broken.append(error)
        return sorted(takes, key=lambda take: (take.made, take.id)), broken

    def put(self, take: Take) -> None:
        """Store a take, or a changed one in place of the old.

        Raises:
            TeachingError: It cannot be written; what was stored before is unchanged.
        """
        self._write(self.folder / f"{take.id}{TAKE_SUFFIX}", _MAGIC + msgspec.msgpack.encode(take))

    def remove(self, takes: Sequence[Take]) -> None:
        """Remove takes; `put` restores them. Their clips stay until `sweep`.

        Raises:
            TeachingError: They cannot be removed.
        """
        for take in takes:
            self._unlink(self.folder / f"{take.id}{TAKE_SUFFIX}")

    def sweep(self, takes: Sequence[Take]) -> None:
        """Remove the clips that none of these takes refers to.

        Raises:
            TeachingError: They cannot be removed.
        """
        wanted = {take.clip for take in takes}
        for path in sorted(self.folder.glob(f"{CLIP_PREFIX}*")):
            if path.name not in wanted:
                self._unlink(path)

    def clip_of(self, take: Take) -> Path | None:
        """Return the clip of a take; None if it has none, or it is gone."""
        path = self.folder / take.clip
        return path if take.clip and path.is_file() else None

    def _unlink(self, path: Path) -> None:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise TeachingError(
                Message("{path} cannot be removed: {reason}.", path=path, reason=system_reason(error))
            ) from error

    def _write(self, path: Path, data: bytes) -> None:
        try:
            files.write_bytes(path, data, private=True)
        except OSError as error:
            raise TeachingError(
                Message("{path} cannot be written: {reason}", path=path, reason=reason(error, path)),
                details=repr(error),
            ) from error


def read_take(path: Path) -> Take:
    """Read a take.

    Raises:
        TeachingError: The file cannot be read or is damaged.
    """
    advice = Message("Remove it, and take the example again.")
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            raise TeachingError(
                Message(
                    "The example {path} is too large: more than {largest_bytes:.0f} MB. {advice}",
                    path=path,
                    largest_bytes=_LARGEST_BYTES / 1e6,
                    advice=advice,
                )
            )
        data = path.read_bytes()
    except OSError as error:
        raise TeachingError(
            Message("The example {path} cannot be read: {reason}.", path=path, reason=system_reason(error))
        ) from error
    if not data.startswith(_MAGIC):
        raise TeachingError(
            Message("{path} is not an example: it does not begin as expected. {advice}", path=path, advice=advice)
        )
    try:
        take = msgspec.msgpack.decode(data[len(_MAGIC) :], type=Take)
    except (msgspec.DecodeError, ValueError) as error:
        raise TeachingError(
            Message("The example {path} is damaged: {error}. {advice}", path=path, error=error, advice=advice),
            details=repr(error),
        ) from error
    if take.id != path.stem:
        raise TeachingError(
            Message(
                "The example {path} was renamed: it calls itself {id}. Give it that name again.", path=path, id=take.id
            )
        )
    return take
