"""What an extraction will read, keep and need, before it starts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from isomorph.engine import format_bytes
from isomorph.models._reduce import Pool
from isomorph.spec import to_plain

Reduction = Literal["features", "gram", "sketch"]
Precision = Literal["float32", "bfloat16", "float16"]
Mode = Literal["one batch", "memory", "store"]
_MODES: Mapping[Mode, str] = {
    "one batch": "all stimuli in one batch, each layer reduced at once",
    "memory": "rows held in memory",
    "store": "rows spilled",
}


@dataclass(frozen=True, kw_only=True)
class LayerInfo:
    """One layer that will be extracted.

    Attributes:
        name: Its name: the module's, with `:2` for a second call and `[0]` or `[key]` for a member.
        kind: The module's class.
        shape: What it returns for one stimulus.
        width: How many features a stimulus has after pooling.
        index: Its place among the model's unique layers, in the order in which they run.
        depth: The same between 0 (first) and 1 (last).
        leaf: Whether the module has no modules inside.
        parent: The module it stands in.
        equals: The earlier layer that has the same features, if it is a duplicate asked for by name.
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    width: int
    index: int
    depth: float
    leaf: bool
    parent: str = ""
    equals: str = ""

    @property
    def source(self) -> str:
        """The layer that is read for it: itself, or the one it equals."""
        return self.equals or self.name


@dataclass(frozen=True, kw_only=True)
class Clamped:
    """What a rectifier returns.

    Attributes:
        source: The layer whose values it cuts off at 0.
        ceiling: Where it cuts them off above.
    """

    source: str
    ceiling: float | None


@dataclass(frozen=True, kw_only=True)
class ExtractionPlan:
    """What `extract` will do; printing it shows a table.

    Attributes:
        subject: The model's name.
        stimuli: How many there are.
        layers: The layers that were chosen, in the order in which they run.
        found: How many outputs a forward pass showed.
        duplicates: Outputs that equal an earlier one, and which; left out unless asked for by name.
        doubtful: Those of them that are other memory with equal values; their values are held against each other for every stimulus.
        clamped: Rectifiers whose rows are not kept while they wait, because they are another layer's, cut off.
        unusable: Outputs that cannot be extracted, and why.
        silent: Modules that the forward pass never called.
        pool: How positions or tokens become one row.
        reduce: What is kept of a layer.
        sketch_width: Columns of a sketch; 0 for other reductions.
        precision: Of the forward pass.
        mode: Where rows wait: nowhere (one batch), in memory, in the store.
        held: The layers whose rows wait in memory though the others spill.
        batch_size: Stimuli in one forward pass.
        feature_bytes: All chosen layers of one stimulus, as float32, before any reduction.
        activation_bytes: The most that one stimulus holds at one moment of the forward pass.
        peak_bytes: What the extraction needs beside the weights, by this plan.
        memory_limit: What it may need.
    """

    subject: str
    stimuli: int
    layers: tuple[LayerInfo, ...]
    found: int
    duplicates: Mapping[str, str]
    doubtful: Mapping[str, str]
    clamped: Mapping[str, Clamped]
    unusable: Mapping[str, str]
    silent: tuple[str, ...]
    pool: Pool
    reduce: Reduction
    sketch_width: int
    precision: Precision
    mode: Mode
    held: tuple[str, ...]
    batch_size: int
    feature_bytes: int
    activation_bytes: int
    peak_bytes: int
    memory_limit: int

    def to_plain(self) -> dict[str, Any]:
        """The plan as dicts, lists, strings and numbers."""
        plain: dict[str, Any] = to_plain(self)
        return plain

    @property
    def sources(self) -> dict[str, int]:
        """The layers that are read, each once, and their widths."""
        return {layer.source: layer.width for layer in self.layers}

    def __str__(self) -> str:
        rows = [("", "layer", "module", "shape", "features", "depth")]
        for layer in self.layers:
            note = f" = {layer.equals}" if layer.equals else ""
            shape = "×".join(map(str, layer.shape))
            rows.append((str(layer.index), layer.name + note, layer.kind, shape, f"{layer.width:,}", f"{layer.depth:.2f}"))
        widths = [max(len(row[column]) for row in rows) for column in range(6)]
        table = [_line(row, widths) for row in rows]
        return "\n".join([*table, "", *self._summary()])

    def _summary(self) -> list[str]:
        reduction = {"gram": "exact Gram matrices", "features": "features", "sketch": f"count-sketches of {self.sketch_width:,} columns"}
        unique = self.found - len(self.duplicates) - len(self.unusable)
        where = f"rows of {len(self.held)} layers held in memory, the others spilled" if self.held else _MODES[self.mode]
        lines = [
            f"{self.subject}: {self.found} outputs found, {unique} unique, {len(self.layers)} chosen; {self.stimuli:,} stimuli.",
            f"{format_bytes(self.feature_bytes)} of features a stimulus ({self.pool}), "
            f"{format_bytes(self.feature_bytes * self.stimuli)} in all; kept: {reduction[self.reduce]}.",
            f"One pass in batches of {self.batch_size} ({self.precision}): {where}; "
            f"needs {format_bytes(self.peak_bytes)} of {format_bytes(self.memory_limit)}.",
        ]
        if self.clamped:
            lines.append(f"{len(self.clamped)} rectified layers are made from the rows of what they rectify.")
        lines += _listed("equal an earlier layer and are left out", [f"{name} = {other}" for name, other in self.duplicates.items()])
        lines += _listed("cannot be extracted", [f"{name}: {reason}" for name, reason in self.unusable.items()])
        lines += _listed("never run", list(self.silent))
        return lines


def _line(row: tuple[str, ...], widths: list[int]) -> str:
    numbers = (0, 4, 5)
    cells = [
        cell.rjust(width) if column in numbers else cell.ljust(width) for column, (cell, width) in enumerate(zip(row, widths, strict=True))
    ]
    return "  ".join(cells).rstrip()


def _listed(what: str, names: list[str]) -> list[str]:
    return [f"{len(names)} {what}:", *(f"  {name}" for name in names)] if names else []
