"""`isomorph evaluate`: models against brains and people."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from isomorph.cli._extract import as_layers
from isomorph.cli._output import print_json, print_table, say
from isomorph.cli._parse import StoreFolder, call, wrong_usage
from isomorph.cli._profile import measured, tell_profile
from isomorph.errors import MissingDependencyError

if TYPE_CHECKING:
    from isomorph.report import EncodingReport, PerceptionReport, Report, VisalignReport
    from isomorph.results import Results

BEST_COLUMNS = ("model", "layer", "value", "low", "high", "p_corrected", "ceiling_lower", "ceiling_upper", "n")


def run(words: list[str]) -> int | None:
    """Parse and run."""
    return call(evaluate, words, command="evaluate")


def evaluate(
    models: Annotated[tuple[str, ...], tyro.conf.Positional],
    *,
    benchmarks: tuple[str, ...],
    layers: tuple[str, ...] = ("all",),
    pool: str | None = None,
    replicates: int = 1000,
    permutations: int = 1000,
    resample: Literal["stimuli", "subjects", "both"] = "stimuli",
    seed: int = 0,
    memory_limit: str = "2GB",
    device: str = "cpu",
    folder: Path | None = None,
    out: Path | None = None,
    report: Path | None = None,
    profile: bool = False,
    store: StoreFolder = None,
    json: bool = False,
) -> None:
    """Score every layer of models against every target of benchmarks, with intervals and noise ceilings.

    On a benchmark of answers (model-vs-human, shape-bias) classifiers answer the pictures that people answered. On
    visalign, given alone, models learn a set of yours (`--folder`), or files of answers to its test pictures are scored.

    Args:
        models: Names from `isomorph list models`; for visalign also files of answers: .json, .npz, .csv, .parquet.
        benchmarks: Names from `isomorph list benchmarks`.
        layers: all, or names, shell patterns, positions (-1 is the last), depth fractions (0.5).
        pool: How positions are summarised; default: everything of a picture, the mean over a text's tokens.
        replicates: Bootstrap replicates for each interval.
        permutations: Permutations for each p-value; 0 for none.
        resample: What the bootstrap draws.
        seed: Seed of both.
        memory_limit: What an extraction may hold in memory; the rest waits in the store.
        device: cpu, cuda:0 or mps.
        folder: Of visalign: the data set.
        out: Save the results in this folder (scores.parquet, results.json, geometry.safetensors).
        report: Write a report into this folder.
        profile: Also tell where the time went.
        store: The store's folder; default: $ISOMORPH_STORE.
        json: The whole table, one JSON object a row.
    """
    from isomorph.benchmarks import registry
    from isomorph.engine import Progress
    from isomorph.results import evaluate as evaluate_models
    from isomorph.store import open_store

    if not models:
        wrong_usage("evaluate", "at least one model is needed; `isomorph list models` shows them.")
    kinds = [registry.entry(each).facts.get("kind") for each in benchmarks]
    if kinds == ["abstention match"]:
        from isomorph.cli._evaluate_visalign import evaluate_on_set

        with measured(profile) as spent:
            evaluate_on_set(models, folder, store, replicates=replicates, seed=seed, device=device, out=out, report=report, json=json)
        tell_profile(spent, json=json)
        return
    if folder:
        wrong_usage("evaluate", "--folder is the data set of visalign, given alone: --benchmarks visalign.")
    with measured(profile) as spent, Progress(quiet=json) as progress:
        results = evaluate_models(
            models,
            benchmarks,
            store=open_store(store),
            layers=as_layers(layers),
            pool=pool,
            replicates=replicates,
            permutations=permutations,
            resample=resample,
            seed=seed,
            memory_limit=memory_limit,
            device=device,
            progress=progress,
        )
    if kinds == ["behaviour match"]:
        from isomorph.cli._evaluate_behaviour import deliver_answers

        deliver_answers(results.answered[0], out=out, report=report, json=json)
    else:
        deliver(results, out=out, report=report)
        print_rows(results) if json else print_best(results)
    tell_profile(spent, json=json)


def deliver(results: Results, *, out: Path | None, report: Path | None) -> None:
    """Write what was asked for, and say where it lies."""
    if out:
        say(f"results: {results.save(out)}")
    if report:
        from isomorph.report import report as make_report

        say(f"report: {write_report(make_report(results), report)}")


def write_report(report: Report | EncodingReport | PerceptionReport | VisalignReport, folder: Path) -> Path:
    """Write a report; without matplotlib without the figures for papers, and say so. Return the page."""
    try:
        return Path(report.save(folder))
    except MissingDependencyError as error:
        say(f"the report goes without figures for papers: {error}")
        return Path(report.save(folder, figures=False))


def print_rows(results: Results) -> None:
    """The whole table as JSON, one object a row."""
    for row in results.table.to_dict("records"):
        print_json(row)


def print_best(results: Results) -> None:
    """For each benchmark and target the models, the closest first; for each benchmark of answers the leaderboard."""
    for record in results.benchmarks:
        for target in record.targets:
            rows: list[dict[str, Any]] = results.best(record.name, target.name).to_dict("records")
            title = f"{record.name} × {target.name}, {record.comparisons[0]}, each model's best layer (chosen on the same data)"
            print_table(rows, BEST_COLUMNS, title=title)
    for each in results.behaviour:
        from isomorph.cli._evaluate_behaviour import print_leaderboard

        print_leaderboard(each.name, results.leaderboard(each.name), each.notes)
