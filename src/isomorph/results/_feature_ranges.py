"""The first stage of a study whose models see many stimuli: each pass over them, shared out in ranges."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

from isomorph.engine import LazyUnit, Part

if TYPE_CHECKING:
    from isomorph.models import ExtractionRange
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
    from isomorph.models import load_model, model_card
    from isomorph.models._model_needs import ModelNeeds
    from isomorph.models._named_model import named_models

    load = lru_cache(maxsize=1)(partial(load_model, device=device))  # the next unit is often of the same model
    cards = {name: model_card(name) for name in models}

    named = {each.asked: each for each in named_models(models, device=device, store=store)}

    def asks(name: str, stimuli: Stimuli) -> ModelNeeds:
        from isomorph.results._fragment import default_pool

        how = dict(options) | {"pool": options["pool"] or default_pool(named[name]), "reduce": "gram"}
        return ModelNeeds(model=named[name], stimuli=stimuli, options=how)

    def make(name: str, stimuli: Stimuli, part: Part) -> ExtractionRange:
        from isomorph.models import extraction_ranges
        from isomorph.results._fragment import default_pool

        model = load(name)
        how: dict[str, Any] = dict(options) | {"pool": options["pool"] or default_pool(model), "reduce": "gram"}
        return extraction_ranges(model, stimuli, ranges=part.total, **how)[part.number - 1]

    return [
        LazyUnit(label=f"rows {part} of {card.name} on {asked}", make=partial(make, name, stimuli, part), asks=asks(name, stimuli))
        for name, card in cards.items()
        for asked, stimuli in shown.items()
        if card.modality == stimuli.modality
        for part in (Part(number, ranges) for number in range(1, ranges + 1))
    ]
