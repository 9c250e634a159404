"""What one feature space explains that the others do not."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from isomorph.arrays import FloatArray
from isomorph.encoding._banded_ridge import BandedRidge, Spaces
from isomorph.encoding._fitted_banded import New
from isomorph.errors import InputError
from isomorph.features import Features


def unique_variance(
    regression: BandedRidge, x: Spaces, y: Features | npt.ArrayLike, new: New, new_y: Features | npt.ArrayLike
) -> FloatArray:
    """What R² of new responses each space adds to all others `[space, unit]`: that of all spaces less that of a fit without it.

    Unlike `FittedBanded.shares` these do not sum to the joint R²: what spaces share belongs to none of them.

    Args:
        regression: How all are fitted.
        x: The training features of two or more spaces, as for `BandedRidge.fit`.
        y: The training responses.
        new: New stimuli in every space, as for `FittedBanded.predict`.
        new_y: The responses to them.

    Raises:
        InputError: There are fewer than two spaces.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> spaces = {"energy": rng.normal(size=(80, 5)), "layer": rng.normal(size=(80, 5))}
        >>> train, test = ({name: each[rows] for name, each in spaces.items()} for rows in (slice(60), slice(60, 80)))
        >>> brain = spaces["energy"] + 0.5 * spaces["layer"]
        >>> unique_variance(BandedRidge(draws=10), train, brain[:60], test, brain[60:]).mean(axis=1).round(1).tolist()
        [0.7, 0.2]
    """
    if len(x) < 2:
        raise InputError(f"unique variance needs two spaces or more; got {len(x)}.")

    def explained(spaces: Spaces, there: New) -> FloatArray:
        return np.asarray(regression.fit(spaces, y).shares(there, new_y).sum(axis=0))

    def without(given: Spaces, name: str) -> Spaces:
        return {other: each for other, each in given.items() if other != name}

    joint = explained(x, new)
    return np.stack([joint - explained(without(x, name), without(new, name) if isinstance(new, Mapping) else new) for name in x])
