"""A network without weights and without memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from isomorph.errors import InputError
from isomorph.models._load import find_source

if TYPE_CHECKING:
    import torch


def outline(name: str) -> torch.nn.Module:
    """The network of a model on torch's `meta` device: its layers, their shapes and its size, whatever the memory of this machine.

    Args:
        name: As `load_model` takes it; weights are neither needed nor drawn.

    Raises:
        UnknownNameError: There is no such source or model.
        MissingDependencyError: A package is missing.
        InputError: The source has finished networks only.

    Example:
        >>> network = outline("timm/vit_giant_patch14_dinov2.lvd142m")
        >>> sum(each.numel() for each in network.parameters()), next(network.parameters()).device.type
        (1136479232, 'meta')
    """
    import torch
    from torch.overrides import TorchFunctionMode

    class NothingDrawn(TorchFunctionMode):
        """On the meta device a drawn weight is no other than an undrawn one, and a thousand draws take seconds."""

        def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            drawn = (torch.Tensor.normal_, torch.Tensor.uniform_, torch.Tensor.erfinv_)
            return args[0] if func in drawn else func(*args, **(kwargs or {}))

    source, rest = find_source(name)
    untrained = getattr(source, "untrained", None)
    if untrained is None:
        raise InputError(f"{name!r} comes from a source of finished networks, which has no outlines; load the model instead.")
    with torch.device("meta"), NothingDrawn():
        network: torch.nn.Module = untrained(rest)
    return network.eval()
