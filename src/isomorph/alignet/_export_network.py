"""The network that is exported: a student with the tensors of some of its layers as outputs of their own."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import torch

from isomorph.errors import InputError
from isomorph.models._hooks import Tap

if TYPE_CHECKING:
    from isomorph.alignet._student import Student

# Where networks keep their blocks: `blocks.3` (timm), `stages.1`, `encoder.layer.3` (transformers), `transformer.resblocks.3` (OpenCLIP),
# `features.7` and `layer2` (torchvision).
_BLOCK = re.compile(r"(?:\w+\.)*?(?:(?:blocks|stages|layers|layer|features|resblocks)\.\d+|layer\d+)")


class ExportNetwork(torch.nn.Module):
    """Returns what the student returns, and `layer_0`, `layer_1` … beside it.

    `Student` ends its network's pass by an exception, which tracers do not survive. Here the pass goes to its end; what nothing needs is
    dropped from the traced graph.

    Attributes:
        student: The student.
        layers: The name of each further output, and the layer of the student's network that it is.
    """

    def __init__(self, student: Student, layers: Mapping[str, str]) -> None:
        super().__init__()
        self.student = student
        self.layers = dict(layers)

    def forward(self, pictures: torch.Tensor) -> dict[str, torch.Tensor]:
        """All outputs of a prepared batch."""
        wanted, found = {self.student.layer, *self.layers.values()}, dict[str, torch.Tensor]()

        def read(name: str, tensor: torch.Tensor) -> None:
            if name in wanted:
                found[name] = tensor.clone()  # the next operation may work in place

        _listened(self.student.network, pictures, read)
        outputs = self.student.outputs(self.student.rows(found[self.student.layer], pictures))
        return outputs | {name: found[layer] for name, layer in self.layers.items()}


def _listened(network: torch.nn.Module, pictures: torch.Tensor, read: Callable[[str, torch.Tensor], None]) -> None:
    with (tap := Tap(network, read)).listening():
        tap.run(lambda: network(pictures))


def exported_layers(student: Student, pictures: torch.Tensor, layers: Sequence[str]) -> dict[str, str]:
    """`layer_0`, `layer_1` … and which layer of the student's network each is: those that were named, else its blocks.

    Raises:
        InputError: The network has no such layer.
    """
    usable: list[str] = []

    def read(name: str, tensor: torch.Tensor) -> None:
        if tensor.ndim and len(tensor) == len(pictures):
            usable.append(name)

    with torch.no_grad():
        _listened(student.network, pictures, read)
    chosen = [_named(each, usable) for each in layers] if layers else _blocks(usable, student.layer)
    return {f"layer_{number}": name for number, name in enumerate(chosen)}


def _named(layer: str, usable: list[str]) -> str:
    for name in (layer, layer.removeprefix("network.")):
        if name in usable:
            return name
    raise InputError(
        f"the student's network has no layer {layer!r} with one row for each picture; it has {len(usable)}, among them "
        f"{', '.join(map(repr, usable[:: max(1, len(usable) // 4)][:4]))}."
    )


def _blocks(usable: list[str], read: str) -> list[str]:
    """The outermost blocks that come before, or are, the layer that is read."""
    before = usable[: usable.index(read) + 1] if read in usable else usable
    found = [name for name in before if _BLOCK.fullmatch(name.removesuffix("[0]"))]
    depth = min((name.count(".") for name in found), default=0)
    return [name for name in found if name.count(".") == depth]
