"""Keras on torch, without a trace in Keras's settings."""

from __future__ import annotations

import importlib
import os
import random
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

import torch

from isomorph.errors import InputError, MissingDependencyError
from isomorph.models._foreign_network import layer_names
from isomorph.models._picture_input import PictureInput
from isomorph.models._weights import seeded

INSTALL = "pip install 'isomorph[keras]'"


def keras_on_torch(*, needed_by: str) -> Any:
    """The package keras, with torch as its backend.

    Raises:
        MissingDependencyError: It is not installed.
        InputError: It is, or shall be, on another backend.
    """
    if find_spec("keras") is None:
        raise MissingDependencyError("keras", needed_by=needed_by, install=INSTALL)
    before = os.environ.get("KERAS_BACKEND")
    if "keras" not in sys.modules and before in (None, "torch"):
        os.environ["KERAS_BACKEND"] = "torch"
        try:
            importlib.import_module("keras")
        finally:
            if before is None:
                del os.environ["KERAS_BACKEND"]
    backend = sys.modules["keras"].config.backend() if "keras" in sys.modules else before
    if backend != "torch":
        raise InputError(
            f"{needed_by} needs Keras on torch, but in this process Keras is set to {backend!r}. Set KERAS_BACKEND=torch before anything "
            f"imports Keras."
        )
    return sys.modules["keras"]


@contextmanager
def settings(keras: Any, device: torch.device, *, fresh: bool = False) -> Iterator[None]:
    """Channels last, float32 and the device, whatever the user's settings are; those return afterwards.

    `fresh` forgets the numbers that Keras gave to layers without a name, which it otherwise counts through all networks of a process.
    """
    layout, policy = keras.config.image_data_format(), keras.config.dtype_policy()
    if fresh:
        keras.utils.clear_session(free_memory=False)
    keras.config.set_image_data_format("channels_last")
    keras.config.set_dtype_policy("float32")
    try:
        with keras.device(str(device)):
            yield
    finally:
        keras.config.set_image_data_format(layout)
        keras.config.set_dtype_policy(policy)


def drawn(build: Callable[[], Any], seed: int) -> Any:
    """Call `build` with the generators that Keras takes its weights from at `seed`, and leave them as they were."""
    state = random.getstate()
    random.seed(seed)
    try:
        return seeded(build, seed)
    finally:
        random.setstate(state)


class KerasNetwork(torch.nn.Module):
    """A network of Keras whose layers are child modules under their own names; those inside a layer are `outer/inner`."""

    def __init__(self, keras: Any, network: Any, takes: PictureInput) -> None:
        super().__init__()
        found = dict(_layers(keras, network, ""))
        names = layer_names(self, found)
        for path, layer in found.items():
            self.add_module(names[path], layer)
        # Tuples hide these from torch, which would take the weights twice.
        self._keras, self._network = (keras,), (network,)
        self._takes = takes

    def forward(self, batch: torch.Tensor) -> Any:
        """What the network returns for pictures [stimulus, height, width, channel]."""
        self._takes.check(batch.shape)
        with settings(self._keras[0], batch.device):
            return self._network[0](batch, training=False)


def _layers(keras: Any, network: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    for layer in network.layers:
        if isinstance(layer, keras.layers.InputLayer):
            continue
        yield f"{prefix}{layer.name}", layer
        if isinstance(layer, keras.Model):
            yield from _layers(keras, layer, f"{prefix}{layer.name}/")
