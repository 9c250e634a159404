"""The data half of AligNet at its real size, against the machine's own limits.

`--case kmeans`: 200,000 × 1,152 float32, 500 clusters, the same centres to begin with and the same number of passes as scikit-learn's
Lloyd. Data are 500 Gaussian groups whose centres are `--spread` standard deviations from the mean in each direction.
`--case label`: 1,280,000 × 1,152 float16 features in a memory-mapped file, cluster-border triplets (target ≥ 250,000 a second on two
cores, peak ≤ 6 GB). Floors, in the same run: the rows of the same triplets copied out of the file and nothing else, in the order that the
labeller reads them; and a plain sum over the file.
`--case ranges`: the same labels, with a map to 256 dimensions, by one call and by units in a store, one after the other: what ranges cost.
`--case convert`: a table into AligNet's `.npz` with names of 23 characters, and back (target: ≤ 1 GB beyond the arrays kept).

Wall seconds count everything that happens on the machine; CPU seconds are this process's own.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from isomorph.alignet import (
    KMeans,
    TripletSampler,
    label_ranges,
    label_triplets,
    sample_to_table,
    table_from_alignet,
    table_from_triplets,
)
from isomorph.alignment import FittedTransform
from isomorph.engine import run_plan
from isomorph.judgments import Triplets, write_alignet
from isomorph.store import Store

IMAGES, WIDTH = 1_280_000, 1152


def timed(name: str, action: Callable[[], Any], rows: int = 0) -> Any:
    """Run once and say how long it took, and the peak so far."""
    cpu, wall = time.process_time(), time.perf_counter()
    result = action()
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
    rate = f", {rows / wall:,.0f}/s wall, {rows / cpu:,.0f} a CPU second" if rows else ""
    print(f"{name}: {wall:.2f} s wall, {cpu:.2f} s CPU{rate}; peak {peak:.2f} GB", flush=True)
    return result


def kmeans(n: int, passes: int, spread: float) -> None:
    from sklearn.cluster import KMeans as Peer

    rng = np.random.default_rng(0)
    centres = rng.standard_normal((500, WIDTH), dtype=np.float32) * np.float32(spread)
    x = rng.standard_normal((n, WIDTH), dtype=np.float32)
    for start in range(0, n, 10_000):
        x[start : start + 10_000] += centres[rng.integers(500, size=len(x[start : start + 10_000]))]
    start_at = x[np.sort(rng.choice(n, 500, replace=False))].copy()
    ours = timed(
        f"isomorph, {passes} passes", lambda: KMeans(clusters=500, epochs=passes, tolerance=0).fit(x, centres=start_at), n * passes
    )
    theirs = timed(f"scikit-learn, {passes} passes", lambda: Peer(500, init=start_at, n_init=1, max_iter=passes, tol=0).fit(x), n * passes)
    agreement = (ours.assignment == theirs.labels_).mean()
    print(f"inertia {ours.inertia:.8g} and {theirs.inertia_:.8g}; {agreement:.4%} of images in the same cluster", flush=True)
    timed("isomorph, k-means++ on 50,000 images", lambda: KMeans(clusters=500, epochs=1).fit(x))


def features(rng: np.random.Generator, images: int, folder: Path) -> Any:
    path = folder / "features.npy"
    out = np.lib.format.open_memmap(path, mode="w+", dtype=np.float16, shape=(images, WIDTH))
    base = rng.standard_normal((10_000, WIDTH), dtype=np.float32).astype(np.float16)
    for start in range(0, images, len(base)):
        out[start : start + len(base)] = np.roll(base, start // len(base), axis=1)
    out.flush()
    return np.load(path, mmap_mode="r")


def ranges(n: int, images: int, folder: Path) -> None:
    rng = np.random.default_rng(0)
    x = features(rng, images, folder)
    table, _ = sample_to_table(TripletSampler(sampling="random", images=images), n, folder / "drawn")
    by, store = FittedTransform(weights=rng.normal(size=(WIDTH, 256)) / WIDTH), Store(folder / "store")
    timed("one call", lambda: label_triplets(x, table, folder / "alone", transform=by), n)
    mapped, units, join = timed("names of the units", lambda: label_ranges(x, table, folder / "labelled", ranges=8, transform=by))
    timed("mapped features", lambda: run_plan(mapped, store=store))
    timed("8 ranges", lambda: run_plan(units, store=store), n)
    timed("join", lambda: run_plan([join], store=store), n)
    for each in (folder / "alone").iterdir():
        assert each.read_bytes() == (folder / "labelled" / each.name).read_bytes()


def label(n: int, folder: Path) -> None:
    rng = np.random.default_rng(0)
    x = features(rng, IMAGES, folder)
    sampler = TripletSampler(sampling="cluster_border_500", images=IMAGES, groups=rng.integers(500, size=IMAGES))
    timed("sum over the file", lambda: [x[start : start + 4096].view(np.uint64).sum() for start in range(0, IMAGES, 4096)])
    table, _ = timed("sampling", lambda: sample_to_table(sampler, n, folder / "drawn"), n)
    timed("bare gathers", lambda: gathers(x, table.items), n)
    _, report = timed("labelling", lambda: label_triplets(x, table, folder / "labelled"), n)
    print(report)


def gathers(x: np.ndarray[Any, Any], items: np.ndarray[Any, Any]) -> None:
    """Copy the rows of all triplets out of the file, on two threads."""

    def work(block: np.ndarray[Any, Any]) -> None:
        into = np.empty((64, WIDTH), dtype=x.dtype)
        for start in range(0, len(block), 64):
            for column in block[start : start + 64].T:
                np.take(x, column, axis=0, out=into[: len(column)], mode="clip")

    with ThreadPoolExecutor(2) as pool:
        for start in range(0, len(items), 1 << 18):
            block = np.asarray(items[start : start + (1 << 18)])
            list(pool.map(work, np.array_split(block[np.argsort(block[:, 0])], 2)))


def convert(n: int, folder: Path) -> None:
    rng = np.random.default_rng(0)
    items = TripletSampler(sampling="random", images=IMAGES).draw(n)
    similarities = -np.sort(-rng.standard_normal((n, 3), dtype=np.float32), axis=1)
    names = tuple(f"n{row // 1300:08d}_{row % 1300:07d}.JPEG" for row in range(IMAGES))
    table = table_from_triplets(Triplets(items=items, objects=names, similarities=similarities), folder / "table")
    del items, similarities
    print(f"peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9:.2f} GB before")
    timed("table into .npz", lambda: write_alignet(folder / "x.npz", table), n)
    print(f"{(folder / 'x.npz').stat().st_size / 1e6:,.0f} MB")
    timed(".npz into table", lambda: table_from_alignet(folder / "x.npz", folder / "again"), n)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--case", choices=["kmeans", "label", "ranges", "convert"], required=True)
    parser.add_argument("--n", type=int, help="images (kmeans) or triplets; the full size by default")
    parser.add_argument("--images", type=int, default=100_000, help="of --case ranges")
    parser.add_argument("--passes", type=int, default=5)
    parser.add_argument("--spread", type=float, default=0.1)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as scratch:
        if chosen.case == "kmeans":
            kmeans(chosen.n or 200_000, chosen.passes, chosen.spread)
        elif chosen.case == "label":
            label(chosen.n or 10_000_000, Path(scratch))
        elif chosen.case == "ranges":
            ranges(chosen.n or 3_000_000, chosen.images, Path(scratch))
        else:
            convert(chosen.n or 10_000_000, Path(scratch))
