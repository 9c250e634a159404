"""What canonical correlations are by chance."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

_STEPS = 2000


@lru_cache(maxsize=4096)
def mean_canonical_correlation(n: int, p: int, q: int) -> float:
    r"""The expected mean canonical correlation of unrelated Gaussian features of widths `p` and `q` with `n` stimuli.

    The squared correlations follow Wachter's law in the limit, with a = p/(n − 1), b = q/(n − 1) and the edges of `canonical_edges`:

    $$f(\lambda) = \frac{\sqrt{(\lambda - \lambda_-)(\lambda_+ - \lambda)}}{2 \pi \min(a, b)\, \lambda (1 - \lambda)}$$

    and where a + b > 1 a share (a + b − 1) / min(a, b) of them is exactly 1. Within 0.01 of simulations from n = 20 on.

    References:
        Wachter, 1980, <https://doi.org/10.1214/aos/1176345134>.
    """
    a, b = p / (n - 1), q / (n - 1)
    if max(a, b) >= 1:
        return 1.0
    low, high = canonical_edges(n, p, q)
    angles = (np.arange(_STEPS) + 0.5) * np.pi / _STEPS
    half = (high - low) / 2
    squares = (high + low) / 2 + half * np.cos(angles)
    density = (half * np.sin(angles)) ** 2 / (2 * np.pi * min(a, b) * squares * (1 - squares))
    return float((density * np.sqrt(squares)).sum() * np.pi / _STEPS + max(a + b - 1, 0) / min(a, b))


def canonical_edges(n: int, p: int, q: int) -> tuple[float, float]:
    """The smallest and largest squared canonical correlation (below 1) of unrelated features in the limit."""
    a, b = p / (n - 1), q / (n - 1)
    one, other = math.sqrt(a * (1 - b)), math.sqrt(b * (1 - a))
    return (one - other) ** 2, (one + other) ** 2
