"""Kernel alignments of one pair at n = 10,000 × p = 1,024, float32 features, against the pairwise Gram way and one GEMM.

The Gram way is what users of other libraries run: two n × n products in float32 and sums over 10⁸ float32 terms; its third decimal is
not to be trusted. Ours forms p × q products in float64. CPU seconds, since wall time depends on who else uses the machine.
"""

from __future__ import annotations

import argparse
import resource
import time
import warnings
from collections.abc import Callable

import numpy as np

from isomorph.inference import bootstrap_weights
from isomorph.measures import CKA, NBS, Bures, MinibatchCKA


def seconds(action: Callable[[], object], repeats: int = 2) -> tuple[float, object]:
    """The least CPU seconds of several runs, and what the last returned."""
    times, result = [], None
    for _ in range(repeats):
        start = time.process_time()
        result = action()
        times.append(time.process_time() - start)
    return min(times), result


def gram_way(x: np.ndarray, y: np.ndarray) -> float:
    """Biased CKA by two Gram matrices in the precision of the features."""
    k, l = (((each - each.mean(axis=0)) @ (each - each.mean(axis=0)).T).ravel() for each in (x, y))  # noqa: E741
    return float(k @ l / np.sqrt((k @ k) * (l @ l)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stimuli", type=int, default=10_000)
    parser.add_argument("--features", type=int, default=1024)
    parser.add_argument("--without-gram", action="store_true")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    n, p = options.stimuli, options.features
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, p)).astype(np.float32)
    y = (0.7 * x + 0.7 * rng.normal(size=(n, p))).astype(np.float32)
    wide = x.astype(np.float64)
    gemm, _ = seconds(lambda: wide.T @ wide[:, ::-1])
    print(f"n = {n}, p = q = {p}; one p × n × p product in float64: {gemm:.2f} CPU s")
    for name, measure in {
        "CKA, song": CKA(),
        "CKA, biased": CKA(estimator="biased"),
        "CKA, lange": CKA(estimator="lange"),
        "minibatch CKA, 256": MinibatchCKA(),
        "NBS": NBS(),
        "Bures": Bures(),
    }.items():
        time_, value = seconds(lambda measure=measure: measure(x, y))
        print(f"  {name:20} {time_:7.2f} CPU s  {time_ / gemm:6.1f} × GEMM  {value!r:.18}")
    if not options.without_gram:
        time_, value = seconds(lambda: gram_way(x, y), repeats=1)
        exact = CKA(estimator="biased")(x.astype(np.float64), y.astype(np.float64))
        print(f"  {'Gram way, float32':20} {time_:7.2f} CPU s  {time_ / gemm:6.1f} × GEMM  {value!r:.18}, off by {abs(value - exact):.1e}")
    small = x[:, :10], y[:, :12]
    weights = bootstrap_weights(n, 100)
    time_, _ = seconds(lambda: CKA().replicates(*CKA().meet(*small), weights), repeats=1)
    print(f"  bootstrap of CKA, 100 replicates, widths 10 and 12: {time_:.2f} CPU s")
    print(f"  peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    main()
