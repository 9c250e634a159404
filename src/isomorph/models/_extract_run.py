"""Carrying out a plan: one pass over the stimuli, then one look at each layer's rows."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
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
        self.shards = {source: f"layer-{index:05d}" for index, source in enumerate(self.plan.sources)}
        self._sums = GramAccumulator(self.plan.stimuli)
        width = self.plan.sketch_width
        sketched = self.plan.sources if width else {}
        signs = random_signs(self.seed, signs_needed(max(sketched.values()))) if width else None
        self._sketches = {source: CountSketch(source, each, width=width, signs=signs) for source, each in sketched.items()}
        widths = self.plan.sources | {source: sketch.width for source, sketch in self._sketches.items()}
        self._kept = {source: width for source, width in widths.items() if source not in self.plan.clamped}

    def execute(self) -> None:
        """Everything the plan says, less what an earlier run finished."""
        wanted = [source for source in self.shards if not self._done(source)]
        if not wanted:
            return
        if self.plan.mode == "one batch":
            for source, tensors in self._pass(None).items():
                self._keep(source, tensors)
            return
        with ExitStack() as stack:
            keeper = self._keeper(stack)
            self._pass(keeper)
            with self.progress.task(f"{self.plan.subject}, layers", len(wanted), unit="layers") as task:
                for source in wanted:
                    self._keep(source, self._gathered(keeper, source))
                    task.advance()

    def _keeper(self, stack: ExitStack) -> RowKeeper:
        if self.plan.mode == "memory":
            return MemoryRows(self._kept, self.plan.stimuli)
        writer = self.writer
        if writer is None:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="isomorph-"))
            writer = stack.enter_context(Store(folder).begin("0" * 64, {"kind": "rows"}))
        held = {source: width for source, width in self._kept.items() if source in self.plan.held}
        left = {source: width for source, width in self._kept.items() if source not in held}
        spilled = StoreRows(writer, left, self.plan.stimuli, batch_size=self.plan.batch_size)
        return SplitRows(MemoryRows(held, self.plan.stimuli), spilled) if held else spilled

    def _pass(self, keeper: RowKeeper | None) -> dict[str, Tensors]:
        """Show every stimulus to the model; returns what was reduced on the way, which is nothing if a keeper takes the rows."""
        n, size = self.plan.stimuli, self.plan.batch_size
        slices = [slice(start, min(start + size, n)) for start in range(0, n, size)]
        left = [each for index, each in enumerate(slices) if keeper is None or not keeper.has(index)]
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
