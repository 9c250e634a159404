"""Conventions in a few words, as tables have them."""

from __future__ import annotations

from isomorph.encoding._protocol import Protocol
from isomorph.encoding._ridge import Ridge


def regression_words(protocol: Protocol) -> str:
    """The regression: `"ridge, 7 alphas from 0.1 to 1e+05, loo-pearson"`; empty where nothing is fitted."""
    if not protocol.fits:
        return ""
    regression = protocol.regression
    if not isinstance(regression, Ridge):
        return f"{type(regression).__name__}, {regression.components} components"
    grid = regression.alphas
    said = f"{len(grid)} alphas from {grid[0]:g} to {grid[-1]:g}" if len(grid) > 1 else f"alpha {grid[0]:g}"
    of = "" if regression.per_unit else ", one for all units"
    features = "standardised features" if regression.standardise else f"{protocol.penalties} penalties"
    return f"ridge, {said}, {regression.select}{of}, {features}"


def projection_words(protocol: Protocol) -> str:
    """`"none"`, or the sparse projection with its seed."""
    projection = protocol.projection
    if projection is None:
        return "none"
    width = f"{projection.width} columns" if projection.width is not None else f"epsilon {projection.epsilon:g}"
    return f"sparse, {width}, seed {projection.seed}"
