"""Carrying out a plan: one pass over the stimuli, then one look at each layer's rows."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch

from isomorph.arrays import check_finite
from isomorph.errors import InputError, NonFiniteError, ShapeError
from isomorph.geometry._accumulate import GramAccumulator
from isomorph.models._extract_batches import prepared_batches
from isomorph.models._hooks import Tap
from isomorph.models._plan import ExtractionPlan
from isomorph.models._plan_dry_run import forward_in, prefix_tokens
from isomorph.models._reduce import CannotPoolError, pooled
from isomorph.models._reduce_sketch import CountSketch
from isomorph.models._spill import MemoryRows, RowKeeper, StoreRows, column_chunks, joined
from isomorph.store import Store, Writer

if TYPE_CHECKING:
    from isomorph.engine import Progress
    from isomorph.models._model import Model
    from isomorph.stimuli import Stimuli

Tensors = Mapping[str, npt.NDArray[Any]]


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
        widths = self.plan.sources
        if self.plan.reduce == "sketch":
            width = self.plan.sketch_width
            self._sketches = {source: CountSketch(source, each, width=width, seed=self.seed) for source, each in widths.items()}
            widths = {source: sketch.width for source, sketch in self._sketches.items()}
        self._widths = widths

    def execute(self) -> None:
        """Everything the plan says, less what an earlier run finished."""
        wanted = [source for source in self.shards if not self._done(source)]
        if not wanted:
            return
        if self.plan.mode == "one batch":
            self._pass(None, wanted)
            return
        with ExitStack() as stack:
            keeper = self._keeper(stack)
            self._pass(keeper, list(self.shards))
            with self.progress.task(f"{self.plan.subject}, layers", len(wanted), unit="layers") as task:
                for source in wanted:
                    self._keep(source, self._gathered(keeper, source))
                    task.advance()

    def _keeper(self, stack: ExitStack) -> RowKeeper:
        if self.plan.mode == "memory":
            return MemoryRows(self._widths, self.plan.stimuli)
        writer = self.writer
        if writer is None:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="isomorph-"))
            writer = stack.enter_context(Store(folder).begin("0" * 64, {"kind": "rows"}))
        return StoreRows(writer, self._widths, self.plan.stimuli, batch_size=self.plan.batch_size)

    def _pass(self, keeper: RowKeeper | None, wanted: list[str]) -> None:
        n, size = self.plan.stimuli, self.plan.batch_size
        slices = [slice(start, min(start + size, n)) for start in range(0, n, size)]
        left = [each for index, each in enumerate(slices) if keeper is None or not keeper.has(index)]
        reader = _Reader(self, keeper)
        tap = Tap(self.model.module, reader.read, only=wanted)
        done = n - sum(each.stop - each.start for each in left)
        unit = "images" if self.model.modality == "image" else "texts"
        prepared = closing(prepared_batches(self.model, self.stimuli, left))
        with self.progress.task(self.plan.subject, n, unit=unit, done=done) as task, tap.listening(), prepared as batches:
            for part, batch in batches:
                reader.begin(part, self.model.token_mask(batch))
                tap.run(partial(forward_in, self.model, batch, self.plan.precision))
                self._check_complete(tap, part)
                if keeper is not None:
                    keeper.end(part.start // size, count=part.stop - part.start)
                task.advance(part.stop - part.start)

    def _check_complete(self, tap: Tap, part: slice) -> None:
        if missed := tap.missed():
            raise InputError(
                f"the layer {missed[0]!r} of {self.plan.subject} ran in the dry run but not for the stimuli from "
                f"{self.stimuli.ids[part.start]!r} on. Choose layers that run for every stimulus."
            )

    def _gathered(self, keeper: RowKeeper, source: str) -> Tensors:
        parts = keeper.parts(source)
        if self.plan.reduce != "gram":
            return {"values": joined(parts, memory_limit=self.plan.memory_limit)}
        sums = GramAccumulator(self.plan.stimuli)
        for chunk in column_chunks(parts, sums.step):
            sums.add(torch.from_numpy(chunk).to(self.model.device) if self.model.device.type != "cpu" else chunk)
        return self._gram_tensors(source, sums)

    def _gram_tensors(self, source: str, sums: GramAccumulator) -> Tensors:
        if not sums.finite:
            raise NonFiniteError(f"the layer {source!r} of {self.plan.subject} is finite, but its products overflow float32.")
        gram = sums.gram(ids=self.stimuli.ids)
        return {"centred": gram.centred, "mean_product": gram.mean_product, "row_sums": gram.row_sums}

    def _done(self, source: str) -> bool:
        return self.writer is not None and self.shards[source] in self.writer.finished

    def _keep(self, source: str, tensors: Tensors) -> None:
        if self.writer is None:
            self.results[source] = tensors
        else:
            self.writer.put(self.shards[source], tensors)


class _Reader:
    """What the hooks call: pools, checks, and reduces or keeps, while the forward pass waits."""

    def __init__(self, run: Run, keeper: RowKeeper | None) -> None:
        self._run, self._keeper = run, keeper
        self._prefix = prefix_tokens(run.model.module)
        self._part = slice(0, 0)
        self._mask: torch.Tensor | None = None

    def begin(self, part: slice, mask: torch.Tensor | None) -> None:
        """The next calls of `read` are for these stimuli."""
        self._part, self._mask = part, mask

    def read(self, layer: str, tensor: torch.Tensor) -> None:
        """Take one output."""
        rows = self._rows(layer, tensor)
        run = self._run
        if self._keeper is None:
            sums = GramAccumulator(run.plan.stimuli)
            sums.add(rows)
            if not sums.finite:
                self._check(layer, rows)
            run._keep(layer, run._gram_tensors(layer, sums))
            return
        if run.plan.reduce == "sketch":
            rows = run._sketches[layer](rows)
        if not torch.isfinite(rows.sum()):
            self._check(layer, rows)
        self._keeper.add(layer, rows, first=self._part.start)

    def _rows(self, layer: str, tensor: torch.Tensor) -> torch.Tensor:
        plan, items = self._run.plan, self._part.stop - self._part.start
        try:
            rows = pooled(tensor, plan.pool, items=items, prefix_tokens=self._prefix, mask=self._mask)
        except CannotPoolError as error:
            raise ShapeError(f"the layer {layer!r} of {plan.subject} changed after the dry run: {error}.") from error
        if rows.shape[1] != plan.sources[layer]:
            raise ShapeError(
                f"the layer {layer!r} of {plan.subject} has {rows.shape[1]:,} features from "
                f"{self._run.stimuli.ids[self._part.start]!r} on and {plan.sources[layer]:,} before. "
                "Give stimuli of one size, or pool them."
            )
        return rows

    def _check(self, layer: str, rows: torch.Tensor) -> None:
        ids = self._run.stimuli.ids[self._part]
        name = f"the layer {layer!r} of {self._run.plan.subject}"
        check_finite(np.asarray(rows.cpu().numpy()), name=name, ids=ids)
