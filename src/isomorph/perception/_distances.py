"""How far one distribution of answers is from another."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.special import entr, rel_entr

from isomorph.errors import InputError
from isomorph.perception._distributions import Floats, check_pair


def hellinger(p: Any, q: Any) -> Floats:
    r"""\(h(p, q) = \lVert \sqrt p - \sqrt q \rVert_2 / \sqrt 2\), 0 (the same) … 1 (nothing in common).

    VisAlign's visual alignment (Lee et al., 2023, <https://arxiv.org/abs/2308.01525>). Symmetric.

    Args:
        p: `[item, outcome]`, rows sum to 1.
        q: The same items and outcomes.

    Returns:
        `[item]`.

    Example:
        >>> hellinger([.7, .2, .1], [.5, .5, 0]).round(6).tolist()
        [0.303586]
    """
    p, q = check_pair(p, q)
    # 1 − Σ√(pq) would lose half the digits where p and q are close
    return np.asarray(np.minimum(np.linalg.norm(np.sqrt(p) - np.sqrt(q), axis=1) / np.sqrt(2), 1.0))


def jensen_shannon(p: Any, q: Any) -> Floats:
    r"""\(\tfrac12 \mathrm{KL}(p \Vert m) + \tfrac12 \mathrm{KL}(q \Vert m)\) with \(m = (p + q)/2\), in nats: 0 … ln 2. Symmetric.

    Example:
        >>> jensen_shannon([1, 0], [0, 1]).round(6).tolist()
        [0.693147]
    """
    p, q = check_pair(p, q)
    middle = (p + q) / 2
    return np.asarray((rel_entr(p, middle) + rel_entr(q, middle)).sum(axis=1) / 2)


def total_variation(p: Any, q: Any) -> Floats:
    r"""\(\tfrac12 \sum_k |p_k - q_k|\), 0 … 1: the largest difference in probability over all events. Symmetric.

    Example:
        >>> total_variation([.7, .2, .1], [.5, .5, 0]).round(6).tolist()
        [0.3]
    """
    p, q = check_pair(p, q)
    return np.asarray(np.abs(p - q).sum(axis=1) / 2)


def kullback_leibler(target: Any, prediction: Any, *, floor: float = 0.0) -> Floats:
    r"""\(\sum_k t_k \ln (t_k / p_k)\) in nats, ≥ 0; infinite where the prediction rules out what was answered, unless `floor` > 0.

    Args:
        target: `[item, outcome]`, the people.
        prediction: `[item, outcome]`, the model.
        floor: Probabilities of the prediction below it count as it, and its rows are divided by their sums again: what is compared stays
            a distribution, and the divergence ≥ 0.

    Raises:
        InputError: The floor is not in [0, 1).
    """
    target, prediction = check_pair(target, prediction)
    return np.asarray(rel_entr(target, _floored(prediction, floor)).sum(axis=1))


def soft_cross_entropy(target: Any, prediction: Any, *, floor: float = 0.0) -> Floats:
    r"""\(-\sum_k t_k \ln p_k\) in nats: the entropy of the target at best; infinite as in `kullback_leibler`.

    Example:
        >>> soft_cross_entropy([.5, .5], [.25, .75]).round(6).tolist()
        [0.836988]
    """
    return np.asarray(kullback_leibler(target, prediction, floor=floor) + entr(check_pair(target, prediction)[0]).sum(axis=1))


def _floored(p: Floats, floor: float) -> Floats:
    if not 0 <= floor < 1:
        raise InputError(f"floor is the least probability of a model, from 0 to below 1, such as 1e-6; got {floor}.")
    raised = np.maximum(p, floor)
    return raised if floor == 0 else np.asarray(raised / raised.sum(axis=1, keepdims=True))


def brier(target: Any, prediction: Any) -> Floats:
    r"""\(\sum_k (t_k - p_k)^2\), 0 … 2, against one-hot truth or the people's distribution (a proper score for both).

    Example:
        >>> brier([1, 0, 0], [.7, .2, .1]).round(6).tolist()
        [0.14]
    """
    target, prediction = check_pair(target, prediction)
    return np.asarray(((target - prediction) ** 2).sum(axis=1))


DISTANCES: dict[str, Callable[..., Floats]] = {
    "hellinger": hellinger,
    "jsd": jensen_shannon,
    "total_variation": total_variation,
    "cross_entropy": soft_cross_entropy,
    "kl": kullback_leibler,
    "brier": brier,
}
"""By the names that tables use; each takes (people, model)."""
