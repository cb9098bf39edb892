"""Train a small network on rendered clips: resumable, on a GPU or in several processes of one thread each.

On a CPU each process takes its own batches and the gradients are averaged, which on a busy machine wastes less than
many threads that wait for one another. A batch follows from seed, process and step alone, so that a training which
was interrupted ends, with one process on a CPU, with the same weights as one that was not.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import msgspec
import numpy as np
import openvino as ov
import torch
from torch import Tensor, distributed, nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset, Sampler

from slowfast_live import files
from slowfast_live.errors import ModelError, UsageError
from slowfast_live.tools.convert.slowfast import SlowFast, SlowFastConfig, slowfast
from slowfast_live.tools.training.actions import LABELS
from slowfast_live.tools.training.bank import I64, Bank, held_out
from slowfast_live.tools.training.config import Config, Training, differences
from slowfast_live.tools.training.warm_start import start_from
from slowfast_live.types import U8

CHECKPOINT = "checkpoint.pt"

_STATISTICS_CLIPS = 32
"""Clips whose statistics the weights of a packaged model are adapted to."""


def network_config(config: Config) -> SlowFastConfig:
    """Return the network that a configuration describes."""
    clip, network = config.clip, config.network
    try:
        return SlowFastConfig(
            **msgspec.structs.asdict(network),
            frames=clip.frames // network.alpha,
            stride=clip.stride * network.alpha,
            num_classes=len(LABELS),
            side=clip.side,
            pool_side=None,
        )
    except ValueError as error:
        raise UsageError(f"[network] describes no network: {error}.") from error


@cache
def computing_type(device: torch.device) -> torch.dtype:
    """Return what a training computes in: bfloat16 where the hardware has it, else float32.

    A CPU without it emulates it, which took seven to nine times as long as float32 on a Zen 3 core.
    """
    if device.type == "cuda":
        native = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        native = "BF16" in ov.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    return torch.bfloat16 if native else torch.float32


class Point(NamedTuple):
    """One row of the curve: means since the row before; `held_out` is the averaged network's accuracy."""

    step: int
    minutes: float
    loss: float
    accuracy: float
    held_out: float


class TrainingMoment(NamedTuple):
    """Where a training stands when an update is prepared: `share` is how much of it is done, 0..1."""

    step: int
    share: float
    side: int


def learning_rate(how: Training, moment: TrainingMoment) -> float:
    """Rise, stay, then fall in a line to zero."""
    rise = min(1.0, (moment.step + 1) / how.warm_up)
    return how.rate * rise * min(1.0, max(0.0, 1 - moment.share) / how.cooling)


@torch.no_grad()
def accuracy(network: SlowFast, clips: U8, labels: I64, device: torch.device) -> float:
    """Share of clips uint8 (N, T, S, S, 3) whose best label is the right one of (N,)."""
    network.eval()
    right = 0
    for start in range(0, len(clips), 16):
        scores = network(torch.from_numpy(clips[start : start + 16]).to(device)).logits
        right += int((scores.argmax(1).cpu().numpy() == labels[start : start + 16]).sum())
    return right / len(clips)


