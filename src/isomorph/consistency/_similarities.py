"""What consistency is computed from: every model against every model, on every data set, by every measure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from isomorph.arrays import FloatArray, unique_ids
from isomorph.consistency._check_similarities import checked_metadata, checked_table, checked_values, labels
from isomorph.errors import UnknownNameError

if TYPE_CHECKING:
    import pandas

    from isomorph.consistency._matrices import PairwiseResult


@dataclass(frozen=True, eq=False)
class Similarities:
    """Similarity matrices of the same models on several data sets, with what is known of the models.

    Attributes:
        values: `[dataset, measure, model, model]`, float64, symmetric. A model that is missing on a data set is a row and a column of
            NaN there; no other NaN is allowed.
        datasets: A name for each data set.
        measures: A name for each measure.
        models: A name for each model.
        metadata: One row a model, in any order; other rows are left out.
        performance: `[dataset, model]`, such as the accuracy of a linear probe; NaN where unknown.
        standard_errors: Of `values`, in its shape; from the jack-knife over stimuli.
        n: How many stimuli each data set has.
        widths: How many features each model has.
        domains: What kind of pictures each data set holds.

    Raises:
        ShapeError: Names and axes do not agree.
        IdError: A name stands twice, or a model has no metadata.
        InputError: A matrix is not symmetric.
        NonFiniteError: NaN or infinity other than a missing model.

    Example:
        >>> s = Similarities(np.ones((2, 1, 3, 3)), ("a", "b"), ("cka",), ("vgg", "vit", "mae"))
        >>> s.take(models=("mae", "vgg")).values.shape
        (2, 1, 2, 2)
    """

    values: FloatArray
    datasets: tuple[str, ...]
    measures: tuple[str, ...]
    models: tuple[str, ...]
    metadata: pandas.DataFrame | None = None
    performance: FloatArray | None = None
    standard_errors: FloatArray | None = None
    n: tuple[int, ...] | None = None
    widths: tuple[int, ...] | None = None
    domains: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        names = {
            "datasets": unique_ids(self.datasets, name="the list of data sets"),
            "measures": unique_ids(self.measures, name="the list of measures"),
            "models": unique_ids(self.models, name="the list of models"),
        }
        checked: dict[str, Any] = dict(names)
        checked["values"] = checked_values(self.values, **names)
        checked["standard_errors"] = checked_table(self.standard_errors, "standard_errors", checked["values"].shape, least=0)
        checked["performance"] = checked_table(self.performance, "performance", (len(names["datasets"]), len(names["models"])))
        checked["metadata"] = checked_metadata(self.metadata, names["models"])
        checked["n"] = labels(self.n, "n", names["datasets"], "data sets", int)
        checked["widths"] = labels(self.widths, "widths", names["models"], "models", int)
        checked["domains"] = labels(self.domains, "domains", names["datasets"], "data sets", str)
        for name, value in checked.items():
            object.__setattr__(self, name, value)

    @property
    def present(self) -> npt.NDArray[np.bool_]:
        """`[dataset, measure, model]`: where a model is not missing."""
        return ~np.isnan(np.diagonal(self.values, axis1=2, axis2=3))

    @property
    def table(self) -> pandas.DataFrame:
        """The metadata in the order of `models`; without any, a table with no columns."""
        import pandas

        return pandas.DataFrame(index=pandas.Index(self.models, name="model")) if self.metadata is None else self.metadata

    def take(
        self, *, datasets: Sequence[str] | None = None, measures: Sequence[str] | None = None, models: Sequence[str] | None = None
    ) -> Similarities:
        """Only these data sets, measures and models, in the order given; None keeps all.

        Raises:
            UnknownNameError: One of them is not there.
        """
        d = _places("data set", self.datasets, datasets)
        k = _places("measure", self.measures, measures)
        m = _places("model", self.models, models)
        box = np.ix_(d, k, m, m)
        return replace(
            self,
            values=self.values[box],
            datasets=tuple(self.datasets[at] for at in d),
            measures=tuple(self.measures[at] for at in k),
            models=tuple(self.models[at] for at in m),
            performance=None if self.performance is None else self.performance[np.ix_(d, m)],
            standard_errors=None if self.standard_errors is None else self.standard_errors[box],
            n=None if self.n is None else tuple(self.n[at] for at in d),
            widths=None if self.widths is None else tuple(self.widths[at] for at in m),
            domains=None if self.domains is None else tuple(self.domains[at] for at in d),
        )

    def to_long(self, columns: Sequence[str] = ()) -> pandas.DataFrame:
        """One row a measure, data set and unordered pair of models; pairs with a missing model are left out.

        Args:
            columns: Metadata columns to add for both models (`objective_a`, `objective_b`).

        Returns:
            pandas.DataFrame: `measure, dataset, model_a, model_b, similarity`, `standard_error` where known, then `columns`.
        """
        import pandas

        first, second = np.triu_indices(len(self.models), 1)
        kinds, sets, pairs = len(self.measures), len(self.datasets), len(first)
        names = np.array(self.models, dtype=object)
        table: dict[str, Any] = {
            "measure": np.repeat(np.array(self.measures, dtype=object), sets * pairs),
            "dataset": np.tile(np.repeat(np.array(self.datasets, dtype=object), pairs), kinds),
            "model_a": np.tile(names[first], kinds * sets),
            "model_b": np.tile(names[second], kinds * sets),
            "similarity": self.values[:, :, first, second].transpose(1, 0, 2).ravel(),
        }
        if self.standard_errors is not None:
            table["standard_error"] = self.standard_errors[:, :, first, second].transpose(1, 0, 2).ravel()
        for column in columns:
            if column not in self.table.columns:
                raise UnknownNameError("metadata column", column, map(str, self.table.columns))
            values = self.table[column].to_numpy(dtype=object)
            table[f"{column}_a"] = np.tile(values[first], kinds * sets)
            table[f"{column}_b"] = np.tile(values[second], kinds * sets)
        return pandas.DataFrame(table).dropna(subset=["similarity"]).reset_index(drop=True)

    def save(self, folder: Path | str) -> Path:
        """Write `.npy`, JSON and CSV files into `folder`; no pickle. `Similarities.load` reads them.

        Raises:
            FileError: The folder cannot be written.
        """
        from isomorph.consistency._similarities_folder import save

        return save(self, Path(folder))

    @staticmethod
    def load(folder: Path | str) -> Similarities:
        """Read what `save` wrote.

        Raises:
            FileError: It is no such folder, or a file in it is damaged.
        """
        from isomorph.consistency._similarities_folder import load

        return load(Path(folder))

    @staticmethod
    def from_matrices(
        matrices: Mapping[str, Any],
        *,
        names: Sequence[str] | None = None,
        measure: str = "similarity",
        metadata: pandas.DataFrame | Path | str | None = None,
        **known: Any,
    ) -> Similarities:
        """Put one matrix a data set together; models meet by name.

        Args:
            matrices: For each data set a `[model, model]` array, a table with names on both axes, a file (`.npy`, `.npz`, `.pt`, `.csv`,
                `.tsv`, `.parquet`), or a mapping from measures to such things.
            names: The models of matrices that do not say theirs. A file says them in its header, or in `model_ids.txt` beside it. Where
                neither does, the order of `metadata` names them; without it they are numbered, if no matrix has names and all have
                one size.
            measure: The name of the measure, where a data set has one matrix.
            metadata: A table whose index is the models, or a file for `load_metadata`.
            known: `performance`, `n`, `widths`, `domains`, by the order of data sets and models in the result.

        Raises:
            FileError: A file cannot be read as a matrix.
            ShapeError: A matrix is not square or has no names.
            InputError: A matrix is not symmetric.
        """
        from isomorph.consistency._matrices import from_matrices

        return from_matrices(matrices, names=names, measure=measure, metadata=metadata, known=known)

    @staticmethod
    def from_all_pairs(results: Mapping[str, PairwiseResult], **known: Any) -> Similarities:
        """Put the results of `isomorph.pairwise.all_pairs`, one a data set, together; models meet by name.

        Args:
            results: For each data set its result; all with the same measures.
            known: `metadata`, `performance`, `widths`, `domains`.
        """
        from isomorph.consistency._matrices import from_all_pairs

        return from_all_pairs(results, known=known)

    @staticmethod
    def from_original(
        folder: Path | str, *, metadata: pandas.DataFrame | Path | str | None = None, datasets: str = "*", measures: str = "*"
    ) -> Similarities:
        """Read a study folder laid out as Ciernik et al. (2025) publish theirs.

        `model_similarities/<dataset>/<measure>/similarity_matrix.{pt,npy}` with `model_ids.txt` beside it. Nothing is unpickled.

        Args:
            folder: The study's folder, the one that holds `model_similarities/`.
            metadata: A table whose index is the models, or a file for `load_metadata`.
            datasets: A shell pattern for the data sets to read.
            measures: A shell pattern for the measures to read.

        Raises:
            FileError: There is no such folder, or a matrix cannot be read without running code.
        """
        from isomorph.consistency._original import from_original

        return from_original(Path(folder), metadata=metadata, datasets=datasets, measures=measures)


def _places(kind: str, known: tuple[str, ...], wanted: Sequence[str] | None) -> list[int]:
    if wanted is None:
        return list(range(len(known)))
    if isinstance(wanted, str):
        wanted = (wanted,)
    index = {name: at for at, name in enumerate(known)}
    for name in wanted:
        if name not in index:
            raise UnknownNameError(kind, name, known)
    return [index[name] for name in wanted]
