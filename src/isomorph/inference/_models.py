"""Models with something to fit: several RDMs, and how they may be combined."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np

from isomorph.arrays import FloatArray, as_floats, check_finite
from isomorph.errors import InputError, ShapeError


@dataclass(frozen=True, eq=False)
class SelectModel:
    """One of several RDMs, the one most like the training subjects: for example the best layer of a network, chosen honestly.

    Args:
        rdms: `[component, pair]`, at least two.
        name: What results and messages call it.

    Example:
        >>> import numpy as np
        >>> len(SelectModel(np.random.default_rng(0).random((3, 10)), name="layers").rdms)
        3
    """

    rdms: FloatArray
    name: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "rdms", _components(self))


@dataclass(frozen=True, eq=False)
class WeightedModel:
    """A weighted sum of RDMs, with the weights most like the training subjects.

    The sum is linear regression on the pool of the training subjects. Predictors and target are both centred for `"pearson"` and
    `"corr_cov"`, neither for `"cosine"` and `"cosine_cov"`, and both are whitened for the last two; so the fit maximises the very
    comparison that scores it. The rank comparisons are fitted as `"pearson"`, the Riemannian distance and Bures as `"cosine"`.

    Args:
        rdms: `[component, pair]`, at least two.
        name: What results and messages call it.
        nonnegative: Whether weights below 0 are ruled out. Squared distances add over independent sets of features, so that a negative
            weight takes a feature away; that is rarely meant.
    """

    rdms: FloatArray
    name: str = ""
    nonnegative: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "rdms", _components(self))


@dataclass(frozen=True, eq=False)
class InterpolatedModel:
    """An RDM between two neighbours of a chain: w · d_k + (1 − w) · d_(k+1), with the k and the w (0 … 1) most like the training subjects.

    Args:
        rdms: `[component, pair]`, in the order of the chain, at least two; such as one model under growing blur.
        name: What results and messages call it.
    """

    rdms: FloatArray
    name: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "rdms", _components(self))


FlexibleModel: TypeAlias = SelectModel | WeightedModel | InterpolatedModel


@dataclass(frozen=True, eq=False)
class Candidates:
    """All models of one call.

    Attributes:
        rows: `[component, pair]`: what all models are made of, one below the other.
        spans: Which rows belong to each model.
        models: The model, or None for an RDM that needs no fit.
    """

    rows: FloatArray
    spans: tuple[slice, ...]
    models: tuple[FlexibleModel | None, ...]

    @property
    def flexible(self) -> bool:
        return any(each is not None for each in self.models)


def candidates(models: Any) -> Candidates:
    """Read an array `[model, pair]`, or a sequence of condensed RDMs and flexible models."""
    if isinstance(models, FlexibleModel):
        models = [models]
    if not isinstance(models, Sequence) or not any(isinstance(each, FlexibleModel) for each in models):
        rows = as_floats(models, name="models", ndim=2)
        return Candidates(rows, tuple(slice(at, at + 1) for at in range(len(rows))), (None,) * len(rows))
    blocks, fitted = [], []
    for place, each in enumerate(models):
        flexible = isinstance(each, FlexibleModel)
        blocks.append(each.rdms if flexible else as_floats(each, name=f"model number {place}", ndim=1)[None])
        fitted.append(each if flexible else None)
    widths = {block.shape[1] for block in blocks}
    if len(widths) > 1:
        raise ShapeError(f"models are RDMs of the same stimuli, but they have {_listed(sorted(widths))} pairs.")
    ends = np.cumsum([0] + [len(block) for block in blocks]).tolist()
    spans = tuple(slice(start, stop) for start, stop in pairwise(ends))
    return Candidates(np.concatenate(blocks).astype(np.float64), spans, tuple(fitted))


def _components(model: FlexibleModel) -> FloatArray:
    called = type(model).__name__ + (f" {model.name!r}" if model.name else "")
    rdms = as_floats(model.rdms, name=f"{called}", ndim=2).astype(np.float64)
    if len(rdms) < 2:
        raise InputError(f"{called} has something to fit from 2 RDMs on; got {len(rdms)}. Pass a single RDM as a row of models.")
    check_finite(rdms, name=called, rows="RDMs")
    flat = np.flatnonzero(np.ptp(rdms, axis=1) == 0)
    if len(flat):
        raise ShapeError(f"{called}: RDM number {int(flat[0])} has the same distance between all its stimuli. Leave it out.")
    return rdms


def _listed(numbers: list[int]) -> str:
    return " and ".join(str(each) for each in numbers)