class Trainer:
    """A network under training, with what it needs to go on later.

    Args:
        config: How it is built and trained.
        device: Where it computes.
        processes: How many share the work through `torch.distributed`.
    """

    def __init__(self, config: Config, device: torch.device, processes: int = 1) -> None:
        self.config = config
        self.device = device
        self.dtype = computing_type(device)
        self.processes = processes
        torch.manual_seed(config.training.seed)
        self.network = slowfast(network_config(config)).to(device)
        self.average = slowfast(network_config(config)).to(device)
        self.average.load_state_dict(self.network.state_dict())
        how = config.training
        self.optimizer = torch.optim.AdamW(self.network.parameters(), how.rate, weight_decay=how.decay)
        self.step = 0
        self.spent_s = 0.0
        self.curve: list[Point] = []

    def save(self, path: Path) -> None:
        """Write a checkpoint; what stood there is replaced only when it is complete."""
        state = {
            "model": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimizer.state_dict(),
            "step": self.step,
            "spent_s": self.spent_s,
            "curve": [tuple(point) for point in self.curve],
            "config": self.config.as_dict(),
        }
        with files.atomic(path) as part:
            torch.save(state, part)

    def resume(self, path: Path) -> None:
        """Go on from a checkpoint.

        Raises:
            ModelError: It cannot be read, or is another network's.
            UsageError: It was begun with another configuration.
        """
        state = read_checkpoint(path)
        if changed := differences(state["config"], self.config) if "config" in state else []:
            raise UsageError(
                f"{path} was begun with another configuration: {'; '.join(changed)}. Give another --out to begin anew."
            )
        try:
            self.network.load_state_dict(state["model"])
            self.average.load_state_dict(state["average"])
            self.optimizer.load_state_dict(state["optimiser"])
        except (RuntimeError, KeyError, ValueError) as error:
            raise ModelError(f"{path} belongs to another network.", details=str(error)) from error
        self.step, self.spent_s = state["step"], state["spent_s"]
        self.curve = [Point(*row) for row in state.get("curve", [])]

    def update(self, moment: TrainingMoment, clips: Tensor, labels: Tensor) -> tuple[float, float]:
        """Take one step on this process's part of a batch: uint8 (N, T, S, S, 3) and int64 (N,).

        Returns:
            Loss and accuracy before the step, of this part.
        """
        how = self.config.training
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(how, moment)
        self.network.train()
        clips, labels = clips.to(self.device), labels.to(self.device)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.dtype == torch.bfloat16):
            scores = self.network(clips).logits
        loss = functional.cross_entropy(scores.float(), labels, label_smoothing=how.smoothing)
        self.optimizer.zero_grad()
        # Parts may differ by a clip; their gradients count by their sizes.
        (loss * (len(labels) * self.processes / how.batch)).backward()  # type: ignore[no-untyped-call]
        if self.processes > 1:
            _average_gradients(self.network, self.processes)
        nn.utils.clip_grad_norm_(self.network.parameters(), how.gradient_norm)
        self.optimizer.step()
        self.step = moment.step + 1
        _follow(self.average, self.network, min(how.average, (self.step + 1) / (self.step + 10)))
        return float(loss.detach()), float((scores.argmax(1) == labels).float().mean())


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Return a checkpoint: "model", "average", "optimiser", "step", "spent_s", and since later "curve", "config".

    Raises:
        ModelError: It cannot be read or lacks something.
    """
    try:
        state: dict[str, Any] = torch.load(path, weights_only=True, map_location="cpu")
        missing = {"model", "average", "optimiser", "step", "spent_s"} - state.keys()
    except Exception as error:  # torch raises many kinds for a file that is none
        raise ModelError(f"{path} is no checkpoint of a training: {error}.") from error
    if missing:
        raise ModelError(f"{path} is no checkpoint of a training: it lacks {', '.join(sorted(missing))}.")
    return state


def _average_gradients(network: nn.Module, processes: int) -> None:
    grads = [p.grad for p in network.parameters() if p.grad is not None]
    flat = torch.cat([g.flatten() for g in grads])
    distributed.all_reduce(flat)
    flat /= processes
    start = 0
    for g in grads:
        g.copy_(flat[start : start + g.numel()].view_as(g))
        start += g.numel()


@torch.no_grad()
def _follow(average: SlowFast, network: SlowFast, decay: float) -> None:
    for a, b in zip(average.state_dict().values(), network.state_dict().values(), strict=True):
        if a.is_floating_point():
            a.lerp_(b, 1 - decay)
        else:
            a.copy_(b)


class _Schedule(Sampler[TrainingMoment]):
    """The moments from a step to the end. All processes follow the first one's clock."""

    def __init__(self, how: Training, side: int, start: int, spent_s: Callable[[], float], processes: int) -> None:
        self._how, self._side, self._start = how, side, start
        self._spent_s, self._processes = spent_s, processes

    def __iter__(self) -> Iterator[TrainingMoment]:
        for step in range(self._start, self._how.steps):
            share = max(step / self._how.steps, self._spent_s() / 60 / self._how.minutes)
            if self._processes > 1:
                agreed = torch.tensor(share, dtype=torch.float64)
                distributed.broadcast(agreed, 0)
                share = float(agreed)
            if share >= 1:
                return
            side = self._how.coarse_side if share < self._how.coarse_share else self._side
            yield TrainingMoment(step, share, side)


class _Batches(Dataset[tuple[TrainingMoment, Tensor, Tensor]]):
    """A process's part of the batch of each moment."""

    def __init__(self, bank: Bank, config: Config, rank: int, processes: int) -> None:
        self._bank, self._config, self._rank = bank, config, rank
        each, left = divmod(config.training.batch, processes)
        self._count = each + (rank < left)

    def __getitem__(self, moment: TrainingMoment) -> tuple[TrainingMoment, Tensor, Tensor]:
        how = self._config.training
        rng = np.random.default_rng((how.seed, self._rank, moment.step))
        clips, labels = self._bank.batch(rng, self._count, moment.side, self._config.augmentation)
        return moment, torch.from_numpy(clips), torch.from_numpy(labels)


@dataclass(frozen=True)
class TrainingFolders:
    """Where a training reads and writes.

    Attributes:
        clips: The folder of the rendered clips.
        out: The folder of the checkpoint.
        start: The .xml file of a packaged model with whose weights a new training begins; None: with random ones.
    """

    clips: Path
    out: Path
    start: Path | None = None


Report = Callable[[Trainer, TrainingMoment], None]
"""Called after each update; a point was added to the trainer's curve where its step is the trainer's."""


def _silent(_trainer: Trainer, _moment: TrainingMoment) -> None:
    return


