"""Models scored on stimuli and subjects that no fit has seen, with a bootstrap around the folds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from isomorph.arrays import FloatArray, IntArray
from isomorph.errors import InputError, ShapeError
from isomorph.inference._bootstrap import bootstrap_weights
from isomorph.inference._comparison import GRAMS
from isomorph.inference._deletion import scaled_deviations
from isomorph.inference._dual import Draws, Resample
from isomorph.inference._fit_folds import LEAST_IN_FOLD, Folds, assign, fold_counts
from isomorph.inference._fit_scores import FoldScorer, FoldScores, Samples
from isomorph.inference._models import Candidates

ASSIGNMENTS = 10
"""Assignments to folds whose mean is the value."""
_OF_THE_VALUE = 2
_TESTED = 2
"""Assignments in each bootstrap replicate and each permutation."""


@dataclass(frozen=True, eq=False, kw_only=True)
class FoldedModels:
    """Models against subjects, cross-validated.

    Args:
        models: What is fitted and scored.
        n: How many stimuli.
        comparison: As in `compare_rdms`.
        sigma_k: As in `compare_rdms`.
        seed: Of the folds; the bootstrap draws as without folds.
        folds: How many of stimuli and of subjects; None: 2 … 5 of each.
        people: How many subjects.
    """

    models: Candidates
    n: int
    people: int
    comparison: str
    sigma_k: FloatArray | None
    seed: int
    folds: tuple[int, int] | None

    @property
    def counts(self) -> tuple[int, int]:
        return fold_counts(self.folds, self.n, self.people)

    def assignments(self, weights: IntArray, people: IntArray, stream: int) -> Samples:
        """Folds of what was drawn: `weights` `[sample, stimulus]`, `people` `[variant, sample, subject]`."""
        rng = np.random.default_rng([self.seed, stream])
        fixed = stream != _OF_THE_VALUE
        stimuli = assign(rng, weights > 0, self.counts[0], fixed=fixed)
        subjects = np.stack([assign(rng, each > 0, self.counts[1], fixed=fixed) for each in people])
        return Samples(weights, stimuli, people, subjects, self.counts)

    def whole(self) -> Samples:
        """Every stimulus and subject once, under the assignments of the value."""
        ones = np.ones((ASSIGNMENTS, self.n), dtype=np.int64)
        return self.assignments(ones, np.ones((1, ASSIGNMENTS, self.people), dtype=np.int64), _OF_THE_VALUE)

    def scored(self, subjects: FloatArray, samples: Samples) -> FoldScores:
        return FoldScorer(self.models, subjects, comparison=self.comparison, sigma_k=self.sigma_k)(samples)

    def value(self, subjects: FloatArray) -> tuple[FloatArray, FloatArray, tuple[FloatArray | None, ...], Folds]:
        """Similarities `[model, subject]`, ceilings `[2]`, weights of each model `[assignment, fold, fold, component]`, and the folds."""
        samples = self.whole()
        found = self.scored(subjects, samples)
        bad = np.flatnonzero(~np.isfinite(found.scores[0]).all(axis=0))
        if len(bad):
            raise ShapeError(
                f"model number {int(bad[0])} cannot be scored on folds: on the stimuli of one fold an RDM (its own, a component's or a "
                f"subject's) has the same distance between all stimuli. Use fewer folds of stimuli than {self.counts[0]}, or folds=(1, …)."
            )
        per_subject, bounds = found.per_subject[0].mean(axis=0), found.bounds[0].mean(axis=0)
        weights = tuple(None if model is None else each[0] for model, each in zip(self.models.models, found.weights, strict=True))
        return per_subject, bounds, weights, Folds(samples.stimuli, samples.subjects[0])

    def fitted(self, subjects: FloatArray) -> tuple[FloatArray | None, ...]:
        """Weights `[component]` of each model on all stimuli and subjects; None where nothing is fitted."""
        ones, people = np.ones((1, self.n), dtype=np.int64), np.ones((1, 1, self.people), dtype=np.int64)
        found = self.scored(subjects, Samples(ones, 0 * ones, people, 0 * people, (1, 1))).weights
        return tuple(None if model is None else each[0, 0, 0, 0] for model, each in zip(self.models.models, found, strict=True))

    def statistic(self, subjects: FloatArray) -> FloatArray:
        """Scores `[model]` under the first few assignments, for a permutation test."""
        return np.asarray(self.scored(subjects, self.whole().part(slice(_TESTED))).scores[0].mean(axis=0))

    def draws(self, subjects: FloatArray, *, replicates: int, resample: Resample) -> Draws:
        """Bootstrap replicates, each under two independent assignments to folds."""
        if not replicates:
            return Draws(values=np.empty((1, 1, 0, len(self.models.spans) + 2)), resample=resample, n=self.n, people=self.people)
        weights: IntArray = bootstrap_weights(self.n, replicates, self.seed)
        people: IntArray = bootstrap_weights(self.people, replicates, self.seed + 1)
        all_stimuli, everyone = np.ones_like(weights), np.ones_like(people)
        jobs: dict[str, list[tuple[IntArray, list[IntArray]]]] = {
            "stimuli": [(weights, [everyone])],
            "subjects": [(all_stimuli, [people])],
            "both": [(weights, [people, everyone]), (all_stimuli, [people])],
        }
        parts: list[FloatArray] = []
        full = None
        for w, variants in jobs[resample]:
            stacked = [
                self.scored(subjects, self.assignments(w, np.stack(variants), _OF_THE_VALUE + 1 + place)) for place in range(_TESTED)
            ]
            found = np.stack([np.concatenate([each.scores, each.bounds], axis=2) for each in stacked], axis=1)
            if (self.comparison in GRAMS or self.sigma_k is not None) and w is weights:
                full = self.scored(subjects, self.whole()) if full is None else full
                centre = np.concatenate([full.scores, full.bounds], axis=2)[0].mean(axis=0)
                found = np.stack([[scaled_deviations(centre, each, w) for each in variant] for variant in found])
            parts.extend(found)
        values = np.stack(parts)
        defined = int(np.isfinite(values[..., : len(self.models.spans)]).all(axis=(0, 1, 3)).sum())
        if defined < 2:
            raise InputError(
                f"{defined} of {replicates} bootstrap replicates have {LEAST_IN_FOLD} different stimuli in each of {self.counts[0]} folds, "
                f"1 subject in each of {self.counts[1]}, and no RDM that is constant there. Use fewer folds, folds=(1, …) or replicates=0."
            )
        return Draws(values=values, resample=resample, n=self.n, people=self.people)
