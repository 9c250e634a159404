"""How far features lie from the nearest class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal, get_args

import numpy as np

from isomorph.abstention._method import AbstentionMethod
from isomorph.abstention._values import Floats, Reads, as_array, check_choice, check_number, check_width, read_labels, row_blocks
from isomorph.arrays import FloatArray, IntArray
from isomorph.errors import InputError

Singular = Literal["raise", "pseudo-inverse"]


@dataclass(frozen=True, kw_only=True)
class Mahalanobis(AbstentionMethod):
    r"""The squared Mahalanobis distance to the nearest class, $u = \min_c (z - \mu_c)^\top \Sigma^{-1} (z - \mu_c)$.

    $\Sigma = \frac1n \sum_i (z_i - \mu_{y_i})(z_i - \mu_{y_i})^\top$ is one covariance for all classes. For normal features in as many
    dimensions as a class has neighbours to spare, u is about the number of features on what the classes hold, and more elsewhere; with
    hardly more items than features it is far too large on everything new.

    Products are made in the precision of the features, covariances in float64.

    Attributes:
        shrinkage: λ in $(1 - \lambda)\,\Sigma + \lambda \frac{\mathrm{tr}\,\Sigma}{p} I$.
        singular: What to do where Σ has no inverse: `"raise"`, or `"pseudo-inverse"`: leave out the directions in which the training
            features do not vary. Whatever is new along those is then not seen.

    References:
        Lee et al., 2018, <https://arxiv.org/abs/1807.03888>, without the step on the pixels and the weights over layers.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> train = rng.normal(size=(200, 2)) + np.repeat([[0, 0], [10, 0]], 100, axis=0)
        >>> fitted = Mahalanobis().fit(train, np.repeat(["cat", "dog"], 100))
        >>> (fitted.score([[0, 0], [5, 0]]) > 9).tolist()
        [False, True]
    """

    shrinkage: float = 0.0
    singular: Singular = "raise"

    reads: ClassVar[Reads] = "features"
    learns: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_number(self, "shrinkage", least=0, most=1)
        check_choice(self, singular=get_args(Singular))

    def fit(self, features: Any, labels: Any = None) -> FittedMahalanobis:
        """Learn the classes' means and their covariance.

        Args:
            features: `[item, feature]`, `Features` or an array.
            labels: The class of each item, anything that can be told apart; by id for `Features` where it is a mapping. None: all items
                make one cloud.

        Raises:
            ShapeError: There are not as many labels as items.
            NonFiniteError: A feature is NaN or infinite.
            InputError: All labels are equal, or the covariance is singular.
        """
        x = as_array(features, what="features")
        classes, codes = _classes(labels, features, len(x))
        means = _class_means(x, codes, len(classes))
        whitening = self._whitening(_tied_covariance(x, codes, means), len(x))
        centre = means.mean(axis=0)
        return FittedMahalanobis(method=self, classes=classes, means=means, whitening=whitening, centre=centre)

    def _whitening(self, covariance: Floats, n: int) -> Floats:
        """W with W Wᵀ the inverse."""
        p = len(covariance)
        sphere = np.eye(p) * (np.trace(covariance) / p)
        values, vectors = np.linalg.eigh((1 - self.shrinkage) * covariance + self.shrinkage * sphere)
        kept = values > max(values[-1], 0.0) * max(n, p) * np.finfo(np.float64).eps
        if not kept.any():
            raise InputError(f"the {n} training items do not vary within their classes; no distance can be measured by how they vary.")
        if not kept.all() and self.singular == "raise":
            raise InputError(
                f"the covariance of {n} items in {p} features is singular: they vary in {int(kept.sum())} directions. Take more items or "
                "fewer features, shrinkage=0.1, or singular='pseudo-inverse'."
            )
        whitening: Floats = vectors[:, kept] / np.sqrt(values[kept])
        return whitening


@dataclass(frozen=True, kw_only=True, eq=False)
class FittedMahalanobis:
    """What `Mahalanobis.fit` returns.

    Attributes:
        method: How it was fitted.
        classes: The labels, in the order of the rows of `means`; `("all",)` where there were none.
        means: `[class, feature]`.
        whitening: `[feature, direction]`, W with W Wᵀ the (pseudo-)inverse of the covariance.
        centre: `[feature]`, taken away before products are made.
    """

    method: Mahalanobis
    classes: tuple[Any, ...]
    means: Floats
    whitening: Floats
    centre: Floats

    def distances(self, features: Any) -> Floats:
        """`[item, class]`, the squared distance to each class.

        Raises:
            ShapeError: Items have another number of features than those it was fitted to.
            NonFiniteError: A feature is NaN or infinite.
        """
        x = as_array(features, what="features")
        check_width(x, self.means.shape[1], owner="Mahalanobis", what="features")
        means = (self.means - self.centre) @ self.whitening
        squares = np.einsum("ij,ij->i", means, means)
        centre, whitening, turned = (each.astype(x.dtype) for each in (self.centre, self.whitening, means.T))
        out = np.empty((len(x), len(means)))
        for part in row_blocks(len(x), max(x.shape[1], len(means))):
            z = (x[part] - centre) @ whitening
            own = np.einsum("ij,ij->i", z, z, dtype=np.float64)
            out[part] = own[:, None] + squares - 2.0 * (z @ turned)
        return np.maximum(out, 0.0, out=out)

    def score(self, values: Any, /) -> Floats:
        """`[item]`, the squared distance to the nearest class; higher means abstain."""
        return np.asarray(self.distances(values).min(axis=1))


def _classes(labels: Any, features: Any, n: int) -> tuple[tuple[Any, ...], IntArray]:
    if labels is None:
        return ("all",), np.zeros(n, dtype=np.intp)
    found, codes = np.unique(np.asarray(read_labels(labels, features, owner="Mahalanobis")), return_inverse=True)
    if len(found) < 2:
        raise InputError(f"all {n} labels are {found[0].item()!r}; classes need at least two. Give no labels to measure from one cloud.")
    return tuple(found.tolist()), codes


def _class_means(x: FloatArray, codes: IntArray, classes: int) -> Floats:
    order = np.argsort(codes, kind="stable")
    rows = np.split(order, np.searchsorted(codes[order], np.arange(1, classes)))
    return np.stack([x[each].mean(axis=0, dtype=np.float64) for each in rows])


def _tied_covariance(x: FloatArray, codes: IntArray, means: Floats) -> Floats:
    p = x.shape[1]
    total = np.zeros((p, p))
    for part in row_blocks(len(x), p):
        centred = x[part] - means[codes[part]]
        total += centred.T @ centred
    return total / len(x)
