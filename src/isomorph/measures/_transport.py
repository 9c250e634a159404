"""The best way to share out units of two systems with each other."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from isomorph.arrays import FloatArray, IntArray
from isomorph.errors import InputError

_REPEATS = 4
_START = 4
_ROUNDS = 60
_TOLERANCE = 1e-11


def transport(gain: FloatArray) -> float:
    r"""The largest \(\sum_{ij} P_{ij}\, \mathrm{gain}_{ij}\) over couplings P ≥ 0 with uniform marginals: rows sum to 1/p, columns to 1/q.

    Exact. A coupling at a corner of the polytope is an assignment of units that are repeated until both have as many; where that is at
    most four times the larger, it is found so. Elsewhere the linear program starts with the most promising arcs and adds those whose
    reduced cost says that they would help, until none does.

    Args:
        gain: `[p, q]`.
    """
    from scipy.optimize import linear_sum_assignment

    p, q = gain.shape
    if p > q:
        gain, p, q = gain.T, q, p
    size = math.lcm(p, q)
    if size <= _REPEATS * q:
        repeated = np.repeat(np.repeat(gain, size // p, axis=0), size // q, axis=1)
        rows, columns = linear_sum_assignment(repeated, maximize=True)
        return float(repeated[rows, columns].mean())
    return _by_columns(np.ascontiguousarray(gain))


def _by_columns(gain: FloatArray) -> float:
    p, q = gain.shape
    scale = float(np.abs(gain).max()) or 1.0
    scaled = gain / scale
    chosen = _promising(scaled)
    for _ in range(_ROUNDS):
        arcs = np.flatnonzero(chosen)
        value, prices = _solve(scaled, arcs)
        reduced = scaled - prices[:p, None] - prices[p:]
        reduced.ravel()[arcs] = -np.inf
        helpful = reduced > _TOLERANCE
        if not helpful.any():
            return float(value * scale / (p * q))
        best = np.argsort(reduced, axis=None)[::-1][: 4 * (p + q)]
        chosen.ravel()[best[helpful.ravel()[best]]] = True
    raise InputError(f"no optimal coupling of {p} and {q} units was found in {_ROUNDS} rounds.")


def _promising(gain: FloatArray) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    """The largest gains of each row and column, and the staircase of arcs that can always carry everything."""
    p, q = gain.shape
    chosen = np.zeros((p, q), dtype=bool)
    k = min(_START, p, q)
    np.put_along_axis(chosen, np.argpartition(-gain, k - 1, axis=1)[:, :k], True, axis=1)
    np.put_along_axis(chosen, np.argpartition(-gain, k - 1, axis=0)[:k], True, axis=0)
    row = column = 0
    while row < p and column < q:
        chosen[row, column] = True
        filled_rows, filled_columns = (row + 1) * q, (column + 1) * p
        row, column = row + (filled_rows <= filled_columns), column + (filled_columns <= filled_rows)
    return chosen


def _solve(gain: FloatArray, arcs: IntArray) -> tuple[float, FloatArray]:
    """The value and the prices of rows and columns over these arcs alone, where each row sends q and each column takes p."""
    from scipy.optimize import linprog
    from scipy.sparse import csr_matrix

    p, q = gain.shape
    rows, columns = np.divmod(arcs, q)
    many = np.arange(len(arcs))
    ends = np.concatenate([rows, p + columns])
    flows: Any = csr_matrix((np.ones(2 * len(arcs)), (ends, np.concatenate([many, many]))), shape=(p + q, len(arcs)))
    options: Any = {"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10}
    supplies = np.concatenate([np.full(p, float(q)), np.full(q, float(p))])
    done: Any = linprog(-gain.ravel()[arcs], A_eq=flows, b_eq=supplies, bounds=(0, None), method="highs-ds", options=options)
    if not done.success:
        raise InputError(f"the optimal coupling of {p} and {q} units was not found: {done.message}")
    return -float(done.fun), -np.asarray(done.eqlin.marginals)
