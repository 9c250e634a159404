"""How many random columns keep the distances between so many stimuli."""

from __future__ import annotations

import math

from isomorph.errors import InputError


def johnson_lindenstrauss(n: int, epsilon: float = 0.1) -> int:
    r"""The least width under which a random projection keeps all squared distances between `n` stimuli to a share of `epsilon`.

    $$k = \left\lfloor \frac{4 \ln n}{\epsilon^2 / 2 - \epsilon^3 / 3} \right\rfloor$$

    as scikit-learn counts it; a bound that holds for any stimuli, and for most pairs is far from sharp.

    Args:
        n: How many stimuli, 2 or more.
        epsilon: Between 0 and 1.

    Raises:
        InputError: An argument is out of range.

    References:
        Dasgupta and Gupta, 2003, <https://doi.org/10.1002/rsa.10073>.

    Example:
        >>> johnson_lindenstrauss(1000)
        5920
    """
    if not 0 < epsilon < 1:
        raise InputError(f"epsilon must be between 0 and 1; got {epsilon}.")
    if n < 2:
        raise InputError(f"distances need 2 stimuli or more; got n={n}.")
    return int(4 * math.log(n) / (epsilon**2 / 2 - epsilon**3 / 3))
