"""How well one system predicts another, linearly, for stimuli that the prediction was not fitted to."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from isomorph.arrays import FloatArray
from isomorph.errors import InputError, ShapeError
from isomorph.features import Features
from isomorph.measures._coordinates import Coordinates
from isomorph.measures._held_out import fold_of, pearson_columns, pls_predictions, r2_columns, ridge_predictions
from isomorph.measures._linear_regression import SIMILARITY, check_target
from isomorph.measures._measure import Change, Measure, Traits

_PER_UNIT: frozenset[Change] = frozenset({"shift", "scale", "permutation"})
_CHOICES = {"method": ("ridge", "pls"), "score": ("pearson", "r2"), "average": ("mean", "median"), "pool": ("folds", "all"),
            "penalty_unit": ("relative", "absolute")}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class LinearPredictivity(Measure):
    r"""Cross-validated linear prediction of every feature of `x` from the features of `y`.

    The stimuli are dealt into folds by a seeded shuffle of their places. Each fold is predicted by a linear map fitted to the others;
    every feature gets a score, and the value is their mean or median. Asymmetric. The folds go by the order of the stimuli, so that
    another order gives a slightly different value; the bootstrap draws stimuli before they are dealt, and never puts copies of one
    stimulus in two folds.

    Attributes:
        target: Which of the two is predicted: `"x"`, from `y`; or `"y"`, from `x`.
        method: `"ridge"`, with the penalty chosen for each feature by leaving out one training stimulus at a time (closed form);
            or `"pls"`, partial least squares with `components`.
        score: `"pearson"`: correlation of prediction and truth; `"r2"`: 1 − squared error over variance.
        average: `"mean"` or `"median"` over features.
        folds: How many.
        seed: Of the deal.
        pool: `"folds"`: a score in each fold, then their mean; features that are constant in a fold are left out there. `"all"`: one score
            over the predictions of all folds together, which is below 0 for unrelated features, since what is held out pulls the mean
            of the rest the other way.
        penalties: The candidates of ridge.
        penalty_unit: `"relative"`: in units of the mean squared distance of a stimulus from the mean one; `"absolute"`: as scikit-learn.
        components: Of PLS; fewer where nothing is left to explain.

    Raises:
        ShapeError: A feature of the target is constant; the predictors don't vary.

    References:
        Schrimpf et al., 2020, <https://doi.org/10.1016/j.neuron.2020.07.040>. Wold et al., 2001, <https://doi.org/10.1016/S0169-7439(01)00155-1>.

    Example:
        >>> import numpy as np
        >>> rng = np.random.default_rng(0)
        >>> model = rng.normal(size=(200, 10))
        >>> brain = model[:, :3] @ rng.normal(size=(3, 5)) + rng.normal(size=(200, 5))
        >>> round(LinearPredictivity()(brain, model), 1), LinearPredictivity()(brain, rng.normal(size=(200, 10))) < 0.2
        (0.8, True)
    """

    draws: ClassVar[int] = 200

    target: Literal["x", "y"] = "x"
    method: Literal["ridge", "pls"] = "ridge"
    score: Literal["pearson", "r2"] = "pearson"
    average: Literal["mean", "median"] = "mean"
    folds: int = 5
    seed: int = 0
    pool: Literal["folds", "all"] = "folds"
    penalties: tuple[float, ...] = (1e-4, 1e-3, 1e-2, 1e-1, 1.0, 1e1, 1e2, 1e3, 1e4)
    penalty_unit: Literal["relative", "absolute"] = "relative"
    components: int = 25

    def __post_init__(self) -> None:
        check_target(self.target, "LinearPredictivity")
        for option, choices in _CHOICES.items():
            if getattr(self, option) not in choices:
                raise InputError(f"LinearPredictivity.{option} must be {' or '.join(map(repr, choices))}; got {getattr(self, option)!r}.")
        if self.folds < 2 or self.components < 1:
            raise InputError(
                f"LinearPredictivity needs at least 2 folds and 1 component; got folds={self.folds}, components={self.components}."
            )
        if not self.penalties or not all(0 < each < math.inf for each in self.penalties):
            raise InputError(f"LinearPredictivity needs one or more penalties, all above 0; got {self.penalties}.")

    @property
    def traits(self) -> Traits:
        """What it claims of itself."""
        predictor = SIMILARITY - {"scale"} if self.method == "ridge" and self.penalty_unit == "absolute" else SIMILARITY
        of_x, of_y = (_PER_UNIT, predictor) if self.target == "x" else (predictor, _PER_UNIT)
        return Traits(
            bounds=(-1.0 if self.score == "pearson" else -math.inf, 1.0),
            symmetric=False,
            invariant_to=of_x,
            invariant_to_y=of_y,
            ordered=True,
            minimum_stimuli=3 * self.folds,
            misleads="wide predictors reach nearly anything; says nothing of whether the predictors' other directions matter",
        )

    def relate(self, x: Any) -> Any:
        """The features, and (as predictors) their centred coordinates, no more of them than stimuli."""
        return _Side.of_features(x.values if isinstance(x, Features) else np.asarray(x))

    def _value(self, x: Any, y: Any) -> float:
        explained, by, letters = (x, y, "xy") if self.target == "x" else (y, x, "yx")
        truth, points = explained.features.astype(np.float64), by.reduced.points
        flat = np.flatnonzero(np.ptp(truth, axis=0) == 0)
        if len(flat):
            raise ShapeError(
                f"{len(flat)} of the {truth.shape[1]} features of {letters[0]} have the same value for every stimulus and can't be "
                f"predicted; the first is feature {flat[0]}. Leave them out: {letters[0]}[:, np.ptp({letters[0]}, axis=0) > 0]."
            )
        if not by.reduced.norm > 0:
            raise ShapeError(f"{letters[1]} does not vary over its stimuli and predicts nothing. Leave it out.")
        fold = fold_of(len(truth), self.folds, self.seed)
        predicted = np.empty_like(truth)
        for held_out in (fold == each for each in range(self.folds)):
            predicted[held_out] = self._predict(points[~held_out], truth[~held_out], points[held_out])
        score = pearson_columns if self.score == "pearson" else r2_columns
        parts = [fold == each for each in range(self.folds)] if self.pool == "folds" else [slice(None)]
        return self._average(np.stack([score(predicted[part], truth[part]) for part in parts]))

    def _predict(self, x: FloatArray, y: FloatArray, test: FloatArray) -> FloatArray:
        if self.method == "pls":
            return pls_predictions(x, y, test, self.components)
        return ridge_predictions(x, y, test, self.penalties, relative=self.penalty_unit == "relative")

    def _average(self, scores: FloatArray) -> float:
        """The mean or median over features of the mean over folds `[fold, feature]`."""
        known = np.isfinite(scores)
        means = np.where(known, scores, 0.0).sum(axis=0)[known.any(axis=0)] / known.sum(axis=0)[known.any(axis=0)]
        if not len(means):
            raise ShapeError("no feature varies within any fold. Use fewer folds, or more stimuli.")
        return float(np.mean(means) if self.average == "mean" else np.median(means))


@dataclass(frozen=True, eq=False)
class _Side:
    """Features, and their coordinates in as few directions as hold them."""

    features: FloatArray
    reduced: Coordinates

    @classmethod
    def of_features(cls, x: FloatArray) -> _Side:
        return cls(x, Coordinates.of(x))

    def __len__(self) -> int:
        return len(self.features)

    @property
    def ids(self) -> range:
        return self.reduced.ids

    def take(self, rows: Any) -> _Side:
        return _Side(self.features[np.asarray(rows, dtype=np.intp)], self.reduced.take(rows))
