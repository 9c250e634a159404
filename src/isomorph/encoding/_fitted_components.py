"""A regression on a few components of the features that was fitted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from isomorph.arrays import FloatArray
from isomorph.encoding._paired import Source
from isomorph.encoding._spectrum import Spectrum
from isomorph.errors import InputError, ShapeError
from isomorph.features import Features

if TYPE_CHECKING:
    from isomorph.encoding._pls import PLS
    from isomorph.encoding._principal_regression import PrincipalRegression


@dataclass(frozen=True, eq=False, repr=False)
class FittedComponents:
    """What `PLS.fit` and `PrincipalRegression.fit` return.

    Attributes:
        options: What it was fitted with.
        directions: Make components `[stimulus, component]` of inner products with the training stimuli `[stimulus, training stimulus]`.
        loads: Responses along the components `[component, unit]`.
        mean: The mean response of each unit `[unit]`, float64.
        ids: The training stimuli, where they have ids.
        subject: Whose responses these are.
        features: The training features (not a copy), or the Gram matrix of these and more.
        notes: Sentences that ought to travel with the numbers.
    """

    options: PLS | PrincipalRegression
    directions: FloatArray
    loads: FloatArray
    mean: FloatArray
    ids: tuple[str, ...] | None
    subject: str
    features: Source
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        size = f"{len(self.features):,} stimuli, {self.features.width:,} features, {len(self.mean):,} units"
        return f"FittedComponents({size}, {self.options.method}, {len(self.loads)} components)"

    def predict(self, x: Features | npt.ArrayLike | Sequence[str]) -> Features | FloatArray:
        """Predicted responses `[stimulus, unit]` to new stimuli, float64, intercept included; `Features` for `Features`.

        A map that was fitted to a `Gram` takes ids of that Gram's stimuli, and gives `Features`.

        Raises:
            ShapeError: `x` has another number of features than the training stimuli.
            NonFiniteError: A value is NaN or infinite.
            IdError: The Gram matrix lacks a stimulus.
        """
        return self.features.named(self._components(x) @ self.loads + self.mean, x, subject=self.subject)

    def components(self, x: Features | npt.ArrayLike | Sequence[str]) -> Features | FloatArray:
        """The components of new stimuli `[stimulus, component]`; over the training stimuli they are orthogonal, of mean 0 and length 1."""
        return self.features.named(self._components(x), x, subject=self.subject)

    def _components(self, x: Features | npt.ArrayLike | Sequence[str]) -> FloatArray:
        return np.asarray(self.features.products(x) @ self.directions)


def check_components(owner: str, components: int) -> None:
    """Raise where there are none."""
    if components < 1:
        raise InputError(f"{owner}.components must be 1 or more; got {components}.")


def check_rank(owner: str, components: int, features: Source, spectrum: Spectrum) -> int:
    """In how many directions the training stimuli differ, which must be enough.

    Raises:
        ShapeError: Features, stimuli or directions are fewer than components.
    """
    least = np.finfo(np.float64).eps * len(features) * spectrum.values.max()
    rank = int((spectrum.values > least).sum())
    way_out = f"Ask for at most components={rank}, or use Ridge, which needs none."
    if features.width < components:
        raise ShapeError(f"{owner} of {components} components needs as many features; there are {features.width}. {way_out}")
    if len(features) <= components:
        raise ShapeError(
            f"{owner} of {components} components needs {components + 1} training stimuli or more; there are {len(features)}. {way_out}"
        )
    if rank < components:
        raise ShapeError(
            f"{owner} of {components} components needs features that vary in as many directions; "
            f"over the {len(features)} training stimuli they vary in {rank}. {way_out}"
        )
    return rank
