"""Scores of made-up models on a made-up recording: an early and a late region, three metrics, two subjects, units with noise."""

from __future__ import annotations

import numpy as np
import pandas

from isomorph.encoding import BrainScores, load_protocol

METRICS = ("cRSA", "eReg", "eRSA")
PEAKS = {"EVC": 0.3, "OTC": 0.8}
HOSTILE = "<script>alert(1)</script>"


def example_scores(models: int = 3, *, layers: int = 9, subjects: int = 2, hostile: bool = False, name: str = "simulated") -> BrainScores:
    rng = np.random.default_rng(0)
    rows, units = [], {}
    names = [f"bundled/net{number}.imagenet" for number in range(models)]
    if hostile:
        names[0] = HOSTILE
    for place, model in enumerate(names):
        for index in range(layers):
            depth = index / (layers - 1)
            layer = f"blocks.{index}.conv"
            for metric in METRICS:
                for region, peak in PEAKS.items():
                    for subject in range(1, subjects + 1):
                        best = (0.75 - 0.12 * place) * (0.55 if metric == "eReg" else 0.8 if metric == "eRSA" else 0.4)
                        truth = best * np.exp(-(((depth - peak) / 0.5) ** 2)) + 0.02 * subject
                        for split in ("train", "test"):
                            score = truth + rng.normal(0, 0.012)
                            rsa = metric != "eReg"
                            rows.append(
                                {
                                    "model": model, "layer": layer, "layer_index": index, "depth": depth, "metric": metric,
                                    "region": HOSTILE if hostile and region == "OTC" else region, "subject": str(subject), "split": split,
                                    "score": score, "low": score - 0.04, "high": score + 0.04, "p": 0.001,
                                    "ceiling": 0.62 if not rsa else np.nan, "ceiling_lower": 0.6 if rsa else np.nan,
                                    "ceiling_upper": 0.8 if rsa else np.nan, "normalised": score / 0.62 if not rsa else np.nan,
                                    "n_units": 400, "n_stimuli": 500, "alpha_low": np.nan if metric == "cRSA" else 10.0 ** (index % 3),
                                    "alpha_median": np.nan if metric == "cRSA" else 10.0 ** (1 + index % 3),
                                    "alpha_high": np.nan if metric == "cRSA" else 10.0 ** (2 + index % 3),
                                    "units_at_edge": np.nan if metric == "cRSA" else 0.02 * index,
                                    "effective_dimensionality": 30.0 + 20 * index + 5 * place, "best_on_train": False,
                                    "protocol": "conwell2024", "scorer": "pearson", "normaliser": "none", "aggregator": "mean",
                                    "split_rule": "even/odd", "regression": "Ridge, 7 alphas, loo-pearson", "projection": "none",
                                    "distance": "correlation", "comparison": "pearson", "seed": 0, "replicates": 1000,
                                }
                            )  # fmt: skip
            units[model, layer, "eReg"] = np.clip(rng.beta(3, 6, size=800) + 0.1 * np.exp(-((depth - 0.6) ** 2)), -0.2, 0.95)
    return BrainScores(
        table=pandas.DataFrame(rows), units=units, protocol=load_protocol("conwell2024"), notes=("the recording is simulated",),
        recording={"name": name, "digest": "0" * 64, "regions": list(PEAKS), "subjects": ["1", "2"], "stimuli": 1000},
    )  # fmt: skip
