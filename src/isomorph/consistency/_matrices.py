"""One matrix a data set, from arrays and files, put together by the names of models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from isomorph import data
from isomorph.arrays import FloatArray, as_floats, unique_ids
from isomorph.consistency._metadata import load_metadata
from isomorph.consistency._similarities import Similarities
from isomorph.consistency._tensor_file import read_tensor
from isomorph.errors import FileError, IdError, InputError, ShapeError

if TYPE_CHECKING:
    import pandas

SUFFIXES = (".npy", ".npz", ".pt", ".csv", ".tsv", ".parquet")
MODEL_IDS = "model_ids.txt"
FILES = ("similarity_matrix.npy", "similarity_matrix.pt")


class Named(NamedTuple):
    """A square matrix and its models; None where nobody has named them."""

    values: FloatArray
    models: tuple[str, ...] | None


class PairwiseResult(Protocol):
    """What `isomorph.pairwise.all_pairs` gives for one data set."""

    @property
    def names(self) -> Sequence[str]: ...
    @property
    def measures(self) -> Sequence[str]: ...
    @property
    def values(self) -> FloatArray: ...
    @property
    def standard_errors(self) -> FloatArray | None: ...
    @property
    def n(self) -> int: ...


def from_matrices(
    matrices: Mapping[str, Any],
    *,
    names: Sequence[str] | None,
    measure: str,
    metadata: pandas.DataFrame | Path | str | None,
    known: Mapping[str, Any],
) -> Similarities:
    """See `Similarities.from_matrices`."""
    table = load_metadata(metadata) if isinstance(metadata, Path | str) else metadata
    given = {
        dataset: {str(kind): _matrix(one) for kind, one in (each if isinstance(each, Mapping) else {measure: each}).items()}
        for dataset, each in matrices.items()
    }
    fallback = names or _order(given, table)
    read = {
        dataset: {kind: _named(one, f"{dataset!r} ({kind})", fallback) for kind, one in each.items()} for dataset, each in given.items()
    }
    return together(read, known=dict(known) | {"metadata": table})


def from_all_pairs(results: Mapping[str, PairwiseResult], *, known: Mapping[str, Any]) -> Similarities:
    """See `Similarities.from_all_pairs`."""
    if not results:
        raise InputError("there are no similarities to put together; give at least one data set.")
    matrices: dict[str, dict[str, Named]] = {name: {} for name in results}
    errors: dict[str, dict[str, Named]] = {name: {} for name in results}
    for dataset, result in results.items():
        names = tuple(result.names)
        for k, measure in enumerate(result.measures):
            matrices[dataset][measure] = Named(np.asarray(result.values[k], dtype=np.float64), names)
            if result.standard_errors is not None:
                errors[dataset][measure] = Named(np.asarray(result.standard_errors[k], dtype=np.float64), names)
    extra: dict[str, Any] = {"n": tuple(int(result.n) for result in results.values())}
    if any(errors.values()):
        models, measures = _models(matrices), _measures(matrices)
        extra["standard_errors"] = _tensor(errors, tuple(results), measures, models)
    return together(matrices, known=extra | dict(known))


def together(matrices: Mapping[str, Mapping[str, Named]], *, known: Mapping[str, Any]) -> Similarities:
    """Named matrices by data set and measure as one tensor; a model that a matrix lacks is NaN there."""
    if not matrices:
        raise InputError("there are no similarity matrices to put together; give at least one data set.")
    models, measures = _models(matrices), _measures(matrices)
    for dataset, by_measure in matrices.items():
        lacking = [measure for measure in measures if measure not in by_measure]
        if lacking:
            raise InputError(
                f"{dataset!r} has no similarities by {lacking[0]!r}, which others have. Compute them, or leave the measure out everywhere."
            )
    values = _tensor(matrices, tuple(matrices), measures, models)
    return Similarities(values, tuple(matrices), measures, models, **known)


def read_matrix(path: Path) -> Named:
    """A matrix from a file, or from the one in a folder of the published study; its models from its header or `model_ids.txt` beside it.

    Raises:
        FileError: The file is damaged, of an unknown kind or not there.
    """
    if path.is_dir():
        inside = matrix_file(path)
        if inside is None:
            raise FileError(f"the folder {path} holds none of {', '.join(FILES)}. Name the file itself.")
        path = inside
    if not path.is_file():
        raise FileError(f"there is no file {path}.")
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise FileError(f"{path} has the suffix {path.suffix!r}; similarity matrices are read from {', '.join(SUFFIXES)}.")
    models: Sequence[str] | None = None
    if suffix == ".npy":
        values = data.read_npy(path)
    elif suffix == ".pt":
        values = read_tensor(path)
    elif suffix == ".npz":
        values, models = _from_npz(path)
    else:
        values, models = _from_table(data.read_table(path), path)
    beside = path.parent / MODEL_IDS
    if models is None and beside.is_file():
        try:
            models = [line.strip() for line in beside.read_text(encoding="utf-8").splitlines() if line.strip()]
        except (OSError, UnicodeDecodeError) as error:
            raise FileError(f"{beside} cannot be read as one model's name a line: {error}.") from error
    return Named(as_floats(values, name=f"the matrix in {path}"), None if models is None else unique_ids(models, name=str(path)))


def matrix_file(folder: Path) -> Path | None:
    """The similarity matrix in a folder, if there is one."""
    return next((folder / name for name in FILES if (folder / name).is_file()), None)


def _from_npz(path: Path) -> tuple[Any, Sequence[str] | None]:
    arrays = data.read_npz(path)
    square = [name for name, each in arrays.items() if each.ndim == 2 and each.dtype.kind in "fiu"]
    if len(square) != 1:
        raise FileError(
            f"{path} holds {len(square)} matrices of numbers; one is needed. There are {', '.join(map(repr, arrays)) or 'none'}."
        )
    texts = [each for each in arrays.values() if each.ndim == 1 and each.dtype.kind in "US"]
    return arrays[square[0]], [str(each) for each in texts[0]] if texts else None


def _from_table(table: pandas.DataFrame, path: Path) -> tuple[Any, Sequence[str]]:
    """A square table: the header names the columns; the index, or a first column that is one too many, names the rows."""
    import pandas

    if isinstance(table.index, pandas.RangeIndex):
        if table.shape[1] != len(table) + 1:
            raise ShapeError(
                f"{path} has {len(table)} rows and {table.shape[1]} columns; it needs a first column with names and then one a row."
            )
        table = table.set_index(table.columns[0])
    rows, columns = [str(each) for each in table.index], [str(each) for each in table.columns]
    if rows != columns:
        if sorted(rows) != sorted(columns):
            odd = next(iter(set(rows) ^ set(columns)))
            raise IdError(f"{path} names other models in its rows than in its columns; the first that stands only once is {odd!r}.")
        table = table[table.columns[[columns.index(each) for each in rows]]]
    return table.to_numpy(), rows


def _matrix(given: Any) -> Named:
    import pandas

    if isinstance(given, str | Path):
        return read_matrix(Path(given))
    if isinstance(given, pandas.DataFrame):
        values, models = _from_table(given, Path("the table"))
        return Named(as_floats(values, name="a similarity matrix"), unique_ids(models, name="a similarity matrix"))
    return Named(as_floats(given, name="a similarity matrix"), None)


def _order(given: Mapping[str, Mapping[str, Named]], table: pandas.DataFrame | None) -> list[str] | None:
    """Names for matrices that have none: the order of the metadata, or numbers where no matrix of all has names and all are of one size."""
    if table is not None:
        return [str(each) for each in table.index]
    every = [matrix for each in given.values() for matrix in each.values()]
    sizes = {len(matrix.values) for matrix in every if matrix.values.ndim}
    alike = len(sizes) == 1 and all(matrix.models is None for matrix in every)
    return [str(row) for row in range(sizes.pop())] if alike else None


def _named(matrix: Named, where: str, fallback: Sequence[str] | None) -> Named:
    shape = matrix.values.shape
    if len(shape) != 2 or shape[0] != shape[1]:
        raise ShapeError(f"the similarity matrix of {where} must be square, one row and one column a model; got shape {shape}.")
    models = matrix.models or fallback
    if models is None:
        raise ShapeError(
            f"the similarity matrix of {where} has {shape[0]} rows without names, while others have names or another size, so models "
            f"cannot meet. Write one name a line into {MODEL_IDS} beside the file, use a .csv with a header, or give names=…."
        )
    if len(models) != shape[0]:
        source = f"{len(models)} names of models" if matrix.models else f"names or metadata for {len(models)} models"
        raise ShapeError(
            f"the similarity matrix of {where} has {shape[0]} rows, but there are {source}. "
            f"Write one name a line into {MODEL_IDS} beside the file, or use a .csv with a header."
        )
    return Named(matrix.values.astype(np.float64), unique_ids(models, name=f"the matrix of {where}"))


def _models(matrices: Mapping[str, Mapping[str, Named]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for each in matrices.values() for matrix in each.values() for name in matrix.models or ()))


def _measures(matrices: Mapping[str, Mapping[str, Named]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(measure for each in matrices.values() for measure in each))


def _tensor(
    matrices: Mapping[str, Mapping[str, Named]], datasets: tuple[str, ...], measures: tuple[str, ...], models: tuple[str, ...]
) -> FloatArray:
    place = {name: at for at, name in enumerate(models)}
    values = np.full((len(datasets), len(measures), len(models), len(models)), np.nan)
    for d, dataset in enumerate(datasets):
        for k, measure in enumerate(measures):
            matrix = matrices[dataset].get(measure)
            if matrix is not None:
                at = [place[name] for name in matrix.models or ()]
                values[d, k][np.ix_(at, at)] = matrix.values
    return values
