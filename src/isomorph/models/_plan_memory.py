"""How much memory a forward pass holds at its fullest moment, and which tensors are one and the same."""

from __future__ import annotations

import weakref
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode


class PeakMeter(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Within its `with` block, adds up the tensors that operations make and takes off those that are freed.

    What a kernel borrows while it runs is not seen. Writes in place are counted, because tensors of inference mode have no versions.

    Attributes:
        peak: The most bytes that lived at once.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.peak = 0
        self._live = 0
        self._made = 0
        self._known: dict[int, tuple[int, weakref.ref[Any]]] = {}
        self._writes: Counter[int] = Counter()

    def place(self, tensor: torch.Tensor) -> tuple[int, ...]:
        """Where the values stand and how often they were written: equal places hold equal values."""
        key = _storage_key(tensor)
        made = self._known[key][0] if key in self._known else 0
        return (key, made, self._writes[key], tensor.storage_offset(), *tensor.shape, *tensor.stride())

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Whether torch wraps what follows so that it imports its compiler (2 to 3 s) to be left alone by it."""
        return False

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Mapping[str, Any] | None = None) -> Any:
        """Run one operation and note what it made."""
        before = {_storage_key(each) for each in _tensors_in((args, kwargs))}
        result = func(*args, **(kwargs or {}))
        if func._schema.is_mutable:
            self._writes.update(before)
        for each in _tensors_in(result):
            if (key := _storage_key(each)) not in before and key not in self._known:
                self._note(key, each.untyped_storage())
        return result

    def _note(self, key: int, storage: torch.UntypedStorage) -> None:
        size = storage.nbytes()

        def freed(_: object) -> None:
            self._live -= size
            self._known.pop(key, None)

        self._made += 1
        self._known[key] = (self._made, weakref.ref(storage, freed))
        self._live += size
        self.peak = max(self.peak, self._live)


def _tensors_in(value: Any) -> Iterator[torch.Tensor]:
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _tensors_in(each)
    elif isinstance(value, dict):
        yield from _tensors_in(list(value.values()))


def _storage_key(tensor: torch.Tensor) -> int:
    return int(tensor.untyped_storage()._cdata)
