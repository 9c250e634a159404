"""Is one model closer to people than another?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from isomorph.arrays import as_floats, check_finite
from isomorph.errors import InputError, ShapeError
from isomorph.inference import correct_p_values
from isomorph.inference._bootstrap import check_draws
from isomorph.perception._distributions import Floats
from isomorph.perception._draws import mean_interval

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True, kw_only=True)
class PairedDifference:
    """A mean difference over the same items.

    Attributes:
        difference: Mean of first − second.
        low: Lower end of its bootstrap interval over items.
        high: Upper end.
        p: Two-sided p-value of the sign-flip permutation test, (1 + hits) / (1 + permutations).
        n: Items.
    """

    difference: float
    low: float
    high: float
    p: float
    n: int


def paired_difference(
    first: Any, second: Any, *, replicates: int = 1000, permutations: int = 9999, level: float = 0.95, seed: int = 0
) -> PairedDifference:
    """The mean difference of two models' numbers on the same items, with an interval and a permutation test.

    Under the null hypothesis it does not matter which model a number is of, so that each item's difference has either sign.

    Args:
        first: `[item]`, such as distances to people (`item_distances`), losses, or right and wrong.
        second: The other model's, item by item the same.
        replicates: Bootstrap replicates over items; 0: no interval.
        permutations: Random sign flips; 0: no p-value.
        level: The interval's coverage.
        seed: Of both.

    Raises:
        ShapeError: The numbers of items differ.

    Example:
        >>> paired_difference([.2, .3, .4], [.2, .3, .4], permutations=99).p
        1.0
    """
    check_draws(replicates=replicates, permutations=permutations, seed=seed, level=level)
    a, b = (as_floats(each, name=name, ndim=1).astype(np.float64) for each, name in ((first, "the first"), (second, "the second")))
    if len(a) != len(b) or not len(a):
        raise ShapeError(f"a paired difference needs the same items twice; got {len(a)} and {len(b)}.")
    difference = a - b
    check_finite(difference, name="the difference", rows="items")
    low, high = mean_interval(difference, replicates=replicates, level=level, seed=seed)
    p = float("nan")
    if permutations:
        flipped = np.abs(_sign_flips(difference, permutations, np.random.default_rng(seed)))
        p = float((1 + (flipped >= np.abs(difference.sum()) - 1e-12 * np.abs(difference).sum()).sum()) / (1 + permutations))
    return PairedDifference(difference=float(difference.mean()), low=low, high=high, p=p, n=len(a))


def paired_differences(
    values: Mapping[str, Any], *, correction: Literal["holm", "fdr_bh", "bonferroni"] = "holm", **options: Any
) -> pandas.DataFrame:
    """`paired_difference` of each pair of models, with p-values corrected for the number of pairs.

    Args:
        values: Model → `[item]`, the same items for all.
        correction: As `isomorph.inference.correct_p_values` names it.
        **options: Those of `paired_difference`.

    Returns:
        One row a pair: `first`, `second`, `difference`, `low`, `high`, `p`, `p_corrected`, `n`.

    Raises:
        InputError: There are fewer than two models, or no permutations.
        ShapeError: The numbers of items differ.
    """
    import pandas

    if len(values) < 2:
        raise InputError(f"a difference needs two models; got {', '.join(map(repr, values)) or 'none'}.")
    if options.get("permutations") == 0:
        raise InputError("the p-values of pairs come from permutations, of which there must be 1 or more; got 0.")
    rows: list[dict[str, Any]] = []
    for one, other in combinations(values, 2):
        found = paired_difference(values[one], values[other], **options)
        rows.append({
            "first": one, "second": other, "difference": found.difference, "low": found.low, "high": found.high, "p": found.p, "n": found.n,
        })  # fmt: skip
    table = pandas.DataFrame(rows)
    table.insert(6, "p_corrected", correct_p_values(table["p"].to_numpy(), method=correction))
    return table


def _sign_flips(difference: Floats, permutations: int, rng: np.random.Generator) -> Floats:
    """Sums under random signs, in blocks: 10,000 items × 9,999 permutations would be 800 MB at once."""
    block = max(1, 2**22 // len(difference))
    sums = []
    for start in range(0, permutations, block):
        signs = rng.integers(0, 2, size=(min(block, permutations - start), len(difference)), dtype=np.int8).astype(np.float32)
        sums.append(2 * (signs @ difference) - difference.sum())
    return np.concatenate(sums)
