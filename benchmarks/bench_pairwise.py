"""All pairs of many models in one pass, against one matrix product with the same multiplications, and against pair by pair.

Floor: products n × p × n of every model (half of it: the triangle) and models × n² × models, in float32, by the same library in the
same run. Pair by pair: two n × n Gram matrices, U-centred, for each of the three terms, in float32 by torch, as most programs do it.
CPU seconds are compared, since wall time depends on who else uses the machine. Targets: at most 1.5 × the product, at most 1.5 GB beside
the features, at least 100 × faster per pair than pair by pair, ranks at most 0.3 s per pair.
"""

from __future__ import annotations

import argparse
import resource
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from isomorph.measures import CKA, RBFCKA, RSA
from isomorph.pairwise import all_pairs

LINEAR = (CKA(), CKA(debiased=False))


def seconds(action: Callable[[], object]) -> tuple[float, float]:
    """CPU and wall seconds of one run."""
    cpu, wall = time.process_time(), time.perf_counter()
    action()
    return time.process_time() - cpu, time.perf_counter() - wall


def resident(key: str) -> float:
    """Megabytes: `VmRSS` now, `VmHWM` at most so far."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(float(line.split()[1]) / 1024 for line in lines if line.startswith(key))


def make(models: int, n: int, p: int, seed: int = 0) -> dict[str, np.ndarray]:
    """Models that share some of what they represent, float32."""
    rng = np.random.default_rng(seed)
    shared = rng.normal(size=(n, 32)).astype(np.float32)
    items = {}
    for index in range(models):
        x = rng.standard_normal((n, p), dtype=np.float32)
        x += 0.3 * shared @ rng.normal(size=(32, p)).astype(np.float32)
        items[f"model{index}"] = x
    return items


def floor_seconds(models: int, n: int, p: int) -> tuple[float, float]:
    """The products of one pass, measured on pieces of it: n²p for the upper triangles of all models, and M²n² for their pairs."""
    rng = np.random.default_rng(1)
    rows, columns = (rng.standard_normal((size, p), dtype=np.float32) for size in (256, n))
    out = np.empty((256, n), dtype=np.float32)
    np.matmul(rows, columns.T, out=out)
    relations = min(seconds(lambda: np.matmul(rows, columns.T, out=out)) for _ in range(5))
    stack = rng.standard_normal((models, 2**16), dtype=np.float32)
    pairs = min(seconds(lambda: np.matmul(stack, stack.T)) for _ in range(5))
    return tuple(models * n / 256 / 2 * one + n**2 / 2 / 2**16 * two for one, two in zip(relations, pairs, strict=True))  # type: ignore[return-value]


def pair_by_pair(x: np.ndarray, y: np.ndarray) -> float:
    """Debiased linear CKA of one pair by torch, float32, a formula at a time: both Gram matrices are made and U-centred for each of the
    three terms, as programs with an `hsic(x, y)` do it."""
    import torch

    def centred(z: torch.Tensor) -> torch.Tensor:
        n = len(z)
        gram = z @ z.T
        gram = gram - torch.diag(torch.diagonal(gram))
        means = gram.sum(dim=0) / (n - 2)
        means = means - means.sum() / (2 * (n - 1))
        gram = gram - means[:, None] - means[None, :]
        return gram - torch.diag(torch.diagonal(gram))

    def hsic(one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
        return (centred(one) * centred(other)).sum()

    first, second = torch.from_numpy(x), torch.from_numpy(y)
    return float(hsic(first, second) / torch.sqrt(hsic(first, first) * hsic(second, second)))


def growth(base: tuple[int, int], p: int) -> None:
    """Fit how time grows in models and in stimuli."""
    models, n = base
    for what, sizes in (
        ("models", [(m, n) for m in (models, 2 * models, 4 * models)]),
        ("stimuli", [(models, m) for m in (n, 2 * n, 4 * n)]),
    ):
        times = []
        for m, size in sizes:
            items = make(m, size, p)
            all_pairs(items, LINEAR, form="stream")
            times.append(min(seconds(lambda items=items: all_pairs(items, LINEAR, form="stream"))[0] for _ in range(2)))
        steps = [m if what == "models" else size for m, size in sizes]
        exponent = np.polyfit(np.log(steps), np.log(times), 1)[0]
        shown = ", ".join(f"{step}: {each:.2f} s" for step, each in zip(steps, times, strict=True))
        print(f"  growth in {what}: {shown}; exponent {exponent:.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=int, default=20)
    parser.add_argument("--stimuli", type=int, default=10_000)
    parser.add_argument("--features", type=int, default=1024)
    parser.add_argument("--without-pairwise", action="store_true")
    parser.add_argument("--without-ranks", action="store_true")
    parser.add_argument("--without-growth", action="store_true")
    options = parser.parse_args()
    warnings.simplefilter("ignore", UserWarning)  # biased CKA is measured on purpose
    models, n, p = options.models, options.stimuli, options.features
    pairs = models * (models - 1) // 2
    items = make(models, n, p)
    small = {name: each[:256] for name, each in list(items.items())[:2]}
    all_pairs(small, [*LINEAR, RBFCKA(), RSA()])
    before = resident("VmRSS")
    floor = floor_seconds(models, n, p)
    ours = seconds(lambda: all_pairs(items, LINEAR, form="stream"))
    again = floor_seconds(models, n, p)
    floor = min(floor[0], again[0]), min(floor[1], again[1])
    print(f"{models} models, {pairs} pairs, n = {n}, p = {p}, float32")
    print(f"  products alone        {floor[0]:8.2f} CPU s {floor[1]:8.2f} wall s")
    print(f"  linear CKA, both      {ours[0]:8.2f} CPU s {ours[1]:8.2f} wall s")
    print(f"  isomorph / products: {ours[0] / floor[0]:.2f} CPU, {ours[1] / floor[1]:.2f} wall (target ≤ 1.5)")
    print(f"  peak {resident('VmHWM') - before:.0f} MB beside the features (target ≤ 1500)")
    two = dict(list(items.items())[:2])
    double = all_pairs(two, LINEAR, form="features", products="float64").values[:, 0, 1]
    single = all_pairs(two, LINEAR, form="stream").values[:, 0, 1]
    for word, one, other in zip(("debiased", "biased"), single, double, strict=True):
        print(f"  {word}: {one:.9f} in float32 from stripes, {other:.9f} in float64 from features; {abs(one - other):.1e} apart")
    if not options.without_pairwise:
        x, y = list(items.values())[:2]
        one = seconds(lambda: pair_by_pair(x, y))
        mine = ours[0] / pairs
        print(f"  one pair by Gram matrices {one[0]:.2f} CPU s; ours per pair {mine:.4f}: {one[0] / mine:.0f} × (target ≥ 100)")
    if not options.without_ranks:
        few = dict(list(items.items())[:4])
        pearson = seconds(lambda: all_pairs(few, [RSA()]))
        whole = seconds(lambda: all_pairs(few, [RSA(comparison="spearman")]))
        print(f"  Spearman, 4 models: {whole[0]:.2f} CPU s in all, {(whole[0] - pearson[0]) / 4:.2f} a model for ranks")
        cached_ranks(n)
    items.clear()
    if not options.without_growth:
        growth((4, 1500), 256)
    print(f"  peak of the process {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


def cached_ranks(n: int) -> None:
    """One pair's share of the products of ranks that were cached, and the ranking itself."""
    from isomorph.pairwise._arithmetic import Arithmetic
    from isomorph.pairwise._ranks import _products, doubled_ranks

    m = n * (n - 1) // 2
    values = np.random.default_rng(0).standard_normal(m, dtype=np.float32)
    ranking = seconds(lambda: doubled_ranks(values))
    with TemporaryDirectory() as folder:
        ranks = []
        for index in range(4):
            file = Path(folder) / str(index)
            np.random.default_rng(index).permutation(m).astype(np.int32).tofile(file)
            ranks.append(np.memmap(file, np.int32, "r"))
        for count in (2, 4):
            taken = seconds(lambda count=count: _products(ranks[:count], m, Arithmetic("cpu", "float32")))
            of = count * (count - 1) // 2
            print(
                f"  ranks cached, {of} pairs of {count} models: {taken[0] / of:.3f} CPU s a pair (target ≤ 0.3), {taken[1] / of:.3f} wall"
            )
    print(f"  ranking {m:,} entries once: {ranking[0]:.2f} CPU s")


if __name__ == "__main__":
    main()
