"""Layers that are another layer's values, cut off at 0 and perhaps at 6: their rows need not be kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import xxhash
from torch import nn

from isomorph.models._plan import Clamped
from isomorph.models._plan_memory import PeakMeter

if TYPE_CHECKING:
    from isomorph.models._plan_dry_run import Output

_CEILINGS: Mapping[type[nn.Module], float | None] = {nn.ReLU: None, nn.ReLU6: 6.0}


class ClampWatch:
    """Sees what rectifiers are given during a dry run.

    Args:
        modules: Of the network, by path.
        meter: Knows which tensors are one and the same.
        places: The outputs so far, by where their values stand.
    """

    def __init__(self, modules: Mapping[str, nn.Module], meter: PeakMeter, places: Mapping[tuple[int, ...], Output]) -> None:
        self._modules = {path: each for path, each in modules.items() if type(each) in _CEILINGS}
        self._meter, self._places = meter, places
        self._given: dict[str, tuple[Clamped, bytes]] = {}

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Within, inputs of rectifiers are looked at."""
        handles = [module.register_forward_pre_hook(self._hook(path)) for path, module in self._modules.items()]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def clamped(self, path: str, digest: bytes) -> Clamped | None:
        """What the last output of a module is, if it is another output clamped, bit for bit."""
        found, expected = self._given.pop(path, (None, b""))
        return found if expected == digest else None

    def _hook(self, path: str) -> Callable[..., None]:
        ceiling = _CEILINGS[type(self._modules[path])]

        def hook(module: nn.Module, inputs: tuple[Any, ...]) -> None:
            self._given.pop(path, None)
            source = self._places.get(self._meter.place(inputs[0])) if inputs and isinstance(inputs[0], torch.Tensor) else None
            if source is not None:
                values = np.clip(inputs[0].float().cpu().numpy(), 0, ceiling)  # numpy's memory is not the network's: no meter counts it
                rows = np.ascontiguousarray(values.reshape(len(values), -1))
                self._given[path] = Clamped(source=source.name, ceiling=ceiling), xxhash.xxh3_128(rows.data).digest()

        return hook
