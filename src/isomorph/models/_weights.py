"""Weights from files, weights from seeds, and digests of both."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from isomorph.errors import FileError

if TYPE_CHECKING:
    import torch


def weights_digest(state: Mapping[str, torch.Tensor]) -> str:
    """xxh3 (128 bits) over each tensor's name, type, shape and bytes, in the order of the names."""
    import torch
    import xxhash

    digest = xxhash.xxh3_128()
    for name in sorted(state):
        tensor = state[name].detach().cpu().contiguous()
        digest.update(f"{name}|{tensor.dtype}|{list(tensor.shape)};".encode())
        if tensor.numel():
            digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return f"xxh3:{digest.hexdigest()}"


def seeded(build: Callable[[], torch.nn.Module], seed: int) -> torch.nn.Module:
    """Call `build` with torch's CPU generator at `seed`, and leave the generator as it was."""
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return build()


def read_checkpoint(path: Path) -> dict[str, torch.Tensor]:
    """The tensors of a `.pth` file; nothing but tensors is unpickled.

    Raises:
        FileError: The file holds anything else.
    """
    from pickle import UnpicklingError

    import torch

    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (UnpicklingError, RuntimeError, EOFError) as error:
        raise FileError(f"{path} is not a file of weights that can be read safely: {str(error).splitlines()[0]}") from error
    if not isinstance(state, Mapping) or not all(isinstance(each, torch.Tensor) for each in state.values()):
        raise FileError(f"{path} does not hold a table of tensors.")
    return dict(state)
