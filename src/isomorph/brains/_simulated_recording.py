"""Recordings whose truth is known: what ceilings, intervals and whole analyses are tried on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from isomorph.arrays import check_finite, unique_ids
from isomorph.brains._recording import Recording
from isomorph.brains._units import ncsnr_column
from isomorph.errors import IdError, InputError, ShapeError
from isomorph.features import Features

if TYPE_CHECKING:
    import pandas

Doubles = npt.NDArray[np.float64]
_GAMMA_SHAPE, _GAMMA_SCALE = 2.0, 0.27
_CHUNK = 1024


def simulated_recording(
    signal: Features, units: pandas.DataFrame, *, repeats: Any = 3, seed: int = 0, name: str = "simulated"
) -> Recording:
    r"""Trials of units whose true responses are `signal`, in noise that their table states.

    $$x_{sru} = \frac{n_u z_{su} + \varepsilon_{sru}}{\sqrt{n_u^2 + 1}}, \qquad \varepsilon \sim N(0, 1)$$

    with \(z\) the signal, z-scored over stimuli (standard deviation with n − 1), and \(n_u\) the unit's `ncsnr`. A single trial has
    variance 1, of which n² / (n² + 1) is signal, as z-scored trials of a scanner have; the mean of k repeats can be foretold to
    r = √(n² / (n² + 1/k)), which is `ncsnr_ceiling(units["ncsnr"], k)`. Noise is independent between units and trials: true noise of
    neighbours is not, so that RDMs of real recordings are noisier than these.

    Args:
        signal: `[stimulus, unit]`: true responses, on any scale.
        units: One row a unit: `ncsnr`, and whatever `Recording.units` may have. Kept as it is; `ncsnr(recording.trials)` estimates anew.
        repeats: How many each stimulus has: one count, `[stimulus]`, or `[stimulus, unit]`. Unequal ones leave NaN trials.
        seed: Of the noise.
        name: What to call the recording.

    Raises:
        ShapeError: The table has another number of rows than the signal has units; or repeats have another shape.
        InputError: An ncsnr is missing or negative, a unit with ncsnr above 0 has no signal, or a count is under 1.

    Example:
        >>> import numpy as np, pandas
        >>> truth = Features(np.random.default_rng(0).normal(size=(500, 2)), tuple(map(str, range(500))))
        >>> it = simulated_recording(truth, pandas.DataFrame({"ncsnr": [0.3, 1.0]}), repeats=3)
        >>> it
        Recording 'simulated': 500 stimuli × 2 units, 3 repeats
        >>> [round(float(np.corrcoef(truth.values[:, unit], it.responses[:, unit])[0, 1]), 1) for unit in (0, 1)]
        [0.4, 0.9]
    """
    ratio = ncsnr_column(units)
    if len(units) != signal.width:
        raise ShapeError(f"the table of units has {len(units)} rows, but the signal has {signal.width} units: one row a unit is needed.")
    if not (ratio >= 0).all():
        bad = ~(ratio >= 0)
        raise InputError(
            f"{int(bad.sum())} of {len(ratio)} units have an ncsnr that is missing or negative; the first is unit {bad.argmax()}."
        )
    check_finite(signal.values, name="the signal", ids=signal.ids)
    counts = _counts(repeats, signal.values.shape)
    scale = np.sqrt(ratio**2 + 1)
    true = _standardised(signal, ratio) * (ratio / scale)
    most = int(counts.max())
    trials = np.random.default_rng(seed).standard_normal((len(signal), most, signal.width), dtype=np.float32)
    trials /= scale.astype(np.float32)
    trials += true[:, None].astype(np.float32)
    trials[np.arange(most)[:, None] >= np.broadcast_to(counts[:, None], (len(signal), 1, counts.shape[1]))] = np.nan
    return Recording(ids=signal.ids, trials=trials, units=units, name=name, small_rois="keep")


def _counts(repeats: Any, shape: tuple[int, ...]) -> npt.NDArray[np.integer[Any]]:
    """`[stimulus, unit]`."""
    counts = np.asarray(repeats)
    if counts.shape not in ((), shape[:1], shape):
        raise ShapeError(f"repeats must be one count, [{shape[0]}] or [{shape[0]}, {shape[1]}]; got shape {counts.shape}.")
    if counts.dtype.kind not in "iu" or counts.min() < 1:
        raise InputError(f"repeats must be whole numbers of at least 1; got {counts.dtype} from {counts.min()}.")
    result: npt.NDArray[np.integer[Any]] = np.broadcast_to(counts[:, None] if counts.ndim == 1 else counts, shape)
    return result


def _standardised(signal: Features, ratio: Doubles) -> Doubles:
    values: Doubles = signal.values.astype(np.float64)
    if len(values) < 2:
        raise ShapeError(f"a signal needs at least 2 stimuli; got {len(values)}.")
    varying = (values != values[:1]).any(axis=0)
    dead = ~varying & (ratio > 0)
    if dead.any():
        raise InputError(
            f"{int(dead.sum())} of {len(ratio)} units have a constant signal, but an ncsnr above 0; the first is unit {int(dead.argmax())}."
        )
    values -= values.mean(axis=0)
    values[:, varying] /= values[:, varying].std(axis=0, ddof=1)
    return values


def simulated_nsd(
    sources: Mapping[str, Features],
    *,
    subjects: int = 4,
    units: int | Mapping[str, int] = 200,
    repeats: Any = 3,
    min_ncsnr: Mapping[str, float] | None = None,
    seed: int = 0,
) -> tuple[Recording, Features]:
    r"""A recording like the Natural Scenes Dataset, of which everything is known: units that read out layers of a model.

    A unit's true response is \(\sum_j w_j z_j\) over all features of its region's source, z-scored over stimuli, with weights from N(0, 1):
    an early layer for early visual cortex, a late one for occipito-temporal cortex. Units and subjects are independent draws. Their
    `ncsnr` has a gamma distribution with shape 2 and scale 0.27: an assumption, made so that 17 % lie below 0.2, as in the published
    table of early visual voxels (2,538 of 15,326). A region with a threshold has only draws above it, as voxels of OTC were chosen.

    Args:
        sources: Of each region the features it reads out: `{"EVC": early, "OTC": late}`; the same stimuli in all.
        subjects: How many, called `"subj01"`, `"subj02"` ….
        units: Of each subject in each region, or of each region.
        repeats: As in `simulated_recording`.
        min_ncsnr: The threshold of each region; `{"OTC": 0.2}` unless given.
        seed: Of weights, strengths and noise.

    Returns:
        The recording, with trials, `subject`, `ncsnr` and a column for each region; and the true responses `[stimulus, unit]`.

    Raises:
        IdError: Two sources have different stimuli.
        InputError: There is no source, or a count is under 1; and the errors of `simulated_recording`.

    References:
        Allen et al., 2022, <https://doi.org/10.1038/s41593-021-00962-x>; Conwell et al., 2024.
    """
    import pandas

    _check_sources(sources, subjects)
    ids, draw = next(iter(sources.values())).ids, np.random.default_rng(seed)
    thresholds = {"OTC": 0.2} if min_ncsnr is None else min_ncsnr
    counts = dict(units) if isinstance(units, Mapping) else dict.fromkeys(sources, units)
    signals, tables = [], []
    for region, source in sources.items():
        if region not in counts or counts[region] < 1:
            raise InputError(f"units needs a count of at least 1 for {region!r}; got {counts.get(region, 'none')}.")
        width = counts[region] * subjects
        signals.append(_read_out(source.take(ids), width, draw))
        who = np.repeat([f"subj{number:02d}" for number in range(1, subjects + 1)], counts[region])
        strengths = _strengths(width, thresholds.get(region, 0.0), draw)
        tables.append(pandas.DataFrame({"subject": who, "ncsnr": strengths, **{each: int(each == region) for each in sources}}))
    truth = Features(np.concatenate(signals, axis=1), ids, subject="true responses")
    noise_seed = int(draw.integers(2**63))
    recording = simulated_recording(truth, pandas.concat(tables, ignore_index=True), repeats=repeats, seed=noise_seed, name="simulated NSD")
    return recording, truth


def _check_sources(sources: Mapping[str, Features], subjects: int) -> None:
    if not sources or subjects < 1:
        raise InputError(f"a simulation needs at least one source and one subject; got {len(sources)} and {subjects}.")
    first, *others = sources.items()
    unique_ids(first[1].ids, name=f"the source of {first[0]!r}")
    for region, source in others:
        if set(source.ids) != set(first[1].ids):
            raise IdError(
                f"the sources of {first[0]!r} and {region!r} have different stimuli. Take those that they share: features.take(ids)."
            )


def _read_out(source: Features, width: int, draw: np.random.Generator) -> Doubles:
    """`[stimulus, unit]`: random weights on z-scored features; features that do not vary count for nothing."""
    result = np.zeros((len(source), width))
    for start in range(0, source.width, _CHUNK):
        values = source.values[:, start : start + _CHUNK].astype(np.float64)
        check_finite(values, name=f"the source {source.layer!r}", ids=source.ids)
        values -= values.mean(axis=0)
        spread = values.std(axis=0)
        values /= np.where(spread > 1e-12 * np.abs(values).max(initial=1.0), spread, np.inf)
        result += values @ draw.standard_normal((values.shape[1], width))
    return result


def _strengths(count: int, threshold: float, draw: np.random.Generator) -> Doubles:
    """Gamma draws above a threshold, by the inverse of the distribution: one draw each, whatever the threshold."""
    from scipy.special import gammainc, gammaincinv

    below = gammainc(_GAMMA_SHAPE, threshold / _GAMMA_SCALE)
    strengths = _GAMMA_SCALE * gammaincinv(_GAMMA_SHAPE, below + (1 - below) * draw.random(count))
    return np.asarray(np.maximum(strengths, threshold))
