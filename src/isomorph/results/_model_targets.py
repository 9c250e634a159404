"""Models as targets of one another, for stimuli that neither brains nor people have answered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from isomorph.benchmarks import GeometryMatch, Target

if TYPE_CHECKING:
    from isomorph.engine import Progress
    from isomorph.models import Model
    from isomorph.stimuli import Stimuli
    from isomorph.store import Store


def models_on(
    stimuli: Stimuli,
    models: Sequence[Model | str],
    *,
    name: str,
    store: Store,
    distance: str = "correlation",
    summary: str = "",
    progress: Progress | None = None,
) -> GeometryMatch:
    """A benchmark whose targets are the geometries of the models' own last layers.

    Every layer is extracted and kept in `store`, so that a following `evaluate` with the same store does not run the models again.
    `evaluate` does not score a model against itself.

    Args:
        stimuli: What to show.
        models: At least two; a model whose last layer has no RDM of this distance is an error.
        name: The benchmark's name.
        store: Where the extractions are kept.
        distance: How features become an RDM.
        summary: One line.
        progress: Where progress is shown.
    """
    from isomorph.models import extract, load_model

    targets = []
    for each in models:
        model = load_model(each) if isinstance(each, str) else each
        pool = "flatten" if model.modality == "image" else "mean"
        extraction = extract(model, stimuli, layers="all", pool=pool, reduce="gram", store=store, progress=progress)
        layer, gram = list(extraction.items())[-1]
        rdm = gram.rdm(distance).take(stimuli.ids)
        targets.append(
            Target(
                name=model.card.name,
                kind="model",
                rdms=np.asarray(rdm.values, dtype=np.float64)[None, None],
                subjects=(model.card.name,),
                citation=model.card.citation,
                note=f"it is the last layer ({layer}) of one model.",
            )
        )
    return GeometryMatch(
        name=name,
        summary=summary or f"{len(stimuli)} stimuli that only models have answered: each is compared with the others' last layers",
        stimuli=stimuli,
        targets=tuple(targets),
        distance=distance,
    )
