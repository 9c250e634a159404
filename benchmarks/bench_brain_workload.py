"""The whole workload of a brain-encoding tutorial: every layer of a network against every voxel of a subject.

AlexNet with group normalisation (random weights), 26 layers, 1,000 pictures of 224 pixels, 11,967 simulated voxels in two regions, three
metrics on both halves, effective dimensionality. Prints CPU seconds of one thread and the highest resident set of

* ours: the pass over the pictures with what is held and spilled, the exact Gram matrices, the metrics;
* the floor of the first two: bare forward passes at the faster of two batch sizes, and one symmetric product `X Xᵀ` in float32 for each
  layer (of 20,000 columns, scaled to each layer's width); and how much longer than that product the extraction's own sum of products takes;
* the usual way, on one layer: a sparse random projection and a ridge of scikit-learn, without its RDMs.

Each part runs in a process of its own; the floor runs first and last, because other work on the machine moves it:

    python benchmarks/bench_brain_workload.py
    PICTURES=200 VOXELS=2000 python benchmarks/bench_brain_workload.py ours
"""

from __future__ import annotations

import os

os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

N, UNITS = int(os.environ.get("PICTURES", "1000")), int(os.environ.get("VOXELS", "11967"))
LIMIT = os.environ.get("MEMORY_LIMIT", "2.8GB")
EARLY_SHARE = 4657 / 11967
ONE_LAYER = "conv_block_3.0"
MODEL = "published/alexnet_gn.random-0"


def main() -> None:
    if len(sys.argv) == 2:
        print(json.dumps(PARTS[sys.argv[1]]()))
        return
    for part in ("floor", "ours", "usual", "floor"):
        out = subprocess.run([sys.executable, __file__, part], check=True, capture_output=True, text=True).stdout
        print(f"{part}, load {os.getloadavg()[0]:.1f}")
        for key, value in json.loads(out.splitlines()[-1]).items():
            print(f"    {key:<44}{value}", flush=True)


def ours() -> dict[str, Any]:
    from isomorph.encoding import encode
    from isomorph.models import extract
    from isomorph.models._extract_run import Run

    model, pictures = load_network(), photographs()
    passes, gathers = Timer(Run, "_pass"), Timer(Run, "_gathered")
    before, start = peak_mb(), time.process_time()
    grams = extract(model, pictures, reduce="gram", memory_limit=LIMIT)
    loaded = {name: grams[name] for name in grams}
    whole = time.process_time() - start
    found = {
        "layers and features a picture": f"{len(grams)}, {sum(each.width for each in grams.layers):,}",
        "mode": grams.provenance["mode"],
        "pass over the pictures, with spilling": passes.seconds,
        "Gram matrices of spilled and held rows": gathers.seconds,
        "extraction in all": whole,
        "peak of extraction, MB (before it)": f"{peak_mb():.0f} ({before:.0f})",
    }
    brain = voxels(loaded)
    start = time.process_time()
    scores = encode(loaded, brain)
    metrics = time.process_time() - start
    rows = {"three metrics, both halves, dimensionality": metrics, "rows of the table": len(scores.table), "all": whole + metrics}
    return {key: rounded(value) for key, value in (found | rows | {"peak, MB": f"{peak_mb():.0f}"}).items()}


def floor() -> dict[str, Any]:
    import torch

    from isomorph.geometry import GramAccumulator

    torch.set_num_threads(1)
    model, pictures = load_network(), photographs(64)
    batch = model.prepare(list(pictures))
    forward = min(least(lambda size=size: [model.forward(each) for each in batch.split(size)]) for size in (8, 16)) * N / 64
    x = np.random.default_rng(0).normal(size=(N, 20_000)).astype(np.float32)
    sums = GramAccumulator(N)
    product, added = least(lambda: x @ x.T), least(lambda: sums.add(x))
    products = product * 2_097_536 / 20_000
    found = {"bare forward passes": forward, "symmetric products": products, "floor": forward + products}
    return {key: rounded(value) for key, value in (found | {"what adds up products, to the product": added / product}).items()}


