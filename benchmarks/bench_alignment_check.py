"""Neighbours kept by a map, 5,000 × 512 float32, against two matrix products of n × p × n.

NumPy does x @ x.T at half of the multiplications, by symmetry, which stripes of rows cannot: that is the second floor. CPU seconds,
the least of several runs in turn, since other work on the machine disturbs single ones.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Callable

import numpy as np

from isomorph.alignment._neighbourhoods import neighbours_kept


def seconds(action: Callable[[], object]) -> float:
    start = time.process_time()
    action()
    return time.process_time() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stimuli", type=int, default=5000)
    parser.add_argument("--features", type=int, default=512)
    parser.add_argument("--repeats", type=int, default=7)
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    x = rng.normal(size=(options.stimuli, options.features)).astype(np.float32)
    y = x + (0.02 * x @ rng.normal(size=(options.features, options.features))).astype(np.float32)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    neighbours_kept(x, y, (10,))
    peak = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    out = np.empty((options.stimuli, options.stimuli), np.float32)
    others = x.copy(), y.copy()
    tasks = {
        "two products": lambda: (np.matmul(x, others[0].T, out=out), np.matmul(y, others[1].T, out=out)),
        "by symmetry": lambda: (np.matmul(x, x.T, out=out), np.matmul(y, y.T, out=out)),
        "kept @10": lambda: neighbours_kept(x, y, (10,)),
        "kept @1, 10, 50": lambda: neighbours_kept(x, y, (1, 10, 50)),
    }
    runs = [[seconds(each) for each in tasks.values()] for _ in range(options.repeats)]
    times = dict(zip(tasks, np.min(runs, axis=0), strict=True))
    for name, each in times.items():
        print(f"{name:<16} {each:6.2f} s CPU, {each / times['two products']:.2f} × the products")
    print(f"peak of the first: {peak:.0f} MB beyond the features")


if __name__ == "__main__":
    main()
