"""Which layers are kept together, and how that looks printed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from isomorph.models._hooks import ROOT, module_of
from isomorph.models._plan import LayerInfo

Order = Literal["pre", "run"]
_MIB = 2**20


@dataclass(frozen=True, kw_only=True)
class GroupPlan:
    """Which layers `extract_groups` keeps together; printing it shows a table.

    Attributes:
        subject: The model's name.
        stimuli: How many there are.
        groups: The layers of each group.
        order: `pre` or `run`.
        memory_limit: What the features of a group may need, in bytes.
        widths: Features a stimulus of every output that can be extracted, duplicates included.
        duplicates: Outputs that equal an earlier one, and which.
        kept_duplicates: Whether the groups hold them too.
    """

    subject: str
    stimuli: int
    groups: tuple[tuple[LayerInfo, ...], ...]
    order: Order
    memory_limit: int
    widths: Mapping[str, int]
    duplicates: Mapping[str, str]
    kept_duplicates: bool

    @property
    def bytes(self) -> tuple[int, ...]:
        """What the features of each group need, as float32."""
        return tuple(sum(feature_bytes(layer, self.stimuli) for layer in group) for group in self.groups)

    def __str__(self) -> str:
        unique = [name for name in self.widths if name not in self.duplicates]
        kept = "kept" if self.kept_duplicates else "left out"
        lines = [
            f"{self.subject}: {len(self.widths)} outputs, {self._size(self.widths)}.",
            f"{len(unique)} unique, {self._size(unique)}; {len(self.duplicates)} equal an earlier one and are {kept}.",
            f"{len(self.groups)} groups of at most {_mib(self.memory_limit)} for {self.stimuli:,} stimuli, "
            f"in {self.order}-order, a pass each:",
            *self._table(),
        ]
        return "\n".join(lines + self._oversize())

    def _size(self, names: Sequence[str] | Mapping[str, int]) -> str:
        features = sum(self.widths[name] for name in names)
        return f"{features:,} features a stimulus, {_mib(4 * features * self.stimuli)} in all"

    def _table(self) -> list[str]:
        rows = [("group", "maps", "features", "MiB", "layers")]
        for index, (group, size) in enumerate(zip(self.groups, self.bytes, strict=True)):
            ends = group[0].name if len(group) == 1 else f"{group[0].name} … {group[-1].name}"
            rows.append((str(index), str(len(group)), f"{sum(layer.width for layer in group):,}", f"{size / _MIB:,.2f}", ends))
        widths = [max(len(row[column]) for row in rows) for column in range(4)]
        return ["  ".join([*(cell.rjust(width) for cell, width in zip(row, widths, strict=False)), row[-1]]) for row in rows]

    def _oversize(self) -> list[str]:
        sizes = {layer.name: feature_bytes(layer, self.stimuli) for group in self.groups for layer in group}
        large = {name: size for name, size in sizes.items() if size > self.memory_limit}
        return [f"{name} alone needs {_mib(size)}, more than the limit, and is a group of its own." for name, size in large.items()]


def feature_bytes(layer: LayerInfo, n: int) -> int:
    """What the features of a layer need for so many stimuli, as float32."""
    return 4 * layer.width * n


def packed(layers: Sequence[LayerInfo], *, n: int, limit: int) -> tuple[tuple[LayerInfo, ...], ...]:
    """Each group takes the layers that follow, in order, while their features stay within the limit; its first whatever it needs."""
    groups: list[list[LayerInfo]] = []
    left = 0
    for layer in layers:
        size = feature_bytes(layer, n)
        if groups and size <= left:
            groups[-1].append(layer)
            left -= size
        else:
            groups.append([layer])
            left = limit - size
    return tuple(map(tuple, groups))


def in_preorder(outputs: Sequence[str]) -> dict[str, int]:
    """The place of each output if modules are put in order of when they begin to run: a container, then what is inside it.

    Args:
        outputs: Names of all outputs in the order in which they came, which is that of when modules end.
    """
    begun: dict[str, int] = {}  # the first output since a module last ended that came from inside it
    firsts: dict[str, int] = {}
    keys = {}
    for place, name in enumerate(outputs):
        path, call = module_of(name), name.partition("[")[0]
        chain = _with_ancestors(path)
        first = firsts.setdefault(call, begun.pop(path, place))  # members of what one call returned share it
        for each in chain[:-1]:
            begun.setdefault(each, first)
        keys[name] = (first, len(chain), place)
    return {name: place for place, name in enumerate(sorted(keys, key=lambda each: keys[each]))}


def _with_ancestors(path: str) -> list[str]:
    if path == ROOT:
        return [ROOT]
    parts = path.split(".")
    return [ROOT, *(".".join(parts[: count + 1]) for count in range(len(parts)))]


def _mib(count: int) -> str:
    return f"{count / _MIB:,.2f} MiB"
