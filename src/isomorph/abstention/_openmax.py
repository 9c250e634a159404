"""A class for the unknown, from how far training items lie from their class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from isomorph.abstention._method import AbstentionMethod
from isomorph.abstention._softmax import check_inputs, softmax
from isomorph.abstention._values import Floats, Reads, as_array, check_number, check_width, class_numbers, read_labels, row_blocks
from isomorph.arrays import FloatArray
from isomorph.errors import InputError

_STEEPEST = 1e4


@dataclass(frozen=True, kw_only=True)
class OpenMax(AbstentionMethod):
    r"""The probability of a class for the unknown, which takes from each class as far as the item is an outlier of it.

    Of the training items that are answered rightly, each class keeps its mean logits $\mu_c$ and a Weibull distribution $F_c$ of the
    largest distances to it. For the α largest logits, of rank r = 1 … α, $w_c = 1 - \frac{\alpha - r + 1}{\alpha} F_c(\lVert f - \mu_c
    \rVert)$; then $\hat f_c = w_c f_c$, $\hat f_0 = \sum_c (1 - w_c) f_c$, and u is the softmax of $\hat f_0$ among all.

    It is made for logits whose largest are positive: a negative logit grows where it is shrunk.

    Attributes:
        tail: How many of the largest distances of each class make the Weibull.
        alpha: How many of the largest logits are shrunk; at most all.

    References:
        Bendale and Boult, 2016, <https://arxiv.org/abs/1511.06233>.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> labels = np.repeat([0, 1, 2], 50)
        >>> fitted = OpenMax(alpha=3).fit(8 * np.eye(3)[labels] + rng.normal(size=(150, 3)), labels)
        >>> (fitted.score([[8, 0, 0], [8, 8, 8]]) > 0.5).tolist()
        [False, True]
    """

    tail: int = 20
    alpha: int = 10

    reads: ClassVar[Reads] = "logits"
    learns: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_number(self, "tail", least=2)
        check_number(self, "alpha", least=1)

    def fit(self, logits: Any, labels: Any = None) -> FittedOpenMax:
        """Learn each class's mean and tail.

        Args:
            logits: `[item, class]`, of training items.
            labels: `[item]`, the right class of each, as a column of the logits.

        Raises:
            ShapeError: There are not as many labels as items.
            InputError: There are no labels, a label is no column, or a class has fewer than two items that are answered rightly.
        """
        if labels is None:
            raise InputError("OpenMax needs the class of each training item: OpenMax().fit(logits, labels).")
        z = check_inputs(as_array(logits, what="logits"), "logits", owner="OpenMax")
        y = class_numbers(read_labels(labels, logits, owner="OpenMax"), z.shape[1], owner="OpenMax")
        right = z.argmax(axis=1) == y
        few = np.flatnonzero(np.bincount(y[right], minlength=z.shape[1]) < 2)
        if len(few):
            raise InputError(
                f"OpenMax needs at least 2 training items of each class that are answered rightly; {len(few)} of {z.shape[1]} classes have "
                f"fewer, the first is {few[0]}."
            )
        means = np.stack([z[right & (y == each)].mean(axis=0, dtype=np.float64) for each in range(z.shape[1])])
        gaps = np.sqrt(((z[right] - means[y[right]]) ** 2).sum(axis=1))
        tails = [np.sort(gaps[y[right] == each])[-self.tail :] for each in range(z.shape[1])]
        shapes, scales = np.transpose([fit_weibull(each - each[0] + 1) for each in tails])
        return FittedOpenMax(method=self, means=means, starts=np.array([each[0] - 1 for each in tails]), shapes=shapes, scales=scales)


@dataclass(frozen=True, kw_only=True, eq=False)
class FittedOpenMax:
    """What `OpenMax.fit` returns.

    Attributes:
        method: How it was fitted.
        means: `[class, class]`, the mean logits of each class's items.
        starts: `[class]`, the distance at which the class's Weibull begins: its tail's smallest, less 1.
        shapes: `[class]`, of the Weibulls.
        scales: `[class]`, of the Weibulls.
    """

    method: OpenMax
    means: Floats
    starts: Floats
    shapes: Floats
    scales: Floats

    def probabilities(self, logits: Any) -> Floats:
        """`[item, class + 1]`, sums to one; the last outcome is the unknown.

        Raises:
            ShapeError: Items have another number of classes than those it was fitted to.
            NonFiniteError: A logit is NaN or infinite.
        """
        z = check_inputs(as_array(logits, what="logits"), "logits", owner="OpenMax")
        check_width(z, len(self.means), owner="OpenMax", what="logits")
        out = np.empty((len(z), z.shape[1] + 1))
        for part in row_blocks(len(z), 4 * z.shape[1]):
            out[part] = self._block(z[part])
        return out

    def score(self, values: Any, /) -> Floats:
        """`[item]`, the probability of the unknown; higher means abstain."""
        return np.asarray(self.probabilities(values)[:, -1])

    def _block(self, block: FloatArray) -> Floats:
        from scipy.spatial.distance import cdist

        z = block.astype(np.float64)
        count = min(self.method.alpha, z.shape[1])
        top = np.argsort(-z, axis=1, kind="stable")[:, :count]
        beyond = np.maximum(np.take_along_axis(cdist(z, self.means), top, axis=1) - self.starts[top], 0.0)
        outlying = -np.expm1(-((beyond / self.scales[top]) ** self.shapes[top]))
        taken = (count - np.arange(count)) / count * outlying * np.take_along_axis(z, top, axis=1)
        np.put_along_axis(z, top, np.take_along_axis(z, top, axis=1) - taken, axis=1)
        return softmax(np.column_stack([z, taken.sum(axis=1)]))


def fit_weibull(values: Floats) -> tuple[float, float]:
    """Shape and scale of greatest likelihood for values above 0; equal values make a step: shape 10,000."""
    from scipy.optimize import brentq

    logs = np.log(values) - np.log(values.max())

    def slope(shape: float) -> float:
        weights = np.exp(shape * logs)
        return float(weights @ logs / weights.sum() - 1 / shape - logs.mean())

    shape = float(brentq(slope, 1e-3, _STEEPEST)) if slope(_STEEPEST) > 0 else _STEEPEST
    return shape, float(values.max() * np.exp(shape * logs).mean() ** (1 / shape))
