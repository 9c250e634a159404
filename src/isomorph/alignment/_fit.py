"""From features and choices to fitted maps: standardise, hold out, train, describe."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from isomorph.alignment._examples import Choices, Examples, check_features, read_examples, rows_within
from isomorph.alignment._fitted_transform import FittedTransform
from isomorph.alignment._glocal import GLocal
from isomorph.alignment._published import caution_about
from isomorph.alignment._train import Trained, Training, train
from isomorph.alignment._triplet_map import TripletMap
from isomorph.arrays import FloatArray
from isomorph.engine import Progress
from isomorph.errors import InputError, NonFiniteError, ShapeError
from isomorph.features import Features

_FEW_TRIALS = 30


def fit_all(
    maps: Sequence[TripletMap],
    x: Features,
    triplets: Choices,
    *,
    preserve: Features | None = None,
    validation: Choices | None = None,
    progress: Progress | None = None,
) -> list[FittedTransform]:
    """Fit several maps that differ only in numbers of the objective and the learning rate, as one program.

    They share batches, gathered rows and the neighbourhoods that are to be kept. The errors are those of `TripletMap.fit`.
    """
    first = maps[0]
    local = isinstance(first, GLocal)
    if local and preserve is None:
        raise InputError("GLocal keeps neighbourhoods: pass features of many other pictures as preserve=…, or use Global.")
    if not local and preserve is not None:
        raise InputError(f"{type(first).__name__} keeps no neighbourhoods, so preserve=… would do nothing; use GLocal, or leave it out.")
    examples = read_examples(x, triplets)
    check_features(x, name="the feature matrix of the objects")
    mean, std = statistics(x.values, first.standardise)
    train_set, held, notes = _hold_out(first, x, examples, validation)
    training = Training(
        x=_standardised(x.values, mean, std, first.precision),
        examples=train_set,
        held=held,
        preserved=_preserved(first, preserve, x.width),
        mean=mean,
        std=std,
    )
    results = train(maps, training, progress=progress)
    if local and (caution := caution_about(x.subject, str(x.provenance.get("objective", "")))):
        notes = [*notes, caution]
    return [_fitted(each, result, x, examples.seen, (mean, std), notes) for each, result in zip(maps, results, strict=True)]


def statistics(values: FloatArray, kind: str) -> tuple[FloatArray | None, FloatArray | None]:
    """Mean and population standard deviation, of the matrix or of each column."""
    if kind == "none":
        return None, None
    axis = 0 if kind == "column" else None
    mean, std = (np.asarray(each) for each in (values.mean(axis=axis, dtype=np.float64), values.std(axis=axis, dtype=np.float64)))
    if not std.any():
        raise ShapeError("the features of the objects are all the same number; there is nothing to map.")
    return mean, np.where(std > 0, std, 1.0)


def _standardised(values: FloatArray, mean: FloatArray | None, std: FloatArray | None, precision: str) -> FloatArray:
    result = values if mean is None or std is None else (values - mean) / std
    return np.ascontiguousarray(result, dtype=precision)


def _preserved(first: TripletMap, preserve: Features | None, width: int) -> FloatArray | None:
    if preserve is None:
        return None
    check_features(preserve, name="the feature matrix to preserve", width=width)
    if len(preserve) < 3:
        raise ShapeError(
            f"neighbourhoods among {len(preserve)} stimuli say nothing; preserve=… needs at least 3, better tens of thousands."
        )
    values: FloatArray = preserve.values
    return values


def _hold_out(
    first: TripletMap, x: Features, examples: Examples, validation: Choices | None
) -> tuple[Examples, Examples | None, list[str]]:
    if validation is not None:
        held = read_examples(x, validation, name="the validation triplets")
        both = sorted(set(held.seen) & set(examples.seen))
        note = (
            [f"{len(both)} of {len(held.seen)} objects of the validation trials are trained on too, so early stopping is optimistic."]
            if both
            else []
        )
        return examples, held, note
    if not first.hold_out:
        return examples, None, []
    shown = np.unique(examples.items)
    out = np.random.default_rng(first.seed).permutation(shown)[: max(3, round(first.hold_out * len(shown)))]
    held_rows = rows_within(examples.items, out, len(x))
    kept_rows = rows_within(examples.items, np.setdiff1d(shown, out), len(x))
    mixed = len(examples) - len(held_rows) - len(kept_rows)
    counts = f"{len(kept_rows):,} trials to train on, {len(held_rows):,} held out, {mixed:,} mixed ones dropped"
    if len(held_rows) < _FEW_TRIALS or not len(kept_rows):
        raise InputError(
            f"holding {len(out)} of {len(shown)} objects out leaves too little to stop early by: {counts}. "
            "Hold out a larger share, pass validation=… trials, or train to the last epoch with hold_out=0."
        )
    return examples.take(kept_rows), examples.take(held_rows), [f"early stopping on {len(out)} held-out objects: {counts}."]


def _fitted(
    of: TripletMap,
    result: Trained,
    x: Features,
    seen: tuple[str, ...],
    scaling: tuple[FloatArray | None, FloatArray | None],
    notes: list[str],
) -> FittedTransform:
    if not np.isfinite(result.weights).all():
        raise NonFiniteError(f"training diverged with learning_rate={result.rate:g}: the weights are NaN. Lower it, or set clip=1.0.")
    return FittedTransform(
        weights=result.weights,
        bias=result.bias if of.bias else None,
        mean=scaling[0],
        std=scaling[1],
        method=of.method,
        options=of.options,
        seen=seen,
        layer=x.layer,
        model=x.subject,
        model_fingerprint=str(x.provenance.get("model", "")),
        history=tuple(result.history),
        notes=tuple(notes + result.notes),
    )
