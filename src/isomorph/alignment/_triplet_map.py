"""What every affine map from people's choices has in common: its options, and `fit`."""

from __future__ import annotations

import math
from abc import ABC
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from isomorph import spec
from isomorph.alignment._penalty import Regulariser
from isomorph.errors import InputError

if TYPE_CHECKING:
    from isomorph.alignment._examples import Choices
    from isomorph.alignment._fitted_transform import FittedTransform
    from isomorph.engine import Progress
    from isomorph.features import Features

_CHOICES = {
    "regulariser": ("scaled_identity_sum", "frobenius_sq", "frobenius", "none"),
    "initial": ("identity", "random"),
    "standardise": ("scalar", "column", "none"),
    "optimiser": ("adam", "sgd"),
    "schedule": ("cosine", "constant", "rising"),
    "precision": ("float32", "float64"),
    "monitor": ("objective", "sum"),
}
_ABOVE_ZERO = (
    "temperature",
    "learning_rate",
    "initial_scale",
    "clip",
    "epochs",
    "min_epochs",
    "patience",
    "batch_size",
    "tau",
    "images_a_batch",
    "images_a_step",
)


@dataclass(frozen=True, kw_only=True)
class TripletMap(ABC):
    """Options that `Naive`, `Global` and `GLocal` share; each explains those where it differs.

    Attributes:
        strength: λ, what the regulariser is multiplied with.
        regulariser: `"scaled_identity_sum"`, `"frobenius_sq"`, `"frobenius"` or `"none"`; see `isomorph.alignment.penalty`.
        temperature: What the dot products are divided by before the softmax over pairs.
        bias: Fit a bias too. It is not regularised.
        standardise: `"scalar"`: subtract one mean and divide by one standard deviation of the whole matrix; `"column"`: those of each
            feature; `"none"`.
        initial: Begin at a multiple of the identity, or at normal random weights.
        initial_scale: That multiple, or the random weights' standard deviation; the bias begins there too. None: the multiple of the
            identity that explains the choices best, with bias 0 (random weights: 1e-3).
        optimiser: `"adam"`, or `"sgd"` with momentum 0.9.
        learning_rate: Its step. None: with Adam a thirtieth of the multiple of the identity that explains the choices best, so that
            features in other units take as many steps; with SGD 1e-3.
        schedule: `"cosine"` falls to 0 with the last epoch; `"rising"` climbs from a third to the whole, as the published code has it.
        clip: The most that the gradient's norm may be; None: anything.
        epochs: The most passes over the trials.
        min_epochs: Early stopping waits for so many.
        patience: Early stopping waits for so many epochs without improvement.
        min_delta: What counts as improvement of the monitored loss.
        batch_size: Trials a step. None: a quarter of all, between 256 and 262,144: with similarities from one Gram matrix a large batch
            costs little more than a small one.
        hold_out: The share of objects to hold out of training for early stopping. Trials that mix them with others are dropped, and
            counted in the notes. 0: train to the last epoch, unless `fit` is given validation trials.
        precision: Of the products. Weights and sums over trials are float64 always.
        seed: Of the order of trials and images, of held-out objects and of random weights.
    """

    method: ClassVar[str]

    strength: float = 0.1
    regulariser: Regulariser = "scaled_identity_sum"
    temperature: float = 1.0
    bias: bool = True
    standardise: Literal["scalar", "column", "none"] = "scalar"
    initial: Literal["identity", "random"] = "identity"
    initial_scale: float | None = None
    optimiser: Literal["adam", "sgd"] = "adam"
    learning_rate: float | None = None
    schedule: Literal["cosine", "constant", "rising"] = "cosine"
    clip: float | None = 1.0
    epochs: int = 100
    min_epochs: int = 20
    patience: int = 15
    min_delta: float = 1e-4
    batch_size: int | None = None
    hold_out: float = 0.0
    precision: Literal["float32", "float64"] = "float32"
    seed: int = 0

    def __post_init__(self) -> None:
        for name, known in _CHOICES.items():
            if (value := getattr(self, name, known[0])) not in known:
                raise InputError(f"{name} must be {' or '.join(map(repr, known))}; got {value!r}.")
        for name in _ABOVE_ZERO:
            value = getattr(self, name, None)
            if value is not None and not (math.isfinite(value) and value > 0):
                raise InputError(f"{name} must be above 0; got {value!r}.")
        for name in ("strength", "min_delta"):
            if not (math.isfinite(getattr(self, name)) and getattr(self, name) >= 0):
                raise InputError(f"{name} must be 0 or more; got {getattr(self, name)!r}.")
        if not 0 <= self.hold_out < 1:
            raise InputError(f"hold_out is a share of the objects, from 0 to below 1; got {self.hold_out!r}.")

    def fit(
        self,
        x: Features,
        triplets: Choices,
        *,
        preserve: Features | None = None,
        validation: Choices | None = None,
        progress: Progress | None = None,
    ) -> FittedTransform:
        """Fit the map to people's choices.

        Args:
            x: Features of the objects; they and the trials meet by stimulus id.
            triplets: `Triplets`, or an array `[trial, 3]` of rows of `x`, the odd one last.
            preserve: Features of things whose neighbourhoods should stay, read at the same layer; `GLocal` needs them. May
                be memory-mapped.
            validation: Trials for early stopping, instead of `hold_out`.
            progress: Where to show it.

        Returns:
            FittedTransform: The map, and what it has seen.

        Raises:
            InputError: `GLocal` without `preserve`, or another kind with it; a trial shows an object twice; too few trials are held out.
            IdError: The trials show an object that the features lack.
            ShapeError: `preserve` has another width than `x`.
            NonFiniteError: The features hold NaN or infinity, or training diverged.
        """
        from isomorph.alignment._fit import fit_all

        return fit_all([self], x, triplets, preserve=preserve, validation=validation, progress=progress)[0]

    @property
    def options(self) -> dict[str, object]:
        """The options as plain data."""
        plain: dict[str, object] = spec.to_plain(self)
        return plain
