"""A look at every output of a network, on two stimuli and then on one."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch
import xxhash

from isomorph.models._hooks import ROOT, Tap, module_of
from isomorph.models._plan import Clamped, Precision
from isomorph.models._plan_clamped import ClampWatch
from isomorph.models._plan_memory import PeakMeter
from isomorph.models._reduce import CannotPoolError, Pool, pooled
from isomorph.profile import timing

if TYPE_CHECKING:
    from isomorph.models._model import Model

_SAMPLES = 1000
_TOLERANCE: Mapping[Precision, float] = {"float32": 0.01, "bfloat16": 0.2, "float16": 0.1}


@dataclass
class Output:
    """What one output looked like: its shape for one stimulus, and either its features or why there are none."""

    name: str
    kind: str
    leaf: bool
    shape: tuple[int, ...]
    width: int = 0
    digest: bytes = b""
    reason: str = ""
    places: tuple[tuple[int, ...], ...] = ()
    same_memory: str = ""
    sample: npt.NDArray[np.float64] | None = None
    clamped: Clamped | None = None


@dataclass
class DryRun:
    """What two short forward passes showed.

    Attributes:
        outputs: Every output by name, in the order in which they came.
        silent: Modules that were never called.
        activation_bytes: The most that one stimulus holds at one moment.
        input_bytes: One prepared stimulus.
    """

    outputs: dict[str, Output] = field(default_factory=dict)
    silent: tuple[str, ...] = ()
    activation_bytes: int = 0
    input_bytes: int = 0

    @property
    def largest_bytes(self) -> int:
        """The largest output of one stimulus, as float32."""
        return 4 * max((math.prod(each.shape) for each in self.outputs.values()), default=1)

    def duplicates(self) -> dict[str, str]:
        """Outputs whose features equal another's, bit for bit: the first leaf of a set stands for it, else the first."""
        sets: dict[tuple[bytes, int], list[Output]] = {}
        for each in self.outputs.values():
            if not each.reason:
                sets.setdefault((each.digest, each.width), []).append(each)
        pairs = {}
        for same in sets.values():
            kept = next((each for each in same if each.leaf), same[0])
            pairs.update({each.name: kept.name for each in same if each is not kept})
        return {name: pairs[name] for name in self.outputs if name in pairs}

    def certain(self, one: str, other: str) -> bool:
        """Whether two outputs are the same memory, so that they are equal for every stimulus and not only for these two."""
        return not set(self.outputs[one].places).isdisjoint(self.outputs[other].places)


@timing("plan", whole=True)
def dry_run(model: Model, stimuli: Sequence[Any], *, pool: Pool, precision: Precision) -> DryRun:
    """Run the first and the last stimulus together, then the first alone.

    Of texts it is the shortest and the longest: in a single word many a layer equals its neighbour. The second pass finds outputs whose
    first axis only looked like stimuli, whose size changes from batch to batch, and whose values for one stimulus depend on the others.
    """
    seen = DryRun()
    look = _Look(model, seen, pool)
    items = range(len(stimuli))
    one, other = 0, len(stimuli) - 1
    if isinstance(stimuli[0], str):
        one, other = min(items, key=lambda each: len(stimuli[each])), max(items, key=lambda each: len(stimuli[each]))
    batch = model.prepare([stimuli[one], stimuli[other]])
    seen.input_bytes = sum(each.nbytes for each in _tensors(batch)) // 2
    with PeakMeter() as meter:
        look.first(batch, precision, meter)
    seen.activation_bytes = meter.peak // 2 + seen.input_bytes
    look.second(model.prepare([stimuli[one]]), precision)
    called = {module_of(name) for name in seen.outputs}
    seen.silent = tuple(path for path, _ in model.module.named_modules() if path and path not in called)
    return seen


def forward_in(model: Model, batch: Any, precision: Precision) -> None:
    """One forward pass in the given precision."""
    with torch.inference_mode(), autocast(model, precision):
        model.forward(batch)


