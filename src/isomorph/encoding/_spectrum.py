"""Ridge regression for any penalty from one eigendecomposition of the centred Gram matrix."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from isomorph.arrays import FloatArray


@dataclass(frozen=True, eq=False)
class Spectrum:
    r"""Eigenvalues and eigenvectors of the centred Gram matrix K of n stimuli, without the direction that is the same for all stimuli.

    That direction belongs to the intercept, which is not penalised. With \(K = Q \Lambda Q^\top\), centred responses y,
    \(z = Q^\top y\) and \(w_k = 1 / (\lambda_k + \alpha)\), dual coefficients are \(c = Q (w \circ z)\), and the error at a stimulus that
    is left out is \(c_i / g_i\) with \(g_i = \sum_k w_k Q_{ik}^2\), the intercept fitted anew.

    Attributes:
        values: `[direction]`, float64, n − 1 of them, none negative.
        vectors: `[stimulus, direction]`, float64.
    """

    values: FloatArray
    vectors: FloatArray

    @classmethod
    def of(cls, gram: FloatArray) -> Spectrum:
        """Decompose a Gram matrix `[stimulus, stimulus]`; what rounding left uncentred is taken away first."""
        means = gram.mean(axis=0)
        centred = gram - means - means[:, None] + means.mean()
        # Where features are fewer than stimuli, zero is an eigenvalue many times over and the constant direction would be mixed with
        # others of it. Lifted above all others, it is the last eigenvector, and the only one to drop.
        lift = 2 * np.abs(centred).sum(axis=0).max()
        values, vectors = np.linalg.eigh(centred + lift / len(gram))
        return cls(np.maximum(values[:-1], 0.0), vectors[:, :-1])

    def gram(self) -> FloatArray:
        """The centred Gram matrix, put together again."""
        return np.asarray((self.vectors * self.values) @ self.vectors.T)

    def empty(self, width: int) -> int:
        """How many directions, the first ones, hold nothing of so many features but rounding."""
        none = int((self.values <= len(self.vectors) * np.finfo(np.float64).eps * self.values.max(initial=0.0)).sum())
        return max(none, len(self.values) - width)

    def loads(self, responses: FloatArray) -> FloatArray:
        """The z of every unit `[unit, direction]`, from centred responses `[unit, stimulus]`."""
        return np.asarray(responses @ self.vectors.astype(responses.dtype, copy=False))

    def gcv(self, squares: FloatArray, alphas: FloatArray) -> FloatArray:
        r"""Generalised cross-validation \(n \sum_k w_k^2 z_k^2 / (\sum_k w_k)^2\): `[alpha, unit]` from z² `[unit, direction]`."""
        weights = 1 / (self.values + alphas[:, None])
        weights /= weights.sum(axis=1, keepdims=True)
        return np.asarray((weights**2).astype(squares.dtype) @ squares.T) * len(self.vectors)

    def generalised_pearson(self, squares: FloatArray, alphas: FloatArray) -> FloatArray:
        r"""What generalised cross-validation is to the squared error, for the correlation with predictions when left out.

        With every \(g_i\) replaced by their mean \(\bar g\), predictions are \(v_k z_k\) along the directions,
        \(v_k = 1 - w_k / \bar g\), and the correlation is \(\sum_k v_k z_k^2 / \sqrt{\sum_k z_k^2 \sum_k v_k^2 z_k^2}\):
        `[alpha, unit]` from z² `[unit, direction]`.
        """
        weights = 1 / (self.values + alphas[:, None])
        kept = 1 - weights / weights.sum(axis=1, keepdims=True) * len(self.vectors)
        lengths = np.sqrt(squares.sum(axis=1) * ((kept**2).astype(squares.dtype) @ squares.T))
        return np.asarray(kept.astype(squares.dtype) @ squares.T / np.where(lengths > 0, lengths, 1))

    def left_out_errors(self, alpha: float) -> FloatArray:
        """The matrix `[direction, stimulus]` that turns z of a unit into its errors at stimuli that are left out."""
        weights = alpha / (self.values + alpha)  # α cancels; with it the numbers keep to [0, 1]
        return np.asarray(weights[:, None] * self.vectors.T / (self.vectors**2 @ weights))

    def left_out_predictions(self, alpha: float) -> FloatArray:
        """The matrix `[direction, stimulus]` that turns z of a unit into predictions of stimuli that are left out, less its mean."""
        return np.asarray(self.vectors.T - self.left_out_errors(alpha))
