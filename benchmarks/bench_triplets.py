"""Scoring of odd-one-out trials against the machine's own limits.

`--case things`: 4,700,000 trials on 1,854 objects × 768 features, looked up in one Gram matrix (target ≤ 1.5 s with the interval of 1,000
replicates). Floor, in the same run: that product plus three bare look-ups of random entries for each trial.
`--case many`: 10,000,000 trials over 50,000 objects × 768 float32 features, whose Gram matrix (10 GB) is never made: rows are gathered
in tiles (target ≥ 500,000 trials a second, bounded memory). Peer: the same dot products, block after block in the order of the file.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Callable

import numpy as np

from isomorph.features import Features
from isomorph.judgments import Triplets, score_triplets


def seconds(action: Callable[[], object]) -> tuple[float, float]:
    """CPU and wall seconds of one run."""
    cpu, wall = time.process_time(), time.perf_counter()
    action()
    return time.process_time() - cpu, time.perf_counter() - wall


def random_trials(objects: int, trials: int) -> Triplets:
    rng = np.random.default_rng(0)
    items = rng.integers(objects, size=(trials * 11 // 10, 3), dtype=np.int32)
    first, second, third = items.T
    items = items[(first != second) & (first != third) & (second != third)][:trials]
    return Triplets(items=items, objects=tuple(map(str, range(objects))))


def floor(x: np.ndarray, items: np.ndarray) -> None:
    """The product, and three look-ups a trial."""
    gram = (x @ x.T).astype(np.float64).ravel()
    for one, other in ((0, 1), (0, 2), (1, 2)):
        gram.take(items[:, one].astype(np.int64) * len(x) + items[:, other])


def in_file_order(x: np.ndarray, items: np.ndarray, block: int = 128) -> None:
    """Three dot products a trial from gathered rows, without tiles."""
    for start in range(0, len(items), block):
        a, b, c = (x[items[start : start + block, column]] for column in range(3))
        for one, other in ((a, b), (a, c), (b, c)):
            np.einsum("ij,ij->i", one, other)


def peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--case", choices=("things", "many"), default="things")
    parser.add_argument("--features", type=int, default=768)
    parser.add_argument("--trials", type=int, default=0)
    options = parser.parse_args()
    objects, trials = (1854, options.trials or 4_700_000) if options.case == "things" else (50_000, options.trials or 10_000_000)
    triplets = random_trials(objects, trials)
    x = Features(np.random.default_rng(1).standard_normal((objects, options.features), dtype=np.float32), triplets.objects)
    before = peak()
    runs = [seconds(lambda: score_triplets(x, triplets)) for _ in range(3 if options.case == "things" else 1)]
    cpu, wall = (min(each) for each in zip(*runs, strict=True))
    print(f"{trials:,} trials on {objects:,} objects × {options.features}: {cpu:.2f} CPU s, {wall:.2f} wall s")
    print(f"  {trials / wall:,.0f} trials a wall second, {trials / cpu:,.0f} a CPU second")
    print(f"  peak {peak():,.0f} MB, of which {peak() - before:,.0f} beyond features and trials")
    if options.case == "things":
        spent = seconds(lambda: floor(x.values, triplets.items))
        print(f"  floor (product and bare look-ups): {spent[0]:.2f} CPU s; isomorph / floor {cpu / spent[0]:.2f}")
        return
    share = triplets.items[: len(triplets) // 20]
    spent = seconds(lambda: in_file_order(x.values, share))
    rate = len(share) / spent[0]
    print(f"  in the order of the file (a twentieth of them): {rate:,.0f} a CPU second; isomorph {trials / cpu / rate:.2f} ×")


if __name__ == "__main__":
    main()
