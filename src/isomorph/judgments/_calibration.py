"""Whether a model that is 70 % sure is right 70 % of the time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from isomorph.arrays import FloatArray, IntArray
from isomorph.errors import InputError


@dataclass(frozen=True, eq=False, kw_only=True)
class Calibration:
    r"""Confidence against accuracy, in bins of confidence.

    $$\mathrm{ECE} = \sum_b \frac{n_b}{n} \lvert \mathrm{accuracy}_b - \mathrm{confidence}_b \rvert$$

    0 means that stated and real chances agree. It depends on the temperature, and is biased upwards where bins hold few trials.

    Attributes:
        confidence: `[bin]`: the mean probability of the chosen pair; NaN in an empty bin.
        accuracy: `[bin]`: the share of people that chose it.
        counts: `[bin]`: trials.
        ece: The expected calibration error, 0 … 1.
    """

    confidence: FloatArray
    accuracy: FloatArray
    counts: IntArray
    ece: float


def calibration(confidence: FloatArray, credit: FloatArray, *, bins: int = 15) -> Calibration:
    """Bin trials by `confidence` (equal widths over 0 … 1) and compare with `credit`, both `[trial]`."""
    if bins < 1:
        raise InputError(f"calibration needs at least 1 bin; got {bins}.")
    bin_of = np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)
    counts = np.bincount(bin_of, minlength=bins)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean_confidence = np.bincount(bin_of, weights=confidence, minlength=bins) / counts
        mean_credit = np.bincount(bin_of, weights=credit, minlength=bins) / counts
    gap = np.nansum(np.abs(mean_credit - mean_confidence) * counts) / max(len(confidence), 1)
    return Calibration(confidence=mean_confidence, accuracy=mean_credit, counts=counts, ece=float(gap))
