"""Distances of abstention on many wide features, against the matrix products that they cannot do without, and against scikit-learn.

Floor: as many multiplications as the method's products have, at the rate of one float32 product of 4,096 rows in the same run.

* Mahalanobis: items × features² for the covariance, new × features × (features + classes) for the distances.
* KNN: new × items × features.
* TAPUDD: an iteration of a mixture of k components is k products of items × features² for the distances and one for the covariances; a
  score is 55 products of new × features² for k = 1 … 10.

CPU seconds are compared, since wall time depends on who else uses the machine. Target: at most 3 × the floor.
"""

from __future__ import annotations

import argparse
import resource
import time
import warnings
from collections.abc import Callable

import numpy as np

from isomorph.abstention import KNN, TAPUDD, Mahalanobis

CLASSES = 10


def seconds(action: Callable[[], object]) -> float:
    """CPU seconds of one run."""
    start = time.process_time()
    action()
    return time.process_time() - start


def product_rate(p: int) -> float:
    """Multiplications a CPU second, the best of five products."""
    rng = np.random.default_rng(1)
    rows, square = (rng.standard_normal((size, p), dtype=np.float32) for size in (4096, p))
    rows @ square.T
    return 4096 * p * p / min(seconds(lambda: rows @ square.T) for _ in range(5))


def report(name: str, ours: float, floor: float, peer: float | None = None) -> None:
    beside = "" if peer is None else f"; scikit-learn {peer:.2f} s ({peer / ours:.1f} × ours)"
    print(f"{name:34}{ours:8.2f} s, floor {floor:8.2f} s: {ours / floor:.2f} ×{beside}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=50_000)
    parser.add_argument("--new", type=int, default=2_000)
    parser.add_argument("--features", type=int, default=1024)
    parser.add_argument("--k", type=int, default=50)
    parser.add_argument("--components", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--without-peers", action="store_true")
    options = parser.parse_args()
    warnings.filterwarnings("ignore", message="TAPUDD's mixtures")  # iterations are limited on purpose
    n, m, p = options.items, options.new, options.features
    rng = np.random.default_rng(0)
    labels = rng.integers(0, CLASSES, n)
    centres = rng.standard_normal((CLASSES, p), dtype=np.float32)
    x = rng.standard_normal((n, p), dtype=np.float32) + centres[labels]
    new = rng.standard_normal((m, p), dtype=np.float32) * 2
    rate = product_rate(p)
    print(f"{n:,} × {p:,} training features, {m:,} new ones, float32; {2 * rate / 1e9:.0f} GFLOP/s")
    mahalanobis(x, labels, new, rate)
    knn(x, new, options.k, rate, peers=not options.without_peers)
    tapudd(x, new, tuple(options.components), rate, peers=not options.without_peers)
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB, of which features {x.nbytes / 2**20:.0f} MB")


def mahalanobis(x: np.ndarray, labels: np.ndarray, new: np.ndarray, rate: float) -> None:
    (n, p), m = x.shape, len(new)
    fitted = Mahalanobis().fit(x[: 4 * p], labels[: 4 * p])
    report("Mahalanobis.fit", seconds(lambda: Mahalanobis().fit(x, labels)), n * p * p / rate)
    report("Mahalanobis.score (training set)", seconds(lambda: fitted.score(x)), n * p * (p + CLASSES) / rate)
    report("Mahalanobis.score", seconds(lambda: fitted.score(new)), m * p * (p + CLASSES) / rate)


def knn(x: np.ndarray, new: np.ndarray, k: int, rate: float, *, peers: bool) -> None:
    fitted = KNN(k=k).fit(x)
    peer = None
    if peers:
        from sklearn.neighbors import NearestNeighbors

        other = NearestNeighbors(n_neighbors=k, algorithm="brute").fit(fitted.directions)
        unit = new / np.linalg.norm(new, axis=1, keepdims=True)
        peer = seconds(lambda: other.kneighbors(unit))
    report("KNN.score", seconds(lambda: fitted.score(new)), len(new) * x.size / rate, peer)


def tapudd(x: np.ndarray, new: np.ndarray, components: tuple[int, ...], rate: float, *, peers: bool, iterations: int = 2) -> None:
    (n, p), m = x.shape, len(new)
    method = TAPUDD(components=components, iterations=iterations, tolerance=1e-300)
    ours = seconds(lambda: method.fit(x))
    products = sum(1 if k == 1 else 1 + iterations * (k + 1) for k in components)
    report(f"TAPUDD.fit, k = {components}", ours, products * n * p * p / rate)
    whole = TAPUDD(iterations=1).fit(x[: 2 * p])
    report("TAPUDD.score, k = 1 … 10", seconds(lambda: whole.score(new)), 55 * m * p * p / rate)
    if peers:
        from sklearn.mixture import GaussianMixture

        few = x[: min(n, 8 * p)]
        single = TAPUDD(components=(2,), iterations=iterations, tolerance=1e-300)
        other = GaussianMixture(2, max_iter=iterations, tol=1e-300, random_state=0, reg_covar=1e-6)
        warnings.simplefilter("ignore")
        peer = seconds(lambda: other.fit(few))
        report(
            f"TAPUDD.fit, k = 2, {len(few):,} items", seconds(lambda: single.fit(few)), (1 + iterations * 3) * len(few) * p * p / rate, peer
        )


if __name__ == "__main__":
    main()
