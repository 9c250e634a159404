"""How surprising people's choices are to an embedding, and in which direction that falls: no one-hot products, no autograd."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from isomorph.alignment._symmetric import add_transpose, upper_products
from isomorph.arrays import FloatArray, IntArray
from isomorph.judgments._blocks import cores

_COLUMNS = ((0, 1), (0, 2), (1, 2))
_GRAM_ENTRIES_A_TRIAL = 40  # below, one symmetric product costs less than gathering two rows a pair
_GATHERED_BYTES = 1 << 24
_TRIALS = 1 << 14


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
    if _is_gram_cheaper(len(embedding), len(items)):
        similarities: FloatArray = upper_products(embedding).ravel().take(_codes(items, len(embedding)), mode="clip")
        return similarities
    result = np.empty((3, len(items)), dtype=embedding.dtype)
    step = max(1, _GATHERED_BYTES // max(1, embedding.shape[1] * embedding.itemsize))
    for start in range(0, len(items), step):
        part = items[start : start + step]
        vectors = [embedding[part[:, column]] for column in range(3)]
        for pair, (one, two) in enumerate(_COLUMNS):
            np.einsum("td,td->t", vectors[one], vectors[two], out=result[pair, start : start + step])
    return result


def _is_gram_cheaper(objects: int, trials: int) -> bool:
    return objects**2 <= _GRAM_ENTRIES_A_TRIAL * trials


def _loss_of_all(embedding: FloatArray, items: IntArray, temperature: float, targets: FloatArray | None) -> tuple[float, FloatArray]:
    if _is_gram_cheaper(len(embedding), len(items)):
        return _through_gram(embedding, items, temperature, targets)
    loss, slope = _cross_entropy(pair_similarities(embedding, items), temperature, targets)
    slope *= slope.dtype.type(1 / (temperature * len(items)))
    return loss / len(items), _through_pairs(slope, embedding, items)


def _through_gram(embedding: FloatArray, items: IntArray, temperature: float, targets: FloatArray | None) -> tuple[float, FloatArray]:
    """Losses and derivatives of blocks of trials, gathered in one matrix of pairs that multiplies the embedding."""
    n, gram = len(embedding), upper_products(embedding).ravel()

    def work(part: slice) -> tuple[float, FloatArray]:
        some, chosen, loss = items[part], None if targets is None else targets[part], 0.0
        codes, slope = np.empty((3, len(some)), dtype=np.int64), np.empty((3, len(some)), dtype=embedding.dtype)
        for start in range(0, len(some), _TRIALS):  # each block stays in the cache
            at = slice(start, start + _TRIALS)
            codes[:, at] = block = _codes(some[at], n)
            more, slope[:, at] = _cross_entropy(gram.take(block, mode="clip"), temperature, None if chosen is None else chosen[at])
            loss += more
        pairs = np.bincount(codes.ravel(), weights=slope.ravel(), minlength=n * n)
        return loss, pairs.reshape(n, n).astype(np.float64, copy=False)

    edges = np.linspace(0, len(items), cores() + 1 if len(items) > _TRIALS else 2).astype(int)
    with ThreadPoolExecutor(len(edges) - 1) as pool:
        losses, parts = zip(*pool.map(work, map(slice, edges[:-1], edges[1:])), strict=True)
    pairs = parts[0]
    for each in parts[1:]:
        pairs += each
    pairs *= 1 / (temperature * len(items))
    dense: FloatArray = add_transpose(pairs.astype(embedding.dtype, copy=False)) @ embedding
    return sum(losses) / len(items), dense


def _cross_entropy(logits: FloatArray, temperature: float, targets: FloatArray | None) -> tuple[float, FloatArray]:
    """The summed loss of similarities `[pair, trial]`, and its derivative with respect to the logits; finite for any temperature."""
    logits = logits / logits.dtype.type(temperature)
    with np.errstate(invalid="ignore"):  # of a training that diverged; it will be told so
        logits -= np.maximum(np.maximum(logits[0], logits[1]), logits[2])
    expected = logits[0].copy() if targets is None else (logits * targets.T).sum(axis=0)
    powers = np.exp(logits, out=logits)
    total = powers[0] + powers[1] + powers[2]
    loss = float((np.log(total) - expected).sum(dtype=np.float64))
    powers /= total
    if targets is None:
        powers[0] -= 1
    else:
        powers -= targets.T
    return loss, powers


def _through_pairs(slope: FloatArray, embedding: FloatArray, items: IntArray) -> FloatArray:
    """From derivatives of few pairs' similarities to those of the embedding: a sparse symmetric matrix of pairs times the embedding."""
    from scipy.sparse import csr_array

    n = len(embedding)
    first, second = (np.concatenate([items[:, pair[side]] for pair in _COLUMNS]) for side in (0, 1))
    both = (np.concatenate([first, second]), np.concatenate([second, first]))
    sparse: FloatArray = csr_array((np.concatenate([slope.ravel()] * 2), both), shape=(n, n)) @ embedding
    return sparse


def _codes(items: IntArray, n: int) -> IntArray:
    """Where the pairs 01, 02, 12 stand in the upper triangle of a flat n × n matrix: `[pair, trial]`."""
    columns = np.ascontiguousarray(items.T, dtype=np.int64)
    # smaller · n + larger, as smaller · (n - 1) + both
    return np.stack([np.minimum(columns[one], columns[two]) * (n - 1) + columns[one] + columns[two] for one, two in _COLUMNS])
