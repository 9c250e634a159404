"""Answers to a VisAlign set beside people's: scores, the leaderboard, and what a report shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from isomorph.errors import FileError
from isomorph.perception import Answers
from isomorph.results import leaderboard
from isomorph.results._behaviour import write_scores

if TYPE_CHECKING:
    import pandas

    from isomorph.benchmarks import AbstentionMatch


@dataclass(frozen=True, kw_only=True, eq=False)
class VisalignResults:
    """Answers of models and people to the test pictures of a set, and how alike they are.

    Attributes:
        benchmark: The set and the costs.
        answers: The runs, each under its name.
        rows: What `AbstentionMatch.score` returns.
        level: The intervals' coverage.
        notes: Sentences that must travel with the numbers.
    """

    benchmark: AbstentionMatch
    answers: tuple[Answers, ...]
    rows: Sequence[Mapping[str, Any]]
    level: float = 0.95
    notes: tuple[str, ...] = ()

    @cached_property
    def table(self) -> pandas.DataFrame:
        """One row a score, as `rows`."""
        import pandas

        return pandas.DataFrame([dict(each) for each in self.rows])

    @property
    def leaderboard(self) -> pandas.DataFrame:
        """One row a model, the closest to people first: its mean distance over categories, and what concerns all pictures."""
        board: pandas.DataFrame = leaderboard(self.rows)
        return board

    @property
    def models(self) -> tuple[str, ...]:
        """The models, as the tables order them."""
        return tuple(each for each in self.leaderboard["model"] if each != "humans")

    def save(self, folder: Path | str) -> Path:
        """Write `scores` and `leaderboard`, each as CSV and JSON.

        Raises:
            FileError: The folder cannot be written.
        """
        folder = Path(folder)
        try:
            write_scores(folder, scores=self.table, leaderboard=self.leaderboard)
        except OSError as error:
            raise FileError(f"the results cannot be written into {folder}: {error.strerror or error}. Choose another folder.") from error
        return folder


def visalign_results(
    answers: Sequence[Answers],
    benchmark: AbstentionMatch,
    *,
    notes: Sequence[str] = (),
    replicates: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> VisalignResults:
    """Answers that are at hand, scored and put beside people's.

    Args:
        answers: Runs over the outcomes of the set; `<model>/<seed>` are one model.
        benchmark: Whom they are compared with: `load_benchmark("visalign", folder=…)`.
        notes: More sentences that must travel with the numbers.
        replicates: Bootstrap replicates over pictures; 0: no intervals.
        seed: The bootstrap's.
        level: The intervals' coverage.

    Raises:
        InputError: Outcomes differ, or two runs have one name.
        IdError: Pictures are missing or unknown.
    """
    rows = benchmark.score(answers, replicates=replicates, seed=seed, level=level)
    said = tuple(dict.fromkeys([*benchmark.data.notes, *notes]))
    return VisalignResults(benchmark=benchmark, answers=tuple(answers), rows=rows, level=level, notes=said)
