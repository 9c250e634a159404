"""Scores as shares of what could be had, by the conventions that are in use."""

from __future__ import annotations

from typing import Any

import numpy as np

from isomorph.arrays import FloatArray

NORMALISERS = ("none", "r/ceiling", "r2/ceiling2", "r2/ceiling4")
VARIANCE_SCORERS = ("r2", "explained_variance")


def normalise(score: Any, ceiling: Any, normaliser: str, *, scorer: str = "pearson") -> FloatArray:
    """A score over its ceiling; NaN where there is no ceiling, or one of 0, and for `"none"`.

    The ceiling is the largest correlation that can be expected, r_max. Its square is the explainable share of variance, or reliability:

    - `"r/ceiling"`: r / r_max, as Algonauts 2021.
    - `"r2/ceiling2"`: r² / r_max², the explained over the explainable variance; R² / r_max² of scorers that are shares of variance
      already. Net2Brain, Algonauts 2023 and today's Brain-Score divide so.
    - `"r2/ceiling4"`: (r / r_max²)², the square of r over the reliability, as Brain-Score did before.

    A squared r keeps its sign, so that foretelling the reverse scores nothing. Nothing is clipped.

    Example:
        >>> [round(float(normalise(0.4, 0.8, each)), 4) for each in NORMALISERS[1:]]
        [0.5, 0.25, 0.3906]
    """
    score, ceiling = np.asarray(score, dtype=np.float64), np.asarray(ceiling, dtype=np.float64)
    if normaliser == "none":
        return np.full(np.broadcast_shapes(score.shape, ceiling.shape), np.nan)
    positive = np.where(ceiling > 0, ceiling, np.nan)
    if normaliser == "r/ceiling":
        return np.asarray(score / positive)
    share = score if scorer in VARIANCE_SCORERS else np.abs(score) * score
    return np.asarray(share / positive ** (4 if normaliser == "r2/ceiling4" else 2))
