"""Features and responses of the same stimuli, met by id where both have ids, and checked before anything is computed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from isomorph.arrays import FloatArray, as_floats, check_finite
from isomorph.encoding._centred_gram import CentredGram
from isomorph.encoding._responses import Responses, response_values
from isomorph.encoding._standardised import Standardised
from isomorph.errors import InputError, ShapeError
from isomorph.features import Features
from isomorph.geometry import Gram


@dataclass(frozen=True, eq=False)
class Paired:
    """Features `[stimulus, feature]` whose rows are those of the responses, or a Gram matrix of these stimuli and perhaps more."""

    features: FloatArray | Gram
    responses: Responses

    @classmethod
    def of(cls, x: Features | Gram | npt.ArrayLike, y: Features | npt.ArrayLike) -> Paired:
        """Rows in the order of the responses; without ids on both sides, rows meet by place.

        Raises:
            IdError: The features lack a stimulus of the responses.
            ShapeError: The numbers of rows differ, there are fewer than 3, or a unit is constant.
            NonFiniteError: Either holds NaN or infinity.
        """
        if isinstance(x, Gram):
            return cls._of_gram(x, y)
        if isinstance(x, Features) and isinstance(y, Features):
            x = x.take(y.ids)
        features = x.values if isinstance(x, Features) else as_floats(x, name="the features", ndim=2)
        _check_rows(features, response_values(y))
        responses = Responses.of(y, ids=x.ids if isinstance(x, Features) else None)
        check_finite(features, name="the feature matrix", ids=responses.ids)
        responses.check()
        return cls(features, responses)

    @classmethod
    def _of_gram(cls, x: Gram, y: Features | npt.ArrayLike) -> Paired:
        responses = Responses.of(y, ids=x.ids)
        if not isinstance(y, Features) and len(responses.values) != len(x):
            raise ShapeError(
                f"{x.name} has {len(x)} stimuli and the responses {len(responses.values)} rows without ids. "
                "Pass the responses as `Features`, so that rows meet by id."
            )
        check_finite(x.centred, name=x.name, ids=x.ids)
        responses.check()
        return cls(x, responses)

    def source(self, *, standardise: bool, width: float | None = None, dtype: np.dtype[np.floating] | None = None) -> Source:
        """What gives inner products of, and with, the training stimuli; float32 where all that is given is, unless `dtype` says.

        Raises:
            IdError: The Gram matrix lacks a stimulus of the responses.
            ShapeError: No feature varies.
            InputError: A Gram matrix was to be standardised.
        """
        if not isinstance(self.features, Gram):
            kind = dtype or np.result_type(self.features, self.responses.values)
            return Standardised.of(self.features, scaled=standardise, width=width, dtype=kind)
        if standardise:
            raise InputError(
                f"features can't be standardised once they are a Gram matrix ({self.features.name}). "
                "Pass standardise=False, or the features themselves."
            )
        return CentredGram.of(self.features, self.responses.ids or (), width=width, dtype=dtype or self.responses.values.dtype)


Source: TypeAlias = Standardised | CentredGram


def check_width(owner: str, width: float | None, *, standardise: bool) -> None:
    """Raise where Gram matrices can't be brought to the trace n · `width`."""
    if width is not None and standardise:
        raise InputError(f"{owner}.width is for features that are not standardised: pass standardise=False with it, or no width.")
    if width is not None and not 0 < width < math.inf:
        raise InputError(f"{owner}.width must be above 0, or None to leave the features as they are; got {width}.")


def _check_rows(x: FloatArray, y: FloatArray) -> None:
    if len(x) != len(y):
        shapes = f"the features have shape {x.shape} and the responses {y.shape}"
        if x.shape[0] == y.shape[1]:
            raise ShapeError(f"{shapes}: the responses look like [unit, stimulus]. Rows are stimuli: pass the responses transposed, y.T.")
        if x.shape[1] == y.shape[0]:
            raise ShapeError(f"{shapes}: the features look like [feature, stimulus]. Rows are stimuli: pass the features transposed, x.T.")
        raise ShapeError(f"{shapes}: both need one row for each stimulus. Pass both as `Features`, so that rows meet by id.")
    if not x.shape[1]:
        raise ShapeError("the features have no columns; there must be at least 1 feature.")
