"""The penalty of each unit, for the layer that was chosen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from isomorph.arrays import FloatArray
    from isomorph.encoding import BrainScores


def unit_penalties(
    scores: BrainScores, layers: Mapping[str, Any], recording: Any, *, regions: Sequence[str] | None, time: Any, seed: int
) -> dict[str, FloatArray]:
    """Of the first chosen layer of eReg the alpha of each unit `[unit of the recording]`, the median over folds; nothing without a ridge.

    `BrainScores` keeps their quantiles alone, so that the layer is fitted once more.
    """
    from isomorph.encoding._encode_folds import folds_of
    from isomorph.encoding._encode_layer import LayerScorer
    from isomorph.encoding._encode_layers import layers_of
    from isomorph.encoding._encode_options import Certainty
    from isomorph.encoding._encode_targets import UnitTargets, targets_of

    fitted = scores.chosen()
    fitted = fitted[(fitted["metric"] != "cRSA") & np.isfinite(fitted["alpha_median"].to_numpy(dtype=float))]
    if fitted.empty:
        return {}
    name, protocol = str(fitted["layer"].iloc[0]), scores.protocol.changed(metrics=("eReg",))
    targets, certainty = targets_of(recording, regions=regions, time=time, min_units=protocol.min_units), Certainty(seed=seed)
    assert isinstance(targets, UnitTargets)  # noqa: S101 - nothing is fitted to RDMs
    scorer = LayerScorer(protocol, targets, folds_of(targets, protocol, certainty), certainty)
    found = scorer.score(layers_of({name: layers[name]})[1][0].read(targets.ids))
    assert found is not None  # noqa: S101 - it had a score
    alphas = np.full(recording.width, np.nan)
    alphas[targets.units] = np.nanmedian(np.stack(found.alphas), axis=0)
    return {name: alphas}
