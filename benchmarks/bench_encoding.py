"""Ridge encoding models: 1,000 stimuli × 5,920 features onto 10,000 units, 20 penalties, and predictions of 200 new stimuli.

Peers: himalaya's KernelRidgeCV (numpy, 5 folds, a penalty for each target), where it can be imported, and scikit-learn's RidgeCV
(alpha_per_target) on a share of the units, whose time is also extrapolated to all of them as fixed part + units × the rest, from two
numbers of units, and marked so. Each runs in a process of its own, one thread, so that peaks of memory are apart. Features are factors
seen through noise, with a spectrum that falls; units run from clear to hopeless. Floors: the product Qᵀ y that every method by the
eigenvectors needs, and 20 of it, which leaving out at every penalty needs.

Targets: exact no slower than himalaya; screened at least 2.5 × as fast, at least 20 × scikit-learn, the same penalty as exact for 99.9 % of
units, at most 1 GB.

`--gram`: the Gram matrix of 1,000 stimuli × 300,000 features, added up 4,096 columns at a time as extraction does, and at once in float64
(`Gram.from_features`), against the product of a matrix and its own transpose, which counts the symmetric half once. Target: at most 1.3 ×.

`--banded`: three feature spaces onto 2,000 units, 20 weights × 20 penalties for each, by leaving one stimulus out, against himalaya's
MultipleKernelRidgeCV (random search, numpy, 5 folds) over the same weights and penalties.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec

import numpy as np

ALPHAS = np.logspace(-1, 6, 20)
NEW = 200
CASES = ("floor", "exact", "screened", "screened-1", "gcv", "exact-float64", "himalaya", "scikit-learn")
BLOCK = 4096
GRAM = ("product", "accumulated", "from-features")
BANDED = ("banded", "banded-folds", "banded-himalaya")
OURS = {
    "exact": {"screen": None},
    "screened": {},
    "screened-1": {"screen": 1},
    "gcv": {"select": "gcv"},
    "exact-float64": {"screen": None},
}


def data(n: int, p: int, t: int) -> tuple[np.ndarray, np.ndarray]:
    """Features and responses of n + 200 stimuli, float32."""
    rng = np.random.default_rng(0)
    factors = (rng.normal(size=(n + NEW, 300)) / np.sqrt(np.arange(1, 301))).astype(np.float32)
    x = factors @ rng.normal(size=(300, p)).astype(np.float32) + rng.normal(size=(n + NEW, p)).astype(np.float32) / 2
    signal = factors @ rng.normal(size=(300, t)).astype(np.float32)
    return x, signal + rng.normal(size=signal.shape).astype(np.float32) * np.geomspace(0.3, 30, t).astype(np.float32) + 5


def ours(name: str, x: np.ndarray, y: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    from isomorph.encoding import Ridge

    if name == "exact-float64":
        x, y = x.astype(np.float64), y.astype(np.float64)
    fitted = Ridge(alphas=tuple(ALPHAS), **OURS[name]).fit(x[:n], y[:n])
    return fitted.predict(x[n:]), fitted.alphas


def himalaya(x: np.ndarray, y: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    from himalaya.backend import set_backend
    from himalaya.kernel_ridge import KernelRidgeCV
    from himalaya.scoring import correlation_score
    from sklearn.preprocessing import StandardScaler

    set_backend("numpy")
    scaler, mean = StandardScaler().fit(x[:n]), y[:n].mean(axis=0)  # it has no intercept
    alphas = ALPHAS.astype(x.dtype)  # float64 penalties would make all of it float64
    batches = {"n_targets_batch": 1000, "n_alphas_batch": 5}  # 1.6 × as fast as its defaults here, the best of those tried
    model = KernelRidgeCV(alphas=alphas, cv=5, solver_params={"score_func": correlation_score, **batches}, warn=False)
    model.fit(scaler.transform(x[:n]), y[:n] - mean)
    return model.predict(scaler.transform(x[n:])) + mean, model.best_alphas_


def scikit(x: np.ndarray, y: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    from sklearn.linear_model import RidgeCV
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler().fit(x[:n])
    model = RidgeCV(alphas=ALPHAS, alpha_per_target=True).fit(scaler.transform(x[:n]).astype(np.float64), y[:n].astype(np.float64))
    return model.predict(scaler.transform(x[n:])), model.alpha_


def floor(x: np.ndarray, y: np.ndarray, n: int) -> None:
    square = np.ascontiguousarray(x[:n, :n])
    result = np.empty((n, y.shape[1]), np.float32)
    np.matmul(square, y[:n], out=result)


def gram(name: str, n: int, p: int) -> dict[str, object]:
    """CPU seconds of the product, or of one of our ways to the Gram matrix."""
    from isomorph.geometry import Gram, GramAccumulator

    def product(x: np.ndarray) -> np.ndarray:
        return x @ x.T

    def accumulated(x: np.ndarray) -> np.ndarray:
        sums = GramAccumulator(len(x))
        for start in range(0, x.shape[1], BLOCK):
            sums.add(x[:, start : start + BLOCK])
        return sums.gram(ids=[str(row) for row in range(len(x))]).centred

    made = {"product": product, "accumulated": accumulated, "from-features": lambda x: Gram.from_features(x).centred}[name]
    x = np.random.default_rng(0).standard_normal((n, p), dtype=np.float32)
    made(x[:, : 2 * BLOCK])  # imports
    start = time.process_time()
    found = made(x)
    return {"cpu": time.process_time() - start, "trace": float(np.trace(found))}


def banded(name: str, n: int, t: int) -> dict[str, object]:
    """CPU seconds and test r of regressions from three feature spaces."""
    from isomorph.encoding import BandedRidge

    rng = np.random.default_rng(0)
    spaces = {f"p={p}": data(n, p, 1)[0] for p in (300, 2000, 5920)}
    mixed = [x @ rng.normal(size=(x.shape[1], t)).astype(np.float32) / np.sqrt(x.shape[1]) for x in spaces.values()]
    y = np.einsum("snt,st->nt", np.stack(mixed), rng.dirichlet(np.full(3, 0.3), size=t).T).astype(np.float32)
    y += rng.normal(size=y.shape).astype(np.float32) * np.geomspace(0.3, 30, t).astype(np.float32)
    train, test = ({each: x[rows] for each, x in spaces.items()} for rows in (slice(n), slice(n, None)))
    options = BandedRidge(alphas=tuple(ALPHAS), draws=16, select="cv-pearson" if name == "banded-folds" else "loo-pearson")

    def himalaya_banded(train: dict, y: np.ndarray, test: dict) -> np.ndarray:
        from himalaya.backend import set_backend
        from himalaya.kernel_ridge import MultipleKernelRidgeCV
        from himalaya.scoring import correlation_score
        from sklearn.preprocessing import StandardScaler

        set_backend("numpy")
        scalers, mean = [StandardScaler().fit(x) for x in train.values()], y.mean(axis=0)
        known, new = ([s.transform(x) for s, x in zip(scalers, each.values(), strict=True)] for each in (train, test))
        solver = {"n_iter": options.weights(3).astype(np.float32), "alphas": ALPHAS.astype(np.float32), "score_func": correlation_score}
        solver |= {"n_targets_batch": 1000, "n_alphas_batch": 5, "progress_bar": False}
        model = MultipleKernelRidgeCV(kernels="precomputed", solver="random_search", solver_params=solver, cv=5)
        model.fit(np.stack([x @ x.T for x in known]), y - mean)
        return model.predict(np.stack([a @ b.T for a, b in zip(new, known, strict=True)])) + mean

    def ours_banded(train: dict, y: np.ndarray, test: dict) -> np.ndarray:
        return np.asarray(options.fit(train, y).predict(test))

    made = himalaya_banded if name == "banded-himalaya" else ours_banded
    made({each: x[:60] for each, x in train.items()}, y[:60, :20], test)  # imports
    start = time.process_time()
    predicted = made(train, y[:n], test)
    cpu = time.process_time() - start
    a, b = (each - each.mean(axis=0) for each in (predicted.astype(np.float64), y[n:].astype(np.float64)))
    return {"cpu": cpu, "r": float(np.mean((a * b).sum(axis=0) / np.linalg.norm(a, axis=0) / np.linalg.norm(b, axis=0)))}


def run(name: str, size: tuple[int, int, int], units: int) -> dict[str, object]:
    """One case in this process: CPU seconds, peak, mean test r, and the penalties."""
    n = size[0]
    x, y = data(*size)
    y = y[:, :: max(1, y.shape[1] // units)]
    cases: dict[str, Callable[[], object]] = {
        "floor": lambda: floor(x, y, n),
        "himalaya": lambda: himalaya(x, y, n),
        "scikit-learn": lambda: scikit(x, y, n),
    }
    warm = {"floor": floor, "himalaya": himalaya, "scikit-learn": scikit}.get(name) or (lambda *each: ours(name, *each))
    warm(x[:260, :300], y[:260, :50], 60)  # imports
    start, wall = time.process_time(), time.perf_counter()
    made = cases.get(name, lambda: ours(name, x, y, n))()
    row: dict[str, object] = {"units": y.shape[1], "cpu": time.process_time() - start, "wall": time.perf_counter() - wall}
    if isinstance(made, tuple):
        a, b = (each - each.mean(axis=0) for each in (made[0].astype(np.float64), y[n:].astype(np.float64)))
        lengths = np.linalg.norm(a, axis=0) * np.linalg.norm(b, axis=0)
        row["r"] = float(np.mean((a * b).sum(axis=0) / np.where(lengths > 0, lengths, 1)))
        row["alphas"] = np.abs(np.log(ALPHAS[:, None]) - np.log(np.asarray(made[1], dtype=np.float64))).argmin(axis=0).tolist()
    return row


def apart(name: str, arguments: argparse.Namespace, units: int) -> dict[str, object]:
    command = [sys.executable, __file__, "--case", name, "--size", *map(str, arguments.size), "--units", str(units)]
    return dict(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, nargs=3, default=(1000, 5920, 10_000), metavar=("N", "P", "T"))
    parser.add_argument("--share", type=int, default=1000, help="units that scikit-learn is timed on")
    parser.add_argument("--repeats", type=int, default=3, help="the least CPU seconds of so many runs of the others")
    parser.add_argument("--gram", action="store_true", help="the Gram matrix of many features instead")
    parser.add_argument("--banded", action="store_true", help="regressions from several feature spaces instead")
    parser.add_argument("--case", choices=(*CASES, *GRAM, *BANDED), help="one case, as JSON")
    parser.add_argument("--units", type=int, default=10**9, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.case:
        made: dict[str, object]
        if arguments.case in GRAM:
            made = gram(arguments.case, 1000, 300_000)
        elif arguments.case in BANDED:
            made = banded(arguments.case, 1000, 2000)
        else:
            made = run(arguments.case, tuple(arguments.size), arguments.units)
        print(json.dumps({**made, "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9}))
        return
    if arguments.gram or arguments.banded:
        cases = GRAM if arguments.gram else BANDED
        several = [{name: apart(name, arguments, 10**9) for name in cases} for _ in range(arguments.repeats)]
        least = {name: min((each[name] for each in several), key=lambda row: row["cpu"]) for name in cases}
        for name, row in least.items():
            score = f"test r {row['r']:.5f}" if "r" in row else f"{row['cpu'] / least['product']['cpu']:.2f} × the product"
            print(f"{name:16} {row['cpu']:7.2f} CPU s {row['peak']:5.2f} GB  {score}")
        return
    names = [name for name in CASES[:-1] if name != "himalaya" or find_spec("himalaya")]
    rounds = [{name: apart(name, arguments, 10**9) for name in names} for _ in range(arguments.repeats)]
    rows = {name: min((each[name] for each in rounds), key=lambda row: row["cpu"]) for name in names}
    for name, row in rows.items():
        same = np.mean(np.array(row["alphas"]) == np.array(rows["exact"]["alphas"])) if "alphas" in row else np.nan
        spread = max(each[name]["cpu"] for each in rounds)
        score = f"test r {row['r']:.5f}, alphas as exact {same:.2%}" if "r" in row else ""
        print(f"{name:14} {row['cpu']:7.2f} CPU s (to {spread:.2f}) {row['wall']:7.2f} wall s {row['peak']:5.2f} GB  {score}")
    few, more = (apart("scikit-learn", arguments, arguments.share // each) for each in (2, 1))
    slope = (more["cpu"] - few["cpu"]) / (more["units"] - few["units"])
    whole = more["cpu"] + slope * (arguments.size[2] - more["units"])
    print(
        f"scikit-learn   {more['cpu']:7.2f} CPU s for {more['units']} units, {more['peak']:.2f} GB; extrapolated to all: {whole:.0f} CPU s"
    )


if __name__ == "__main__":
    main()
