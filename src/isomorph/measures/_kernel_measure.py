"""What measures that are made of HSICs share."""

from __future__ import annotations

import warnings
from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from isomorph.arrays import FloatArray, IntArray
from isomorph.errors import InputError, ShapeError
from isomorph.geometry import RDM, Gram
from isomorph.measures._kernel import ESTIMATORS, Estimator, Kernel, centred_kernel, hsic_matrix, permuted_hsic
from isomorph.measures._kernel_features import feature_hsic, permuted_feature_hsic, weighted_feature_hsic
from isomorph.measures._kernel_weights import weighted_hsic
from isomorph.measures._measure import Measure

_NEGLIGIBLE = 0.05


@dataclass(frozen=True, kw_only=True)
class KernelMeasure(Measure):
    """A measure that is a function of HSIC(x, y), HSIC(x, x) and HSIC(y, y).

    Values, matrices of all pairs, bootstrap replicates and permutations all come from the kernel of each thing, which is made ready
    once. Subclasses say which kernel, which estimator, and what becomes of the three numbers.
    """

    accepts: ClassVar[tuple[type, ...]] = (Gram,)
    linear: ClassVar[bool] = False
    """Whether the kernel is the inner product, so that features that are fewer than the stimuli serve as they are."""

    @property
    @abstractmethod
    def hsic_estimator(self) -> Estimator:
        """Which HSIC."""

    @abstractmethod
    def _kernel(self, x: Any, letter: str) -> Kernel:
        """The kernel of what `relate` returned; `letter` is what messages call it."""

    @abstractmethod
    def _finish(self, xy: FloatArray, xx: FloatArray, yy: FloatArray) -> FloatArray:
        """The value from the HSICs, elementwise; NaN where there is none."""

    def _check(self, own: FloatArray, letters: list[str]) -> None:
        """Raise a `ShapeError` for the first thing whose HSIC with itself is not above 0."""
        for value, letter in zip(own, letters, strict=True):
            if not value > 0:
                why = ", or holds all of them equally far apart" if self.hsic_estimator == "song" else ""
                raise ShapeError(f"{letter} does not vary over its stimuli{why}, so that {self._word} is 0/0. Leave it out.")

    @property
    def _word(self) -> str:
        return type(self).__name__

    def _hsic(self, things: list[Any], letters: list[str]) -> FloatArray:
        if self.linear and all(_narrow(each) for each in things):
            result = feature_hsic(things, self.hsic_estimator)
        else:
            result = hsic_matrix([self._kernel(each, letter) for each, letter in zip(things, letters, strict=True)], self.hsic_estimator)
        self._check(np.diagonal(result), letters)
        return result

    def _value(self, x: Any, y: Any) -> float:
        bias = self._bias(len(x), width_of(x), width_of(y))
        if bias:
            warnings.warn(bias, UserWarning, stacklevel=4)
        hsic = self._hsic([x, y], ["x", "y"])
        return float(self._finish(hsic[0, 1], hsic[0, 0], hsic[1, 1]))

    def matrix(self, things: list[Any]) -> FloatArray:
        """All pairs at once: every kernel is made ready a single time."""
        sizes = sorted({len(each) for each in things})
        if len(sizes) > 1:
            raise ShapeError(f"{type(self).__name__} compares row by row, but the things have {sizes} stimuli.")
        hsic = self._hsic(things, [_name(each, place) for place, each in enumerate(things)])
        own = np.diagonal(hsic)
        return self._finish(hsic, own[:, None], own[None, :])

    def replicates(self, x: Any, y: Any, weights: IntArray) -> FloatArray:
        """The value in each bootstrap replicate; a stimulus drawn twice never meets its own copy."""
        if self.linear and _narrow(x) and _narrow(y) and max(x.shape[1], y.shape[1]) ** 2 <= len(x):
            return self._finish(*weighted_feature_hsic(x, y, weights, self.hsic_estimator))
        first, second = self._kernel(x, "x"), self._kernel(y, "y")
        if not self.linear:
            first, second = (centred_kernel(each, diagonal=self.hsic_estimator != "song") for each in (first, second))
        return self._finish(*weighted_hsic(first, second, weights, estimator=self.hsic_estimator))

    def permuted(self, x: Any, y: Any, orders: IntArray) -> FloatArray:
        """The value under each reordering `[permutation, stimulus]` of the rows of `y`; only HSIC(x, y) is computed again."""
        own = np.diagonal(self._hsic([x, y], ["x", "y"]))
        if self.linear and _narrow(x) and _narrow(y):
            crossed = permuted_feature_hsic(x, y, orders, self.hsic_estimator)
        else:
            crossed = permuted_hsic(self._kernel(x, "x"), self._kernel(y, "y"), orders, self.hsic_estimator)
        return self._finish(crossed, own[0], own[1])

    def _bias(self, n: int, p: int | None, q: int | None) -> str | None:
        """What to warn of, where unrelated features of these widths would score otherwise than with stimuli without end."""
        if p is None or q is None:
            return None
        expected, without_end = self.chance(n, p, q), self.chance(10**15, p, q)
        if expected is None or without_end is None or abs(expected - without_end) <= _NEGLIGIBLE:
            return None
        word = "biased" if self.hsic_estimator == "biased" else "Lange's"
        return f"{word} {self._word} of unrelated features of widths {p} and {q} is about {expected:.2f} with {n} stimuli. {self._way_out}"

    @property
    def _way_out(self) -> str:
        return "Use debiased=True." if self.hsic_estimator == "biased" else "Use estimator='song'."


