"""The first work of a consistency study: what each model makes of each data set, in one unit or in ranges of stimuli."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from isomorph._version import __version__
from isomorph.engine import Part
from isomorph.errors import ShapeError
from isomorph.features import Features
from isomorph.spec import fingerprint, to_plain

if TYPE_CHECKING:
    from isomorph.engine import Progress
    from isomorph.models import Extraction, Model
    from isomorph.models._extract import RequestOptions
    from isomorph.models._named_model import NamedModel
    from isomorph.stimuli import Stimuli
    from isomorph.store import Store

PENULTIMATE = "penultimate"


@dataclass(frozen=True, kw_only=True, eq=False)
class FeatureUnit:
    """One layer of one model for one data set; it commits the name of the extraction, which holds the rows."""

    model: Model | NamedModel
    stimuli: Stimuli
    dataset: str
    layer: str = PENULTIMATE
    pool: str = "flatten"
    memory_limit: str | int = "2GB"
    progress: Progress | None = field(default=None, repr=False)

    @property
    def label(self) -> str:
        """What progress shows."""
        return f"{self.model.name} on {self.dataset}"

    @cached_property
    def spec(self) -> dict[str, Any]:
        """Everything the features depend on."""
        return {
            "kind": "layer",
            "isomorph": __version__,
            "model": self.model.fingerprint,
            "stimuli": self.stimuli.digest,
            "layer": self.layer,
            "pool": self.pool,
        }

    @cached_property
    def fingerprint(self) -> str:
        """The name of what it commits."""
        return fingerprint(self.spec)

    def run(self, store: Store) -> None:
        """Extract the layer into the store."""
        extraction = self.extraction(store)
        info = extraction.layers[0]
        rows = extraction[info.name]
        refuse_degenerate(rows, where=self.label)
        with store.begin(self.fingerprint, to_plain(self.spec) | {"summary": self.label}) as writer:
            writer.commit({"extraction": extraction.fingerprint, "layer": info.name, "width": rows.width})

    def extraction(self, store: Store) -> Extraction:
        """The layer; extracted into the store as far as it is not there."""
        from isomorph.models import extract

        model, options = self._asked()
        return extract(model, self.stimuli, store=store, progress=self.progress, **options)

    def extract_range(self, store: Store, part: Part) -> None:
        """Leave a range of the rows in the extraction's object, for `extraction` to find."""
        from isomorph.models import extraction_ranges

        model, options = self._asked()
        extraction_ranges(model, self.stimuli, ranges=part.total, progress=self.progress, **options)[part.number - 1].run(store)

    def _asked(self) -> tuple[Model, RequestOptions]:
        """The model and what is asked of it; where the layer has no name it takes the model to tell."""
        from isomorph.models import penultimate
        from isomorph.models._named_model import loaded

        pool: Any = self.pool
        model = loaded(self.model)
        layer = penultimate(model, self.stimuli, pool) if self.layer == PENULTIMATE else self.layer
        return model, {"layers": layer, "pool": pool, "memory_limit": self.memory_limit}


@dataclass(frozen=True, kw_only=True, eq=False)
class RowsUnit:
    """A range of one model's pass over one data set, before its `FeatureUnit` gathers; it commits a receipt."""

    features: FeatureUnit
    part: Part

    @property
    def label(self) -> str:
        """What progress shows."""
        return rows_label(self.features.label, self.part)

    @cached_property
    def spec(self) -> dict[str, Any]:
        """Everything the rows depend on, without loading the model."""
        memory = {"memory_limit": self.features.memory_limit}  # the size of the batches may follow from it
        return {**self.features.spec, "kind": "rows of a layer", "part": str(self.part), **memory}

    @cached_property
    def fingerprint(self) -> str:
        """The name of the receipt."""
        return fingerprint(self.spec)

    def run(self, store: Store) -> None:
        """Show the model these stimuli, unless the features are finished, and commit the receipt."""
        if self.features.fingerprint not in store:
            self.features.extract_range(store, self.part)
        with store.begin(self.fingerprint, to_plain(self.spec) | {"summary": self.label}) as writer:
            writer.commit({})


def rows_label(features: str, part: Part) -> str:
    """What progress shows."""
    return f"rows {part} of {features}"


def stored_features(store: Store, unit_fingerprint: str, again: Callable[[], FeatureUnit] | None = None) -> Features:
    """The rows that a `FeatureUnit` committed; memory-mapped.

    Args:
        store: Where they are.
        unit_fingerprint: Of the unit.
        again: Gives the unit; where its rows were lost since, they are made again.

    Raises:
        StoreError: The unit is not finished, its rows are lost and `again` is not given, or they are damaged.
    """
    from isomorph.models import stored_extraction

    meta = store.open(unit_fingerprint).meta
    name = meta["extraction"]
    extraction = stored_extraction(store, name) if again is None or name in store else again().extraction(store)
    rows = extraction[meta["layer"]]
    assert isinstance(rows, Features)  # noqa: S101 - FeatureUnit asks for features, never for Gram matrices
    return rows


def refuse_degenerate(rows: Any, *, where: str) -> None:
    """Refuse features that no measure can use, while it is still clear whose they are.

    Raises:
        ShapeError: A stimulus has no length, or all stimuli look the same.
    """
    values = rows.values
    empty = np.flatnonzero(~np.any(values, axis=1))
    if len(empty):
        raise ShapeError(
            f"{where}: the layer {rows.layer!r} is all zeros for {len(empty)} of {len(rows)} stimuli; the first is {rows.ids[empty[0]]!r}."
        )
    if np.allclose(values, values[0], rtol=0, atol=1e-6 * float(np.abs(values).max())):
        raise ShapeError(f"{where}: the layer {rows.layer!r} is the same for all {len(rows)} stimuli, so that it has no geometry.")
