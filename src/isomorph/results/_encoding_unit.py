"""The work of a study of brains: what one model makes of one recording's stimuli, and every layer of it against some regions."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from isomorph._version import __version__
from isomorph.encoding._protocol_plain import plain_protocol
from isomorph.profile import timing
from isomorph.results._encoding_packed import packed, unpacked
from isomorph.results._fragment import default_pool, versions
from isomorph.spec import fingerprint, to_plain

if TYPE_CHECKING:
    from isomorph.encoding import BrainScores, Protocol
    from isomorph.encoding._encode_options import Intervals
    from isomorph.engine import Progress
    from isomorph.models import Extraction, Model
    from isomorph.models._model_needs import ModelNeeds
    from isomorph.models._named_model import NamedModel
    from isomorph.results._encoding_shown import Shown
    from isomorph.store import Store

KIND = "brain scores"
_SCHEME = 2  # what is committed: 2 has the penalties of single units


@dataclass(frozen=True, kw_only=True, eq=False)
class BrainFeatures:
    """The layers of one model for what one recording showed; it commits the name of the extraction, which holds them."""

    model: Model | NamedModel
    shown: Shown
    protocol: Protocol
    layers: Any = "all"
    pool: str | None = None
    memory_limit: str | int = "2GB"
    progress: Progress | None = field(default=None, repr=False)

    @property
    def label(self) -> str:
        """What progress shows."""
        return f"the layers of {self.model.name} on {self.shown.name}"

    @property
    def asks(self) -> ModelNeeds:
        """What it needs of its worker."""
        from isomorph.models._model_needs import ModelNeeds

        how = {"layers": self.layers, "pool": self.chosen_pool, "memory_limit": self.memory_limit}
        return ModelNeeds(model=self.model, stimuli=self.shown.stimuli, options=how | {"reduce": "gram"})

    @property
    def chosen_pool(self) -> str:
        """How positions become one row."""
        return self.pool or default_pool(self.model)

    @cached_property
    def spec(self) -> dict[str, Any]:
        """Everything the layers depend on."""
        return {
            "kind": "layers",
            "isomorph": __version__,
            "torch": versions()["torch"],
            "model": {"name": self.model.name, "fingerprint": self.model.fingerprint},
            "stimuli": self.shown.stimuli.digest,
            "groups": self.shown.stimuli.groups is not None,
            "layers": to_plain(self.layers),
            "pool": self.chosen_pool,
            "reduce": "gram" if self._inner_products_suffice else "features",
        }

    @cached_property
    def fingerprint(self) -> str:
        """The name of what it commits."""
        return fingerprint(self.spec)

    def run(self, store: Store) -> None:
        """Show the stimuli once."""
        extraction = self._extracted(store)
        with store.begin(self.fingerprint, self.spec | {"summary": self.label}) as writer:
            writer.commit({"extraction": extraction.fingerprint})

    def read(self, store: Store) -> Extraction:
        """The layers; made again where they are gone."""
        from isomorph.models import stored_extraction

        if self.fingerprint in store and (name := store.open(self.fingerprint).meta["extraction"]) in store:
            return stored_extraction(store, name)
        return self._extracted(store)

    def _extracted(self, store: Store) -> Extraction:
        from isomorph.models import extract
        from isomorph.models._named_model import loaded

        pool: Any = self.chosen_pool
        extraction = extract(
            loaded(self.model),
            self.shown.stimuli,
            layers=self.layers,
            pool=pool,
            reduce=self.spec["reduce"],
            store=store,
            memory_limit=self.memory_limit,
            progress=self.progress,
        )
        groups = self.shown.stimuli.groups
        return extraction if groups is None else extraction.grouped(groups, store=store)

    @property
    def _inner_products_suffice(self) -> bool:
        from isomorph.encoding import Ridge

        p = self.protocol
        fits = any(metric != "cRSA" for metric in p.metrics)
        return not fits or (p.projection is None and isinstance(p.regression, Ridge) and not p.regression.standardise)


@dataclass(frozen=True, kw_only=True, eq=False)
class BrainUnit:
    """One model against some regions of one recording; it commits the table of scores and the scores of single units."""

    features: BrainFeatures
    regions: tuple[str, ...] = ()
    """None: all units of a recording that has no regions."""
    whole: bool = True
    """Whether these are all the regions that are scored of this recording."""
    intervals: Intervals = "delta"
    replicates: int = 1000
    permutations: int = 0
    level: float = 0.95
    seed: int = 0

    @property
    def model(self) -> Model | NamedModel:
        """The model."""
        return self.features.model

    @property
    def shown(self) -> Shown:
        """The recording, and what was shown."""
        return self.features.shown

    @property
    def label(self) -> str:
        """What progress shows."""
        return f"{self.model.name} on {self.shown.name}" + ("" if self.whole else f": {', '.join(self.regions)}")

    @cached_property
    def spec(self) -> dict[str, Any]:
        """Everything the scores depend on."""
        return {
            "kind": KIND,
            "scheme": _SCHEME,
            "isomorph": __version__,
            "torch": versions()["torch"],
            "model": {"name": self.model.name, "fingerprint": self.model.fingerprint},
            "recording": {"name": self.shown.name, "digest": self.shown.recording.digest},
            "stimuli": self.shown.stimuli.digest,
            "groups": self.shown.stimuli.groups is not None,
            "regions": list(self.regions),
            "protocol": plain_protocol(self.features.protocol),
            "layers": to_plain(self.features.layers),
            "pool": self.features.chosen_pool,
            "inference": [self.intervals, self.replicates, self.permutations, self.level, self.seed],
        }

    @cached_property
    def fingerprint(self) -> str:
        """The name of what it commits."""
        return fingerprint(self.spec)

    @timing("score")
    def run(self, store: Store) -> None:
        """Score every layer, commit."""
        from isomorph.encoding import encode

        extraction = self.features.read(store)
        scores = encode(
            extraction,
            self.shown.recording,
            protocol=self.features.protocol,
            model=self.model.name,
            regions=self.regions or None,
            intervals=self.intervals,
            replicates=self.replicates,
            permutations=self.permutations,
            level=self.level,
            seed=self.seed,
            progress=self.features.progress,
        )
        tensors, plain = packed(scores, notes=self._notes(extraction.unusable))
        with store.begin(self.fingerprint, self.spec | {"summary": self.label}) as writer:
            writer.put("scores", tensors)
            writer.commit(plain | {"versions": versions()})

    def read(self, store: Store) -> BrainScores:
        """The scores, as committed."""
        stored = store.open(self.fingerprint)
        return unpacked({key: stored.read("scores", key) for key in stored.keys("scores")}, stored.meta)

    def _notes(self, unusable: Any) -> list[str]:
        name, said = self.model.name, []
        known = set(self.model.seen) & set(self.shown.stimuli.ids)
        if known:
            said.append(
                f"{name} was fitted to people's judgments of {len(known)} of the {len(self.shown.stimuli)} stimuli of {self.shown.name}: "
                "its scores there are not held-out scores."
            )
        return said + [f"{name}, layer {layer}, was left out on {self.shown.name}: {reason}" for layer, reason in unusable.items()]
