"""The replicates and permutations behind scores, a range at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from isomorph.arrays import FloatArray
from isomorph.errors import InputError
from isomorph.inference._permutation import PERMUTATIONS_AT_ONCE

REPLICATES_AT_ONCE = 8


@dataclass(frozen=True, eq=False, kw_only=True)
class Replicates:
    """What `rsa_replicates` gives: one part of the replicates and permutations of `rsa_scores`.

    Attributes:
        draws: `[part of the resampling, assignment, replicate, model + 2]`, as in `Draws`; None where the part has no replicates.
        null: `[permutation, model]`; None where it has no permutations.
    """

    draws: FloatArray | None
    null: FloatArray | None


def span(count: int, step: int, part: tuple[int, int]) -> range:
    """The part `(number, total)` of `count` things that are shared out by blocks of `step`."""
    number, total = part
    blocks = -(-count // step)
    first, last = (min(count, step * (blocks * each // total)) for each in (number - 1, number))
    return range(first, last)


def permutation_span(count: int, part: tuple[int, int]) -> range:
    """The permutations of a part: whole blocks, of which `permutation_null` makes products."""
    return span(count, PERMUTATIONS_AT_ONCE, part)


def joined(ranges: Sequence[Replicates], *, replicates: int, permutations: int, models: int) -> tuple[FloatArray | None, FloatArray | None]:
    """Everything that the parts hold, in their order; None of what was not asked for, or without parts.

    Raises:
        InputError: Replicates or permutations are missing, or of other models.
    """
    if not ranges:
        return None, None
    draws = [each.draws for each in ranges if each.draws is not None]
    null = [each.null for each in ranges if each.null is not None]
    for name, found, wanted in (
        ("replicates", sum(each.shape[2] for each in draws), replicates),
        ("permutations", sum(map(len, null)), permutations),
    ):
        if found != wanted:
            raise InputError(f"the ranges hold {found:,} {name}, but {wanted:,} are asked for. Give all parts that `rsa_replicates` made.")
    widths = {each.shape[-1] - 2 for each in draws} | {each.shape[-1] for each in null}
    if widths - {models}:
        raise InputError(f"the ranges are of {max(widths - {models})} models, but there are {models}.")
    return np.concatenate(draws, axis=2) if draws else None, np.concatenate(null) if null else None
