"""Reading what modules return while a forward pass runs, and stopping it when nothing more is wanted."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

ROOT = "output"


class _LastLayerSeen(BaseException):
    """Ends a forward pass whose rest nobody wants: that of the tap it carries, as one tap may run within another's pass."""


class Tap:
    """Calls `read(name, tensor)` for every tensor that the modules of a network return, in the order in which they return.

    Names are those of `named_modules()`, `output` for the network itself; a module's second call in one pass is `name:2`; members of
    tuples and dicts are `name[0]`, `name[key]`. The tensor is read before the next operation runs, so nothing that works in place can
    spoil it.

    Args:
        module: The network.
        read: What to do with each tensor.
        only: The names wanted; None takes every one. The pass ends after the last.
    """

    def __init__(self, module: torch.nn.Module, read: Callable[[str, torch.Tensor], None], *, only: Collection[str] | None = None) -> None:
        self._module = module
        self._read = read
        self._only = None if only is None else frozenset(only)
        self._calls: dict[str, int] = {}
        self._left: set[str] = set()

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Within, hooks are in place; they are gone afterwards, whatever happened."""
        wanted = None if self._only is None else {module_of(name) for name in self._only}
        handles = []
        try:
            for path, module in self._module.named_modules():
                if wanted is None or (path or ROOT) in wanted:
                    handles.append(module.register_forward_hook(self._hook(path or ROOT)))
            yield
        finally:
            for handle in handles:
                handle.remove()

    def run(self, forward: Callable[[], Any]) -> bool:
        """One forward pass within `listening`; returns whether it was ended early."""
        self._calls.clear()
        self._left = set(self._only or ())
        try:
            forward()
        except _LastLayerSeen as seen:
            if seen.args[0] is not self:
                raise
            return True
        return False

    def missed(self) -> list[str]:
        """The wanted names that the last pass did not come by."""
        return sorted(self._left)

    def _hook(self, path: str) -> Callable[..., None]:
        def hook(module: Any, inputs: Any, output: Any) -> None:
            call = self._calls[path] = self._calls.get(path, 0) + 1
            for name, tensor in tensors_of(path if call == 1 else f"{path}:{call}", output):
                if self._only is None:
                    self._read(name, tensor)
                elif name in self._left:
                    self._left.discard(name)
                    self._read(name, tensor)
                    if not self._left:
                        raise _LastLayerSeen(self)

        return hook


def tensors_of(name: str, output: Any) -> Iterator[tuple[str, torch.Tensor]]:
    """The tensors in what a module returned, with their names."""
    import torch

    if isinstance(output, torch.Tensor):
        yield name, output
    elif isinstance(output, Mapping):
        for key, each in output.items():
            yield from tensors_of(f"{name}[{key}]", each)
    elif isinstance(output, list | tuple):
        for index, each in enumerate(output):
            yield from tensors_of(f"{name}[{index}]", each)


def module_of(layer: str) -> str:
    """The module a layer's name belongs to: `blocks.0:2[1]` → `blocks.0`."""
    return layer.partition("[")[0].partition(":")[0]
