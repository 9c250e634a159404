"""What the caller of `extract` asked for, checked before any model runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, get_args

from isomorph.engine import parse_bytes
from isomorph.errors import InputError, UnknownNameError
from isomorph.models._layers import LayerChoice, as_choices
from isomorph.models._plan import Precision, Reduction
from isomorph.models._reduce import POOLS, Pool

ALGORITHM = 1
"""Raised whenever the numbers of an extraction change, so that no older object in a store is taken for a new one."""

SKETCH = 2
"""The same for sketches alone."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """The options of `extract`, checked.

    Raises:
        InputError: An option is unknown or out of range.
    """

    layers: tuple[str | int | float, ...]
    memory_limit: int
    pool: Pool = "flatten"
    reduce: Reduction = "features"
    sketch_width: int | None = None
    batch_size: int | None = None
    precision: Precision = "float32"
    seed: int = 0
    keep_duplicates: bool = False

    @classmethod
    def checked(cls, *, layers: LayerChoice = "all", memory_limit: str | int = "2GB", **options: Any) -> Request:
        """The same from what a person wrote."""
        return cls(layers=as_choices(layers), memory_limit=parse_bytes(memory_limit), **options)

    def __post_init__(self) -> None:
        for option, value, known in (
            ("pooling", self.pool, POOLS),
            ("reduction", self.reduce, get_args(Reduction)),
            ("precision", self.precision, get_args(Precision)),
        ):
            if value not in known:
                raise UnknownNameError(option, str(value), known)
        for option, count in (("batch_size", self.batch_size), ("sketch_width", self.sketch_width)):
            if count is not None and (isinstance(count, bool) or not isinstance(count, int) or count < 1):
                raise InputError(f"{option} must be a whole number of at least 1; got {count!r}.")
        if self.sketch_width is not None and self.reduce != "sketch":
            raise InputError(f'sketch_width={self.sketch_width} needs reduce="sketch"; got reduce={self.reduce!r}.')

    def spec(self, *, model: Any, stimuli: Any) -> dict[str, Any]:
        """Everything that decides the bits of the result, as plain data.

        The memory limit is not among it: it may change the size of the batches, and with it the last digit, but not the meaning.
        """
        import PIL
        import torch

        plain: dict[str, Any] = {
            "kind": "extraction",
            "algorithm": ALGORITHM,
            "model": model.fingerprint,
            "model_name": model.card.name,
            "stimuli": stimuli.digest,
            "ids": list(stimuli.ids),
            "layers": list(self.layers),
            "pool": self.pool,
            "reduce": self.reduce,
            "precision": self.precision,
            "batch_size": self.batch_size,
            "keep_duplicates": self.keep_duplicates,
            "device": str(model.device).partition(":")[0],
            "torch": torch.__version__,
        }
        if stimuli.modality == "image":
            plain["pillow"] = PIL.__version__  # decodes and scales
        if self.reduce == "sketch":
            plain |= {"sketch_width": self.sketch_width, "seed": self.seed, "sketch": SKETCH}
        return plain
