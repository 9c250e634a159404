"""Models that answered pictures beside people: trials, scores and the leaderboard."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from isomorph.errors import FileError, InputError, UnknownNameError
from isomorph.perception import Answers, write_trials
from isomorph.results._behaviour_answer import ClassMap, answer

if TYPE_CHECKING:
    import pandas

    from isomorph.benchmarks import BehaviourMatch
    from isomorph.benchmarks._behaviour_match_join import Joined
    from isomorph.engine import Progress
    from isomorph.models import Model
    from isomorph.stimuli import Stimuli

NOTE = (
    "Each number is formed within a condition, then averaged over conditions, people and data sets, all with equal weight; images that a "
    "model did not see are left out for everybody."
)
_HIGHER = ("error_consistency", "shape_bias")
"""Measures by which a table may be ordered with the largest first."""


@dataclass(frozen=True, kw_only=True, eq=False)
class BehaviourResults:
    """Answers of models and people to the same pictures, and how alike they are.

    Attributes:
        benchmark: The benchmark's name.
        joined: The answers, met by image.
        rows: What `BehaviourMatch.score` returns.
        stimuli: The pictures of each data set, where they are at hand.
        dropped: Which conditions do not count.
        level: The intervals' coverage.
        summary: What the benchmark asks, in a line.
        citation: The papers to cite.
        licence: The licence of the people's data.
        notes: Sentences that must travel with the numbers.
    """

    benchmark: str
    joined: Joined
    rows: Sequence[Mapping[str, Any]]
    stimuli: Mapping[str, Stimuli] = field(default_factory=dict)
    dropped: Any = "model-vs-human"
    level: float = 0.95
    summary: str = ""
    citation: str = ""
    licence: str = ""
    notes: tuple[str, ...] = ()

    @cached_property
    def table(self) -> pandas.DataFrame:
        """One row a score, as `rows`."""
        import pandas

        return pandas.DataFrame([dict(each) for each in self.rows])

    @property
    def leaderboard(self) -> pandas.DataFrame:
        """One row a model over all data sets; the row "humans" is what people reach among themselves."""
        return leaderboard(self.rows)

    @property
    def models(self) -> tuple[str, ...]:
        """The models, as the tables order them."""
        return tuple(each for each in self.leaderboard["model"] if each != "humans")

    def save(self, folder: Path | str) -> Path:
        """Write `scores.csv`, `scores.json`, `leaderboard.csv`, `leaderboard.json`, and the models' answers as model-vs-human's CSVs.

        Raises:
            FileError: The folder cannot be written.
        """
        folder = Path(folder)
        try:
            write_scores(folder, scores=self.table, leaderboard=self.leaderboard)
            if self.joined.trials.models:
                write_trials(self.joined.trials.take(subjects=self.joined.trials.models), folder / "trials")
        except OSError as error:
            raise FileError(f"the results cannot be written into {folder}: {error.strerror or error}. Choose another folder.") from error
        return folder

    def __repr__(self) -> str:
        trials = self.joined.trials
        return f"BehaviourResults({self.benchmark!r}, {len(trials.models)} models, {len(trials.humans)} people, {len(self.rows)} scores)"


def write_scores(folder: Path, **tables: pandas.DataFrame) -> None:
    """Write tables into `folder`, which is made if absent, each as CSV and as JSON.

    Raises:
        OSError: The folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        table.to_csv(folder / f"{name}.csv", index=False, lineterminator="\n")
        plain = json.loads(table.to_json(orient="records", double_precision=15))
        (folder / f"{name}.json").write_text(json.dumps(plain, indent=1, ensure_ascii=False), encoding="utf-8")


def leaderboard(rows: Sequence[Mapping[str, Any]], *, target: str = "all") -> pandas.DataFrame:
    """Scores as one row a model: each measure with its interval beside it.

    Args:
        rows: Of `BehaviourMatch.score` or `LabelMatch.score`.
        target: Which data set, or all.

    Returns:
        `model`, then each measure with `…_low` and `…_high`, models by κ (else by the first measure), the row "humans" last.

    Raises:
        UnknownNameError: No score is of that data set.
    """
    import pandas

    targets = dict.fromkeys(each["target"] for each in rows)
    if target not in targets and target != "all":
        raise UnknownNameError("data set", target, targets)
    part = [each for each in rows if each["target"] == target or "all" not in targets]
    measures = list(dict.fromkeys(each["measure"] for each in part))
    found: dict[str, dict[str, Any]] = {}
    for each in part:
        values = found.setdefault(each["model"], {"model": each["model"]})
        values |= {each["measure"]: each["value"], f"{each['measure']}_low": each["low"], f"{each['measure']}_high": each["high"]}
    columns = ["model", *(f"{name}{end}" for name in measures for end in ("", "_low", "_high"))]
    table = pandas.DataFrame(list(found.values()), columns=columns)
    table[columns[1:]] = table[columns[1:]].astype(float)
    table = table.dropna(axis=1, how="all")
    by = "error_consistency" if "error_consistency" in table else table.columns[min(1, len(table.columns) - 1)]
    last = (table["model"] == "humans").to_numpy()
    downwards = by in _HIGHER
    order = table.assign(last=last).sort_values(["last", by], ascending=[True, not downwards], kind="stable", ignore_index=True)
    return order.drop(columns="last")


