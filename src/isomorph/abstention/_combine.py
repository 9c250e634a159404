"""A model's answers with the outcome that it does not answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, overload

import numpy as np

from isomorph.abstention._values import Floats
from isomorph.arrays import FloatArray, as_floats, check_finite
from isomorph.errors import InputError, ShapeError
from isomorph.perception._answers import Answers
from isomorph.perception._distributions import check_distributions


@overload
def combine(pi: Answers, a: Any, *, outcome: str = "abstain") -> Answers: ...
@overload
def combine(pi: FloatArray | Sequence[Sequence[float]], a: Any, *, outcome: str = "abstain") -> Floats: ...
def combine(pi: Any, a: Any, *, outcome: str = "abstain") -> Any:
    r"""$[(1 - a)\,\pi,\; a]$: all classes give way by the probability of abstaining, which is the last outcome.

    Args:
        pi: `[item, class]`, probabilities; or `Answers` without an outcome that abstains.
        a: `[item]`, between 0 and 1, such as a fitted `Normaliser` returns.
        outcome: What abstaining is called, for `Answers`.

    Returns:
        `[item, class + 1]` float64, or `Answers`: as `pi` came.

    Raises:
        ShapeError: The items differ in number.
        NonFiniteError: A number is NaN or infinite.
        InputError: Probabilities do not sum to one, a lies outside [0, 1], or the answers abstain already.

    Example:
        >>> combine([[0.8, 0.2], [0.5, 0.5]], [0.0, 0.5]).tolist()
        [[0.8, 0.2, 0.0], [0.25, 0.25, 0.5]]
    """
    if isinstance(pi, Answers):
        if pi.abstain is not None:
            raise InputError(f"the answers of {pi.subject or 'this model'} have the outcome {pi.abstain!r} already.")
        joined = combine(pi.probabilities, a)
        outcomes = (*pi.outcomes, outcome)
        return replace(pi, outcomes=outcomes, probabilities=joined, abstain=outcome, counts=None, given=None)
    p = check_distributions(pi, name="the array of probabilities")
    shares = as_floats(a, name="the array of abstention", ndim=1).astype(np.float64)
    if len(shares) != len(p):
        raise ShapeError(f"each item has one probability of abstaining; got {len(shares)} for {len(p)} items.")
    check_finite(shares, name="the array of abstention", rows="items")
    if shares.min(initial=0) < 0 or shares.max(initial=0) > 1:
        row = int(np.flatnonzero((shares < 0) | (shares > 1))[0])
        raise InputError(
            f"a probability of abstaining lies between 0 and 1; row {row} has {shares[row]:g}. A Normaliser makes one of a score."
        )
    return np.column_stack([(1 - shares)[:, None] * p, shares])
