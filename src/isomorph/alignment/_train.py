"""Training several affine maps side by side: same batches, different numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from isomorph.alignment._examples import Examples
from isomorph.alignment._initial import initial_map
from isomorph.alignment._lane import Lane
from isomorph.alignment._local_loss import neighbourhoods
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

    def images(self, rows: IntArray, standardise: bool) -> FloatArray:
        """Rows of `preserved`, ready for products."""
        assert self.preserved is not None  # noqa: S101 - for the type checker; asked for by GLocal alone
        values: FloatArray = np.asarray(self.preserved[rows])
        if standardise and self.mean is not None and self.std is not None:
            values = (values - self.mean) / self.std
        return np.ascontiguousarray(values, dtype=self.x.dtype)


@dataclass(frozen=True, kw_only=True, eq=False)
class Trained:
    """The best weights of one map, its bias, the learning rate, what happened on the way, and remarks."""

    weights: FloatArray
    bias: FloatArray
    rate: float
    history: list[dict[str, float]]
    notes: list[str]


@dataclass(frozen=True, eq=False)
class _Images:
    """One batch to keep the neighbourhoods of: its features, and its neighbourhoods for each τ."""

    values: FloatArray | None = None
    targets: dict[float, FloatArray] = field(default_factory=dict)

    def of(self, each: TripletMap) -> dict[str, Any]:
        if self.values is None:
            return {}
        return {"preserve": self.values, "tau": each.tau, "alpha": each.alpha, "target": self.targets[each.tau]}  # type: ignore[attr-defined]


def train(maps: Sequence[TripletMap], training: Training, *, progress: Progress | None = None) -> list[Trained]:
    """Train all maps to their last epoch, or until what was held out grows no better."""
    first, count = maps[0], len(training.examples)
    rng = np.random.default_rng(first.seed)
    lanes = [Lane(each, *initial_map(each, training.x, training.examples)) for each in maps]
    batches, held_images = _image_batches(maps, training, rng)
    size = first.batch_size or min(max(256, -(-count // 4)), 262_144)
    steps = -(-count // size)
    with (progress or Progress(quiet=True)).task(f"fit {first.method}", first.epochs * count, unit="triplets") as task:
        for epoch in range(first.epochs):
            shuffled = training.examples.take(rng.permutation(count))
            for step in range(steps):
                part = shuffled.take(np.s_[step * size : (step + 1) * size])
                images = next(batches)
                for lane in lanes:
                    if lane.running:
                        lane.step(training.x, part, images.of(lane.map), progress=(epoch + step / steps) / first.epochs)
                task.advance(len(part))
            for lane in lanes:
                if lane.running:
                    lane.end_epoch(training.x, training.held, held_images.of(lane.map))
            if not any(lane.running for lane in lanes):
                break
    best = map(Lane.best, lanes)
    return [Trained(weights=each.weights, bias=each.bias, rate=each.rate, history=each.history, notes=each.notes) for each in best]


def _image_batches(maps: Sequence[TripletMap], training: Training, rng: np.random.Generator) -> tuple[Iterator[_Images], _Images]:
    """Endless batches, each image once a pass; and one of images held out, where trials are held out too."""
    if training.preserved is None:
        return _nothing(), _Images()
    first: Any = maps[0]
    taus = {each.tau for each in maps}  # type: ignore[attr-defined]

    def load(rows: IntArray) -> _Images:
        values = training.images(np.sort(rows), first.standardise_preserved)  # sorted: memory-mapped rows are read in order
        return _Images(values, {tau: neighbourhoods(values, tau) for tau in taus})

    rows = rng.permutation(len(training.preserved))
    out = min(_HELD_IMAGES, len(rows) // 5) if training.held is not None else 0
    return _cycle(rows[out:], first.images_a_batch, rng, load), load(rows[:out]) if out >= 3 else _Images()


def _cycle(rows: IntArray, size: int, rng: np.random.Generator, load: Any) -> Iterator[_Images]:
    size = min(size, len(rows))
    while True:
        order = rng.permutation(rows)
        for start in range(0, len(rows) - size + 1, size):
            yield load(order[start : start + size])


def _nothing() -> Iterator[_Images]:
    while True:
        yield _Images()
