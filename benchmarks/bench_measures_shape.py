"""Shape measures at n = 1,000, p = 512, against the way netrep takes: singular vectors, rotated data, an angle between those.

Both run in float64 in this process. CPU seconds, since wall time depends on who else uses the machine. A pair alone, and all pairs
of several things, where the factor of each is computed once. Soft matching of unequal widths is timed against POT's network simplex,
where that is installed.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable

import numpy as np
from scipy.linalg import orthogonal_procrustes

from isomorph.measures import (
    CCA,
    GULP,
    PWCCA,
    SVCCA,
    AngularProcrustes,
    HardCorrelationMatch,
    LinearPredictivity,
    Measure,
    PermutationMatch,
    SoftMatch,
    compare_all,
)
from isomorph.measures._transport import transport


def seconds(action: Callable[[], object], repeats: int = 3) -> tuple[float, object]:
    """The least CPU seconds of several runs after one that is not counted, and what the last returned."""
    result, times = action(), []
    for _ in range(repeats):
        start = time.process_time()
        result = action()
        times.append(time.process_time() - start)
    return min(times), result


def rotated_angle(x: np.ndarray, y: np.ndarray) -> float:
    """The angular distance by rotating the data."""
    x, y = x - x.mean(axis=0), y - y.mean(axis=0)
    rotation, _ = orthogonal_procrustes(x, y)
    turned = x @ rotation
    return float(np.arccos(np.clip((turned * y).sum() / np.linalg.norm(turned) / np.linalg.norm(y), -1, 1)))


def whitened_angle(x: np.ndarray, y: np.ndarray) -> float:
    """The same after each is whitened by the eigenvectors of its covariance: the angle of CCA."""

    def whitened(each: np.ndarray) -> np.ndarray:
        each = each - each.mean(axis=0)
        values, vectors = np.linalg.eigh(each.T @ each)
        return each @ (vectors / np.sqrt(np.maximum(values, 1e-7))) @ vectors.T

    return rotated_angle(whitened(x), whitened(y))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stimuli", type=int, default=1000)
    parser.add_argument("--features", type=int, default=512)
    parser.add_argument("--things", type=int, default=8)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    n, p = options.stimuli, options.features
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, p))
    y = x @ rng.normal(size=(p, p)) / np.sqrt(p) + rng.normal(size=(n, p))
    gemm, _ = seconds(lambda: x.T @ y)
    print(f"n = {n}, p = q = {p}; one p × n × p product {gemm:.3f} CPU s")
    theirs, value = seconds(lambda: rotated_angle(x, y))
    ours, same = seconds(lambda: AngularProcrustes()(x, y))
    print(f"angular Procrustes: ours {ours:.3f}, rotating {theirs:.3f} CPU s ({theirs / ours:.1f} ×), apart by {abs(value - same):.0e}")
    whitening, _ = seconds(lambda: whitened_angle(x, y))
    canonical, _ = seconds(lambda: CCA()(x, y))
    print(f"CCA: ours {canonical:.3f}, whitening and rotating {whitening:.3f} CPU s ({whitening / canonical:.1f} ×)")
    things = {str(k): x @ rng.normal(size=(p, p)) / np.sqrt(p) + rng.normal(size=(n, p)) for k in range(options.things)}
    pairs = options.things * (options.things - 1) // 2
    for measure, alone in ((AngularProcrustes(), ours), (CCA(), canonical)):
        together, _ = seconds(lambda measure=measure: compare_all(things, measure), 1)
        print(f"{type(measure).__name__}, all {pairs} pairs of {options.things}: {together:.2f} CPU s, {pairs * alone:.2f} one by one")
    others: tuple[Measure, ...] = (PermutationMatch(), HardCorrelationMatch(), SVCCA(), PWCCA(), GULP(), LinearPredictivity(),
                                   LinearPredictivity(method="pls"))  # fmt: skip
    for measure in others:
        print(f"{type(measure).__name__:22} {seconds(lambda measure=measure: measure(x, y), 1)[0]:8.3f} CPU s")
    for shape in ((64, 96), (128, 200), (256, 384), (512, 768)):
        gain = np.corrcoef(rng.normal(size=(sum(shape), 50)))[: shape[0], shape[0] :]
        took, ours_value = seconds(lambda gain=gain: transport(gain), 1)
        print(f"soft matching of {shape[0]} and {shape[1]} units: {took:.2f} CPU s{against_pot(gain, float(str(ours_value)))}")
    print(f"soft matching of {p} and {p} units: {seconds(lambda: SoftMatch()(x, y), 1)[0]:.3f} CPU s")


def against_pot(gain: np.ndarray, value: float) -> str:
    """POT's time and how far its value is from ours."""
    try:
        import ot
    except ImportError:
        return ""
    marginals = [np.full(size, 1 / size) for size in gain.shape]
    took, plan = seconds(lambda: ot.emd(*marginals, 1 - gain, numItermax=10**7), 1)
    return f", POT {took:.2f}, values differ by {abs(float((plan * gain).sum()) - value):.0e}"


if __name__ == "__main__":
    main()
