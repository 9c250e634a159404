"""Ridge regression from several feature spaces at once, each unit with a weight of its own for every space."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

import numpy as np
import numpy.typing as npt

from isomorph.arrays import FloatArray
from isomorph.encoding._fitted_banded import FittedBanded, named_space
from isomorph.encoding._paired import Paired, Source, check_width
from isomorph.encoding._penalty_search import PenaltySearch, Select
from isomorph.encoding._responses import Responses
from isomorph.encoding._spectrum import Spectrum
from isomorph.encoding._units import standardised_units
from isomorph.errors import InputError
from isomorph.features import Features
from isomorph.geometry import Gram

Spaces: TypeAlias = Mapping[str, Features | Gram | npt.ArrayLike]


@dataclass(frozen=True, kw_only=True)
class BandedRidge:
    r"""Ridge regression with another penalty for each of several feature spaces (motion energy and a network's layer, say).

    $$\min_{b, \beta} \Big\lVert y - b - \sum_s Z_s \beta_s \Big\rVert^2 + \alpha \sum_s \lVert \beta_s \rVert^2 / \gamma_s,
    \qquad \gamma_s \ge 0,\ \textstyle\sum_s \gamma_s = 1$$

    which is ridge regression on the Gram matrix \(\sum_s \gamma_s Z_s Z_s^\top\). Each unit has the weights \(\gamma\) and the penalty
    \(\alpha\) with the best score among those tried: equal weights, each space alone, and random draws from Dirichlet distributions. The
    score is that of `Ridge`; leaving one stimulus out is exact and costs one eigendecomposition a draw, for all units and penalties.

    Attributes:
        alphas: The penalties to choose from.
        draws: How many random weights are tried.
        concentrations: Of the Dirichlet distributions, in turns: 1 is uniform over all weights; less, and some are near 0.
        select: As in `Ridge`.
        screen: As in `Ridge`.
        folds: As in `Ridge`.
        seed: Of the draws and the folds. None: folds in the order of the stimuli, draws as with 0.
        standardise: Divide each feature by its standard deviation (ddof 0) over the training stimuli.
        width: Multiply each space by one number that makes the trace of its Gram matrix n · `width`, so that weights mean the same for
            all of them however many features they have. Needs `standardise=False`. None: leave them.

    Raises:
        InputError: An option is out of range.

    References:
        Nunez-Elizalde, Huth and Gallant, 2019, <https://doi.org/10.1016/j.neuroimage.2019.04.012>. Dupré la Tour, Eickenberg,
        Nunez-Elizalde and Gallant, 2022, <https://doi.org/10.1016/j.neuroimage.2022.119728>.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> spaces = {"energy": rng.normal(size=(80, 30)), "layer": rng.normal(size=(80, 100))}
        >>> brain = np.hstack([spaces["energy"][:, :2], spaces["layer"][:, :2]])
        >>> fitted = BandedRidge(draws=10).fit({name: each[:60] for name, each in spaces.items()}, brain[:60])
        >>> fitted
        FittedBanded(60 stimuli, 2 spaces: 'energy', 'layer'; 4 units, loo-pearson)
        >>> fitted.shares({name: each[60:] for name, each in spaces.items()}, brain[60:]).shape
        (2, 4)
    """

    method: ClassVar[str] = "banded-ridge"

    alphas: tuple[float, ...] = (1e-1, 1e0, 1e1, 1e2, 1e3, 1e4, 1e5)
    draws: int = 100
    concentrations: tuple[float, ...] = (0.1, 1.0)
    select: Select = "loo-pearson"
    screen: int | None = 2
    folds: int = 5
    seed: int | None = 0
    standardise: bool = True
    width: float | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "alphas", self._search.alphas)
        check_width("BandedRidge", self.width, standardise=self.standardise)
        if self.draws < 0:
            raise InputError(f"BandedRidge.draws must be 0 or more; got {self.draws}.")
        if not self.concentrations or not all(0 < each < np.inf for each in self.concentrations):
            raise InputError(f"BandedRidge.concentrations must be one or more numbers above 0; got {self.concentrations!r}.")

    def fit(self, x: Spaces, y: Features | npt.ArrayLike) -> FittedBanded:
        """Fit the map from feature spaces `x` (each `[stimulus, feature]`, or a `Gram` as in `Ridge.fit`) to responses `y`.

        Raises:
            InputError: `x` is no mapping from names to spaces, or a `Gram` was to be standardised.
            IdError: A space lacks a stimulus of `y`.
            ShapeError: Rows are not the same stimuli, there are too few, a unit is constant, or no feature of a space varies.
            NonFiniteError: A value is NaN or infinite.
        """
        if not isinstance(x, Mapping) or not x:
            raise InputError("feature spaces come with names: BandedRidge().fit({'energy': energy, 'layer': layer}, y).")
        features, responses = self._features(x, y)
        units, mean, scale = standardised_units(responses.values, np.result_type(*(each.dtype for each in features.values())))
        grams = np.stack([each.gram() for each in features.values()])
        weights = self.weights(len(grams))
        best = np.full(len(units), -np.inf)
        draw, penalty, dual = np.zeros(len(units), int), np.zeros(len(units)), np.empty_like(units)
        for at, each in enumerate(weights):
            spectrum = Spectrum.of(np.tensordot(each, grams, 1))
            loads = spectrum.loads(units)
            scores = self._search.scores(spectrum, units, loads, scale)
            better = np.flatnonzero(scores.max(axis=0) > best)
            best[better], draw[better] = scores[:, better].max(axis=0), at
            penalty[better] = np.asarray(self.alphas)[scores[:, better].argmax(axis=0)]
            damped = loads[better] / (spectrum.values + penalty[better, None]).astype(units.dtype)
            dual[better] = damped @ spectrum.vectors.T.astype(units.dtype)  # few are ever better: cheaper than a second decomposition
        return FittedBanded(
            options=self,
            spaces=tuple(features),
            alphas=penalty,
            weights=weights[draw].T,
            scores=best if self._search.correlates else -best,
            mean=mean,
            ids=responses.ids,
            subject=responses.subject,
            features=features,
            dual=dual.T * scale.astype(units.dtype),
        )

    def weights(self, spaces: int) -> FloatArray:
        """The weights that are tried `[draw, space]`: equal ones, each space alone, and random draws; each sums to 1."""
        if spaces == 1:
            return np.ones((1, 1))
        rng = np.random.default_rng(self.seed or 0)
        turns = [self.concentrations[at % len(self.concentrations)] for at in range(self.draws)]
        drawn = [rng.dirichlet(np.full(spaces, each)) for each in turns]
        return np.vstack([np.full((1, spaces), 1 / spaces), np.eye(spaces), *drawn])

    def _features(self, x: Spaces, y: Features | npt.ArrayLike) -> tuple[dict[str, Source], Responses]:
        """What gives inner products in each space, and the responses."""
        features = {}
        for name, each in x.items():
            with named_space(name):
                paired = Paired.of(each, y)
                features[name] = paired.source(standardise=self.standardise, width=self.width)
        return features, paired.responses

    @property
    def _search(self) -> PenaltySearch:
        names = ("alphas", "select", "screen", "folds", "seed")
        return PenaltySearch(owner="BandedRidge", per_unit=True, **{name: getattr(self, name) for name in names})
