"""All metrics of one layer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from isomorph.arrays import FloatArray, IntArray
from isomorph.encoding._aggregator import aggregate, unit_variance, unit_weights
from isomorph.encoding._encode_bootstrap import replicate_scores
from isomorph.encoding._encode_fit import Mapper, Predictions
from isomorph.encoding._encode_folds import Fold, Side
from isomorph.encoding._encode_geometry import permuted_rdms, score_rdms
from isomorph.encoding._encode_layers import LayerRelations
from isomorph.encoding._encode_options import Certainty
from isomorph.encoding._encode_tally import Tally
from isomorph.encoding._encode_targets import Targets, UnitTargets, condensed
from isomorph.encoding._normaliser import VARIANCE_SCORERS, normalise
from isomorph.encoding._protocol import Protocol
from isomorph.encoding._scorer import Scored, score_units
from isomorph.features import Features
from isomorph.geometry import Gram


@dataclass(eq=False)
class LayerScores:
    """What one layer's folds add up to.

    Attributes:
        tallies: Of each metric and side.
        units: Of each metric the units' test scores `[unit of the recording]`, averaged over folds.
        dimensionality: Of each side, averaged over folds.
        alphas: Of each fold `[unit]`.
        at_edge: Of each fold `[unit]`.
    """

    tallies: dict[tuple[str, str], Tally]
    units: dict[str, FloatArray] = field(default_factory=dict)
    dimensionality: dict[str, float] = field(default_factory=lambda: {"train": 0.0, "test": 0.0})
    alphas: list[FloatArray] = field(default_factory=list)
    at_edge: list[FloatArray] = field(default_factory=list)


@dataclass(frozen=True, eq=False)
class LayerScorer:
    """Scores layers one after another against the same folds of a recording."""

    protocol: Protocol
    targets: Targets
    folds: list[Fold]
    certainty: Certainty

    def score(self, layer: LayerRelations) -> LayerScores:
        """Every metric on both sides of the split."""
        new = (len(self.targets.groups), len(self.targets.ids), len(self.folds), self.certainty)
        result = LayerScores({(metric, side): Tally(*new) for metric in self.protocol.metrics for side in ("train", "test")})
        mapper = Mapper(self.protocol, len(self.targets.ids))
        source = mapper.source(layer) if self.protocol.fits else None
        for fold in self.folds:
            for side in fold.sides:
                part = layer.gram.take([self.targets.ids[row] for row in side.rows])
                result.dimensionality[side.name] += _dimensionality(part) / len(self.folds)
                if "cRSA" in self.protocol.metrics:
                    model = part.rdm(self.protocol.distance).values if not _flat(part) else np.full(len(side.rdms[0]), np.nan)
                    self._geometry(result.tallies["cRSA", side.name], side, model[None])
            if source is not None and isinstance(self.targets, UnitTargets):
                responses = Features(self.targets.responses[:, fold.units], self.targets.ids)
                self._fitted(result, mapper, source, responses, fold)
        return result

    def _fitted(self, result: LayerScores, mapper: Mapper, source: Features | Gram, responses: Features, fold: Fold) -> None:
        made = mapper.fit(source, responses, fold.sides[0].rows, fold.sides[1].rows)
        result.alphas.append(_spread(made.alphas, fold.units, fold.total))
        result.at_edge.append(_spread(made.at_edge.astype(np.float64), fold.units, fold.total))
        for side, predicted in zip(fold.sides, (made.train, made.test), strict=True):
            if "eReg" in self.protocol.metrics:
                self._regression(result, side, fold, predicted, responses.values.T[:, side.rows].T)
            if "eRSA" in self.protocol.metrics:
                rdms = [condensed(predicted[:, each], self.protocol.distance) for each in fold.columns]
                self._geometry(result.tallies["eRSA", side.name], side, np.stack(rdms))

    def _geometry(self, tally: Tally, side: Side, models: FloatArray) -> None:
        protocol, n = self.protocol, len(side.rows)
        scored = score_rdms(models, side.rdms, n=n, comparison=protocol.comparison)
        bound = side.bounds[:, int(protocol.bound == "upper")]
        null = permuted_rdms(models, side.rdms, side.orders, comparison=protocol.comparison) if len(side.orders) else None
        draws = _drawn_rdms(models, side, protocol.comparison) if len(side.weights) else None
        tally.add(
            side.rows, scored.values, scored.contributions, ceiling=bound, bounds=side.bounds,
            normalised=normalise(scored.values, bound, protocol.normaliser), null=null, draws=draws,
        )  # fmt: skip

    def _regression(self, result: LayerScores, side: Side, fold: Fold, predicted: FloatArray, truth: FloatArray) -> None:
        protocol, tally = self.protocol, result.tallies["eReg", side.name]
        scored = score_units(predicted, truth, protocol.scorer)
        values = [scored.values[each] for each in fold.columns]
        weights = np.zeros((len(scored.values), len(values)))
        for place, columns in enumerate(fold.columns):
            weights[columns, place] = unit_weights(values[place], protocol.aggregator)
        n = len(side.rows)
        scores = np.array([aggregate(each, protocol.aggregator) for each in values])
        draws = null = None
        if len(side.weights):
            draws = replicate_scores(scored, side.weights, protocol.scorer, fold.columns, protocol.aggregator)
        if len(side.orders):
            null = _permuted(scored, scores, weights, side.orders, fold.columns, protocol.aggregator)
        ceiling, normalised = self._ceilings(values, scores, side, fold)
        tally.add(
            side.rows, scores, scored.contributions(weights) / np.sqrt(n * (n - 1)), ceiling=ceiling,
            bounds=np.full((len(values), 2), np.nan), normalised=normalised, null=null, draws=draws,
        )  # fmt: skip
        tally.unit_variance[...] = [unit_variance(each, protocol.aggregator) for each in values]
        if side.name == "test":
            found = result.units.setdefault("eReg", np.zeros(fold.total))
            found += _spread(scored.values, fold.units, fold.total) / len(self.folds)

    def _ceilings(self, values: list[FloatArray], scores: FloatArray, side: Side, fold: Fold) -> tuple[FloatArray, FloatArray]:
        """Of each group the ceiling on the scale of the score, and the score over it."""
        protocol = self.protocol
        if side.unit_ceilings is None:
            return np.full(len(values), np.nan), np.full(len(values), np.nan)
        known = [side.unit_ceilings[each] for each in fold.columns]
        variance = protocol.scorer in VARIANCE_SCORERS
        top = np.array([aggregate(each**2 if variance else each, protocol.aggregator) for each in known])
        if protocol.normalised == "regions":
            return top, normalise(scores, np.sqrt(top) if variance else top, protocol.normaliser, scorer=protocol.scorer)
        shares = [
            normalise(each, ceiling, protocol.normaliser, scorer=protocol.scorer) for each, ceiling in zip(values, known, strict=True)
        ]
        return top, np.array([aggregate(each[np.isfinite(each)], protocol.aggregator) for each in shares])


def _dimensionality(part: Gram) -> float:
    """(Σλ)² / Σλ² of the centred Gram matrix; NaN where nothing varies."""
    squares = float((part.centred**2).sum())
    return float(np.trace(part.centred)) ** 2 / squares if squares > 0 else float("nan")


def _flat(part: Any) -> bool:
    return LayerRelations(part).constant


def _spread(values: FloatArray, units: IntArray, count: int) -> FloatArray:
    result = np.full(count, np.nan)
    result[units] = values
    return result


def _permuted(
    scored: Scored, scores: FloatArray, weights: FloatArray, orders: IntArray, columns: list[IntArray], aggregator: str
) -> FloatArray:
    """`[permutation, group]`: aggregates with responses of other stimuli."""
    result = np.empty((len(orders), len(columns)))
    if aggregator == "mean":
        rows = np.arange(orders.shape[1])
        for place, units in enumerate(columns):
            part = Scored(scored.values[units], scored.influence, scored.made[:, units], scored.truth[:, units], scored.factor[units])
            exchange = part.exchange(weights[units, place])
            result[:, place] = scores[place] - np.trace(exchange) + exchange[rows, orders].sum(axis=1)
        return result
    for row, order in enumerate(orders):
        moved = np.einsum("iu,iu->u", scored.made, scored.truth[order] - scored.truth) * scored.factor + scored.values
        result[row] = [aggregate(moved[units], aggregator) for units in columns]
    return result


def _drawn_rdms(models: FloatArray, side: Side, comparison: str) -> FloatArray:
    from isomorph.encoding._encode_geometry import defined
    from isomorph.inference import weighted_similarities

    models = np.broadcast_to(models, side.rdms.shape)
    result = np.full((len(side.weights), len(side.rdms)), np.nan)
    usable = np.flatnonzero(defined(models) & defined(side.rdms))
    if len(usable):
        rows = np.concatenate([models[usable], side.rdms[usable]])
        first = np.arange(len(usable))
        result[:, usable] = weighted_similarities(rows, first, first + len(usable), side.weights, comparison=comparison)
    return result


__all__ = ["LayerScorer", "LayerScores", "Predictions"]
