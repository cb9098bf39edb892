"""Train the small network of the box on rendered clips: on a CPU, in several processes, resumable.

Each process takes its own batches and the gradients are averaged, which on a busy machine wastes less than many
threads that wait for one another. `python -m slowfast_live.training.train --bank FOLDER --out FOLDER`.
"""

from __future__ import annotations

import argparse
import csv
import logging
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor, distributed, nn
from torch.multiprocessing.spawn import spawn
from torch.nn import functional

from slowfast_live.build.slowfast import SlowFast, SlowFastConfig, slowfast
from slowfast_live.training.dataset import LABELS, SIDE, TIMING, Random, render_bank
from slowfast_live.types import U8

log = logging.getLogger(__name__)

NETWORK = SlowFastConfig(
    depth=18,
    block="bottleneck",
    frames=TIMING.frames // 4,
    stride=4,
    alpha=4,
    width=32,
    beta_inv=4,
    lateral_kernel=5,
    normalisation="clip_mean",
    num_classes=len(LABELS),
    dropout=0.3,
    side=SIDE,
    pool_side=None,
)


@dataclass(frozen=True)
class Plan:
    """How to train.

    Attributes:
        steps: Updates; training ends with them or with `minutes`, whichever comes first.
        minutes: Wall-clock limit, over all resumed parts.
        batch: Clips of one process in one update.
        rate: Highest learning rate (AdamW).
        decay: Weight decay.
        smoothing: Label smoothing.
        cooling: Share of the training at the end over which the learning rate falls to zero.
        average: Decay of the running average of the weights, which is what is kept.
        coarse_side: Pixels of the side of clips at first: most is learned from small pictures, at half the cost
            (multigrid training, Wu et al. 2020, arXiv 1912.00998).
        coarse_share: Share of the training that is done with them.
        seed: Of the initial weights and the order of clips.
    """

    steps: int = 6000
    minutes: float = 600.0
    batch: int = 12
    rate: float = 2e-3
    decay: float = 0.03
    smoothing: float = 0.05
    cooling: float = 0.4
    average: float = 0.99
    coarse_side: int = 64
    coarse_share: float = 0.65
    seed: int = 0


def augment(clip: U8, rng: Random, side: int) -> U8:
    """Mirror, shift, zoom, and change the light of a clip uint8 (T, S, S, 3); make it (T, side, side, 3)."""
    if clip.shape[1] != side:
        clip = np.stack([cv2.resize(p, (side, side), interpolation=cv2.INTER_AREA) for p in clip]).astype(np.uint8)
    zoom = float(np.exp(rng.normal(0, 0.1)))
    x, y = rng.normal(0, 0.04 * side, 2) + side / 2 * (1 - zoom)
    flip = -1.0 if rng.random() < 0.5 else 1.0
    across = x if flip > 0 else side - 1 - x
    matrix = np.array([[zoom * flip, 0, across], [0, zoom, y]], np.float32)
    gain, lift = float(np.exp(rng.normal(0, 0.2))), float(rng.normal(0, 10))
    order = rng.permutation(3) if rng.random() < 0.3 else np.arange(3)
    out = np.empty_like(clip)
    for picture, target in zip(clip, out, strict=True):
        moved = cv2.warpAffine(picture, matrix, (side, side), flags=cv2.INTER_LINEAR)
        target[:] = cv2.convertScaleAbs(moved, alpha=gain, beta=max(lift, 0.0))[..., order]
    return out


class Bank:
    """Clips on disk, read as they are rendered; the first shard is held out to watch the training."""

    def __init__(self, folder: Path, rng: Random) -> None:
        self.folder = folder
        self.rng = rng
        self.loaded: dict[Path, tuple[U8, Any]] = {}

    def refresh(self) -> None:
        """Take up shards that have appeared since."""
        for path in sorted(self.folder.glob("*.npz")):
            if path not in self.loaded:
                with np.load(path) as data:
                    self.loaded[path] = data["x"], data["y"]

    def held_out(self) -> tuple[U8, Any]:
        """Return the clips of the first shard."""
        return self.loaded[min(self.loaded)]

    def batch(self, count: int, side: int) -> tuple[Tensor, Tensor]:
        """Draw clips: uint8 (count, T, side, side, 3), and their labels (count,)."""
        shards = sorted(self.loaded)[1:]
        xs, ys = [], []
        for _ in range(count):
            x, y = self.loaded[shards[int(self.rng.integers(len(shards)))]]
            index = int(self.rng.integers(len(x)))
            xs.append(augment(x[index], self.rng, side))
            ys.append(int(y[index]))
        return torch.from_numpy(np.stack(xs)), torch.tensor(ys)


def _learning_rate(plan: Plan, step: int, share: float) -> float:
    """Rise over 60 steps, stay, then fall in a line to zero."""
    return plan.rate * min(1.0, (step + 1) / 60) * min(1.0, max(0.0, 1 - share) / plan.cooling)


def _average_gradients(model: nn.Module, processes: int) -> None:
    grads = [p.grad for p in model.parameters() if p.grad is not None]
    flat = torch.cat([g.flatten() for g in grads])
    distributed.all_reduce(flat)
    flat /= processes
    start = 0
    for g in grads:
        g.copy_(flat[start : start + g.numel()].view_as(g))
        start += g.numel()