def train(
    config: Config, place: TrainingFolders, device: torch.device, processes: int, report: Report = _silent
) -> Trainer:
    """Train, or go on from the checkpoint, until the steps or the minutes are used up.

    Args:
        config: How.
        place: Where the rendered clips are; `out` gets the checkpoint.
        device: "cuda" trains in one process, while `processes` prepare clips; "cpu" in `processes` of one thread.
        processes: How many; no more than there are clips in a batch.
        report: Takes the progress.

    Raises:
        ModelError: The clips or the checkpoint cannot be used, or a process ended early.
        UsageError: The checkpoint was begun with another configuration.
    """
    place.out.mkdir(parents=True, exist_ok=True)
    threads = torch.get_num_threads(), cv2.getNumThreads()
    try:
        if device.type != "cpu":
            return _loop(config, place, device, rank=0, processes=1, workers=processes, report=report)
        torch.set_num_threads(1)
        cv2.setNumThreads(1)
        if processes == 1:
            return _loop(config, place, device, rank=0, processes=1, workers=0, report=report)
        return _together(config, place, processes, report)
    finally:
        torch.set_num_threads(threads[0])
        cv2.setNumThreads(threads[1])


def _together(config: Config, place: TrainingFolders, processes: int, report: Report) -> Trainer:
    """Train with further processes; this one is the first."""
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        meeting = (Path(folder) / "meeting").as_uri()
        others = [
            context.Process(target=_join, args=(config, place, rank, processes, meeting), daemon=True)
            for rank in range(1, processes)
        ]
        for other in others:
            other.start()
        try:
            distributed.init_process_group("gloo", init_method=meeting, rank=0, world_size=processes)
            return _loop(config, place, torch.device("cpu"), 0, processes, workers=0, report=report)
        except RuntimeError as error:
            raise ModelError(
                "A process of the training ended early. The same command goes on from the last checkpoint; "
                "--processes 1 needs less memory.",
                details=str(error),
            ) from error
        finally:
            if distributed.is_initialized():
                distributed.destroy_process_group()
            for other in others:
                other.join(10)
                other.terminate()


def _join(config: Config, place: TrainingFolders, rank: int, processes: int, meeting: str) -> None:
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the first process ends the others
    distributed.init_process_group("gloo", init_method=meeting, rank=rank, world_size=processes)
    _loop(config, place, torch.device("cpu"), rank, processes, workers=0, report=_silent)
    distributed.destroy_process_group()


def _loop(
    config: Config,
    place: TrainingFolders,
    device: torch.device,
    rank: int,
    processes: int,
    workers: int,
    report: Report,
) -> Trainer:
    trainer = Trainer(config, device, processes)
    bank = Bank(place.clips, config.data)
    bank.check(config.clip)
    checkpoint = place.out / CHECKPOINT
    if checkpoint.exists():
        trainer.resume(checkpoint)
    elif place.start:
        start_from(trainer.network, place.start, bank.training_clips(_STATISTICS_CLIPS, config.clip.side))
        trainer.average.load_state_dict(trainer.network.state_dict())
    how, before_s, began_s = config.training, trainer.spent_s, time.monotonic()

    def spent_s() -> float:
        return before_s + time.monotonic() - began_s

    schedule = _Schedule(how, config.clip.side, trainer.step, spent_s, processes)
    batches = _Batches(bank, config, rank, processes)
    watched = held_out(place.clips, config.data, config.clip.side)[0] if rank == 0 else None
    recent: list[tuple[float, float]] = []
    # With workers the moments are drawn a few batches ahead; without them each when its batch is due.
    loader = DataLoader(
        batches,
        batch_size=None,
        sampler=schedule,
        num_workers=workers,
        multiprocessing_context="spawn" if workers else None,
    )
    for moment, clips, labels in loader:
        # Dropout, like the batch, follows from the step: a resumed training draws what an unbroken one would.
        torch.manual_seed(_step_seed(how.seed, rank, moment.step))
        recent.append(trainer.update(moment, clips, labels))
        trainer.spent_s = spent_s()
        if watched is not None:
            if trainer.step % how.check_every == 0:
                _check(trainer, recent, watched, checkpoint)
            report(trainer, moment)
    if watched is not None and recent:
        _check(trainer, recent, watched, checkpoint)
    return trainer


def _step_seed(seed: int, rank: int, step: int) -> int:
    return int(np.random.SeedSequence((seed, rank, step)).generate_state(1, np.uint64)[0] >> np.uint64(1))


def _check(trainer: Trainer, recent: list[tuple[float, float]], watched: tuple[U8, I64], checkpoint: Path) -> None:
    """Measure the averaged network, add to the curve, and save."""
    loss, hit = np.mean(recent, axis=0)
    recent.clear()
    found = accuracy(trainer.average, *watched, trainer.device)
    trainer.curve.append(Point(trainer.step, trainer.spent_s / 60, float(loss), float(hit), found))
    trainer.save(checkpoint)


def choose_device(name: str) -> torch.device:
    """Return the device of that name: "auto" (a GPU where there is one), "cpu" or "cuda".

    Raises:
        UsageError: There is no such device.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cuda" and not torch.cuda.is_available():
        raise UsageError("There is no GPU that torch can use; --device cpu trains without one.")
    return torch.device(name)


def usual_processes() -> int:
    """Return how many processes this machine can run at the same time."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
