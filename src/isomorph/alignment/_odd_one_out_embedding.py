"""An embedding of objects that foretells which of three people find the odd one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from isomorph.alignment._dimensions import Dimension, dimensions
from isomorph.alignment._posterior import ChoicePosterior, choice_posterior
from isomorph.alignment._reproducibility import Reproducibility, reproducibility
from isomorph.arrays import FloatArray, IntArray
from isomorph.errors import InputError
from isomorph.features import Features
from isomorph.judgments import Triplets


@dataclass(frozen=True, eq=False)
class ConvergenceTrace:
    """How a fit went.

    Attributes:
        epochs: `[record]`: passes over the trials so far.
        train: `[record]`, nats: the mean cross-entropy of the trials since the last record, penalty or prior left out.
        held_out: `[record]`, nats: that of the trials held out, at the embedding's mean; NaN without any.
        dimensions: `[record]`: how many dimensions are needed.
        settled: Whether the fit stopped because nothing changed any more, not because its epochs were over.
    """

    epochs: IntArray
    train: FloatArray
    held_out: FloatArray
    dimensions: IntArray
    settled: bool


@dataclass(frozen=True, eq=False, kw_only=True)
class OddOneOutEmbedding:
    r"""Objects as non-negative weights on few dimensions, such that dot products foretell odd-one-out choices.

    $$p(\text{keep } ij \mid ijk) = \frac{e^{x_i x_j}}{e^{x_i x_j} + e^{x_i x_k} + e^{x_j x_k}}, \qquad
    x = \max(0, z),\; z \sim N(\mu, \sigma^2)$$

    Dimensions are sorted by the sum of their weights. `SPoSE(...).fit(triplets)` and `VICE(...).fit(triplets)` make one.

    Attributes:
        objects: The stimulus id of each row.
        mean: μ, `[object, dimension]`; SPoSE has no negative ones.
        scale: σ, of the same shape; None with SPoSE, which does not know how sure it is.
        method: `"SPoSE"` or `"VICE"`.
        options: Those of the method, plain.
        seed: Of this run.
        held_out: Nats a trial on the trials held out, averaged over the posterior; NaN without any. ln 3 = 1.0986 is chance.
        trace: How the fit went.
        trials: The digest of the triplets it was fitted to: on these its scores are not held out.
        runs: All runs of the fit, this one among them, in the order of their seeds; empty in each of them.
    """

    objects: tuple[str, ...]
    mean: FloatArray
    scale: FloatArray | None
    method: str
    options: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    held_out: float = float("nan")
    trace: ConvergenceTrace | None = None
    trials: str = ""
    runs: tuple[OddOneOutEmbedding, ...] = ()

    def __str__(self) -> str:
        parts = [f"{self.method}: {self.width} dimensions of {len(self.objects):,} objects, seed {self.seed}"]
        if np.isfinite(self.held_out):
            parts.append(f"{self.held_out:.3f} nats a trial held out (chance {np.log(3):.3f})")
        if len(self.runs) > 1:
            parts.append(str(self.reproducibility()))
        if self.trace is not None and not self.trace.settled:
            parts.append(f"not settled after {self.trace.epochs[-1]} epochs")
        return "; ".join(parts)

    __repr__ = __str__

    @property
    def width(self) -> int:
        """How many dimensions there are."""
        return int(self.mean.shape[1])

    @cached_property
    def weights(self) -> FloatArray:
        """`[object, dimension]`: the mean, with 0 for what is negative."""
        return np.maximum(self.mean, 0)

    def features(self) -> Features:
        """The weights as features, for scores and measures: `score_triplets(embedding.features(), triplets, similarity="dot")`."""
        provenance = {"method": self.method, "options": dict(self.options), "seed": self.seed, "trials": self.trials}
        return Features(self.weights, self.objects, subject=f"{self.method} (seed {self.seed})", provenance=provenance)

    def posterior(self, triplets: Triplets, *, draws: int = 50, seed: int = 0) -> ChoicePosterior:
        """How likely people are to keep each pair of each trial, averaged over `draws` of the embedding, and how sure that is.

        Raises:
            InputError: `triplets` show objects that the embedding has not; or there are no draws.
        """
        if draws < 1:
            raise InputError(f"a posterior needs at least 1 draw of the embedding; got {draws}.")
        return choice_posterior(self.mean, self.scale, self._items(triplets), draws=draws, seed=seed)

    def log_likelihood(self, triplets: Triplets, *, draws: int = 50, seed: int = 0) -> float:
        """The mean log-probability of what people chose, in nats a trial: 0 is perfect, −ln 3 = −1.0986 is chance.

        It is held out only where `triplets` were not among those fitted.
        """
        probabilities = self.posterior(triplets, draws=draws, seed=seed).probabilities
        logs = np.log(np.maximum(probabilities, np.finfo(np.float64).tiny))
        return float((logs[:, 0] if triplets.soft is None else (logs * triplets.soft).sum(axis=1)).mean())

    def soften(self, triplets: Triplets, *, draws: int = 50, seed: int = 0) -> Triplets:
        """The same trials, pointing into `objects`, with the posterior's probabilities as `soft` choices: targets for an affine map.

        One person's choice says little about the two other pairs; what the embedding has learnt from all trials says more.
        """
        moved = self._aligned(triplets)
        probabilities = self.posterior(moved, draws=draws, seed=seed).probabilities
        return replace(moved, soft=probabilities / probabilities.sum(axis=1, keepdims=True))

    def dimensions(self, triplets: Triplets | None = None, *, top: int = 10) -> list[Dimension]:
        """What each dimension is about: its `top` objects and, where `triplets` are given, the choices among them that it explains."""
        found = self.reproducibility().values if len(self.runs) > 1 else None
        trials = None if triplets is None else self._aligned(triplets)
        items, soft = (None, None) if trials is None else (trials.items, trials.soft)
        return dimensions(self.weights, self.objects, items, soft, top=top, found=found)

    def reproducibility(self, *, threshold: float = 0.8, seed: int = 0) -> Reproducibility:
        """How well each dimension is found again in the other runs of the fit: matched on half of the objects, correlated on the others.

        Raises:
            InputError: There is no other run.
        """
        others = [each.weights for each in self.runs if each.seed != self.seed]
        if not others:
            raise InputError(f"this {self.method} embedding has one run; whether it is found again takes more: seeds=(0, 1, 2).")
        return reproducibility(self.weights, others, threshold=threshold, seed=seed)

    def save(self, path: Path | str) -> Path:
        """Write `.safetensors`, with all runs and their traces."""
        from isomorph.alignment._odd_one_out_embedding_file import write_embedding

        return write_embedding(self, Path(path))

    @classmethod
    def load(cls, path: Path | str, *, objects: Sequence[str] | None = None) -> OddOneOutEmbedding:
        """Read what `save` wrote, VICE's `.npz` (`pruned_loc`, `pruned_scale`) or a matrix in `.npy`; nothing is unpickled.

        Args:
            path: The file.
            objects: The stimulus ids of the rows, which the published files do not hold. Those of THINGS are in the order of file names,
                not of the item list: 21 of the 1,854 rows differ.

        Raises:
            FileError: There is no such file, it is damaged, or it holds something else.
            InputError: `objects` are needed.
            NonFiniteError: It holds NaN or infinity.
        """
        from isomorph.alignment._odd_one_out_embedding_file import read_embedding

        return read_embedding(Path(path), objects)

    def _aligned(self, triplets: Triplets) -> Triplets:
        if triplets.objects == self.objects:
            return triplets
        unknown = sorted({triplets.objects[row] for row in np.flatnonzero(triplets.shown)} - set(self.objects))
        if unknown:
            raise InputError(
                f"the trials show {len(unknown)} object{'s' * (len(unknown) > 1)} that this {self.method} embedding has not, "
                f"such as {unknown[0]!r}. "
                "Leave their trials out: triplets.restrict(embedding.objects)."
            )
        return triplets.restrict(self.objects)

    def _items(self, triplets: Triplets) -> IntArray:
        items: IntArray = self._aligned(triplets).items
        return items
