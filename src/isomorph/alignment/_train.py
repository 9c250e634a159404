"""Training several affine maps side by side: same batches, different numbers."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from isomorph.alignment._examples import Examples
from isomorph.alignment._initial import initial_map
from isomorph.alignment._lane import HeldImages, Lane
from isomorph.alignment._preserved import Preserved, image_batches
from isomorph.alignment._triplet_map import TripletMap
from isomorph.arrays import FloatArray, IntArray
from isomorph.engine import Progress

_HELD_IMAGES = 1024


@dataclass(frozen=True, kw_only=True, eq=False)
class Training:
    """What maps are trained on.

    Attributes:
        x: `[object, feature]`, standardised, in the precision of all products.
        examples: The trials.
        held: Trials for early stopping, if any.
        preserved: `[stimulus, feature]`, as saved; may be memory-mapped.
        mean: What standardised x, and may standardise `preserved`.
        std: Likewise.
    """

    x: FloatArray
    examples: Examples
    held: Examples | None
    preserved: FloatArray | None
    mean: FloatArray | None
    std: FloatArray | None


@dataclass(frozen=True, kw_only=True, eq=False)
class Trained:
    """The best weights of one map, its bias, the learning rate, what happened on the way, and remarks."""

    weights: FloatArray
    bias: FloatArray
    rate: float
    history: list[dict[str, float]]
    notes: list[str]


def train(maps: Sequence[TripletMap], training: Training, *, progress: Progress | None = None) -> list[Trained]:
    """Train all maps to their last epoch, or until what was held out grows no better."""
    first, count = maps[0], len(training.examples)
    rng = np.random.default_rng(first.seed)
    lanes = [Lane(each, *initial_map(each, training.x, training.examples)) for each in maps]
    images = _preserved(maps, training)
    batches, held_images = _image_batches(maps, training, images, rng)
    size = first.batch_size or min(max(256, -(-count // 4)), 262_144)
    steps = -(-count // size)
    with (progress or Progress(quiet=True)).task(f"fit {first.method}", first.epochs * count, unit="triplets") as task:
        for epoch in range(first.epochs):
            shuffled = training.examples.take(rng.permutation(count))
            for step in range(steps):
                part = shuffled.take(np.s_[step * size : (step + 1) * size])
                running = [lane for lane in lanes if lane.running]
                kept = images.terms(running, next(batches)) if images else itertools.repeat(None)
                for lane, term in zip(running, kept, strict=False):
                    lane.step(training.x, part, term, progress=(epoch + step / steps) / first.epochs)
                task.advance(len(part))
            for lane in lanes:
                if lane.running:
                    lane.end_epoch(training.x, training.held, held_images)
            if not any(lane.running for lane in lanes):
                break
    best = map(Lane.best, lanes)
    return [Trained(weights=each.weights, bias=each.bias, rate=each.rate, history=each.history, notes=each.notes) for each in best]


def _preserved(maps: Sequence[TripletMap], training: Training) -> Preserved | None:
    first: Any = maps[0]
    if training.preserved is None:
        return None
    mean, std = (training.mean, training.std) if first.standardise_preserved else (None, None)
    return Preserved(values=training.preserved, mean=mean, std=std, dtype=training.x.dtype)


def _image_batches(
    maps: Sequence[TripletMap], training: Training, images: Preserved | None, rng: np.random.Generator
) -> tuple[Iterator[list[IntArray]], HeldImages | None]:
    """Endless batches, and one group of images held out, where trials are held out too."""
    if images is None:
        return itertools.repeat([]), None
    first: Any = maps[0]
    rows = rng.permutation(len(images.values))
    out = min(_HELD_IMAGES, len(rows) // 5) if training.held is not None else 0
    held = images.held(rows[:out], [each.tau for each in maps]) if out >= 3 else None  # type: ignore[attr-defined]
    return image_batches(rows[out:], first.images_a_step or first.images_a_batch, first.images_a_batch, rng), held
