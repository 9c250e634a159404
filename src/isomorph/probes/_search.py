"""Which learning rate and weight decay: all rates at once, weight decay from coarse to fine."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

Ties = Literal["loss", "original"]
Setting: TypeAlias = tuple[float, float]
"""A learning rate and a weight decay."""
Outcome: TypeAlias = tuple[float, float]
"""Accuracy and loss on the validation part."""

DECAYS = tuple(float(each) for each in 10 ** np.linspace(-6, 1, 64))
_COARSE = tuple(range(0, 64, 9))
_STEPS = (4, 2, 1)


@dataclass
class Lane:
    """The search for the weight decay of one seed and one learning rate: what is known of each point of `DECAYS`, and the best of them."""

    seed: int
    rate: float
    known: dict[int, Outcome]
    peak: int = -1

    def wanted(self, step: int | None) -> list[int]:
        near = _COARSE if step is None else (max(self.peak - step, 0), min(self.peak + step, len(DECAYS) - 1))
        return [index for index in near if index not in self.known]

    @property
    def trials(self) -> list[tuple[Setting, Outcome]]:
        """All fits, in the order of their weight decays."""
        return [((self.rate, DECAYS[index]), self.known[index]) for index in sorted(self.known)]

    def learn(self, outcomes: dict[int, Outcome], ties: Ties) -> None:
        """Of one sweep the last of equals wins; a later sweep must beat the peak strictly."""
        best = -1
        for index, outcome in outcomes.items():
            if best < 0 or rank(outcome, ties) >= rank(outcomes[best], ties):
                best = index
        if best >= 0 and (self.peak < 0 or rank(outcomes[best], ties) > rank(self.known[self.peak], ties)):
            self.peak = best
        self.known |= outcomes


def rank(outcome: Outcome, ties: Ties) -> tuple[float, float]:
    """What is compared: accuracy, and between equals the loss unless `ties` is `"original"`."""
    accuracy, loss = outcome
    return accuracy, (0.0 if ties == "original" else -math.inf if math.isnan(loss) else -loss)


def search(
    run: Callable[[list[list[Setting]]], list[list[Outcome]]], *, seeds: Sequence[int], rates: Sequence[float], ties: Ties
) -> list[list[Lane]]:
    """The finished lanes of each seed, in the order of the rates. No lane depends on another.

    Args:
        run: From the settings to try for each seed to their outcomes; called four times.
        seeds: One search each.
        rates: Learning rates.
        ties: What decides between equal accuracies.
    """
    lanes = [[Lane(seed, rate, {}) for rate in rates] for seed in seeds]
    for step in (None, *_STEPS):
        wanted = [[(lane, index) for lane in of for index in lane.wanted(step)] for of in lanes]
        outcomes = run([[(lane.rate, DECAYS[index]) for lane, index in of] for of in wanted])
        for of, jobs, results in zip(lanes, wanted, outcomes, strict=True):
            for lane in of:
                lane.learn({index: one for (owner, index), one in zip(jobs, results, strict=True) if owner is lane}, ties)
    return lanes


def choose(lanes: Sequence[Lane], ties: Ties) -> Setting:
    """The best setting of one seed; between equal learning rates the first wins."""
    best = lanes[0]
    for lane in lanes[1:]:
        if rank(lane.known[lane.peak], ties) > rank(best.known[best.peak], ties):
            best = lane
    return best.rate, DECAYS[best.peak]
