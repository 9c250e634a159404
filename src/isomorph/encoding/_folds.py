"""Ridge regression on all stimuli but those of a fold, out of the Gram matrix of all."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from isomorph.arrays import FloatArray, IntArray
from isomorph.encoding._spectrum import Spectrum
from isomorph.errors import ShapeError


@dataclass(frozen=True, eq=False)
class Fold:
    """A fit without the stimuli of one fold, for any penalty; centred on the mean of the stimuli that it has.

    Attributes:
        train: The stimuli that it has.
        spectrum: Of their Gram matrix.
        along: Inner products of the fold's stimuli with the spectrum's directions `[fold's stimulus, direction]`.
    """

    train: IntArray
    spectrum: Spectrum
    along: FloatArray

    @classmethod
    def of(cls, gram: FloatArray, test: IntArray) -> Fold:
        """Without the rows `test` of `gram`."""
        train = np.setdiff1d(np.arange(len(gram)), test)
        known, cross = gram[np.ix_(train, train)], gram[np.ix_(test, train)]
        cross = cross - known.mean(axis=0)  # what is the same for a whole row is no part of any direction
        spectrum = Spectrum.of(known)
        return cls(train, spectrum, cross @ spectrum.vectors)

    def loads(self, responses: FloatArray) -> FloatArray:
        """What `predictions` needs of responses `[unit, stimulus]` of all stimuli: along the directions, and the mean to the right."""
        known = responses[:, self.train]
        mean = known.mean(axis=1, keepdims=True)
        return np.hstack([self.spectrum.loads(known - mean), mean])

    def predictions(self, loads: FloatArray, alpha: float) -> FloatArray:
        """The responses `[unit, fold's stimulus]` to the stimuli it has not."""
        matrix = (self.along / (self.spectrum.values + alpha)).T
        return np.asarray(loads @ np.vstack([matrix, np.ones(len(self.along))]).astype(loads.dtype))


def random_folds(n: int, count: int, seed: int | None, *, owner: str) -> list[IntArray]:
    """`count` parts of n stimuli, their sizes the same to one: drawn by the seed, or with None in the order of the stimuli.

    Raises:
        ShapeError: A fit, or what it is scored on, would have fewer than 2 stimuli.
    """
    if n < 2 * count:
        raise ShapeError(
            f"{owner} scores penalties on {count} folds, each of 2 stimuli or more, and there are {n} stimuli. "
            f"Ask for at most folds={n // 2}, or leave one out: select='loo-pearson'."
        )
    order = np.arange(n) if seed is None else np.random.default_rng(seed).permutation(n)
    return [np.sort(each) for each in np.array_split(order, count)]
