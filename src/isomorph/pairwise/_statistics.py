"""Values, and their jack-knife over stimuli, from the sums that were collected."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from isomorph.arrays import FloatArray
from isomorph.errors import ShapeError
from isomorph.pairwise._recipe import ESTIMATORS, Recipe

_NOISE = {"float32": 3e-7, "float64": 1e-14}
"""A self term below this share of the terms that it is the difference of is rounding."""


@dataclass(frozen=True, eq=False)
class Sums:
    """What was collected of one view.

    Attributes:
        products: Σ k_ij l_ij over ordered pairs i ≠ j, `[thing, thing]`.
        rows: Σ_j k_ij without the diagonal, `[thing, stimulus]`.
        diagonal: k_ii, `[thing, stimulus]`.
        offset: What was taken from every distance, `[thing]`.
        scale: What the features were divided by, `[thing]`.
        by_row: Σ_j k_ij l_ij, `[pair, stimulus]` (upper triangle of things with the diagonal); None without a jack-knife.
    """

    products: FloatArray
    rows: FloatArray
    diagonal: FloatArray
    offset: FloatArray
    scale: FloatArray
    by_row: FloatArray | None

    @classmethod
    def of(cls, key: str, sums: Mapping[str, npt.NDArray[Any]], facts: Mapping[str, npt.NDArray[Any]]) -> Sums:
        """Those of the view that is called `key`."""
        diagonal = facts[f"{key}/diagonal"]
        by_row = sums.get(f"{key}/row products")
        if by_row is None:
            products = sums[f"{key}/products"]
        else:
            upper = np.triu_indices(len(diagonal))
            products = np.empty((len(diagonal), len(diagonal)))
            products[upper] = products.T[upper] = by_row.sum(axis=1)
        rows = facts[f"{key}/rows"] if f"{key}/rows" in facts else sums[f"{key}/rows"]
        return cls(products, rows, diagonal, facts[f"{key}/offset"], facts[f"{key}/scale"], by_row)


def values(recipe: Recipe, sums: Sums, *, names: tuple[str, ...], precision: str) -> FloatArray:
    """The statistic `[thing, thing]`.

    Raises:
        ShapeError: A thing's own term is 0, so that every value with it is 0/0.
    """
    products, size = _products(recipe.statistic, sums)
    if recipe.form == "plain":
        return np.asarray(products * _units(recipe, sums, sums.rows.shape[1]))
    own = np.diagonal(products)
    flat = np.flatnonzero(~(own > _NOISE[precision] * np.diagonal(size)))
    if len(flat):
        why = "" if recipe.statistic == "biased" else ", or holds all of them equally far apart"
        why += ", or does not at this sigma" if recipe.view.kind == "rbf" else ""
        more = f" So {'do' if len(flat) > 2 else 'does'} {len(flat) - 1} more." if len(flat) > 1 else ""
        raise ShapeError(
            f"{names[flat[0]]!r} does not vary over its stimuli{why} (to the precision of {precision}), so that {recipe.label} is "
            f"0/0.{more} Leave it out."
        )
    lengths = np.sqrt(own)
    cosines = np.clip((products + products.T) / 2 / np.outer(lengths, lengths), 0.0 if recipe.statistic == "biased" else -1.0, 1.0)
    np.fill_diagonal(cosines, 1.0)
    return np.asarray(np.arccos(cosines) if recipe.form == "angle" else cosines)


def standard_errors(recipe: Recipe, sums: Sums) -> FloatArray:
    r"""The jack-knife standard error `[thing, thing]`: \(\sqrt{(n - 1) / n \cdot \sum_i (\theta_{-i} - \bar\theta)^2}\), exactly.

    NaN where leaving one stimulus out leaves too few, or nothing that varies.
    """
    things, n = sums.rows.shape
    result = np.full((things, things), np.nan)
    if n < (5 if recipe.statistic == "song" else 4):
        return result
    pairs = {pair: place for place, pair in enumerate(zip(*(each.tolist() for each in np.triu_indices(things)), strict=True))}
    own = [_without_one(recipe.statistic, sums, pairs[each, each], each, each) for each in range(things)]
    units = _units(recipe, sums, n - 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        for (a, b), place in pairs.items():
            left = _without_one(recipe.statistic, sums, place, a, b)
            left = left * units[a, b] if recipe.form == "plain" else left / np.sqrt(own[a]) / np.sqrt(own[b])
            if recipe.form == "angle":
                left = np.arccos(np.clip(left, 0, 1))
            result[a, b] = result[b, a] = np.sqrt((n - 1) / n * np.square(left - left.mean()).sum())
    if recipe.form != "plain":
        np.fill_diagonal(result, 0.0)  # a thing is always 1 with itself
    return result


def has_jackknife(recipe: Recipe) -> bool:
    """Whether leaving one stimulus out follows from the sums."""
    return recipe.statistic in ("song", "biased", "pearson", "cosine")


def _units(recipe: Recipe, sums: Sums, n: int) -> FloatArray:
    """What brings an HSIC of `n` scaled stimuli to the units of the features."""
    terms = (n - 1) ** 2 if recipe.statistic == "biased" else n * (n - 3)
    return np.asarray(np.outer(sums.scale, sums.scale) ** 2 / terms)


def _products(statistic: str, sums: Sums) -> tuple[FloatArray, FloatArray]:
    """The numerators `[thing, thing]`, and the size of the terms that they are the difference of."""
    n = sums.rows.shape[1]
    total = sums.rows.sum(axis=1)
    if statistic in ESTIMATORS:
        return _song(sums, total, n) if statistic == "song" else _biased(sums, total, n, lange=statistic == "lange")
    pairs = n * (n - 1)
    if statistic == "cosine":
        c = sums.offset
        result = sums.products + np.outer(c, total) + np.outer(total, c) + pairs * np.outer(c, c)
        return result, np.abs(sums.products) + pairs * np.outer(c, c)
    mean = np.outer(total, total) / pairs
    raw = pairs * np.outer(sums.offset, sums.offset)
    return sums.products - mean, np.abs(sums.products) + np.abs(mean) + 1e-6 * np.abs(raw)


def _song(sums: Sums, total: FloatArray, n: int) -> tuple[FloatArray, FloatArray]:
    margins = 2 / (n - 2) * sums.rows @ sums.rows.T
    means = np.outer(total, total) / ((n - 1) * (n - 2))
    return sums.products + means - margins, np.abs(sums.products) + np.abs(means) + np.abs(margins)


def _biased(sums: Sums, total: FloatArray, n: int, *, lange: bool) -> tuple[FloatArray, FloatArray]:
    whole, trace = sums.rows + sums.diagonal, total + sums.diagonal.sum(axis=1)
    products = sums.products + sums.diagonal @ sums.diagonal.T
    margins, means = 2 / n * whole @ whole.T, np.outer(trace, trace) / n**2
    size = np.abs(products) + np.abs(margins) + np.abs(means)
    result = products - margins + means
    if lange:  # without the diagonal of the centred kernel
        centred = sums.diagonal - 2 / n * whole + trace[:, None] / n**2
        result = result - centred @ centred.T
    return result, size


def _without_one(statistic: str, sums: Sums, pair: int, a: int, b: int) -> FloatArray:
    """The numerator with each stimulus left out in turn, `[stimulus]`.

    HSIC's relations have rows that sum to 0 (`View.centring`), and then all that a stimulus takes with it is its row of products:
    of the U-centred kernel P − 2 q_i (n − 2)/(n − 3), up to a factor that all three terms share.
    """
    q, n = np.asarray(sums.by_row)[pair], sums.rows.shape[1]
    total = q.sum()
    if statistic == "song":
        return np.asarray(total - 2 * q * (n - 2) / max(n - 3, 1))
    if statistic == "biased":
        own = sums.diagonal[a] * sums.diagonal[b]
        whole = q + own
        return np.asarray(whole.sum() - 2 * whole + own - 2 / (n - 1) * (whole - own) + own / (n - 1) ** 2)
    pairs = (n - 1) * (n - 2)
    x, y = (sums.rows[each].sum() - 2 * sums.rows[each] for each in (a, b))
    if statistic == "cosine":
        c, d = sums.offset[a], sums.offset[b]
        return np.asarray(total - 2 * q + c * y + d * x + pairs * c * d)
    return np.asarray(total - 2 * q - x * y / max(pairs, 1))
