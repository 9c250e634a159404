"""The second work of a consistency study: how alike all models are on one data set, in one unit or in ranges of stripes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property, reduce
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from typing import TYPE_CHECKING, Any

import numpy as np

from isomorph._version import __version__
from isomorph.arrays import FloatArray
from isomorph.consistency._study_units import FeatureUnit, stored_features
from isomorph.engine import Part, parse_bytes
from isomorph.errors import InputError
from isomorph.features import Features
from isomorph.profile import timing
from isomorph.spec import fingerprint, to_plain

if TYPE_CHECKING:
    from isomorph.engine import Progress
    from isomorph.measures import Measure
    from isomorph.pairwise import AllPairs, PairState
    from isomorph.store import Store, Writer

_RESULT = "similarities"
_CHUNK_ROWS = 1024


@dataclass(frozen=True, kw_only=True, eq=False)
class SimilarityUnit:
    """How alike all models are on one data set, by all measures, in one pass; or what ranges of that pass found, put together."""

    dataset: str
    features: Mapping[str, str]
    """Model → what its `FeatureUnit` committed."""
    measures: Mapping[str, Measure]
    """Label → measure."""
    normalise: bool = True
    memory_limit: str | int = "2GB"
    ranges: int = 1
    """Among how many units the stripes were shared out."""
    again: Mapping[str, Callable[[], FeatureUnit]] = field(default_factory=dict, repr=False)
    """Model → its `FeatureUnit`, should its rows be lost."""
    progress: Progress | None = field(default=None, repr=False)

    @property
    def label(self) -> str:
        """What progress shows."""
        return pairs_label(len(self.features), self.dataset)

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
        found = None if self.stripes() else self._compared(store, self.measures)
        with self.begin(store) as writer:
            pairs = self._joined(store, writer) if found is None else found
            tensors: dict[str, Any] = {"values": np.asarray(pairs.values, dtype=np.float64)}
            if pairs.standard_errors is not None:
                tensors["standard_errors"] = np.asarray(pairs.standard_errors, dtype=np.float64)
            writer.put(_RESULT, tensors)
            meta = {"n": pairs.n, "models": list(self.features), "measures": list(self.measures), "form": pairs.form}
            writer.commit(meta, keep=[_RESULT])

    def begin(self, store: Store, *, only: Collection[str] | None = None) -> Writer:
        """The object that it commits, in which the states of ranges wait until then."""
        return store.begin(self.fingerprint, to_plain(self.spec) | {"summary": self.label}, only=only)

    def read(self, store: Store) -> tuple[FloatArray, FloatArray | None, int]:
        """Values, standard errors and the number of stimuli, as committed."""
        stored = store.open(self.fingerprint)
        errors = np.array(stored.read(_RESULT, "standard_errors")) if "standard_errors" in stored.keys(_RESULT) else None
        return np.array(stored.read(_RESULT, "values")), errors, int(stored.meta["n"])

    def stripes(self) -> list[StripesUnit]:
        """The ranges of the pass, of the measures that one can walk in stripes; none without ranges, and where no measure is such."""
        parts = [Part(number, self.ranges) for number in range(1, self.ranges + 1)] if self.ranges > 1 and self.streamed else []
        return [StripesUnit(similarity=self, part=part) for part in parts]

    @cached_property
    def streamed(self) -> dict[str, Measure]:
        """The measures that one can walk in stripes."""
        from isomorph.pairwise._recipe import recipe_of

        return {label: each for label, each in self.measures.items() if recipe_of(each, label, jackknife=True) is not None}

    @contextmanager
    def items(self, store: Store) -> Iterator[dict[str, Features]]:
        """The rows of all models; those of unit length, which are copies, in memory or, where that does not suffice, on a scratch disk."""
        items = {name: stored_features(store, each, self.again.get(name)) for name, each in self.features.items()}
        if not self.normalise:
            yield items
        elif (size := sum(4 * each.values.size for each in items.values())) <= parse_bytes(self.memory_limit):
            yield {name: unit_length(each) for name, each in items.items()}
        else:
            from isomorph.pairwise._plan import check_disk

            check_disk(size, Path(gettempdir()))
            with TemporaryDirectory(prefix="isomorph-", ignore_cleanup_errors=True) as folder:
                yield {name: unit_length(each, file=Path(folder) / f"{at}.npy") for at, (name, each) in enumerate(items.items())}

    def _compared(self, store: Store, measures: Mapping[str, Measure]) -> AllPairs:
        from isomorph.pairwise import all_pairs

        with self.items(store) as items:
            return all_pairs(
                items, list(measures.values()), standard_errors=True, memory_limit=self.memory_limit, progress=self.progress
            )  # fmt: skip

    def _joined(self, store: Store, writer: Writer) -> AllPairs:
        """What the ranges found, and what the measures say that no range can walk."""
        from isomorph.pairwise import PairState

        stripes = self.stripes()
        if not any(each.shard in writer.finished for each in stripes):
            return self._compared(store, self.measures)
        try:
            found = [reduce(PairState.merge, (each.state(store, writer) for each in stripes)).finish()]
        except InputError:  # a machine with a small disk has sampled the entries to be ranked, and others have not
            return self._compared(store, self.measures)
        apart = {label: each for label, each in self.measures.items() if label not in self.streamed}
        if not apart:
            return found[0]
        found.append(self._compared(store, apart))
        place = {label: (each, at) for each in found for at, label in enumerate(each.measures)}
        chosen = {repr(each): place[repr(each)] for each in self.measures.values()}
        values = np.stack([each.values[at] for each, at in chosen.values()])
        errors = np.stack([np.asarray(each.standard_errors)[at] for each, at in chosen.values()])
        form = {label: each.form[label] for label, (each, _) in chosen.items()}
        return replace(found[0], measures=tuple(chosen), values=values, standard_errors=errors, form=form)


@dataclass(frozen=True, kw_only=True, eq=False)
class StripesUnit:
    """A range of the stripes of one data set's comparison of all models; it leaves its `PairState` there and commits a receipt."""

    similarity: SimilarityUnit
    part: Part

    @property
    def label(self) -> str:
        """What progress shows."""
        return stripes_label(self.similarity.label, self.part)

    @cached_property
    def spec(self) -> dict[str, Any]:
        """Everything the state depends on; the height of stripes follows from the memory."""
        memory = {"memory_limit": self.similarity.memory_limit}
        return {**self.similarity.spec, "kind": "stripes of similarities", "part": str(self.part), **memory}

    @cached_property
    def fingerprint(self) -> str:
        """The name of the receipt."""
        return fingerprint(self.spec)

    @property
    def shard(self) -> str:
        """Where the state waits; other ranges and other memory have other names."""
        return f"stripes-{self.part.number}-of-{self.part.total}-{self.fingerprint[:12]}"

    @timing("score")
    def run(self, store: Store) -> None:
        """Walk the stripes and leave the state, unless the whole is finished; commit the receipt."""
        whole = self.similarity
        if whole.fingerprint not in store:
            with whole.begin(store, only={self.shard}) as writer:
                if self.shard not in writer.finished:
                    writer.put(self.shard, self._walked(store).tensors())
        with store.begin(self.fingerprint, to_plain(self.spec) | {"summary": self.label}) as writer:
            writer.commit({"object": whole.fingerprint, "shard": self.shard})

    def state(self, store: Store, writer: Writer) -> PairState:
        """What was left; computed where it is gone."""
        from isomorph.pairwise import PairState

        if self.shard not in writer.finished:
            return self._walked(store)
        keys = writer.finished[self.shard].tensors
        return PairState.of_tensors({key: writer.read(self.shard, key) for key in keys}, where=self.label)

    def _walked(self, store: Store) -> PairState:
        from isomorph.pairwise import all_pairs

        whole, part = self.similarity, (self.part.number, self.part.total)
        with whole.items(store) as items:
            return all_pairs(
                items,
                list(whole.streamed.values()),
                standard_errors=True,
                memory_limit=whole.memory_limit,
                part=part,
                progress=whole.progress,
            )


def pairs_label(models: int, dataset: str) -> str:
    """What progress shows."""
    return f"{models} models on {dataset}, all pairs"


def stripes_label(pairs: str, part: Part) -> str:
    """What progress shows."""
    return f"stripes {part} of {pairs}"


def unit_length(x: Features, *, file: Path | None = None) -> Features:
    """Every row divided by its Euclidean length, so that an absolute σ means the same for every model.

    Args:
        x: The rows.
        file: Where the result goes, mapped to be read; None: into memory.
    """
    values = np.asarray(x.values, dtype=np.float32)
    lengths = np.sqrt(np.einsum("ij,ij->i", values, values, dtype=np.float64))[:, None].astype(np.float32)
    if file is None:
        return Features(values / lengths, x.ids, x.layer, x.subject, x.provenance)
    written = np.lib.format.open_memmap(file, mode="w+", dtype=np.float32, shape=values.shape)
    for start in range(0, len(values), _CHUNK_ROWS):
        rows = slice(start, start + _CHUNK_ROWS)
        np.divide(values[rows], lengths[rows], out=written[rows])
    written.flush()
    return Features(np.load(file, mmap_mode="r", allow_pickle=False), x.ids, x.layer, x.subject, x.provenance)
