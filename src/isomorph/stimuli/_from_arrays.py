"""Pictures from arrays, and from `.mat` and `.npz` files that hold them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np

from isomorph.arrays import unique_ids
from isomorph.errors import IdError, InputError, ShapeError
from isomorph.stimuli._sources import ImageArrays, Parts

Layout = Literal["NHWC", "NCHW", "NHW", "HWCN", "HWN"]
_STIMULUS_FIRST: tuple[Layout, ...] = ("NHWC", "NCHW", "NHW")
_MATLAB: tuple[Layout, ...] = (*_STIMULUS_FIRST, "HWCN")
_CHANNELS = (1, 3)


def from_arrays(
    arrays: Any,
    *,
    ids: Sequence[str] | None,
    layout: Layout | None,
    columns: dict[str, tuple[Any, ...]],
    candidates: tuple[Layout, ...] = (),
) -> Parts:
    """One array of pictures, or a sequence of arrays that may differ in size."""
    count = len(arrays)
    if count == 0:
        raise InputError("no pictures were given: the array is empty.")
    if isinstance(arrays, np.ndarray) and arrays.dtype != object:
        layout = layout or _infer([arrays.shape], candidates or _STIMULUS_FIRST)
        _check_shape(arrays.shape, layout)
        if layout.endswith("N"):
            arrays, layout = np.moveaxis(arrays, -1, 0), cast(Layout, "N" + layout[:-1])
        _check_kind(arrays)
        count = len(arrays)
    else:
        arrays = [np.asarray(each) for each in arrays]
        shapes = [(count, *each.shape) for each in arrays]
        layout = layout or _infer(shapes, _STIMULUS_FIRST)
        for each, shape in zip(arrays, shapes, strict=True):
            _check_shape(shape, layout)
            _check_kind(each)
    names = tuple(map(str, range(count))) if ids is None else unique_ids(ids, name="the array of pictures")
    if len(names) != count:
        raise IdError(f"the array holds {count} pictures, but there are {len(names)} ids.")
    return Parts(ids=names, source=ImageArrays(arrays, cast(Any, layout[1:]), tuple(range(count))), columns=columns)


def _infer(shapes: Sequence[tuple[int, ...]], candidates: tuple[Layout, ...]) -> Layout:
    fitting = [each for each in candidates if all(_fits(shape, each) for shape in shapes)]
    if len(fitting) == 1 and not (fitting == ["NHW"] and any(shape[-1] in _CHANNELS for shape in shapes)):
        return fitting[0]
    if fitting == ["NHW"]:
        raise ShapeError(
            f"an array of shape {shapes[0]} may be one colour picture or many gray ones that are {shapes[0][-1]} wide. "
            "Pass array[None] for the one, layout='NHW' for the others."
        )
    why = f"fits {' and '.join(fitting)}" if fitting else "fits none of " + ", ".join(candidates) + " with 1 or 3 channels"
    raise ShapeError(f"pictures of shape {shapes[0]}: the shape {why}. Say which axis is which with layout=…, or reorder the axes.")


def _fits(shape: tuple[int, ...], layout: Layout) -> bool:
    return len(shape) == len(layout) and ("C" not in layout or shape[layout.index("C")] in _CHANNELS)


def _check_shape(shape: tuple[int, ...], layout: str) -> None:
    if layout not in {"NHWC", "NCHW", "NHW", "HWCN", "HWN"}:
        raise InputError(f"layout must be NHWC, NCHW, NHW, HWCN or HWN; got {layout!r}.")
    if not _fits(shape, cast(Layout, layout)) or 0 in shape:
        raise ShapeError(f"pictures of shape {shape} are not {layout} with 1 or 3 channels and at least one pixel.")


def _check_kind(array: np.ndarray[Any, Any]) -> None:
    if array.dtype != np.uint8 and array.dtype.kind != "f":
        raise InputError(
            f"pictures must be uint8, or floats in [0, 1]; got {array.dtype}. If the values lie on 0–255, cast them with .astype(np.uint8)."
        )


def from_mat(path: Path, key: str, *, field: str, ids: Sequence[str] | None, layout: Layout | None) -> Parts:
    """The array `key` of a `.mat` file, or the field of a struct array; its other fields become metadata."""
    from isomorph import data

    content = data.read_mat(path)
    value = content[_key(path, key, content)]
    if isinstance(value, list) and value and isinstance(value[0], dict):
        if any(field not in each for each in value):
            raise InputError(f"{key!r} in {path} has the fields {', '.join(value[0])}; none is called {field!r}. Name one with field=….")
        others = [name for name in value[0] if name != field and all(np.ndim(each.get(name)) == 0 for each in value)]
        columns = {name: tuple(each[name] for each in value) for name in others}
        parts = from_arrays([each[field] for each in value], ids=ids, layout=layout, columns=columns)
    else:
        parts = from_arrays(value, ids=ids, layout=layout, columns={}, candidates=_MATLAB)
    return Parts(ids=parts.ids, source=parts.source, columns=parts.columns, origin=f"{path}:{key}")


def from_npz(path: Path, key: str | None, *, ids: Sequence[str] | None, layout: Layout | None) -> Parts:
    """The array `key` of an `.npz` file; its array `ids` names them, its other arrays of one value a picture become metadata."""
    from isomorph import data

    content = data.read_npz(path)
    if key is None:
        many = [name for name, each in content.items() if each.ndim >= 3]
        if len(many) != 1:
            raise InputError(f"{path} has {len(many)} arrays with three or more axes; name the pictures with key=…: {_listed(content)}.")
        key = many[0]
    pictures = content[_key(path, key, content)]
    if ids is None and "ids" in content:
        ids = [str(each) for each in content["ids"]]
    parts = from_arrays(pictures, ids=ids, layout=layout, columns={})
    columns = {name: tuple(each.tolist()) for name, each in content.items() if name not in {key, "ids"} and each.shape == (len(parts.ids),)}
    return Parts(ids=parts.ids, source=parts.source, columns=columns, origin=f"{path}:{key}")


def _key(path: Path, key: str, content: dict[str, Any]) -> str:
    if key not in content:
        raise InputError(f"{path} holds nothing called {key!r}; it holds {_listed(content)}.")
    return key


def _listed(content: dict[str, Any]) -> str:
    return ", ".join(f"{name} {getattr(value, 'shape', '')}".strip() for name, value in content.items())