def settle_estimator(measure: Any) -> None:
    """Check `measure.estimator`, and bring its older short form `debiased` into agreement with it."""
    name, estimator, debiased = type(measure).__name__, measure.estimator, measure.debiased
    if estimator not in ESTIMATORS:
        raise InputError(f"{name} knows the estimators {', '.join(map(repr, ESTIMATORS))}; got {estimator!r}.")
    if debiased is None:
        object.__setattr__(measure, "debiased", estimator != "biased")
    elif debiased != (estimator != "biased"):
        if estimator != "song":
            raise InputError(f"{name} cannot have both estimator={estimator!r} and debiased={debiased}. Name the estimator alone.")
        object.__setattr__(measure, "estimator", "biased")


def ratio(xy: FloatArray, xx: FloatArray, yy: FloatArray, *, lowest: float = -1.0) -> FloatArray:
    """The ratio xy / √(xx yy) between `lowest` and 1, NaN where a self term is not positive."""
    with np.errstate(invalid="ignore", divide="ignore"):
        lengths = np.where(np.minimum(xx, yy) > 0, np.sqrt(xx) * np.sqrt(yy), np.nan)
        return np.asarray(np.clip(xy / lengths, lowest, 1))


def unrelated(n: int, p: float, q: float, estimator: Estimator = "biased") -> float | None:
    r"""The CKA that unrelated features of widths p and q are expected to have: \(\sqrt{pq / ((m + p)(m + q))}\).

    m is n for the biased estimator. For Lange's it is (n − 1)²: with the diagonal the entries that made up for the mean of the others
    are gone, −tr K / n(n − 1) is left in each, and two such means are alike whatever the features. Song's expects about 0.
    """
    if estimator == "song":
        return None
    m = n if estimator == "biased" else (n - 1) ** 2
    return float(np.sqrt(p / (m + p)) * np.sqrt(q / (m + q)))


def width_of(x: Any) -> int | None:
    """How many features `x` was made from, where it still knows."""
    if isinstance(x, RDM):
        return None
    return int(x.width if isinstance(x, Gram) else x.shape[1])


def _narrow(x: Any) -> bool:
    return isinstance(x, np.ndarray) and x.shape[1] < len(x)


def _name(x: Any, place: int) -> str:
    named = getattr(x, "subject", "") or getattr(x, "layer", "")
    return repr(named) if named else f"thing {place}"
