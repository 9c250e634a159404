"""How well an embedding keeps the neighbourhoods that its input had."""

from __future__ import annotations

import numpy as np

from isomorph.arrays import FloatArray


def neighbourhoods(features: FloatArray, tau: float) -> FloatArray:
    """Of each stimulus, the softmax of its cosines to all others over `tau`: `[stimulus, stimulus]`, zero on the diagonal."""
    units = features / _norms(features)
    logits = units @ units.T
    logits /= logits.dtype.type(tau)
    np.fill_diagonal(logits, -np.inf)
    logits -= logits.max(axis=1, keepdims=True)
    np.exp(logits, out=logits)
    logits /= logits.sum(axis=1, keepdims=True)
    return logits


def neighbourhood_floor(target: FloatArray) -> float:
    """The least that `local_loss` can be for these neighbourhoods: the mean entropy of their rows."""
    logs = np.log(target, out=np.zeros_like(target), where=target > 0)
    return -float(np.einsum("ij,ij->", target, logs, dtype=np.float64)) / len(target)


def local_loss(embedding: FloatArray, target: FloatArray, tau: float) -> tuple[float, FloatArray]:
    r"""Mean cross-entropy between the neighbourhoods `target` and those of an embedding, and its gradient.

    $$L = -\frac1B \sum_i \sum_{j \ne i} P_{ij} \log \mathrm{softmax}_{j \ne i}(\cos(e_i, e_j) / \tau)$$

    It cannot fall below the mean entropy of the rows of P (`neighbourhood_floor`); what lies above is the Kullback-Leibler divergence.

    Args:
        embedding: `[stimulus, dimension]`.
        target: `[stimulus, stimulus]`, what `neighbourhoods` gave of the input.
        tau: τ.

    Returns:
        tuple: The loss, and its derivative with respect to `embedding`.
    """
    norms = _norms(embedding)
    units = embedding / norms
    logits = units @ units.T
    logits /= logits.dtype.type(tau)
    np.fill_diagonal(logits, -np.inf)
    peaks = logits.max(axis=1, keepdims=True)
    powers = np.exp(logits - peaks)
    total = powers.sum(axis=1, keepdims=True)
    np.fill_diagonal(logits, 0)
    expected = np.einsum("ij,ij->i", target, logits, dtype=np.float64)
    loss = float((np.log(total[:, 0]) + peaks[:, 0] - expected).mean(dtype=np.float64))
    powers /= total
    powers -= target
    powers *= powers.dtype.type(1 / (tau * len(units)))
    slope = (powers + powers.T) @ units
    slope -= units * np.einsum("id,id->i", slope, units)[:, None]
    slope /= norms
    return loss, slope


def _norms(features: FloatArray) -> FloatArray:
    norms: FloatArray = np.sqrt(np.einsum("id,id->i", features, features))[:, None]
    return np.maximum(norms, np.finfo(norms.dtype).tiny)
