"""`isomorph cluster`: images in groups by their features."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import tyro

from isomorph.cli._output import print_facts, print_json
from isomorph.cli._parse import Settings, StoreFolder, call, options_of
from isomorph.cli._triplets_sample import read_rows


def run(words: list[str]) -> int | None:
    """Parse and run."""
    return call(cluster, words, command="cluster")


def cluster(
    source: Annotated[str, tyro.conf.Positional],
    *,
    out: Path,
    clusters: int = 500,
    method: Literal["lloyd", "mini-batch"] = "lloyd",
    normalise: Literal["none", "l2"] = "none",
    restarts: int = 1,
    seed: int = 0,
    device: str = "cpu",
    set: Settings = (),
    store: StoreFolder = None,
    json: bool = False,
) -> None:
    """Find k-means clusters of images, from features that need not fit in memory.

    Args:
        source: Features: FILE (.npy is read where it lies, float16, too), FILE#KEY or a stored layer (FINGERPRINT#LAYER).
        out: The .safetensors file to write: centres, and the cluster of each image.
        clusters: How many.
        method: lloyd, or mini-batch (much sooner done and a little worse).
        normalise: l2 scales each row to length 1 first.
        restarts: How often to begin anew; the best one is kept.
        seed: Of the draws.
        device: cpu, or a GPU.
        set: Options of k-means: --set epochs=50 tolerance=0 init=random batch=4096 init_rows=20000.
        store: The store's folder; default: $ISOMORPH_STORE.
        json: One JSON object: clusters, images, inertia, iterations, converged, smallest, median, largest, single, out.
    """
    import numpy as np

    from isomorph.alignet import KMeans
    from isomorph.engine import Progress
    from isomorph.spec import from_plain

    options = {"clusters": clusters, "method": method, "normalise": normalise, "restarts": restarts, "seed": seed}
    kmeans = from_plain(KMeans, options | options_of(set))
    with Progress(quiet=json) as progress:
        found = kmeans.fit(read_rows(source, store=store), device=device, progress=progress)
    found.save(out)
    sizes = found.sizes
    facts = {
        "clusters": len(found), "images": len(found.assignment), "inertia": found.inertia, "iterations": found.iterations,
        "converged": found.converged, "smallest": int(sizes.min()), "median": float(np.median(sizes)), "largest": int(sizes.max()),
        "single": int((sizes == 1).sum()), "out": str(out),
    }  # fmt: skip
    print_json(facts) if json else print_facts(facts)
