"""A network followed by an affine map."""

from __future__ import annotations

import dataclasses
from typing import Any

import torch

from isomorph import spec
from isomorph.errors import InputError, ShapeError
from isomorph.models._hooks import ROOT, Tap, module_of
from isomorph.models._model import AffineMap, Model


class Aligned(torch.nn.Module):
    """Applies an affine map to the axis that has its width: the last one, or the channels of maps; else to all features as one."""

    weights: torch.Tensor
    bias: torch.Tensor | None
    mean: torch.Tensor | None
    std: torch.Tensor | None

    def __init__(self, fitted: AffineMap, like: torch.Tensor) -> None:
        super().__init__()
        self.digest = fitted.digest
        parts = {name: torch.tensor(part, dtype=like.dtype, device=like.device) for name, part in fitted.parts.items()}
        for name in ("weights", "bias", "mean", "std"):
            self.register_buffer(name, parts.get(name))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map the features of a batch."""
        if x.shape[-1] == len(self.weights):
            return self._map(x)
        if x.ndim == 4 and x.shape[1] == len(self.weights):
            return self._map(x.movedim(1, -1)).movedim(-1, 1)
        if x[0].numel() == len(self.weights):
            return self._map(x.flatten(1))
        raise ShapeError(f"the transform takes {len(self.weights)} features, but the layer gives {tuple(x.shape[1:])} a stimulus.")

    def _map(self, x: torch.Tensor) -> torch.Tensor:
        x = x if self.mean is None else x - self.mean
        x = (x if self.std is None else x / self.std) @ self.weights
        return x if self.bias is None else x + self.bias

    def extra_repr(self) -> str:
        """The map's digest."""
        return self.digest


class Then(torch.nn.Module):
    """Runs a network and maps what one of its layers returns."""

    def __init__(self, model: torch.nn.Module, layer: str, fitted: AffineMap) -> None:
        super().__init__()
        self.model = model
        self.layer = layer
        self.aligned = Aligned(fitted, next((each for each in model.parameters() if each.is_floating_point()), torch.empty(0)))

    def forward(self, *inputs: Any, **named: Any) -> torch.Tensor:
        """The mapped features."""
        found: list[torch.Tensor] = []

        def read(name: str, tensor: torch.Tensor) -> None:
            if name == self.layer:
                found.append(self.aligned(tensor))  # at once: the next operation may work in place

        with Tap(self.model, read).listening():
            self.model(*inputs, **named)
        if not found:
            raise InputError(f"the layer {self.layer!r} never ran, so there is nothing to map. Name the one that the map was fitted at.")
        return found[0]

    def extra_repr(self) -> str:
        """The layer that is mapped."""
        return f"layer={self.layer!r}"


def then(model: Model, fitted: AffineMap, layer: str | None) -> Model:
    """What `Model.then` returns; its errors."""
    fitted.check_model(model.name, model.fingerprint)
    layer = layer or fitted.layer
    names = {name or ROOT for name, _ in model.module.named_modules()}
    if module_of(layer) not in names:
        what = (
            f"the map fits the layer {layer!r}, which {model.name} does not have" if layer else "the map does not say which layer it fits"
        )
        raise InputError(f"{what}; name one with layer=…, such as {sorted(names)[-1]!r}.")
    card = dataclasses.replace(model.card, name=fitted.rename(model.name), layer="aligned")
    return dataclasses.replace(
        model,
        card=card,
        module=Then(model.module, layer, fitted),
        weights=spec.fingerprint([model.weights, fitted.digest, layer]),
        seen=tuple(dict.fromkeys([*model.seen, *(fitted.seen or ())])),
    )
