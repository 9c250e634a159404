"""`isomorph behavior`: models beside people, from model-vs-human's CSV files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from isomorph.cli._output import print_json, print_table
from isomorph.cli._parse import call

if TYPE_CHECKING:
    import pandas


def run(words: list[str]) -> int | None:
    """Parse and run."""
    return call(behavior, words, command="behavior")


def behavior(
    folder: Annotated[Path, tyro.conf.Positional],
    *,
    by: Literal["model", "dataset"] = "model",
    dropped: str = "model-vs-human",
    people: str = "subject-*",
    datasets: tuple[str, ...] = (),
    replicates: int = 1000,
    resample: Literal["images", "people", "both"] = "images",
    level: float = 0.95,
    seed: int = 0,
    json: bool = False,
) -> None:
    """Error consistency, observed consistency, accuracy difference, OOD accuracy, shape bias and mean rank of every model in a folder.

    Args:
        folder: CSV files of people and models, at any depth: <dataset>_subject-01_session_1.csv, <dataset>_<model>_session-1.csv.
        by: model, or dataset for one row a model and data set.
        dropped: Which conditions do not count: model-vs-human (undistorted, or too hard for people) or none.
        people: A shell pattern over subjects: who is a person.
        datasets: Only these.
        replicates: Bootstrap replicates of the intervals; 0: none.
        resample: What the bootstrap draws: images, people or both.
        level: The intervals' coverage.
        seed: The bootstrap's.
        json: One JSON object a model, and one for "humans" among themselves: model, accuracy_difference, observed_consistency,
            error_consistency, ood_accuracy, shape_bias, mean_rank, and each with _low and _high.
    """
    from isomorph.perception import behaviour_table, read_trials

    trials = read_trials(folder, people=people)
    if datasets:
        trials = trials.take(datasets=datasets)
    table = behaviour_table(
        trials,
        dropped=dropped,
        by=by,
        replicates=replicates,
        resample=resample,
        level=level,
        seed=seed,
    )
    rows: list[dict[str, Any]] = [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]
    if json:
        for row in rows:
            print_json(row)
    else:
        print_table(_short(table, rows), [name for name in table.columns if not name.endswith(("_low", "_high"))])


def _short(table: pandas.DataFrame, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each value with its interval beside it, as people read tables."""
    with_ends = [name for name in table.columns if f"{name}_low" in table.columns]

    def shown(row: dict[str, Any], name: str) -> str:
        return "" if row[name] != row[name] else f"{row[name]:.3f} [{row[f'{name}_low']:.3f}, {row[f'{name}_high']:.3f}]"

    return [row | {name: shown(row, name) for name in with_ends} for row in rows]
