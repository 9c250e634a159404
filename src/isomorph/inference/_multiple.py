"""P-values of many tests at once."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from isomorph.arrays import FloatArray, as_floats
from isomorph.errors import InputError

Method = Literal["fdr_bh", "holm", "bonferroni"]


def correct_p_values(p: Any, method: Method = "fdr_bh") -> FloatArray:
    """Adjust p-values for the number of tests; reject where the adjusted value is at most the wanted rate.

    Args:
        p: `[test]`, each 0 … 1.
        method: `"fdr_bh"` bounds the share of false findings (Benjamini & Hochberg, 1995); `"holm"` and `"bonferroni"` the chance of
            any false finding, Holm's never with less power.

    Raises:
        InputError: A value lies outside 0 … 1, or the method is unknown.

    Example:
        >>> correct_p_values([0.01, 0.04, 0.03], "holm").round(3).tolist()
        [0.03, 0.06, 0.06]
    """
    values = as_floats(p, name="p-values", ndim=1)
    bad = np.flatnonzero(~((values >= 0) & (values <= 1)))
    if len(bad):
        raise InputError(f"p-values lie between 0 and 1; number {int(bad[0])} is {float(values[bad[0]])}.")
    count = len(values)
    if method == "bonferroni":
        return np.asarray(np.minimum(values * count, 1))
    order = np.argsort(values, kind="stable")
    ranked = values[order]
    if method == "holm":
        adjusted = np.maximum.accumulate(ranked * (count - np.arange(count)))
    elif method == "fdr_bh":
        adjusted = np.minimum.accumulate((ranked * count / (np.arange(count) + 1))[::-1])[::-1]
    else:
        raise InputError(f"p-values are corrected by 'fdr_bh', 'holm' or 'bonferroni'; got {method!r}.")
    result = np.empty(count)
    result[order] = np.minimum(adjusted, 1)
    return result
