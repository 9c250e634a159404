"""Which layer feeds the classifier."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from isomorph.models._extract import extract

if TYPE_CHECKING:
    from isomorph.models._model import Model
    from isomorph.stimuli import Stimuli


def penultimate(model: Model, stimuli: Stimuli, pool: Any = "flatten") -> str:
    """The last layer before the classifier: the last but one where the last is a linear map, else the last.

    Args:
        model: Whose layers.
        stimuli: It is shown one or two of them.
        pool: How layers become rows; one that cannot be pooled so does not count.
    """
    layers = extract(model, stimuli, pool=pool, dry_run=True).layers
    name: str = layers[-2 if layers[-1].kind == "Linear" and len(layers) > 1 else -1].name
    return name