def evaluate_behaviour(
    models: Sequence[Model | str] | Model | str,
    benchmark: BehaviourMatch | str = "model-vs-human",
    *,
    datasets: Sequence[str] | None = None,
    stimuli: Mapping[str, Stimuli] | None = None,
    classes: Sequence[str] | None = None,
    mapping: ClassMap | None = "imagenet-16",
    missing: Literal["raise", "drop"] = "drop",
    replicates: int = 1000,
    seed: int = 0,
    level: float = 0.95,
    resample: Literal["images", "people", "both"] = "images",
    batch_size: int = 32,
    device: str = "cpu",
    progress: Progress | None = None,
) -> BehaviourResults:
    """Let models answer the pictures that people answered, and score them beside people and published models.

    Args:
        models: Names or loaded models; or none at all, for what is published.
        benchmark: "model-vs-human", "shape-bias", or a `BehaviourMatch` of your own.
        datasets: Which data sets; by default those whose pictures are public or given. (Of cue-conflict a sample of 160 is.)
        stimuli: Your own copy of a data set's pictures, under its name.
        classes: As in `answer`.
        mapping: As in `answer`.
        missing: As in `BehaviourMatch.join`.
        replicates: Bootstrap replicates of the intervals.
        seed: The bootstrap's.
        level: The intervals' coverage.
        resample: What the bootstrap of consistencies draws.
        batch_size: Pictures at a time.
        device: Where models given by name run.
        progress: Where progress is shown.

    Raises:
        UnknownNameError: No benchmark or data set has that name.
        InputError: The benchmark is of another kind, or the pictures of a data set are neither public nor given.
    """
    from isomorph.benchmarks import BehaviourMatch, load_benchmark
    from isomorph.models import Model, load_model
    from isomorph.results._behaviour_unit import subject_names

    asked: Any = load_benchmark(benchmark) if isinstance(benchmark, str) else benchmark
    if not isinstance(asked, BehaviourMatch):
        raise InputError(
            f"{getattr(asked, 'name', benchmark)} does not ask for trials of pictures. Of answers to it you have, load_benchmark(…).score "
            "makes scores; geometries go to isomorph.evaluate."
        )
    own = dict(stimuli or {})
    several = [models] if isinstance(models, str | Model) else list(models)
    public = [each for each in asked.datasets if each in (asked.stimulus_sets or {})] or list(asked.datasets)
    chosen = list(datasets) if datasets else [*dict.fromkeys([*own, *public])] if several else list(asked.datasets)
    asked = asked.take(chosen)
    shown = {name: own[name] if name in own else asked.stimuli(name) for name in chosen} if several else {}
    found: dict[str, list[Answers]] = {name: [] for name in shown}
    names = subject_names([each if isinstance(each, str) else each.name for each in several])
    for each, subject in zip(several, names.values(), strict=True):
        loaded = load_model(each, device=device) if isinstance(each, str) else each
        for name, pictures in shown.items():
            how: dict[str, Any] = {"classes": classes, "mapping": mapping, "batch_size": batch_size, "progress": progress}
            found[name].append(answer(loaded, pictures, dataset=name, subject=subject, **how))
    how = {"replicates": replicates, "seed": seed, "level": level, "resample": resample}
    return behaviour_results(asked, found, stimuli=shown, missing=missing, **how)


def behaviour_results(
    benchmark: BehaviourMatch,
    given: Any,
    *,
    stimuli: Mapping[str, Stimuli] | None = None,
    missing: Literal["raise", "drop"] = "raise",
    notes: Sequence[str] = (),
    **how: Any,
) -> BehaviourResults:
    """Answers that are at hand already, scored and put beside people's.

    Args:
        benchmark: Whom they are compared with.
        given: As `BehaviourMatch.join` takes them.
        stimuli: The pictures of each data set, for a report to show.
        missing: As in `BehaviourMatch.join`.
        notes: More sentences that must travel with the numbers.
        how: `replicates`, `seed`, `level`, `resample` of `BehaviourMatch.score`.
    """
    joined = benchmark.join(given, missing=missing)
    return BehaviourResults(
        benchmark=benchmark.name, joined=joined, rows=benchmark.score(joined, **how), stimuli=dict(stimuli or {}),
        dropped=benchmark.dropped, level=how.get("level", 0.95), summary=benchmark.summary, citation=benchmark.citation,
        licence=benchmark.licence, notes=(NOTE, *joined.notes, *notes),
    )  # fmt: skip
