"""A linear probe that is asked about what it was not trained on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from isomorph.arrays import FloatArray, IntArray
from isomorph.probes import Probe
from isomorph.probes._examples import Examples


def probe_hits(probe: Probe, x: FloatArray, examples: Examples, fold: IntArray, *, asked: FloatArray | None = None) -> FloatArray:
    """`[stimulus]`: the share of seeds whose probe, trained on the other folds, tells it right.

    `asked` `[stimulus, feature]` are features of the same stimuli to be asked about in place of those that are learned from.
    """
    hits, labels = np.empty(len(x)), np.array(examples.classes)[examples.y]
    single = replace(probe, replicates=0)
    asked = x if asked is None else asked
    for part in np.unique(fold):
        train, test = fold != part, fold == part
        mean = x[train].mean(axis=0)
        scale = np.sqrt(np.mean(np.square(x[train] - mean, dtype=np.float64))) or 1.0
        known, told = (x[train] - mean) / scale, (asked[test] - mean) / scale
        result = single.fit(known, labels[train], test=(told, labels[test]))
        hits[test] = (result.predictions == result.labels).mean(axis=0)
    return hits
