"""RDMs among the contents of a file that names them in its own way."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from isomorph import data
from isomorph.brains._rdm_check import by_region
from isomorph.brains._rdm_recording import RDMRecording
from isomorph.errors import InputError, ShapeError

_TOLERANCE = 1e-5
_CALLED, _RESPONSES = ("rdm", "rdms"), ("responses", "trials")


@dataclass(frozen=True)
class FoundRDMs:
    """RDMs of a file: of each region its arrays and subjects (none: numbered), how many stimuli they are of, and these if it says so."""

    regions: Mapping[str, Any]
    subjects: Mapping[str, tuple[str, ...]]
    stimuli: int
    ids: tuple[str, ...] | None = None

    def recording(self, ids: tuple[str, ...] | None, *, name: str) -> RDMRecording:
        """With the ids that are given, else those of the file, else `"0"`, `"1"` ….

        Raises:
            ShapeError: There are more or fewer ids than stimuli.
        """
        ids = ids or self.ids or tuple(map(str, range(self.stimuli)))
        if len(ids) != self.stimuli:
            raise ShapeError(f"the RDMs are of {self.stimuli} stimuli, but there are {len(ids)} ids.")
        return RDMRecording(ids=ids, rdms=self.regions, subjects=self.subjects, name=name)


def find_rdms(path: Path, content: Mapping[str, Any] | None, key: str | None) -> FoundRDMs | None:
    """The RDMs of a file, or None where it holds none.

    RDMs are arrays called `rdm` or `rdms`, or on one axis alone in an `.npy`; arrays `[…, stimulus, stimulus]` that are symmetric with
    zeros on the diagonal; structs with a field `RDM` (of the RSA toolbox for MATLAB; their names are "region | subject | session"); tables
    of one row a pair (`first`, `second`, `dissimilarity`).

    Args:
        path: The file; its name is the region of arrays without one (`arr_0`, `rdms`).
        content: What it holds, by name; None of a table.
        key: The only array to look at.

    Raises:
        InputError: The file holds RDMs of different numbers of stimuli.
    """
    if content is None:
        return _of_table(path)
    chosen = content if key is None else {key: content[key]} if key in content else {}
    structs = [each for value in chosen.values() for each in _structs(value)]
    if structs:
        parts = [[part.strip() for part in str(each.get("name", path.stem)).split("|")] for each in structs]
        entries = [(part[0], part[1] if len(part) > 1 else "1", _square(each["RDM"])) for part, each in zip(parts, structs, strict=True)]
        size = _one_size({name: len(values) for name, _, values in entries})
        return FoundRDMs(*by_region(entries), size)
    arrays = {name: value for name, value in chosen.items() if name.lower() in _CALLED or (name not in _RESPONSES and _is_rdms(value))}
    if path.suffix.lower() == ".npy" and all(np.ndim(each) == 1 for each in chosen.values()):
        arrays = dict(chosen)  # responses have two axes: these are the pairs of one RDM
    if not arrays:
        return None
    unnamed = [each for each in arrays if each.startswith("arr_") or each.lower() in _CALLED]
    regions = {path.stem if each in unnamed and len(unnamed) == 1 else each: value for each, value in arrays.items()}
    return FoundRDMs(regions, {}, _one_size({name: _stimuli(value) for name, value in regions.items()}))


def _of_table(path: Path) -> FoundRDMs | None:
    """What `isomorph rdm --out FILE.csv` writes: one row a pair, in the order of the triangle."""
    columns = ("first", "second", "dissimilarity")
    table = data.read_table(path)
    if not all(each in table for each in columns):
        return None
    first, second = (table[each].astype(str).tolist() for each in columns[:2])
    ids = tuple(dict.fromkeys([*first[:1], *second, *first]))
    if list(zip(first, second, strict=True)) != list(combinations(ids, 2)):
        raise InputError("its pairs are not those of a strict upper triangle, row by row: (1, 2), (1, 3) … (2, 3) ….")
    return FoundRDMs({path.stem: table[columns[2]].to_numpy()}, {}, len(ids), ids)


def _stimuli(value: Any) -> int:
    """How many stimuli an array of RDMs is of: square, or condensed."""
    if _is_rdms(value):
        return int(value.shape[-1])
    return round((1 + math.sqrt(1 + 8 * np.shape(value)[-1])) / 2)


def _structs(value: Any) -> Iterator[dict[str, Any]]:
    """Those that hold an RDM, however deep in lists."""
    if isinstance(value, dict) and isinstance(value.get("RDM"), np.ndarray) and value["RDM"].dtype.kind in "fiub":
        yield value
    elif isinstance(value, list):
        for each in value:
            yield from _structs(each)


def _square(rdm: Any) -> Any:
    """A square in float64: a struct may hold the upper triangle, too."""
    if rdm.ndim != 1:
        return rdm.astype(np.float64)
    n = round((1 + math.sqrt(1 + 8 * len(rdm))) / 2)
    if math.comb(n, 2) != len(rdm):
        raise InputError(f"an RDM has {len(rdm)} values; no number of stimuli makes that many pairs.")
    square = np.zeros((n, n))
    square[np.triu_indices(n, 1)] = rdm
    return square + square.T


def _is_rdms(value: Any) -> bool:
    """Whether all matrices are symmetric with zeros on their diagonals, and not all zero."""
    if not isinstance(value, np.ndarray) or value.dtype.kind not in "fiu" or value.ndim not in (2, 3, 4):
        return False
    if value.shape[-1] != value.shape[-2] or value.shape[-1] < 3 or not value.size:
        return False
    floats = value.astype(np.float64)
    limit = _TOLERANCE * float(np.nanmax(np.abs(floats), initial=0.0))
    gap = float(np.nanmax(np.abs(floats - floats.swapaxes(-1, -2)), initial=0.0))
    return limit > 0 and gap <= limit and float(np.nanmax(np.abs(np.diagonal(floats, axis1=-2, axis2=-1)))) <= limit


def _one_size(sizes: Mapping[str, int]) -> int:
    if len(set(sizes.values())) > 1:
        listed = ", ".join(f"{name!r} of {size} stimuli" for name, size in sizes.items())
        raise InputError(f"it holds RDMs of different stimuli: {listed}. Name one with key=….")
    return next(iter(sizes.values()))
