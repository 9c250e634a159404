"""What was represented: one row a stimulus, one column a feature."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from isomorph.arrays import FloatArray, as_floats, positions, unique_ids
from isomorph.errors import ShapeError
from isomorph.features._grouping import Grouping


@dataclass(frozen=True, eq=False)
class Features:
    """A matrix whose rows are named stimuli.

    Attributes:
        values: `[stimulus, feature]`, float32 or float64; may be memory-mapped.
        ids: The stimulus of each row; unique.
        layer: Where in the subject the features were read, if anywhere.
        subject: Who represented the stimuli: a model's name, a person, a brain.
        provenance: Plain data that says how the values came to be (fingerprints, versions).
        feature_names: What each column is called, where columns have names (the queries of `relative`); else empty.

    Raises:
        ShapeError: `values` has not two axes, or as many rows as `ids`; or `feature_names` are not one a column.
        IdError: An id stands twice.
    """

    values: FloatArray
    ids: tuple[str, ...]
    layer: str = ""
    subject: str = ""
    provenance: Mapping[str, Any] = field(default_factory=dict)
    feature_names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        values = as_floats(self.values, name="features", ndim=2)
        ids = unique_ids(self.ids, name="features")
        if len(values) != len(ids):
            raise ShapeError(f"features have {len(values)} rows but {len(ids)} stimulus ids.")
        if self.feature_names and len(self.feature_names) != values.shape[1]:
            raise ShapeError(f"features have {values.shape[1]} columns but {len(self.feature_names)} names of features.")
        object.__setattr__(self, "values", values)
        object.__setattr__(self, "ids", ids)

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def width(self) -> int:
        """How many features each stimulus has."""
        return int(self.values.shape[1])

    def take(self, ids: Sequence[str]) -> Features:
        """The rows of `ids`, in that order."""
        rows = positions(self.ids, ids, name=repr(self.subject or self.layer or "features"))
        return Features(self.values[rows], tuple(ids), self.layer, self.subject, self.provenance, self.feature_names)

    def grouped(self, groups: Mapping[str, str] | None) -> Features:
        """The mean row of each group, as of the captions of one picture; groups become the ids, in the order of their first rows.

        Sums are float64. Groups may have different sizes: each counts once, whatever its size; `provenance["grouped"]` has the numbers.

        Args:
            groups: Of each id its group, for example `Stimuli.groups`; may name more ids than there are here.

        Raises:
            InputError: There are no groups.
            IdError: A row belongs to no group.

        Example:
            >>> import numpy as np
            >>> captions = Features(np.array([[1.0, 0.0], [3.0, 2.0], [5.0, 5.0]]), ("dog#1", "dog#2", "cat#1"))
            >>> pictures = captions.grouped({"dog#1": "dog", "dog#2": "dog", "cat#1": "cat"})
            >>> pictures.ids, pictures.values.tolist()
            (('dog', 'cat'), [[2.0, 1.0], [5.0, 5.0]])
        """
        grouping = Grouping.of(self.ids, groups)
        provenance = {**self.provenance, "grouped": grouping.summary()}
        return Features(grouping.mean(self.values), grouping.names, self.layer, self.subject, provenance, self.feature_names)
