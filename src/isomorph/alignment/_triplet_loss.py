"""How surprising people's choices are to an embedding, and in which direction that falls: no one-hot products, no autograd."""

from __future__ import annotations

import numpy as np

from isomorph.arrays import FloatArray, IntArray

_COLUMNS = ((0, 1), (0, 2), (1, 2))
_GRAM_ENTRIES_A_TRIAL = 40  # below, one symmetric product costs less than gathering two rows a pair
_GATHERED_BYTES = 1 << 24


def triplet_loss(
    embedding: FloatArray, items: IntArray, *, temperature: float = 1.0, targets: FloatArray | None = None
) -> tuple[float, FloatArray]:
    r"""Mean cross-entropy of odd-one-out choices under an embedding, and its gradient.

    $$L = -\frac1T \sum_t \sum_{c} p_{tc} \log \mathrm{softmax}(s_t / \theta)_c, \qquad s_t = (e_0 e_1,\; e_0 e_2,\; e_1 e_2)$$

    ln 3 is chance. Where a batch shows most objects, similarities are read out of one Gram matrix; where it shows few, rows are gathered.
    Sums over trials are float64, products have the embedding's precision.

    Args:
        embedding: `[object, dimension]`.
        items: `[trial, 3]`, rows of `embedding`; the odd one last.
        temperature: θ.
        targets: `[trial, 3]`, the share of people who chose each pair (01, 02, 12); None: all chose 01.

    Returns:
        tuple: The loss, and its derivative with respect to `embedding`.
    """
    gradient = np.zeros_like(embedding)
    shown = np.zeros(len(embedding), dtype=bool)
    shown[items] = True
    rows = np.flatnonzero(shown)
    if len(rows) == len(embedding):
        loss, gradient = _loss_of_all(embedding, items, temperature, targets)
    else:  # objects outside the batch cost nothing
        loss, gradient[rows] = _loss_of_all(embedding[rows], (np.cumsum(shown) - 1)[items], temperature, targets)
    return loss, gradient


def pair_similarities(embedding: FloatArray, items: IntArray) -> FloatArray:
    """Dot products `[pair, trial]` of the pairs 01, 02, 12."""
    if len(embedding) ** 2 <= _GRAM_ENTRIES_A_TRIAL * len(items):
        similarities: FloatArray = (embedding @ embedding.T).ravel().take(_codes(items, len(embedding)))
        return similarities
    result = np.empty((3, len(items)), dtype=embedding.dtype)
    step = max(1, _GATHERED_BYTES // max(1, embedding.shape[1] * embedding.itemsize))
    for start in range(0, len(items), step):
        part = items[start : start + step]
        vectors = [embedding[part[:, column]] for column in range(3)]
        for pair, (one, two) in enumerate(_COLUMNS):
            np.einsum("td,td->t", vectors[one], vectors[two], out=result[pair, start : start + step])
    return result


def _loss_of_all(embedding: FloatArray, items: IntArray, temperature: float, targets: FloatArray | None) -> tuple[float, FloatArray]:
    similarities = pair_similarities(embedding, items)
    loss, slope = _cross_entropy(similarities, temperature, targets)
    return loss, _through_pairs(slope, embedding, items)


def _cross_entropy(similarities: FloatArray, temperature: float, targets: FloatArray | None) -> tuple[float, FloatArray]:
    """The mean loss, and its derivative with respect to each similarity; finite for any temperature."""
    logits = similarities / similarities.dtype.type(temperature)
    logits -= logits.max(axis=0)
    expected = logits[0] if targets is None else (logits * targets.T).sum(axis=0)
    powers = np.exp(logits)
    total = powers.sum(axis=0)
    loss = float((np.log(total) - expected).mean(dtype=np.float64))
    powers /= total
    if targets is None:
        powers[0] -= 1
    else:
        powers -= targets.T
    powers /= similarities.dtype.type(temperature * len(logits[0]))
    return loss, powers


def _through_pairs(slope: FloatArray, embedding: FloatArray, items: IntArray) -> FloatArray:
    """From derivatives of the pairs' similarities to those of the embedding: a symmetric matrix of pairs times the embedding."""
    n = len(embedding)
    if n * n <= _GRAM_ENTRIES_A_TRIAL * len(items):
        pairs = np.bincount(_codes(items, n).ravel(), weights=slope.ravel(), minlength=n * n).reshape(n, n)
        dense: FloatArray = (pairs + pairs.T).astype(embedding.dtype) @ embedding
        return dense
    from scipy.sparse import csr_array

    first, second = (np.concatenate([items[:, pair[side]] for pair in _COLUMNS]) for side in (0, 1))
    both = (np.concatenate([first, second]), np.concatenate([second, first]))
    sparse: FloatArray = csr_array((np.concatenate([slope.ravel()] * 2), both), shape=(n, n)) @ embedding
    return sparse


def _codes(items: IntArray, n: int) -> IntArray:
    """Where the pairs 01, 02, 12 stand in a flat n × n matrix: `[pair, trial]`."""
    first, second, third = np.ascontiguousarray(items.T, dtype=np.int64)
    return np.stack([first * n + second, first * n + third, second * n + third])
