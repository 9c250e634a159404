"""What as many queries score that mean nothing, or that a larger pool holds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from isomorph.arrays import FloatArray
from isomorph.encoding._aggregator import aggregate
from isomorph.encoding._encode_fit import Mapper
from isomorph.encoding._encode_folds import folds_of
from isomorph.encoding._encode_layer import LayerScorer
from isomorph.encoding._encode_layers import LayerRelations
from isomorph.encoding._encode_options import Certainty
from isomorph.encoding._encode_targets import UnitTargets, targets_of
from isomorph.encoding._protocol import Protocol
from isomorph.encoding._query_ridge import ThinRidge, ThinTargets
from isomorph.encoding._ridge import Ridge
from isomorph.encoding._scorer import score_units
from isomorph.errors import InputError
from isomorph.features import Features, relative

if TYPE_CHECKING:
    from isomorph.brains import RDMRecording, Recording
    from isomorph.engine import Progress


@dataclass(frozen=True, eq=False)
class RandomQueries:
    """Sets of queries, each drawn by its own seed, so that the first hundred of two hundred are those of one hundred.

    Attributes:
        x: What is asked about.
        size: Of each set.
        count: How many sets.
        seed: Of all.
        pool: Queries to draw from, without replacement; None: directions drawn evenly from the space.
    """

    x: Features
    size: int
    count: int
    seed: int
    pool: Features | None = None

    def __post_init__(self) -> None:
        if self.count < 0 or self.seed < 0:
            raise InputError(f"null and seed must be 0 or more; got {self.count} and {self.seed}.")
        if self.pool is not None and self.count and len(self.pool) <= self.size:
            raise InputError(
                f"the pool has {len(self.pool)} queries, too few to draw sets of {self.size} that differ. "
                "Give a larger pool, or none: directions are then drawn at random."
            )

    def __iter__(self) -> Iterator[Features]:
        near = None if self.pool is None else relative(self.x, self.pool)
        for number in range(self.count):
            rng = np.random.default_rng([self.seed, 31, number])
            if near is not None:
                yield Features(near.values[:, rng.choice(near.width, self.size, replace=False)], near.ids)
            else:
                directions = rng.standard_normal((self.size, self.x.width)).astype(self.x.values.dtype)
                yield relative(self.x, Features(directions, tuple(map(str, range(self.size)))))


def null_scores(
    sets: RandomQueries,
    thin: ThinScorer | None,
    recording: Recording | RDMRecording,
    protocol: Protocol,
    *,
    progress: Progress | None,
    **where: Any,
) -> Any:
    """The test score of each set: a table with `metric`, `region`, `draw`, `score` (mean over subjects); `thin` takes the short cut."""
    import pandas

    regression = ("eReg",) if thin is not None and "eReg" in protocol.metrics else ()
    others = tuple(each for each in protocol.metrics if each not in regression)
    layers = _layer_scorer(recording, protocol, others, **where) if others else None
    rows: list[dict[str, Any]] = []
    for draw, near in _shown(sets, progress):
        found = {"eReg": thin.scores(near)} if thin is not None and regression else {}
        if layers is not None:
            found |= _layer_scores(layers, near)
        rows += [
            {"metric": metric, "region": region, "draw": draw, "score": score}
            for metric, scores in found.items()
            for region, score in scores.items()
        ]
    return pandas.DataFrame(rows, columns=["metric", "region", "draw", "score"])


@dataclass(frozen=True, eq=False)
class ThinScorer:
    """Test scores of a few features under a protocol with a ridge, and nothing else: what `encode` gives as `eReg`, in less time."""

    protocol: Protocol
    ridge: Ridge
    targets: UnitTargets
    folds: list[Any]
    fitted_to: list[ThinTargets]
    truths: list[FloatArray]

    @classmethod
    def of(cls, recording: Recording | RDMRecording, protocol: Protocol, *, regions: Sequence[str] | None, time: Any) -> ThinScorer | None:
        """None where there is no such short cut: another regression, a random projection, penalties chosen in folds, no units."""
        if not isinstance(protocol.regression, Ridge) or protocol.projection is not None or protocol.regression.select.startswith("cv"):
            return None
        targets = targets_of(recording, regions=regions, time=time, min_units=protocol.min_units)
        if not isinstance(targets, UnitTargets):
            return None
        plain = replace(protocol, metrics=("eReg",), ceiling="none", normaliser="none")
        folds = folds_of(targets, plain, Certainty(replicates=0))
        fitted_to = [ThinTargets.of(targets.responses[np.ix_(fold.sides[0].rows, fold.units)]) for fold in folds]
        truths = [targets.responses.T[np.ix_(fold.units, fold.sides[1].rows)].T for fold in folds]
        return cls(plain, Mapper(plain, len(targets.ids))._regression(), targets, folds, fitted_to, truths)

    def fit(self, x: Features, fold: int = 0) -> ThinRidge:
        """Fit the training stimuli of a fold."""
        rows = [self.targets.ids[row] for row in self.folds[fold].sides[0].rows]
        return ThinRidge.fit(x.take(rows).values, self.fitted_to[fold], self.ridge)

    def scores(self, x: Features) -> dict[str, float]:
        """The score of each region on test stimuli, mean over folds and subjects."""
        found: dict[str, list[float]] = {}
        for number, fold in enumerate(self.folds):
            made = self.fit(x, number).predict(x.take([self.targets.ids[row] for row in fold.sides[1].rows]).values)
            values = score_units(made, self.truths[number], self.protocol.scorer).values
            for group, columns in zip(self.targets.groups, fold.columns, strict=True):
                found.setdefault(group.region, []).append(aggregate(values[columns], self.protocol.aggregator))
        return {region: float(np.mean(each)) for region, each in found.items()}

    def columns(self, region: str) -> FloatArray:
        """Where the units of a region stand in the first fold's fit."""
        return np.concatenate([at for group, at in zip(self.targets.groups, self.folds[0].columns, strict=True) if group.region == region])


def _layer_scorer(recording: Any, protocol: Protocol, metrics: tuple[str, ...], *, regions: Sequence[str] | None, time: Any) -> LayerScorer:
    """What `encode` scores a layer with, of these metrics, made once."""
    plain = replace(protocol, metrics=metrics, ceiling="none", normaliser="none")
    targets = targets_of(recording, regions=regions, time=time, min_units=plain.min_units)
    certainty = Certainty(replicates=0)
    return LayerScorer(plain, targets, folds_of(targets, plain, certainty), certainty)


def _layer_scores(scorer: LayerScorer, near: Features) -> dict[str, dict[str, float]]:
    """Of each metric the test score of each region, mean over subjects; NaN where the features are alike for all stimuli of one side."""
    scores = scorer.score(LayerRelations(near.take(scorer.targets.ids)))
    result: dict[str, dict[str, float]] = {}
    for metric in scorer.protocol.metrics:
        found: dict[str, list[float]] = {}
        for place, group in enumerate(scorer.targets.groups):
            value = np.nan if scores is None else float(scores.tallies[metric, "test"].values[place])
            found.setdefault(group.region, []).append(value)
        result[metric] = {region: float(np.mean(each)) for region, each in found.items()}
    return result


def _shown(sets: RandomQueries, progress: Progress | None) -> Iterator[tuple[int, Features]]:
    if progress is None or not sets.count:
        yield from enumerate(sets)
        return
    with progress.task("random queries", total=sets.count, unit="sets") as task:
        for draw, near in enumerate(sets):
            yield draw, near
            task.advance()
