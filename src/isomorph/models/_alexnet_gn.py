"""AlexNet with group normalisation, as instance-prototype contrastive learning trained it (Konkle and Alvarez, 2022).

Written from the architecture that the paper and the published weights state. Layers carry the names of the published weights, so that
those load as they are.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.functional import normalize

_GROUPS = 32


class _UnitLength(nn.Module):
    """Divides each row by its Euclidean length."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return normalize(x, dim=1)


class AlexNetGN(nn.Module):
    """Five convolutions, two hidden layers, and an embedding on the unit sphere.

    Args:
        embedding: How many numbers a picture has at the end.

    Example:
        >>> AlexNetGN().eval()(torch.zeros(1, 3, 224, 224)).shape
        torch.Size([1, 128])
    """

    def __init__(self, *, embedding: int = 128) -> None:
        super().__init__()
        self.conv_block_1 = _convolution(3, 96, 11, stride=4, padding=2, pool=True)
        self.conv_block_2 = _convolution(96, 256, 5, padding=2, pool=True)
        self.conv_block_3 = _convolution(256, 384, 3, padding=1)
        self.conv_block_4 = _convolution(384, 384, 3, padding=1)
        self.conv_block_5 = _convolution(384, 256, 3, padding=1, pool=True)
        self.ave_pool = nn.AdaptiveAvgPool2d(6)
        self.fc6 = _hidden(256 * 6 * 6)
        self.fc7 = _hidden(4096)
        self.fc8 = nn.Sequential(nn.Linear(4096, embedding))
        self.l2norm = _UnitLength()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Turn float [stimulus, 3, height, width] into unit vectors [stimulus, embedding]."""
        for block in (self.conv_block_1, self.conv_block_2, self.conv_block_3, self.conv_block_4, self.conv_block_5):
            x = block(x)
        x = self.ave_pool(x).flatten(1)
        return self.l2norm(self.fc8(self.fc7(self.fc6(x))))  # type: ignore[no-any-return]


def _convolution(inputs: int, outputs: int, side: int, *, stride: int = 1, padding: int, pool: bool = False) -> nn.Sequential:
    layers = [nn.Conv2d(inputs, outputs, side, stride, padding, bias=False), nn.GroupNorm(_GROUPS, outputs), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers, *([nn.MaxPool2d(3, 2)] if pool else []))


def _hidden(inputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(inputs, 4096), nn.BatchNorm1d(4096), nn.ReLU(inplace=True))
