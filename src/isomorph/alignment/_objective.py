"""What gLocal minimises, term by term, with its gradient."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from isomorph.alignment._local_loss import local_loss, neighbourhood_floor, neighbourhoods
from isomorph.alignment._penalty import Regulariser, penalty
from isomorph.alignment._triplet_loss import triplet_loss
from isomorph.arrays import FloatArray, IntArray


@dataclass(frozen=True, eq=False)
class Term:
    """One term of an objective at one map: its value, and its derivatives with respect to weights and bias."""

    value: float
    weights: FloatArray
    bias: FloatArray


@dataclass(frozen=True, kw_only=True, eq=False)
class Objective:
    """The terms of an objective at one map, and its gradient.

    Attributes:
        value: `(1 - alpha) * odd_one_out + alpha * neighbourhood + strength * penalty`.
        odd_one_out: The mean cross-entropy of people's choices.
        neighbourhood: The mean cross-entropy of neighbourhoods; None without any to preserve.
        neighbourhood_floor: The least that `neighbourhood` can be; None unless asked for.
        penalty: The regulariser, before `strength`.
        weights: The derivative with respect to the weights.
        bias: That with respect to the bias.
    """

    value: float
    odd_one_out: float
    neighbourhood: float | None
    neighbourhood_floor: float | None
    penalty: float
    weights: FloatArray
    bias: FloatArray


def objective(
    weights: FloatArray,
    bias: FloatArray | None,
    x: FloatArray,
    items: IntArray,
    *,
    targets: FloatArray | None = None,
    temperature: float = 1.0,
    regulariser: Regulariser = "scaled_identity_sum",
    strength: float = 0.0,
    preserve: FloatArray | None = None,
    alpha: float = 0.0,
    tau: float = 1.0,
    kept: Term | None = None,
) -> Objective:
    r"""The objective of an affine map from people's choices, and its gradient.

    $$(1 - \alpha) L_\text{odd-one-out}(XW + b) + \alpha L_\text{neighbourhood}(FW + b) + \lambda R(W)$$

    Args:
        weights: `[feature, dimension]`; their type is that of all products.
        bias: `[dimension]`, or None.
        x: `[object, feature]`, standardised.
        items: `[trial, 3]`, rows of `x`; the odd one last.
        targets: `[trial, 3]`: shares of people instead of one choice.
        temperature: What similarities are divided by.
        regulariser: What the weights are pulled towards.
        strength: λ.
        preserve: `[stimulus, feature]`: things whose neighbourhoods should stay; without it α is taken as 0.
        alpha: α, between 0 and 1.
        tau: The temperature of neighbourhoods.
        kept: The neighbourhood term at this map, where it is known already: instead of `preserve`, and without its floor.

    References:
        Muttenthaler et al., 2023, <https://arxiv.org/abs/2306.04507>.
    """
    floor = None
    if preserve is not None:
        target = neighbourhoods(preserve, tau)
        floor = neighbourhood_floor(preserve, target, tau)
        kept = neighbourhood_term(weights, bias, preserve, target, tau)
    alpha = alpha if kept is not None else 0.0
    chosen, slope = triplet_loss(affine(x, weights, bias), items, temperature=temperature, targets=targets)
    slope *= slope.dtype.type(1 - alpha)
    size, pull = penalty(regulariser, weights)
    gradient = x.T @ slope + weights.dtype.type(strength) * pull
    shift = slope.sum(axis=0, dtype=np.float64)
    value = (1 - alpha) * chosen + strength * size
    if kept is not None:
        gradient += gradient.dtype.type(alpha) * kept.weights
        shift += alpha * kept.bias
        value += alpha * kept.value
    return Objective(
        value=value,
        odd_one_out=chosen,
        neighbourhood=None if kept is None else kept.value,
        neighbourhood_floor=floor,
        penalty=size,
        weights=gradient,
        bias=shift,
    )


def neighbourhood_term(weights: FloatArray, bias: FloatArray | None, values: FloatArray, target: FloatArray, tau: float) -> Term:
    """How well a map keeps the neighbourhoods `target` of `values`; see `local_loss`."""
    value, slope = local_loss(affine(values, weights, bias), target, tau)
    return Term(value, values.T @ slope, slope.sum(axis=0, dtype=np.float64))


def affine(values: FloatArray, weights: FloatArray, bias: FloatArray | None) -> FloatArray:
    """`values @ weights + bias`."""
    result: FloatArray = values @ weights
    if bias is not None:
        result += bias
    return result
