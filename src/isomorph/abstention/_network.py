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
_CALLERS = {  # layers that drop by a function call: by the name of their class, where their rates are
    "_DenseLayer": ("drop_rate",),  # torchvision's DenseNet
    "DenseLayer": ("drop_rate",),  # timm's
    "MultiheadAttention": ("dropout",),  # torch's
    "ShiftedWindowAttention": ("dropout", "attention_dropout"),  # torchvision's Swin
    "ShiftedWindowAttentionV2": ("dropout", "attention_dropout"),
}


def batches(model: Model, pictures: Stimuli | Sequence[Any], size: int) -> Iterator[Any]:
    """Items prepared for the model, `size` at a time."""
    for start in range(0, len(pictures), size):
        yield model.prepare([pictures[row] for row in range(start, min(start + size, len(pictures)))])


def stochastic_modules(module: torch.nn.Module) -> list[torch.nn.Module]:
    """The modules that drop values or paths with a probability above 0."""
    return [each for each in module.modules() if any(getattr(each, rate, None) for rate in _rates(each))]


def _rates(module: torch.nn.Module) -> tuple[str, ...]:
    """The attributes of a module that may hold a probability of dropping something."""
    import torch

    name = type(module).__name__
    if isinstance(module, torch.nn.modules.dropout._DropoutNd) or name.endswith(_DEPTH):
        return ("p", "drop_prob")
    return _CALLERS.get(name, ())


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
