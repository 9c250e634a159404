"""A bootstrap is a vector of whole-number weights on stimuli."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from isomorph.errors import InputError


def check_draws(*, replicates: int, seed: int, level: float = 0.95, permutations: int = 0) -> None:
    """Raise `InputError` unless these numbers can rule a bootstrap and a permutation test."""
    for name, value in (("replicates", replicates), ("permutations", permutations), ("seed", seed)):
        if value < 0:
            raise InputError(f"{name} must be 0 or more; got {value}.")
    if not 0 < level < 1:
        raise InputError(f"the level of an interval lies between 0 and 1, such as 0.95; got {level}.")


def bootstrap_weights(n: int, replicates: int, seed: int = 0) -> npt.NDArray[np.int64]:
    """How often each of `n` things is drawn, in each of `replicates` samples of n with replacement.

    Returns:
        `[replicate, n]`; every row sums to n. Equal seeds give equal weights.

    Raises:
        InputError: `n` is below 1, or `replicates` or `seed` below 0.

    Example:
        >>> bootstrap_weights(4, 2, seed=0).sum(axis=1).tolist()
        [4, 4]
    """
    check_draws(replicates=replicates, seed=seed)
    if n < 1:
        raise InputError(f"a bootstrap needs at least 1 thing to draw; got n={n}.")
    return np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=replicates)
