"""How well stimuli of another kind stand out from those one knows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from isomorph.alignment._neighbourhoods import unit_rows
from isomorph.arrays import FloatArray, IntArray
from isomorph.errors import InputError

_BLOCK_VALUES = 8_000_000
_Flags: TypeAlias = npt.NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class AnomalyDetection:
    r"""k-nearest-neighbour anomaly detection with each class in turn as the normal one, and as the anomaly.

    $$a(x) = -\frac1k \sum_{j \in \mathrm{kNN}(x)} \cos(x, x_j)$$

    where the neighbours are among normal stimuli alone. `"one-vs-rest"`: one class is normal, all others are anomalies; `"rest-vs-one"`:
    one class is the anomaly. The figure is the AUROC, the probability that an anomaly scores above a normal stimulus (ties count half):
    0.5 is chance, 1 perfect; it is the mean over classes and folds. Stimuli are scored in folds against the normal ones of the other
    folds, so that every stimulus is tested once and none stands among its own neighbours.

    Attributes:
        k: How many neighbours; of a class with fewer, all.
        folds: Into how many parts the stimuli are dealt, class by class.
        seed: Of the dealing.

    Example:
        >>> x = np.repeat(np.eye(2), 6, axis=0) + 0.1 * np.arange(24).reshape(12, 2) % 0.3
        >>> aurocs = AnomalyDetection(folds=3).contributions(x, np.repeat([0, 1], 6), ("ant", "bee"))
        >>> float(aurocs["anomaly one-vs-rest"].mean())
        1.0
    """

    k: int = 5
    folds: int = 5
    seed: int = 0

    def __post_init__(self) -> None:
        if self.k < 1 or self.folds < 2 or self.seed < 0:
            raise InputError(
                "anomaly detection needs k of 1 or more, folds of 2 or more and a seed of 0 or more; "
                f"got k={self.k}, folds={self.folds}, seed={self.seed}."
            )

    def contributions(
        self, x: FloatArray, y: IntArray, classes: Sequence[str], *, ids: Sequence[str] | None = None
    ) -> dict[str, FloatArray]:
        """What each stimulus adds to the AUROC: `[stimulus]`, whose mean is the AUROC and whose resampled means give its interval.

        They are the placement values of DeLong et al. (1988), so that intervals are right to first order in 1/n.

        Args:
            x: `[stimulus, feature]`.
            y: The class of each row, as a number into `classes`.
            classes: The classes' names.
            ids: The stimuli's names, for messages.

        Raises:
            InputError: A class has one stimulus alone: nothing is left to compare it with.
            ShapeError: A stimulus is zero.
        """
        check_members(y, classes, 2, "anomaly detection compares every stimulus with others of its class")
        fold = deal(y, self.folds, self.seed)
        one, rest = self._scores(unit_rows(x, ids=ids), y, len(classes), fold)
        own = y[:, None] == np.arange(len(classes))
        return {"anomaly one-vs-rest": _placements(one, ~own, fold), "anomaly rest-vs-one": _placements(rest, own, fold)}

    def _scores(self, units: FloatArray, y: IntArray, classes: int, fold: IntArray) -> tuple[FloatArray, FloatArray]:
        """`[stimulus, class]`: how anomalous each is where that class is normal, and where all others are."""
        one, rest = np.full((len(y), classes), np.nan), np.full((len(y), classes), np.nan)
        for part in range(self.folds):
            known = np.flatnonzero(fold != part)
            known = known[np.argsort(y[known], kind="stable")]
            edges = np.searchsorted(y[known], np.arange(classes + 1))
            tests = np.flatnonzero(fold == part)
            step = max(1, _BLOCK_VALUES // max(len(known), 2 * self.k * classes))
            for start in range(0, len(tests), step):
                rows = tests[start : start + step]
                one[rows], rest[rows] = self._block(units[rows] @ units[known].T, edges)
        return one, rest

    def _block(self, cosines: FloatArray, edges: IntArray) -> tuple[FloatArray, FloatArray]:
        """The k nearest of every class, and of every class's rest: of the 2k nearest that are left, at most k are of one class."""
        nearest = [_largest(cosines[:, low:high], self.k) for low, high in pairwise(edges)]
        own = np.stack([each.mean(axis=1) for each in nearest], axis=1)
        pool = np.concatenate(nearest, axis=1)
        of = np.repeat(np.arange(len(nearest)), [each.shape[1] for each in nearest])
        order = np.argsort(-pool, axis=1, kind="stable")[:, : 2 * self.k]
        values = np.take_along_axis(pool, order, axis=1)[:, :, None]
        other = of[order][:, :, None] != np.arange(len(nearest))
        other &= np.cumsum(other, axis=1) <= self.k
        return -own, -(values * other).sum(axis=1) / other.sum(axis=1)


def auroc(scores: FloatArray, anomalous: _Flags) -> float:
    """The probability that an anomaly scores above a normal stimulus, ties half.

    Example:
        >>> auroc(np.array([0.1, 0.4, 0.4, 0.8]), np.array([False, False, True, True]))
        0.875
    """
    return float(_placed(scores, anomalous)[anomalous].mean())


def deal(y: IntArray, folds: int, seed: int) -> IntArray:
    """The fold of each row: classes are dealt out one after the other, so that folds and classes in them are as even as can be."""
    rng = np.random.default_rng([seed, 21])
    order = rng.permutation(len(y))
    order = order[np.argsort(y[order], kind="stable")]
    fold = np.empty(len(y), dtype=np.int64)
    fold[order] = np.arange(len(y)) % folds
    return fold


def check_members(y: IntArray, classes: Sequence[str], least: int, why: str) -> None:
    """Raise `InputError` naming the first class with fewer than `least` members."""
    counts = np.bincount(y, minlength=len(classes))
    poor = np.flatnonzero(counts < least)
    if len(poor):
        raise InputError(
            f"{why}, which takes {least}; {len(poor)} of {len(classes)} classes have fewer, the first is {classes[poor[0]]!r} "
            f"with {counts[poor[0]]}. Leave these classes out, or give them more."
        )


def _largest(values: FloatArray, k: int) -> FloatArray:
    return values if values.shape[1] <= k else np.partition(values, values.shape[1] - k, axis=1)[:, -k:]


def _placed(scores: FloatArray, anomalous: _Flags) -> FloatArray:
    """For an anomaly the share of normal stimuli that score below it, for a normal one the share of anomalies above; ties half."""
    placed = np.empty(len(scores))
    for side, sign in ((anomalous, 1), (~anomalous, -1)):
        others = np.sort(sign * scores[~side])
        mine = sign * scores[side]
        placed[side] = (np.searchsorted(others, mine, "left") + np.searchsorted(others, mine, "right")) / (2 * max(len(others), 1))
    return placed


def _placements(scores: FloatArray, anomalous: _Flags, fold: IntArray) -> FloatArray:
    """What each stimulus adds to the mean AUROC over classes and folds (those which test both sides)."""
    n, added, values = len(scores), np.zeros(len(scores)), []
    for part in np.unique(fold):
        rows = np.flatnonzero(fold == part)
        for column in range(scores.shape[1]):
            side = anomalous[rows, column]
            if side.all() or not side.any():
                continue
            placed = _placed(scores[rows, column], side)
            values.append(float(placed[side].mean()))
            for members in (side, ~side):
                added[rows[members]] += (placed[members] - values[-1]) * (n / members.sum())
    mean: FloatArray = np.mean(values) + added / len(values)
    return mean
