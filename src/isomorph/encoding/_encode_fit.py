"""One fold's map from a layer to all units, and what it predicts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from isomorph.arrays import FloatArray
from isomorph.encoding._encode_layers import LayerRelations
from isomorph.encoding._johnson_lindenstrauss import johnson_lindenstrauss
from isomorph.encoding._protocol import Protocol
from isomorph.encoding._ridge import Ridge
from isomorph.features import Features
from isomorph.geometry import Gram


@dataclass(frozen=True, eq=False)
class Predictions:
    """Predicted responses of units, and the penalties they took.

    Attributes:
        train: `[training stimulus, unit]`: of a ridge with the stimulus left out; of other maps as fitted.
        test: `[test stimulus, unit]`.
        alphas: `[unit]`; NaN of maps without.
        at_edge: `[unit]`: whether the penalty is the smallest or largest of the grid.
    """

    train: FloatArray
    test: FloatArray
    alphas: FloatArray
    at_edge: npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Mapper:
    """A protocol's regression, made ready for a recording of so many stimuli."""

    protocol: Protocol
    count: int

    def source(self, layer: LayerRelations) -> Features | Gram:
        """What the regression takes of a layer; made once for all folds.

        Raises:
            InputError: It needs features, and there is but a Gram matrix.
        """
        regression, projection = self.protocol.regression, self.protocol.projection
        if projection is not None:
            return projection.apply(layer.features("a random projection"))
        if not isinstance(regression, Ridge):
            return layer.coordinates()
        return layer.features("a ridge of standardised features") if regression.standardise else layer.gram

    def fit(self, source: Features | Gram, y: Features, test: Sequence[str]) -> Predictions:
        """Fit the responses `y` of the training stimuli, and predict those of the test stimuli."""
        x: Any = source if isinstance(source, Gram) else source.take(y.ids)
        fitted: Any = self._regression().fit(x, y)
        new: Any = test if isinstance(source, Gram) else source.take(test).values
        tested = _values(fitted.predict(new))
        if isinstance(self.protocol.regression, Ridge):
            grid = self.protocol.regression.alphas
            edge = np.isin(fitted.alphas, (grid[0], grid[-1])) & (len(grid) > 1)
            return Predictions(fitted.loo_predictions(), tested, fitted.alphas, np.asarray(edge))
        width = y.values.shape[1]
        return Predictions(_values(fitted.predict(x)), tested, np.full(width, np.nan), np.zeros(width, dtype=bool))

    def _regression(self) -> Any:
        regression = self.protocol.regression
        if not isinstance(regression, Ridge) or self.protocol.penalties == "raw" or regression.width is not None:
            return regression
        if self.protocol.projection is not None:
            return replace(regression, standardise=True)
        if regression.standardise:
            return regression
        return replace(regression, width=float(johnson_lindenstrauss(self.count)))


def _values(made: Any) -> FloatArray:
    return np.asarray(made.values if isinstance(made, Features) else made)
