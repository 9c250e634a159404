"""torchvision, and what needs it, beside a torch that lacks its compiled part.

The wheel of torchvision links CUDA. Beside a CPU-only torch its compiled part does not load, the operators it would have registered
are missing, and `import torchvision` fails because it describes shapes for `torchvision::nms`. Declaring the two schemas that are asked
for at import is enough for models and transforms; only decoders and detection operators stay out. A torchvision that loads is left alone.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any

_SCHEMA = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
_declared: list[Any] = []  # the schemas last as long as the Library object


def import_beside_torchvision(name: str) -> ModuleType:
    """Import `name` (`torchvision`, or a package that imports it) after making sure that torchvision itself can be imported."""
    if "torchvision" not in sys.modules and find_spec("torchvision") is not None:
        _import_torchvision()
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
