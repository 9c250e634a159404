"""Public data sets by name, and readers that never unpickle.

`path(dataset, file)` gives a verified file of the catalogue; `read_mat`, `read_npz`, `read_npy`, `read_hdf5`, `read_json`, `read_csv` and
`read_table` turn foreign files into plain arrays and tables.
"""

from isomorph._lazy import lazy_exports

_EXPORTS = {
    "DataFile": "isomorph.data._catalogue",
    "Dataset": "isomorph.data._catalogue",
    "catalogue": "isomorph.data._catalogue",
    "data_file": "isomorph.data._catalogue",
    "datasets": "isomorph.data._catalogue",
    "fetch": "isomorph.data._path",
    "packaged_file": "isomorph.data._packaged_file",
    "path": "isomorph.data._path",
    "read_csv": "isomorph.data._read_table",
    "read_hdf5": "isomorph.data._read_hdf5",
    "read_json": "isomorph.data._read_json",
    "read_mat": "isomorph.data._read_mat",
    "read_npy": "isomorph.data._read_npz",
    "read_npz": "isomorph.data._read_npz",
    "read_table": "isomorph.data._read_table",
    "verify": "isomorph.data._path",
}

__all__ = sorted(_EXPORTS)  # noqa: PLE0605
__getattr__, __dir__ = lazy_exports(__name__, _EXPORTS)
