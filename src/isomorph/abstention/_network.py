"""What methods ask of a network: its logits, and which of its modules are random."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

    from isomorph.models._model import Model
    from isomorph.stimuli import Stimuli

_DEPTH = ("DropPath", "StochasticDepth", "DropBlock2d", "DropBlock2D")  # timm's, transformers' and torchvision's, by the end of the name


def batches(model: Model, pictures: Stimuli | Sequence[Any], size: int) -> Iterator[Any]:
    """Items prepared for the model, `size` at a time."""
    for start in range(0, len(pictures), size):
        yield model.prepare([pictures[row] for row in range(start, min(start + size, len(pictures)))])


def stochastic_modules(module: torch.nn.Module) -> list[torch.nn.Module]:
    """The modules that drop values or paths with a probability above 0."""
    import torch

    found = []
    for each in module.modules():
        drops = isinstance(each, torch.nn.modules.dropout._DropoutNd) or type(each).__name__.endswith(_DEPTH)
        share = getattr(each, "p", None) or getattr(each, "drop_prob", None)
        if drops and share:
            found.append(each)
    return found


@contextmanager
def switched_on(modules: Sequence[torch.nn.Module]) -> Iterator[None]:
    """These modules alone in training mode; everything else, batch statistics above all, stays in evaluation mode."""
    before = [each.training for each in modules]
    try:
        for each in modules:
            each.training = True  # not .train(): a module must not take its children along
        yield
    finally:
        for each, mode in zip(modules, before, strict=True):
            each.training = mode
