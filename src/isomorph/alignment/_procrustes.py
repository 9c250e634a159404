"""A rotation onto an embedding: what fits without changing any similarity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from isomorph import spec
from isomorph.alignment._fitted_transform import FittedTransform
from isomorph.alignment._paired import paired
from isomorph.errors import ShapeError
from isomorph.features import Features


@dataclass(frozen=True, kw_only=True)
class Procrustes:
    r"""The rotation (and reflection) onto an embedding with the least squared error.

    $$\min_{R, c} \; \lVert c (X - \bar X) R - (Y - \bar Y) \rVert_F^2, \qquad R^\top R = I \text{ or } R R^\top = I$$

    In closed form: $R = UV^\top$ of the singular value decomposition of $(X - \bar X)^\top (Y - \bar Y)$, c the sum of its singular values
    over $\lVert (X - \bar X) R \rVert_F^2$. With as many dimensions on both sides no distance among stimuli changes but for c; onto fewer
    it is a projection.

    Attributes:
        scale: Whether c is fitted; else it is 1.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> turn = np.linalg.qr(rng.normal(size=(4, 4)))[0]
        >>> x = Features(rng.normal(size=(20, 4)), tuple(map(str, range(20))))
        >>> fitted = Procrustes().fit(x, Features(2 * x.values @ turn + 1, x.ids))
        >>> bool(np.allclose(fitted.weights, 2 * turn))
        True
    """

    method: ClassVar[str] = "procrustes"

    scale: bool = True

    def fit(self, x: Features, target: Features) -> FittedTransform:
        """Fit the rotation from `x` to `target`, for the stimuli of `target`.

        Raises:
            IdError: `x` lacks a stimulus of the target.
            ShapeError: There are fewer than 2 stimuli, or one of the two does not vary.
            NonFiniteError: A value is NaN or infinite.
        """
        features, wanted, seen = paired(x, target)
        mean, offset = features.mean(axis=0), wanted.mean(axis=0)
        left, values, right = np.linalg.svd((features - mean).T @ (wanted - offset), full_matrices=False)
        if not values.any():
            raise ShapeError("the features or the target do not vary with each other; every rotation fits as badly.")
        rotation = left @ right
        size = float(values.sum() / np.square((features - mean) @ rotation).sum()) if self.scale else 1.0
        return FittedTransform(
            weights=size * rotation,
            bias=offset,
            mean=mean,
            method=self.method,
            options=spec.to_plain(self) | {"c": size},
            seen=seen,
            layer=x.layer,
            model=x.subject,
            model_fingerprint=str(x.provenance.get("model", "")),
        )
