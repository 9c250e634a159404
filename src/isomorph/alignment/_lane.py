"""One map under training: its weights, its optimiser's memory, and when to stop."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from isomorph.alignment._examples import Examples
from isomorph.alignment._objective import Term, neighbourhood_term, objective
from isomorph.alignment._triplet_map import TripletMap
from isomorph.arrays import FloatArray

_BETA1, _BETA2, _EPSILON, _MOMENTUM = 0.9, 0.999, 1e-8, 0.9


@dataclass(frozen=True, eq=False)
class HeldImages:
    """Features held out, with their neighbourhoods and the least that the term can be, for each τ."""

    values: FloatArray
    targets: dict[float, FloatArray]
    floors: dict[float, float]


class Lane:
    """Steps one map down its objective; weights and moments are float64 whatever precision the products have."""

    def __init__(self, of: TripletMap, weights: FloatArray, bias: FloatArray, rate: float) -> None:
        self.map, self.weights, self.bias, self.rate = of, weights, bias, rate
        self.history: list[dict[str, float]] = []
        self.notes: list[str] = []
        self.running = True
        self._moments = [(np.zeros_like(each), np.zeros_like(each)) for each in (weights, bias)]
        self._steps = 0
        self._sums = np.zeros(3)
        self._kept: tuple[FloatArray, FloatArray] | None = None
        self._lowest, self._lowest_epoch = math.inf, 0

    @property
    def tau(self) -> float:
        """The temperature of the neighbourhoods that the map keeps."""
        return float(self.map.tau)  # type: ignore[attr-defined]

    def numbers(self, dtype: np.dtype[Any]) -> tuple[FloatArray, FloatArray | None]:
        """Weights and bias, as products take them."""
        return self.weights.astype(dtype), self.bias.astype(dtype) if self.map.bias else None

    def step(self, x: FloatArray, part: Examples, kept: Term | None, *, progress: float) -> None:
        """One batch; `kept` is the neighbourhood term at the present map, `progress` the share of all epochs that is done."""
        of = self.map
        now = objective(
            *self.numbers(x.dtype),
            x,
            part.items,
            targets=None if part.targets is None else part.targets.astype(x.dtype, copy=False),
            temperature=of.temperature,
            regulariser=of.regulariser,
            strength=of.strength,
            alpha=getattr(of, "alpha", 0.0),
            kept=kept,
        )
        self._sums += (now.odd_one_out * len(part), (now.neighbourhood or 0.0) * len(part), len(part))
        gradients = [now.weights.astype(np.float64), now.bias if of.bias else np.zeros_like(self.bias)]
        if of.clip is not None:
            norm = math.sqrt(sum(float(np.vdot(each, each)) for each in gradients))
            if norm > of.clip:
                gradients = [each * (of.clip / norm) for each in gradients]
        self._steps += 1
        rate = self.rate * _factor(of, progress)
        for values, gradient, moments in zip((self.weights, self.bias), gradients, self._moments, strict=True):
            self._move(values, gradient, *moments, rate=rate)

    def _move(self, values: FloatArray, gradient: FloatArray, mean: FloatArray, square: FloatArray, *, rate: float) -> None:
        if self.map.optimiser == "sgd":
            mean *= _MOMENTUM
            mean += gradient
            values -= rate * mean
            return
        mean += (1 - _BETA1) * (gradient - mean)
        square *= _BETA2
        square += (1 - _BETA2) * gradient * gradient
        scale = np.sqrt(square / (1 - _BETA2**self._steps))
        scale += _EPSILON
        values -= (rate / (1 - _BETA1**self._steps)) * mean / scale

    def end_epoch(self, x: FloatArray, held: Examples | None, images: HeldImages | None) -> None:
        """Note the epoch's losses, and stop where what was held out has not improved for long."""
        row = {"epoch": float(len(self.history) + 1), "odd_one_out": float(self._sums[0] / self._sums[2])}
        if self._sums[1]:
            row["neighbourhood"] = float(self._sums[1] / self._sums[2])
        self._sums[:] = 0
        self.history.append(row)
        if not math.isfinite(row["odd_one_out"]):
            self.running = False
        if held is None:
            return
        row["held_out"] = self._held_out(x, held, images)
        epoch = len(self.history)
        if row["held_out"] < self._lowest - self.map.min_delta or self._kept is None:
            self._lowest, self._lowest_epoch = row["held_out"], epoch
            self._kept = (self.weights.copy(), self.bias.copy())
        elif epoch >= self.map.min_epochs and epoch - self._lowest_epoch >= self.map.patience:
            self.running = False

    def _held_out(self, x: FloatArray, held: Examples, images: HeldImages | None) -> float:
        """What early stopping watches: never the regulariser, which says nothing of what was held out."""
        of, numbers, kept = self.map, self.numbers(x.dtype), None
        if images is not None:
            kept = neighbourhood_term(*numbers, images.values, images.targets[self.tau], self.tau)
        alpha = getattr(of, "alpha", 0.0)
        now = objective(
            *numbers, x, held.items, targets=held.targets, temperature=of.temperature, regulariser="none", alpha=alpha, kept=kept
        )
        if images is None or now.neighbourhood is None:
            return now.odd_one_out
        if getattr(of, "monitor", "objective") == "sum":
            return now.odd_one_out + now.neighbourhood
        return float(now.value - alpha * images.floors[self.tau])

    def best(self) -> Lane:
        """This lane at the epoch that did best on what was held out; at the last where nothing was."""
        if self._kept is not None:
            self.weights, self.bias = self._kept
            self.notes.append(f"the weights are those of epoch {self._lowest_epoch} of {len(self.history)}, the best on what was held out.")
        return self


def _factor(of: TripletMap, progress: float) -> float:
    if of.schedule == "rising":  # changes with each epoch only
        return 1 / 3 + 2 / 3 * math.floor(progress * of.epochs + 1e-9) / of.epochs
    return 0.5 * (1 + math.cos(math.pi * progress)) if of.schedule == "cosine" else 1.0
