"""How well people foretell people: ceilings from repeated trials, named apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from isomorph.arrays import FloatArray
from isomorph.errors import InputError
from isomorph.inference import Score, interval
from isomorph.inference._bootstrap import check_draws
from isomorph.judgments._repeats import choice_counts
from isomorph.judgments._resample import resampled_ratios
from isomorph.judgments._triplets import Triplets


@dataclass(frozen=True, kw_only=True)
class TripletCeilings:
    r"""Different questions about the same repeated trials; none of them is *the* noise ceiling.

    With c_a the number of answers a among the N answers to one triplet:

    Attributes:
        majority: \(\sum \max_a c_a / \sum N\): how often the majority's answer is given. What a model that knows every majority earns on
            these very answers (the plug-in Bayes bound): too high where N is small, as each answer is in its own majority.
        leave_one_out: How often one answer is that of the majority of the *others* to the same triplet (ties share). What one can expect
            of a model that knows the others' answers.
        agreement: How often two different answers to one triplet agree, \(\sum c_a (c_a - 1) / \sum N (N - 1)\): human against human.
        split_half: How often the majorities of two random halves agree (ties share).
        entropy_index: \(1 - \bar{H} / \ln 3\) (ln 2 for two alternatives), H the entropy of the answers to one triplet: an index of
            consistency, not an accuracy.
        repeated: Triplets with at least two answers; only these are used.
        answers: Their answers.
        splits: How many random halves.
    """

    majority: Score
    leave_one_out: Score
    agreement: Score
    split_half: Score
    entropy_index: Score
    repeated: int
    answers: int
    splits: int


def triplet_ceilings(
    triplets: Triplets, *, splits: int = 100, replicates: int = 1000, level: float = 0.95, seed: int = 0
) -> TripletCeilings:
    """Ceilings from triplets that several people (or one, several times) answered, with a bootstrap over triplets.

    Args:
        triplets: The judgments; trials of the same three objects, in any order, are repeats.
        splits: Random halves for `split_half`.
        replicates: Bootstrap samples of triplets; 0 for no intervals.
        level: The intervals' coverage.
        seed: Of halves and bootstrap.

    Raises:
        InputError: No triplet was answered twice.

    Example:
        >>> items = np.array([[0, 1, 2], [1, 0, 2], [0, 1, 2], [0, 2, 1]])
        >>> ceilings = triplet_ceilings(Triplets(items=items, objects=("a", "b", "c")), replicates=0)
        >>> ceilings.majority.value, ceilings.leave_one_out.value, ceilings.agreement.value
        (0.75, 0.75, 0.5)
    """
    check_draws(replicates=replicates, seed=seed, level=level)
    if splits < 1:
        raise InputError(f"split halves need at least 1 split; got {splits}.")
    group, answer, counts = choice_counts(triplets)
    several = counts.sum(axis=1) >= 2
    if not several.any():
        raise InputError(
            f"no triplet of {len(triplets):,} trials was answered twice, so nothing can be said of how people agree with people."
        )
    halves = _split_half(group, answer, counts.shape, splits, seed)[several]
    counts = counts[several]
    total = counts.sum(axis=1)
    columns = _columns(counts, halves)

    def score(name: str) -> Score:
        value, weight = columns[name]
        low = high = None
        if replicates:
            low, high = (
                float(each[0]) for each in interval(resampled_ratios(value[None], weight, replicates=replicates, seed=seed), level)
            )
        return Score(
            value=float(value.sum() / weight.sum()),
            low=low,
            high=high,
            n=len(total),
            measure=name,
            level=level,
            seed=seed,
            replicates=replicates,
        )

    return TripletCeilings(**{name: score(name) for name in columns}, repeated=len(total), answers=int(total.sum()), splits=splits)


def _columns(counts: npt.NDArray[np.int64], halves: FloatArray) -> dict[str, tuple[FloatArray, FloatArray]]:
    """Of each ceiling the numerator and denominator `[triplet]`."""
    total = counts.sum(axis=1).astype(np.float64)
    shares = counts / total[:, None]
    entropy = -(shares * np.log(shares, out=np.zeros_like(shares), where=shares > 0)).sum(axis=1)
    ones = np.ones(len(total))
    return {
        "majority": (counts.max(axis=1).astype(np.float64), total),
        "leave_one_out": (_leave_one_out(counts), total),
        "agreement": ((counts * (counts - 1)).sum(axis=1).astype(np.float64), total * (total - 1)),
        "split_half": (halves, ones),
        "entropy_index": (1 - entropy / np.log(counts.shape[1]), ones),
    }


def _leave_one_out(counts: npt.NDArray[np.int64]) -> FloatArray:
    """`[triplet]`: how many answers are the majority of the others, ties shared."""
    right = np.zeros(len(counts))
    for answer in range(counts.shape[1]):
        others = counts.copy()
        others[:, answer] -= 1
        top = others == others.max(axis=1, keepdims=True)
        right += counts[:, answer] * top[:, answer] / top.sum(axis=1)
    return right


def _split_half(group: npt.NDArray[np.intp], answer: npt.NDArray[np.intp], shape: tuple[int, ...], splits: int, seed: int) -> FloatArray:
    """`[triplet]`: how often the majorities of random halves agree, on average over splits."""
    rng, agreed = np.random.default_rng(seed), np.zeros(shape[0])
    starts = np.concatenate([[0], np.cumsum(np.bincount(group, minlength=shape[0]))])
    for _ in range(splits):
        order = np.lexsort((rng.random(len(group)), group))
        half = (np.arange(len(group)) - starts[group[order]]) % 2
        cell = (half * shape[0] + group[order]) * shape[1] + answer[order]
        votes = np.bincount(cell, minlength=2 * shape[0] * shape[1]).reshape(2, *shape)
        top = votes == votes.max(axis=2, keepdims=True)
        shared = top / top.sum(axis=2, keepdims=True)
        agreed += (shared[0] * shared[1]).sum(axis=1)
    return agreed / splits
