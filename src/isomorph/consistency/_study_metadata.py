"""What a study knows of its models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from isomorph.errors import IdError

if TYPE_CHECKING:
    import pandas

    from isomorph.consistency._study import Study
    from isomorph.models import ModelCard

_SIZES = ((100e6, "small"), (300e6, "medium"), (400e6, "large"), (float("inf"), "xlarge"))


def study_metadata(study: Study, cards: Mapping[str, ModelCard]) -> pandas.DataFrame:
    """What the cards say, corrected by the study's own table; one row a model.

    Raises:
        IdError: The study's table names none of the models.
    """
    import pandas

    from isomorph.consistency import load_metadata

    rows = {
        name: {
            "source": card.source,
            "objective": card.objective or "unknown",
            "architecture": card.architecture or "unknown",
            "training_data": card.training_data or "unknown",
            "training": "untrained" if card.training_data == "none" else "trained",
            "parameters": card.parameters,
            "size_class": next(word for limit, word in _SIZES if card.parameters < limit) if card.parameters else "unknown",
        }
        for name, card in cards.items()
    }
    table = pandas.DataFrame.from_dict(rows, orient="index")
    if study.metadata is None:
        return table
    own = load_metadata(study.metadata)
    if len(table) and not own.index.isin(table.index).any():
        raise IdError(
            f"{study.metadata} has no row for any of the {len(table)} models; it begins with {str(own.index[0])!r}, the models with "
            f"{table.index[0]!r}. Names must be equal on both sides."
            if len(own)
            else f"{study.metadata} has no rows."
        )
    corrected: pandas.DataFrame = own.reindex(table.index).combine_first(table)
    return corrected[[*table.columns, *(each for each in own.columns if each not in table.columns)]]
