"""Probabilities of pairs, in log space."""

from functools import reduce

import numpy as np

from isomorph.arrays import FloatArray


def softmax_parts(values: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Over the first axis: probabilities, values below the largest, and the log of the sum of their exponentials.

    Log probabilities are the second minus the third: finite however large the values are.
    """
    shifted = values - reduce(np.maximum, values)
    exponentials = np.exp(shifted)
    total = reduce(np.add, exponentials)
    exponentials /= total
    return exponentials, shifted, np.log(total)


def log_softmax(values: FloatArray) -> FloatArray:
    """Over the first axis, finite however large the values are."""
    _, shifted, log_total = softmax_parts(values)
    return np.asarray(shifted - log_total)
