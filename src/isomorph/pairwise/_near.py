"""Nearest neighbours of all things, as lists; the measures that follow from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from isomorph.arrays import FloatArray
from isomorph.errors import ShapeError
from isomorph.pairwise._arithmetic import Arithmetic
from isomorph.pairwise._collect import Tensors
from isomorph.pairwise._recipe import Recipe
from isomorph.pairwise._relations import Relations

_TIE = {"float32": 3e-7, "float64": 1e-12}
"""Likenesses closer than this share of the largest are the same number, told apart by rounding alone."""

_FIELDS = ("thing", "row", "column", "member", "value")


class Near:
    """The k nearest of each row, with how far they belong to them: those that tie for the last places share them evenly.

    Args:
        pieces: Where the lists are kept.
        relations: The view; distances are turned into likenesses.
        k: How many.
        arithmetic: The device.
    """

    masked = False

    def __init__(self, pieces: Tensors, relations: Relations, k: int, arithmetic: Arithmetic) -> None:
        self._pieces, self._key, self._k, self._arithmetic = pieces, f"{relations.view.key}/near {k}", k, arithmetic
        self._sign = 1.0 if relations.view.kind in ("linear", "dot") else -1.0
        self._offset = 0 * relations.offset if self._sign > 0 else 1 - relations.offset
        self._tie = _TIE[arithmetic.dtype.name]
        self._lists: list[tuple[npt.NDArray[Any], ...]] = []

    def add(self, rows: slice, first: int, block: Any) -> None:
        """Take the nearest of the block's rows; it holds all columns."""
        host = block if self._arithmetic.xp is np else block.cpu().numpy()
        n = host.shape[2]
        own = np.arange(rows.stop - rows.start), np.arange(rows.start, rows.stop)
        for thing, each in enumerate(host):
            alike = each * self._sign
            alike[own] = -np.inf
            border = np.partition(alike, n - self._k, axis=1)[:, n - self._k, None]
            slack = self._tie * np.maximum(np.abs(alike.max(axis=1, keepdims=True)), 1 if self._sign < 0 else 0)
            row, column = np.nonzero(alike >= border - slack)
            value = alike[row, column].astype(np.float64)
            sure = value > (border + slack)[row, 0]
            above = np.bincount(row, weights=sure, minlength=len(alike))
            ties = np.bincount(row, minlength=len(alike)) - above
            member = np.where(sure, 1.0, ((self._k - above) / ties)[row])
            places = np.full(len(row), thing, np.int32), (row + rows.start).astype(np.int32), column.astype(np.int32)
            self._lists.append((*places, member, value + self._offset[thing]))

    def close(self) -> None:
        """Keep the lists as one piece, named by its first row."""
        if self._lists:
            start = int(self._lists[0][1].min())
            for name, each in zip(_FIELDS, zip(*self._lists, strict=True), strict=True):
                self._pieces[f"{self._key}/{start}/{name}"] = np.concatenate(each)


def near_values(recipe: Recipe, pieces: Mapping[str, npt.NDArray[Any]], names: Sequence[str], n: int) -> FloatArray:
    """Mutual k-NN, Jaccard's index or CKNNA of all pairs, `[thing, thing]`.

    Raises:
        ShapeError: All stimuli of a thing are equally alike, or its own CKNNA term is not above 0.
    """
    members, kernels = _matrices(recipe, pieces, len(names), n)
    for name, each in zip(names, members, strict=True):
        if each.nnz == n * (n - 1) and recipe.k < n - 1 and np.ptp(each.data) == 0:
            raise ShapeError(f"all stimuli of {name!r} are equally alike, so that none is nearer than another. Leave {name!r} out.")
    if recipe.statistic == "cknna":
        return _cknna(recipe, members, kernels, names, n)
    result = np.empty((len(names), len(names)))
    for a in range(len(names)):
        for b in range(a, len(names)):
            common = np.asarray(members[a].minimum(members[b]).sum(axis=1)).ravel()
            share = common / recipe.k if recipe.statistic == "mutual-knn" else common / (2 * recipe.k - common)
            result[a, b] = result[b, a] = min(float(share.mean()), 1.0)
    return result


def _matrices(recipe: Recipe, pieces: Mapping[str, npt.NDArray[Any]], things: int, n: int) -> tuple[list[Any], list[Any]]:
    from scipy.sparse import csr_array

    prefix = f"{recipe.view.key}/near {recipe.k}/"
    starts = sorted({key.removeprefix(prefix).partition("/")[0] for key in pieces if key.startswith(prefix)}, key=int)
    thing, row, column, member, value = (np.concatenate([pieces[f"{prefix}{start}/{name}"] for start in starts]) for name in _FIELDS)
    members, kernels = [], []
    for index in range(things):
        own = thing == index
        places = (row[own], column[own])
        members.append(csr_array((member[own], places), shape=(n, n)))
        kernels.append(csr_array((value[own], places), shape=(n, n)))
    return members, kernels


def _cknna(recipe: Recipe, members: Sequence[Any], kernels: Sequence[Any], names: Sequence[str], n: int) -> FloatArray:
    masks = [each.multiply(each.T.tocsr()).tocsr() if recipe.mutual else each for each in members]
    own = [_hsic(mask.multiply(kernel), mask.multiply(kernel), n) for mask, kernel in zip(masks, kernels, strict=True)]
    for name, value in zip(names, own, strict=True):
        if not value > 0:
            raise ShapeError(
                f"the HSIC of {name!r} with itself among its {recipe.k} nearest neighbours is {value:.3g}, which has no root to divide by. "
                "Use a larger k, or mask='mutual'."
            )
    result = np.empty((len(names), len(names)))
    for a, b in np.ndindex(result.shape):
        mask = masks[a].multiply(masks[b])
        result[a, b] = _hsic(mask.multiply(kernels[a]), mask.multiply(kernels[b]), n) / np.sqrt(own[a] * own[b])
    return result


def _hsic(k: Any, l: Any, n: int) -> float:  # noqa: E741
    """Song's HSIC of two sparse matrices that need not be symmetric, with zeros on their diagonals."""
    rows, columns = np.asarray(l.sum(axis=1)).ravel(), np.asarray(k.sum(axis=0)).ravel()
    total = k.multiply(l.T).sum() + k.sum() * l.sum() / ((n - 1) * (n - 2)) - 2 * (columns @ rows) / (n - 2)
    return float(total / (n * (n - 3)))
