"""Features mixed at random into as few columns as keep their distances."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from isomorph.arrays import as_floats, check_finite
from isomorph.encoding._johnson_lindenstrauss import johnson_lindenstrauss
from isomorph.encoding._sparse_draw import SparseDraw
from isomorph.errors import InputError, ShapeError
from isomorph.features import Features
from isomorph.geometry import Gram

_ROWS = 128  # so that what is summed up stays in the cache


@dataclass(frozen=True, kw_only=True)
class SparseProjection:
    r"""A sparse random projection: \(X R\) with \(R_{ij} = \pm \sqrt{\sqrt p / k}\), each with the probability \(1 / (2 \sqrt p)\), else 0.

    Squared distances are kept on average, to a share of about \(\sqrt{2 / k}\) each. The draw is a function of the seed, the
    numbers of features and columns, and an entry's place alone: the same on every machine, for any stimuli, however many at once.
    (The draw of scikit-learn has the same law, not the same numbers.) Where there are fewer features than columns, features are mixed
    into more. Exact inner products (`Gram`) cost no more for about a thousand stimuli, and have no draw: this is for comparison with
    published numbers, and for regressions that need columns.

    Attributes:
        width: How many columns; None: `johnson_lindenstrauss` of the number of stimuli and `epsilon`.
        epsilon: Where `width` is None: what share of a squared distance may be lost or gained.
        seed: Of the draw, 0 or more.

    Raises:
        InputError: An option is out of range.

    References:
        Li, Hastie and Church, 2006, <https://doi.org/10.1145/1150402.1150436>.

    Example:
        >>> layer = np.random.default_rng(0).normal(size=(20, 3000))
        >>> mixed = SparseProjection().apply(layer)
        >>> mixed.values.shape
        (20, 2567)
        >>> before, after = (float(np.sum((each[0] - each[1]) ** 2)) for each in (layer, mixed.values))
        >>> abs(after / before - 1) < 0.1
        True
    """

    width: int | None = None
    epsilon: float = 0.1
    seed: int = 0

    def __post_init__(self) -> None:
        if self.width is not None and self.width < 1:
            raise InputError(f"SparseProjection.width must be 1 or more, or None; got {self.width}.")
        if not 0 < self.epsilon < 1:
            raise InputError(f"SparseProjection.epsilon must be between 0 and 1; got {self.epsilon}.")
        if not 0 <= self.seed < 2**64:
            raise InputError(f"SparseProjection.seed must be 0 or more, below 2^64; got {self.seed}.")

    def apply(self, x: Features | npt.ArrayLike) -> Features:
        """The columns of `x` `[stimulus, feature]`, mixed: `[stimulus, column]`, float32 or float64 as `x` is.

        Features are read a block at a time and may be memory-mapped. An array's stimuli are called `"0"`, `"1"`, ….

        Raises:
            NonFiniteError: A value is NaN or infinite.
            ShapeError: There are no features.
            InputError: `x` is a Gram matrix.
        """
        if isinstance(x, Gram):
            raise InputError(f"a projection needs the features themselves, not their Gram matrix ({x.name}), which needs no projection.")
        if not isinstance(x, Features):
            values = as_floats(x, name="the features", ndim=2)
            x = Features(values, tuple(map(str, range(len(values)))))
        if not x.width:
            raise ShapeError("the features have no columns; there must be at least 1 feature.")
        check_finite(x.values, name="the feature matrix", ids=x.ids)
        draw = SparseDraw(x.width, self.width or johnson_lindenstrauss(len(x), self.epsilon), self.seed)
        result = np.zeros((len(x), draw.width), x.values.dtype)
        for features in draw.blocks():
            matrix = draw.rows(features, dtype=result.dtype)
            for start in range(0, len(x), _ROWS):
                rows = slice(start, start + _ROWS)
                result[rows] += x.values[rows, features] @ matrix
        return Features(result, x.ids, x.layer, x.subject, {**x.provenance, "projection": self._provenance(draw)})

    def _provenance(self, draw: SparseDraw) -> Mapping[str, Any]:
        return {"kind": "sparse-random", "features": draw.features, "width": draw.width, "seed": draw.seed}
