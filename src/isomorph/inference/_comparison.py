"""How alike two condensed RDMs are: five comparisons, many against many."""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

import numpy as np

from isomorph.arrays import FloatArray, as_floats, check_finite
from isomorph.errors import ShapeError, UnknownNameError
from isomorph.inference._kendall import tau_a
from isomorph.inference._ranks import midranks

Comparison: TypeAlias = Literal["pearson", "spearman", "cosine", "tau-a", "rho-a"]
COMPARISONS: tuple[str, ...] = get_args(Comparison)


def check_comparison(comparison: str) -> None:
    """Raise `UnknownNameError` unless `comparison` is one of `COMPARISONS`."""
    if comparison not in COMPARISONS:
        raise UnknownNameError("comparison", comparison, COMPARISONS)


def compare_rdms(x: FloatArray, y: FloatArray, *, comparison: str = "pearson", x_name: str = "x", y_name: str = "y") -> FloatArray:
    r"""Compare every condensed RDM of `x` with every one of `y`.

    - `"pearson"`: the correlation of the distances. Its textbook p-value is void: distances depend on each other.
    - `"spearman"`: the correlation of their mid-ranks. Flatters RDMs with many ties, such as category models.
    - `"rho-a"`: \(12 \sum (r_x - \bar r)(r_y - \bar r) / (m^3 - m)\), Spearman's ρ expected when ties are broken at random; the fair
      choice when an RDM has ties (Schütt et al., 2023, <https://doi.org/10.7554/eLife.82566>).
    - `"tau-a"`: Kendall's \((C - D) / \binom m 2\); ties count as misses.
    - `"cosine"`: \(\langle x, y\rangle / (\lVert x\rVert \lVert y\rVert)\); for distances with a meaningful zero. All positive
      distances lie near 1.

    Args:
        x: `[x, pair]`.
        y: `[y, pair]`.
        comparison: One of the five.
        x_name: What a message calls an RDM of `x`.
        y_name: What a message calls an RDM of `y`.

    Returns:
        `[x, y]`, float64, −1 … 1.

    Raises:
        ShapeError: The RDMs have different numbers of pairs, or one is constant, so that a correlation is 0/0 (ρ_a and τ_a are 0 there).
        NonFiniteError: A distance is NaN or infinite.

    Example:
        >>> import numpy as np
        >>> x = np.array([[1.0, 2.0, 3.0]])
        >>> compare_rdms(x, np.array([[1.0, 3.0, 2.0]]), comparison="spearman").round(3).tolist()
        [[0.5]]
    """
    check_comparison(comparison)
    same = x is y
    x = check_rdms(x, name=x_name)
    y = x if same else check_rdms(y, name=y_name)
    if x.shape[1] != y.shape[1]:
        raise ShapeError(f"RDMs are compared pair by pair, but {x_name} has {x.shape[1]} pairs and {y_name} has {y.shape[1]}.")
    if comparison == "tau-a":
        return np.array([[float(tau_a(row, column)[0]) for column in y] for row in x])
    first = standardised(x, comparison, name=x_name)
    second = first if x is y else standardised(y, comparison, name=y_name)
    result = first @ second.T
    return result if comparison == "rho-a" else np.clip(result, -1, 1)


def check_rdms(rdms: FloatArray, *, name: str) -> FloatArray:
    """`rdms` as floats `[rdm, pair]`, all finite: among ranks a NaN would pass for the largest distance."""
    array = as_floats(rdms, name=name, ndim=2)
    check_finite(array, name=name, rows="RDMs")
    return array


def standardised(rdms: FloatArray, comparison: str, *, name: str = "an RDM") -> FloatArray:
    """Vectors `[rdm, pair]` whose inner products are the comparison, for every one but τ_a."""
    rows = midranks(rdms) if comparison in ("spearman", "rho-a") else rdms.astype(np.float64)
    if comparison != "cosine":
        rows = rows - rows.mean(axis=1, keepdims=True)
    if comparison == "rho-a":
        m = float(rows.shape[1])
        return np.asarray(rows * np.sqrt(12 / (m**3 - m)))
    norms = np.sqrt(np.einsum("rp,rp->r", rows, rows))
    floor = 1e-14 * np.abs(rdms).max(axis=1, initial=0.0) * np.sqrt(rdms.shape[1])
    flat = np.flatnonzero(norms <= floor)
    if len(flat):
        which = f"{name}" if len(rdms) == 1 else f"{name} number {int(flat[0])}"
        raise ShapeError(f"{which} has the same distance between all its stimuli, so that its {comparison} comparison is 0/0.")
    return np.asarray(rows / norms[:, None])
