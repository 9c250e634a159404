"""How well an embedding keeps the neighbourhoods that its input had."""

from __future__ import annotations

import numpy as np

from isomorph.alignment._symmetric import add_transpose, stripes
from isomorph.arrays import FloatArray

_SINGLE_TAU = 0.025  # exp(-2 / tau) is a normal float32 down to here, and a normal float64 down to a ninth of it


def neighbourhoods(features: FloatArray, tau: float) -> FloatArray:
    r"""What `local_loss` needs to know of the input: $P_{ij} + P_{ji}$ of all pairs, `[stimulus, stimulus]`, above the diagonal alone.

    P is, of each stimulus, the softmax of its cosines to all others over `tau`. What stands below the diagonal means nothing.
    """
    powers, totals, _ = _powers(_units(features.copy(), tau)[0], tau)
    shares = (1 / totals).astype(powers.dtype)
    for rows, onwards in stripes(len(powers)):
        powers[rows, onwards] *= np.add.outer(shares[rows], shares[onwards])
    return powers


def neighbourhood_floor(features: FloatArray, target: FloatArray, tau: float) -> float:
    """The least that `local_loss` can be: that of the input itself, which is the mean entropy of its neighbourhoods."""
    return local_loss(features.copy(), target, tau)[0]


def local_loss(embedding: FloatArray, target: FloatArray, tau: float) -> tuple[float, FloatArray]:
    r"""Mean cross-entropy between the neighbourhoods of an input and those of its embedding, and its gradient.

    $$L = -\frac1B \sum_i \sum_{j \ne i} P_{ij} \log \mathrm{softmax}_{j \ne i}(\cos(e_i, e_j) / \tau)$$

    With $E_{ij} = \exp((\cos(e_i, e_j) - 1) / \tau)$ and its row sums t, both symmetric in i and j, that is
    $\frac1B (\sum_i \log t_i - \sum_{i<j} (P_{ij} + P_{ji}) \log E_{ij})$, and the derivative with respect to each cosine
    $(E_{ij} (1/t_i + 1/t_j) - P_{ij} - P_{ji}) / (\tau B)$: every pair is looked at once, in stripes that stay in the cache.

    Args:
        embedding: `[stimulus, dimension]`; overwritten.
        target: What `neighbourhoods` gave of the input.
        tau: τ; above 0.003.

    Returns:
        tuple: The loss, and its derivative with respect to `embedding`.
    """
    units, norms = _units(embedding, tau)
    powers, totals, expected = _powers(units, tau, target)
    shares = (1 / totals).astype(powers.dtype)
    for rows, onwards in stripes(len(powers)):
        block = powers[rows, onwards]
        block *= np.add.outer(shares[rows], shares[onwards])
        block -= target[rows, onwards]
    slope = add_transpose(powers) @ units
    norms *= norms.dtype.type(tau * len(units))
    for rows, _ in stripes(len(slope)):  # through the division by the norms
        block = slope[rows]
        block -= units[rows] * np.einsum("id,id->i", block, units[rows])[:, None]
        block /= norms[rows]
    return float(np.log(totals).mean() - expected / len(units)), slope.astype(embedding.dtype, copy=False)


def _units(features: FloatArray, tau: float) -> tuple[FloatArray, FloatArray]:
    """Rows of length 1, in place where float32 will do, and their lengths before."""
    units = features if tau >= _SINGLE_TAU else features.astype(np.float64, copy=False)
    norms: FloatArray = np.empty((len(units), 1), dtype=units.dtype)
    for rows, _ in stripes(len(units)):
        block = units[rows]
        lengths = np.sqrt(np.einsum("id,id->i", block, block))
        norms[rows, 0] = np.maximum(lengths, np.finfo(lengths.dtype).tiny)
        block /= norms[rows]
    return units, norms


def _powers(units: FloatArray, tau: float, target: FloatArray | None = None) -> tuple[FloatArray, FloatArray, float]:
    """E above the diagonal, its row sums over both triangles, and the sum of its logarithms weighted by `target`."""
    n, expected = len(units), 0.0
    powers, totals = np.empty((n, n), dtype=units.dtype), np.zeros(n)
    for rows, onwards in stripes(n):
        block = np.matmul(units[rows], units[onwards].T, out=powers[rows, onwards])
        block -= 1
        block *= block.dtype.type(1 / tau)
        if target is not None:
            expected += float(np.einsum("ij,ij->i", block, target[rows, onwards]).sum(dtype=np.float64))
        np.exp(block, out=block)
        corner = block[:, : len(block)]
        corner[:] = np.triu(corner, 1)
        totals[rows] += block.sum(axis=1)
        totals[onwards] += block.sum(axis=0)
    return powers, np.maximum(totals, np.finfo(np.float64).tiny), expected
