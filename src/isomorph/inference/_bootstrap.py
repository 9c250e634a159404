"""A bootstrap is a vector of whole-number weights on stimuli."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from isomorph.errors import InputError


def bootstrap_weights(n: int, replicates: int, seed: int = 0) -> npt.NDArray[np.int64]:
    """How often each of `n` things is drawn, in each of `replicates` samples of n with replacement.

    Returns:
        `[replicate, n]`; every row sums to n. Equal seeds give equal weights.

    Raises:
        InputError: `n` is below 1 or `replicates` below 0.

    Example:
        >>> bootstrap_weights(4, 2, seed=0).sum(axis=1).tolist()
        [4, 4]
    """
    if n < 1 or replicates < 0:
        raise InputError(
            f"a bootstrap needs at least 1 thing to draw and no negative number of replicates; got n={n}, replicates={replicates}."
        )
    return np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=replicates)
