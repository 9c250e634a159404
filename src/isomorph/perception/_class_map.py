"""Label spaces that are coarser than others, as data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from isomorph.errors import FileError, InputError, UnknownNameError


def read_class_map(path: Path | str) -> dict[str, list[str | int]]:
    """A class map from a JSON file: category → its outcomes, by name or by column, such as ImageNet's 1,000 classes in 16 categories.

    Raises:
        FileError: It is no JSON object of lists of text or whole numbers.
    """
    from isomorph.data import read_json

    table = read_json(Path(path))
    if not isinstance(table, dict) or not table:
        raise FileError(f"{path} holds no class map; that is one JSON object, category → a list of outcomes.")
    for name, members in table.items():
        if not isinstance(members, list) or any(isinstance(each, bool) or not isinstance(each, str | int) for each in members):
            raise FileError(f"{path}: the category {name!r} has {members!r:.60}; a list of names or of whole numbers is wanted.")
    return dict(table)


def membership(
    outcomes: Sequence[str], members: Mapping[str, Sequence[str | int]], *, keep: str | None = None
) -> tuple[npt.NDArray[np.float64], tuple[str, ...]]:
    """A class map as a matrix `[outcome, category]` of zeros and ones, and the names of its columns.

    Args:
        outcomes: The fine label space.
        members: The categories, each with outcomes by name or by column.
        keep: An outcome that stays a category of its own where no category has it.

    Raises:
        InputError: A category is empty, or a member unknown or in two categories.
    """
    place = {each: at for at, each in enumerate(outcomes)}
    owner: dict[int, str] = {}
    for category, names in members.items():
        if not names:
            raise InputError(f"the category {category!r} has no members.")
        for name in names:
            if isinstance(name, str) and name not in place:
                raise UnknownNameError("outcome", name, outcomes)
            at = place[name] if isinstance(name, str) else int(name)
            if not 0 <= at < len(outcomes):
                raise InputError(f"the category {category!r} names outcome {at}, but there are {len(outcomes)}, 0 to {len(outcomes) - 1}.")
            if at in owner:
                raise InputError(f"the outcome {outcomes[at]!r} belongs to two categories: {owner[at]!r} and {category!r}.")
            owner[at] = category
    if keep is not None and place[keep] not in owner:
        owner[place[keep]] = keep
    columns = tuple(dict.fromkeys([*members, *owner.values()]))
    matrix = np.zeros((len(outcomes), len(columns)))
    for at, category in owner.items():
        matrix[at, columns.index(category)] = 1
    return matrix, columns
