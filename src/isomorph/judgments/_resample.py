"""How far a mean over trials would move if other trials, objects or people had been drawn."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from isomorph.arrays import FloatArray
from isomorph.errors import InputError
from isomorph.inference import bootstrap_weights
from isomorph.judgments._repeats import groups_of
from isomorph.judgments._triplets import PAIRS, Triplets

RESAMPLES = ("trials", "objects", "participants")

_CELLS, _BLOCK_VALUES = 1024, 1 << 21


def resampled_means(values: FloatArray, triplets: Triplets, *, resample: str, replicates: int, seed: int) -> FloatArray:
    """Means of `values` `[quantity, trial]` in bootstrap samples: `[replicate, quantity]`.

    - `"trials"`: trials are drawn.
    - `"objects"`: objects are drawn, and a trial counts with the product of how often its three objects were. Products alone would
      count what two trials share 2^m − 1 times where they share m objects (a trial with itself: seven times), so that intervals would
      be up to √7 too wide where objects stand in few trials. Deviations are scaled so that trials which share any object count once.
    - `"participants"`: people are drawn with all of their trials.
    """
    if resample not in RESAMPLES:
        raise InputError(f"a bootstrap draws {', '.join(map(repr, RESAMPLES))}; got {resample!r}.")
    if resample == "trials":
        with ThreadPoolExecutor(len(values)) as pool:
            return np.stack(list(pool.map(lambda each: _over_trials(each, replicates, seed), values)), axis=1)
    if resample == "objects":
        return _over_objects(values, triplets, replicates, seed)
    if triplets.participants is None:
        raise InputError("these trials do not say who answered, so participants cannot be drawn. Use resample='trials' or 'objects'.")
    return _over_people(values, triplets.participants, replicates, seed)


def resampled_ratios(numerators: FloatArray, denominators: FloatArray, *, replicates: int, seed: int) -> FloatArray:
    """Σ numerator / Σ denominator in samples of units: `[quantity, unit]` and `[unit]` → `[replicate, quantity]`.

    Units with equal numbers are drawn together, which is the same distribution.
    """
    cells, counts = np.unique(np.vstack([numerators, denominators]), axis=1, return_counts=True)
    drawn = np.random.default_rng(seed).multinomial(int(counts.sum()), counts / counts.sum(), size=replicates)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((drawn @ cells[:-1].T) / (drawn @ cells[-1])[:, None])


def _over_trials(values: FloatArray, replicates: int, seed: int) -> FloatArray:
    """A sample of trials is a multinomial over cells of equal values (over a thousandth of their range, where values differ more)."""
    low, span = values.min(), np.ptp(values)
    cell = ((values - low) * ((_CELLS - 1) / span)).astype(np.int64) if span > 0 else np.zeros(len(values), dtype=np.int64)
    counts = np.bincount(cell)
    means = np.bincount(cell, weights=values)[counts > 0] / counts[counts > 0]
    counts = counts[counts > 0]
    drawn = np.random.default_rng(seed).multinomial(len(values), counts / len(values), size=replicates)
    return np.asarray(drawn @ means / len(values))


def _over_objects(values: FloatArray, triplets: Triplets, replicates: int, seed: int) -> FloatArray:
    weights = np.ascontiguousarray(bootstrap_weights(len(triplets.objects), replicates, seed).T, dtype=np.float32)
    extended = np.vstack([values, np.ones(values.shape[1])])
    sums = np.zeros((len(extended), replicates))
    step = max(1, _BLOCK_VALUES // max(replicates, 1))
    for start in range(0, len(triplets), step):
        first, second, third = triplets.items[start : start + step].T
        product = weights[first]
        product *= weights[second]
        product *= weights[third]
        sums += extended[:, start : start + step] @ product
    with np.errstate(invalid="ignore", divide="ignore"):
        means = (sums[:-1] / sums[-1]).T
    centre = values.mean(axis=1)
    return np.asarray(centre + (means - centre) * [_share_once(each, triplets) for each in values])


def _share_once(values: FloatArray, triplets: Triplets) -> float:
    """By which factor products of weights spread a mean too far, as a number to multiply with.

    With sums of deviations over the trials of an object, a pair and a triplet, and S, P, G the sums of their squares: products of weights
    have the variance (S + P + G) / n², and trials that share any object count once in (S − P + G) / n².
    """
    deviations, n = values - values.mean(), len(triplets.objects)
    items = np.sort(triplets.items.astype(np.int64), axis=1)
    per_object = sum(np.bincount(column, weights=deviations, minlength=n) for column in items.T)
    pairs = np.concatenate([items[:, one] * n + items[:, other] for one, other in PAIRS])
    pair = np.unique(pairs, return_inverse=True)[1]
    of_pairs = float((np.bincount(pair, weights=np.tile(deviations, 3)) ** 2).sum())
    of_triplets = float((np.bincount(groups_of(triplets), weights=deviations) ** 2).sum())
    of_objects = float((np.asarray(per_object) ** 2).sum())
    products = of_objects + of_pairs + of_triplets
    return float(np.sqrt(max(of_objects - of_pairs + of_triplets, of_triplets) / products)) if products > 0 else 1.0


def _over_people(values: FloatArray, participants: Sequence[str], replicates: int, seed: int) -> FloatArray:
    codes: dict[str, int] = {}
    person = np.fromiter((codes.setdefault(each, len(codes)) for each in participants), dtype=np.intp, count=len(participants))
    if len(codes) < 2:
        raise InputError(f"only {len(codes)} person answered; a bootstrap over participants needs at least 2.")
    sums = np.stack([np.bincount(person, weights=each) for each in (*values, np.ones(len(person)))])
    drawn = bootstrap_weights(len(codes), replicates, seed) @ sums.T
    return np.asarray(drawn[:, :-1] / drawn[:, -1:])
