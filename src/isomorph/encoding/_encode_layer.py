"""All metrics of one layer."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from isomorph.arrays import FloatArray, IntArray
from isomorph.encoding._aggregator import aggregate, unit_variance, unit_weights, units_near
from isomorph.encoding._encode_fit import Mapper, Predictions
from isomorph.encoding._encode_folds import Fold, Side
from isomorph.encoding._encode_geometry import drawn_rdms, permuted_rdms, rdm_or_nan, score_rdms
from isomorph.encoding._encode_layers import LayerRelations, is_constant
from isomorph.encoding._encode_options import Certainty
from isomorph.encoding._encode_replicates import permuted_scores, replicate_scores
from isomorph.encoding._encode_tally import Tally
from isomorph.encoding._encode_targets import Targets, UnitTargets, condensed
from isomorph.encoding._normaliser import VARIANCE_SCORERS, normalise
from isomorph.encoding._protocol import Protocol
from isomorph.encoding._scorer import score_units
from isomorph.features import Features
from isomorph.geometry import effective_dimensionality


@dataclass(eq=False)
class LayerScores:
    """What one layer's folds add up to.

    Attributes:
        tallies: Of each metric and side.
        units: Of each side the units' scores in `eReg` `[unit of the targets]`, averaged over folds.
        dimensionality: Of each side, averaged over folds.
        alphas: Of each fold `[unit]`.
        at_edge: Of each fold `[unit]`.
    """

    tallies: dict[tuple[str, str], Tally]
    units: dict[str, FloatArray] = field(default_factory=dict)
    dimensionality: dict[str, float] = field(default_factory=lambda: {"train": 0.0, "test": 0.0})
    alphas: list[FloatArray] = field(default_factory=list)
    at_edge: list[FloatArray] = field(default_factory=list)

    @property
    def penalties(self) -> FloatArray | None:
        """The median of each unit's alphas over folds; None where there are none."""
        found = np.array([each for each in self.alphas if np.isfinite(each).any()])
        if not len(found):
            return None
        varied = np.isfinite(found).any(axis=0)
        result = np.full(found.shape[1], np.nan)
        result[varied] = np.nanmedian(found[:, varied], axis=0)
        return result


