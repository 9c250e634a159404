"""Nearest neighbours, a block of rows at a time: who is among the k nearest, with ties shared out evenly."""

from __future__ import annotations

import warnings
from abc import abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import comb
from typing import Any, ClassVar

import numpy as np

from isomorph.arrays import FloatArray, IntArray
from isomorph.errors import InputError, ShapeError
from isomorph.features import Features
from isomorph.geometry import RDM, Gram
from isomorph.geometry._centre import centre_columns
from isomorph.measures._measure import Change, Comparable, Measure, Traits

_BLOCK_VALUES = 500_000
GRAM_STIMULI = 4096
"""Up to so many stimuli their inner products are kept; beyond, blocks of them are made from the features when they are needed."""

_NEGLIGIBLE = 0.05
_TIE = 1e-12
"""Likenesses closer than this share of the largest are the same number, told apart by rounding alone."""


@dataclass(frozen=True, eq=False)
class Likeness:
    """How alike each stimulus is to each other, a block of rows at a time.

    Attributes:
        n: How many stimuli.
        rows: Returns `[row, stimulus]` for a slice of rows, in float64, free to be written into.
        tolerance: Differences up to this are ties.
        name: What messages call the thing.
    """

    n: int
    rows: Callable[[slice], FloatArray]
    tolerance: float
    name: str

    def parts(self) -> Iterator[slice]:
        """Slices of rows whose blocks fit into memory."""
        step = max(1, _BLOCK_VALUES // self.n)
        return (slice(start, min(start + step, self.n)) for start in range(0, self.n, step))


@dataclass(frozen=True, eq=False)
class Block:
    """Some rows of a likeness and their neighbourhoods.

    Attributes:
        part: Which rows.
        alike: `[row, stimulus]`; 0 where a stimulus meets itself.
        member: `[row, stimulus]`: how far a stimulus belongs to the row's k nearest: 1, 0, or an equal share among those that tie for
            the last places. A row sums to k.
        border: `[row, 1]`: the likeness of the last place.
        share: `[row, 1]`: the membership of those on the border.
    """

    part: slice
    alike: FloatArray
    member: FloatArray
    border: FloatArray
    share: FloatArray


def narrowest(x: Comparable) -> Comparable:
    """Features, or their Gram matrix where that is smaller."""
    if isinstance(x, Gram | RDM):
        return x
    width = x.width if isinstance(x, Features) else x.shape[1]
    return x if width < len(x) else Gram.from_features(x)


def cosines(x: Any, name: str, *, centre: bool = False) -> Likeness:
    """Cosines between the rows of features, or from a Gram matrix; with `centre`, after the mean stimulus is taken away.

    Raises:
        ShapeError: A stimulus is zero, or equal to the mean.
    """
    if isinstance(x, Gram):
        products = x.centred if centre else x.raw()
        lengths = np.sqrt(np.maximum(np.diagonal(products), 0))
        scale = np.sqrt(max(float(np.diagonal(x.centred).max() + x.mean_product.mean()), 0.0))
        _check_lengths(lengths, scale, name, x.ids, centre=centre)
        return Likeness(len(x), lambda part: products[part] / lengths[part, None] / lengths, _TIE, name)
    rows = centre_columns(x)[0] if centre else np.asarray(x, dtype=np.float64)
    lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows))
    _check_lengths(lengths, float(np.abs(x).max()), name, [str(row) for row in range(len(x))], centre=centre)
    unit = rows / lengths[:, None]
    return Likeness(len(x), lambda part: unit[part] @ unit.T, _TIE, name)


def nearness(x: Any, name: str) -> Likeness:
    """Squared Euclidean distances between the rows of features, or from a Gram matrix, with their sign turned."""
    rows = x.centred if isinstance(x, Gram) else centre_columns(x)[0]
    squares = np.diagonal(rows) if isinstance(x, Gram) else np.einsum("ij,ij->i", rows, rows)

    def block(part: slice) -> FloatArray:
        products = rows[part] if isinstance(x, Gram) else rows[part] @ rows.T
        return np.asarray(2 * products - squares[part, None] - squares)

    return Likeness(len(x), block, 4 * _TIE * float(squares.max(initial=0.0)), name)


