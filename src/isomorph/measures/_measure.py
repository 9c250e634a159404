"""What every measure shares: the checks, the meeting of two things by their stimuli, and the claims it makes of itself."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, TypeAlias, final

import numpy as np

from isomorph.arrays import FloatArray, IntArray, as_floats, check_finite
from isomorph.errors import IdError, InputError, ShapeError
from isomorph.features import Features
from isomorph.geometry import RDM, Gram

Change: TypeAlias = Literal["shift", "scale", "rotation", "linear", "permutation"]
Comparable: TypeAlias = FloatArray | Features | Gram | RDM

_SMALLEST = 1e-70


@dataclass(frozen=True, kw_only=True)
class Traits:
    """What a measure claims of itself; the contract tests hold it to every word.

    Attributes:
        bounds: The smallest and largest value it can take.
        higher_is_closer: Whether more means more alike. A distance says False.
        symmetric: Whether x and y may change places.
        metric: Whether it is a distance that keeps the triangle inequality.
        invariant_to: Changes to all stimuli's features of x alike that leave it as it is: adding one vector (`shift`), one overall
            positive factor (`scale`), an orthogonal map (`rotation`), an invertible linear map (`linear`; with `shift`: affine), another
            order of the features (`permutation`). A change that is not named does alter the value.
        invariant_to_y: The same for y where the measure treats y otherwise; None: as x.
        ordered: Whether the order of the stimuli matters, as with batches that are cut from it.
        minimum_stimuli: The fewest stimuli it is defined for.
        misleads: When not to trust it, in a sentence.
    """

    bounds: tuple[float, float]
    higher_is_closer: bool = True
    symmetric: bool = True
    metric: bool = False
    invariant_to: frozenset[Change] = frozenset()
    invariant_to_y: frozenset[Change] | None = None
    ordered: bool = False
    minimum_stimuli: int = 2
    misleads: str = ""


@dataclass(frozen=True, kw_only=True)
class Measure(ABC):
    """A comparison of two systems that were shown the same stimuli.

    A measure is its options: subclass it as a frozen keyword-only dataclass, state its `traits`, and write `_value` for two arrays
    `[stimulus, feature]`. `isomorph.testing.check_measure` then tests every claim.
    """

    accepts: ClassVar[tuple[type, ...]] = ()
    """Which of `Gram` and `RDM` may stand in for features."""

    axes: ClassVar[tuple[int, ...]] = (2,)
    """How many axes an array may have: 3 where a measure knows `[stimulus, repeat, feature]`."""

    draws: ClassVar[int] = 1000
    """How many bootstrap replicates `compare` makes where it is not told: fewer where each takes long."""

    @property
    @abstractmethod
    def traits(self) -> Traits:
        """What the measure claims of itself."""

    @final
    def __call__(self, x: Comparable, y: Comparable) -> float:
        """Compare `x` with `y`.

        Args:
            x: An array `[stimulus, feature]`, `Features`, or what `accepts` allows.
            y: The same stimuli as `x`. Named stimuli meet by id, in the order of `x`; arrays without names by position.

        Raises:
            ShapeError: Rows do not match, or there are too few stimuli.
            IdError: One of the two lacks a stimulus of the other.
            NonFiniteError: A value is NaN or infinite.
        """
        first, second = self.meet(x, y)
        return self.between(first, second)

    @final
    def between(self, x: Any, y: Any) -> float:
        """The value for `x` and `y` as `meet` returned them."""
        return float(self._value(x, y))

    @abstractmethod
    def _value(self, x: Any, y: Any) -> float:
        """The value for two checked arrays `[stimulus, feature]`, or for what `relate` makes of them."""

    def relate(self, x: Comparable) -> Comparable:
        """The smallest thing this measure needs of `x`, so that it is computed once where `x` meets many others."""
        return x

    @final
    def meet(self, x: Comparable, y: Comparable) -> tuple[Any, Any]:
        """Check `x` and `y`, bring them to the same stimuli in the same order, and reduce each to what the measure needs."""
        first, second = self.align(x, y)
        return self.reduce(first), self.reduce(second)

    @final
    def reduce(self, x: Comparable) -> Any:
        """`relate`, and plain values instead of `Features`."""
        related = self.relate(x)
        return related.values if isinstance(related, Features) else related

    @final
    def align(self, x: Comparable, y: Comparable) -> tuple[Comparable, Comparable]:
        """Check `x` and `y`, and bring `y` to the stimuli of `x`, in the same order."""
        name = type(self).__name__
        x, y = self._checked(x, "x"), self._checked(y, "y")
        if not isinstance(x, np.ndarray) and not isinstance(y, np.ndarray):
            _refuse_different(x, y, name)
            y = y.take(x.ids)
        if len(x) != len(y):
            raise ShapeError(f"{name} compares row by row, but x has {len(x)} stimuli and y has {len(y)}.")
        if len(x) < self.traits.minimum_stimuli:
            raise ShapeError(f"{name} needs at least {self.traits.minimum_stimuli} stimuli; got {len(x)}.")
        return x, y

    def replicates(self, x: Any, y: Any, weights: IntArray) -> FloatArray:
        """The value in each bootstrap replicate, for `x` and `y` as `meet` returned them.

        The general way is `jackknife`, which repeats no row, since most measures take copies for likeness. Measures that know how to
        weight stimuli do so instead.

        Args:
            x: The first thing.
            y: The second.
            weights: `[replicate, stimulus]`, whole numbers.

        Returns:
            `[replicate]`; NaN where the replicate leaves nothing to compare.
        """
        return self.jackknife(x, y, weights)

    @final
    def jackknife(self, x: Any, y: Any, weights: IntArray, *, advance: Callable[[], object] = lambda: None) -> FloatArray:
        """Replicates by a delete-d jackknife: each computes the value anew without the d stimuli that it did not draw.

        Its deviation from the mean of all such values is scaled by √((n − d) / d) and set around the full value. `advance` is called
        after each.

        References:
            Shao & Wu, 1989, <https://doi.org/10.1214/aos/1176347263>.
        """
        drawn = np.empty(len(weights))
        for place, each in enumerate(weights):
            drawn[place] = self._value_or_nan(x, y, np.flatnonzero(each))
            advance()
        if not np.isfinite(drawn).any():
            return drawn
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # given already, with the value
            value = self.between(x, y)
        kept = (weights > 0).sum(axis=1)
        scale = np.sqrt(kept / np.maximum(len(x) - kept, 1))
        return np.asarray(np.clip(value + (drawn - np.nanmean(drawn)) * scale, *self.traits.bounds))

    def permuted(self, x: Any, y: Any, orders: IntArray) -> FloatArray:
        """The value under each reordering `[permutation, stimulus]` of the rows of `y`, for `x` and `y` as `meet` returned them."""
        return np.array([self._value(x, _rows(y, order)) for order in orders])

    def chance(self, n: int, p: int, q: int) -> float | None:
        """The value expected of unrelated features of widths `p` and `q` with `n` stimuli, where that is known and not 0."""
        return None

    def _value_or_nan(self, x: Any, y: Any, rows: IntArray) -> float:
        if len(rows) < self.traits.minimum_stimuli:
            return float("nan")
        try:
            return float(self._value(_rows(x, rows), _rows(y, rows)))
        except InputError:
            return float("nan")

    def matrix(self, things: list[Any]) -> FloatArray:
        """The values `[thing, thing]` of all pairs of things that `meet` returned."""
        result = np.empty((len(things), len(things)))
        for i, x in enumerate(things):
            for j in range(i if self.traits.symmetric else 0, len(things)):
                result[i, j] = self._value(x, things[j])
                if self.traits.symmetric:
                    result[j, i] = result[i, j]
        return result

    def _checked(self, x: Comparable, letter: str) -> Comparable:
        name = type(self).__name__
        if isinstance(x, Gram | RDM):
            if not isinstance(x, self.accepts):
                allowed = " or ".join(["features", *(f"a {each.__name__}" for each in self.accepts)])
                raise InputError(f"{name} needs {allowed}, but {letter} is {'an' if isinstance(x, RDM) else 'a'} {type(x).__name__}.")
            return x
        if isinstance(x, Features):
            named = repr(x.subject or x.layer or letter)
            check_finite(x.values, name=named, ids=x.ids)
            _check_size(x.values, named)
            return x
        array = np.asarray(x)
        if array.ndim not in self.axes:
            axes = " or ".join({2: "[stimulus, feature]", 3: "[stimulus, repeat, feature]"}[each] for each in self.axes)
            raise ShapeError(f"{name} needs {letter} with the axes {axes}; got shape {array.shape}.")
        array = as_floats(array, name=letter)
        check_finite(array, name=letter)
        _check_size(array, letter)
        return array


def _check_size(values: FloatArray, name: str) -> None:
    """Refuse what has no features, and values whose fourth powers (products of Gram matrices) float64 cannot hold."""
    if not values.shape[-1]:
        raise ShapeError(f"{name} has no features: its shape is {values.shape}.")
    largest = max(float(values.max(initial=0)), -float(values.min(initial=0)))
    if largest and not _SMALLEST <= largest <= 1 / _SMALLEST:
        raise InputError(
            f"the largest value of {name} is {largest:.2g} in size; float64 cannot hold products of such values. Multiply {name} by a "
            "constant that brings it near 1."
        )


def _rows(x: Any, rows: IntArray) -> Any:
    return x[rows] if isinstance(x, np.ndarray) else x.take([x.ids[row] for row in rows])


def _refuse_different(x: Features | Gram | RDM, y: Features | Gram | RDM, measure: str) -> None:
    names = x.subject or x.layer or "x", y.subject or y.layer or "y"
    for one, other, (name, other_name) in ((y, x, names[::-1]), (x, y, names)):
        shown = set(one.ids)
        missing = [each for each in other.ids if each not in shown]
        if missing:
            raise IdError(
                f"{name!r} was not shown {len(missing)} of the {len(other)} stimuli of {other_name!r}; the first is {missing[0]!r}. "
                f"{measure} compares the same stimuli: choose the shared ones with .take(ids)."
            )
