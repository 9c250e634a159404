"""HDF5 files, and the MATLAB files (v7.3) that are HDF5 inside."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from isomorph.data._read_npz import LIMIT_BYTES, check_size, unreadable
from isomorph.errors import FileError


def read_hdf5(path: Path | str, *, limit_bytes: int = LIMIT_BYTES) -> dict[str, Any]:
    """Every data set of an HDF5 file by its path inside (`"group/name"`), as arrays; text becomes `str`.

    Args:
        path: The file.
        limit_bytes: The most bytes the data sets may take in memory together.

    Raises:
        FileError: Not an HDF5 file, cut short, over the limit, or pointing into other files.
    """
    path = Path(path)
    try:
        with _Reader(path, limit_bytes) as reader:
            return dict(reader.flat(reader.file, ""))
    except Exception as error:  # h5py raises OSError, KeyError, RuntimeError and ValueError on damaged files
        raise unreadable(path, "an HDF5 file", error) from error


def read_matlab_hdf5(path: Path, *, limit_bytes: int) -> dict[str, Any]:
    """The variables of a MATLAB v7.3 file in the form that `read_mat` states."""
    with _Reader(path, limit_bytes) as reader:
        return {name: reader.matlab(reader.member(reader.file, name)) for name in reader.file if not name.startswith("#")}


class _Reader:
    """Reads nodes of one open file, and counts what they take."""

    def __init__(self, path: Path, limit_bytes: int) -> None:
        import h5py

        self.path, self.limit, self.taken, self.h5py = path, limit_bytes, 0, h5py
        self.open_nodes: list[str] = []
        self.file = h5py.File(path, "r")

    def __enter__(self) -> _Reader:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()

    def member(self, group: Any, name: str) -> Any:
        """A member of a group, unless it leads out of the file."""
        if isinstance(group.get(name, getlink=True), self.h5py.ExternalLink):
            raise self._leads_out(name)
        return group[name]

    def _leads_out(self, name: str) -> FileError:
        return FileError(f"{self.path}: {name!r} points into another file, which is not followed. Write one file that holds everything.")

    def values(self, node: Any) -> Any:
        """The content of a data set, unless it is kept in other files (references reach data sets too, not only names)."""
        if node.external or node.is_virtual:
            raise self._leads_out(str(node.name).lstrip("/"))
        self.taken += node.size * node.dtype.itemsize if node.size else 0
        check_size(self.path, self.taken, self.limit)
        if self.h5py.check_string_dtype(node.dtype) is not None:
            return node.asstr()[()]
        return node[()]

    def flat(self, group: Any, prefix: str) -> Any:
        """Pairs of inner path and array of everything below a group."""
        with _Inside(self, group):
            for name in group:
                node = self.member(group, name)
                if isinstance(node, self.h5py.Dataset):
                    yield prefix + name, np.asarray(self.values(node))
                elif isinstance(node, self.h5py.Group):
                    yield from self.flat(node, f"{prefix}{name}/")

    def matlab(self, node: Any) -> Any:
        """A MATLAB variable: transposed (MATLAB stores columns first), without axes of length one."""
        kind = node.attrs.get("MATLAB_class", b"").decode()
        with _Inside(self, node):
            if isinstance(node, self.h5py.Group):
                if "MATLAB_sparse" in node.attrs:
                    return self._sparse(node)
                fields = {name: self.member(node, name) for name in node}
                if fields and all(self._is_struct_array_field(each) for each in fields.values()):
                    columns = {name: self._cells(each) for name, each in fields.items()}
                    return _records(columns)
                return {name: self.matlab(each) for name, each in fields.items()}
            if node.attrs.get("MATLAB_empty", 0):
                return "" if kind == "char" else [] if kind == "cell" else np.zeros(0)
            if node.dtype == self.h5py.ref_dtype:
                return self._cells(node)
        values = np.squeeze(np.asarray(self.values(node)).T)
        if kind == "char":
            return "".join(map(chr, np.atleast_1d(values).ravel(order="F")))
        if values.dtype.names == ("real", "imag"):
            values = values["real"] + 1j * values["imag"]
        values = values.astype(bool) if kind == "logical" else values
        return values if values.ndim else values[()]

    def _is_struct_array_field(self, node: Any) -> bool:
        return isinstance(node, self.h5py.Dataset) and node.dtype == self.h5py.ref_dtype and "MATLAB_class" not in node.attrs

    def _cells(self, node: Any) -> Any:
        references = np.squeeze(np.asarray(self.values(node)).T)
        return self._follow(references) if references.ndim else self.matlab(self.file[references.item()])

    def _follow(self, references: Any) -> list[Any]:
        return [self._follow(each) if np.ndim(each) else self.matlab(self.file[each]) for each in references]

    def _sparse(self, node: Any) -> Any:
        from scipy.sparse import csc_matrix

        starts = np.asarray(self.values(self.member(node, "jc")))
        shape = (int(node.attrs["MATLAB_sparse"]), len(starts) - 1)
        check_size(self.path, 8 * shape[0] * shape[1], self.limit)
        if "data" not in node:
            return np.zeros(shape)
        stored = (np.asarray(self.values(self.member(node, "data"))), np.asarray(self.values(self.member(node, "ir"))), starts)
        return csc_matrix(stored, shape=shape).toarray()


class _Inside:
    """Notes which node is being read, so that a node inside itself is an error and not a loop."""

    def __init__(self, reader: _Reader, node: Any) -> None:
        self.reader, self.key = reader, f"{node.id.__hash__()}"

    def __enter__(self) -> None:
        if self.key in self.reader.open_nodes:
            raise FileError(f"{self.reader.path}: a group contains itself.")
        self.reader.open_nodes.append(self.key)

    def __exit__(self, *_: object) -> None:
        self.reader.open_nodes.pop()


def _records(columns: dict[str, Any]) -> Any:
    """A dict of equally nested lists as nested lists of dicts."""
    if not all(isinstance(each, list) for each in columns.values()):
        return columns
    return [_records(dict(zip(columns, row, strict=True))) for row in zip(*columns.values(), strict=True)]
