"""From logits or probabilities to how unsure they are."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from isomorph.abstention._values import Floats
from isomorph.arrays import FloatArray
from isomorph.errors import InputError
from isomorph.perception._distributions import check_distributions

Inputs = Literal["logits", "probabilities"]
INPUTS: tuple[Inputs, ...] = ("logits", "probabilities")
Kind = Literal["entropy", "one-minus-max"]
KINDS: tuple[Kind, ...] = ("entropy", "one-minus-max")


def softmax(logits: Any, temperature: float = 1.0) -> Floats:
    """Over the last axis, in float64."""
    z = np.asarray(logits, dtype=np.float64) / temperature
    z -= z.max(axis=-1, keepdims=True)
    np.exp(z, out=z)
    z /= z.sum(axis=-1, keepdims=True)
    return z


def entropy(p: Floats) -> Floats:
    """−Σ p ln p over the last axis, in nats."""
    from scipy.special import entr

    return np.asarray(entr(p).sum(axis=-1))


def one_minus_max(p: Floats) -> Floats:
    """The sum of all but the largest, which stays exact where the largest rounds to 1."""
    rest = p.copy()
    np.put_along_axis(rest, p.argmax(axis=-1, keepdims=True), 0.0, axis=-1)
    return np.asarray(rest.sum(axis=-1))


def uncertainty(p: Floats, kind: Kind) -> Floats:
    """How unsure distributions are."""
    return entropy(p) if kind == "entropy" else one_minus_max(p)


def check_inputs(values: FloatArray, inputs: Inputs, *, owner: str) -> FloatArray:
    """`values` `[item, class]` as they are; probabilities with what rounding left over divided out.

    Raises:
        InputError: Probabilities do not sum to one or are negative; or what is said to be logits are probabilities.
    """
    if inputs == "probabilities":
        return check_distributions(values, name="the array of probabilities")
    sums = values.sum(axis=1, dtype=np.float64)
    if np.abs(sums - 1).max() < 1e-3 and values.min() >= 0:
        raise InputError(
            f"{owner} reads logits, and all {len(values)} rows are probabilities already; a second softmax would flatten them. Give the "
            "logits, or say inputs='probabilities'."
        )
    return values


def as_probabilities(values: FloatArray, inputs: Inputs) -> Floats:
    """Checked values as distributions in float64."""
    return softmax(values) if inputs == "logits" else np.asarray(values, dtype=np.float64)
