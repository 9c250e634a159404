"""Bootstrap over stimuli of 8 models × 16 subjects × 92 conditions, 1,000 replicates, against rsatoolbox 0.3.2, for each replicate.

Floor: the multiplications of one matrix product over the pairs for each moment (models, subjects, squares, products), at the rate of
a large float64 GEMM in the same run. rsatoolbox runs `eval_bootstrap_pattern` with fewer replicates, ceiling on, as ours has it on.
Targets: at least 10 × less CPU for each replicate with Pearson, and 50 × with the whitened cosine, of which rsatoolbox needs seconds a
replicate: two of its replicates stand for all. Last, the dual bootstrap around cross-validated weighted models (2 × 2 folds, two
assignments a replicate, three bootstraps each), where rsatoolbox fits in Python one model, fold and replicate after another.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable

import numpy as np

from isomorph.inference import WeightedModel, rsa_scores

STIMULI, MODELS, SUBJECTS = 92, 8, 16
PEER_NAMES = {"pearson": "corr"}
"""Where rsatoolbox has another name for it."""
SLOW_THERE = {"cosine_cov": 2, "corr_cov": 2}
SLOW_HERE = {"spearman": 10, "rho-a": 10, "tau-a": 10, "tau-b": 10}


def seconds(action: Callable[[], object]) -> tuple[float, float]:
    cpu, wall = time.process_time(), time.perf_counter()
    action()
    return time.process_time() - cpu, time.perf_counter() - wall


def gemm_rate() -> float:
    """Float64 multiply-adds a CPU second of a 1,500³ product."""
    x = np.random.default_rng(0).normal(size=(1500, 1500))
    x @ x
    return 1500**3 / min(seconds(lambda: x @ (x + 1))[0] for _ in range(3))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--replicates", type=int, default=1000)
    parser.add_argument("--peer-replicates", type=int, default=30)
    parser.add_argument("--comparisons", nargs="+", default=["pearson", "spearman", "cosine_cov"])
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    pairs = STIMULI * (STIMULI - 1) // 2
    truth = rng.random(pairs)
    models = truth + rng.random((MODELS, pairs)) * np.linspace(0.5, 4, MODELS)[:, None]
    subjects = truth + rng.random((SUBJECTS, pairs)) * 2
    moments = 1 + 2 * (MODELS + SUBJECTS) + (MODELS + SUBJECTS) * SUBJECTS
    floor = options.replicates * pairs * moments / gemm_rate()
    print(f"bootstrap over stimuli, {MODELS} models × {SUBJECTS} subjects × {STIMULI} conditions, ceilings in every replicate")
    print(f"  floor for pearson: {floor:.3f} CPU s for {options.replicates} replicates at this machine's GEMM rate")
    for comparison in options.comparisons:
        rsa_scores(models, subjects, n=STIMULI, comparison=comparison, replicates=2)
        count = max(10, options.replicates // SLOW_HERE.get(comparison, 1))
        ours = seconds(lambda c=comparison, r=count: rsa_scores(models, subjects, n=STIMULI, comparison=c, replicates=r))
        print(f"  {comparison:10} isomorph    {count:5} replicates {ours[0]:8.2f} CPU s {ours[1]:8.2f} wall s")
        peer_count = min(options.peer_replicates, SLOW_THERE.get(comparison, options.peer_replicates))
        if peer_count:
            theirs = peer(models, subjects, comparison, peer_count)
            print(f"  {'':10} rsatoolbox  {peer_count:5} replicates {theirs[0]:8.2f} CPU s {theirs[1]:8.2f} wall s")
            ratio = [there / peer_count / (here / count) for there, here in zip(theirs, ours, strict=True)]
            print(f"  {'':10} rsatoolbox / isomorph for each replicate: {ratio[0]:.1f} CPU, {ratio[1]:.1f} wall")
    dual(models, subjects, options.replicates)


def dual(models: np.ndarray, subjects: np.ndarray, replicates: int, peer_replicates: int = 3) -> None:
    from rsatoolbox.inference import eval_dual_bootstrap
    from rsatoolbox.model import ModelWeighted
    from rsatoolbox.model.fitter import fit_regress
    from rsatoolbox.rdm import RDMs

    ours_models = [WeightedModel(part, nonnegative=False) for part in (models[:4], models[4:])]
    theirs_models = [ModelWeighted(str(place), RDMs(part)) for place, part in enumerate((models[:4], models[4:]))]
    ours = seconds(lambda: rsa_scores(ours_models, subjects, n=STIMULI, resample="both", folds=(2, 2), replicates=replicates))
    print(f"  dual, two weighted models, 2 × 2 folds: isomorph {replicates} replicates {ours[0]:.2f} CPU s {ours[1]:.2f} wall s")
    options = {"method": "corr", "fitter": fit_regress, "k_pattern": 2, "k_rdm": 2, "N": peer_replicates}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = seconds(lambda: eval_dual_bootstrap(theirs_models, RDMs(subjects), **options))
    print(f"  {'':10} rsatoolbox  {peer_replicates:5} replicates {theirs[0]:8.2f} CPU s {theirs[1]:8.2f} wall s")
    print(f"  {'':10} rsatoolbox / isomorph for each replicate: {theirs[0] / peer_replicates / (ours[0] / replicates):.1f} CPU")


def peer(models: np.ndarray, subjects: np.ndarray, comparison: str, replicates: int) -> tuple[float, float]:
    import rsatoolbox

    data = rsatoolbox.rdm.RDMs(subjects)
    fixed = [rsatoolbox.model.ModelFixed(str(place), rsatoolbox.rdm.RDMs(each[None])) for place, each in enumerate(models)]
    method = PEER_NAMES.get(comparison, comparison)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return seconds(lambda: rsatoolbox.inference.eval_bootstrap_pattern(fixed, data, method=method, N=replicates, boot_noise_ceil=True))


if __name__ == "__main__":
    main()