def blocks(x: Likeness, k: int) -> Iterator[Block]:
    """Walk over the rows of `x` and their k nearest.

    Raises:
        ShapeError: All stimuli are equally alike; raised at the end of the walk.
    """
    blind = True
    for part in x.parts():
        alike = x.rows(part)
        own = np.arange(part.stop - part.start), np.arange(part.start, part.stop)
        alike[own] = -np.inf
        border = np.partition(alike, x.n - k, axis=1)[:, x.n - k, None]
        above = alike > border + x.tolerance
        tied = (alike >= border - x.tolerance) & ~above
        ties = tied.sum(axis=1, keepdims=True)
        share = (k - above.sum(axis=1, keepdims=True)) / ties
        blind &= bool((ties == x.n - 1).all())
        alike[own] = 0
        yield Block(part, alike, above + tied * share, border, share)
    if blind:
        raise ShapeError(f"all stimuli of {x.name} are equally alike, so that none is nearer than another. Leave {x.name} out.")


@dataclass(frozen=True, kw_only=True)
class NeighbourMeasure(Measure):
    """A measure that looks at the k nearest neighbours of each stimulus, by cosine; write `_score` for two likenesses.

    Attributes:
        k: How many neighbours.

    Warns:
        UserWarning: Where unrelated features would score more than 0.05.
    """

    k: int = 10

    accepts: ClassVar[tuple[type, ...]] = (Gram,)
    beyond: ClassVar[int] = 2
    """How many stimuli more than k it needs."""

    misleads: ClassVar[str] = ""

    def __post_init__(self) -> None:
        if self.k < 1:
            raise InputError(f"{type(self).__name__} needs a k of at least 1; got {self.k}.")

    @property
    def traits(self) -> Traits:
        """What it claims of itself."""
        return Traits(
            bounds=(self._lowest, 1.0),
            symmetric=self._symmetric,
            invariant_to=self._invariant_to,
            minimum_stimuli=self.k + self.beyond,
            misleads=self.misleads,
        )

    @property
    def _lowest(self) -> float:
        return 0.0

    @property
    def _symmetric(self) -> bool:
        return True

    @property
    def _invariant_to(self) -> frozenset[Change]:
        return frozenset({"scale", "rotation", "permutation"})

    def relate(self, x: Comparable) -> Comparable:
        """The Gram matrix, where it is small."""
        return x if isinstance(x, Gram) or len(x) > GRAM_STIMULI else Gram.from_features(x)

    def _value(self, x: Any, y: Any) -> float:
        return min(max(self._score(self._likeness(x, "x"), self._likeness(y, "y")), self._lowest), 1.0)

    def _likeness(self, x: Any, letter: str) -> Likeness:
        return cosines(x, letter)

    @abstractmethod
    def _score(self, x: Likeness, y: Likeness) -> float:
        """The value for two likenesses."""

    def _checked(self, x: Comparable, letter: str) -> Comparable:
        x, fewest = super()._checked(x, letter), self.k + self.beyond
        if len(x) < fewest:
            raise ShapeError(
                f"{type(self).__name__} with k={self.k} needs at least {fewest} stimuli, but {letter} has {len(x)}. Choose a smaller k."
            )
        expected = self.chance(len(x), 1, 1)
        if letter == "x" and expected is not None and expected > _NEGLIGIBLE:
            warnings.warn(
                f"{type(self).__name__} of unrelated features is about {expected:.2f} with {len(x)} stimuli and k={self.k}. Read it beside "
                "that, or choose a smaller k.",
                UserWarning,
                stacklevel=5,
            )
        return x


def chance_overlaps(n: int, k: int) -> tuple[IntArray, FloatArray]:
    """How large an overlap of two unrelated sets of k out of n − 1 may be, and how probable each is (hypergeometric)."""
    sizes = np.arange(max(0, 2 * k - (n - 1)), k + 1)
    return sizes, np.array([comb(k, int(m)) * comb(n - 1 - k, k - int(m)) / comb(n - 1, k) for m in sizes])


def _check_lengths(lengths: FloatArray, scale: float, name: str, ids: Any, *, centre: bool) -> None:
    flat = np.flatnonzero(lengths <= 1e-7 * scale if centre else lengths <= 1e-12 * scale)
    if len(flat):
        what = "are the mean stimulus" if centre else "are zero in every feature"
        raise ShapeError(
            f"{len(flat)} of {len(lengths)} stimuli of {name} {what}, so that they have no direction and no neighbours by cosine; "
            f"the first is {ids[int(flat[0])]!r}. Leave them out."
        )
