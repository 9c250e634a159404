"""SqueezeNet 1.1 from Keras weights."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn


class Fire(nn.Module):
    """A narrow 1×1 convolution, then 1×1 and 3×3 convolutions side by side."""

    def __init__(self, channels: int, squeeze: int, expand: int) -> None:
        super().__init__()
        self.squeeze1x1 = nn.Conv2d(channels, squeeze, 1)
        self.expand1x1 = nn.Conv2d(squeeze, expand, 1)
        self.expand3x3 = nn.Conv2d(squeeze, expand, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return both expansions, one after the other in the channels."""
        narrow = self.squeeze1x1(x).relu()
        return torch.cat((self.expand1x1(narrow), self.expand3x3(narrow)), 1).relu()


class SqueezeNet(nn.Module):
    """Version 1.1: eight fire modules between two convolutions (Iandola et al., 2016)."""

    def __init__(self, classes: int = 1000) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 3, stride=2)
        self.relu1 = nn.ReLU()
        self.pool1 = nn.MaxPool2d(3, 2)
        self.fire2, self.fire3 = Fire(64, 16, 64), Fire(128, 16, 64)
        self.pool3 = nn.MaxPool2d(3, 2)
        self.fire4, self.fire5 = Fire(128, 32, 128), Fire(256, 32, 128)
        self.pool5 = nn.MaxPool2d(3, 2)
        self.fire6, self.fire7 = Fire(256, 48, 192), Fire(384, 48, 192)
        self.fire8, self.fire9 = Fire(384, 64, 256), Fire(512, 64, 256)
        self.conv10 = nn.Conv2d(512, classes, 1)
        self.relu10 = nn.ReLU()
        self.pool10 = nn.AdaptiveAvgPool2d(1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Turn float [stimulus, 3, height, width] into logits [stimulus, class]."""
        for layer in self.children():
            x = layer(x)
        return x.flatten(1)


def build(files: list[Path], options: Mapping[str, Any]) -> nn.Module:
    """The network with the weights of the Keras file; its kernels are [height, width, in, out]."""
    import h5py

    module = SqueezeNet()
    state = {}
    with h5py.File(files[0], "r") as file:
        for name, layer in module.named_modules():
            if isinstance(layer, nn.Conv2d):
                group = name.replace(".", "/")
                kernel = file[f"{group}/{group}_W:0"][()]
                state[f"{name}.weight"] = torch.from_numpy(kernel).permute(3, 2, 0, 1).contiguous()
                state[f"{name}.bias"] = torch.from_numpy(file[f"{group}/{group}_b:0"][()])
    module.load_state_dict(state, strict=True)
    return module
