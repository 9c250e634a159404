"""How sure scores are to be made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from isomorph.errors import InputError, UnknownNameError

Intervals = Literal["delta", "bootstrap"]
Resample = Literal["stimuli", "units", "both"]


@dataclass(frozen=True, kw_only=True)
class Certainty:
    """Intervals and tests of every score."""

    intervals: Intervals = "delta"
    resample: Resample = "stimuli"
    replicates: int = 1000
    level: float = 0.95
    permutations: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        for value, what, known in (
            (self.intervals, "kind of interval", ("delta", "bootstrap")),
            (self.resample, "thing to resample", ("stimuli", "units", "both")),
        ):
            if value not in known:
                raise UnknownNameError(what, str(value), known)
        if not 0 < self.level < 1:
            raise InputError(f"level must be above 0 and below 1; got {self.level:g}.")
        for name in ("replicates", "permutations", "seed"):
            if not isinstance(getattr(self, name), int | np.integer) or getattr(self, name) < 0:
                raise InputError(f"{name} must be a whole number, 0 or more; got {getattr(self, name)!r}.")
        if self.intervals == "bootstrap" and not self.replicates:
            raise InputError("intervals='bootstrap' needs replicates; got 0.")
        if self.intervals == "bootstrap" and self.resample != "stimuli":
            raise InputError(f"intervals='bootstrap' draws stimuli; for resample={self.resample!r} use intervals='delta'.")

    @property
    def drawn(self) -> int:
        """How many replicates are drawn."""
        return self.replicates if self.intervals == "bootstrap" else 0
