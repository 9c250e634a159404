"""Similarities of the three pairs of every trial, from one matrix or by gathering rows."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from isomorph.arrays import FloatArray, IntArray, check_finite
from isomorph.engine import parse_bytes
from isomorph.errors import InputError, ShapeError
from isomorph.features import Features
from isomorph.geometry import RDM, Gram
from isomorph.judgments._blocks import cores, for_blocks
from isomorph.judgments._join import rows_of_objects
from isomorph.judgments._triplets import PAIRS, Triplets

Similarity = Literal["dot", "cosine", "centred-cosine", "euclidean"]
Centring = Literal["stimuli", "features", "scalar"]
SIMILARITIES, CENTRINGS = get_args(Similarity), get_args(Centring)

_ALWAYS_MATRIX = 4096  # objects: 134 MB
_ROWS_A_TILE, _TRIALS_A_GATHER = 128, 512


def pair_similarities(
    x: Features | Gram | RDM,
    triplets: Triplets,
    *,
    similarity: Similarity | Callable[[FloatArray], FloatArray] = "dot",
    centring: Centring = "stimuli",
    memory_limit: str | int = "2GB",
    positional: bool = False,
) -> FloatArray:
    r"""`[trial, 3]`: how alike the pairs 01, 02, 12 of every trial are.

    Of the rows \(x_i\), \(x_j\) a similarity is:

    - `"dot"`: \(x_i \cdot x_j\)
    - `"cosine"`: the dot product of rows of unit length
    - `"centred-cosine"`: the cosine after a mean is taken away
    - `"euclidean"`: \(-\lVert x_i - x_j \rVert\)

    Up to a few thousand objects, or where trials are many, one matrix of all similarities (float64) is looked up; else rows are
    gathered in tiles, in the features' own precision, so that memory stays bounded by the features and the answer.

    Args:
        x: Features, their Gram matrix, or an RDM (then the similarity is minus the dissimilarity, and `similarity` is not used).
        triplets: The judgments; their objects are found in `x` by id.
        similarity: One of the four, or a kernel of your own: a function from `[object, feature]` to `[object, object]`.
        centring: Which mean a centred cosine takes away: over `"stimuli"` (all rows of `x`, feature by feature), over `"features"` (each
            row's own mean: a Pearson correlation) or `"scalar"` (one mean of the whole matrix). Results differ visibly.
        memory_limit: The most memory that the matrix of similarities may take.
        positional: Join by position instead of by id.

    Raises:
        IdError: A trial shows an object that `x` lacks.
        NonFiniteError: `x` holds NaN or infinity.
        ShapeError: A cosine is asked of an object of length 0; the message names it.
    """
    _check_options(similarity, centring)
    rows = rows_of_objects(x.ids, triplets, name=_name(x), positional=positional)
    shown = np.flatnonzero(triplets.shown)
    place = np.zeros(len(rows), dtype=np.int32)
    place[shown] = np.arange(len(shown))
    is_matrix_cheaper = _is_matrix_cheaper(len(shown), len(triplets), parse_bytes(memory_limit))
    if isinstance(x, Features) and isinstance(similarity, str) and not is_matrix_cheaper:
        check_finite(x.values, name=_name(x), ids=x.ids)
        return _gathered(x, rows, triplets.items, similarity, centring).T
    matrix = matrix_of_similarities(x, rows[shown], similarity, centring)
    return _looked_up(np.ascontiguousarray(matrix), place, triplets.items).T


def matrix_of_similarities(
    x: Features | Gram | RDM, rows: npt.NDArray[np.intp], similarity: Similarity | Callable[[FloatArray], FloatArray], centring: Centring
) -> FloatArray:
    """`[row, row]`: how alike the objects in `rows` of `x` are."""
    _check_options(similarity, centring)
    if isinstance(x, RDM):
        return np.asarray(-x.square()[np.ix_(rows, rows)])
    if isinstance(x, Gram):
        return _of_gram(x, rows, similarity, centring)
    check_finite(x.values, name=_name(x), ids=x.ids)
    return _of_features(x, rows, similarity, centring)


def _name(x: Features | Gram | RDM) -> str:
    return repr(x.subject or x.layer) if x.subject or x.layer else "features"


def _check_options(similarity: Any, centring: str) -> None:
    if not callable(similarity) and similarity not in SIMILARITIES:
        raise InputError(f"the similarity is one of {', '.join(map(repr, SIMILARITIES))} or a function; got {similarity!r}.")
    if centring not in CENTRINGS:
        raise InputError(f"the centring is one of {', '.join(map(repr, CENTRINGS))}; got {centring!r}.")


def _is_matrix_cheaper(objects: int, trials: int, limit: int) -> bool:
    """A multiply-add of a product takes about a twentieth of one on gathered rows."""
    return objects <= _ALWAYS_MATRIX or (objects**2 <= 60 * trials and 24 * objects**2 <= limit)


def _of_features(x: Features, rows: npt.NDArray[np.intp], similarity: Any, centring: str) -> FloatArray:
    if callable(similarity):
        matrix = np.asarray(similarity(x.values[rows]), dtype=np.float64)
        if matrix.shape != (len(rows), len(rows)):
            raise ShapeError(f"the similarity function gave shape {matrix.shape} for {len(rows)} objects; it must give one value a pair.")
        return matrix
    values = np.asarray(x.values[rows], dtype=np.float64)
    if similarity == "euclidean":
        values -= values[:1].copy()  # takes a large offset away, and keeps whole numbers (hence ties) exact, as a mean would not
    elif similarity == "centred-cosine" and centring == "stimuli":
        values -= x.values.mean(axis=0, dtype=np.float64)
    elif similarity == "centred-cosine":
        values -= x.values.mean(dtype=np.float64) if centring == "scalar" else values.mean(axis=1, keepdims=True)
    return _finished(values @ values.T, similarity, [x.ids[row] for row in rows])


def _of_gram(x: Gram, rows: npt.NDArray[np.intp], similarity: Any, centring: str) -> FloatArray:
    if callable(similarity):
        raise InputError("a similarity function needs the features themselves, not their Gram matrix.")
    at = np.ix_(rows, rows)
    if similarity in ("dot", "cosine"):
        products = x.raw()[at]
    elif similarity == "euclidean" or centring == "stimuli":
        products = x.centred[at]
    else:
        sums = x.row_sums[rows]
        mean = x.row_sums.mean() / x.width
        shift = np.add.outer(sums, sums) * mean - x.width * mean**2 if centring == "scalar" else np.outer(sums, sums) / x.width
        products = x.raw()[at] - shift
    return _finished(products, similarity, [x.ids[row] for row in rows])


def _finished(products: FloatArray, similarity: str, ids: list[str]) -> FloatArray:
    """Inner products as similarities."""
    if similarity == "dot":
        return products
    squares = np.diagonal(products).copy()
    if similarity == "euclidean":
        distances = np.maximum(squares[:, None] + squares - 2 * products, 0)
        return np.asarray(-np.sqrt(distances))
    lengths = _lengths(squares, ids, similarity)
    return np.asarray(products / (lengths[:, None] * lengths))


def _lengths(squares: FloatArray, ids: list[str], similarity: str) -> FloatArray:
    short = np.flatnonzero(squares <= 1e-24 * squares.max(initial=0))
    if len(short):
        after = " after centring" if similarity == "centred-cosine" else ""
        raise ShapeError(
            f"a cosine needs rows of some length, but {len(short)} objects have length 0{after}; the first is {ids[int(short[0])]!r}. "
            "Leave them out, or use similarity='dot' or 'euclidean'."
        )
    return np.asarray(np.sqrt(squares))


def _looked_up(matrix: FloatArray, place: IntArray, items: IntArray) -> FloatArray:
    out = np.empty((3, len(items)))
    flat, n = matrix.ravel(), len(matrix)

    def work(at: slice) -> None:
        block = place[items[at].T].astype(np.intp)
        for pair, (one, other) in enumerate(PAIRS):
            flat.take(block[one] * n + block[other], out=out[pair, at], mode="clip")

    for_blocks(len(items), work)
    return out


def _gathered(x: Features, rows: npt.NDArray[np.intp], items: IntArray, similarity: str, centring: str) -> FloatArray:
    """Dot products of gathered rows; trials whose first two objects lie near each other are done together, for the cache."""
    tiles = len(x) // _ROWS_A_TILE + 1
    at = rows.astype(np.int32)[items]
    order = np.argsort((at[:, 0] // _ROWS_A_TILE) * np.int64(tiles) + at[:, 1] // _ROWS_A_TILE)
    at = at[order]
    gather, found = _Gather(x, similarity, centring), np.empty((3, len(items)), dtype=x.values.dtype)
    edges = np.linspace(0, len(items), cores() + 1).astype(int)
    with ThreadPoolExecutor(cores()) as pool:
        list(pool.map(lambda one: gather.run(at[one], found[:, one]), map(slice, edges[:-1], edges[1:])))
    out = np.empty_like(found)
    out[:, order] = found
    return out


class _Gather:
    """What a block of gathered rows goes through, on its own buffers."""

    def __init__(self, x: Features, similarity: str, centring: str) -> None:
        self.values, self.similarity = x.values, similarity
        self.shift: FloatArray | None = None
        if similarity == "centred-cosine" and centring != "features":
            self.shift = np.asarray(x.values.mean(axis=0 if centring == "stimuli" else None, dtype=np.float64), dtype=x.values.dtype)
        self.own_mean = similarity == "centred-cosine" and centring == "features"
        self.lengths = None if "cosine" not in similarity else self._lengths(x)

    def _lengths(self, x: Features) -> FloatArray:
        squares = np.empty(len(x), dtype=np.float64)
        for start in range(0, len(x), 4096):
            block = self._shifted(np.array(x.values[start : start + 4096]))
            squares[start : start + 4096] = np.einsum("ij,ij->i", block, block, dtype=np.float64)
        return _lengths(squares, list(x.ids), self.similarity).astype(x.values.dtype)

    def _shifted(self, block: FloatArray) -> FloatArray:
        if self.shift is not None:
            block -= self.shift
        elif self.own_mean:
            block -= block.mean(axis=1, keepdims=True)
        return block

    def run(self, at: IntArray, out: FloatArray) -> None:
        """Fill `out` `[pair, trial]` from rows `at` `[trial, 3]`."""
        buffers = np.empty((3, _TRIALS_A_GATHER, self.values.shape[1]), dtype=self.values.dtype)
        for start in range(0, len(at), _TRIALS_A_GATHER):
            block = at[start : start + _TRIALS_A_GATHER]
            stop = start + len(block)
            parts = [
                self._shifted(np.take(self.values, block[:, column], axis=0, out=buffers[column, : len(block)], mode="clip"))
                for column in range(3)
            ]
            for pair, (one, other) in enumerate(PAIRS):
                if self.similarity == "euclidean":
                    difference = parts[one] - parts[other]
                    np.negative(np.sqrt(np.einsum("ij,ij->i", difference, difference)), out=out[pair, start:stop])
                    continue
                # as 1 × 1 matrix products, which take half the time of einsum
                np.matmul(parts[one][:, None, :], parts[other][:, :, None], out=out[pair, start:stop, None, None])
                if self.lengths is not None:
                    out[pair, start:stop] /= self.lengths[block[:, one]] * self.lengths[block[:, other]]
