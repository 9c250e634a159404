"""Two things compared, with an interval; or many, all pairs."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from isomorph.arrays import FloatArray, IntArray
from isomorph.engine import Progress
from isomorph.errors import IdError, InputError
from isomorph.features import Features
from isomorph.geometry import RDM, Gram
from isomorph.inference import Score, bootstrap_weights, interval
from isomorph.inference._bootstrap import check_draws
from isomorph.measures._measure import Comparable, Measure
from isomorph.measures._registry import load_measure


def compare(
    x: Comparable,
    y: Comparable,
    *,
    measure: str | Measure = "cka",
    replicates: int | None = None,
    seed: int = 0,
    level: float = 0.95,
    permutations: int = 0,
    progress: Progress | None = None,
    **options: Any,
) -> Score:
    """How alike `x` and `y` are, with a bootstrap interval over stimuli.

    A bootstrap replicate gives every stimulus a whole-number weight; a stimulus that is drawn twice never meets its own copy. The
    interval is the percentile interval of the replicates; a replicate that leaves nothing to compare is left out. Measures that
    don't know weights get theirs from a delete-d jackknife over the same draws (see `Measure.replicates`).

    Args:
        x: An array `[stimulus, feature]`, `Features`, or a `Gram` or `RDM` where the measure accepts it.
        y: The same stimuli; named stimuli meet by id.
        measure: A name in `isomorph.measures.registry`, or a measure.
        replicates: Bootstrap replicates; 0 for a value without an interval; None: 1,000, or 200 of the measures that take long and
            compute each anew (`rtd`, `stochastic-shape`, `linear-predictivity`, `permutation-match`, `soft-match`,
            `hard-correlation-match`; see `Measure.draws`).
        seed: Equal seeds give equal results.
        level: The interval's coverage.
        permutations: How many times to permute the stimuli of `y` for a one-sided p-value, (1 + count) / (1 + permutations).
        progress: Where to show how many replicates are done, of measures that compute each anew.
        **options: The measure's options, by name.

    Example:
        >>> import numpy as np
        >>> rng = np.random.default_rng(0)
        >>> x = rng.normal(size=(40, 6))
        >>> score = compare(x, x + rng.normal(size=(40, 6)), measure="cka", replicates=200)
        >>> bool(score.low < score.value < score.high), score.n
        (True, 40)
    """
    chosen = _chosen(measure, options)
    replicates = chosen.draws if replicates is None else replicates
    check_draws(replicates=replicates, seed=seed, level=level, permutations=permutations)
    first, second = chosen.meet(x, y)
    value = chosen.between(first, second)
    low = high = None
    if replicates:
        drawn = _replicates(chosen, first, second, bootstrap_weights(len(first), replicates, seed), progress)
        known = int(np.isfinite(drawn).sum())
        if known:
            low, high = (float(end) for end in interval(drawn, level))
        if known < replicates / 2:
            warnings.warn(
                f"{known} of {replicates} replicates left {type(chosen).__name__} enough of the {len(first)} stimuli, so that "
                f"{'the interval is that of a few' if known else 'there is no interval'}. Show more stimuli.",
                UserWarning,
                stacklevel=2,
            )
    return Score(
        value=value, low=low, high=high, n=len(first), measure=_label(chosen), level=level,
        p=_permutation_p(chosen, first, second, value, permutations=permutations, seed=seed) if permutations else None,
        seed=seed, replicates=replicates,
    )  # fmt: skip


def _replicates(measure: Measure, x: Any, y: Any, weights: IntArray, progress: Progress | None) -> FloatArray:
    if progress is None or type(measure).replicates is not Measure.replicates:
        return measure.replicates(x, y, weights)
    with progress.task(f"bootstrap of {type(measure).__name__}", len(weights), unit="replicates") as task:
        return measure.jackknife(x, y, weights, advance=task.advance)


def compare_all(
    items: Mapping[str, Comparable] | Sequence[Comparable], measure: str | Measure = "cka", **options: Any
) -> tuple[tuple[str, ...], FloatArray]:
    """All pairs of several things: their names, and the matrix `[thing, thing]` of the measure.

    Each thing is reduced once to what the measure needs (an RDM, a Gram matrix). Things without a name of their own are called by
    their subject and layer, or by their place.

    Example:
        >>> import numpy as np
        >>> rng = np.random.default_rng(0)
        >>> x = rng.normal(size=(30, 5))
        >>> names, matrix = compare_all({"one": x, "shifted": x + 1, "other": rng.normal(size=(30, 5))})
        >>> names, matrix.round(2)[0, :2].tolist()
        (('one', 'shifted', 'other'), [1.0, 1.0])
    """
    chosen = _chosen(measure, options)
    names = tuple(items) if isinstance(items, Mapping) else _names(items)
    things = list(items.values()) if isinstance(items, Mapping) else list(items)
    if len(things) < 2:
        raise InputError(f"a comparison needs at least 2 things; got {len(things)}.")
    # Named things meet by id, whatever stands first; things without names meet them by position.
    first = next((each for each in things if isinstance(each, Features | Gram | RDM)), things[0])
    aligned = (chosen.align(first, each)[1] for each in things)
    return names, chosen.matrix([chosen.reduce(each) for each in aligned])


def _chosen(measure: str | Measure, options: Mapping[str, Any]) -> Measure:
    if isinstance(measure, str):
        return load_measure(measure, **options)
    if options:
        raise InputError(f"{type(measure).__name__} has its options already; {', '.join(sorted(options))} cannot be given beside it.")
    return measure


def _label(measure: Measure) -> str:
    options = " ".join(f"{field.name}={getattr(measure, field.name)}" for field in dataclasses.fields(measure))
    return f"{type(measure).__name__} {options}".strip()


def _permutation_p(measure: Measure, x: Any, y: Any, value: float, *, permutations: int, seed: int) -> float:
    rng = np.random.default_rng([seed, 1])
    orders = np.stack([rng.permutation(len(x)) for _ in range(permutations)])
    null = measure.permuted(x, y, orders)
    extreme = null >= value - 1e-12 if measure.traits.higher_is_closer else null <= value + 1e-12
    return float((1 + extreme.sum()) / (1 + permutations))


def _names(items: Sequence[Comparable]) -> tuple[str, ...]:
    names = tuple(
        " ".join(part for part in (getattr(each, "subject", ""), getattr(each, "layer", "")) if part) or str(place)
        for place, each in enumerate(items)
    )
    if len(set(names)) != len(names):
        double = next(name for name in names if names.count(name) > 1)
        raise IdError(f"{names.count(double)} things are called {double!r}. Give them names: compare_all({{'a': x, 'b': y, …}}).")
    return names
