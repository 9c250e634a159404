"""A network that another runtime runs, with its outputs as layers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from isomorph.errors import DeviceError
from isomorph.models._picture_input import PictureInput

Arrays = Mapping[str, np.ndarray[Any, Any]]
_UNFIT = re.compile(r"[^A-Za-z0-9_/-]")  # dots, colons and brackets have a meaning in names of layers


class NamedOutput(torch.nn.Module):
    """Returns what it is given: a place where hooks can read."""

    def forward(self, value: Any) -> Any:
        """Return `value`."""
        return value


def named_output(kind: str) -> NamedOutput:
    """One whose class is called `kind`, as plans of an extraction show it."""
    made: NamedOutput = type(_UNFIT.sub("_", kind) or "Output", (NamedOutput,), {})()
    return made


def layer_names(module: torch.nn.Module, tensors: Iterable[str]) -> dict[str, str]:
    """For each tensor's name the layer's: letters, digits, `_`, `-` and `/`; one that is taken gets `_2` or `_3` behind it."""
    taken = {"output"}
    names = {}
    for tensor in tensors:
        plain = _UNFIT.sub("_", tensor).strip("/") or "tensor"
        name, count = plain, 1
        while name in taken or hasattr(module, name):
            count += 1
            name = f"{plain}_{count}"
        taken.add(name)
        names[tensor] = name
    return names


class ForeignNetwork(torch.nn.Module):
    """Runs a batch elsewhere and shows the outputs to hooks.

    Each output that the runtime can give is a child module, which is called with it. Only what somebody listens to is fetched. The
    network's own result comes along when somebody listens to that, or to nothing at all; otherwise what was fetched is returned.

    Args:
        takes: The input.
        layers: Name and kind of each output, in the order in which they run.
        ends: The outputs that are the network's result.
        run: `(array, names) -> arrays` for one batch of the size that the input takes.
    """

    def __init__(
        self,
        takes: PictureInput,
        layers: Sequence[tuple[str, str]],
        ends: Sequence[str],
        run: Callable[[np.ndarray[Any, Any], Sequence[str]], Arrays],
    ) -> None:
        super().__init__()
        self._takes, self._ends, self._run = takes, tuple(ends), run
        self._layers = layer_names(self, [name for name, _ in layers])
        for name, kind in layers:
            self.add_module(self._layers[name], named_output(kind))

    def forward(self, batch: torch.Tensor) -> Any:
        """One tensor, or a dict of them where the network has several results."""
        heard = [name for name, layer in self._layers.items() if self.get_submodule(layer)._forward_hooks]
        ends = self._ends if self._forward_hooks or not heard else ()
        arrays = in_chunks(self._run, self._takes, batch, list(dict.fromkeys([*heard, *ends])))
        tensors = {name: torch.from_numpy(each).to(batch.device) for name, each in arrays.items()}
        for name in heard:
            tensors[name] = self.get_submodule(self._layers[name])(tensors[name])
        result = {self._layers.get(name, name): tensors[name] for name in (ends or heard)}
        return next(iter(result.values())) if len(result) == 1 else result

    def to(self, *arguments: Any, **options: Any) -> Any:
        """Stay on the CPU.

        Raises:
            DeviceError: It shall go anywhere else.
        """
        device = arguments[0] if arguments else options.get("device")
        if isinstance(device, str | torch.device) and torch.device(device).type != "cpu":
            raise DeviceError(f"{self._takes.subject} runs outside torch, on the CPU only; it cannot go to '{device}'.")
        return super().to(*arguments, **options)


def in_chunks(
    run: Callable[..., Arrays], takes: PictureInput, batch: torch.Tensor, names: Sequence[str]
) -> dict[str, np.ndarray[Any, Any]]:
    """The outputs for a batch of any size; a network that takes a fixed number is run as often as that needs, the last time filled up.

    Outputs without an axis of stimuli are those of the first run.
    """
    values = takes.fit(batch)
    size = takes.items
    if size is None:
        return dict(run(values, names))
    parts = []
    for start in range(0, len(values), size):
        chunk = values[start : start + size]
        filled = np.concatenate([chunk, np.repeat(chunk[-1:], size - len(chunk), axis=0)])
        arrays = run(filled, names)
        parts.append({name: each[: len(chunk)] if each.ndim and len(each) == size else each for name, each in arrays.items()})
    whole = {}
    for name, first in parts[0].items():
        rows = first.ndim and len(first) == min(size, len(values))
        whole[name] = np.concatenate([each[name] for each in parts]) if rows else first
    return whole
