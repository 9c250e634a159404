"""How consistent similarities are: tables with intervals, p-values and what could explain them away."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from isomorph.errors import InputError

if TYPE_CHECKING:
    import pandas

PAIR_COLUMNS = [
    "measure",
    "set_a",
    "set_b",
    "dataset_a",
    "dataset_b",
    "r",
    "low",
    "high",
    "p",
    "p_fdr",
    "p_max",
    "disattenuated",
    "fisher_z",
    "model_pairs",
    "models_a",
    "models_b",
    "sd_a",
    "sd_b",
    "range_a",
    "range_b",
    "width_partial_r",
    "n_a",
    "n_b",
]
SUMMARY_COLUMNS = [
    "measure",
    "set_a",
    "set_b",
    "median",
    "low",
    "high",
    "p",
    "p_fdr",
    "size_matched_median",
    "disattenuated_median",
    "width_partial_median",
    "fisher_z_mean",
    "sd_median",
    "model_pairs",
    "dataset_pairs",
    "leave_one_out_low",
    "leave_one_out_high",
]
GAP_COLUMNS = ["measure", "dataset", "r", "low", "high", "p", "p_fdr", "model_pairs"]


@dataclass
class ConsistencyResult:
    """What `Consistency` finds.

    Attributes:
        pairs: One row a measure, pair of sets and pair of data sets: `measure, set_a, set_b, dataset_a, dataset_b, r, low, high, p,
            p_fdr, p_max, disattenuated, fisher_z, model_pairs, models_a, models_b, sd_a, sd_b, range_a, range_b, width_partial_r,
            n_a, n_b`.
        summary: One row a measure and pair of sets: `measure, set_a, set_b, median, low, high, p, p_fdr, size_matched_median,
            disattenuated_median, width_partial_median, fisher_z_mean, sd_median, model_pairs, dataset_pairs, leave_one_out_low,
            leave_one_out_high`.
        gap: One row a measure and data set: `measure, dataset, r, low, high, p, p_fdr, model_pairs`; None without performance.
        options: The options that were in force, and `notes` and `skipped`: sentences that must travel with the numbers.
    """

    pairs: pandas.DataFrame
    summary: pandas.DataFrame
    gap: pandas.DataFrame | None
    options: dict[str, Any]

    def matrix(
        self, *, measure: str | None = None, set_a: str | None = None, set_b: str | None = None, column: str = "r"
    ) -> pandas.DataFrame:
        """Data set × data set, symmetric, 1 on the diagonal of `r`: what a heat map shows.

        Args:
            measure: Which measure; the first unless given.
            set_a: Which set of models; the first row's unless given.
            set_b: The other set; `set_a` unless given.
            column: The column of `pairs` to show.

        Raises:
            InputError: There are no such rows.
        """
        import numpy as np
        import pandas

        first = self.pairs.iloc[0]
        measure = first["measure"] if measure is None else measure
        if set_a is None:
            set_a, set_b = first["set_a"], set_b or first["set_b"]
        set_b = set_a if set_b is None else set_b
        table = self.pairs
        straight = (table["set_a"] == set_a) & (table["set_b"] == set_b)
        rows = table[(table["measure"] == measure) & (straight | ((table["set_a"] == set_b) & (table["set_b"] == set_a)))]
        if rows.empty:
            raise InputError(f"there is no consistency of {set_a!r} and {set_b!r} by {measure!r}; `summary` lists what there is.")
        names = list(dict.fromkeys([*rows["dataset_a"], *rows["dataset_b"]]))
        place = {name: at for at, name in enumerate(names)}
        square = np.full((len(names), len(names)), np.nan)
        np.fill_diagonal(square, 1.0 if column in ("r", "low", "high") else np.nan)
        a, b = rows["dataset_a"].map(place).to_numpy(), rows["dataset_b"].map(place).to_numpy()
        square[a, b] = square[b, a] = rows[column].to_numpy(dtype=float)
        return pandas.DataFrame(square, index=names, columns=names)

    def save(self, folder: Path | str) -> Path:
        """Write `pairs.csv`, `summary.csv`, `gap.csv` (where there is one) and `options.json`.

        Raises:
            FileError: The folder cannot be written.
        """
        from isomorph.consistency._result_folder import save

        return save(self, Path(folder))

    @staticmethod
    def load(folder: Path | str) -> ConsistencyResult:
        """Read what `save` wrote.

        Raises:
            FileError: It is no such folder, or a file in it is damaged.
        """
        from isomorph.consistency._result_folder import load

        return load(Path(folder))
