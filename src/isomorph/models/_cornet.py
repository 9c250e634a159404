"""The CORnet family: four areas of the ventral stream, shallow and, but for Z, recurrent.

Written from the architecture that the papers and the published weights state (Kubilius et al., 2018, bioRxiv 408385; 2019, arXiv
1909.06161). Layers carry the names of the published weights, so that V1, V2, V4 and IT can be read by name; what a recurrent area computes
at its second time step is its layers' `name:2`.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import torch
from torch import nn
from torch.nn.functional import conv2d


class _Strided(nn.Conv2d):
    """A convolution without bias whose stride is given with each call: 2 when the input enters the area, 1 when its own output does."""

    def forward(self, x: torch.Tensor, stride: int = 1) -> torch.Tensor:
        return conv2d(x, self.weight, None, stride, self.padding)


class _AreaS(nn.Module):
    """A bottleneck block that is run `times` times with one set of weights and a batch normalisation a time step."""

    def __init__(self, inputs: int, outputs: int, times: int) -> None:
        super().__init__()
        wide = 4 * outputs
        self.times = times
        self.conv_input = nn.Conv2d(inputs, outputs, 1, bias=False)
        self.skip = nn.Conv2d(outputs, outputs, 1, stride=2, bias=False)
        self.norm_skip = nn.BatchNorm2d(outputs)
        self.conv1 = nn.Conv2d(outputs, wide, 1, bias=False)
        self.conv2 = _Strided(wide, wide, 3, padding=1, bias=False)
        self.conv3 = nn.Conv2d(wide, outputs, 1, bias=False)
        for step in range(times):
            for place, width in ((1, wide), (2, wide), (3, outputs)):
                self.add_module(f"norm{place}_{step}", nn.BatchNorm2d(width))
        self.nonlin1, self.nonlin2, self.nonlin3 = nn.ReLU(), nn.ReLU(), nn.ReLU()
        self.output = nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.conv_input(x)
        for step in range(self.times):
            norm1, norm2, norm3 = (self.get_submodule(f"norm{place}_{step}") for place in (1, 2, 3))
            held = x if step else self.norm_skip(self.skip(x))
            x = self.nonlin1(norm1(self.conv1(x)))
            x = self.nonlin2(norm2(self.conv2(x, 1 if step else 2)))
            x = self.output(self.nonlin3(norm3(self.conv3(x)) + held))
        return x


class _AreaZ(nn.Module):
    """Convolution, rectification, pooling."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2)
        self.nonlin = nn.ReLU()
        self.pool = nn.MaxPool2d(3, 2, 1)
        self.output = nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.output(self.pool(self.nonlin(self.conv(x))))  # type: ignore[no-any-return]


class _AreaR(nn.Module):
    """An area with a state: what it computed at the step before is added to its input."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 3, stride: int = 2) -> None:
        super().__init__()
        self.conv_input = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2)
        self.norm_input = nn.GroupNorm(32, outputs)
        self.nonlin_input = nn.ReLU()
        self.conv1 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.norm1 = nn.GroupNorm(32, outputs)
        self.nonlin1 = nn.ReLU()
        self.output = nn.Identity()

    def forward(self, below: torch.Tensor, state: torch.Tensor | None = None, *, arrived: bool = True) -> torch.Tensor:
        if arrived:
            x = self.nonlin_input(self.norm_input(self.conv_input(below)))
        else:
            x = below.new_zeros(len(below), self.conv1.in_channels, *((side - 1) // 2 + 1 for side in below.shape[2:]))
        return self.output(self.nonlin1(self.norm1(self.conv1(x if state is None else x + state))))  # type: ignore[no-any-return]


class _Recurrent(nn.Module):
    """Four areas over five time steps; at the first one only V1 has an input.

    Args:
        delayed: Each area sees what the one below computed at the step *before* (CORnet-RT, biological unrolling in time), or at the
            same step (CORnet-R).
    """

    def __init__(self, *, delayed: bool, times: int = 5) -> None:
        super().__init__()
        self.delayed, self.times = delayed, times
        self.V1 = _AreaR(3, 64, kernel=7, stride=4)
        self.V2 = _AreaR(64, 128)
        self.V4 = _AreaR(128, 256)
        self.IT = _AreaR(256, 512)
        self.decoder = _decoder()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        areas = (self.V1, self.V2, self.V4, self.IT)
        states = [self.V1(x)]
        for area in areas[1:]:
            states.append(area(states[-1], arrived=False))
        for _ in range(1, self.times):
            before = list(states)
            for place, area in enumerate(areas):
                below = (before if self.delayed else states)[place - 1] if place else x
                states[place] = area(below, before[place])
        return self.decoder(states[-1])  # type: ignore[no-any-return]


def cornet_z() -> nn.Module:
    """CORnet-Z: no recurrence."""
    first = _AreaZ(3, 64, kernel=7, stride=2)
    network = _in_order(V1=first, V2=_AreaZ(64, 128), V4=_AreaZ(128, 256), IT=_AreaZ(256, 512), decoder=_decoder())
    for layer in network.modules():
        if isinstance(layer, (nn.Conv2d, nn.Linear)):
            nn.init.xavier_uniform_(layer.weight)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
    return network


def cornet_s() -> nn.Module:
    """CORnet-S: bottleneck blocks; V2, V4 and IT run 2, 4 and 2 times."""
    first = _in_order(
        conv1=nn.Conv2d(3, 64, 7, 2, 3, bias=False),
        norm1=nn.BatchNorm2d(64),
        nonlin1=nn.ReLU(),
        pool=nn.MaxPool2d(3, 2, 1),
        conv2=nn.Conv2d(64, 64, 3, padding=1, bias=False),
        norm2=nn.BatchNorm2d(64),
        nonlin2=nn.ReLU(),
        output=nn.Identity(),
    )
    network = _in_order(V1=first, V2=_AreaS(64, 128, 2), V4=_AreaS(128, 256, 4), IT=_AreaS(256, 512, 2), decoder=_decoder())
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
    return network


def cornet_r() -> nn.Module:
    """CORnet-R: within a step, activity passes through all areas."""
    return _Recurrent(delayed=False)


def cornet_rt() -> nn.Module:
    """CORnet-RT: within a step, activity passes from one area to the next."""
    return _Recurrent(delayed=True)


def _decoder() -> nn.Module:
    return _in_order(avgpool=nn.AdaptiveAvgPool2d(1), flatten=nn.Flatten(), linear=nn.Linear(512, 1000), output=nn.Identity())


def _in_order(**layers: Any) -> nn.Sequential:
    return nn.Sequential(OrderedDict(layers))
