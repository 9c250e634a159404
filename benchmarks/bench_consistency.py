"""Consistency of 64 models on 23 data sets by 3 measures, 1,000 replicates over models, against a plain loop.

The loop does what a reader of the definition would write: for each replicate, measure and pair of data sets, one `numpy.corrcoef` over
the pairs of models that were drawn. It runs a few replicates and is scaled up; both give the same numbers.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Callable

import numpy as np
import pandas as pd

from isomorph.consistency import Consistency, ModelSet, Similarities
from isomorph.consistency._bootstrap import model_weights
from isomorph.consistency._pairs import model_pairs

MODELS, DATASETS, MEASURES = 64, 23, 3
OBJECTIVES = ("Supervised",) * 30 + ("Self-Supervised",) * 20 + ("Image-Text",) * 14


def seconds(action: Callable[[], object]) -> tuple[float, float]:
    cpu, wall = time.process_time(), time.perf_counter()
    action()
    return time.process_time() - cpu, time.perf_counter() - wall


def make() -> Similarities:
    rng = np.random.default_rng(0)
    values = rng.normal(size=(MODELS, MODELS)) + 0.7 * rng.normal(size=(DATASETS, MEASURES, MODELS, MODELS))
    names = tuple(f"m{at}" for at in range(MODELS))
    return Similarities(
        (values + values.swapaxes(2, 3)) / 2,
        tuple(f"d{at}" for at in range(DATASETS)),
        tuple(f"s{at}" for at in range(MEASURES)),
        names,
        metadata=pd.DataFrame({"objective": OBJECTIVES}, index=list(names)),
        performance=rng.random((DATASETS, MODELS)),
        widths=tuple(int(each) for each in rng.integers(256, 2049, MODELS)),
    )


def plain_loop(similarities: Similarities, replicates: int) -> np.ndarray:
    everything = ModelSet("all models")
    pairs = model_pairs(similarities.table, everything, everything)
    drawn = model_weights(pairs, similarities.models, replicates, 0)
    result = np.empty((replicates, MEASURES, DATASETS * (DATASETS - 1) // 2))
    for replicate, copies in enumerate(drawn):
        models = np.repeat(np.arange(MODELS), copies.astype(int))
        first, second = np.triu_indices(len(models), 1)
        other = models[first] != models[second]
        f, g = models[first[other]], models[second[other]]
        for k in range(MEASURES):
            at = 0
            for d in range(DATASETS):
                for e in range(d + 1, DATASETS):
                    result[replicate, k, at] = np.corrcoef(similarities.values[d, k, f, g], similarities.values[e, k, f, g])[0, 1]
                    at += 1
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--replicates", type=int, default=1000)
    parser.add_argument("--loop-replicates", type=int, default=4)
    options = parser.parse_args()
    similarities = make()
    Consistency(replicates=2, permutations=2)(similarities)
    nothing = seconds(lambda: Consistency(replicates=0, permutations=0)(similarities))
    for name, action in {
        "intervals, all models": lambda: Consistency(replicates=options.replicates, permutations=0)(similarities.take()),
        "intervals and p, all models": lambda: Consistency(replicates=options.replicates, permutations=1000)(similarities),
        "the same by objective (7 pairs of sets)": lambda: Consistency(replicates=options.replicates)(similarities, by="objective"),
        "the same, Spearman": lambda: Consistency(replicates=options.replicates, method="spearman")(similarities, by="objective"),
    }.items():
        cpu, wall = seconds(action)
        print(f"  {name:42} {cpu:8.2f} CPU s {wall:8.2f} wall s")
    print(f"  {'point values alone, all models':42} {nothing[0]:8.2f} CPU s {nothing[1]:8.2f} wall s")
    bare = Similarities(similarities.values, similarities.datasets, similarities.measures, similarities.models)
    ours = seconds(lambda: Consistency(replicates=options.replicates, permutations=0)(bare))[0]
    ours -= seconds(lambda: Consistency(replicates=0, permutations=0)(bare))[0]
    loop = seconds(lambda: plain_loop(similarities, options.loop_replicates))[0] / options.loop_replicates * options.replicates
    print(f"  {options.replicates} replicates alone: isomorph {ours:.2f} CPU s, plain loop {loop:.0f} CPU s (scaled): {loop / ours:.0f} x")
    print(f"  peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    main()
