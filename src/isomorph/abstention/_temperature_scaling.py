"""One number that makes a network's probabilities honest on average."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from isomorph.abstention._method import AbstentionMethod
from isomorph.abstention._softmax import KINDS, Kind, check_inputs, softmax, uncertainty
from isomorph.abstention._values import (
    Floats,
    Reads,
    as_array,
    check_choice,
    check_width,
    class_numbers,
    read_labels,
    row_blocks,
    score_rows,
)
from isomorph.arrays import FloatArray
from isomorph.errors import InputError, ShapeError
from isomorph.perception._answers import Answers
from isomorph.perception._distributions import check_distributions

_COLDEST, _HOTTEST = 1e-3, 1e3


@dataclass(frozen=True, kw_only=True)
class TemperatureScaling(AbstentionMethod):
    r"""How flat $\pi = \mathrm{softmax}(f / T)$ is, with the T that is best on a calibration set.

    Best is the least cross-entropy $-\frac1n \sum_i \sum_c q_{ic} \ln \pi_{ic}$, where q is the right class, or what people answered. It
    is convex in 1/T, and T is found to nine digits. T moves no decision.

    Attributes:
        kind: `"entropy"` or `"one-minus-max"`.

    References:
        Guo et al., 2017, <https://arxiv.org/abs/1706.04599>.

    Example:
        >>> logits = [[4.0, 0.0], [4.0, 0.0], [4.0, 0.0], [0.0, 4.0]]
        >>> fitted = TemperatureScaling().fit(logits, [0, 0, 1, 1])          # right in 3 of 4, where 98 % are claimed
        >>> round(fitted.temperature, 3), fitted.probabilities([[4.0, 0.0]]).round(3).tolist()
        (3.641, [[0.75, 0.25]])
    """

    kind: Kind = "entropy"

    reads: ClassVar[Reads] = "logits"
    learns: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_choice(self, kind=KINDS)

    def fit(self, logits: Any, labels: Any = None) -> FittedTemperature:
        """Find T.

        Args:
            logits: `[item, class]`, of items that the network was not trained on.
            labels: `[item]`, the right class of each, as a column of the logits; or `[item, class]`, people's distributions, an array or
                `Answers` without an outcome that abstains.

        Raises:
            ShapeError: Labels do not match the logits in number or in classes.
            InputError: There are no labels, a label is no column, or a distribution does not sum to one.

        Warns:
            UserWarning: No T is best: the loss falls all the way to 0.001 or 1,000.
        """
        if labels is None:
            raise InputError("TemperatureScaling needs the right class, or people's answers, of each item: fit(logits, labels).")
        z = check_inputs(as_array(logits, what="logits"), "logits", owner="TemperatureScaling")
        wanted = _targets(labels, logits, z)
        temperature = _best(z, wanted)
        before, after = (_cross_entropy(z, wanted, each) for each in (1.0, temperature))
        return FittedTemperature(method=self, temperature=temperature, classes=z.shape[1], before=before, after=after)


@dataclass(frozen=True, kw_only=True)
class FittedTemperature:
    """What `TemperatureScaling.fit` returns.

    Attributes:
        method: How it was fitted.
        temperature: T.
        classes: How many classes the logits have.
        before: The cross-entropy of the calibration set at T = 1, in nats.
        after: And at T.
    """

    method: TemperatureScaling
    temperature: float
    classes: int
    before: float
    after: float

    def probabilities(self, logits: Any) -> Floats:
        """`[item, class]`, the softmax at T; what `combine` takes.

        Raises:
            ShapeError: Items have another number of classes than those it was fitted to.
            NonFiniteError: A logit is NaN or infinite.
        """
        return softmax(self._read(logits), self.temperature)

    def score(self, values: Any, /) -> Floats:
        """`[item]`, higher means abstain."""
        return score_rows(self._read(values), lambda block: uncertainty(softmax(block, self.temperature), self.method.kind))

    def _read(self, logits: Any) -> FloatArray:
        z = check_inputs(as_array(logits, what="logits"), "logits", owner="TemperatureScaling")
        check_width(z, self.classes, owner="TemperatureScaling", what="logits")
        return z


def _targets(labels: Any, logits: Any, z: FloatArray) -> Floats:
    """People's distributions, or one 1 a row."""
    if isinstance(labels, Answers):
        if labels.abstain is not None:
            raise InputError(
                f"the answers have the outcome {labels.abstain!r}, for which there is no logit. Give distributions over the "
                f"{z.shape[1]} classes alone."
            )
        labels = labels.probabilities
    if isinstance(labels, Mapping) or np.ndim(labels) != 2:
        found = read_labels(labels, logits, owner="TemperatureScaling")
        return np.eye(z.shape[1])[class_numbers(found, z.shape[1], owner="TemperatureScaling")]
    people = check_distributions(labels, name="the array of people's distributions")
    if people.shape != z.shape:
        raise ShapeError(f"TemperatureScaling was given logits {z.shape} and people's distributions {people.shape}; they must match.")
    return people


def _best(z: FloatArray, wanted: Floats) -> float:
    from scipy.optimize import brentq

    aim = float(np.einsum("ij,ij->", z, wanted, dtype=np.float64))

    def slope(log_inverse: float) -> float:
        """Of the loss along 1/T, summed over items; it never falls."""
        total = 0.0
        for part in row_blocks(len(z), z.shape[1]):
            total += float(np.einsum("ij,ij->", z[part], softmax(z[part], np.exp(-log_inverse)), dtype=np.float64))
        return total - aim

    flattest, sharpest = -np.log(_HOTTEST), -np.log(_COLDEST)
    for end, wrong, reason in (
        (flattest, slope(flattest) >= 0, "wrong more often than right"),
        (sharpest, slope(sharpest) <= 0, "right throughout"),
    ):
        if wrong:
            warnings.warn(
                f"no temperature is best for these {len(z)} items: the logits are {reason}, and {np.exp(-end):g} is as far as it goes. "
                "Take more items.",
                UserWarning,
                stacklevel=3,
            )
            return float(np.exp(-end))
    return float(np.exp(-brentq(slope, flattest, sharpest, xtol=1e-10)))


def _cross_entropy(z: FloatArray, wanted: Floats, temperature: float) -> float:
    from scipy.special import log_softmax

    total = 0.0
    for part in row_blocks(len(z), z.shape[1]):
        total -= float((wanted[part] * log_softmax(z[part].astype(np.float64) / temperature, axis=1)).sum())
    return total / len(z)
