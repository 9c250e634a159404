"""How good predictions are: accuracy, top-5, balanced accuracy, calibration, and intervals over test stimuli."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from isomorph.arrays import FloatArray, IntArray
from isomorph.errors import InputError, ShapeError
from isomorph.inference import interval


def ranks(scores: FloatArray, y: IntArray) -> IntArray:
    """How many classes stand before the true one, `[stimulus]`: 0 is a hit. Of equal scores the lower number stands first."""
    own = scores[np.arange(len(y)), y][:, None]
    before = (scores > own) | ((scores == own) & (np.arange(scores.shape[1]) < y[:, None]))
    result: IntArray = before.sum(axis=1)
    return result


def expected_calibration_error(probabilities: npt.ArrayLike, labels: npt.ArrayLike, *, bins: int = 15) -> float:
    r"""How far confidence is from accuracy, on average over stimuli.

    $$\mathrm{ECE} = \sum_{m=1}^{M} \frac{|B_m|}{n} \left| \mathrm{acc}(B_m) - \mathrm{conf}(B_m) \right|$$

    where \(B_m\) holds the stimuli whose largest probability lies in \(((m-1)/M, m/M]\). 0 is perfectly calibrated, 1 the worst. It depends
    on the number of bins, and grows as the bins get emptier: compare only values of the same bins and similar n.

    Args:
        probabilities: `[stimulus, class]`, rows that sum to 1.
        labels: The true class of each row, as a number.
        bins: M, equally wide.

    Raises:
        ShapeError: The shapes do not fit.
        InputError: A row does not sum to 1, or there is no bin.

    References:
        Guo et al., 2017, <https://arxiv.org/abs/1706.04599>; Naeini et al., 2015.

    Example:
        >>> expected_calibration_error([[0.8, 0.2], [0.8, 0.2], [0.4, 0.6]], [0, 1, 1])
        0.333...
    """
    p, y = np.asarray(probabilities, dtype=np.float64), np.asarray(labels)
    if p.ndim != 2 or y.shape != p.shape[:1] or not len(p):
        raise ShapeError(f"probabilities must be [stimulus, class] with one label a row; got shapes {p.shape} and {y.shape}.")
    if bins < 1:
        raise InputError(f"bins must be 1 or more; got {bins}.")
    if not np.allclose(p.sum(axis=1), 1, atol=1e-3) or p.min() < 0:
        raise InputError("probabilities must be 0 or more and sum to 1 in every row.")
    confidence = p.max(axis=1)
    edges = np.linspace(0, 1, bins + 1)  # 0.28 × 25 is more than 7 in floats; the edge is not
    bin_of = np.clip(np.searchsorted(edges, confidence) - 1, 0, bins - 1)
    gap = np.bincount(bin_of, weights=(p.argmax(axis=1) == y) - confidence, minlength=bins)
    return float(np.abs(gap).sum() / len(p))


def class_mean(values: FloatArray, y: IntArray) -> float:
    """The mean over classes of the mean within each class that occurs."""
    count = np.bincount(y)
    return float((np.bincount(y, weights=values)[count > 0] / count[count > 0]).mean())


def intervals(hits: dict[str, FloatArray], y: IntArray, *, replicates: int, seed: int, level: float) -> dict[str, tuple[float, float]]:
    """Percentile intervals of the means of `hits`, and of the class mean of `hits["top1"]`, over resampled test stimuli.

    Stimuli of one class with the same hits are exchangeable, so a replicate is one multinomial draw over such groups: the same
    distribution as drawing stimuli one by one, at a cost that does not grow with their number.
    """
    if not replicates:
        return {}
    names = list(hits)
    kinds, counts = np.unique(np.column_stack([y, *hits.values()]), axis=0, return_counts=True)
    rng, means = np.random.default_rng(seed), []
    label = kinds[:, 0].astype(np.intp)
    member = np.zeros((len(kinds), label.max() + 1))
    member[np.arange(len(kinds)), label] = 1
    for _ in range(0, replicates, block := max(1, 20_000_000 // len(kinds))):
        drawn = rng.multinomial(len(y), counts / len(y), size=min(block, replicates)).astype(np.float64)
        by_class = drawn @ member
        with np.errstate(invalid="ignore"):
            balanced = np.nanmean((drawn @ (member * kinds[:, 1:2])) / np.where(by_class, by_class, np.nan), axis=1)
        means.append(np.column_stack([drawn @ kinds[:, 1:] / len(y), balanced]))
    low, high = interval(np.concatenate(means)[:replicates], level)
    return {name: (float(low[at]), float(high[at])) for at, name in enumerate([*names, "balanced_accuracy"])}


def summarise(scores: FloatArray, y: IntArray, *, probabilities: bool) -> tuple[dict[str, Any], dict[str, FloatArray]]:
    """The figures of one fit, and the hits they are means of."""
    rank = ranks(scores, y)
    hits = {"top1": (rank == 0).astype(np.float64)} | ({"top5": (rank < 5).astype(np.float64)} if scores.shape[1] > 5 else {})
    figures = {
        "top1": float(hits["top1"].mean()),
        "top5": float(hits["top5"].mean()) if "top5" in hits else None,
        "balanced_accuracy": class_mean(hits["top1"], y),
        "ece": expected_calibration_error(scores, y) if probabilities else None,
    }
    return figures, hits