@dataclass(frozen=True, eq=False)
class LayerScorer:
    """Scores layers one after another against the same folds of a recording."""

    protocol: Protocol
    targets: Targets
    folds: list[Fold]
    certainty: Certainty
    _kept: dict[int, tuple[Features, Features]] = field(default_factory=dict, repr=False)

    def score(self, layer: LayerRelations) -> LayerScores | None:
        """Every metric on both sides of the split; None for a layer that is alike for all stimuli of one side."""
        targets, protocol = self.targets, self.protocol
        parts = [[layer.part([targets.ids[row] for row in side.rows]) for side in fold.sides] for fold in self.folds]
        if any(is_constant(part) for both in parts for part in both):
            return None
        new = (len(targets.groups), len(targets.ids), len(self.folds), self.certainty)
        result = LayerScores({(metric, side): Tally(*new) for metric in protocol.metrics for side in ("train", "test")})
        mapper = Mapper(protocol, len(targets.ids))
        source = mapper.source(layer) if protocol.fits else None
        for fold, both in zip(self.folds, parts, strict=True):
            for side, part in zip(fold.sides, both, strict=True):
                result.dimensionality[side.name] += effective_dimensionality(part) / len(self.folds)
                if "cRSA" in protocol.metrics:
                    self._geometry(result.tallies["cRSA", side.name], side, rdm_or_nan(part, protocol.distance)[None])
            if source is not None and isinstance(targets, UnitTargets):
                halves = self._halves(fold, targets)
                made = mapper.fit(source, halves[0], halves[1].ids)
                self._fitted(result, made, halves, targets.means[fold.units], fold)
        if isinstance(targets, UnitTargets):
            for name, scores in result.units.items():
                spread = [unit_variance(_finite(scores[targets.columns(each)]), protocol.aggregator) for each in targets.groups]
                result.tallies["eReg", name].unit_variance[...] = spread
        return result

    def _halves(self, fold: Fold, targets: UnitTargets) -> tuple[Features, Features]:
        """Responses of the training and the test stimuli; kept for the next layer where there is one fold."""
        found = self._kept.get(0)
        if found is None:
            train, test = (targets.of_stimuli(side.rows, fold.units) for side in fold.sides)
            found = train, test
            if len(self.folds) == 1:
                self._kept[0] = found
        return found

    def _fitted(self, result: LayerScores, made: Predictions, halves: tuple[Features, Features], means: FloatArray, fold: Fold) -> None:
        result.alphas.append(_spread(made.alphas, fold.units, fold.total))
        result.at_edge.append(_spread(made.at_edge.astype(np.float64), fold.units, fold.total))
        for side, predicted, truth in zip(fold.sides, (made.train, made.test), halves, strict=True):
            if "eReg" in self.protocol.metrics:
                self._regression(result, side, fold, predicted, truth.values)
            if "eRSA" in self.protocol.metrics:
                rdms = [condensed(predicted[:, each], self.protocol.distance, offset=means[each]) for each in fold.columns]
                self._geometry(result.tallies["eRSA", side.name], side, np.stack(rdms))

    def _geometry(self, tally: Tally, side: Side, models: FloatArray) -> None:
        protocol, n = self.protocol, len(side.rows)
        scored = score_rdms(models, side.rdms, n=n, comparison=protocol.comparison)
        bound = side.bounds[:, int(protocol.bound == "upper")]
        null = permuted_rdms(models, side.rdms, side.orders, comparison=protocol.comparison) if len(side.orders) else None
        draws = drawn_rdms(models, side.rdms, side.weights, comparison=protocol.comparison) if len(side.weights) else None
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
            errors = scored.errors(columns[units_near(values[place], protocol.aggregator)])
            weights[columns, place] = unit_weights(values[place], protocol.aggregator, errors)
        n = len(side.rows)
        scores = np.array([aggregate(each, protocol.aggregator) for each in values])
        draws = null = None
        if len(side.weights):
            draws = replicate_scores(scored, side.weights, protocol.scorer, fold.columns, protocol.aggregator)
        if len(side.orders):
            null = permuted_scores(scored, scores, weights, side.orders, fold.columns, protocol.aggregator)
        ceiling, normalised = self._ceilings(values, scores, side, fold)
        tally.add(
            side.rows, scores, scored.contributions(weights) / np.sqrt(n * (n - 1)), ceiling=ceiling,
            bounds=np.nan, normalised=normalised, null=null, draws=draws,
        )  # fmt: skip
        found = result.units.setdefault(side.name, np.zeros(fold.total))
        found += _spread(scored.values, fold.units, fold.total) / len(self.folds)

    def _ceilings(self, values: list[FloatArray], scores: FloatArray, side: Side, fold: Fold) -> tuple[FloatArray, FloatArray]:
        """Of each group the ceiling on the scale of the score, and the score over it."""
        protocol = self.protocol
        if side.unit_ceilings is None:
            return np.full(len(values), np.nan), np.full(len(values), np.nan)
        known = [side.unit_ceilings[each] for each in fold.columns]
        variance = protocol.scorer in VARIANCE_SCORERS
        top = np.array([aggregate(_finite(each**2 if variance else each), protocol.aggregator) for each in known])
        if protocol.normalised == "regions":
            return top, normalise(scores, np.sqrt(top) if variance else top, protocol.normaliser, scorer=protocol.scorer)
        shares = [
            normalise(each, ceiling, protocol.normaliser, scorer=protocol.scorer) for each, ceiling in zip(values, known, strict=True)
        ]
        return top, np.array([aggregate(_finite(each), protocol.aggregator) for each in shares])


def _finite(values: FloatArray) -> FloatArray:
    return values[np.isfinite(values)]


def _spread(values: FloatArray, units: IntArray, count: int) -> FloatArray:
    result = np.full(count, np.nan)
    result[units] = values
    return result
