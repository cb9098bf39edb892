"""The rendered clips on disk: made once, in several processes, and read without loading them all."""

from __future__ import annotations

import multiprocessing
import os
import signal
import struct
import zipfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import msgspec
import numpy as np
from numpy.lib import format as npy

from slowfast_live import files
from slowfast_live.errors import ModelError
from slowfast_live.tools.training.augment import augment, reduced
from slowfast_live.tools.training.config import Augmentation, ClipShape, Data
from slowfast_live.tools.training.dataset import render_shard
from slowfast_live.tools.training.filming import FilmStudio
from slowfast_live.types import U8

I64 = np.typing.NDArray[np.int64]

_ZIP_HEADER = struct.Struct("<26xHH")
"""Part of a zip member's local header: lengths of its name and of its extra fields."""


MADE_WITH = "made_with.json"
"""Name of the file beside the clips that states what they were made with."""


class MadeWith(msgspec.Struct, frozen=True):
    """What the clips in a folder were made with.

    Attributes:
        recordings: Action -> how many recordings some of its clips move as.
        surfaces: Whether people have a human surface; otherwise they are made of rounded cones.
        clothes: Whether they wear MakeHuman's clothes.
        panoramas: How many photographs are used as background and light.
    """

    recordings: dict[str, int] = {}
    surfaces: bool = False
    clothes: bool = False
    panoramas: int = 0

    @classmethod
    def of(cls, studio: FilmStudio) -> MadeWith:
        """Return what a studio uses to make clips."""
        wardrobe = studio.wardrobe
        return cls(
            studio.recordings.library.counts() if studio.recordings else {},
            wardrobe is not None,
            wardrobe is not None and wardrobe.clothes is not None,
            len(studio.panoramas),
        )


def made_with(folder: Path) -> MadeWith:
    """Return what the clips in a folder were made with.

    Raises:
        ModelError: The file that states it is damaged.
    """
    path = folder / MADE_WITH
    try:
        return msgspec.json.decode(path.read_bytes(), type=MadeWith)
    except FileNotFoundError:
        return MadeWith()
    except (OSError, msgspec.DecodeError) as error:
        raise ModelError(
            f"{path} cannot be read: {error}. Start the same training again; it is written anew."
        ) from error


def shard_path(folder: Path, index: int) -> Path:
    """Return the path of a shard."""
    return folder / f"{index:05d}.npz"


def render(
    folder: Path,
    data: Data,
    processes: int,
    done: Callable[[int], None] = lambda there: None,
    studio: FilmStudio | None = None,
) -> None:
    """Render the missing shards, so that an interrupted run can be resumed.

    Args:
        folder: Folder for 00000.npz and so on, and `MADE_WITH`.
        data: Seeds and counts.
        processes: Number of processes that render at the same time.
        done: Called with the number of complete shards, for the first time before any is rendered.
        studio: What clips are made with; the bundled model's pictures and parametric motion if None.
    """
    studio = studio or FilmStudio()
    folder.mkdir(parents=True, exist_ok=True)
    made = files.json_bytes(msgspec.to_builtins(MadeWith.of(studio)))
    record = folder / MADE_WITH
    if not record.exists() or record.read_bytes() != made:
        files.write_bytes(record, made)
    wanted = range(data.shards)
    missing = [index for index in wanted if not shard_path(folder, index).exists()]
    there = len(wanted) - len(missing)
    done(there)
    each = data.clips_per_shard
    jobs = [(shard_path(folder, i), data.seed + i * each, each, studio) for i in missing]
    if processes == 1 or len(jobs) < 2:
        for number, job in enumerate(jobs, there + 1):
            render_shard(*job)
            done(number)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(processes, len(jobs)), context, _one_thread) as pool:
        futures = [pool.submit(render_shard, *job) for job in jobs]
        try:
            for number, future in enumerate(as_completed(futures), there + 1):
                future.result()
                done(number)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _one_thread() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who started it ends it
    os.environ["OMP_NUM_THREADS"] = "1"
    cv2.setNumThreads(1)


