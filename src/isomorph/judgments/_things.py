"""The 1,854 objects of THINGS, and the three orders in which the world keeps them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Literal

from isomorph.errors import FileError, InputError
from isomorph.judgments._triplets import order_hash

ThingsOrder = Literal["item", "file", "id"]

_OBJECTS = 1854
_HASHES: dict[str, ThingsOrder] = {"ac73a006f56abcd4": "item", "91c989bcf402f4c4": "file", "418de61046c5c120": "id"}


def things_ids(order: ThingsOrder = "item", *, path: Path | str | None = None) -> tuple[str, ...]:
    """The `uniqueID` of each THINGS object, in one of the orders in use.

    The odd-one-out trials count in the order of the item list. Image features, VICE and SPoSE embeddings stand in the order of file
    names (`sorted(uniqueID + ".jpg")`), which differs at 21 rows (`camera1`, `hot_tub`, `ice` …). Bare ids in sorted order are a third.
    Aggregate scores hardly show a mix-up: key features by these ids and join by id.

    Args:
        order: `"item"` (the item list; the trials), `"file"` (sorted file names; features, VICE, SPoSE) or `"id"` (sorted ids).
        path: The item list (a table with a column `uniqueID`); default: `item_names.tsv` of the data set `things`.

    Raises:
        FetchError: The list can be had neither from mirror, cache nor network.
        FileError: The file has no column `uniqueID`.

    Example:
        >>> things_ids("file", path=None)[246:249]  # doctest: +SKIP
        ('camera1', 'camera2', 'camera_lens')
    """
    if order not in _HASHES.values():
        raise InputError(f"THINGS objects are in 'item', 'file' or 'id' order; got {order!r}.")
    if path is None:
        from isomorph.data import path as data_path

        path = data_path("things", "item_names.tsv")
    items = _read(Path(path))
    if order == "item":
        return items
    return tuple(sorted(items)) if order == "id" else _file_order(items)


def order_of(ids: Sequence[str]) -> ThingsOrder | None:
    """Which of the THINGS orders `ids` stand in, by hash (no file is read); None for other objects or another order."""
    return _HASHES.get(order_hash(ids)) if len(ids) == _OBJECTS else None


def _file_order(items: Sequence[str]) -> tuple[str, ...]:
    return tuple(each.removesuffix(".jpg") for each in sorted(f"{item}.jpg" for item in items))


@cache
def _read(path: Path) -> tuple[str, ...]:
    from isomorph.data import read_csv

    table = read_csv(path, sep="\t", dtype=str, keep_default_na=False)
    if "uniqueID" not in table:
        raise FileError(f"{path} has no column 'uniqueID'; it has {', '.join(map(repr, table.columns))}.")
    return tuple(table["uniqueID"])
