"""Weights that a hub holds, and a clear word where it cannot be reached."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from isomorph.errors import FetchError

T = TypeVar("T")


def from_hub(
    name: str,
    load: Callable[[], T],
    *,
    hub_id: str,
    cache: str,
    untrained: str,
    files: Sequence[str] = ("model.safetensors", "pytorch_model.bin"),
) -> T:
    """Call `load`, which takes weights from the cache of a hub, or from the hub.

    Args:
        name: What the model is called.
        load: Builds the network with its weights.
        hub_id: The repository of the weights; empty where they are not on the hub.
        cache: Whose cache it is, for the message.
        untrained: The name of the same architecture without weights, for the message.
        files: One of these holds the weights.

    Raises:
        FetchError: They are not in the cache and the hub cannot be reached.
    """
    try:
        if hub_id and not _in_cache(hub_id, files):
            _reach(hub_id)
        return load()
    except Exception as error:  # httpx, requests, urllib and the hub each have an error of their own for a network that is away
        if not isinstance(error, OSError) and "NetworkError" not in {kind.__name__ for kind in type(error).__mro__}:
            raise
        raise FetchError(
            f"the weights of {name!r} are not in {cache} cache and their hub cannot be reached ({type(error).__name__}). "
            f"Load them once on a machine with a network and copy its cache (the folder $HF_HOME), "
            f"or use untrained weights: {untrained!r}."
        ) from error


def _in_cache(hub_id: str, files: Sequence[str]) -> bool:
    from huggingface_hub import try_to_load_from_cache

    return any(isinstance(try_to_load_from_cache(hub_id, each), str) for each in files)


def _reach(hub_id: str) -> None:
    """Ask the hub once, because a download that cannot begin retries for most of a minute."""
    from huggingface_hub import HfApi

    HfApi().model_info(hub_id, timeout=10)
