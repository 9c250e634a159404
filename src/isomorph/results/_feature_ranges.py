"""The first stage of a study whose models see many stimuli: each pass over them, shared out in ranges."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from isomorph.engine import LazyUnit, Part

if TYPE_CHECKING:
    from isomorph.models import ExtractionRange
    from isomorph.models._named_model import NamedModel
    from isomorph.stimuli import Stimuli
    from isomorph.store import Store


def feature_ranges(
    models: Sequence[str], shown: Mapping[str, Stimuli], *, ranges: int, options: Mapping[str, Any], store: Store, device: str = "cpu"
) -> list[LazyUnit]:
    """Of each model and each set of stimuli that it reads `ranges` units; the evaluation finds the rows that they leave.

    Args:
        models: Names.
        shown: The stimuli, by the name of what asks for them.
        ranges: Units of one model on one set.
        store: What remembers dry runs.
        options: `layers`, `pool`, `memory_limit` and `progress` of the evaluation.
        device: Where the models run.
    """
    from isomorph.models._model_needs import ModelNeeds
    from isomorph.models._named_model import named_models
    from isomorph.results._fragment import default_pool

    def how(model: NamedModel) -> dict[str, Any]:
        return dict(options) | {"pool": options["pool"] or default_pool(model), "reduce": "gram"}

    def make(model: NamedModel, stimuli: Stimuli, part: Part) -> ExtractionRange:
        from isomorph.models import extraction_ranges

        return extraction_ranges(model, stimuli, ranges=part.total, **how(model))[part.number - 1]

    return [
        LazyUnit(
            label=f"rows {part} of {model.name} on {asked}",
            make=partial(make, model, stimuli, part),
            asks=ModelNeeds(model=model, stimuli=stimuli, options=how(model)),
        )
        for model in named_models(models, device=device, store=store)
        for asked, stimuli in shown.items()
        if model.modality == stimuli.modality
        for part in (Part(number, ranges) for number in range(1, ranges + 1))
    ]
