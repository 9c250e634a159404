"""Multidimensional scaling: distances as points on a plane."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from isomorph.arrays import as_floats, check_finite
from isomorph.errors import InputError, ShapeError

Matrix = npt.NDArray[np.float64]


def classical_mds(distances: npt.NDArray[np.floating[Any]], *, dimensions: int = 2) -> Matrix:
    r"""Points whose scalar products come closest to those that the distances imply.

    $$B = -\tfrac12 J D^{\circ 2} J = V \Lambda V^\top, \qquad X = V_k \Lambda_k^{1/2}$$

    with $D$ the distances and $J$ the centring matrix. Distances between points in `dimensions` dimensions are recovered exactly,
    up to a rotation; otherwise large distances count most, and `smacof` improves the fit. Signs are fixed so that equal distances
    give equal points.

    Args:
        distances: `[point, point]`, symmetric, zero on the diagonal, at least 0.
        dimensions: How many coordinates each point gets.

    Returns:
        `[point, dimension]`, centred on 0; the first dimension has the largest spread.

    Raises:
        ShapeError: `distances` is not square.
        InputError: `distances` is not symmetric, or one is negative.
        NonFiniteError: A distance is NaN or infinite.

    References:
        Torgerson, 1952, Psychometrika 17, 401-419.

    Example:
        >>> corners = np.array([[0, 0], [0, 3], [4, 0]])
        >>> distances = np.linalg.norm(corners[:, None] - corners, axis=-1)
        >>> points = classical_mds(distances)
        >>> bool(np.allclose(np.linalg.norm(points[:, None] - points, axis=-1), distances))
        True
    """
    squared = _checked(distances) ** 2
    centred = squared - squared.mean(axis=0) - squared.mean(axis=1)[:, None] + squared.mean()
    values, vectors = np.linalg.eigh(-centred / 2)
    order = np.argsort(values)[::-1][:dimensions]
    points = np.zeros((len(squared), dimensions))
    points[:, : len(order)] = vectors[:, order] * np.sqrt(np.maximum(values[order], 0))
    strongest = points[np.abs(points).argmax(axis=0), np.arange(dimensions)]
    return np.asarray(points * np.where(strongest < 0, -1.0, 1.0), dtype=np.float64)


def smacof(
    distances: npt.NDArray[np.floating[Any]], *, dimensions: int = 2, iterations: int = 500, tolerance: float = 1e-9
) -> tuple[Matrix, float]:
    r"""Points whose distances come closest to the given ones, by majorization; and how badly they fit.

    $$\mathrm{stress}_1 = \sqrt{\frac{\sum_{i<j} (d_{ij} - \lVert x_i - x_j \rVert)^2}{\sum_{i<j} \lVert x_i - x_j \rVert^2}}$$

    0 is a perfect picture; below 0.1 is good, and above 0.2 single distances in the picture can mislead. Starts from `classical_mds`,
    so that nothing is random; it may end in a local optimum.

    Args:
        distances: `[point, point]`, symmetric, zero on the diagonal, at least 0.
        dimensions: How many coordinates each point gets.
        iterations: At most so many steps.
        tolerance: Stop when a step improves the stress by less.

    Returns:
        The points `[point, dimension]`, centred, along their principal axes; and the stress.

    Raises:
        ShapeError: `distances` is not square.
        InputError: `distances` is not symmetric, or one is negative.
        NonFiniteError: A distance is NaN or infinite.

    References:
        De Leeuw, 1977; Borg & Groenen, 2005, Modern Multidimensional Scaling, chapter 8.

    Example:
        >>> distances = np.ones((3, 3)) - np.eye(3)
        >>> points, stress = smacof(distances)
        >>> points.shape, round(stress, 6)
        ((3, 2), 0.0)
    """
    wanted = _checked(distances)
    points = classical_mds(wanted, dimensions=dimensions)
    stress = _stress(wanted, points)
    for _ in range(iterations):
        moved = _guttman(wanted, points)
        improved = _stress(wanted, moved)
        points, gain, stress = moved, stress - improved, improved
        if gain < tolerance:
            break
    return classical_mds(_between(points), dimensions=dimensions), stress


def _guttman(wanted: Matrix, points: Matrix) -> Matrix:
    found = _between(points)
    ratio = np.divide(wanted, found, out=np.zeros_like(wanted), where=found > 0)
    step = np.diag(ratio.sum(axis=1)) - ratio
    return np.asarray(step @ points / len(points), dtype=np.float64)


def _stress(wanted: Matrix, points: Matrix) -> float:
    found = _between(points)
    scale = float((found**2).sum())
    return float(np.sqrt(((wanted - found) ** 2).sum() / scale)) if scale > 0 else 0.0


def _between(points: Matrix) -> Matrix:
    return np.asarray(np.linalg.norm(points[:, None] - points, axis=-1), dtype=np.float64)


def _checked(distances: npt.NDArray[np.floating[Any]]) -> Matrix:
    matrix = as_floats(distances, name="distances", ndim=2).astype(np.float64)
    if matrix.shape[0] != matrix.shape[1]:
        raise ShapeError(f"distances must be square, [point, point]; got shape {matrix.shape}.")
    check_finite(matrix, name="distances")
    if not np.allclose(matrix, matrix.T):
        raise InputError(f"distances must be symmetric; two of a pair differ by up to {np.abs(matrix - matrix.T).max():.3g}.")
    if matrix.size and matrix.min() < 0:
        raise InputError(f"distances must be at least 0; the smallest is {matrix.min():.3g}.")
    return np.asarray((matrix + matrix.T) / 2, dtype=np.float64)
