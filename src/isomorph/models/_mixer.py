"""The MLP-Mixer: patches and channels, mixed in turn."""

from __future__ import annotations

import torch
from torch import nn


class Mixing(nn.Module):
    """One block: a network across patches, then one across channels, each beside a shortcut."""

    def __init__(self, patches: int, width: int, across_patches: int, across_channels: int, dropout: float) -> None:
        super().__init__()
        self.patch_norm, self.channel_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.patches = _two_layers(patches, across_patches, dropout)
        self.channels = _two_layers(width, across_channels, dropout)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """`[item, patch, channel]` to the same."""
        x = x + self.patches(self.patch_norm(x).transpose(1, 2)).transpose(1, 2)
        mixed: torch.Tensor = x + self.channels(self.channel_norm(x))
        return mixed


class Mixer(nn.Module):
    """A classifier of square pictures.

    Args:
        image_pixels: Their side.
        patch_pixels: Side of a patch.
        width: Channels of a patch.
        depth: Blocks.
        patch_expansion: Hidden units across patches, as a multiple of the number of patches.
        channel_expansion: Hidden units across channels, as a multiple of `width`.
        dropout: In every block, twice in each of its networks.
        classes: Outputs.

    References:
        Tolstikhin et al., 2021, <https://arxiv.org/abs/2105.01601>.
    """

    def __init__(
        self,
        *,
        image_pixels: int,
        patch_pixels: int,
        width: int,
        depth: int,
        patch_expansion: float,
        channel_expansion: float,
        dropout: float,
        classes: int,
    ) -> None:
        super().__init__()
        patches = (image_pixels // patch_pixels) ** 2
        hidden = round(patches * patch_expansion), round(width * channel_expansion)
        self.embed = nn.Conv2d(3, width, patch_pixels, patch_pixels)
        self.blocks = nn.Sequential(*(Mixing(patches, width, *hidden, dropout) for _ in range(depth)))
        self.norm = nn.LayerNorm(width)
        self.mean = nn.AdaptiveAvgPool1d(1)
        self.flat = nn.Flatten()
        self.head = nn.Linear(width, classes)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """Logits `[item, class]`."""
        x = self.norm(self.blocks(self.embed(pixels).flatten(2).transpose(1, 2)))
        logits: torch.Tensor = self.head(self.flat(self.mean(x.transpose(1, 2))))
        return logits


def _two_layers(width: int, hidden: int, dropout: float) -> nn.Sequential:
    return nn.Sequential(nn.Linear(width, hidden), nn.GELU(), nn.Dropout(dropout), nn.Linear(hidden, width), nn.Dropout(dropout))
