"""The work of a study of brains: every layer of one model against every region of one recording."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from isomorph._version import __version__
from isomorph.encoding._protocol_plain import plain_protocol
from isomorph.errors import UnknownNameError
from isomorph.results._encoding_packed import packed, unpacked
from isomorph.results._fragment import default_pool, versions
from isomorph.spec import fingerprint, to_plain

if TYPE_CHECKING:
    from isomorph.encoding import BrainScores, Protocol
    from isomorph.encoding._encode_options import Intervals
    from isomorph.engine import Progress
    from isomorph.models import Model
    from isomorph.results._encoding_shown import Shown
    from isomorph.store import Store

KIND = "brain scores"
_SCHEME = 2  # what is committed: 2 has the penalties of single units


@dataclass(frozen=True, kw_only=True, eq=False)
class BrainUnit:
    """One model on one recording; it commits the table of scores and the scores of single units."""

    model: Model
    shown: Shown
    protocol: Protocol
    wanted: tuple[str, ...] = ()
    layers: Any = "all"
    pool: str | None = None
    intervals: Intervals = "delta"
    replicates: int = 1000
    permutations: int = 0
    level: float = 0.95
    seed: int = 0
    memory_limit: str | int = "2GB"
    progress: Progress | None = field(default=None, repr=False)

    @property
    def label(self) -> str:
        """What progress shows."""
        return f"{self.model.card.name} on {self.shown.name}"

    @cached_property
    def regions(self) -> tuple[str, ...]:
        """The regions that are scored, of those that the recording has; empty where it has none, and all units count.

        Raises:
            UnknownNameError: It has none of those that the study asks for.
        """
        recording: Any = self.shown.recording
        known = tuple(getattr(recording, "regions", ()) or getattr(recording, "rois", ()))
        if not self.wanted:
            return self.shown.regions or known
        kept = tuple(each for each in known if each in self.wanted)
        if not kept:
            raise UnknownNameError(f"region of {self.shown.name!r}", self.wanted[0], known)
        return kept

    @cached_property
    def spec(self) -> dict[str, Any]:
        """Everything the scores depend on."""
        return {
            "kind": KIND,
            "scheme": _SCHEME,
            "isomorph": __version__,
            "torch": versions()["torch"],
            "model": {"name": self.model.card.name, "fingerprint": self.model.fingerprint},
            "recording": {"name": self.shown.name, "digest": self.shown.recording.digest},
            "stimuli": self.shown.stimuli.digest,
            "groups": self.shown.stimuli.groups is not None,
            "regions": list(self.regions),
            "protocol": plain_protocol(self.protocol),
            "layers": to_plain(self.layers),
            "pool": self.pool or default_pool(self.model),
            "inference": [self.intervals, self.replicates, self.permutations, self.level, self.seed],
        }

    @cached_property
    def fingerprint(self) -> str:
        """The name of what it commits."""
        return fingerprint(self.spec)

    def run(self, store: Store) -> None:
        """Show the stimuli once, score every layer, commit."""
        from isomorph.encoding import encode
        from isomorph.models import extract

        extraction = extract(
            self.model,
            self.shown.stimuli,
            layers=self.layers,
            pool=self.spec["pool"],
            reduce="gram" if self._inner_products_suffice else "features",
            store=store,
            memory_limit=self.memory_limit,
            progress=self.progress,
        )
        if self.shown.stimuli.groups is not None:
            extraction = extraction.grouped(self.shown.stimuli.groups, store=store)
        scores = encode(
            extraction,
            self.shown.recording,
            protocol=self.protocol,
            model=self.model.card.name,
            regions=self.regions or None,
            intervals=self.intervals,
            replicates=self.replicates,
            permutations=self.permutations,
            level=self.level,
            seed=self.seed,
            progress=self.progress,
        )
        tensors, plain = packed(scores, notes=self._notes(extraction.unusable))
        with store.begin(self.fingerprint, self.spec | {"summary": self.label}) as writer:
            writer.put("scores", tensors)
            writer.commit(plain | {"versions": versions()})

    def read(self, store: Store) -> BrainScores:
        """The scores, as committed."""
        stored = store.open(self.fingerprint)
        return unpacked({key: stored.read("scores", key) for key in stored.keys("scores")}, stored.meta)

    @property
    def _inner_products_suffice(self) -> bool:
        from isomorph.encoding import Ridge

        p = self.protocol
        fits = any(metric != "cRSA" for metric in p.metrics)
        return not fits or (p.projection is None and isinstance(p.regression, Ridge) and not p.regression.standardise)

    def _notes(self, unusable: Any) -> list[str]:
        name, said = self.model.card.name, []
        known = set(self.model.seen) & set(self.shown.stimuli.ids)
        if known:
            said.append(
                f"{name} was fitted to people's judgments of {len(known)} of the {len(self.shown.stimuli)} stimuli of {self.shown.name}: "
                "its scores there are not held-out scores."
            )
        return said + [f"{name}, layer {layer}, was left out on {self.shown.name}: {reason}" for layer, reason in unusable.items()]
