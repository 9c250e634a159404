"""Pictures from a data set of the `datasets` library, which is not needed here: the object is passed in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import xxhash

from isomorph.arrays import unique_ids
from isomorph.errors import FileError, IdError, InputError
from isomorph.stimuli._decode import Background, Pixels, decode_stimulus
from isomorph.stimuli._sources import Modality, Parts


@dataclass(frozen=True)
class TableImages:
    """Encoded pictures in one column of a table, `table[row][column]` being a dict of `bytes` and `path`."""

    table: Any
    column: str
    rows: tuple[int, ...]
    background: Background
    max_pixels: int
    modality: ClassVar[Modality] = "image"

    def options(self) -> dict[str, Any]:
        return {"from": "files", "background": list(self.background)}  # the same bytes are the same pictures, wherever they lie

    def _content(self, row: int, name: str) -> bytes:
        value = self.table[self.rows[row]][self.column]
        content, path = (value.get("bytes"), value.get("path")) if isinstance(value, dict) else (None, None)
        if isinstance(content, bytes):
            return content
        if not path:
            raise FileError(f"stimulus {name!r} ({self.place(row)}) has neither bytes nor a path: {value!r:.60}.")
        try:
            return Path(path).read_bytes()
        except OSError as error:
            raise FileError(f"stimulus {name!r} ({self.place(row)}, {path}) cannot be read: {error.strerror or error}.") from error

    def read(self, row: int, name: str) -> Pixels:
        return decode_stimulus(
            self._content(row, name), f"{name!r} ({self.place(row)})", background=self.background, max_pixels=self.max_pixels
        )

    def digest(self, row: int, name: str) -> str:
        return xxhash.xxh3_128(self._content(row, name)).hexdigest()

    def place(self, row: int) -> str:
        return f"row {self.rows[row]} of the data set"

    def take(self, rows: Sequence[int]) -> TableImages:
        return replace(self, rows=tuple(self.rows[row] for row in rows))


def from_hugging_face(
    dataset: Any, *, image: str, label: str | None, ids: Sequence[str] | str | None, background: Background, max_pixels: int
) -> Parts:
    """The pictures of a `datasets.Dataset`, not decoded by it, with the names of their classes."""
    features = getattr(dataset, "features", None)
    if features is None or not hasattr(dataset, "cast_column") or not hasattr(dataset, "__len__"):
        kind = type(dataset).__name__
        more = (
            " Choose one split, such as dataset['train']." if isinstance(dataset, dict) else " A streaming data set has no random access."
        )
        raise InputError(f"a datasets.Dataset with rows and features was expected; got {kind}.{more}")
    for name in (image, label, ids if isinstance(ids, str) else None):
        if name is not None and name not in features:
            raise InputError(f"the data set has no column {name!r}; it has {', '.join(map(repr, features))}.")
    count = len(dataset)
    if count == 0:
        raise InputError("the data set is empty: it has no pictures.")
    kind = features[image]
    if not hasattr(kind, "decode"):
        raise InputError(f"the column {image!r} holds {type(kind).__name__}, not pictures. Name the column of pictures with image=….")
    names = (
        tuple(map(str, range(count))) if ids is None else unique_ids(dataset[ids][:] if isinstance(ids, str) else ids, name="the data set")
    )
    if len(names) != count:
        raise IdError(f"the data set has {count} rows, but there are {len(names)} ids.")
    table = dataset.select_columns([image]).cast_column(image, type(kind)(decode=False))
    columns = {} if label is None else _labels(features[label], dataset[label][:])
    return Parts(names, TableImages(table, image, tuple(range(count)), background, max_pixels), columns, "a Hugging Face data set")


def _labels(kind: Any, values: Sequence[Any]) -> dict[str, tuple[Any, ...]]:
    """The class of each row: by name where the column has names, with the number beside it."""
    numbers = np.asarray(values)
    known = getattr(kind, "names", None)
    if known is None:
        return {"label": tuple(map(str, values))}
    if numbers.dtype.kind not in "iu" or numbers.min() < 0 or numbers.max() >= len(known):
        raise InputError(f"the labels must be whole numbers below {len(known)}, the number of classes (−1 stands for no label).")
    return {"class_index": tuple(numbers.tolist()), "label": tuple(str(known[each]) for each in numbers.tolist())}
