"""Variables of a netCDF-4 file, read as the HDF5 that it is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from isomorph import data
from isomorph.arrays import FloatArray, as_floats
from isomorph.errors import FileError, InputError, ShapeError

if TYPE_CHECKING:
    import pandas

_AXES, TIME = ("presentation", "neuroid"), "time_bin"
_ATTRIBUTES = ("_FillValue", "missing_value", "scale_factor", "add_offset", "dtype")


class Assembly:
    """The variables of one file, and which axes they have."""

    def __init__(self, path: Path, limit_bytes: int) -> None:
        self.path = path
        _refuse_netcdf3(path)
        self.values = data.read_hdf5(path, limit_bytes=limit_bytes)
        self.axes, self.attributes = _axes(path)

    def responses(self, key: str | None) -> tuple[FloatArray, tuple[str, ...]]:
        """`[presentation, neuroid]` or with `time_bin` after these, and the axes."""
        fitting = [name for name, axes in self.axes.items() if set(_AXES) <= set(axes)]
        if key is not None and key not in fitting:
            raise InputError(f"{self.path} has no responses called {key!r}; with presentations and neuroids there are {_listed(fitting)}.")
        if not fitting:
            raise FileError(
                f"{self.path} is no assembly: no variable has the axes presentation and neuroid. It holds "
                f"{_listed(f'{name} {list(axes)}' for name, axes in self.axes.items())}."
            )
        if key is None and len(fitting) > 1:
            raise InputError(
                f"{self.path} holds {len(fitting)} variables that could be responses; name one with key=…: {_listed(fitting)}."
            )
        name = key or fitting[0]
        axes = self.axes[name]
        if not set(axes) <= {*_AXES, TIME}:
            raise ShapeError(
                f"{name!r} in {self.path} has the axes {', '.join(axes)}; a recording takes presentation, neuroid and time_bin. Average "
                "over the others, or select."
            )
        wanted = [axes.index(each) for each in (*_AXES, TIME) if each in axes]
        return self._decoded(name).transpose(wanted), axes

    def table(self, axis: str) -> pandas.DataFrame:
        """The coordinates of an axis: all variables along it alone."""
        import pandas

        columns = {name: self._column(name) for name, axes in self.axes.items() if axes[:1] == (axis,) and self._is_column(name)}
        sizes = (zip(axes, self.values[name].shape, strict=True) for name, axes in self.axes.items())
        length = next(size for each in sizes for found, size in each if found == axis)
        return pandas.DataFrame({name: each for name, each in columns.items() if name != axis}, index=pandas.RangeIndex(length))

    def times(self) -> tuple[FloatArray, tuple[str, ...]]:
        """Middles of time bins in seconds."""
        if "time_bin_start" not in self.values:
            raise InputError(f"{self.path} has a time axis, but no coordinate 'time_bin_start' that says when.")
        start = np.atleast_1d(self._decoded("time_bin_start"))
        end = np.atleast_1d(self._decoded("time_bin_end")) if "time_bin_end" in self.values else start
        said = f"{len(start)} time bin{'s' * (len(start) > 1)} from {start[0]:g} to {end[-1]:g} ms after the stimulus came on"
        return (start + end) / 2000, (said,)

    def _is_column(self, name: str) -> bool:
        return len(self.axes[name]) == 1 or self._is_text(name)

    def _is_text(self, name: str) -> bool:
        """Characters in a row of their own, as netCDF had it before it had strings."""
        return len(self.axes[name]) == 2 and self.values[name].dtype.kind in "OU"

    def _column(self, name: str) -> npt.NDArray[Any]:
        values = self.values[name]
        if self._is_text(name):
            return np.array(["".join(map(str, row)).rstrip("\0 ") for row in values], dtype=object)
        if values.dtype.kind in "OSU":
            return np.array([str(each) for each in values], dtype=object)
        if self.attributes[name].get("dtype") == "bool":
            return np.asarray(values.astype(np.bool_))
        fill = self.attributes[name].get("_FillValue")
        return self._decoded(name) if fill is not None and (values == fill).any() else values

    def _decoded(self, name: str) -> FloatArray:
        """Numbers as they are meant: fill values are NaN, packed integers unpacked."""
        known = self.attributes[name]
        raw = self.values[name]
        values = as_floats(raw, name=f"{name!r} in {self.path}")
        for each in ("_FillValue", "missing_value"):
            if each in known and np.isfinite(known[each]):
                values = np.where(raw == known[each], np.nan, values)
        result: FloatArray = values * known.get("scale_factor", 1) + known.get("add_offset", 0) if _packed(known) else values
        return result


def _packed(attributes: dict[str, Any]) -> bool:
    return "scale_factor" in attributes or "add_offset" in attributes


def _listed(names: Any) -> str:
    return ", ".join(names) or "nothing"


def _refuse_netcdf3(path: Path) -> None:
    try:
        with path.open("rb") as stream:
            head = stream.read(4)
    except OSError:
        return  # the reader says what is wrong
    if head[:3] == b"CDF":
        raise FileError(
            f"{path} is a netCDF-3 file; assemblies are netCDF-4. Convert it: nccopy -k nc4 {path.name} new.nc, or "
            "xarray.open_dataset(…).to_netcdf('new.nc', engine='h5netcdf')."
        )


def _axes(path: Path) -> tuple[dict[str, tuple[str, ...]], dict[str, dict[str, Any]]]:
    """Of each variable at the root its axes and its attributes."""
    import h5py

    axes, attributes = {}, {}
    try:
        with h5py.File(path, "r") as file:
            for name, node in file.items():
                if isinstance(node, h5py.Dataset) and not _is_mere_dimension(node):
                    axes[name] = tuple(_axis(node, index) for index in range(node.ndim))
                    attributes[name] = {each: _plain(value) for each, value in node.attrs.items() if each in _ATTRIBUTES}
    except (OSError, KeyError, RuntimeError, ValueError, TypeError) as error:
        raise FileError(f"{path} cannot be read as a netCDF-4 file: {error}.") from error
    return axes, attributes


def _is_mere_dimension(node: Any) -> bool:
    said = node.attrs.get("NAME", b"")
    return (said if isinstance(said, bytes) else str(said).encode()).startswith(b"This is a netCDF dimension but not a netCDF variable")


def _axis(node: Any, index: int) -> str:
    scales = node.dims[index].values()
    if scales:
        return str(scales[0].name).lstrip("/")
    return str(node.name).lstrip("/") if node.ndim == 1 else ""  # an axis that names itself


def _plain(value: Any) -> Any:
    value = value.item() if isinstance(value, np.ndarray) and value.size == 1 else value
    return value.decode() if isinstance(value, bytes) else value
