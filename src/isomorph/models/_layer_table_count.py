"""What each call of each module takes in, and how many multiplications it does."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry, sdpa_flop_count

from isomorph.models._hooks import ROOT, tensors_of


@dataclass
class Call:
    """One call of a module.

    Attributes:
        input_shape: Of the first tensor that it was given, without the axis of stimuli.
        dtypes: The type of each tensor that it returned, by the layer's name.
        macs: Multiplications with an addition, of the operations within.
    """

    input_shape: tuple[int, ...] = ()
    dtypes: dict[str, str] | None = None
    macs: int = 0


class CallCounter(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Within `counting`, notes every call of every module; names are those of layers.

    Counted are convolutions, matrix products of all kinds (linear layers and attention among them), and fused attention. Element-wise
    operations, norms and poolings count nothing, and neither do fused recurrent layers (LSTM, GRU).

    Attributes:
        calls: By the layer's name: the module's path, `path:2` for its second call.
    """

    def __init__(self, module: torch.nn.Module) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.calls: dict[str, Call] = {}
        self._module = module
        self._counts: dict[str, int] = {}
        self._open: list[tuple[str, Call]] = []

    @contextmanager
    def counting(self) -> Iterator[None]:
        """Within, every operation is counted. Fused encoder layers run as their parts, because inside them nothing can be seen."""
        fused = torch.backends.mha.get_fastpath_enabled()
        with ExitStack() as stack:
            stack.callback(torch.backends.mha.set_fastpath_enabled, fused)
            torch.backends.mha.set_fastpath_enabled(False)
            for path, module in self._module.named_modules():
                before = partial(self._begin, path or ROOT)
                for handle in (
                    module.register_forward_pre_hook(before, prepend=True, with_kwargs=True),
                    module.register_forward_hook(self._end),
                ):
                    stack.callback(handle.remove)
            with self:
                yield

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Whether torch wraps what follows so that it imports its compiler (2 to 3 s) to be left alone by it."""
        return False

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Mapping[str, Any] | None = None) -> Any:
        """Run one operation, in parts where it has any, and count it."""
        kwargs = kwargs or {}
        formula = _FORMULAS.get(func.overloadpacket)
        if formula is None and func is not torch.ops.prim.device.default:
            with self:  # in inference mode, operations that consist of others come as a whole
                parts = func.decompose(*args, **kwargs)
            if parts is not NotImplemented:
                return parts
        result = func(*args, **kwargs)
        macs = formula(*args, **kwargs, out_val=result) // 2 if formula else 0
        for _, call in self._open:
            call.macs += macs
        return result

    def _begin(self, path: str, module: Any, args: Any, kwargs: Any) -> None:
        count = self._counts[path] = self._counts.get(path, 0) + 1
        given = next(tensors_of("", [*args, *kwargs.values()]), None)
        call = Call(tuple(given[1].shape[1:]) if given else ())
        name = path if count == 1 else f"{path}:{count}"
        self.calls[name] = call
        self._open.append((name, call))

    def _end(self, module: Any, inputs: Any, output: Any) -> None:
        name, call = self._open.pop()
        call.dtypes = {each: str(tensor.dtype).removeprefix("torch.") for each, tensor in tensors_of(name, output)}


def _attention(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, *_: Any, out_val: Any = None, **__: Any) -> int:
    return sdpa_flop_count(query.shape, key.shape, value.shape)  # type: ignore[no-any-return, no-untyped-call]


def _matrix_times_vector(matrix: torch.Tensor, vector: torch.Tensor, *_: Any, out_val: Any = None, **__: Any) -> int:
    return 2 * matrix.numel()


_FORMULAS: Mapping[Any, Callable[..., int]] = {
    **flop_registry,
    torch.ops.aten._scaled_dot_product_flash_attention_for_cpu: _attention,
    torch.ops.aten.mv: _matrix_times_vector,
}
