"""Many models against a group of subjects, with intervals, ceilings and tests, in one call."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from isomorph.arrays import FloatArray, as_floats, check_finite
from isomorph.errors import InputError, ShapeError
from isomorph.inference._bootstrap import check_draws
from isomorph.inference._comparison import check_comparison, compare_rdms
from isomorph.inference._dual import Draws, Intervals, Resample
from isomorph.inference._fit_crossval import FoldedModels
from isomorph.inference._groups import GroupComparison, check_groups, compare_groups
from isomorph.inference._models import Candidates, FlexibleModel, candidates
from isomorph.inference._permutation import permutation_null, permutation_p
from isomorph.inference._replicates import Replicates, joined
from isomorph.inference._rsa_fixed import FixedModels
from isomorph.inference._rsa_inference import RSAInference
from isomorph.inference._score import Ceiling


def rsa_scores(
    models: FloatArray | FlexibleModel | Sequence[FloatArray | FlexibleModel],
    subjects: FloatArray,
    *,
    n: int,
    comparison: str = "pearson",
    replicates: int = 1000,
    seed: int = 0,
    level: float = 0.95,
    resample: Resample = "stimuli",
    intervals: Intervals | None = None,
    permutations: int = 0,
    folds: tuple[int, int] | None = None,
    groups: Sequence[Hashable] | None = None,
    sigma_k: FloatArray | None = None,
    ranges: Sequence[Replicates] | None = None,
) -> RSAInference:
    """Compare every model's RDM with every subject's, and average over subjects.

    Intervals come from a bootstrap over `"stimuli"` (does it hold for other pictures of this kind?), `"subjects"` (for other people?)
    or `"both"`. A replicate is a vector of whole-number weights; a stimulus drawn twice is never paired with its own copy. Drawing
    both at once counts the measurement noise more than once, so that for `"both"` stimuli and subjects are also drawn alone, and the
    three variances make one without that bias (Schütt et al., 2023).

    If one of the models has something to fit, or `folds` are given, all are scored on held-out stimuli and subjects: fitted on the
    pairs among the other stimuli, of the other subjects, and compared with the test subjects on the pairs among the test stimuli. The
    ceilings are those of the same folds. The value is the mean over ten assignments to folds; every replicate has two assignments, so
    that the choice of folds does not pass for uncertainty.

    Args:
        models: `[model, pair]`, condensed RDMs; or a list of condensed RDMs, `SelectModel`, `WeightedModel` and `InterpolatedModel`.
        subjects: `[subject, pair]`, or `[subject, repeat, pair]`: repeats are averaged first.
        n: How many stimuli; n(n − 1)/2 pairs.
        comparison: One of `COMPARISONS`, as in `compare_rdms`.
        replicates: Bootstrap replicates; 0 for none.
        seed: Equal seeds give equal results.
        level: The intervals' coverage.
        resample: What is drawn with replacement.
        intervals: `"percentile"`: quantiles of the replicates (for `"both"`, and with folds, their deviations are scaled to the standard
            error and set around the value). `"t"`: the value ± its standard error times t, with one degree of freedom less than
            stimuli, subjects, or the fewer of both. None: `"t"` where subjects are drawn, `"percentile"` for stimuli alone: of few
            subjects, percentiles hold the truth far too seldom.
        permutations: How many permutations of the stimulus labels to test against, fits and folds included; 0 for no test.
        folds: How many of stimuli and of subjects; 1 holds nothing out there. None: no folds if nothing is fitted, else 2 … 5 of each.
        groups: A label for each subject, two different ones: the groups are compared by permuting these labels `permutations` times.
        sigma_k: The covariance of the stimuli's pattern estimates, as in `compare_rdms`.
        ranges: What `rsa_replicates` gave for every part, in order: replicates and permutations that need not be computed here.

    Raises:
        ShapeError: The RDMs have not n(n − 1)/2 pairs, one is constant, or there are too few stimuli for folds.
        InputError: Subjects are to be resampled, but there is one; an option lies outside its range; or `ranges` are not all.

    References:
        Schütt et al., 2023, <https://doi.org/10.7554/eLife.82566>.

    Example:
        >>> import numpy as np
        >>> rng = np.random.default_rng(0)
        >>> truth = rng.random(45)
        >>> people = truth + 0.3 * rng.normal(size=(5, 45))
        >>> result = rsa_scores(np.stack([truth, rng.random(45)]), people, n=10, replicates=200)
        >>> bool(result.values[0] > result.values[1]), bool(result.low[0] < result.values[0] < result.high[0])
        (True, True)
    """
    check_comparison(comparison, sigma_k)
    check_draws(replicates=replicates, seed=seed, level=level, permutations=permutations)
    made, subjects = checked(candidates(models), subjects, n)
    intervals = intervals or ("percentile" if resample == "stimuli" else "t")
    check_options(resample, intervals, len(subjects))
    if groups is not None:
        check_groups(groups, len(subjects), permutations)
    evaluator = evaluator_of(made, n=n, people=len(subjects), comparison=comparison, sigma_k=sigma_k, seed=seed, folds=folds)
    per_subject, bounds, fold_weights, assigned = evaluator.value(subjects)
    drawn, null = joined(ranges or (), replicates=replicates, permutations=permutations, models=len(per_subject))
    if drawn is None:
        draws = evaluator.draws(subjects, replicates=replicates, resample=resample)
    else:
        draws = Draws(values=drawn, resample=resample, n=n, people=len(subjects))
    values, columns = per_subject.mean(axis=1), draws.values[..., : len(per_subject)]
    p = chance = None
    if permutations:
        null = null_of(evaluator, subjects, range(permutations)) if null is None else null
        p, chance = permutation_p(null, values if evaluator.statistic is None else evaluator.statistic(subjects))
    low, high = draws.ends(values, columns, level, intervals)
    return RSAInference(
        values=values, low=low, high=high, se=np.sqrt(draws.variance(columns)), replicates=draws.scaled(values, columns), p=p,
        chance=chance, ceiling=_ceiling(bounds, draws, level, intervals), per_subject=per_subject, n=n, comparison=comparison,
        level=level, seed=seed, resample=resample, intervals=intervals, weights=evaluator.fitted(subjects), fold_weights=fold_weights,
        folds=assigned, groups=_groups(groups, subjects, per_subject, comparison, sigma_k, permutations, seed), draws=draws,
    )  # fmt: skip


def evaluator_of(made: Candidates, *, folds: tuple[int, int] | None, **options: Any) -> FixedModels | FoldedModels:
    if folds is None and not made.flexible:
        return FixedModels(models=made, **options)
    return FoldedModels(models=made, folds=folds, **options)


def null_of(evaluator: FixedModels | FoldedModels, subjects: FloatArray, permutations: range) -> FloatArray:
    return permutation_null(
        evaluator.models.rows, subjects, n=evaluator.n, comparison=evaluator.comparison, permutations=permutations, seed=evaluator.seed,
        sigma_k=evaluator.sigma_k, score=evaluator.statistic,
    )  # fmt: skip


def checked(made: Candidates, subjects: FloatArray, n: int) -> tuple[Candidates, FloatArray]:
    subjects = as_floats(subjects, name="subjects")
    if subjects.ndim not in (2, 3):
        raise ShapeError(f"subjects need the axes [subject, pair] or [subject, repeat, pair]; got shape {subjects.shape}.")
    pairs = n * (n - 1) // 2
    for name, array in (("models", made.rows), ("subjects", subjects)):
        if array.shape[-1] != pairs:
            raise ShapeError(f"{n} stimuli make {pairs} pairs, but {name} have {array.shape[-1]}.")
        check_finite(array, name=f"the group of {name}", rows=name)
    if subjects.ndim == 3:
        subjects = subjects.mean(axis=1, dtype=np.float64)
    return replace(made, rows=made.rows.astype(np.float64)), subjects.astype(np.float64)


def check_options(resample: str, intervals: str, people: int) -> None:
    if resample not in ("stimuli", "subjects", "both"):
        raise InputError(f"a bootstrap resamples 'stimuli', 'subjects' or 'both'; got {resample!r}.")
    if resample != "stimuli" and people < 2:
        raise InputError(f"there is 1 subject, so that resample={resample!r} has nothing to draw. Use resample='stimuli'.")
    if intervals not in ("percentile", "t"):
        raise InputError(f"intervals are 'percentile' or 't'; got {intervals!r}.")


def _groups(
    groups: Sequence[Hashable] | None,
    subjects: FloatArray,
    per_subject: FloatArray,
    comparison: str,
    sigma_k: FloatArray | None,
    permutations: int,
    seed: int,
) -> GroupComparison | None:
    if groups is None:
        return None
    similar = compare_rdms(subjects, subjects, comparison=comparison, sigma_k=sigma_k)
    return compare_groups(groups, per_subject, similar, permutations=permutations, seed=seed)


def _ceiling(bounds: FloatArray, draws: Draws, level: float, intervals: Intervals) -> Ceiling | None:
    if np.isnan(bounds).any():
        return None
    low, high = draws.ends(bounds, draws.values[..., -2:], level, intervals)
    ends = [None if np.isnan(end) else float(end) for end in (low[0], high[0], low[1], high[1])]
    lower, upper = bounds.tolist()
    return Ceiling(lower=lower, upper=upper, lower_low=ends[0], lower_high=ends[1], upper_low=ends[2], upper_high=ends[3])
