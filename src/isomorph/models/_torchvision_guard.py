"""torchvision, and what needs it, beside a torch that lacks its compiled part, and without torch's compiler.

The wheel of torchvision links CUDA. Beside a CPU-only torch its compiled part does not load, the operators it would have registered
are missing, and `import torchvision` fails because it describes shapes for `torchvision::nms`. Declaring the two schemas that are asked
for at import is enough for models and transforms; only decoders and detection operators stay out. A torchvision that loads is left alone.

To name what is not to be compiled, torchvision and timm import the whole of torch's compiler, which takes longer than all the rest of a
model. It is imported when one of these functions is called instead, or by whoever else uses it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

_SCHEMA = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
_COMPILER = ("torch._dynamo", "torch._dynamo.utils")
_declared: list[Any] = []  # the schemas last as long as the Library object


def import_beside_torchvision(name: str) -> ModuleType:
    """Import `name` (`torchvision`, or a package that imports it) after making sure that torchvision itself can be imported."""
    if name not in sys.modules:
        with _compiler_later():
            if "torchvision" not in sys.modules and find_spec("torchvision") is not None:
                _import_torchvision()
            if name.startswith(("timm", "torchvision")):
                import_module(name)
    return import_module(name)


def _import_torchvision() -> None:
    try:
        import_module("torchvision")
    except RuntimeError as error:
        if "operator torchvision::nms does not exist" not in str(error) or _declared:
            raise
        import torch

        for half_imported in [each for each in sys.modules if each == "torchvision" or each.startswith("torchvision.")]:
            del sys.modules[half_imported]
        library: Any = torch.library.Library("torchvision", "FRAGMENT")  # type: ignore[no-untyped-call]
        _declared.append(library)
        for operator in ("nms", "qnms"):
            library.define(operator + _SCHEMA)
        import_module("torchvision")


class _Later(ModuleType):
    """Stands for a module: what torchvision and timm name is there, any other name imports the module itself."""

    @staticmethod
    def is_compile_supported(device_type: str) -> bool:
        _away()
        return bool(import_module("torch._dynamo.utils").is_compile_supported(device_type))

    @staticmethod
    def disable(function: Callable[..., Any], recursive: bool = True, *, reason: str | None = None) -> Callable[..., Any]:
        @wraps(function)
        def uncompiled(*args: Any, **kwargs: Any) -> Any:
            compiler = sys.modules.get(_COMPILER[0])
            if compiler is None or isinstance(compiler, _Later):
                return function(*args, **kwargs)  # nobody compiles anything
            return compiler.disable(function, recursive, reason=reason)(*args, **kwargs)

        return uncompiled

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)  # questions of the import itself
        _away()
        return getattr(import_module(self.__name__), name)


@contextmanager
def _compiler_later() -> Iterator[None]:
    """Within, torch's compiler is imported by those who use it and not by those who name it."""
    import torch

    if _COMPILER[0] not in sys.modules:
        sys.modules.update({name: _Later(name) for name in _COMPILER})
        sys.modules[_COMPILER[0]].__path__ = [str(Path(torch.__file__).with_name("_dynamo"))]
    try:
        yield
    finally:
        _away()


def _away() -> None:
    for name in _COMPILER:
        if isinstance(sys.modules.get(name), _Later):
            del sys.modules[name]
