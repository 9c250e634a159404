"""One group of subjects against another."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import comb

import numpy as np
import numpy.typing as npt

from isomorph.arrays import FloatArray
from isomorph.errors import InputError


@dataclass(frozen=True, eq=False, kw_only=True)
class GroupComparison:
    """Whether two groups of subjects differ: in how models fare with them, and in geometry.

    Every p-value is that of a permutation of the subjects' labels: what would be found if it did not matter who is in which group.

    Attributes:
        names: The two groups, in the order they first appear.
        sizes: How many subjects each has.
        values: `[2, model]`: mean score in each group.
        differences: `[model]`: the first group's less the second's.
        p_differences: `[model]`, two-sided.
        separation: Mean similarity of two subjects of one group, less that of subjects of different groups. About 0 where groups share
            their geometry.
        p: One-sided p-value of the separation.
        permutations: How many arrangements of the labels were looked at, the true one among them.
        exact: Whether those are all arrangements there are.
    """

    names: tuple[Hashable, Hashable]
    sizes: tuple[int, int]
    values: FloatArray
    differences: FloatArray
    p_differences: FloatArray
    separation: float
    p: float
    permutations: int
    exact: bool

    def __str__(self) -> str:
        first, second = (f"{name} ({size})" for name, size in zip(self.names, self.sizes, strict=True))
        return f"{first} against {second}: separation {self.separation:.3f}, p = {self.p:.3g}"


def check_groups(groups: Sequence[Hashable], people: int, permutations: int) -> tuple[Hashable, Hashable]:
    """The two names, in order of appearance."""
    if len(groups) != people:
        raise InputError(f"groups has {len(groups)} labels for {people} subjects.")
    names = tuple(dict.fromkeys(groups))
    if len(names) != 2:
        raise InputError(f"two groups are compared at a time; got {len(names)}: {', '.join(map(repr, names))}.")
    for name in names:
        if list(groups).count(name) < 2:
            raise InputError(f"the group {name!r} has 1 subject; a comparison of groups needs at least 2 in each.")
    if not permutations:
        raise InputError("groups are compared by permuting their labels, but permutations is 0. Use permutations=1000.")
    return names


def compare_groups(
    groups: Sequence[Hashable], per_subject: FloatArray, similar: FloatArray, *, permutations: int, seed: int
) -> GroupComparison:
    """Compare two groups.

    Args:
        groups: One label a subject.
        per_subject: `[model, subject]`.
        similar: `[subject, subject]`: how alike the subjects are.
        permutations: How many random arrangements; all of them where there are no more than that.
        seed: Of the random ones.
    """
    names = check_groups(groups, len(similar), permutations)
    first = np.array([each == names[0] for each in groups], dtype=np.float64)
    arrangements, exact = _arrangements(first, permutations, seed)
    sizes = int(first.sum()), int((1 - first).sum())
    differences = arrangements @ per_subject.T / sizes[0] - (1 - arrangements) @ per_subject.T / sizes[1]
    separations = _separations(similar, arrangements)
    return GroupComparison(
        names=names, sizes=sizes, values=np.stack([first @ per_subject.T / sizes[0], (1 - first) @ per_subject.T / sizes[1]]),
        differences=differences[0], p_differences=(np.abs(differences) >= np.abs(differences[0]) - 1e-12).mean(axis=0),
        separation=float(separations[0]), p=float((separations >= separations[0] - 1e-12).mean()), permutations=len(arrangements),
        exact=exact,
    )  # fmt: skip


def _arrangements(first: FloatArray, permutations: int, seed: int) -> tuple[npt.NDArray[np.float64], bool]:
    """Memberships of the first group `[arrangement, subject]`, the true one first."""
    people, size = len(first), int(first.sum())
    if comb(people, size) <= permutations + 1:
        every = np.zeros((comb(people, size), people))
        for row, members in zip(every, combinations(range(people), size), strict=True):
            row[list(members)] = 1
        true = (every == first).all(axis=1)
        return np.concatenate([every[true], every[~true]]), True
    shuffled = np.random.default_rng([seed, 5]).permuted(np.tile(first, (permutations, 1)), axis=1)
    return np.concatenate([first[None], shuffled]), False


def _separations(similar: FloatArray, first: FloatArray) -> FloatArray:
    """Mean similarity within groups less that between them, for each arrangement."""
    pairs = (similar + similar.T) / 2
    pairs = pairs - np.diag(np.diagonal(pairs))
    a, b = first.sum(axis=1), (1 - first).sum(axis=1)
    to_first = first @ pairs
    between = np.einsum("as,as->a", to_first, 1 - first)
    within = pairs.sum() - 2 * between
    return np.asarray(within / (a * (a - 1) + b * (b - 1)) - between / (a * b))
