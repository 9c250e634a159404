"""Pictures whose neighbourhoods should stay, in groups whose members are each other's neighbours."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from isomorph.alignment._lane import HeldImages, Lane
from isomorph.alignment._local_loss import neighbourhood_floor, neighbourhoods
from isomorph.alignment._objective import Term, neighbourhood_term
from isomorph.alignment._side_by_side import side_by_side
from isomorph.arrays import FloatArray, IntArray


@dataclass(frozen=True, kw_only=True, eq=False)
class Preserved:
    """Features that a map is told to keep the neighbourhoods of.

    Attributes:
        values: `[stimulus, feature]`, as saved; may be memory-mapped.
        mean: What is subtracted, and
        std: what the rest is divided by; None: nothing.
        dtype: Of all products.
    """

    values: FloatArray
    mean: FloatArray | None
    std: FloatArray | None
    dtype: np.dtype[np.floating]

    def load(self, rows: IntArray) -> FloatArray:
        """Some rows, ready for products."""
        values: FloatArray = self.values[np.sort(rows)].astype(self.dtype)  # sorted: memory-mapped rows are read in order
        if self.mean is not None and self.std is not None:
            values -= self.mean.astype(self.dtype)
            values /= self.std.astype(self.dtype)
        return values

    def terms(self, lanes: Sequence[Lane], groups: Sequence[IntArray]) -> list[Term]:
        """Of each lane the neighbourhood term, and its gradient, as means over groups of rows. Groups are worked on side by side."""
        maps = [lane.numbers(self.dtype) for lane in lanes]
        taus = [lane.tau for lane in lanes]

        def work(rows: IntArray) -> list[Term]:
            values = self.load(rows)
            targets = {tau: neighbourhoods(values, tau) for tau in set(taus)}
            return [neighbourhood_term(*of, values, targets[tau], tau) for of, tau in zip(maps, taus, strict=True)]

        return [_mean(each) for each in zip(*side_by_side(work, groups), strict=True)]

    def held(self, rows: IntArray, taus: Sequence[float]) -> HeldImages:
        """One group that early stopping watches."""
        values = self.load(rows)
        targets = {tau: neighbourhoods(values, tau) for tau in set(taus)}
        return HeldImages(values, targets, {tau: neighbourhood_floor(values, each, tau) for tau, each in targets.items()})


def image_batches(rows: IntArray, a_step: int, a_group: int, rng: np.random.Generator) -> Iterator[list[IntArray]]:
    """Endless steps of about `a_step` rows, in groups of `a_group` at most; each row once a pass, in new company every time."""
    while True:
        for step in np.array_split(rng.permutation(rows), -(-len(rows) // a_step)):
            yield np.array_split(step, -(-len(step) // a_group))


def _mean(terms: Sequence[Term]) -> Term:
    weights = terms[0].weights
    for each in terms[1:]:
        weights += each.weights
    weights /= len(terms)
    return Term(float(np.mean([each.value for each in terms])), weights, np.mean([each.bias for each in terms], axis=0))