def usual() -> dict[str, Any]:
    from sklearn.linear_model import RidgeCV
    from sklearn.random_projection import SparseRandomProjection

    from isomorph.models import extract

    x = extract(load_network(), photographs(), layers=ONE_LAYER)[ONE_LAYER]
    y = np.random.default_rng(1).normal(size=(N, UNITS)).astype(np.float32)
    start = time.process_time()
    small = SparseRandomProjection(eps=0.1, random_state=0).fit_transform(x.values)
    projected = time.process_time() - start
    start = time.process_time()
    mean, scale = small[::2].mean(0), small[::2].std(0)
    RidgeCV(alphas=np.logspace(-1, 5, 7), alpha_per_target=True).fit((small[::2] - mean) / scale, y[::2]).predict(
        (small[1::2] - mean) / scale
    )
    ridge = time.process_time() - start
    return {
        "layer, features, columns": f"{ONE_LAYER}, {x.width:,}, {small.shape[1]:,}",
        "projection": rounded(projected),
        "ridge, one half": rounded(ridge),
        "that for 26 layers": rounded(26 * (projected + ridge)),
        "peak, MB": f"{peak_mb():.0f}",
    }


def load_network() -> Any:
    from isomorph.models import load_model

    return load_model(MODEL)


def photographs(n: int = N) -> Any:
    """Pictures with the spectrum of photographs (amplitude 1/f), 224 pixels a side."""
    from isomorph.stimuli import Stimuli

    rng = np.random.default_rng(0)
    fy, fx = np.fft.fftfreq(224)[:, None], np.fft.rfftfreq(224)
    amplitude = 1 / np.maximum(np.hypot(fx, fy), 1 / 224)
    pixels = np.empty((n, 224, 224, 3), np.uint8)
    for picture in pixels:
        for channel in range(3):
            field = np.fft.irfft2(amplitude * np.exp(2j * np.pi * rng.random(amplitude.shape)), s=(224, 224))
            picture[..., channel] = np.clip(128 + 50 * field / field.std(), 0, 255)
    return Stimuli.from_arrays(pixels)


def voxels(grams: Any) -> Any:
    """Noisy responses: early voxels follow an early layer's geometry, the others a late one's."""
    import pandas as pd

    from isomorph.brains import Recording

    rng = np.random.default_rng(1)
    early = round(EARLY_SHARE * UNITS)
    parts = []
    for layer, count in (("conv_block_2.2", early), ("fc6.2", UNITS - early)):
        values, vectors = np.linalg.eigh(grams[layer].centred)
        signal = (vectors * np.sqrt(np.maximum(values, 0))) @ rng.normal(size=(len(values), count))
        parts.append(signal / signal.std(0) + 2 * rng.normal(size=signal.shape))
    units = pd.DataFrame({"subject": "1", "EVC": [index < early for index in range(UNITS)]})
    units["OTC"] = ~units["EVC"]
    return Recording(ids=grams["fc6.2"].ids, responses=np.hstack(parts).astype(np.float32), units=units, roi_columns=("EVC", "OTC"))


class Timer:
    """Adds up the CPU seconds of a method."""

    def __init__(self, owner: Any, name: str) -> None:
        self.seconds = 0.0
        inner = getattr(owner, name)

        def timed(*args: Any, **options: Any) -> Any:
            start = time.process_time()
            try:
                return inner(*args, **options)
            finally:
                self.seconds += time.process_time() - start

        setattr(owner, name, timed)


def least(work: Callable[[], Any]) -> float:
    times = []
    for _ in range(3):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


def rounded(value: Any) -> Any:
    return round(value, 2) if isinstance(value, float) else value


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


PARTS = {"ours": ours, "floor": floor, "usual": usual}

if __name__ == "__main__":
    main()