def mapped(path: Path, name: str) -> Any:
    """Return an array of an uncompressed .npz, mapped into memory: data is only read when it is used.

    Raises:
        ModelError: The file is damaged.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            member = archive.getinfo(f"{name}.npy")
        with path.open("rb") as file:
            file.seek(member.header_offset)
            name_length, further = _ZIP_HEADER.unpack(file.read(_ZIP_HEADER.size))
            file.seek(name_length + further, os.SEEK_CUR)
            npy.read_magic(file)
            shape, _, kind = npy.read_array_header_1_0(file)
            return np.memmap(path, kind, "r", file.tell(), shape)
    except (OSError, KeyError, ValueError, struct.error, zipfile.BadZipFile) as error:
        raise ModelError(f"{path} is no complete file of clips: {error}. Delete it; it is rendered again.") from error


class Bank:
    """Clips and labels of the shards in a folder.

    Args:
        folder: Of `render`.
        data: Its seeds and counts; all shards must be there.

    Raises:
        ModelError: A shard is missing, damaged or of another size.
    """

    def __init__(self, folder: Path, data: Data) -> None:
        self._folder = folder
        self._data = data
        self._clips = [mapped(shard_path(folder, i), "x") for i in range(data.shards)]
        self._labels = [np.array(mapped(shard_path(folder, i), "y"), np.int64) for i in range(data.shards)]
        for index, labels in enumerate(self._labels):
            if len(labels) != data.clips_per_shard:
                raise ModelError(
                    f"{shard_path(folder, index)} holds {len(labels)} clips; the configuration says "
                    f"{data.clips_per_shard}. Delete the folder, or give another --out."
                )

    def check(self, clip: ClipShape) -> None:
        """Check that the clips suit a network.

        Raises:
            ModelError: They have another number of frames, or smaller ones.
        """
        frames, side = self._clips[0].shape[1:3]
        if frames != clip.frames or side < clip.side:
            raise ModelError(
                f"The clips in {self._folder} have {frames} pictures of {side} pixels; the configuration says "
                f"{clip.frames} of {clip.side}. Delete the folder, or give another --out."
            )

    def __reduce__(self) -> tuple[type[Bank], tuple[Path, Data]]:
        return Bank, (self._folder, self._data)  # another process maps the files itself; the clips are not copied

    def counts(self, classes: int) -> I64:
        """Return how many clips of each class are trained on: int64 (K,)."""
        return np.bincount(np.concatenate(self._labels[self._data.held_out_shards :]), minlength=classes)

    def training_clips(self, count: int, side: int) -> list[U8]:
        """Return up to `count` clips that are trained on, as they were rendered: uint8 (T, side, side, 3) each."""
        clips = (clip for shard in self._clips[self._data.held_out_shards :] for clip in shard)
        return [reduced(clip, side) for clip in islice(clips, count)]

    def batch(self, rng: np.random.Generator, count: int, side: int, how: Augmentation) -> tuple[U8, I64]:
        """Draw clips to train on: uint8 (count, T, side, side, 3), and their labels int64 (count,)."""
        xs, ys = [], []
        for _ in range(count):
            shard = int(rng.integers(self._data.held_out_shards, self._data.shards))
            index = int(rng.integers(self._data.clips_per_shard))
            xs.append(augment(self._clips[shard][index], rng, side, how))
            ys.append(self._labels[shard][index])
        return np.stack(xs), np.array(ys, np.int64)


def held_out(folder: Path, data: Data, side: int) -> tuple[tuple[U8, I64], tuple[U8, I64]]:
    """Return the two halves of the held-out clips: for fitting, and for reporting.

    Returns:
        Twice clips, uint8 (N, T, side, side, 3), and labels, int64 (N,).
    """
    half = data.held_out_shards // 2
    return _whole(folder, range(half), side), _whole(folder, range(half, data.held_out_shards), side)


def _whole(folder: Path, shards: range, side: int) -> tuple[U8, I64]:
    clips = [reduced(clip, side) for i in shards for clip in mapped(shard_path(folder, i), "x")]
    labels = np.concatenate([mapped(shard_path(folder, i), "y") for i in shards])
    return np.stack(clips), np.asarray(labels, np.int64)
