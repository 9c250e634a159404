"""Canonical correlations, weighted by how much of the features they account for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, get_args

import numpy as np

from isomorph.arrays import FloatArray
from isomorph.errors import UnknownNameError
from isomorph.features import Features
from isomorph.geometry._centre import centre_columns
from isomorph.measures._cca import warn_of_ranks
from isomorph.measures._coordinates import Coordinates, require_variation
from isomorph.measures._measure import Change, Measure, Traits

PWCCADefinition: TypeAlias = Literal["textbook", "google"]
_EVERYTHING: frozenset[Change] = frozenset({"shift", "scale", "rotation", "linear", "permutation"})


@dataclass(frozen=True, kw_only=True)
class PWCCA(Measure):
    r"""Projection-weighted CCA: how far `y` spans the directions in which `x` varies.

    $$\mathrm{PWCCA}(x, y) = \frac{\sum_i \alpha_i \rho_i}{\sum_i \alpha_i}, \qquad \alpha_i = \sum_j |\langle h_i, x_j \rangle|$$

    with ρ the canonical correlations, \(h_i\) the canonical variates of `x` (orthonormal over stimuli), and \(x_j\) its centred columns.
    Asymmetric: the weights are those of `x`.

    Attributes:
        definition: `"textbook"`: as above, from the paper. `"google"`: as the paper's published program computes it: its directions are
            the centred features rotated but not whitened, with the mean of feature k added to direction k and made orthonormal in order,
            and project the features uncentred. There the value depends on the sign that the singular vectors happen to have, unless all
            means are 0; here that sign makes the entries of each vector sum to no less than 0. The published program weights by the
            narrower of the two, and fails where that is `y`; here the weights are always those of `x`.

    Raises:
        ShapeError: `x` or `y` does not vary over stimuli.

    Warns:
        UserWarning: Where unrelated features would score more than 0.05.

    References:
        Morcos et al., 2018, <https://arxiv.org/abs/1806.05759>.

    Example:
        >>> import numpy as np
        >>> rng = np.random.default_rng(0)
        >>> x = rng.normal(size=(2000, 2)) * [9, 1]
        >>> y = np.stack([x[:, 0], rng.normal(size=2000)], axis=1)
        >>> round(PWCCA()(x, y), 1), round(PWCCA()(y, x), 1)
        (0.9, 0.9)
    """

    definition: PWCCADefinition = "textbook"

    def __post_init__(self) -> None:
        if self.definition not in get_args(PWCCADefinition):
            raise UnknownNameError("definition of PWCCA", self.definition, get_args(PWCCADefinition))

    @property
    def traits(self) -> Traits:
        """What it claims of itself."""
        textbook: frozenset[Change] = frozenset({"shift", "scale", "permutation"})
        return Traits(
            bounds=(0.0, 1.0),
            symmetric=False,
            invariant_to=textbook if self.definition == "textbook" else frozenset({"scale"}),
            invariant_to_y=_EVERYTHING,
            minimum_stimuli=3,
            misleads="asymmetric, defined otherwise in each library, and high for unrelated features unless stimuli far outnumber them",
        )

    def relate(self, x: Any) -> Any:
        """The features; what is computed of them once is their singular vectors."""
        return _Columns.of_features(x.values if isinstance(x, Features) else x)

    def _value(self, x: Any, y: Any) -> float:
        require_variation(x, y, "PWCCA")
        left, correlations, _ = np.linalg.svd(x.left.T @ y.left, full_matrices=False)
        if x.whole and y.whole:
            warn_of_ranks("PWCCA", "mean", len(x), x.rank, y.rank)
        weights = _textbook_weights(x, left) if self.definition == "textbook" else _google_weights(x, left)
        return float(np.clip(weights @ correlations / weights.sum(), 0, 1))


@dataclass(frozen=True, eq=False)
class _Columns(Coordinates):
    """Centred features, column by column, with the means that were taken away."""

    means: FloatArray = field(default_factory=lambda: np.zeros(0))

    @classmethod
    def of_features(cls, x: FloatArray) -> _Columns:
        plain = Coordinates.of(x, reduce=False)
        return cls(plain.points, plain.tolerance, means=centre_columns(x)[1])

    def take(self, rows: Sequence[int]) -> _Columns:
        part = super().take(rows)
        means = self.means + self.points[np.asarray(rows, dtype=np.intp)].mean(axis=0)
        result = _Columns(part.points, part.tolerance, whole=False, means=means)
        if "svd" in part.__dict__:
            result.__dict__["svd"] = part.svd
        return result


def _textbook_weights(x: _Columns, left: FloatArray) -> FloatArray:
    _, values, right = x.svd
    return np.asarray(np.abs((left.T * values) @ right).sum(axis=1))


def _google_weights(x: _Columns, left: FloatArray) -> FloatArray:
    vectors = x.svd[2].T @ left
    vectors = vectors * np.where(vectors.sum(axis=0) < 0, -1.0, 1.0)
    directions = x.points @ vectors + x.means[: vectors.shape[1]]
    basis, _ = np.linalg.qr(directions)
    return np.asarray(np.abs(basis.T @ (x.points + x.means)).sum(axis=1))
