"""Millions of triplets on disk, memory-mapped."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from isomorph.arrays import FloatArray, IntArray
from isomorph.data import read_npy
from isomorph.errors import FileError, InputError, IsomorphError
from isomorph.judgments import Triplets, order_hash

KIND, VERSION = "triplet-table", 1


@dataclass(frozen=True, eq=False, kw_only=True)
class TripletTable:
    """Triplets, and a teacher's similarities for them, as memory-mapped arrays of one folder.

    The folder holds `items.npy` (`[triplet, 3]` int32), `similarities.npy` (`[triplet, 3]` float16 or float32; not before triplets are
    labelled), `objects.json` (names; not where objects are called by their numbers) and `header.json`. Any program that reads NumPy's
    format can use it; ten million triplets take 240 MB, and a `Triplets` of any rows is a view.

    Attributes:
        path: The folder.
        items: `[triplet, 3]` int32: rows of `objects`; the odd one stands last once triplets are labelled.
        similarities: `[triplet, 3]`: the pairs 01, 02, 12; None before triplets are labelled.
        header: What is known of it, as plain data: `n`, `objects` (how many), `order` (hash of their names), `sampling`, `transform`, …

    Example:
        >>> import tempfile
        >>> from isomorph.alignet import TripletSampler, sample_to_table
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     table, counts = sample_to_table(TripletSampler(sampling="random", images=9), 1000, f"{folder}/drawn")
        ...     print(len(table), table[10:12].items.shape, counts.images_shown)
        1000 (2, 3) 9
    """

    path: Path
    items: IntArray
    similarities: FloatArray | None
    header: Mapping[str, Any]

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, rows: Any) -> Triplets:
        """The triplets of `rows` (a slice, a mask or numbers; one number: that triplet alone); a slice stays memory-mapped."""
        rows = [rows] if isinstance(rows, int | np.integer) else rows
        similarities = None if self.similarities is None else self.similarities[rows]
        return Triplets(items=self.items[rows], objects=self.objects, similarities=similarities, source=self.path.name)

    def __repr__(self) -> str:
        labelled = "not labelled" if self.similarities is None else f"labelled, {self.similarities.dtype}"
        return f"TripletTable({len(self):,} triplets on {self.header['objects']:,} objects, {labelled})"

    @cached_property
    def objects(self) -> tuple[str, ...]:
        """The names of the objects, in the order that `items` counts; an object without a name has its number after `#`."""
        named = self.path / "objects.json"
        if not self.header["order"]:
            return tuple(map(str, range(self.header["objects"])))
        try:
            names = json.loads(named.read_text(encoding="utf-8"))
            objects = object_names(names)
            if len(objects) != self.header["objects"] or order_hash(objects) != self.header["order"]:
                raise ValueError("it does not hold the names that the header counts")
        except (OSError, ValueError, TypeError) as error:
            raise FileError(f"{named} cannot be read as the names of the objects: {getattr(error, 'strerror', None) or error}.") from error
        return objects

    def soft_targets(self, rows: Any = slice(None)) -> FloatArray:
        """`[row, 3]` float32: the softmax of the similarities, without a temperature: what AligNet's student is to match.

        Raises:
            InputError: The triplets are not labelled.
        """
        if self.similarities is None:
            raise InputError(f"{self.path} holds triplets that no teacher has labelled; label_triplets does.")
        values = np.asarray(self.similarities[rows], dtype=np.float32)
        shares = np.exp(values - values.max(axis=-1, keepdims=True))
        return np.asarray(shares / shares.sum(axis=-1, keepdims=True))

    @classmethod
    def open(cls, path: Path | str) -> TripletTable:
        """Open a table; every item is checked, the numbers stay on disk.

        Raises:
            FileError: There is no table, it is damaged, or it was left unfinished.
        """
        path = Path(path)
        header = read_header(path)
        try:
            items = read_npy(path / "items.npy", memory_map=True)
            values = read_npy(path / "similarities.npy", memory_map=True) if header["precision"] else None
            for name, each, dtype in (("items", items, "int32"), ("similarities", values, header["precision"])):
                if each is not None and (each.shape != (header["n"], 3) or each.dtype != np.dtype(dtype)):
                    raise ValueError(
                        f"its {name} are {each.dtype} of shape {each.shape}, where the header promises {dtype} ({header['n']}, 3)"
                    )
            table = cls(path=path, items=items, similarities=values, header=header)
            check_items(items, header["objects"])
        except FileError:
            raise
        except (IsomorphError, KeyError, TypeError, ValueError) as error:
            raise FileError(f"{path} cannot be read as a table of triplets: {str(error).rstrip('.')}.") from error
        return table


def object_names(names: Iterable[str | None]) -> tuple[str, ...]:
    """Names, and numbers after `#` where there is none."""
    return tuple(f"#{row}" if each is None else each for row, each in enumerate(names))


def read_header(path: Path) -> dict[str, Any]:
    """The checked `header.json` of a folder."""
    file = path / "header.json"
    try:
        header = json.loads(file.read_text(encoding="utf-8"))
        if header["isomorph"] != KIND or header["version"] != VERSION:
            raise ValueError(f"it is of the kind {header['isomorph']!r}, version {header['version']!r}")
        counts = (header["n"], header["objects"])
        if not all(isinstance(each, int) and each >= 0 for each in counts) or header["precision"] not in (None, "float16", "float32"):
            raise ValueError("its counts or its precision are not such")
        if not isinstance(header["order"], str):
            raise ValueError("it has no order of objects")
    except FileNotFoundError as error:
        raise FileError(f"{path} is no table of triplets: it has no header.json.") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise FileError(f"{file} cannot be read as the header of a table of triplets: {error}.") from error
    return dict(header)


def check_items(items: IntArray, objects: int, first_row: int = 0) -> None:
    """Raise `ValueError` where triplets show an object that there is not, or one twice."""
    for start in range(0, len(items), 1 << 20):
        block = np.asarray(items[start : start + (1 << 20)])
        first, second, third = block.T
        if block.min() < 0 or block.max() >= objects:
            raise ValueError(f"it shows objects {block.min()} to {block.max()}, but there are {objects:,}, 0 to {objects - 1:,}")
        same = (first == second) | (first == third) | (second == third)
        if same.any():
            raise ValueError(f"triplet {first_row + start + int(same.argmax())} shows one object twice")
