"""How far the nearest training items are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from isomorph.abstention._method import AbstentionMethod
from isomorph.abstention._values import Floats, Reads, as_array, check_number, check_width, row_blocks
from isomorph.arrays import FloatArray
from isomorph.errors import InputError, ShapeError


@dataclass(frozen=True, kw_only=True)
class KNN(AbstentionMethod):
    r"""The squared distance to the K-th nearest training item, $u = \lVert \hat z - \hat z_{(K)} \rVert^2$, $\hat z = z / \lVert z \rVert$.

    0 (at least K training items point the same way) to 4. Which item is the K-th is found in the precision of the features; its distance
    is float64.

    Attributes:
        k: K.

    References:
        Sun et al., 2022, <https://arxiv.org/abs/2204.06507>.

    Example:
        >>> fitted = KNN(k=2).fit([[1.0, 0.0], [2.0, 0.0], [0.0, 1.0]])
        >>> fitted.score([[5.0, 0.0], [0.0, 3.0]]).tolist()
        [0.0, 2.0]
    """

    k: int = 50

    reads: ClassVar[Reads] = "features"
    learns: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_number(self, "k", least=1)

    def fit(self, features: Any, labels: Any = None) -> FittedKNN:
        """Keep the training items, scaled to unit length.

        Args:
            features: `[item, feature]`, `Features` or an array.
            labels: Not needed.

        Raises:
            ShapeError: There are fewer than K items.
            NonFiniteError: A feature is NaN or infinite.
            InputError: An item is zero in every feature.
        """
        x = as_array(features, what="features")
        if len(x) < self.k:
            raise ShapeError(f"KNN with k={self.k} needs at least {self.k} training items; there are {len(x)}. Choose a smaller k.")
        return FittedKNN(method=self, directions=_directions(x))


@dataclass(frozen=True, kw_only=True, eq=False)
class FittedKNN:
    """What `KNN.fit` returns.

    Attributes:
        method: How it was fitted.
        directions: `[item, feature]`, the training items at unit length.
    """

    method: KNN
    directions: FloatArray

    def score(self, values: Any, /) -> Floats:
        """`[item]`, the squared distance to the K-th nearest training item; higher means abstain.

        Raises:
            ShapeError: Items have another number of features than those it was fitted to.
            NonFiniteError: A feature is NaN or infinite.
            InputError: An item is zero in every feature.
        """
        x = as_array(values, what="features")
        check_width(x, self.directions.shape[1], owner="KNN", what="features")
        known, unit = self.directions, _directions(x)
        out = np.empty(len(x))
        for part in row_blocks(len(x), len(known) // 4):
            alike = unit[part] @ known.T
            border = np.partition(alike, len(known) - self.method.k, axis=1)[:, len(known) - self.method.k, None]
            gap = unit[part].astype(np.float64) - known[(alike == border).argmax(axis=1)]
            out[part] = np.einsum("ij,ij->i", gap, gap)
        return out


def _directions(x: FloatArray) -> FloatArray:
    lengths = np.sqrt(np.einsum("ij,ij->i", x, x, dtype=np.float64))
    zero = np.flatnonzero(lengths == 0)
    if len(zero):
        raise InputError(f"{len(zero)} of {len(x)} items are zero in every feature and point nowhere; the first is row {zero[0]}.")
    return np.asarray(x / lengths[:, None], dtype=x.dtype)
