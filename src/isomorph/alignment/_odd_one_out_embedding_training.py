"""The loop that fits embeddings of several seeds at once: seeded batches, records, and when to stop."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from isomorph.alignment._odd_one_out_embedding import ConvergenceTrace
from isomorph.alignment._posterior import choice_surprise
from isomorph.arrays import FloatArray, IntArray
from isomorph.engine import Progress
from isomorph.errors import NonFiniteError

RECORDS = 10  # in a window
_TRAVEL = 10.0  # standard deviations begin at about exp(-7)


class Program(Protocol):
    """Embeddings of several runs that learn together."""

    runs: int

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

    def settled(self, dimensions: Sequence[int], losses: Sequence[float], epoch: int, trials: int) -> bool:
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
        self._records: list[list[tuple[int, float, float, int]]] = [[] for _ in generators]
        self._done: dict[int, Trained] = {}

    def run(self, progress: Progress | None) -> list[Trained]:
        """Train until every run has settled."""
        schedule = self._schedule
        every, losses = max(1, schedule.window // RECORDS), torch.zeros(self._program.runs)
        with torch.no_grad(), progress.task("embedding", schedule.epochs, unit="epochs") if progress else nullcontext() as shown:
            for epoch in range(1, schedule.epochs + 1):
                losses += self._epoch() / every
                if epoch % every == 0 or epoch == schedule.epochs:
                    self._record(epoch, losses.tolist())
                    losses.zero_()
                if shown is not None:
                    shown.advance(1)
                if len(self._done) == self._program.runs:
                    break
        return [self._done[run] for run in range(self._program.runs)]

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
            epochs, train, others, counts = zip(*records, strict=True)
            settled = self._schedule.settled(counts, others if len(self._held) else train, epoch, len(self._train))
            if settled or epoch == self._schedule.epochs:
                trace = ConvergenceTrace(np.array(epochs), np.array(train), np.array(others), np.array(counts), settled)
                self._done[run] = Trained(*(self._program.state(run)), kept[run].copy(), trace)
