"""A plain function as a module, so that it has layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from isomorph.models._source_digest import source_digest


class Call(torch.nn.Module):
    """Calls a function; its name is part of how the module prints, and so of the model's fingerprint."""

    def __init__(self, function: Callable[[Any], Any]) -> None:
        super().__init__()
        self.function = function

    def forward(self, batch: Any) -> Any:
        """Return what the function returns."""
        return self.function(batch)

    def extra_repr(self) -> str:
        """The function's name and digest."""
        return source_digest(self.function)
