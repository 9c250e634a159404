"""Classifiers: a linear one on top of a network that stays as it is, and what enters that of a network trained whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

if TYPE_CHECKING:
    from isomorph.models import Model
    from isomorph.stimuli import Stimuli


class Head(nn.Sequential):
    """Dropout and a linear map; its last layer is called `classify`."""

    def __init__(self, features: int, classes: int, dropout: float) -> None:
        super().__init__()
        self.add_module("drop", nn.Dropout(dropout))
        self.add_module("classify", nn.Linear(features, classes))


class WithHead(nn.Module):
    """Pixels to logits: what a layer of `backbone` gives, standardised, goes to `head`.

    Args:
        backbone: The network.
        layer: The name of one of its modules, whose output is `[item, feature]` once flattened.
        mean: `[feature]`.
        deviation: `[feature]`.
        head: What reads it.
    """

    mean: torch.Tensor
    deviation: torch.Tensor

    def __init__(self, backbone: nn.Module, layer: str, mean: Any, deviation: Any, head: nn.Module) -> None:
        super().__init__()
        self.backbone, self.head = backbone, head
        self.register_buffer("mean", torch.as_tensor(mean))
        self.register_buffer("deviation", torch.as_tensor(deviation))
        self._held: list[torch.Tensor] = []
        backbone.get_submodule(layer).register_forward_hook(lambda _module, _inputs, output: self._held.append(output))

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """Logits `[item, class]`."""
        self._held.clear()
        self.backbone(pixels)
        rows = (self._held.pop().flatten(1) - self.mean) / self.deviation
        logits: torch.Tensor = self.head(rows)
        return logits


def classifier(module: nn.Module) -> nn.Linear:
    """The last linear map of a network: its `in_features` are the width of what feeds it, after pooling."""
    return [each for each in module.modules() if isinstance(each, nn.Linear)][-1]


def features_and_logits(model: Model, stimuli: Stimuli, batch_size: int) -> tuple[Any, Any]:
    """What enters the classifier and what leaves it, `[item, feature]` and `[item, class]`, in one pass."""
    held: list[torch.Tensor] = []
    hook = classifier(model.module).register_forward_pre_hook(lambda _module, inputs: held.append(inputs[0]))
    features, logits = [], []
    try:
        for start in range(0, len(stimuli), batch_size):
            stop = min(start + batch_size, len(stimuli))
            logits.append(model.forward(model.prepare([stimuli[row] for row in range(start, stop)])).float().cpu().numpy())
            features.append(held.pop().float().cpu().numpy())
    finally:
        hook.remove()
    return np.concatenate(features), np.concatenate(logits)
