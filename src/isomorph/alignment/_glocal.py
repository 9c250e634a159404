"""gLocal: people's global similarities, the model's local neighbourhoods."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from isomorph.alignment._naive import PUBLISHED_TRAINING
from isomorph.alignment._triplet_map import TripletMap
from isomorph.errors import InputError


@dataclass(frozen=True, kw_only=True)
class GLocal(TripletMap):
    r"""The affine map that explains people's odd-one-out choices and keeps the model's neighbourhoods.

    $$\min_{W, b} \; (1 - \alpha) L_\text{odd-one-out}(\tilde X W + b) + \alpha L_\text{neighbourhood}(\tilde F W + b)
    + \lambda \sum_{ij} (W - cI)_{ij}^2$$

    F are features of many other pictures (`fit(preserve=…)`). α → 1 leaves the model as it is, α → 0 is `Global`.

    The defaults differ from both published sets in what is a plain improvement: F is standardised just as X is (the published code leaves
    it raw, so that the bias means something else in the two terms); early stopping watches the objective with its α, and the
    neighbourhood term as its excess over the floor; the learning rate falls; the map begins at the multiple of the identity that explains
    the choices best; batches are large. `GLocal.published` undoes all of that. Supervised ImageNet networks lose accuracy on downstream
    tasks under gLocal, its authors report; self-supervised and image-text models gain.

    Attributes:
        alpha: α.
        tau: The temperature of neighbourhoods, from 0.003: small values look at the nearest few only.
        images_a_batch: How many rows of F meet each other, at most; neighbourhoods are those among them.
        images_a_step: How many rows of F one step takes in, in groups of `images_a_batch`. None: one group. With a quarter of all
            trials a step (the default), a quarter of F shows every image once an epoch.
        standardise_preserved: Whether F is standardised, with the mean and deviation of X.
        monitor: What early stopping watches on what was held out: `"objective"`, (1 - α) odd-one-out + α (neighbourhood - floor); or
            `"sum"`, odd-one-out + neighbourhood, as published.

    References:
        Muttenthaler et al., 2023, <https://arxiv.org/abs/2306.04507>.

    Example:
        >>> import numpy as np
        >>> from isomorph.features import Features
        >>> rng = np.random.default_rng(0)
        >>> x = Features(rng.normal(size=(30, 4)), tuple(map(str, range(30))))
        >>> trials = np.array([rng.permutation(30)[:3] for _ in range(300)])
        >>> fitted = GLocal(epochs=2).fit(x, trials, preserve=x)
        >>> fitted.transform(x).values.shape, len(fitted.seen)
        ((30, 4), 30)
    """

    method: ClassVar[str] = "gLocal"

    alpha: float = 0.1
    tau: float = 0.1
    images_a_batch: int = 1024
    images_a_step: int | None = None
    standardise_preserved: bool = True
    monitor: Literal["objective", "sum"] = "objective"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.alpha <= 1:
            raise InputError(f"alpha lies between 0 (people's choices alone) and 1 (neighbourhoods alone); got {self.alpha!r}.")
        if self.tau < 0.003:
            raise InputError(f"tau must be at least 0.003, below which exp(-2 / tau) is 0 in double precision; got {self.tau!r}.")

    @classmethod
    def published(cls, defaults: Literal["final", "shipped"] = "final", **changes: Any) -> GLocal:
        """The recipes of the published code, with all that it does differently.

        Args:
            defaults: `"final"`: those of the script for the final transforms (Adam, λ 0.1, α 0.1, τ 1); `"shipped"`: those of the class
                that the package ships (SGD, λ 1, α 0.25, τ 0.1).
            **changes: Options that should differ.

        Example:
            >>> GLocal.published("shipped").optimiser, GLocal.published("final", alpha=0.5).alpha
            ('sgd', 0.5)
        """
        sets: dict[str, dict[str, Any]] = {
            "final": {"optimiser": "adam", "strength": 0.1, "alpha": 0.1, "tau": 1.0},
            "shipped": {"optimiser": "sgd", "strength": 1.0, "alpha": 0.25, "tau": 0.1},
        }
        if defaults not in sets:
            raise InputError(f"the published sets of defaults are 'final' and 'shipped'; got {defaults!r}.")
        recipe = {"initial_scale": 1e-3, "standardise_preserved": False, "monitor": "sum", **PUBLISHED_TRAINING}
        return cls(**(recipe | sets[defaults] | changes))
