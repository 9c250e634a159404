"""The weights of a training checkpoint, in a network."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from isomorph.errors import FileError
from isomorph.models._torchvision_guard import import_beside_torchvision

# Where training code puts a network inside its checkpoint, outermost first; and what it calls the network there.
_WRAPPERS = ("classy_state_dict", "base_model", "model", "trunk", "model_state_dict", "state_dict", "teacher")
_PREFIXES = ("module.", "_feature_blocks.", "backbone.", "encoder_q.")


def fill(module: Any, path: Path) -> None:
    """Put the weights of a training checkpoint into a network; every one of the network's must be there.

    Raises:
        FileError: The file holds more than tensors, or not this network.
    """
    found = tensors_of(read_tensors(path, name=str(path)))
    if hasattr(module, "cls_attn_blocks"):  # timm names some parts of XCiT otherwise than its authors
        found = import_beside_torchvision("timm.models.xcit").checkpoint_filter_fn(found, module)
    take(module, found, name=str(path))


def take(module: Any, found: Mapping[str, Any], *, name: str) -> None:
    """Load a table of tensors that must hold all of a network's; further ones are left out.

    Raises:
        FileError: One is missing, or has another shape.
    """
    state = module.state_dict()
    missing = [key for key in state if key not in found and not key.endswith("num_batches_tracked")]
    wrong = [key for key in state if key in found and found[key].shape != state[key].shape]
    if missing or wrong:
        first = (missing + wrong)[0]
        raise FileError(
            f"{name} does not hold this network: of its {len(state)} tensors {len(missing)} are missing and {len(wrong)} have another "
            f"shape; the first is {first!r}."
        )
    module.load_state_dict({key: found.get(key, each) for key, each in state.items()})


def read_tensors(file: Path | IO[bytes], *, name: str) -> Any:
    """What a checkpoint holds; nothing but tensors and plain data is unpickled.

    Raises:
        FileError: It holds anything else, or is damaged.
    """
    from pickle import UnpicklingError

    import torch

    try:
        return torch.load(file, map_location="cpu", weights_only=True)
    except (UnpicklingError, RuntimeError, EOFError) as error:
        raise FileError(
            f"{name} holds more than tensors, or is damaged, and is not read: {str(error).splitlines()[0]} If you trust where it comes "
            f"from, save the tensors of its network alone with torch.save(state_dict, path), and put that file in its place."
        ) from error


def tensors_of(held: Any) -> dict[str, Any]:
    """The innermost table of tensors of a checkpoint, under the network's own names."""
    while isinstance(held, Mapping):
        inner = next((held[key] for key in _WRAPPERS if isinstance(held.get(key), Mapping)), None)
        if inner is None:
            return {_bare(key): each for key, each in held.items() if isinstance(key, str) and hasattr(each, "shape")}
        held = inner
    return {}


def _bare(key: str) -> str:
    for prefix in _PREFIXES:
        key = key.removeprefix(prefix)
    return key
