"""RDMs that need no fit, scored on all stimuli and subjects."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from isomorph.arrays import FloatArray, IntArray
from isomorph.inference._bootstrap import bootstrap_weights
from isomorph.inference._ceiling import noise_ceiling, replicate_ceilings
from isomorph.inference._comparison import KENDALL, compare_rdms
from isomorph.inference._dual import Draws, Resample
from isomorph.inference._fit_folds import Folds
from isomorph.inference._models import Candidates
from isomorph.inference._weighted import weighted_similarities


@dataclass(frozen=True, eq=False, kw_only=True)
class FixedModels:
    """Models against subjects, with nothing held out; answers the same questions as `FoldedModels`."""

    models: Candidates
    n: int
    people: int
    comparison: str
    sigma_k: FloatArray | None
    seed: int

    statistic = None

    def value(self, subjects: FloatArray) -> tuple[FloatArray, FloatArray, tuple[None, ...], Folds | None]:
        """Similarities `[model, subject]`, ceilings `[2]`, no weights and no folds."""
        options = {"x_name": "the RDM of model", "y_name": "the RDM of subject"}
        per_subject = compare_rdms(self.models.rows, subjects, comparison=self.comparison, sigma_k=self.sigma_k, **options)
        bounds = np.full(2, np.nan)
        if len(subjects) > 1:
            ceiling = noise_ceiling(subjects, comparison=self.comparison, sigma_k=self.sigma_k)
            bounds = np.array([ceiling.lower, ceiling.upper])
        return per_subject, bounds, self.fitted(subjects), None

    def fitted(self, subjects: FloatArray) -> tuple[None, ...]:
        return (None,) * len(self.models.models)

    @property
    def apart(self) -> bool:
        """Whether each replicate is computed by itself, so that a range of them has the digits that it has among all.

        Ranks are, and counts are whole numbers; moments are products with all replicates, whose last digits depend on how many there are.
        """
        return self.comparison in (*KENDALL, "spearman", "rho-a") and self.sigma_k is None

    def draws(self, subjects: FloatArray, *, replicates: int, resample: Resample, at: slice = slice(None)) -> Draws:
        """Mean scores and ceilings of every replicate, or of those in `at`, and for both of its two factors alone."""
        everyone: FloatArray = np.ones((replicates, len(subjects)))[at]
        all_stimuli: IntArray = np.ones((1, self.n), dtype=np.int64)
        people: FloatArray = bootstrap_weights(len(subjects), replicates, self.seed + 1)[at].astype(np.float64)
        stimuli = bootstrap_weights(self.n, replicates, self.seed)[at]
        jobs: dict[str, list[tuple[IntArray, list[FloatArray]]]] = {
            "stimuli": [(stimuli, [everyone])],
            "subjects": [(all_stimuli, [people])],
            "both": [(stimuli, [people, everyone]), (all_stimuli, [people])],
        }
        found = [each for weights, variants in jobs[resample] for each in self._drawn(subjects, weights, variants)] if len(stimuli) else []
        values = np.stack(found)[:, None] if found else np.empty((1, 1, 0, len(self.models.rows) + 2))
        return Draws(values=values, resample=resample, n=self.n, people=len(subjects))

    def _drawn(self, subjects: FloatArray, weights: IntArray, variants: list[FloatArray]) -> list[FloatArray]:
        """Scores and ceilings `[replicate, model + 2]`, for each weighting `[replicate, subject]` of the subjects."""
        count, people = len(self.models.rows), len(subjects)
        first, second = (axis.ravel() for axis in np.indices((count, people)))
        rows = np.concatenate([self.models.rows, subjects])
        scores = weighted_similarities(rows, first, count + second, weights, comparison=self.comparison, sigma_k=self.sigma_k)
        scores = scores.reshape(len(weights), count, people)
        result = []
        for drawn in variants:
            bounds = np.full((len(drawn), 2), np.nan)
            if people > 1:
                bounds = replicate_ceilings(subjects, weights, drawn, comparison=self.comparison, sigma_k=self.sigma_k)
            full = np.broadcast_to(scores, (len(drawn), count, people))
            result.append(np.concatenate([np.einsum("rms,rs->rm", full, drawn) / people, bounds], axis=1))
        return result
