"""The loop that fits embeddings of several seeds at once: seeded batches, records, and when to stop."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from isomorph.alignment._odd_one_out_embedding import ConvergenceTrace
from isomorph.alignment._odd_one_out_embedding_checkpoint import Checkpoint
from isomorph.alignment._posterior import choice_surprise
from isomorph.arrays import FloatArray, IntArray
from isomorph.engine import Progress
from isomorph.errors import NonFiniteError

RECORDS = 10  # in a window
_TRAVEL = 10.0  # standard deviations begin at about exp(-7)


class Program(Protocol):
    """Embeddings of several runs that learn together."""

    runs: int
    adam: torch.optim.Adam

    @property
    def weights(self) -> Tensor: ...
    def begin_epoch(self, steps: int) -> None: ...
    def step(self, rows: Sequence[Tensor], soft: Tensor | None) -> Tensor: ...
    def kept(self) -> Tensor: ...
    def state(self, run: int) -> tuple[FloatArray, FloatArray | None]: ...


@dataclass(frozen=True, eq=False)
class Choices:
    """Trials as arrays: `items` `[trial, 3]`, the odd one last, and the shares of the pairs where people differ."""

    items: IntArray
    soft: FloatArray | None

    def __len__(self) -> int:
        return len(self.items)


@dataclass(frozen=True, eq=False)
class Trained:
    """What one run has come to; `kept` says which dimensions are needed."""

    mean: FloatArray
    scale: FloatArray | None
    kept: FloatArray
    trace: ConvergenceTrace


@dataclass(frozen=True)
class Schedule:
    """How long to go on: at least `burn_in` epochs, then until nothing has changed for `window` epochs, at most `epochs`.

    With few trials many epochs are few steps. Adam moves a weight by at most about its learning rate a step, so nothing has settled
    before weights can have moved by `_TRAVEL`.
    """

    batch_size: int
    epochs: int
    burn_in: int
    window: int
    tolerance: float
    learning_rate: float

    def settled(self, dimensions: Sequence[float], losses: Sequence[float], epoch: int, trials: int) -> bool:
        """Whether the number of dimensions is as it was throughout the window, and the loss has not fallen by more than the tolerance."""
        steps = epoch * -(-trials // self.batch_size)
        if epoch < self.burn_in or len(losses) <= RECORDS or steps * self.learning_rate < _TRAVEL:
            return False
        return len(set(dimensions[-RECORDS - 1 :])) == 1 and min(losses[-RECORDS:]) > min(losses[:-RECORDS]) - self.tolerance


class Training:
    """One group of runs: each has its own order of batches; each is taken out where it settles, and the loop ends with the last."""

    def __init__(self, program: Program, generators: Sequence[torch.Generator], train: Choices, held: Choices, schedule: Schedule) -> None:
        self._program, self._generators, self._schedule = program, generators, schedule
        self._train, self._held = train, held
        objects = program.weights.shape[1]
        self._items = torch.from_numpy(np.ascontiguousarray(train.items, dtype=np.int64))
        self._soft = None if train.soft is None else torch.from_numpy(train.soft.astype(np.float32))
        self._offsets = torch.arange(program.runs)[:, None, None] * objects
        self._records: list[list[tuple[float, ...]]] = [[] for _ in generators]
        self._done: dict[int, Trained] = {}

    def run(self, progress: Progress | None, checkpoint: Checkpoint | None = None) -> list[Trained]:
        """Train until every run has settled, from where the checkpoint stands."""
        schedule = self._schedule
        every, losses = max(1, schedule.window // RECORDS), torch.zeros(self._program.runs)
        begin = self._resume(checkpoint) if checkpoint else 0
        with (
            torch.no_grad(),
            progress.task("embedding", schedule.epochs, unit="epochs", done=begin) if progress else nullcontext() as shown,
        ):
            for epoch in range(begin + 1, schedule.epochs + 1):
                if len(self._done) == self._program.runs:
                    break
                losses += self._epoch() / every
                if epoch % every == 0 or epoch == schedule.epochs:
                    self._record(epoch, losses.tolist())
                    losses.zero_()
                    if checkpoint and (checkpoint.due() or len(self._done) == self._program.runs):
                        checkpoint.write({"epoch": epoch}, self._tensors())
                if shown is not None:
                    shown.advance(1)
        return [self._done[run] for run in range(self._program.runs)]

    def _learnt(self) -> list[Tensor]:
        learnt: list[Tensor] = self._program.adam.param_groups[0]["params"]
        return learnt

    def _tensors(self) -> dict[str, Any]:
        """All that the next epoch depends on: weights, Adam's moments, generators, records; and the runs that are done."""
        held: dict[str, Any] = {}
        for at, each in enumerate(self._learnt()):
            state = self._program.adam.state[each]
            parts = {"weights": each, "mean": state["exp_avg"], "square": state["exp_avg_sq"], "step": state["step"].reshape(1)}
            held |= {f"{name}.{at}": part.numpy() for name, part in parts.items()}
        for run, generator in enumerate(self._generators):
            held[f"generator.{run}"] = generator.get_state().numpy()
            held[f"records.{run}"] = np.array(self._records[run], dtype=np.float64)
        for run, done in self._done.items():
            held |= {f"done.mean.{run}": done.mean, f"done.kept.{run}": done.kept.astype(np.uint8)}
            held[f"done.settled.{run}"] = np.array([done.trace.settled], dtype=np.uint8)
            if done.scale is not None:
                held[f"done.scale.{run}"] = done.scale
        return held

    def _resume(self, checkpoint: Checkpoint) -> int:
        """Put everything back; return the epoch that was reached."""
        if (found := checkpoint.read()) is None:
            return 0
        plain, held = found
        for at, each in enumerate(self._learnt()):
            each.data.copy_(torch.from_numpy(held[f"weights.{at}"]))
            step = torch.from_numpy(held[f"step.{at}"]).reshape(())
            moments = {name: torch.from_numpy(held[f"{key}.{at}"]) for name, key in (("exp_avg", "mean"), ("exp_avg_sq", "square"))}
            self._program.adam.state[each] = {"step": step, **moments}
        for run, generator in enumerate(self._generators):
            generator.set_state(torch.from_numpy(held[f"generator.{run}"]))
            self._records[run] = [tuple(row) for row in held[f"records.{run}"].tolist()]
            if f"done.mean.{run}" in held:
                trace = self._trace(run, settled=bool(held[f"done.settled.{run}"][0]))
                kept = held[f"done.kept.{run}"].astype(bool)
                self._done[run] = Trained(held[f"done.mean.{run}"], held.get(f"done.scale.{run}"), kept, trace)
        return int(plain["epoch"])

    def _trace(self, run: int, *, settled: bool) -> ConvergenceTrace:
        epochs, train, others, counts = np.array(self._records[run], dtype=np.float64).T
        return ConvergenceTrace(epochs.astype(int), train, others, counts.astype(int), settled)

    def _epoch(self) -> Tensor:
        """Each trial once in each run; the mean loss of each run."""
        n, size = len(self._train), self._schedule.batch_size
        order = torch.stack([torch.randperm(n, generator=each) for each in self._generators])
        self._program.begin_epoch(-(-n // size))
        losses = torch.zeros(len(order))
        for start in range(0, n, size):
            taken = order[:, start : start + size]
            rows = (self._items[taken] + self._offsets).flatten(0, 1).T.contiguous()
            soft = None if self._soft is None else self._soft[taken].flatten(0, 1).T
            losses.add_(self._program.step(rows.unbind(0), soft), alpha=taken.shape[1] / n)
        return losses

    def _record(self, epoch: int, losses: Sequence[float]) -> None:
        kept = self._program.kept().numpy()
        for run in set(range(self._program.runs)) - set(self._done):
            if not np.isfinite(losses[run]):
                raise NonFiniteError(
                    f"the embedding diverged in epoch {epoch}: the loss is {losses[run]}. "
                    f"Lower the learning rate, now {self._schedule.learning_rate:g}."
                )
            weights = self._program.weights[run].numpy()
            held = choice_surprise(weights, self._held.items, self._held.soft) if len(self._held) else float("nan")
            records = self._records[run]
            records.append((epoch, losses[run], held, int(kept[run].sum())))
            _, train, others, counts = zip(*records, strict=True)
            settled = self._schedule.settled(counts, others if len(self._held) else train, epoch, len(self._train))
            if settled or epoch == self._schedule.epochs:
                self._done[run] = Trained(*(self._program.state(run)), kept[run].copy(), self._trace(run, settled=settled))
