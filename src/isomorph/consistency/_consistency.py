"""Do relations between models carry over from one data set to another?"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement
from typing import Any, Literal

import numpy as np

from isomorph.consistency._bootstrap import dataset_weights
from isomorph.consistency._gap import performance_gap
from isomorph.consistency._model_set import ModelSet
from isomorph.consistency._notes import cell_notes, study_notes
from isomorph.consistency._null import null_keys
from isomorph.consistency._pairs import ModelPairs, model_pairs
from isomorph.consistency._result import GAP_COLUMNS, PAIR_COLUMNS, SUMMARY_COLUMNS, ConsistencyResult
from isomorph.consistency._set_pair import Draws, analyse, corrected, pair_columns, summary_columns
from isomorph.consistency._similarities import Similarities
from isomorph.errors import InputError, ShapeError
from isomorph.inference._bootstrap import check_draws
from isomorph.spec import to_plain

EVERYTHING = ModelSet("all models")
"""The set that every other is seen against."""


@dataclass(frozen=True, kw_only=True)
class Consistency:
    r"""How far the similarities among models agree between data sets.

    $$\rho_{d,e}(\Phi, \Psi) = \mathrm{corr}\bigl(S_d[f, g],\; S_e[f, g]\bigr) \quad \text{over unordered pairs}\;
    \{f, g\},\; f \in \Phi,\; g \in \Psi,\; f \ne g$$

    The consistency of two sets of models is the distribution of ρ over all pairs of data sets; its median is the headline. 1: the
    same pairs of models are alike on every data set; 0: knowing one data set says nothing of another. A small ρ may come from
    similarities that hardly differ within a set (`sd_a`, `sd_b`), from sampling error (`disattenuated`), and a large one from feature
    widths, which are the same on every data set (`width_partial_r`): look at these before comparing sets. Sets of different sizes are
    compared by `size_matched_median`.

    Attributes:
        method: `"pearson"` or `"spearman"`.
        replicates: Of the bootstrap; 0: no intervals.
        resample: What the bootstrap draws: `"models"` (within each set; pairs that share a model are dependent, so models are drawn,
            never pairs), `"datasets"`, or `"both"`. With `"datasets"` a single pair of data sets has no interval.
        permutations: Of the null in which labels of models are swapped on each data set; 0: no p-values.
        seed: Of every draw. Draws depend on the names of models, so that further sets of models never change a number.
        level: Of the intervals.
        minimum_pairs: Sets with fewer pairs of models are skipped, and the result says so.
        missing: `"raise"`, or `"drop"`: on each pair of data sets only models that both have.

    Raises:
        InputError: An option is out of range.

    References:
        Ciernik et al., 2025, <https://arxiv.org/abs/2411.05561>; permutation: Mantel, 1967, Cancer Research 27:209-220.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> common = rng.normal(size=(20, 20))
        >>> values = np.stack([common + 0.5 * rng.normal(size=(20, 20)) for _ in range(3)])[:, None]
        >>> s = Similarities((values + values.swapaxes(2, 3)) / 2, ("a", "b", "c"), ("cka",), tuple("abcdefghijklmnopqrst"))
        >>> result = Consistency(replicates=100, permutations=99)(s)
        >>> round(result.summary["median"].item(), 1), result.summary["model_pairs"].item()
        (0.8, 190)
    """

    method: Literal["pearson", "spearman"] = "pearson"
    replicates: int = 1000
    resample: Literal["models", "datasets", "both"] = "models"
    permutations: int = 1000
    seed: int = 0
    level: float = 0.95
    minimum_pairs: int = 10
    missing: Literal["raise", "drop"] = "raise"

    def __post_init__(self) -> None:
        check_draws(replicates=self.replicates, seed=self.seed, level=self.level, permutations=self.permutations)
        for name, known in (
            ("method", ("pearson", "spearman")),
            ("resample", ("models", "datasets", "both")),
            ("missing", ("raise", "drop")),
        ):
            if getattr(self, name) not in known:
                raise InputError(f"{name} must be {' or '.join(map(repr, known))}; got {getattr(self, name)!r}.")
        if self.minimum_pairs < 3:
            raise InputError(f"minimum_pairs must be 3 or more, as two pairs of models always agree or disagree; got {self.minimum_pairs}.")

    def __call__(
        self, similarities: Similarities, pairs: Sequence[tuple[ModelSet, ModelSet]] | None = None, *, by: str | None = None
    ) -> ConsistencyResult:
        """Consistency within and between sets of models.

        Args:
            similarities: At least two data sets.
            pairs: The pairs of sets wanted.
            by: A metadata column instead: every two of its categories, and each with itself. All models among themselves are added
                as `"all models"`, as a baseline; without `pairs` and `by` there is nothing else.

        Raises:
            ShapeError: There is one data set only, or no pair of sets has `minimum_pairs` pairs of models.
            InputError: A model is missing on a data set and `missing` is `"raise"`; or both `pairs` and `by` are given.
        """
        if pairs is not None and by is not None:
            raise InputError("consistency takes pairs of sets or a column to make them by, not both.")
        if by is not None:
            pairs = [*combinations_with_replacement(ModelSet.by(similarities.table, by), 2), (EVERYTHING, EVERYTHING)]
        return self._of(similarities, [(EVERYTHING, EVERYTHING)] if pairs is None else list(pairs), by)

    def within(self, similarities: Similarities, sets: Sequence[ModelSet] | None = None, *, by: str = "objective") -> ConsistencyResult:
        """Consistency of each set with itself: of `sets`, else of the categories in the metadata column `by`."""
        chosen = ModelSet.by(similarities.table, by) if sets is None else sets
        return self._of(similarities, [(each, each) for each in chosen], by if sets is None else None)

    def anchors(self, similarities: Similarities, anchors: Sequence[str], *, by: str = "objective") -> ConsistencyResult:
        """Consistency of one model's similarities to all others of a category, for each of `anchors` and each category in `by`."""
        categories = ModelSet.by(similarities.table, by)
        return self._of(similarities, [(ModelSet.of(anchor), each) for anchor in anchors for each in categories], by)

    def _of(self, similarities: Similarities, sets: list[tuple[ModelSet, ModelSet]], by: str | None) -> ConsistencyResult:
        import pandas

        datasets = similarities.datasets
        self.check_datasets(datasets)
        _check_names(sets)
        chosen = [model_pairs(similarities.table, a, b) for a, b in sets]
        self._check_missing(similarities, chosen)
        kept, skipped = self.large_enough(chosen)
        draws = self._draws(similarities, kept)
        pair_tables, rows, notes = [], [], study_notes(similarities, by)
        for k, measure in enumerate(similarities.measures):
            for pairs in kept:
                found = analyse(similarities, k, pairs, draws)
                names = {"measure": measure, "set_a": pairs.name_a, "set_b": pairs.name_b}
                pair_tables.append(_pair_table(names, pair_columns(found, draws), similarities))
                rows.append(names | summary_columns(found, draws, len(datasets)))
                notes += cell_notes(names, found, similarities, self.minimum_pairs)
        summary = pandas.DataFrame(rows)
        summary["p_fdr"] = np.nan
        for _, part in summary.groupby("measure", sort=False):
            summary.loc[part.index, "p_fdr"] = corrected(part["p"].to_numpy(dtype=float))
        everything = model_pairs(similarities.table, EVERYTHING, EVERYTHING)
        gap = performance_gap(similarities, everything, draws)
        for sentence in skipped:
            warnings.warn(sentence, stacklevel=3)
        return ConsistencyResult(
            pairs=pandas.concat(pair_tables, ignore_index=True)[PAIR_COLUMNS],
            summary=summary[SUMMARY_COLUMNS],
            gap=pandas.DataFrame(gap)[GAP_COLUMNS] if gap else None,
            options=to_plain(self) | {"by": by, "matched_size": draws.matched_size, "notes": notes, "skipped": skipped},
        )

    def _check_missing(self, similarities: Similarities, chosen: list[ModelPairs]) -> None:
        wanted = np.zeros(len(similarities.models), dtype=bool)
        for pairs in chosen:
            wanted[pairs.nodes] = True
        absent = np.argwhere(~similarities.present & wanted)
        if len(absent) and self.missing == "raise":
            d, k, m = absent[0]
            raise InputError(
                f"{similarities.models[m]!r} is missing on {similarities.datasets[d]!r} ({similarities.measures[k]}), the first of "
                f"{len(absent)} such gaps. Say missing='drop' to use, on each pair of data sets, only the models that both have; "
                "or take the models that are everywhere with Similarities.take."
            )

    def check_datasets(self, datasets: Sequence[str]) -> None:
        """Whether these data sets are enough for what is asked.

        Raises:
            ShapeError: There is one only; or two, and data sets are to be resampled.
        """
        if len(datasets) < 2:
            listed = " and ".join(map(repr, datasets)) or "none"
            raise ShapeError(f"consistency is between data sets; there is {listed}. Give two or more.")
        if self.resample != "models" and self.replicates and len(datasets) < 3:
            raise ShapeError(f"resampling data sets needs at least 3 of them; there are {len(datasets)}. Use resample='models'.")

    def large_enough(self, chosen: Sequence[ModelPairs]) -> tuple[list[ModelPairs], list[str]]:
        """Those with `minimum_pairs` pairs of models, and a sentence for each that has fewer.

        Raises:
            ShapeError: None has.
        """
        kept = [pairs for pairs in chosen if len(pairs) >= self.minimum_pairs]
        skipped = [
            f"{pairs.name_a!r} with {pairs.name_b!r} was skipped: {pairs.sizes[0]} and {pairs.sizes[1]} models make {len(pairs)} "
            f"pairs of models, fewer than minimum_pairs={self.minimum_pairs}."
            for pairs in chosen
            if len(pairs) < self.minimum_pairs
        ]
        if not kept:
            raise ShapeError(
                f"no pair of sets has {self.minimum_pairs} pairs of models: {' '.join(skipped[:3])} Give larger sets, or lower "
                "minimum_pairs knowing that a correlation over so few pairs says little."
            )
        return kept, skipped

    def _draws(self, similarities: Similarities, kept: list[ModelPairs]) -> Draws:
        sizes = [len(pairs) for pairs in kept if pairs.name_a != EVERYTHING.name] or [len(pairs) for pairs in kept]
        over_datasets = self.resample != "models" and self.replicates > 0
        return Draws(
            method=self.method,
            replicates=self.replicates,
            resample=self.resample,
            seed=self.seed,
            level=self.level,
            minimum_pairs=self.minimum_pairs,
            keys=null_keys(self.permutations, len(similarities.datasets), len(similarities.models), self.seed),
            dataset_weights=dataset_weights(similarities.datasets, self.replicates, self.seed) if over_datasets else None,
            matched_size=min(sizes),
        )


def _check_names(sets: Sequence[tuple[ModelSet, ModelSet]]) -> None:
    by_name: dict[str, ModelSet] = {}
    for each in (one for pair in sets for one in pair):
        if by_name.setdefault(each.name, each) != each:
            raise InputError(
                f"two sets of models are called {each.name!r}, with other rules; their numbers could not be told apart. Rename one."
            )


def _pair_table(names: dict[str, str], columns: dict[str, Any], similarities: Similarities) -> Any:
    import pandas

    first, second = np.triu_indices(len(similarities.datasets), 1)
    datasets = np.array(similarities.datasets, dtype=object)
    n = np.full(len(datasets), np.nan) if similarities.n is None else np.array(similarities.n)
    return pandas.DataFrame(
        names | {"dataset_a": datasets[first], "dataset_b": datasets[second]} | columns | {"n_a": n[first], "n_b": n[second]}
    )
