"""Representation topology divergence: do clusters and loops appear at the same scales?"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from isomorph.arrays import FloatArray
from isomorph.errors import InputError, MissingDependencyError, ShapeError
from isomorph.geometry import RDM, Gram
from isomorph.geometry._centre import centre_columns
from isomorph.measures._measure import Comparable, Measure, Traits

_RANKS = 2**24
"""Up to so many whole numbers are exact in float32, which is what ripser counts in."""


@dataclass(frozen=True, kw_only=True)
class RTD(Measure):
    r"""Representation topology divergence: the total length of the bars in the cross-barcodes of two systems, in degree 1.

    $$\tfrac{1}{2} \sum_{[b, d)} (d - b) \quad\text{over}\quad H_1\bigl(\mathrm{VR}(\min(D^x, D^y)),\ \mathrm{VR}(D^x)\bigr)
    \ \text{and}\ H_1\bigl(\mathrm{VR}(\min(D^x, D^y)),\ \mathrm{VR}(D^y)\bigr)$$

    with D the Euclidean distances over their own 0.9 quantile (of the square matrix), and VR the growing complex of stimuli closer than
    a threshold. 0 means that clusters merge at the same scales along the same stimuli; a bar is a merger that one system makes earlier.
    In degree 0 there is nothing: both complexes have all stimuli from the start. The value grows with the number of stimuli.

    Up to `batch_size` stimuli it is exact and nothing is drawn. Beyond, it is the mean over `batches` draws without replacement, seeded,
    from stimuli in an order that the geometry sets (their distance from the means), so that the order of the rows does not matter.

    Accepts arrays, `Features`, `Gram` and `RDM` (this as a stored matrix of distances; not beyond `batch_size` stimuli). Thresholds reach
    ripser as ranks and come back as the float64 distances they stand for, so that no digits are lost in its float32.

    Attributes:
        batch_size: How many stimuli at a time: 500 takes 3 to 7 s a batch.
        batches: How many draws, where there are more stimuli.
        seed: Of the draws.

    Raises:
        MissingDependencyError: ripser is absent.
        ShapeError: 0.9 of all distances are zero.

    References:
        Barannikov et al., 2022, <https://arxiv.org/abs/2201.00058>.

    Example:
        >>> import numpy as np
        >>> x = np.random.default_rng(0).normal(size=(30, 8))
        >>> RTD()(x, 2 * x + 1) < 1e-9 < RTD()(x, x**3)
        True
    """

    draws: ClassVar[int] = 200

    batch_size: int = 500
    batches: int = 10
    seed: int = 0

    accepts: ClassVar[tuple[type, ...]] = (Gram, RDM)

    def __post_init__(self) -> None:
        if self.batch_size < 3 or self.batches < 1:
            raise InputError(
                f"RTD needs a batch_size of at least 3 and at least 1 of batches; got batch_size={self.batch_size}, batches={self.batches}."
            )
        if self.batch_size**2 > _RANKS:
            raise InputError(f"RTD tells up to {_RANKS:,} distances apart; batch_size={self.batch_size} makes more. Use 4096 or fewer.")

    @property
    def traits(self) -> Traits:
        """What it claims of itself."""
        return Traits(
            bounds=(0.0, float("inf")),
            higher_is_closer=False,
            invariant_to=frozenset({"shift", "scale", "rotation", "permutation"}),
            minimum_stimuli=3,
            misleads="grows with the number of stimuli in a batch; compare only equal sizes",
        )

    def relate(self, x: Comparable) -> Comparable:
        """The distances, where no batches are drawn."""
        if isinstance(x, RDM):
            return x
        if len(x) > self.batch_size:
            return x
        return x.rdm("euclidean") if isinstance(x, Gram) else RDM.from_features(x, "euclidean")

    def _value(self, x: Any, y: Any) -> float:
        if len(x) <= self.batch_size:
            return self._divergence(x, y)
        order = np.argsort(_remoteness(x) + _remoteness(y), kind="stable")
        rng = np.random.default_rng(self.seed)
        draws = [order[rng.choice(len(order), self.batch_size, replace=False)] for _ in range(self.batches)]
        return float(np.mean([self._divergence(_distances(x, draw), _distances(y, draw)) for draw in draws]))

    def _divergence(self, x: RDM, y: RDM) -> float:
        first, second = _scaled(x, "x"), _scaled(y, "y")
        return (_cross_bars(first, second) + _cross_bars(second, first)) / 2


def _remoteness(x: Any) -> FloatArray:
    """Squared distances from the mean stimulus, over their mean."""
    if isinstance(x, RDM):
        raise InputError(f"RTD draws batches from features or a Gram, not from an RDM of {len(x)} stimuli. Raise batch_size to {len(x)}.")
    squares = np.diagonal(x.centred) if isinstance(x, Gram) else np.square(centre_columns(x)[0]).sum(axis=1)
    return np.asarray(squares / max(float(squares.mean()), np.finfo(float).tiny))


def _distances(x: Any, rows: Any) -> RDM:
    return x.take([x.ids[row] for row in rows]).rdm("euclidean") if isinstance(x, Gram) else RDM.from_features(x[rows], "euclidean")


def _scaled(x: RDM, name: str) -> FloatArray:
    square = x.square().astype(np.float64)
    unit = float(np.quantile(square, 0.9))
    if not unit > 0:
        raise ShapeError(f"nine tenths of the distances between the stimuli of {name} are 0, so that they have no scale. Leave it out.")
    return np.asarray(square / unit)


def _cross_bars(x: FloatArray, y: FloatArray) -> float:
    """The total length of degree-1 bars of VR(min(x, y)) relative to VR(x).

    Two copies of the stimuli: the first is contracted to a point from the start, the second has the smaller distances, and between the
    copies stand those of x, in one direction (the other adds nothing). What closes a loop is then what x alone has joined.
    """
    n = len(x)
    between = np.where(np.tri(n, k=-1, dtype=bool), np.inf, x)
    values, ranks = np.unique(np.concatenate([np.minimum(x, y).ravel(), between.ravel(), [0.0]]), return_inverse=True)
    ranks = np.where(np.isfinite(values), np.arange(len(values), dtype=np.float64), np.inf)[ranks]
    matrix = np.zeros((2 * n, 2 * n))
    matrix[n:, n:] = ranks[: n * n].reshape(n, n)
    matrix[:n, n:] = ranks[n * n : 2 * n * n].reshape(n, n)
    matrix[n:, :n] = matrix[:n, n:].T
    bars = _ripser()(matrix, distance_matrix=True, maxdim=1)["dgms"][1].astype(np.int64)
    return float((values[bars[:, 1]] - values[bars[:, 0]]).sum())


def _ripser() -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from ripser import ripser  # type: ignore[import-untyped]
    except ImportError as error:
        raise MissingDependencyError("ripser", needed_by="RTD", install="pip install 'isomorph[topology]'") from error
    return ripser