def autocast(model: Model, precision: Precision) -> contextlib.AbstractContextManager[Any]:
    """Mixed precision, or nothing for float32."""
    return contextlib.nullcontext() if precision == "float32" else torch.autocast(model.device.type, dtype=getattr(torch, precision))


def prefix_tokens(module: torch.nn.Module) -> int:
    """How many tokens stand before those of the picture; networks that do not say so have one."""
    count = getattr(module, "num_prefix_tokens", 1)
    return count if isinstance(count, int) else 1


class _Look:
    def __init__(self, model: Model, seen: DryRun, pool: Pool) -> None:
        self._model, self._seen, self._pool = model, seen, pool
        self._modules = {path or ROOT: module for path, module in model.module.named_modules()}

    def first(self, batch: Any, precision: Precision, meter: PeakMeter) -> None:
        mask = self._model.token_mask(batch)
        places: dict[tuple[int, ...], Output] = {}
        watch = ClampWatch(self._modules, meter, places)

        def read(name: str, tensor: torch.Tensor) -> None:
            module = self._modules[module_of(name)]
            output = Output(name, type(module).__name__, not any(module.children()), tuple(tensor.shape[1:]))
            self._seen.outputs[name] = output
            try:
                rows = pooled(tensor, self._pool, items=2, prefix_tokens=prefix_tokens(self._model.module), mask=mask)
            except CannotPoolError as error:
                output.reason = str(error)
                return
            output.width = rows.shape[1]
            output.places = (meter.place(tensor), meter.place(rows))
            if (earlier := next((places[each] for each in output.places if each in places), None)) is not None:
                output.same_memory, output.digest = earlier.name, earlier.digest
                return
            places.update(dict.fromkeys(output.places, output))
            output.sample, output.digest = _sample(rows), row_digest(rows)
            output.clamped = watch.clamped(module_of(name), output.digest)

        with watch.listening():
            self._pass(read, batch, precision)

    def second(self, batch: Any, precision: Precision) -> None:
        mask = self._model.token_mask(batch)
        again: set[str] = set()

        def read(name: str, tensor: torch.Tensor) -> None:
            again.add(name)
            output = self._seen.outputs.get(name)
            if output is None or output.reason:
                return
            try:
                rows = pooled(tensor, self._pool, items=1, prefix_tokens=prefix_tokens(self._model.module), mask=mask)
            except CannotPoolError as error:
                output.reason = str(error)
                return
            output.reason = self._change(output, rows, _TOLERANCE[precision])
            output.sample = None

        self._pass(read, batch, precision)
        for name, output in self._seen.outputs.items():
            if name not in again:
                output.reason = output.reason or "it does not come with every batch"
            if output.same_memory:
                output.reason = output.reason or self._seen.outputs[output.same_memory].reason

    def _pass(self, read: Any, batch: Any, precision: Precision) -> None:
        tap = Tap(self._model.module, read)
        with tap.listening():
            tap.run(lambda: forward_in(self._model, batch, precision))

    def _change(self, output: Output, rows: torch.Tensor, tolerance: float) -> str:
        if rows.shape[1] != output.width:
            remedy = "" if self._pool != "flatten" else "; pool it"
            return f"its number of features changes with the batch ({output.width:,}, then {rows.shape[1]:,}){remedy}"
        if (earlier := output.sample) is None:
            return ""
        change, size = np.linalg.norm(_sample(rows) - earlier), np.linalg.norm(earlier)
        if change > tolerance * size + 1e-6:  # never true of NaN, which the extraction itself reports
            return "its values for one stimulus change with the others in the batch"
        return ""


def row_digest(rows: torch.Tensor) -> bytes:
    """Names the values of rows, bit for bit."""
    return xxhash.xxh3_128(rows.contiguous().cpu().numpy().data).digest()


def _sample(rows: torch.Tensor) -> npt.NDArray[np.float64]:
    return rows.cpu().numpy()[0, :: max(1, rows.shape[1] // _SAMPLES)].astype(np.float64)


def _tensors(batch: Any) -> list[torch.Tensor]:
    return [each for each in (batch.values() if isinstance(batch, Mapping) else [batch]) if isinstance(each, torch.Tensor)]
