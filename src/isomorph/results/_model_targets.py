"""Models as targets of one another, for stimuli that neither brains nor people have answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from isomorph._version import __version__
from isomorph.benchmarks import GeometryMatch, Target
from isomorph.errors import InputError
from isomorph.results._fragment import default_pool, versions
from isomorph.spec import fingerprint, to_plain

if TYPE_CHECKING:
    from isomorph.engine import Progress
    from isomorph.models import Model
    from isomorph.models._named_model import NamedModel
    from isomorph.stimuli import Stimuli
    from isomorph.store import Store


@dataclass(frozen=True, kw_only=True, eq=False)
class ModelTarget:
    """The unit of work that gives the RDM of a model's last layer; its extraction of the other layers is kept for the evaluation."""

    model: Model | NamedModel
    stimuli: Stimuli
    layers: Any = "all"
    pool: str | None = None
    distance: str = "correlation"
    memory_limit: str | int = "2GB"
    progress: Progress | None = None

    @property
    def label(self) -> str:
        """What progress shows."""
        return f"the last layer of {self.model.name}"

    @cached_property
    def spec(self) -> dict[str, Any]:
        """Everything the RDM depends on."""
        return {
            "kind": "model target",
            "isomorph": __version__,
            "torch": versions()["torch"],
            "model": self.model.fingerprint,
            "stimuli": self.stimuli.digest,
            "ids": self.stimuli.ids,
            "layers": to_plain(self.layers),
            "pool": self.pool or default_pool(self.model),
            "distance": self.distance,
        }

    @cached_property
    def fingerprint(self) -> str:
        """The name of the RDM in the store."""
        return fingerprint(self.spec)

    def run(self, store: Store) -> None:
        """Extract every wanted layer, commit the last one's RDM."""
        from isomorph.models import extract
        from isomorph.models._named_model import loaded

        pool: Any = self.spec["pool"]
        extraction = extract(
            loaded(self.model),
            self.stimuli,
            layers=self.layers,
            pool=pool,
            reduce="gram",
            store=store,
            memory_limit=self.memory_limit,
            progress=self.progress,
        )
        layer = list(extraction)[-1]
        rdm = extraction[layer].rdm(self.distance).take(self.stimuli.ids)
        with store.begin(self.fingerprint, to_plain(self.spec) | {"summary": self.label}) as writer:
            writer.put("rdm", {"rdm": np.asarray(rdm.values, dtype=np.float64)})
            writer.commit({"layer": layer})

    def target(self, store: Store) -> Target:
        """The committed RDM as a target."""
        stored = store.open(self.fingerprint)
        return Target(
            name=self.model.name,
            kind="model",
            rdms=np.array(stored.read("rdm", "rdm"))[None, None],
            subjects=(self.model.name,),
            citation=self.model.card.citation,
            note=f"it is the last layer ({stored.meta['layer']}) of one model.",
        )


def models_on(
    stimuli: Stimuli,
    models: Sequence[Model | str],
    *,
    name: str,
    store: Store,
    layers: Any = "all",
    pool: str | None = None,
    distance: str = "correlation",
    summary: str = "",
    memory_limit: str | int = "2GB",
    device: str = "cpu",
    progress: Progress | None = None,
) -> GeometryMatch:
    """A benchmark whose targets are the geometries of the models' own last layers.

    A following `evaluate` with the same store, layers and pool does not run the models again, and does not score a model against itself.

    Args:
        stimuli: What to show.
        models: At least two; a model whose last layer has no RDM of this distance is an error.
        name: The benchmark's name.
        store: Where the extractions are kept.
        layers: The layers that will be evaluated; the last of them is the target.
        pool: As `evaluate` takes it.
        distance: How features become an RDM.
        summary: One line.
        memory_limit: What an extraction may hold in memory.
        device: Where models that are given by name run; one of these is in memory at a time.
        progress: Where progress is shown.
    """
    from isomorph.engine import run_plan
    from isomorph.models._named_model import named_models

    if len(models) < 2:
        raise InputError(f"models that are each other's targets must be at least two; got {len(models)}.")
    named = iter(named_models([each for each in models if isinstance(each, str)], device=device, store=store))
    shown = [next(named) if isinstance(each, str) else each for each in models]
    how: dict[str, Any] = {"layers": layers, "pool": pool, "distance": distance, "memory_limit": memory_limit, "progress": progress}
    units = [ModelTarget(model=each, stimuli=stimuli, **how) for each in shown]
    run_plan(units, store=store, progress=progress)
    return GeometryMatch(
        name=name,
        summary=summary or f"{len(stimuli)} stimuli that only models have answered: each is compared with the others' last layers",
        stimuli=stimuli,
        targets=tuple(unit.target(store) for unit in units),
        distance=distance,
    )
