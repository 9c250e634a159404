"""The AdamW probe's protocol: which fits are tried, which is chosen, and the last one on the whole training set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from isomorph.arrays import FloatArray, IntArray
from isomorph.errors import NonFiniteError
from isomorph.probes._examples import Examples, split
from isomorph.probes._probe_result import Trial
from isomorph.probes._search import DECAYS, Lane, choose, search

if TYPE_CHECKING:
    from isomorph.probes._adamw import AdamWProbes
    from isomorph.probes._probe import Probe


@dataclass(frozen=True, eq=False)
class AdamWSearch:
    """A probe's search on one training set. Its paths, one a seed and learning rate, do not depend on each other."""

    probe: Probe
    train: Examples

    def walk(self, seed: int, rate: float) -> Lane:
        """One path, in matrix products of its own."""
        return self._lanes([seed], [rate])[0][0]

    def lanes(self) -> list[list[Lane]]:
        """All paths of each seed, as `together` says."""
        probe = self.probe
        if probe.together == "path":
            return [[self.walk(seed, rate) for rate in probe.learning_rates] for seed in probe.seeds]
        return self._lanes(probe.seeds, probe.learning_rates)

    def finish(self, lanes: Sequence[Sequence[Lane]], test: FloatArray) -> tuple[FloatArray, dict[str, Any]]:
        """Choose, fit once a seed on all of the training set, and give probabilities `[seed, stimulus, class]` with what is to be told.

        Raises:
            NonFiniteError: Training diverged.
        """
        probe, count = self.probe, len(self.train)
        chosen = [choose(of, probe.ties) for of in lanes]
        weights, bias = self._fits.train(np.stack([np.arange(count)] * len(probe.seeds)), probe.seeds, [[each] for each in chosen])
        scores = np.stack([self._fits.probabilities(weights[at, 0], bias[at, 0], test) for at in range(len(probe.seeds))])
        if not np.isfinite(scores).all():
            raise NonFiniteError(
                "training diverged: the probe's scores are NaN. Scale the features (normalise='l2') or lower learning_rates."
            )
        notes = [
            f"seed {seed}: the chosen weight decay {decay:g} is the {'smallest' if decay == DECAYS[0] else 'largest'} of the grid."
            for seed, (_, decay) in zip(probe.seeds, chosen, strict=True)
            if decay in (DECAYS[0], DECAYS[-1])
        ]
        curve = tuple(
            Trial(options={"learning_rate": rate, "weight_decay": decay}, accuracy=accuracy, loss=loss, seed=lane.seed)
            for of in lanes
            for lane in of
            for (rate, decay), (accuracy, loss) in lane.trials
        )
        options = tuple({"learning_rate": rate, "weight_decay": decay} for rate, decay in chosen)
        return scores, {"chosen": options, "seeds": probe.seeds, "curve": curve, "notes": tuple(notes)}

    def _lanes(self, seeds: Sequence[int], rates: Sequence[float]) -> list[list[Lane]]:
        parts = [self.parts(seed) for seed in seeds]
        rows, held = np.stack([keep for keep, _ in parts]), np.stack([out for _, out in parts])
        return search(lambda settings: self._fits.outcomes(rows, held, seeds, settings), seeds=seeds, rates=rates, ties=self.probe.ties)

    def parts(self, seed: int) -> tuple[IntArray, IntArray]:
        """The rows to learn from and those to judge by.

        Raises:
            InputError: A class has too few examples for both.
        """
        return split(self.train, self.probe.validation, seed=seed, why="validation")

    @cached_property
    def _fits(self) -> AdamWProbes:
        from isomorph.engine import parse_bytes
        from isomorph.probes._adamw import AdamWProbes

        probe, train = self.probe, self.train
        return AdamWProbes(
            train.x,
            train.y,
            len(train.classes),
            epochs=probe.epochs,
            batch_size=probe.batch_size,
            memory_bytes=parse_bytes(probe.memory_limit),
            device=probe.device,
        )
