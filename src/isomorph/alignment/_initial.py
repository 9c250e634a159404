"""Where training begins."""

from __future__ import annotations

import numpy as np

from isomorph.alignment._examples import Examples
from isomorph.alignment._triplet_loss import pair_similarities
from isomorph.alignment._triplet_map import TripletMap
from isomorph.arrays import FloatArray

_TRIALS = 200_000
_SCALES = 10.0 ** np.arange(-4, 4.01, 0.1)


def initial_map(of: TripletMap, x: FloatArray, examples: Examples) -> tuple[FloatArray, FloatArray, float]:
    """Weights `[feature, feature]` and bias `[feature]`, float64; and the learning rate."""
    width = x.shape[1]
    scale = of.initial_scale if of.initial_scale and of.learning_rate else best_scale(x, examples, of.temperature)
    rate = of.learning_rate or (scale / 30 if of.optimiser == "adam" else 1e-3)
    if of.initial == "random":
        return np.random.default_rng(of.seed).normal(scale=of.initial_scale or 1e-3, size=(width, width)), np.zeros(width), rate
    return np.eye(width) * (of.initial_scale or scale), np.full(width, of.initial_scale or 0.0), rate


def best_scale(x: FloatArray, examples: Examples, temperature: float) -> float:
    """The c for which x·c explains the choices best: one line search over the similarities that x has."""
    part = examples.take(np.s_[:_TRIALS])
    similarities = pair_similarities(x, part.items).astype(np.float64) / temperature
    typical = float(np.abs(similarities).mean()) or 1.0
    targets = np.array([[1.0, 0.0, 0.0]]) if part.targets is None else part.targets
    losses = []
    for scale in _SCALES / typical:
        logits = similarities * scale
        logits -= logits.max(axis=0)
        losses.append(float((np.log(np.exp(logits).sum(axis=0)) - (logits * targets.T).sum(axis=0)).mean()))
    return float(np.sqrt(_SCALES[int(np.argmin(losses))] / typical))
