"""Least squares and restricted maximum likelihood with random intercepts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from isomorph.arrays import FloatArray
from isomorph.errors import InputError, ShapeError

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class MixedFit:
    """What `fit_mixed` returns.

    Attributes:
        coefficients: `[column]`.
        covariance: `[column, column]`, of the coefficients.
        residual: The variance within.
        variances: The variance of each random intercept.
        criterion: −2 times the restricted log likelihood.
    """

    coefficients: FloatArray
    covariance: FloatArray
    residual: float
    variances: FloatArray
    criterion: float


def fit_mixed(y: FloatArray, x: FloatArray, groups: Sequence[Sequence[Any]] = ()) -> MixedFit:
    r"""Fit \(y = X \beta + \sum_k Z_k u_k + e\) with \(u_k \sim N(0, \tau_k I)\), \(e \sim N(0, \sigma^2 I)\), by REML.

    With \(V = I + \sum_k (\tau_k / \sigma^2) Z_k Z_k^\top\), the profiled criterion

    $$(n - p) \log \sigma^2 + \log |V| + \log |X^\top V^{-1} X| + (n - p)(1 + \log 2 \pi)$$

    is made least over the ratios, which may be 0. Without groups this is ordinary least squares.

    Args:
        y: `[row]`.
        x: `[row, column]`, of full rank.
        groups: Of each random intercept the group of every row.
    """
    parts = [_indicators(each) for each in groups]
    if not parts:
        return _Profile(y, x, np.zeros((len(y), 0)), np.zeros(0, dtype=int)).at(np.zeros(0))
    profile = _Profile(y, x, np.hstack(parts), np.repeat(np.arange(len(parts)), [each.shape[1] for each in parts]))
    from scipy.optimize import minimize

    # Over the square roots of the ratios, where 0 is no edge; from two starts, because likelihoods of few groups can have two peaks.
    options: Any = {"xatol": 1e-8, "fatol": 1e-11, "maxiter": 1000}

    def criterion(roots: npt.NDArray[np.float64]) -> float:
        return profile.at(roots).criterion

    starts = [np.full(len(parts), each, dtype=np.float64) for each in (0.2, 2.0)]
    tries = [minimize(criterion, start, method="Nelder-Mead", options=options) for start in starts]
    return profile.at(min(tries, key=lambda each: float(each.fun)).x)


def mixed_contrast(rows: pd.DataFrame, *, hold: Sequence[str], random: bool, level: float) -> dict[str, Any]:
    """The factor's effect with the held columns as additive effects; random intercepts of subjects and, where they repeat, units.

    The t test has as many degrees of freedom as there are units, less the fixed effects: units, not their rows, were chosen.
    """
    from scipy.stats import t

    if not random:
        rows = rows.groupby(["_unit", "_first", *hold], sort=False)["_score"].mean().reset_index()
    x, dropped = _design(rows, hold)
    units, subjects = rows["_unit"].nunique(), rows["_subject"].nunique() if random else 1
    if random and subjects < 2:
        raise InputError("method='mixed' needs scores of 2 or more subjects, in a column 'subject'; use method='ols' for one.")
    groups = [rows[name].tolist() for name in ("_subject", "_unit") if rows[name].duplicated().any()] if random else []
    degrees = units - x.shape[1]
    if degrees < 1:
        raise ShapeError(f"{units} units are too few for {x.shape[1]} fixed effects; hold fewer columns.")
    fit = fit_mixed(rows["_score"].to_numpy(dtype=float), x, groups)
    error = float(np.sqrt(fit.covariance[1, 1]))
    effect, reach = float(fit.coefficients[1]), float(t.ppf((1 + level) / 2, degrees)) * error
    p = 2 * float(t.sf(abs(effect) / error, degrees)) if error > 0 else float(effect == 0)
    return {"difference": effect, "low": effect - reach, "high": effect + reach, "p": p, "test": f"t({degrees})", "dropped": dropped}


def _design(rows: pd.DataFrame, hold: Sequence[str]) -> tuple[FloatArray, tuple[str, ...]]:
    """Intercept, factor, and a column for each further value of what is held; those that others already tell are dropped.

    Raises:
        InputError: What is held tells the factor, so that its effect can't be had.
    """
    columns, dropped = [np.ones(len(rows))], []
    values = [(f"{name} {value!r}", (rows[name] == value).to_numpy(dtype=float)) for name in hold for value in sorted(set(rows[name]))[1:]]
    for name, column in values:
        if np.linalg.matrix_rank(np.column_stack([*columns, column])) > len(columns):
            columns.append(column)
        else:
            dropped.append(name)
    x = np.column_stack([columns[0], rows["_first"].to_numpy(dtype=float), *columns[1:]])
    if np.linalg.matrix_rank(x) < x.shape[1]:
        raise InputError(f"what is held ({', '.join(hold)}) already tells the two levels apart; hold fewer columns.")
    return x, tuple(dropped)


def _indicators(groups: Sequence[Any]) -> FloatArray:
    """`[row, group]`: 1 where the row is of the group."""
    names = np.asarray([str(each) for each in groups])
    return np.asarray(names[:, None] == np.unique(names), dtype=np.float64)


class _Profile:
    r"""The criterion for given ratios, from products that are made once: \(V^{-1}\) comes from a matrix of groups × groups."""

    def __init__(self, y: FloatArray, x: FloatArray, z: FloatArray, which: npt.NDArray[np.integer]) -> None:
        self.x, self.which = x, which
        self.start = np.linalg.lstsq(x, y, rcond=None)[0]
        both = np.column_stack([x, y - x @ self.start])
        self.both, self.grouped, self.groups = both.T @ both, z.T @ both, z.T @ z

    def at(self, roots: FloatArray) -> MixedFit:
        r"""Generalised least squares for these square roots of \(\tau_k / \sigma^2\)."""
        n, p = self.x.shape
        scale = np.abs(np.asarray(roots))[self.which]
        root = np.linalg.cholesky(scale[:, None] * self.groups * scale + np.eye(len(scale)))
        part = np.linalg.solve(root, scale[:, None] * self.grouped)
        products = self.both - part.T @ part  # of the columns of X and y, with V⁻¹ between
        inner = np.linalg.cholesky(products[:p, :p])
        change = np.linalg.solve(products[:p, :p], products[:p, p])
        residual = max(float(products[p, p] - products[:p, p] @ change), 0.0) / (n - p)
        logs = 2 * np.log(np.diag(root)).sum() + 2 * np.log(np.diag(inner)).sum()
        criterion = (n - p) * (1 + np.log(2 * np.pi * max(residual, 1e-300))) + logs
        covariance = residual * np.linalg.inv(products[:p, :p])
        return MixedFit(self.start + change, covariance, residual, residual * np.asarray(roots) ** 2, float(criterion))
