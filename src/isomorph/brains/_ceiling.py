"""How well a unit can be foretold at all, from its own repeats or from other subjects."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from isomorph.arrays import FloatArray, IntArray, as_floats
from isomorph.errors import InputError, NonFiniteError, ShapeError

Doubles = npt.NDArray[np.float64]
_CHUNK = 2048


def ncsnr(trials: FloatArray) -> Doubles:
    """The noise-ceiling signal-to-noise ratio: standard deviation of the signal over that of the noise.

    The noise variance is the unbiased variance over repeats, pooled over stimuli. The signal variance is that of the stimulus means, less
    what noise adds to it, clipped at 0 (the analysis of variance with random effects, unbiased for unequal repeats too):

        MSW = Σ_sr (x_sr − x̄_s)² / (N − n),   MSB = Σ_s k_s (x̄_s − x̄)² / (n − 1),   k₀ = (N − Σ k_s² / N) / (n − 1)
        ncsnr = √(max(0, (MSB − MSW) / k₀) / MSW)

    For `n` stimuli with `k_s` repeats, `N` trials in all. Allen et al. 2022 (NSD) take the signal variance of z-scored trials as one less
    the noise variance: the same, for many stimuli.

    Args:
        trials: `[stimulus, repeat, unit]` or `[stimulus, repeat, unit, time]`; NaN where there was no such repeat.

    Returns:
        `[unit]` or `[unit, time]`, at least 0; infinite without any noise, NaN for what is constant.

    Raises:
        ShapeError: There are fewer than two stimuli, or no stimulus has a second repeat.

    Example:
        >>> ncsnr(np.array([[[0.0], [2.0]], [[4.0], [6.0]]])).round(4)  # MSW 2, MSB 16, k₀ 2: √(7 / 2)
        array([1.8708])
    """
    flat, trailing = _flat(trials)
    parts = [_ncsnr(flat[:, :, start : start + _CHUNK]) for start in range(0, flat.shape[2], _CHUNK)]
    return np.concatenate(parts).reshape(trailing)


def _ncsnr(trials: FloatArray) -> Doubles:
    present = ~np.isnan(trials)
    values = np.where(present, trials, 0).astype(np.float64)
    counts = present.sum(axis=1)
    total, stimuli = counts.sum(axis=0), (counts > 0).sum(axis=0)
    if stimuli.min() < 2 or (total <= stimuli).any():
        raise ShapeError("the noise of a unit needs at least two stimuli, and a stimulus with two repeats.")
    means = values.sum(axis=1) / np.maximum(counts, 1)
    within = (np.where(present, values - means[:, None], 0) ** 2).sum(axis=(0, 1)) / (total - stimuli)
    grand = values.sum(axis=(0, 1)) / total
    between = (counts * (means - grand) ** 2).sum(axis=0) / (stimuli - 1)
    per_stimulus = (total - (counts.astype(np.float64) ** 2).sum(axis=0) / total) / (stimuli - 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.sqrt(np.maximum(0.0, (between - within) / per_stimulus) / within)
    constant = np.nanmax(trials, axis=(0, 1)) == np.nanmin(trials, axis=(0, 1))  # else rounding would pass for noise
    return np.where(constant, np.nan, ratio)


def ncsnr_ceiling(ncsnr: Any, repeats: Any) -> Doubles:
    """The largest correlation that a model can be expected to have with the mean of some repeats.

    NC = ncsnr² / (ncsnr² + 1/k) is the share of variance that is signal in the mean of `k` repeats, and `r_max = √NC` (Allen et al. 2022).
    Of stimuli with unequal repeats, 1/k is its mean over stimuli.

    Args:
        ncsnr: `[unit]`, at least 0.
        repeats: `k`, or of each stimulus its own: `[stimulus]` or `[stimulus, unit]`; at least 1.

    Returns:
        `r_max` of each unit, 0 to 1; NaN where `ncsnr` is. Its square is NC.

    Raises:
        InputError: A ratio is negative, or a count is under 1.

    Example:
        >>> ncsnr_ceiling([0.2, 1.0], 3).round(3)
        array([0.327, 0.866])
    """
    ratio, counts = np.asarray(ncsnr, dtype=np.float64), np.asarray(repeats, dtype=np.float64)
    if (ratio < 0).any():
        raise InputError(f"an ncsnr is a ratio of standard deviations, at least 0; got {np.nanmin(ratio):g}.")
    if not (counts >= 1).all():
        raise InputError(f"a mean needs at least 1 repeat; got {counts.min():g}.")
    noise = (1 / counts).mean(axis=0) if counts.ndim else 1 / counts
    with np.errstate(divide="ignore"):
        return np.asarray(1 / np.sqrt(1 + noise / ratio**2))


def spearman_brown(r: Any, factor: Any = 2.0) -> Doubles:
    """The reliability of a measurement `factor` times as long: `factor · r / (1 + (factor − 1) r)`; 2r / (1 + r) for halves.

    Spearman 1910, Brown 1910.

    Example:
        >>> float(spearman_brown(0.5).round(4))
        0.6667
    """
    r = np.asarray(r, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(factor * r / (1 + (factor - 1) * r))


def split_half_reliability(trials: FloatArray, *, splits: int = 20, seed: int = 0) -> Doubles:
    """The reliability of mean responses: Pearson's r of two random halves of the repeats, corrected for their length.

    Each half is the mean of `m = ⌊k / 2⌋` repeats of a stimulus, drawn anew in every split; r over stimuli is averaged over splits, then
    corrected by `spearman_brown` with the factor `mean(1/m) / mean(1/k)`: 2 where repeats are even in number, 3 for three repeats (halves
    of one; the odd one out changes with the split). Stimuli with one repeat are left out.

    Args:
        trials: `[stimulus, repeat, unit]` or `[stimulus, repeat, unit, time]`; NaN where there was no such repeat.
        splits: How many random halves.
        seed: Which.

    Returns:
        `[unit]` or `[unit, time]`, at most 1; `√` of it is the largest correlation that a model can be expected to have. Below 0 by chance
        where there is no signal; NaN where a half is constant.

    Raises:
        ShapeError: Fewer than three stimuli have two repeats.
    """
    if splits < 1:
        raise InputError(f"splits must be at least 1; got {splits}.")
    flat, trailing = _flat(trials)
    result = np.empty(flat.shape[2])
    for columns, present in _same_repeats(~np.isnan(flat)):
        for start in range(0, len(columns), _CHUNK):
            some = columns[start : start + _CHUNK]
            result[some] = _split_half(flat[:, :, some], present, splits, seed)
    return result.reshape(trailing)


def _same_repeats(present: npt.NDArray[np.bool_]) -> list[tuple[IntArray, npt.NDArray[np.bool_]]]:
    """Units in groups that share which repeats there were: most often one group a subject."""
    packed = np.ascontiguousarray(np.packbits(present.reshape(-1, present.shape[2]), axis=0).T)
    groups: dict[bytes, list[int]] = {}
    for unit, row in enumerate(packed):
        groups.setdefault(row.tobytes(), []).append(unit)
    return [(np.array(units), present[:, :, units[0]]) for units in groups.values()]


def _split_half(trials: FloatArray, present: npt.NDArray[np.bool_], splits: int, seed: int) -> Doubles:
    """Of units with the same repeats; draws depend on the seed and the repeats alone."""
    repeated = present.sum(axis=1) >= 2
    if repeated.sum() < 3:
        raise ShapeError(f"split halves need at least 3 stimuli with two repeats; {int(repeated.sum())} of {len(repeated)} have them.")
    present = present[repeated]
    values = np.where(present[:, :, None], trials[repeated], 0).astype(np.float64)
    counts = present.sum(axis=1)
    half = counts // 2
    draw = np.random.default_rng(seed)
    total = np.zeros(trials.shape[2])
    for _ in range(splits):
        keys = np.where(present, draw.random(present.shape), np.inf)
        place = keys.argsort(axis=1).argsort(axis=1)
        halves = np.stack([place < half[:, None], (place >= half[:, None]) & (place < 2 * half[:, None])], axis=1)
        means = (halves / half[:, None, None]) @ values
        total += _column_correlation(means[:, 0], means[:, 1])
    return spearman_brown(total / splits, float((1 / half).mean() / (1 / counts).mean()))


def leave_one_subject_out(responses: FloatArray) -> Doubles:
    """How well the mean of the other subjects foretells each one: Pearson's r over stimuli.

    Units must correspond across subjects: parcels of an atlas, vertices of a common surface, means of ROIs.

    Args:
        responses: `[subject, stimulus, unit]`.

    Returns:
        `[subject, unit]`; NaN where a unit is constant.

    Raises:
        ShapeError: There are fewer than two subjects or three stimuli.
        NonFiniteError: A response is NaN or infinite.
    """
    values = as_floats(responses, name="responses of subjects", ndim=3).astype(np.float64)
    if len(values) < 2 or values.shape[1] < 3:
        raise ShapeError(f"leaving one subject out needs at least 2 subjects and 3 stimuli; got {len(values)} and {values.shape[1]}.")
    if not np.isfinite(values).all():
        raise NonFiniteError("responses of subjects hold NaN or infinity. Leave out those stimuli or units.")
    others = (values.sum(axis=0) - values) / (len(values) - 1)
    return np.stack([_column_correlation(own, rest) for own, rest in zip(values, others, strict=True)])


def _column_correlation(a: Doubles, b: Doubles) -> Doubles:
    constant = (a == a[:1]).all(axis=0) | (b == b[:1]).all(axis=0)
    a, b = a - a.mean(axis=0), b - b.mean(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        r: Doubles = (a * b).sum(axis=0) / np.sqrt((a * a).sum(axis=0) * (b * b).sum(axis=0))
    return np.where(constant, np.nan, r)


def _flat(trials: FloatArray) -> tuple[FloatArray, tuple[int, ...]]:
    """`[stimulus, repeat, column]`, and the shape that the columns come from."""
    values = as_floats(trials, name="trials")
    if values.ndim not in (3, 4):
        raise ShapeError(f"trials need the axes [stimulus, repeat, unit] or [stimulus, repeat, unit, time]; got shape {values.shape}.")
    return values.reshape(*values.shape[:2], -1), values.shape[2:]
