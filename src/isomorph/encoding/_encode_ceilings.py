"""How well any model could score: of each unit, and of each region's geometry."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from isomorph.arrays import FloatArray, IntArray
from isomorph.brains import Recording, ncsnr, ncsnr_ceiling, spearman_brown, unit_ceilings
from isomorph.encoding._encode_geometry import defined
from isomorph.encoding._encode_targets import RDMTargets, Targets, UnitTargets, condensed
from isomorph.encoding._protocol import Protocol
from isomorph.errors import InputError, IsomorphError
from isomorph.inference import compare_rdms, noise_ceiling

_SPLITS = 10


def unit_ceiling_rule(targets: UnitTargets, protocol: Protocol) -> Callable[[IntArray], FloatArray] | None:
    """What gives r_max `[unit]` of `targets.units` for some stimuli; None where there is no ceiling.

    Raises:
        InputError: The protocol needs one, or names one, that the recording does not have.
    """
    recording = targets.recording
    if protocol.ceiling == "none":
        return None
    if protocol.ceiling in ("auto", "ncsnr"):
        ratio = _ncsnr(recording, targets.units)
        repeats = recording.repeats
        if ratio is not None and repeats is not None:
            return lambda rows: ncsnr_ceiling(ratio, repeats[rows] if repeats.ndim == 1 else repeats[np.ix_(rows, targets.units)])
        if protocol.ceiling == "auto" and protocol.normaliser == "none":
            return None
    method: Any = "ncsnr" if protocol.ceiling == "auto" else protocol.ceiling
    try:
        fixed = unit_ceilings(recording, method)[targets.units]
    except IsomorphError as error:
        raise InputError(
            f"the protocol {protocol.name!r} needs ceilings of units ({_wanted(protocol)}), which the recording does not give: {error} "
            "Or score without: normaliser='none', ceiling='none'."
        ) from error
    return lambda rows: fixed


def _wanted(protocol: Protocol) -> str:
    return f"ceiling={protocol.ceiling!r}, normaliser={protocol.normaliser!r}"


def _ncsnr(recording: Recording, units: IntArray) -> FloatArray | None:
    if "ncsnr" in recording.units and recording.units["ncsnr"].dtype.kind in "fiu":
        return np.asarray(recording.units["ncsnr"].to_numpy(dtype=np.float64)[units])
    if recording.trials is None:
        return None
    try:
        return np.asarray(ncsnr(recording.trials[:, :, units]))
    except IsomorphError:
        return None


def rdm_ceilings(targets: Targets, rdms: FloatArray, rows: IntArray, protocol: Protocol, seed: int) -> FloatArray:
    """Lower and upper bound `[group, 2]` of RDMs `[group, pair]` of some stimuli; NaN where there is nothing to tell them from.

    From repeats: RDMs of some of them are correlated, which gives the reliability of the RDM of all repeats: what another recording of the
    same brain would score (lower), and its root, what the RDM without noise would (upper). Across subjects:
    `inference.noise_ceiling` of those of a region.
    """
    result = np.full((len(targets.groups), 2), np.nan)
    if protocol.ceiling == "none":
        return result
    if isinstance(targets, UnitTargets) and targets.recording.trials is not None and protocol.ceiling != "leave-one-subject-out":
        for place, group in enumerate(targets.groups):
            result[place] = _from_trials(targets.recording.trials[np.ix_(rows, np.arange(targets.recording.trials.shape[1]), group.units)],
                                         protocol, seed)  # fmt: skip
    across = _across_subjects(targets, rdms, protocol)
    result = np.where(np.isnan(result).any(axis=1, keepdims=True), across, result)
    if isinstance(targets, RDMTargets):
        within = _from_rdm_repeats(targets, rows, protocol)
        result = np.where(np.isnan(result).any(axis=1, keepdims=True), within, result)
    return result


def _bounds(halves: float, factor: float) -> FloatArray:
    reliability = float(spearman_brown(halves, factor)) if halves > 0 else 0.0
    return np.array([reliability, np.sqrt(reliability)])


def _from_trials(trials: FloatArray, protocol: Protocol, seed: int) -> FloatArray:
    """From the trials `[stimulus, repeat, unit]` of a group.

    Noise adds to an RDM both with the pattern and with noise itself, so that its variance over that of the true RDM is a/k + b/k² for k
    repeats. Correlations of RDMs of random repeats, of two sizes, tell a and b; two repeats tell but a, as Spearman and Brown assume.
    """
    present = np.asarray(~np.isnan(trials).any(axis=2))
    counts = present.sum(axis=1)
    least = int(counts.min())
    if least < 2 or len(counts) < 3 or trials.shape[2] < 2:
        return np.full(2, np.nan)
    values, rng = np.where(present[:, :, None], trials, 0), np.random.default_rng(seed)
    sizes = [(1, 1)] if least == 2 else [(1, 1), (1, 2)] if least == 3 else [(1, 1), (least // 2, least // 2)]
    found = np.full((_SPLITS, len(sizes)), np.nan)
    for draw in range(_SPLITS):
        place = np.where(present, rng.random(present.shape), np.inf).argsort(axis=1).argsort(axis=1)
        for at, (first, second) in enumerate(sizes):
            masks = (place < first, (place >= first) & (place < first + second))
            rows = np.stack(
                [condensed(np.einsum("ir,iru->iu", mask / mask.sum(axis=1)[:, None], values), protocol.distance) for mask in masks]
            )
            if defined(rows).all():
                found[draw, at] = compare_rdms(rows[:1], rows[1:], comparison=protocol.comparison)[0, 0]
    if np.isnan(found).all(axis=0).any():
        return np.full(2, np.nan)
    return _extrapolated(np.nanmean(found, axis=0), sizes, counts)


def _extrapolated(similar: FloatArray, sizes: list[tuple[int, int]], counts: IntArray) -> FloatArray:
    """Bounds of the RDM of all repeats from similarities of RDMs of some."""
    if similar.min() <= 0:
        return np.zeros(2)
    once = 1 / similar[0] - 1  # variance of the noise over that of the truth, for one repeat
    twice = 0.0
    if len(sizes) > 1:
        size = sizes[1][1]
        several = (similar[0] / similar[1] ** 2 if sizes[1][0] == 1 else 1 / similar[1]) - 1
        twice = float(np.clip((once - size * several) / (1 - 1 / size), 0, max(once, 0)))
    noise = (once - twice) * (1 / counts).mean() + twice * (1 / counts**2).mean()
    reliability = 1 / (1 + max(noise, 0.0))
    return np.array([reliability, np.sqrt(reliability)])


def _across_subjects(targets: Targets, rdms: FloatArray, protocol: Protocol) -> FloatArray:
    result = np.full((len(rdms), 2), np.nan)
    usable = defined(rdms)
    regions = np.array([each.region for each in targets.groups], dtype=object)
    for region in dict.fromkeys(regions):
        rows = np.flatnonzero((regions == region) & usable)
        if len(rows) > 1:
            ceiling = noise_ceiling(rdms[rows], comparison=protocol.comparison)
            result[rows] = ceiling.lower, ceiling.upper
    return result


def _from_rdm_repeats(targets: RDMTargets, rows: IntArray, protocol: Protocol) -> FloatArray:
    """Of a single subject whose RDM was measured several times."""
    part = targets.recording.take([targets.ids[row] for row in rows])
    result = np.full((len(targets.groups), 2), np.nan)
    for place, group in enumerate(targets.groups):
        repeats = part.rdms[group.region][part.subjects_of(group.region).index(group.subject)]
        count = len(repeats)
        if count > 1 and defined(repeats).all():
            similar = compare_rdms(repeats, repeats, comparison=protocol.comparison)
            result[place] = _bounds(float(similar[np.triu_indices(count, 1)].mean()), count)
    return result
