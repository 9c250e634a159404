"""Carrying out a plan: one pass over the stimuli, then one look at each layer's rows."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import torch

from isomorph.errors import InputError
from isomorph.geometry._accumulate import GramAccumulator
from isomorph.models._extract_batches import prepared_batches
from isomorph.models._extract_read import LayerReader, Tensors, gram_tensors
from isomorph.models._hooks import Tap
from isomorph.models._plan import ExtractionPlan
from isomorph.models._plan_dry_run import forward_in
from isomorph.models._reduce_sketch import CountSketch, random_signs, signs_needed
from isomorph.models._spill import MemoryRows, RowKeeper, SplitRows, StoreRows
from isomorph.profile import timing
from isomorph.store import Store, Writer

if TYPE_CHECKING:
    from isomorph.engine import Progress
    from isomorph.models._model import Model
    from isomorph.stimuli import Stimuli


@dataclass
class Run:
    """One extraction under way.

    Attributes:
        writer: The object in the store that layers go to; None keeps them in `results`.
        results: The tensors of each layer, where there is no store.
    """

    model: Model
    stimuli: Stimuli
    plan: ExtractionPlan
    progress: Progress
    seed: int = 0
    writer: Writer | None = None
    results: dict[str, Tensors] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.shards = layer_shards(self.plan)
        self._sums = GramAccumulator(self.plan.stimuli)
        width = self.plan.sketch_width
        sketched = self.plan.sources if width else {}
        signs = random_signs(self.seed, signs_needed(max(sketched.values()))) if width else None
        self._sketches = {source: CountSketch(source, each, width=width, signs=signs) for source, each in sketched.items()}
        widths = self.plan.sources | {source: sketch.width for source, sketch in self._sketches.items()}
        self._kept = {source: width for source, width in widths.items() if source not in self.plan.clamped}

    def execute(self, sources: Collection[str] | None = None) -> None:
        """What the plan says of all sources, or of some whose rows are spilled; less what an earlier run finished."""
        wanted = [source for source in self.shards if (sources is None or source in sources) and not self._done(source)]
        if not wanted:
            return
        if self.plan.mode == "one batch":
            for source, tensors in self._pass(None).items():
                self._keep(source, tensors)
            return
        with ExitStack() as stack:
            keeper = self._keeper(stack, self._kept if sources is None else self._needed(wanted))
            self._pass(keeper)
            with self.progress.task(f"{self.plan.subject}, layers", len(wanted), unit="layers") as task:
                for source in wanted:
                    self._keep(source, self._gathered(keeper, source))
                    task.advance()

    def spill(self, batches: range) -> None:
        """Show the model these batches and leave their rows in the store, whatever the plan's mode."""
        self._pass(self._spilled(durable=True), batches)

    def _spilled(self, *, durable: bool = False) -> StoreRows | None:
        if self.writer is None:
            return None
        return StoreRows(self.writer, self._kept, self.plan.stimuli, batch_size=self.plan.batch_size, durable=durable)

    def _needed(self, wanted: Sequence[str]) -> dict[str, int]:
        clamped = self.plan.clamped
        return {source: self._kept[source] for source in {clamped[each].source if each in clamped else each for each in wanted}}

    def _keeper(self, stack: ExitStack, widths: Mapping[str, int]) -> RowKeeper:
        if self.plan.mode == "memory":
            return MemoryRows(widths, self.plan.stimuli, spilled=self._spilled())
        writer = self.writer
        if writer is None:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="isomorph-"))
            writer = stack.enter_context(Store(folder).begin("0" * 64, {"kind": "rows"}))
        held = {source: width for source, width in self._kept.items() if source in self.plan.held}
        left = {source: width for source, width in self._kept.items() if source not in held}
        spilled = StoreRows(writer, left, self.plan.stimuli, batch_size=self.plan.batch_size)
        return SplitRows(MemoryRows(held, self.plan.stimuli), spilled) if held else spilled

    def _pass(self, keeper: RowKeeper | None, among: range | None = None) -> dict[str, Tensors]:
        """Show the stimuli of all batches, or of some, to the model; returns what was reduced on the way: nothing with a keeper."""
        size = self.plan.batch_size
        slices = [slice(start, min(start + size, self.plan.stimuli)) for start in range(0, self.plan.stimuli, size)]
        among = range(len(slices)) if among is None else among
        n = sum(slices[index].stop - slices[index].start for index in among)
        left = [slices[index] for index in among if keeper is None or not keeper.has(index)]
        if not left:
            return {}
        reader = LayerReader(self.model, self.stimuli.ids, self.plan, keeper, self._sketches)
        tap = Tap(self.model.module, reader.read, only={*self._kept, *self.plan.doubtful, *self.plan.doubtful.values()})
        done = n - sum(each.stop - each.start for each in left)
        unit = "images" if self.model.modality == "image" else "texts"
        prepared = closing(prepared_batches(self.model, self.stimuli, left))
        with self.progress.task(self.plan.subject, n, unit=unit, done=done) as task, tap.listening(), prepared as batches:
            for part, batch in batches:
                reader.begin(part, self.model.token_mask(batch))
                tap.run(partial(forward_in, self.model, batch, self.plan.precision))
                self._check_complete(tap, part)
                reader.check_duplicates()
                if keeper is not None:
                    keeper.end(part.start // size, count=part.stop - part.start)
                task.advance(part.stop - part.start)
        return reader.reduced

    def _check_complete(self, tap: Tap, part: slice) -> None:
        if missed := tap.missed():
            raise InputError(
                f"the layer {missed[0]!r} of {self.plan.subject} ran in the dry run but not for the stimuli from "
                f"{self.stimuli.ids[part.start]!r} on. Choose layers that run for every stimulus."
            )

    @timing("reduce")
    def _gathered(self, keeper: RowKeeper, source: str) -> Mapping[str, Any]:
        if self.plan.reduce != "gram":
            parts = keeper.parts(source)
            return {"values": parts if len(parts) > 1 else parts[0]}
        sums = self._sums
        sums.reset()
        device = self.model.device  # looked up once: it walks over all parameters
        clamped = self.plan.clamped.get(source)
        for chunk in keeper.columns(clamped.source if clamped else source):
            rows = torch.from_numpy(chunk).to(device)
            for part in torch.split(rows, sums.step, dim=1) if clamped else (rows,):
                sums.add(part.clamp(0, clamped.ceiling) if clamped else part)
        return gram_tensors(sums, self.stimuli.ids, name=f"the layer {source!r} of {self.plan.subject}")

    def _done(self, source: str) -> bool:
        return self.writer is not None and self.shards[source] in self.writer.finished

    def _keep(self, source: str, tensors: Mapping[str, Any]) -> None:
        if self.writer is None:
            self.results[source] = tensors
        else:
            self.writer.put(self.shards[source], tensors)


def layer_shards(plan: ExtractionPlan) -> dict[str, str]:
    """The shard of each layer that is read."""
    return {source: f"layer-{index:05d}" for index, source in enumerate(plan.sources)}
