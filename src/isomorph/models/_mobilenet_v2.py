"""torchvision's MobileNetV2, trained and random."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from isomorph.models._torchvision_guard import import_beside_torchvision
from isomorph.models._weights import read_checkpoint, seeded


def build(files: list[Path], options: Mapping[str, Any]) -> torch.nn.Module:
    """The architecture with the packaged weights."""
    module = _architecture()
    module.load_state_dict(read_checkpoint(files[0]), strict=True)
    return module


def build_random(files: list[Path], options: Mapping[str, Any]) -> torch.nn.Module:
    """The architecture with the weights that its own initialisation draws from `options["seed"]`."""
    return seeded(_architecture, int(options["seed"]))


def _architecture() -> torch.nn.Module:
    module: torch.nn.Module = import_beside_torchvision("torchvision.models").mobilenet_v2(weights=None)
    return module
