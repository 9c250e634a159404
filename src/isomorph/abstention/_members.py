"""Several answers to each item: passes of one network, or one of each member of an ensemble."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np

from isomorph.abstention._softmax import Inputs, as_probabilities, check_inputs, entropy, one_minus_max, softmax
from isomorph.abstention._values import Floats, as_array, row_blocks
from isomorph.arrays import FloatArray
from isomorph.errors import InputError, ShapeError

MemberKind = Literal["entropy", "mutual-information", "mean-entropy", "logit-mean-msp"]


def read_members(values: Any, inputs: Inputs, *, owner: str, unit: str) -> FloatArray:
    """`[member, item, class]`, at least two members.

    Raises:
        ShapeError: There are other axes, or one member.
        InputError: Probabilities do not sum to one, or logits do.
    """
    array = as_array(values, what="passes")
    if len(array) < 2:
        raise ShapeError(f"{owner} needs at least 2 of them, [{unit}, item, class]; it was given 1.")
    if inputs == "logits":
        for member in array:
            check_inputs(member, inputs, owner=owner)
        return array
    return np.stack([check_inputs(member, inputs, owner=owner) for member in array])


def member_scores(array: FloatArray, kind: MemberKind, inputs: Inputs) -> Floats:
    """`[item]`, how unsure the members are, together or with one another."""
    if kind == "logit-mean-msp":
        return _over_items(array, lambda block: one_minus_max(softmax(block.mean(axis=0, dtype=np.float64))))

    def score(block: FloatArray) -> Floats:
        p = as_probabilities(block, inputs)
        if kind == "mean-entropy":
            return np.asarray(entropy(p).mean(axis=0))
        together = entropy(p.mean(axis=0))
        return together if kind == "entropy" else np.maximum(together - entropy(p).mean(axis=0), 0.0)

    return _over_items(array, score)


def member_mean(array: FloatArray, inputs: Inputs) -> Floats:
    """`[item, class]`, the mean of the members' probabilities."""
    out = np.empty(array.shape[1:])
    for part in _parts(array):
        out[part] = as_probabilities(array[:, part], inputs).mean(axis=0)
    return out


def check_logits_only(kind: MemberKind, inputs: Inputs) -> None:
    """Raise where logits are averaged and there are none."""
    if kind == "logit-mean-msp" and inputs != "logits":
        raise InputError("DeepEnsemble's kind 'logit-mean-msp' averages logits; it has no use for inputs='probabilities'.")


def _over_items(array: FloatArray, score: Callable[[FloatArray], Floats]) -> Floats:
    return np.concatenate([score(array[:, part]) for part in _parts(array)])


def _parts(array: FloatArray) -> list[slice]:
    return list(row_blocks(array.shape[1], array.shape[0] * array.shape[2]))
