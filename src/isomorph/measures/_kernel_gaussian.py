"""The Gaussian kernel of a Gram matrix, and the units its width is given in."""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np

from isomorph.arrays import FloatArray
from isomorph.errors import InputError, ShapeError
from isomorph.geometry import Gram
from isomorph.measures._kernel import Kernel

SigmaUnit: TypeAlias = Literal["median", "absolute", "root-median"]


def check_sigma(sigma: float, unit: str, *, measure: str) -> None:
    """Refuse a width that is not above 0, or a unit of no name."""
    if not sigma > 0:
        raise InputError(f"{measure} needs a sigma above 0; got {sigma}.")
    if unit not in ("median", "absolute", "root-median"):
        raise InputError(f"{measure} measures sigma in 'median', 'absolute' or 'root-median'; got {unit!r}.")


def gaussian_kernel(x: Gram, sigma: float, unit: SigmaUnit, *, letter: str) -> Kernel:
    """exp(−|x_i − x_j|² / 2σ²), less 1 where the kernel is so wide that only this keeps its digits: centred, it is the same.

    Raises:
        ShapeError: The unit of σ is 0, because most stimuli of `letter` coincide.
    """
    squares = np.diagonal(x.centred)
    width = 2 * _width(x, sigma, unit, letter) ** 2
    gaussian = np.expm1 if width > 4 * squares.max() else np.exp

    def rows(part: slice) -> FloatArray:
        distances = squares[part, None] + squares - 2 * x.centred[part]
        return np.asarray(gaussian(np.maximum(distances, 0) / -width))

    return Kernel(len(x), rows)


def _width(x: Gram, sigma: float, unit: SigmaUnit, letter: str) -> float:
    if unit == "absolute":
        return sigma
    distances = x.rdm("sqeuclidean").values
    if unit == "median":
        one = float(np.median(np.sqrt(distances)))
    else:
        apart = distances[distances > 0]
        one = float(np.sqrt(np.median(apart))) if len(apart) else 0.0
    if not one > 0:
        raise ShapeError(f"the median distance between the stimuli of {letter} is 0, so that sigma has no unit. Use sigma_unit='absolute'.")
    return sigma * one
