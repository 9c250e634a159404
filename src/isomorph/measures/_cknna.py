"""Centred kernel alignment among nearest neighbours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal, TypeAlias

import numpy as np

from isomorph.arrays import FloatArray, IntArray
from isomorph.errors import InputError, ShapeError
from isomorph.geometry import RDM, Gram
from isomorph.measures._kernel_weights import difference
from isomorph.measures._measure import Change, Comparable, Measure, Traits

Similarity: TypeAlias = Literal["cosine", "centred", "dot"]
_Ready: TypeAlias = tuple[FloatArray, FloatArray, float]

_TIED = 1e-12


@dataclass(frozen=True, kw_only=True)
class CKNNA(Measure):
    r"""Centred kernel nearest-neighbour alignment: debiased CKA of the similarities between neighbours, all others set to 0.

    $$\frac{\mathrm{HSIC}(\alpha K, \alpha L)}{\sqrt{\mathrm{HSIC}(\beta K, \beta K) \, \mathrm{HSIC}(\gamma L, \gamma L)}}$$

    with \(\beta_{ij} = 1\) where j is among the k nearest neighbours of i in x, γ the same for y, \(\alpha = \beta \gamma\), and Song's
    HSIC with \(\operatorname{tr}(K L) = \sum K_{ij} L_{ji}\), as the authors' program has it. With k = n − 1 it is debiased CKA. 1: the
    same neighbours, similar to the same degree; 0: nothing in common. It has no strict ends, as the three masks differ.

    "j is near i" does not make i near j, so that the masks are not symmetric, and so neither is the measure (in the third decimal or
    so). `mask="mutual"` keeps pairs that are near each other both ways, which mends that and the negative self terms below.

    Stimuli that are equally near at the k-th place share the places that are left, each in the same part, so that the value does not
    depend on the order of the stimuli.

    Accepts arrays, `Features` and `Gram`.

    Attributes:
        k: How many neighbours, at least 2; there must be more stimuli.
        similarity: What K and L hold, and nearness goes by: `"cosine"` (rows divided by their length, as published), `"centred"` (inner
            products after the mean stimulus is taken away) or `"dot"` (inner products).
        mask: `"directed"` (as published) or `"mutual"`.
        epsilon: Added to the denominator: 1e-6 gives the published program's numbers, which depends on the size of n and of K.

    Raises:
        InputError: An option is out of range.
        ShapeError: Too few stimuli for k; a stimulus of length 0 (cosine); or HSIC of x's or y's own neighbours is not above 0, so that it
            has no root: few neighbours whose likeness is one-sided do that.

    References:
        Huh et al., 2024, <https://arxiv.org/abs/2405.07987>.

    Example:
        >>> import numpy as np
        >>> rng = np.random.default_rng(0)
        >>> x, y = rng.normal(size=(100, 8)), rng.normal(size=(100, 8))
        >>> round(CKNNA()(x, 2 * x), 6), bool(abs(CKNNA()(x, y)) < 0.1)
        (1.0, True)
    """

    k: int = 10
    similarity: Similarity = "cosine"
    mask: Literal["directed", "mutual"] = "directed"
    epsilon: float = 0.0

    accepts: ClassVar[tuple[type, ...]] = (Gram,)

    def __post_init__(self) -> None:
        if self.k < 2:
            raise InputError(f"CKNNA needs at least 2 neighbours; got k={self.k}.")
        if self.similarity not in ("cosine", "centred", "dot"):
            raise InputError(f"CKNNA knows the similarities 'cosine', 'centred', 'dot'; got {self.similarity!r}.")
        if self.mask not in ("directed", "mutual"):
            raise InputError(f"CKNNA knows the masks 'directed', 'mutual'; got {self.mask!r}.")
        if not self.epsilon >= 0:
            raise InputError(f"CKNNA needs an epsilon of 0 or more; got {self.epsilon}.")

    @property
    def traits(self) -> Traits:
        """What it claims of itself; the invariances are the similarity's."""
        changes: set[Change] = {"rotation", "permutation"}
        if self.similarity == "centred":
            changes.add("shift")
        if self.similarity == "cosine" or not self.epsilon:
            changes.add("scale")
        return Traits(
            bounds=(-np.inf, np.inf),
            symmetric=self.mask == "mutual",
            invariant_to=frozenset(changes),
            minimum_stimuli=max(4, self.k + 1),
            misleads="depends on k and n together: the same k is a smaller neighbourhood among more stimuli",
        )

    def relate(self, x: Comparable) -> Comparable:
        """The Gram matrix."""
        return x if isinstance(x, Gram | RDM) else Gram.from_features(x)

    def _value(self, x: Any, y: Any) -> float:
        return self._aligned(self._ready(x, "x"), self._ready(y, "y"))

    def matrix(self, things: list[Any]) -> FloatArray:
        """All pairs; similarities, neighbours and self terms are found once for each thing."""
        letters = ["x", "y"] if len(things) == 2 else [f"thing {place}" for place in range(len(things))]
        ready = [self._ready(each, letter) for each, letter in zip(things, letters, strict=True)]
        return np.array([[self._aligned(one, other) for other in ready] for one in ready])

    def permuted(self, x: Any, y: Any, orders: IntArray) -> FloatArray:
        """The value under each reordering `[permutation, stimulus]` of the rows of `y`; neighbours and self terms stay."""
        first, (kernel, mask, own) = self._ready(x, "x"), self._ready(y, "y")
        moved = (np.ix_(order, order) for order in orders)
        return np.array([self._aligned(first, (kernel[at], mask[at], own)) for at in moved])

    def _ready(self, x: Gram, letter: str) -> _Ready:
        kernel = self._similarities(x, letter)
        mask = self._neighbours(kernel)
        own = _hsic(mask * kernel, mask * kernel)
        if not own > 0:
            raise ShapeError(
                f"the HSIC of {letter} with itself among its {self.k} nearest neighbours is {own:.3g}, which has no root to divide "
                "by. Use a larger k, or mask='mutual'."
            )
        return kernel, mask, own

    def _aligned(self, one: _Ready, other: _Ready) -> float:
        mask = one[1] * other[1]
        return _hsic(mask * one[0], mask * other[0]) / (float(np.sqrt(one[2]) * np.sqrt(other[2])) + self.epsilon)

    def _similarities(self, x: Gram, letter: str) -> FloatArray:
        kernel = x.centred.copy() if self.similarity == "centred" else x.raw()
        if self.similarity == "cosine":
            squares = np.diagonal(kernel).copy()
            empty = np.flatnonzero(squares <= _TIED * squares.max(initial=0.0))
            if len(empty):
                raise ShapeError(
                    f"a cosine needs rows with a length, but {len(empty)} of {len(x)} stimuli of {letter} are zero; the first is "
                    f"{x.ids[empty[0]]!r}. Leave them out, or use similarity='centred'."
                )
            kernel /= np.sqrt(squares)[:, None]
            kernel /= np.sqrt(squares)
        return kernel

    def _neighbours(self, kernel: FloatArray) -> FloatArray:
        """`[stimulus, stimulus]`: 1 for near ones, 0 for others, and the share of a place for those that tie for the last ones."""
        others = kernel.copy()
        np.fill_diagonal(others, -np.inf)
        last = -np.partition(-others, self.k - 1, axis=1)[:, self.k - 1 : self.k]
        slack = _TIED * np.abs(kernel).max(axis=1, keepdims=True)
        sure, tied = others > last + slack, np.abs(others - last) <= slack
        share = (self.k - sure.sum(axis=1, keepdims=True)) / tied.sum(axis=1, keepdims=True)
        result = np.where(sure, 1.0, np.where(tied, share, 0.0))
        return result * result.T if self.mask == "mutual" else result


def _hsic(k: FloatArray, l: FloatArray) -> float:  # noqa: E741
    """Song's HSIC of two matrices that need not be symmetric, with zeros on their diagonals."""
    n = len(k)
    terms = np.vdot(k, l.T), k.sum() * l.sum() / ((n - 1) * (n - 2)), -2 * (k.sum(axis=0) @ l.sum(axis=1)) / (n - 2)
    return float(difference(*(np.asarray(each) for each in terms)) / (n * (n - 3)))
