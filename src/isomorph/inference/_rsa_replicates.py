"""A part of the replicates and permutations of `rsa_scores`, for several processes or machines."""

from __future__ import annotations

from collections.abc import Sequence

from isomorph.arrays import FloatArray
from isomorph.errors import InputError
from isomorph.inference._bootstrap import check_draws
from isomorph.inference._comparison import check_comparison
from isomorph.inference._dual import Resample
from isomorph.inference._models import FlexibleModel, candidates
from isomorph.inference._replicates import REPLICATES_AT_ONCE, Replicates, permutation_span, span
from isomorph.inference._rsa import check_options, checked, evaluator_of, null_of
from isomorph.inference._rsa_fixed import FixedModels


def rsa_replicates(
    models: FloatArray | FlexibleModel | Sequence[FloatArray | FlexibleModel],
    subjects: FloatArray,
    *,
    n: int,
    part: tuple[int, int],
    turn: int = 0,
    comparison: str = "pearson",
    replicates: int = 1000,
    seed: int = 0,
    resample: Resample = "stimuli",
    permutations: int = 0,
    folds: tuple[int, int] | None = None,
    sigma_k: FloatArray | None = None,
) -> Replicates:
    """One of several parts of what takes long in `rsa_scores`, which takes them all as `ranges`.

    The draws are those of the seed as a whole, and the scores made of all parts have the digits of one process with as many threads. So
    that they have, permutations are shared out by blocks of 64, and replicates by blocks of 8 where each is computed by itself: by ranks
    and by Kendall's counts, for models without a fit. For other comparisons a replicate is a column of one product of matrices, which
    takes seconds where ranks take minutes; one part computes them all.

    Args:
        models: As in `rsa_scores`.
        subjects: As in `rsa_scores`.
        n: How many stimuli.
        part: Its number, from 1, and how many there are.
        turn: Which part computes replicates that are not shared out, counted from 0 and beyond the last from the first again: give every
            call another where there are several.
        comparison: As in `rsa_scores`.
        replicates: How many in all.
        seed: As in `rsa_scores`.
        resample: As in `rsa_scores`.
        permutations: How many in all.
        folds: As in `rsa_scores`.
        sigma_k: As in `rsa_scores`.

    Raises:
        ShapeError: As in `rsa_scores`.
        InputError: There is no such part; or as in `rsa_scores`.

    Example:
        >>> import numpy as np
        >>> from isomorph.inference import rsa_scores
        >>> rng = np.random.default_rng(0)
        >>> options = {"n": 10, "comparison": "spearman", "replicates": 50, "permutations": 100}
        >>> models, people = rng.random((2, 45)), rng.random((3, 45))
        >>> ranges = [rsa_replicates(models, people, part=(number, 2), **options) for number in (1, 2)]
        >>> bool((rsa_scores(models, people, ranges=ranges, **options).low == rsa_scores(models, people, **options).low).all())
        True
    """
    number, total = part
    if not 1 <= number <= total:
        raise InputError(f"a part is (number, total), such as (1, 8); got ({number}, {total}).")
    check_comparison(comparison, sigma_k)
    check_draws(replicates=replicates, seed=seed, permutations=permutations)
    made, subjects = checked(candidates(models), subjects, n)
    check_options(resample, "percentile", len(subjects))
    evaluator = evaluator_of(made, n=n, people=len(subjects), comparison=comparison, sigma_k=sigma_k, seed=seed, folds=folds)
    shuffled = permutation_span(permutations, part)
    draws = None
    if isinstance(evaluator, FixedModels) and evaluator.apart:
        drawn = span(replicates, REPLICATES_AT_ONCE, part)
        if drawn:
            draws = evaluator.draws(subjects, replicates=replicates, resample=resample, at=slice(drawn.start, drawn.stop)).values
    elif replicates and turn % total == number - 1:
        draws = evaluator.draws(subjects, replicates=replicates, resample=resample).values
    return Replicates(draws=draws, null=null_of(evaluator, subjects, shuffled) if shuffled else None)
