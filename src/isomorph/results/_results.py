"""The value that `evaluate` returns: a tidy table, and what a report needs beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from isomorph.errors import InputError, UnknownNameError
from isomorph.results._records import BenchmarkRecord, LayerGeometry, SecondOrder

if TYPE_CHECKING:
    import pandas as pd

    from isomorph.results._behaviour import BehaviourResults
    from isomorph.results._behaviour_table import BehaviourRecord

COLUMNS = (
    *("model", "layer", "layer_index", "depth", "benchmark", "target", "measure", "value", "low", "high", "p", "p_corrected"),
    *("best_on_same_data", "ceiling_lower", "ceiling_upper", "n", "subjects", "seed", "replicates", "width", "reduction", "seen"),
    *("model_fingerprint", "stimuli_fingerprint", "extraction_fingerprint", "isomorph_version", "torch_version"),
)
_SCORED = ["benchmark", "target", "measure"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Results:
    """Scores with their intervals, and the geometries behind them.

    Attributes:
        table: One row a model × layer × benchmark × target × measure. `p_corrected` is `p` corrected (Benjamini-Hochberg) over all
            layers and models of one benchmark, target and measure. `best_on_same_data` marks each model's layer with the largest
            value: it was chosen on the very data that score it, so it is a little optimistic. Rows about answers have the layer `""`,
            a data set or "all" as target, and what people reach among themselves as both ceilings.
        benchmarks: What was asked and shown.
        geometry: For each benchmark, model and target the RDM of the best layer.
        behaviour: The benchmarks of answers.
        answered: Their trials and scores; only where they were just made, for `save` keeps rows and records.
        methods: Plain data: versions, options, model cards, notes.
    """

    table: pd.DataFrame
    benchmarks: tuple[BenchmarkRecord, ...] = ()
    geometry: tuple[LayerGeometry, ...] = ()
    behaviour: tuple[BehaviourRecord, ...] = ()
    answered: tuple[BehaviourResults, ...] = ()
    methods: Mapping[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.table)

    def benchmark(self, name: str) -> BenchmarkRecord:
        """The record of the benchmark called `name`."""
        for each in self.benchmarks:
            if each.name == name:
                return each
        raise UnknownNameError("benchmark in these results", name, [each.name for each in self.benchmarks])

    def model_names(self, benchmark: str) -> tuple[str, ...]:
        """The models that were scored on a benchmark, in the order of evaluation."""
        table = self.table
        return tuple(dict.fromkeys(table.loc[table["benchmark"] == benchmark, "model"]))

    def best(self, benchmark: str, target: str | None = None) -> pd.DataFrame:
        """Each model's best layer for a target (default: the benchmark's first), the closest model first.

        The first comparison of the benchmark ranks. The layer was chosen on the same data that score it.
        """
        record = self.benchmark(benchmark)
        if not record.targets:
            raise InputError(f"the benchmark {benchmark!r} has no target to rank models by.")
        names = [each.name for each in record.targets]
        wanted = names[0] if target is None else target
        if wanted not in names:
            raise UnknownNameError(f"target of {benchmark}", wanted, names)
        table = self.table
        chosen = (table["benchmark"] == benchmark) & (table["target"] == wanted) & table["best_on_same_data"]
        rows = table[chosen & (table["measure"] == f"rsa-{record.comparisons[0]}")]
        return rows.sort_values("value", ascending=False, kind="stable").reset_index(drop=True)

    def leaderboard(self, benchmark: str, *, target: str = "all") -> pd.DataFrame:
        """One row a model that answered a benchmark, each measure with its interval beside it; "humans" (among themselves) last.

        Raises:
            UnknownNameError: No benchmark of answers has that name, or no score is of that data set.
        """
        from isomorph.results._behaviour import leaderboard

        names = [each.name for each in self.behaviour]
        if benchmark not in names:
            raise UnknownNameError("benchmark of answers in these results", benchmark, names)
        rows = self.table[self.table["benchmark"] == benchmark].to_dict("records")
        return leaderboard([{str(key): value for key, value in row.items()} for row in rows], target=target)

    def second_order(self, benchmark: str) -> SecondOrder:
        """How alike the geometries of all targets and models are, pair by pair."""
        record = self.benchmark(benchmark)
        # The first geometry of each model: the one chosen for the first target that the model was scored on.
        found = {each.model: each for each in reversed(self.geometry) if each.benchmark == benchmark}
        # A target that is a model stands in the map as that model.
        targets = [each for each in record.targets if each.kind != "model"]
        models = [found[name] for name in self.model_names(benchmark) if name in found]
        stack = np.stack([*(each.mean for each in targets), *(each.rdm for each in models)])
        return SecondOrder(
            benchmark=benchmark,
            names=(*(each.name for each in targets), *(each.model for each in models)),
            kinds=(*(each.kind for each in targets), *(self._kind(each.model) for each in models)),
            matrix=np.atleast_2d(np.corrcoef(stack)),
        )

    def _kind(self, model: str) -> str:
        card = self.methods.get("models", {}).get(model, {})
        return "control" if card.get("training_data") == "none" else "model"

    def to_csv(self, path: Path | str) -> Path:
        """Write the table as CSV."""
        self.table.to_csv(path, index=False)
        return Path(path)

    def to_parquet(self, path: Path | str) -> Path:
        """Write the table as Parquet."""
        self.table.to_parquet(path, index=False)
        return Path(path)

    def save(self, folder: Path | str) -> Path:
        """Write everything into a folder that `Results.load` reads: `scores.parquet`, `results.json`, `geometry.safetensors`."""
        from isomorph.results._folder import save

        return save(self, Path(folder))

    @staticmethod
    def load(folder: Path | str) -> Results:
        """Read a folder that `save` wrote.

        Raises:
            FileError: The folder is not such a folder, or a file in it is damaged.
        """
        from isomorph.results._folder import load

        return load(Path(folder))

    @staticmethod
    def merge(*parts: Results) -> Results:
        """One value of several; equal rows are kept once.

        Raises:
            InputError: Two parts ask different questions under one benchmark's name, or give different scores to the same row.
        """
        from isomorph.results._assembly import merge

        return merge(parts)
