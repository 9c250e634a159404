"""The whole tutorial workload: 26 layers against 11,967 units of a subject, 1,000 stimuli in two halves, three metrics, dimensionality.

`encode` from given Gram matrices (these are made by the extraction, in its one pass), with its intervals and ceilings, in a process of its
own, one thread: CPU seconds and peak memory, and the product that the size demands as the floor of one layer: 500 × 500 × 11,967, once for
the loads, once for each penalty that is tried, and once for each half's predictions. Layers are views of 300 factors seen through noise,
with a spectrum that falls; units run from clear to hopeless.

The peer is one layer the way the tutorial's predecessors go: scikit-learn's SparseRandomProjection (epsilon 0.1) of 65,536 features and
RidgeCV with a penalty for each target, on two numbers of units, extrapolated to all of them, and marked so; eReg alone, test half alone.

Target: at most 25 CPU seconds and 1.5 GB for all 26 layers.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time

import numpy as np

STIMULI, UNITS, EARLY, LAYERS = 1000, 11_967, 4657, 26
IDS = tuple(f"shared{row}" for row in range(STIMULI))


def layer(seed: int, features: int = 3000) -> np.ndarray:
    rng, shared = np.random.default_rng([1, seed]), np.random.default_rng(0)
    factors = shared.normal(size=(STIMULI, 300)) / np.sqrt(np.arange(1, 301))
    weights = rng.normal(size=(300, features)) * np.exp(-0.5 * ((np.arange(300) / 300 - seed / LAYERS) / 0.5) ** 2)[:, None]
    return (factors @ weights + rng.normal(size=(STIMULI, features)) / 2 + 0.5).astype(np.float32)


def responses() -> np.ndarray:
    rng = np.random.default_rng(2)
    signal = layer(LAYERS // 2) @ rng.normal(size=(3000, UNITS)).astype(np.float32)
    signal /= signal.std(axis=0)
    return signal + rng.normal(size=signal.shape).astype(np.float32) * np.geomspace(0.5, 10, UNITS).astype(np.float32)


def ours(layers: int) -> dict[str, float]:
    import pandas

    from isomorph.brains import Recording
    from isomorph.encoding import encode
    from isomorph.features import Features
    from isomorph.geometry import Gram

    grams = {f"layer{at}": Gram.from_features(Features(layer(at), IDS, f"layer{at}", "AlexNet-GN")) for at in range(layers)}
    early = np.arange(UNITS) < EARLY
    units = pandas.DataFrame({"subject": ["1"] * UNITS, "EVC": early, "OTC": ~early, "ncsnr": np.geomspace(2, 0.1, UNITS)})
    brain = Recording(ids=IDS, responses=responses(), units=units, repeats=np.full(STIMULI, 3), name="simulated subject 1")
    few = brain.take(IDS[:60])
    encode({"layer0": grams["layer0"]}, few, regions=["EVC"])  # imports
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.process_time()
    scores = encode(grams, brain)
    cpu = time.process_time() - start
    chosen = scores.chosen()
    return {
        "cpu": cpu, "rows": len(scores.table), "before": before / 1e6, "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6,
        "eReg": float(chosen[chosen["metric"] == "eReg"]["score"].mean()),
    }  # fmt: skip


def floor() -> dict[str, float]:
    square, wide = np.ones((500, 500), np.float32), np.ones((500, UNITS), np.float32)
    square @ wide
    start = time.process_time()
    for _ in range(5):
        square @ wide
    return {"cpu": (time.process_time() - start) / 5}


def peer(units: int) -> dict[str, float]:
    from sklearn.linear_model import RidgeCV
    from sklearn.preprocessing import StandardScaler
    from sklearn.random_projection import SparseRandomProjection

    x, y = layer(LAYERS // 2, 65_536), responses()[:, :: UNITS // units][:, :units]
    start = time.process_time()
    reduced = SparseRandomProjection(eps=0.1, random_state=0).fit(x).transform(x)
    projected = time.process_time() - start
    scaler = StandardScaler().fit(reduced[::2])
    model = RidgeCV(alphas=10.0 ** np.arange(-1, 6), alpha_per_target=True, scoring=None)
    model.fit(scaler.transform(reduced[::2]).astype(np.float64), y[::2].astype(np.float64))
    made = model.predict(scaler.transform(reduced[1::2]))
    r = np.mean([np.corrcoef(*pair)[0, 1] for pair in zip(made.T, y[1::2].T, strict=True)])
    cpu = time.process_time() - start
    return {"cpu": cpu, "projection": projected, "r": float(r), "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6}


def apart(*arguments: str) -> dict[str, float]:
    command = [sys.executable, __file__, "--case", *arguments]
    return dict(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--layers", type=int, default=LAYERS)
    parser.add_argument("--case", nargs=2, metavar=("NAME", "SIZE"), help="one case, as JSON")
    arguments = parser.parse_args()
    if arguments.case:
        name, size = arguments.case
        print(json.dumps({"ours": ours, "peer": peer}[name](int(size)) if name != "floor" else floor()))
        return
    product, made = apart("floor", "0"), apart("ours", str(arguments.layers))
    print(f"one product of the size: {product['cpu']:.3f} CPU s")
    print(
        f"encode, {arguments.layers} layers: {made['cpu']:.1f} CPU s, {made['cpu'] / arguments.layers:.2f} a layer "
        f"({made['cpu'] / arguments.layers / product['cpu']:.1f} products), peak {made['peak']:.2f} GB "
        f"({made['before']:.2f} before), {made['rows']:.0f} rows, eReg {made['eReg']:.4f}"
    )
    few, more = (apart("peer", str(units)) for units in (1000, 4000))
    whole = few["cpu"] + (more["cpu"] - few["cpu"]) / 3000 * (UNITS - 1000)
    print(
        f"SparseRandomProjection and RidgeCV, one layer: {few['projection']:.1f} CPU s to project; 1,000 units {few['cpu']:.1f}, "
        f"4,000 units {more['cpu']:.1f}, all {UNITS:,} extrapolated to {whole:.0f} CPU s, eReg alone"
    )
    print(f"a layer of ours is {whole / made['cpu'] * arguments.layers:.0f} × as fast (extrapolated)")


if __name__ == "__main__":
    main()