@torch.no_grad()
def _follow(average: SlowFast, model: SlowFast, decay: float) -> None:
    for a, b in zip(average.state_dict().values(), model.state_dict().values(), strict=True):
        if a.is_floating_point():
            a.lerp_(b, 1 - decay)
        else:
            a.copy_(b)


@torch.no_grad()
def accuracy(model: SlowFast, x: U8, y: Any) -> float:
    """Share of clips whose best label is right."""
    model.eval()
    right = 0
    for start in range(0, len(x), 16):
        scores = model(torch.from_numpy(x[start : start + 16])).logits
        right += int((scores.argmax(1).numpy() == y[start : start + 16]).sum())
    return right / len(x)


def _update(
    model: SlowFast, optimiser: torch.optim.Optimizer, bank: Bank, plan: Plan, side: int, processes: int
) -> tuple[float, float]:
    """One update: mean loss and accuracy of this process's batch."""
    model.train()
    x, y = bank.batch(plan.batch, side)
    with torch.autocast("cpu", torch.bfloat16):
        scores = model(x).logits
    loss = functional.cross_entropy(scores.float(), y, label_smoothing=plan.smoothing)
    optimiser.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    if processes > 1:
        _average_gradients(model, processes)
    nn.utils.clip_grad_norm_(model.parameters(), 5.0)
    optimiser.step()
    return float(loss.detach()), float((scores.argmax(1) == y).float().mean())


def _run(rank: int, processes: int, bank_folder: Path, out: Path, plan: Plan, port: int) -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    if processes > 1:
        os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
        distributed.init_process_group("gloo", rank=rank, world_size=processes)
    torch.manual_seed(plan.seed)
    model, average = slowfast(NETWORK), slowfast(NETWORK)
    average.load_state_dict(model.state_dict())
    optimiser = torch.optim.AdamW(model.parameters(), plan.rate, weight_decay=plan.decay)
    step, spent_s, saved = 0, 0.0, out / "checkpoint.pt"
    if saved.exists():
        state = torch.load(saved, weights_only=True)
        model.load_state_dict(state["model"])
        average.load_state_dict(state["average"])
        optimiser.load_state_dict(state["optimiser"])
        step, spent_s = state["step"], state["spent_s"]
    bank = Bank(bank_folder, np.random.default_rng((plan.seed, rank, step)))
    bank.refresh()
    began, losses, hits = time.monotonic() - spent_s, [], []
    share = 0.0
    while share < 1:
        spent_s = time.monotonic() - began
        # All processes must agree on when to end.
        share_now = torch.tensor(max(step / plan.steps, spent_s / 60 / plan.minutes))
        if processes > 1:
            distributed.broadcast(share_now, 0)
        share = float(share_now)
        for group in optimiser.param_groups:
            group["lr"] = _learning_rate(plan, step, share)
        side = plan.coarse_side if share < plan.coarse_share else SIDE
        loss, hit = _update(model, optimiser, bank, plan, side, processes)
        losses.append(loss)
        hits.append(hit)
        step += 1
        if rank == 0:
            _follow(average, model, min(plan.average, (step + 1) / (step + 10)))
        if step % 50 == 0 or share >= 1:
            bank.refresh()
            if rank == 0:
                held = accuracy(average, *bank.held_out())
                state = {"model": model.state_dict(), "average": average.state_dict()}
                state |= {"optimiser": optimiser.state_dict(), "step": step, "spent_s": spent_s}
                torch.save(state, saved.with_suffix(".part"))
                saved.with_suffix(".part").replace(saved)
                row = [step, round(spent_s), np.mean(losses), np.mean(hits), held, len(bank.loaded)]
                log.info("step %d, %d s: loss %.3f, accuracy %.3f, held out %.3f, %d shards", *row)
                with (out / "curve.csv").open("a", newline="") as file:
                    csv.writer(file).writerow(row)
            losses.clear()
            hits.clear()
    if processes > 1:
        distributed.destroy_process_group()


def train(bank: Path, out: Path, plan: Plan, processes: int = 2) -> None:
    """Train, or go on from `out/checkpoint.pt`.

    Args:
        bank: Folder of `render_bank`.
        out: Gets checkpoint.pt, curve.csv (step, seconds, loss, accuracy, held-out accuracy, shards), plan.json.
        plan: How.
        processes: How many share the work, one thread each.
    """
    out.mkdir(parents=True, exist_ok=True)
    (out / "plan.txt").write_text("\n".join(f"{k} = {v}" for k, v in asdict(plan).items()) + "\n", encoding="utf-8")
    port = 20000 + os.getpid() % 20000
    if processes == 1:
        _run(0, 1, bank, out, plan, port)
    else:
        spawn(_run, (processes, bank, out, plan, port), nprocs=processes)  # type: ignore[no-untyped-call]


def main(arguments: list[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bank", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--shards", type=int, default=0, help="render so many files of 64 clips first")
    parser.add_argument("--steps", type=int, default=Plan.steps)
    parser.add_argument("--minutes", type=float, default=Plan.minutes)
    parser.add_argument("--batch", type=int, default=Plan.batch)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    o = parser.parse_args(arguments)
    if o.shards:
        render_bank(o.bank, 1_000_000 + o.seed, o.shards)
    train(o.bank, o.out, Plan(steps=o.steps, minutes=o.minutes, batch=o.batch, seed=o.seed), o.processes)


if __name__ == "__main__":
    main()
