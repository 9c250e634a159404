"""The class scores in what a network returns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from isomorph.errors import InputError

if TYPE_CHECKING:
    import torch

    from isomorph.models._model import Model


def class_scores(output: Any) -> Any:
    """What is called logits in it, or else the output itself."""
    if isinstance(output, Mapping):
        output = output.get("logits")
    return getattr(output, "logits", output)


def read_logits(model: Model, output: Any, *, owner: str, item: str = "item") -> torch.Tensor:
    """The logits `[item, class]` in what a network returns.

    Raises:
        InputError: It returns something else.
    """
    logits: torch.Tensor = class_scores(output)
    if getattr(logits, "ndim", None) != 2:
        shape = list(logits.shape) if hasattr(logits, "shape") else type(logits).__name__
        raise InputError(f"{model.name} gives {shape} where a classifier gives [{item}, class]; {owner} needs its logits.")
    return logits
