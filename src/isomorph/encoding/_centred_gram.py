"""Inner products with the training stimuli, out of the Gram matrix of these and others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from isomorph.arrays import FloatArray, IntArray, positions
from isomorph.errors import InputError, ShapeError
from isomorph.features import Features
from isomorph.geometry import Gram


@dataclass(frozen=True, eq=False)
class CentredGram:
    r"""A Gram matrix seen from the mean of the training stimuli T, as `Standardised` is for features that are only centred.

    With C centred on the mean of any stimuli,
    \((x_a - m_T) \cdot (x_i - m_T) = C_{ai} - \bar C_{aT} - \bar C_{Ti} + \bar C_{TT}\), so nothing of the features is needed.

    Attributes:
        whole: Of all stimuli, training and others.
        rows: Where the training stimuli stand in it.
        factor: What products are multiplied with.
        dtype: Of the products.
    """

    whole: Gram
    rows: IntArray
    factor: float
    dtype: np.dtype[np.floating]

    @classmethod
    def of(cls, whole: Gram, ids: Sequence[str], *, width: float | None, dtype: np.dtype[np.floating]) -> CentredGram:
        """The training stimuli `ids`, their Gram matrix of trace n · `width` where that is given.

        Raises:
            IdError: The Gram matrix lacks a stimulus.
            ShapeError: The training stimuli are all alike.
        """
        rows = positions(whole.ids, ids, name=whole.name)
        trace = float(np.trace(cls(whole, rows, 1.0, dtype).gram()))
        if trace <= 1e-12 * len(rows) * np.diagonal(whole.centred).max(initial=0.0):
            raise ShapeError(f"{whole.name} does not tell the {len(rows)} stimuli apart; it predicts nothing.")
        return cls(whole, rows, 1.0 if width is None else len(rows) * width / trace, dtype)

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def width(self) -> int:
        """How many features were multiplied."""
        return self.whole.width

    def gram(self) -> FloatArray:
        """Inner products of the training stimuli `[stimulus, stimulus]`, float64."""
        return self._seen(self.rows)

    def products(self, new: Any) -> FloatArray:
        """Inner products of stimuli of the whole, by id, with the training stimuli `[stimulus, training stimulus]`.

        Raises:
            IdError: The Gram matrix lacks a stimulus.
            InputError: Features were passed.
        """
        if isinstance(new, Features | np.ndarray | str):
            raise InputError(
                "the map was fitted to a Gram matrix, which has no features to meet new ones. "
                "Predict stimuli of that Gram matrix by their ids: fitted.predict(ids)."
            )
        return self._seen(positions(self.whole.ids, new, name=self.whole.name))

    def named(self, made: FloatArray, new: Any, *, subject: str) -> Features:
        """What was made of the stimuli `new`."""
        return Features(made, tuple(new), subject=subject)

    def _seen(self, at: IntArray) -> FloatArray:
        part = self.whole.centred[:, self.rows]
        means = part[self.rows].mean(axis=0)
        part = part[at]
        part -= part.mean(axis=1, keepdims=True)
        part -= means - means.mean()
        part *= self.factor
        return part
