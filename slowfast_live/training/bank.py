"""The rendered clips on disk: made once, in several processes, and read without loading them all."""

from __future__ import annotations

import json
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

from slowfast_live.errors import ModelError
from slowfast_live.training.augment import augment, reduced
from slowfast_live.training.config import Augmentation, Data
from slowfast_live.training.dataset import Recordings, render_shard
from slowfast_live.training.mocap import Library
from slowfast_live.types import U8

I64 = np.typing.NDArray[np.int64]

_ZIP_HEADER = struct.Struct("<26xHH")
"""Of a member's local header: the lengths of its name and of its further fields."""


RECORDED = "recordings.json"
"""Beside the clips: how many recordings of each action some of them move as."""


def recorded(folder: Path) -> dict[str, int]:
    """Return how many recordings of each action were mixed into the clips in a folder; empty where none were.

    Raises:
        ModelError: The file that says so is damaged.
    """
    path = folder / RECORDED
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, int])
    except FileNotFoundError:
        return {}
    except (OSError, msgspec.DecodeError) as error:
        raise ModelError(f"{path} cannot be read: {error}. Render again with --mocap; it is written anew.") from error


def shard_path(folder: Path, index: int) -> Path:
    """Return where a shard lies."""
    return folder / f"{index:05d}.npz"


def render(
    folder: Path,
    data: Data,
    processes: int,
    done: Callable[[int], None] = lambda there: None,
    library: Library | None = None,
) -> None:
    """Render the shards that are missing, so that what was interrupted goes on.

    Args:
        folder: Gets 00000.npz and so on, and with a library `RECORDED`.
        data: Seeds and counts.
        processes: How many render at the same time.
        done: Called with the number of shards that are there, first before any is rendered.
        library: Motion capture, for the share of clips that `data` says.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if library:
        (folder / RECORDED).write_text(json.dumps(library.counts(), indent=2) + "\n", encoding="utf-8")
    wanted = range(data.shards)
    missing = [index for index in wanted if not shard_path(folder, index).exists()]
    there = len(wanted) - len(missing)
    done(there)
    taken = Recordings(library, data.mocap_share) if library else None
    jobs = [(shard_path(folder, i), data.seed + i * data.clips_per_shard, data.clips_per_shard, taken) for i in missing]
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
    """Return an array of an uncompressed .npz, mapped into memory: nothing is read before it is used.

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
    """Return two halves of the clips that are never trained on: to fit with, and to report.

    Returns:
        Twice clips, uint8 (N, T, side, side, 3), and labels, int64 (N,).
    """
    half = data.held_out_shards // 2
    return _whole(folder, range(half), side), _whole(folder, range(half, data.held_out_shards), side)


def _whole(folder: Path, shards: range, side: int) -> tuple[U8, I64]:
    clips = [reduced(clip, side) for i in shards for clip in mapped(shard_path(folder, i), "x")]
    labels = np.concatenate([mapped(shard_path(folder, i), "y") for i in shards])
    return np.stack(clips), np.asarray(labels, np.int64)
