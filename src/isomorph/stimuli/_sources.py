"""Where the items of a `Stimuli` come from: image files, arrays in memory, texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, Literal, Protocol

import numpy as np
import xxhash

from isomorph.errors import FileError, InputError
from isomorph.stimuli._decode import Background, Pixels, decode_stimulus

Modality = Literal["image", "text"]


class Source(Protocol):
    """Items by position; the name is for messages."""

    @property
    def modality(self) -> Modality:
        """What the items are."""

    def options(self) -> dict[str, Any]:
        """What else than the items' digests decides about the items."""

    def read(self, row: int, name: str) -> Pixels | str:
        """The item at `row`."""

    def digest(self, row: int, name: str) -> str:
        """The xxh3-128 of what the item at `row` is made of."""

    def place(self, row: int) -> str:
        """Where the item at `row` is, for messages."""

    def take(self, rows: Sequence[int]) -> Source:
        """The source of some of the items."""


@dataclass(frozen=True)
class ImageFiles:
    """Pictures in files."""

    paths: tuple[Path, ...]
    background: Background
    max_pixels: int
    modality: ClassVar[Modality] = "image"

    def options(self) -> dict[str, Any]:
        return {"from": "files", "background": list(self.background)}

    def read(self, row: int, name: str) -> Pixels:
        return decode_stimulus(self.paths[row], f"{name!r} ({self.place(row)})", background=self.background, max_pixels=self.max_pixels)

    def digest(self, row: int, name: str) -> str:
        state = xxhash.xxh3_128()
        try:
            with self.paths[row].open("rb") as stream:
                while chunk := stream.read(1 << 20):
                    state.update(chunk)
        except OSError as error:
            raise FileError(f"stimulus {name!r} ({self.paths[row]}) cannot be read: {error.strerror or error}.") from error
        return state.hexdigest()

    def place(self, row: int) -> str:
        return str(self.paths[row])

    def take(self, rows: Sequence[int]) -> ImageFiles:
        return replace(self, paths=tuple(self.paths[row] for row in rows))


@dataclass(frozen=True)
class ImageArrays:
    """Pictures in memory; `axes` is the order of height, width and channel in each."""

    arrays: Any  # one array with the stimulus axis first, or a sequence of arrays
    axes: Literal["HWC", "CHW", "HW"]
    rows: tuple[int, ...] = field(repr=False)
    modality: ClassVar[Modality] = "image"

    def options(self) -> dict[str, Any]:
        return {"from": "arrays"}

    def read(self, row: int, name: str) -> Pixels:
        array = np.asarray(self.arrays[self.rows[row]])
        if array.dtype.kind == "f":
            low, high = float(array.min()), float(array.max())
            if not (low >= 0 and high <= 1):
                raise InputError(
                    f"the picture {name!r} has floats from {low:g} to {high:g}; they must lie in [0, 1]. "
                    "Scale them, or cast pictures on 0–255 with .astype(np.uint8)."
                )
            array = np.rint(array * 255).astype(np.uint8)
        pixels = {"HWC": array, "CHW": np.moveaxis(array, 0, -1) if array.ndim == 3 else array, "HW": array[..., None]}[self.axes]
        return np.array(np.broadcast_to(pixels, (*pixels.shape[:2], 3)), dtype=np.uint8, order="C")

    def digest(self, row: int, name: str) -> str:
        pixels = self.read(row, name)
        return xxhash.xxh3_128(repr((pixels.shape, pixels.dtype.str)).encode() + pixels.tobytes()).hexdigest()

    def place(self, row: int) -> str:
        return f"array {self.rows[row]}"

    def take(self, rows: Sequence[int]) -> ImageArrays:
        return replace(self, rows=tuple(self.rows[row] for row in rows))


@dataclass(frozen=True)
class Texts:
    """Texts in memory."""

    texts: tuple[str, ...]
    modality: ClassVar[Modality] = "text"

    def options(self) -> dict[str, Any]:
        return {"from": "texts"}

    def read(self, row: int, name: str) -> str:
        return self.texts[row]

    def digest(self, row: int, name: str) -> str:
        return xxhash.xxh3_128(self.texts[row].encode()).hexdigest()

    def place(self, row: int) -> str:
        return f"text {row}"

    def take(self, rows: Sequence[int]) -> Texts:
        return Texts(tuple(self.texts[row] for row in rows))


@dataclass(frozen=True)
class Parts:
    """What a `Stimuli` is put together from."""

    ids: tuple[str, ...]
    source: Source
    columns: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    origin: str = ""
    ignored: int = 0
    groups: tuple[str, ...] | None = None
