"""The units of a study of extraction: each model on each slice of the shards."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache, cached_property, lru_cache, partial
from itertools import groupby
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from isomorph.engine import Needs
from isomorph.errors import InputError, UnknownNameError
from isomorph.spec import fingerprint

if TYPE_CHECKING:
    from isomorph.engine import Progress
    from isomorph.models import Extraction
    from isomorph.models._named_model import NamedModel
    from isomorph.results._extraction_study import ExtractionStudy
    from isomorph.stimuli import ShardStream, Stimuli
    from isomorph.stimuli._remote_shard import RemoteShard
    from isomorph.stimuli._shard_index import Shard
    from isomorph.stimuli._shard_index_unit import ShardIndexUnit
    from isomorph.store import Store

_KEPT_PICTURES = 100_000


@dataclass(frozen=True, slots=True)
class ShardSlice:
    """Pictures of one shard.

    Attributes:
        shard: The number of the shard.
        start: The first picture, counted in the shard.
        stop: The one after the last.
        title: What it is called in labels.
        near: The place of the first of the shards that one model after the other sees, for what hands out units.
    """

    shard: int
    start: int
    stop: int
    title: str
    near: str

    def __len__(self) -> int:
        return self.stop - self.start


@dataclass(frozen=True, eq=False)
class SlicePlan:
    """What is to be done. Of each shard it holds the number of its pictures, of pictures nothing."""

    study: ExtractionStudy
    store: Store
    progress: Progress | None = None

    @cached_property
    def shards(self) -> tuple[Shard | RemoteShard, ...]:
        """The shards as they are now."""
        from isomorph.stimuli._shard_stream import shards_now

        return shards_now(self.study.shard_names())

    def index_units(self) -> list[ShardIndexUnit]:
        """One a shard."""
        from isomorph.stimuli._shard_index_unit import ShardIndexUnit

        return [ShardIndexUnit(each) for each in self.shards]

    @cached_property
    def stream(self) -> ShardStream:
        """The shards and their indexes, which are made where they are not there."""
        from isomorph.stimuli import ShardStream

        return ShardStream(self.shards, store=self.store)

    @cached_property
    def slices(self) -> tuple[ShardSlice, ...]:
        """All of them, in order; a shard without pictures has none.

        Raises:
            InputError: There is no picture.
        """
        found = tuple(self._slices())
        if not found:
            raise InputError(f"the {len(self.stream.shards):,} shards of the study {self.study.name!r} hold no pictures.")
        return found

    def _slices(self) -> Iterator[ShardSlice]:
        for number, name in enumerate(self.stream.names):
            count = int(self.stream.starts[number + 1] - self.stream.starts[number])
            size = self.study.slice or max(count, 1)
            near = str(self.stream.shards[number - number % self.study.together].path)
            for start in range(0, count, size):
                stop = min(start + size, count)
                place = f"{name} from {start:,}" if start else name
                title = f"{place} ({stop - start:,} picture{'' if stop - start == 1 else 's'})"
                yield ShardSlice(number, start, stop, title, near)

    @cached_property
    def models(self) -> list[NamedModel]:
        """The models, none of them loaded."""
        from isomorph.models._named_model import named_models

        return named_models(self.study.model_names(), device=self.study.device, store=self.store)

    def units(self) -> list[SliceUnit]:
        """The first model on some shards, the next on the same, …; then all on the next shards."""
        groups = [list(group) for _, group in groupby(self.slices, lambda each: each.near)]
        return [SliceUnit(self, model, each) for group in groups for model in self.models for each in group]

    def of_model(self, name: str) -> list[SliceUnit]:
        """All slices of one model.

        Raises:
            UnknownNameError: The study has no such model.
        """
        model = next((each for each in self.models if name in (each.asked, each.name)), None)
        if model is None:
            raise UnknownNameError(f"model of the study {self.study.name!r}", name, [each.asked for each in self.models])
        return [SliceUnit(self, model, each) for each in self.slices]

    def rows(self) -> list[dict[str, Any]]:
        """One row a model: its slices, and how many of them are finished; None of both while a shard has no index."""
        shards, names = len(self.shards), {each.fingerprint for each in self.index_units()}
        if len(self.store.finished(names)) < len(names):
            return [{"model": model.asked, "shards": shards, "pictures": None, "slices": None, "finished": 0} for model in self.models]
        pictures = len(self.stream)
        return [
            {"model": model.asked, "shards": shards, "pictures": pictures, "slices": len(self.slices)}
            | {"finished": len(self.store.finished(SliceUnit(self, model, each).fingerprint for each in self.slices))}
            for model in self.models
        ]

    @cached_property
    def shown(self) -> Callable[[ShardSlice], Stimuli]:
        """Slice → its pictures; names and digests of the last ones stay, for the next model."""
        starts = self.stream.starts

        @lru_cache(maxsize=max(1, _KEPT_PICTURES // max(map(len, self.slices))))
        def shown(part: ShardSlice) -> Stimuli:
            first = int(starts[part.shard])
            return self.stream[first + part.start : first + part.stop]

        return shown

    @cached_property
    def needs(self) -> Callable[[NamedModel, str], Needs]:
        """Model and shards at hand → what a pass needs of a worker."""
        from isomorph.models._model_needs import ModelNeeds

        options = {"memory_limit": self.study.memory_limit}

        @cache
        def alone(model: NamedModel) -> Needs:
            return ModelNeeds(model=model, stimuli=None, options=options)()

        return cache(lambda model, near: replace(alone(model), near=near))

    @property
    def most_needs(self) -> Needs:
        """Those of the largest model; of one whose size nobody knows, if there is such a one."""
        return max((self.needs(model, "") for model in self.models), key=lambda each: (each.memory is None, each.memory or 0))

    @cached_property
    def asked(self) -> Callable[[NamedModel], str]:
        """Model → the name of all that decides its extractions but the pictures."""
        anything = SimpleNamespace(digest="", ids=(), modality="image")

        @cache
        def asked(model: NamedModel) -> str:
            return fingerprint(self.study.request.spec(model=model, stimuli=anything))

        return asked


@dataclass(frozen=True, eq=False, slots=True)
class SliceUnit:
    """One model on one slice: an ordinary extraction, and a receipt that names it.

    The receipt is named by the shard's index, so that it is known without the names of the pictures, by which the extraction itself is.
    It is as lazy as a `LazyUnit` and a tenth of its size: a plan may hold a million.
    """

    plan: SlicePlan
    model: NamedModel
    part: ShardSlice

    @property
    def label(self) -> str:
        """What progress shows."""
        return f"{self.model.asked} on {self.part.title}"

    @property
    def spec(self) -> dict[str, Any]:
        """What decides the receipt."""
        return {
            "kind": "extraction of a slice",
            "asked": self.plan.asked(self.model),
            "index": self.plan.stream.indexes[self.part.shard],
            "rows": [self.part.start, self.part.stop],
        }

    @property
    def fingerprint(self) -> str:
        """The name of the receipt."""
        return fingerprint(self.spec)

    @property
    def needs(self) -> Needs:
        """Those of the model, and the shards at hand."""
        return self.plan.needs(self.model, self.part.near)

    def run(self, store: Store) -> None:
        """Extract, unless that is done, and commit the receipt."""
        found = self.extraction(store)
        layers = [{"name": each.name, "width": found[each.name].width} for each in found.layers]
        with store.begin(self.fingerprint, self.spec | {"summary": self.label}) as writer:
            writer.commit({"object": found.fingerprint, "rows": len(self.part), "layers": layers})

    def extraction(self, store: Store) -> Extraction:
        """The extraction itself, made if it is not there."""
        from isomorph.models._extract import extraction_of
        from isomorph.models._plan_make import make_plan

        model, stimuli, request = self.model.load(), self.plan.shown(self.part), self.plan.study.request
        return extraction_of(
            model,
            stimuli,
            request,
            partial(make_plan, model, stimuli, request, has_store=True),
            store=store,
            progress=self.plan.progress,
        )

    def object(self, store: Store) -> str:
        """The name of the extraction that the receipt tells of.

        Raises:
            StoreError: The unit is not finished.
        """
        return str(store.open(self.fingerprint).meta["object"])
