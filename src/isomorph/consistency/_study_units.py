"""The work of a consistency study: what each model makes of each data set, and how alike the models are there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from isomorph._version import __version__
from isomorph.arrays import FloatArray
from isomorph.errors import ShapeError
from isomorph.features import Features
from isomorph.profile import timing
from isomorph.spec import fingerprint, to_plain

if TYPE_CHECKING:
    from isomorph.engine import Progress
    from isomorph.measures import Measure
    from isomorph.models import Model
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
        from isomorph.models import extract, penultimate
        from isomorph.models._named_model import loaded

        pool: Any = self.pool
        model = loaded(self.model)
        layer = penultimate(model, self.stimuli, pool) if self.layer == PENULTIMATE else self.layer
        extraction = extract(
            model, self.stimuli, layers=layer, pool=pool, store=store, memory_limit=self.memory_limit, progress=self.progress
        )
        info = extraction.layers[0]
        rows = extraction[info.name]
        refuse_degenerate(rows, where=self.label)
        with store.begin(self.fingerprint, to_plain(self.spec) | {"summary": self.label}) as writer:
            writer.commit({"extraction": extraction.fingerprint, "layer": info.name, "width": rows.width})


def stored_features(store: Store, unit_fingerprint: str) -> Features:
    """The rows that a `FeatureUnit` committed; memory-mapped."""
    from isomorph.models import stored_extraction

    meta = store.open(unit_fingerprint).meta
    rows = stored_extraction(store, meta["extraction"])[meta["layer"]]
    assert isinstance(rows, Features)  # noqa: S101 - FeatureUnit asks for features, never for Gram matrices
    return rows


@dataclass(frozen=True, kw_only=True, eq=False)
class SimilarityUnit:
    """How alike all models are on one data set, by all measures, in one pass."""

    dataset: str
    features: Mapping[str, str]
    """Model → what its `FeatureUnit` committed."""
    measures: Mapping[str, Measure]
    """Label → measure."""
    normalise: bool = True
    memory_limit: str | int = "2GB"
    progress: Progress | None = field(default=None, repr=False)

    @property
    def label(self) -> str:
        """What progress shows."""
        return f"{len(self.features)} models on {self.dataset}, all pairs"

    @cached_property
    def spec(self) -> dict[str, Any]:
        """Everything the similarities depend on."""
        return {
            "kind": "similarities",
            "isomorph": __version__,
            "features": [[name, each] for name, each in self.features.items()],
            "measures": [[label, type(each).__name__, to_plain(each)] for label, each in self.measures.items()],
            "normalise": self.normalise,
        }

    @cached_property
    def fingerprint(self) -> str:
        """The name of what it commits."""
        return fingerprint(self.spec)

    @timing("score")
    def run(self, store: Store) -> None:
        """Walk all models' rows at once; commit `values` and `standard_errors`, each `[measure, model, model]`."""
        from isomorph.pairwise import all_pairs

        items = {name: stored_features(store, each) for name, each in self.features.items()}
        if self.normalise:
            items = {name: unit_length(each) for name, each in items.items()}
        pairs = all_pairs(items, list(self.measures.values()), standard_errors=True, memory_limit=self.memory_limit, progress=self.progress)
        tensors: dict[str, Any] = {"values": np.asarray(pairs.values, dtype=np.float64)}
        if pairs.standard_errors is not None:
            tensors["standard_errors"] = np.asarray(pairs.standard_errors, dtype=np.float64)
        with store.begin(self.fingerprint, to_plain(self.spec) | {"summary": self.label}) as writer:
            writer.put("similarities", tensors)
            writer.commit({"n": pairs.n, "models": list(items), "measures": list(self.measures), "form": pairs.form})

    def read(self, store: Store) -> tuple[FloatArray, FloatArray | None, int]:
        """Values, standard errors and the number of stimuli, as committed."""
        stored = store.open(self.fingerprint)
        errors = np.array(stored.read("similarities", "standard_errors")) if "standard_errors" in stored.keys("similarities") else None
        return np.array(stored.read("similarities", "values")), errors, int(stored.meta["n"])


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


def unit_length(x: Features) -> Features:
    """Every row divided by its Euclidean length, so that an absolute σ means the same for every model."""
    values = np.asarray(x.values, dtype=np.float32)
    lengths = np.sqrt(np.einsum("ij,ij->i", values, values, dtype=np.float64))
    return Features(values / lengths[:, None].astype(np.float32), x.ids, x.layer, x.subject, x.provenance)
