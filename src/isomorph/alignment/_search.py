"""Which options explain the choices about objects that were held out."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, Literal, TypeVar

import numpy as np

from isomorph.alignment._apply import apply_affine
from isomorph.alignment._examples import Choices, Examples, read_examples
from isomorph.alignment._fit import fit_all
from isomorph.alignment._fitted_transform import FittedTransform
from isomorph.alignment._initial import best_scale
from isomorph.alignment._object_folds import object_folds
from isomorph.alignment._triplet_loss import pair_similarities
from isomorph.alignment._triplet_map import TripletMap
from isomorph.arrays import FloatArray, IntArray
from isomorph.engine import Progress
from isomorph.errors import InputError
from isomorph.features import Features

M = TypeVar("M", bound=TripletMap)
_TOGETHER = ("strength", "alpha", "tau", "temperature", "learning_rate", "initial_scale", "clip")
_TOGETHER_BYTES = 1 << 30


@dataclass(frozen=True, kw_only=True)
class SearchTrial:
    """One setting: its options, and what they gave on held-out objects: mean cross-entropy, its standard error over folds, accuracy."""

    options: Mapping[str, Any]
    loss: float
    standard_error: float
    accuracy: float
    per_fold: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class SearchResult(Generic[M]):
    """What a search found.

    Attributes:
        best: The options with the least cross-entropy on held-out objects, ready to be fitted to all trials.
        trials: Every setting, in the order of the grid.
        untouched: The cross-entropy on the same trials of the features times the one factor that suits the training trials best.
        shares_kept: Of each fold, the share of trials that did not mix its sides.
        trained_on: Of each fold, how many trials the settings were fitted to.
        notes: Remarks, such as a choice at the edge of the grid.
    """

    best: M
    trials: tuple[SearchTrial, ...]
    untouched: float
    shares_kept: tuple[float, ...]
    trained_on: tuple[int, ...]
    notes: tuple[str, ...]

    def best_for(self, trials: int) -> M:
        """`best`, its strength as suits a fit to so many trials instead of those of a fold.

        The pull is weighed against a mean over trials. One that is as strong as a belief about the map is the weaker in that mean the
        more trials there are: λ n stays the same.
        """
        return replace(self.best, strength=self.best.strength * sum(self.trained_on) / len(self.trained_on) / trials)


def search(
    of: M,
    x: Features,
    triplets: Choices,
    grid: Mapping[str, Sequence[Any]],
    *,
    preserve: Features | None = None,
    folds: int = 4,
    by: Literal["objects", "trials"] = "objects",
    seed: int = 0,
    progress: Progress | None = None,
) -> SearchResult[M]:
    """Try every combination of a grid, each judged on objects that it was not fitted to.

    Settings that differ in numbers of the objective or the learning rate are trained side by side in one program: they share batches,
    gathered rows and the neighbourhoods to keep.

    Args:
        of: The options that the grid varies.
        x: Features of the objects.
        triplets: People's choices.
        grid: For each option its values, such as `{"strength": [0.01, 0.1, 1], "alpha": [0.1, 0.25]}`.
        preserve: As for `fit`.
        folds: Parts of the objects (or trials); each is held out once.
        by: What is parted; see `object_folds`.
        seed: Of the folds.
        progress: Where to show it.

    Raises:
        InputError: The grid is empty or names no option; or what `fit` and `object_folds` raise.
    """
    settings = _settings(of, grid)
    examples = read_examples(x, triplets)
    parts = object_folds(examples.items, folds, by=by, seed=seed)
    losses, hits, raw = np.zeros((len(settings), folds)), np.zeros((len(settings), folds)), np.zeros(folds)
    maps = [replace(of, **each) for each in settings]
    for at, part in enumerate(parts):
        train, test = _of_rows(x, triplets, part.train), examples.take(part.test)
        raw[at] = _untouched(x, examples.take(part.train), test)
        for group in _groups(maps, x.width):
            fitted = fit_all([maps[index] for index in group], x, train, preserve=preserve, progress=progress)
            for index, each in zip(group, fitted, strict=True):
                losses[index, at], hits[index, at] = _held_out(each, x, test.items, test.targets, maps[index].temperature)
    weights = np.array([len(part.test) for part in parts], dtype=np.float64)
    trials = tuple(
        SearchTrial(
            options=options,
            loss=float(np.average(loss, weights=weights)),
            standard_error=float(loss.std(ddof=1) / math.sqrt(folds)),
            accuracy=float(np.average(hit, weights=weights)),
            per_fold=tuple(map(float, loss)),
        )
        for options, loss, hit in zip(settings, losses, hits, strict=True)
    )
    at = min(range(len(trials)), key=lambda index: trials[index].loss)
    return SearchResult(
        best=maps[at],
        trials=trials,
        untouched=float(np.average(raw, weights=weights)),
        shares_kept=tuple(part.share_kept for part in parts),
        trained_on=tuple(len(part.train) for part in parts),
        notes=_edges(settings[at], grid),
    )


def _settings(of: TripletMap, grid: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    for name, values in grid.items():
        if name not in type(of).__dataclass_fields__:
            raise InputError(f"{type(of).__name__} has no option {name!r} to search; it has {', '.join(type(of).__dataclass_fields__)}.")
        if not len(values):
            raise InputError(f"the grid gives no value for {name!r}.")
    if not grid:
        raise InputError("the grid is empty; name at least one option and its values.")
    return [dict(zip(grid, values, strict=True)) for values in itertools.product(*grid.values())]


def _groups(maps: Sequence[TripletMap], width: int) -> list[list[int]]:
    """Maps that can be trained side by side, in parts that fit the memory."""
    alike: dict[str, list[int]] = {}
    for index, each in enumerate(maps):
        alike.setdefault(repr({name: value for name, value in each.options.items() if name not in _TOGETHER}), []).append(index)
    size = max(1, _TOGETHER_BYTES // (8 * 8 * width * width))
    return [group[start : start + size] for group in alike.values() for start in range(0, len(group), size)]


def _of_rows(x: Features, triplets: Choices, rows: IntArray) -> Choices:
    return triplets[rows] if isinstance(triplets, np.ndarray) else triplets.take(rows)


def _held_out(fitted: FittedTransform, x: Features, items: IntArray, targets: FloatArray | None, temperature: float) -> tuple[float, float]:
    return _score(pair_similarities(apply_affine(x.values, fitted), items) / temperature, targets)


def _score(similarities: FloatArray, targets: FloatArray | None) -> tuple[float, float]:
    """Mean cross-entropy and accuracy of the pairs' softmax; equal similarities are no hit."""
    logits = similarities.astype(np.float64)
    expected = logits[0] if targets is None else (logits * targets.T).sum(axis=0)
    top = logits.max(axis=0)
    loss = float((np.log(np.exp(logits - top).sum(axis=0)) + top - expected).mean())
    return loss, float((logits[0] > logits[1:].max(axis=0)).mean())


def _untouched(x: Features, train: Examples, test: Examples) -> float:
    values = x.values.astype(np.float64)
    values = (values - values.mean()) / values.std()
    return _score(pair_similarities(values * best_scale(values, train, 1.0), test.items), test.targets)[0]


def _edges(chosen: Mapping[str, Any], grid: Mapping[str, Sequence[Any]]) -> tuple[str, ...]:
    return tuple(
        f"the chosen {name} {chosen[name]:g} is the {'smallest' if chosen[name] == min(values) else 'largest'} of the grid; "
        "a wider one may be better."
        for name, values in grid.items()
        if len(values) > 1 and all(isinstance(each, int | float) for each in values) and chosen[name] in (min(values), max(values))
    )
