"""What else could make similarities look consistent, or inconsistent: feature widths, few pairs, sampling error, narrow range."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from isomorph.arrays import FloatArray
from isomorph.consistency._bootstrap import subsets
from isomorph.consistency._correlate import correlations, weighted_correlations
from isomorph.consistency._pairs import Block, ModelPairs
from isomorph.inference._ranks import midranks

MATCHED_DRAWS = 200
"""Random subsets of model pairs behind one size-matched number."""


def width_partial(block: Block, widths: Sequence[int] | None, *, method: str) -> FloatArray:
    r"""The correlation that is left when feature widths are known, `[k]`.

    Both similarities are regressed on $|\log p_f - \log p_g|$ and $\log p_f + \log p_g$; what is left of them is correlated. For
    Spearman, similarities and covariates are ranked first.
    """
    if widths is None or len(block.pairs) < 5:
        return np.full(len(block.a), np.nan)
    log = np.log(np.asarray(widths, dtype=np.float64))
    first, second = log[block.pairs.first], log[block.pairs.second]
    covariates = np.stack([np.abs(first - second), first + second])
    rows = block.rows
    if method == "spearman":
        covariates, rows = midranks(covariates), midranks(rows)
    basis = _span(covariates)
    centred = rows - rows.mean(axis=1, keepdims=True)
    left = centred - (centred @ basis.T) @ basis
    left[np.linalg.norm(left, axis=1) <= 1e-10 * np.linalg.norm(centred, axis=1)] = np.nan
    return correlations(left, block.a, block.b, method="pearson")


def _span(covariates: FloatArray) -> FloatArray:
    """Orthonormal rows that span the centred covariates, fewer where they do not vary."""
    centred = covariates - covariates.mean(axis=1, keepdims=True)
    length = np.linalg.norm(centred, axis=1, keepdims=True)
    scaled = centred[(length > 1e-10 * np.abs(covariates).max(initial=1.0))[:, 0]]
    scaled = scaled / np.linalg.norm(scaled, axis=1, keepdims=True)
    _, strength, basis = np.linalg.svd(scaled, full_matrices=False)
    return np.asarray(basis[strength > 1e-8])


def size_matched(block: Block, size: int, *, method: str, seed: int) -> FloatArray:
    """Correlations over random subsets of `size` model pairs, `[draw, k]`; over all pairs where there are no more."""
    total = len(block.pairs)
    if total <= size:
        return np.tile(correlations(block.rows, block.a, block.b, method=method), (MATCHED_DRAWS, 1))
    chosen = subsets(total, size, MATCHED_DRAWS, seed, block.pairs.name_a, block.pairs.name_b).astype(np.float64)
    return weighted_correlations(block.rows, block.a, block.b, lambda r, p: chosen[r, p], MATCHED_DRAWS, method=method)


def reliabilities(rows: FloatArray, errors: FloatArray | None, pairs: ModelPairs) -> FloatArray:
    r"""The share of variance over model pairs that is not sampling error, `[dataset]`.

    $$\mathrm{rel}_d = 1 - \frac{\overline{\mathrm{SE}_d^2}}{\mathrm{var}(S_d)}$$

    Args:
        rows: `[dataset, pair]`, similarities.
        errors: `[dataset, model, model]`, standard errors; None or NaN: unknown, and so is the reliability.
        pairs: The model pairs.

    Returns:
        NaN where it is unknown, or where nothing but error is left.
    """
    if errors is None or rows.shape[1] < 2:
        return np.full(len(rows), np.nan)
    noise = (errors[:, pairs.first, pairs.second] ** 2).mean(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = 1 - noise / rows.var(axis=1, ddof=1)
        return np.where(share > 0, share, np.nan)
