"""A linear classifier on top of a network that stays as it is."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn


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
