"""From a dry run and what was asked for to a plan that keeps to the memory limit."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from isomorph.engine import format_bytes
from isomorph.errors import InputError
from isomorph.geometry._accumulate import accumulator_bytes
from isomorph.models._hooks import ROOT, module_of
from isomorph.models._layers import choose_layers
from isomorph.models._plan import Clamped, ExtractionPlan, LayerInfo, Mode
from isomorph.models._plan_dry_run import DryRun, dry_run
from isomorph.models._plan_request import Request
from isomorph.models._reduce_sketch import signs_needed, sketch_width

if TYPE_CHECKING:
    from isomorph.models._model import Model

_LARGEST_BATCH = 32
_LARGEST_OUTPUT = 32 * 2**20
"""Bytes. glibc gives larger blocks back to the system at once and takes them anew, page by page, for the next operation."""
_SMALLEST_BATCH = 8
"""Before batches become smaller than this, rows spill."""
_BATCHES_AHEAD = 2
_ALLOCATOR_SHARE = 1.15
_KERNEL_SHARE = 1.25
"""Kernels borrow memory (blocked copies of their inputs, say) that a dry run does not see."""


def make_plan(
    model: Model,
    stimuli: Sequence[Any],
    request: Request,
    *,
    has_store: bool,
    dry: bool = False,
    seen: DryRun | None = None,
    part_of_all: bool = False,
) -> ExtractionPlan:
    """Look at the model and decide what is read, in which batches, and where rows wait.

    Args:
        model: Whose layers are read.
        stimuli: What it is shown.
        request: What was asked for.
        has_store: Whether a store takes the result, and rows of a run that is killed wait in it for the next.
        dry: Nobody will carry the plan out: it may need a store that is not there.
        seen: What an earlier look at the same model showed; None looks now.
        part_of_all: The layers are a part of all: duplicates of theirs are compared, though none is asked for by name.

    Raises:
        InputError: A layer is unknown or cannot be extracted, or the memory limit is too small.
    """
    seen = seen or dry_run(model, stimuli, pool=request.pool, precision=request.precision)
    duplicates = {} if request.keep_duplicates else seen.duplicates()
    layers = planned_layers(model, seen, request)
    sources = {layer.source for layer in layers}
    named = {layer.name for layer in layers}
    doubtful = {
        name: other
        for name, other in duplicates.items()
        if other in sources and (part_of_all or "all" in request.layers or name in named) and not seen.certain(name, other)
    }
    width = 0
    if request.reduce == "sketch":
        width = request.sketch_width or sketch_width(len(stimuli))
    clamped = _clamped(seen, duplicates, sources) if request.reduce == "gram" and request.pool == "flatten" else {}
    need = _Need.of(layers, seen, request, n=len(stimuli), sketch=width, clamped=clamped)
    mode, batch_size = need.fit(model.card.name, has_store=has_store or dry)
    held = need.fill(batch_size) if request.reduce == "gram" and mode == "store" and not has_store else ()
    return ExtractionPlan(
        subject=model.card.name,
        stimuli=len(stimuli),
        layers=layers,
        found=len(seen.outputs),
        duplicates=duplicates,
        doubtful=doubtful,
        clamped=clamped if mode != "one batch" else {},
        unusable=_unusable(seen),
        silent=seen.silent,
        pool=request.pool,
        reduce=request.reduce,
        sketch_width=width,
        precision=request.precision,
        mode=mode,
        held=held,
        batch_size=batch_size,
        feature_bytes=need.features,
        activation_bytes=need.activations,
        peak_bytes=need.peak(mode, batch_size, held=held),
        memory_limit=request.memory_limit,
    )


def _unusable(seen: DryRun) -> dict[str, str]:
    return {each.name: each.reason for each in seen.outputs.values() if each.reason}


def _clamped(seen: DryRun, duplicates: Mapping[str, str], sources: Collection[str]) -> dict[str, Clamped]:
    """The rectifiers among the sources whose input is another of them."""
    found: dict[str, Clamped] = {}
    for name, output in seen.outputs.items():
        if output.clamped is not None and name in sources:
            given = output.clamped.source
            source = duplicates.get(given, given)
            if source in sources and source not in found and source != name and (source == given or seen.certain(source, given)):
                found[name] = replace(output.clamped, source=source)
    return found


def planned_layers(model: Model, seen: DryRun, request: Request) -> tuple[LayerInfo, ...]:
    """The layers that were asked for, in the order in which they run.

    Raises:
        InputError: A layer is unknown or cannot be extracted.
    """
    duplicates = {} if request.keep_duplicates else seen.duplicates()
    unusable = _unusable(seen)
    unique = [name for name in seen.outputs if name not in duplicates and name not in unusable]
    if not unique:
        reason = next(iter(unusable.values()), "no module returns a tensor")
        raise InputError(f"no layer of {model.card.name} can be extracted with pool={request.pool!r}: {reason}.")
    chosen = choose_layers(
        request.layers, unique=unique, duplicates=duplicates, unusable=unusable, silent=seen.silent, subject=model.card.name
    )
    index = {name: position for position, name in enumerate(unique)}
    infos = []
    for name in chosen:
        output, at = seen.outputs[name], index[duplicates.get(name, name)]
        infos.append(
            LayerInfo(
                name=name,
                kind=output.kind,
                shape=output.shape,
                width=output.width,
                index=at,
                depth=at / max(len(unique) - 1, 1),
                leaf=output.leaf,
                parent=_parent(module_of(name)),
                equals=duplicates.get(name, ""),
            )
        )
    return tuple(infos)


def _parent(path: str) -> str:
    if path == ROOT:
        return ""
    return path.rpartition(".")[0] or ROOT


@dataclass(frozen=True)
class _Need:
    """Bytes: of features, layers' rows, activations and prepared input per stimulus; of what stays throughout. And a good batch size."""

    request: Request
    n: int
    features: int
    rows: Mapping[str, int]
    activations: int
    inputs: int
    grams: int
    signs: int
    batch: int

    @classmethod
    def of(cls, layers: tuple[LayerInfo, ...], seen: DryRun, request: Request, *, n: int, sketch: int, clamped: Collection[str]) -> _Need:
        sources = {layer.source: layer.width for layer in layers}
        widths = list(sources.values())
        features = 4 * sum(widths)
        rows = {source: 4 * (min(width, sketch) if sketch else width) for source, width in sources.items() if source not in clamped}
        grams = signs = 0
        if request.reduce == "gram":
            grams = 8 * len(widths) * n * (n + 2) + accumulator_bytes(n)
        elif sketch:
            signs = 4 * signs_needed(max(widths))
        batch = min(_LARGEST_BATCH, max(4, _LARGEST_OUTPUT // seen.largest_bytes))
        activations = int(seen.activation_bytes * _KERNEL_SHARE)
        return cls(request, n, features, rows, activations, seen.input_bytes, grams, signs, batch)

    def peak(self, mode: Mode, batch: int, held: Sequence[str] = ()) -> int:
        """What a mode needs with batches of this size, with what the allocator holds back."""
        return int(_ALLOCATOR_SHARE * (self._needed(mode, batch) + self.n * sum(self.rows[source] for source in held)))

    def fill(self, batch: int) -> tuple[str, ...]:
        """The layers whose rows fit beside what spilling needs, the largest first."""
        room = int(self.request.memory_limit / _ALLOCATOR_SHARE) - self._needed("store", batch)
        held = []
        for source, size in sorted(self.rows.items(), key=lambda each: -each[1]):
            if self.n * size <= room:
                held.append(source)
                room -= self.n * size
        return tuple(held)

    def _needed(self, mode: Mode, batch: int) -> int:
        ahead = _BATCHES_AHEAD * self.inputs * batch if batch < self.n else 0
        forward = batch * self.activations + ahead + self.signs
        if mode == "one batch":
            return forward + self.grams
        rows = sum(self.rows.values())
        if mode == "memory":
            return self.n * rows + max(forward, self.grams)
        return max(forward + batch * rows, self.grams)

    def fit(self, subject: str, *, has_store: bool) -> tuple[Mode, int]:
        """The first mode that keeps to the limit, and its batch size."""
        limit, wished = self.request.memory_limit, self.request.batch_size
        gram = self.request.reduce == "gram"
        if gram and (wished is None or wished >= self.n) and self.peak("one batch", self.n) <= limit:
            return "one batch", self.n
        modes: tuple[Mode, ...] = ("memory", "store") if gram else ("store",) if has_store else ("memory",)
        for mode in modes:
            largest = self._largest(mode)
            least = min(wished or (1 if mode == modes[-1] else _SMALLEST_BATCH), self.n)
            if largest >= least:
                return mode, min(wished or self.batch, largest)
        raise InputError(self._too_small(subject, modes[-1]))

    def _largest(self, mode: Mode) -> int:
        """The largest batch that keeps to the limit; 0 if none does."""
        low, high = 0, self.n
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if self.peak(mode, middle) <= self.request.memory_limit else (low, middle - 1)
        return low

    def _too_small(self, subject: str, mode: Mode) -> str:
        wished = min(self.request.batch_size or 1, self.n)
        limit = format_bytes(self.request.memory_limit)
        largest = self._largest(mode)
        if largest:
            needs = format_bytes(self.peak(mode, wished))
            return f"batches of {wished} stimuli need {needs} with {subject}, and memory_limit is {limit}. At most {largest} fit."
        needs = format_bytes(self.peak(mode, 1))
        if mode == "memory":
            return (
                f"the layers chosen of {subject} need {needs} for {self.n:,} stimuli, and memory_limit is {limit}. "
                'Give a store, or choose fewer layers, a pooling, or reduce="gram".'
            )
        return (
            f"{subject} needs {needs} even one stimulus at a time, and memory_limit is {limit}. "
            "Raise it, or choose fewer layers or a pooling."
        )
