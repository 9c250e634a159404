"""`isomorph demo`: bundled models beside brains and people, as a report."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from isomorph.cli._evaluate import print_best, write_report
from isomorph.cli._output import print_json, say
from isomorph.cli._parse import StoreFolder, call
from isomorph.errors import FetchError, FileError, InputError, MissingDependencyError

if TYPE_CHECKING:
    from isomorph.benchmarks import GeometryMatch
    from isomorph.models import Model
    from isomorph.report import Report
    from isomorph.results import Results

_BENCHMARKS = {"image": "kriegeskorte-92", "text": "lancaster-words"}


def run(words: list[str]) -> int | None:
    """Parse and run."""
    return call(demo, words, command="demo")


def demo(
    *,
    out: Path = Path("isomorph-demo"),
    models: tuple[str, ...] = ("bundled/*",),
    replicates: int = 1000,
    permutations: int = 1000,
    seed: int = 0,
    memory_limit: str = "3GB",
    store: StoreFolder = None,
    json: bool = False,
) -> None:
    """Score every layer of the bundled models against human and monkey IT, people's judgments and sensory norms; write a report.

    Args:
        out: The folder to write: index.html, figures, data.
        models: Names or shell patterns of other models to show, pictures and texts mixed.
        replicates: Bootstrap replicates for each interval.
        permutations: Permutations for each p-value.
        seed: Seed of both.
        memory_limit: What an extraction may hold in memory; the rest waits in the store.
        store: The store's folder; default: $ISOMORPH_STORE.
        json: One JSON object: report, headline, rows, models, missing, benchmarks, best, remarks, seconds.
    """
    from isomorph.engine import Progress
    from isomorph.report import report
    from isomorph.results import Results, evaluate
    from isomorph.store import open_store

    started, kept = time.perf_counter(), open_store(store)
    how = {"store": kept, "replicates": replicates, "permutations": permutations, "seed": seed, "memory_limit": memory_limit}
    parts, missing, remarks = [], [], []
    with Progress(quiet=json) as progress:
        for modality, benchmark in _BENCHMARKS.items():
            loaded, absent = _installed(models, modality)
            missing += absent
            question, remark = _question(benchmark)
            if question is None and modality == "image":
                question, remark = _photographs(loaded, remark, store=kept, memory_limit=memory_limit, progress=progress)
            remarks += [remark] if remark else []
            if loaded and question:
                parts.append(evaluate(loaded, question, progress=progress, **how))
    if not parts:
        raise InputError(f"the demo has nothing to show: {' '.join(remarks)}")
    results = _with_notes(Results.merge(*parts), remarks)
    made = report(results)
    page = write_report(made, out)
    summary = _summary(results, made, missing, page) | {"remarks": remarks, "seconds": round(time.perf_counter() - started, 1)}
    if json:
        print_json(summary)
        return
    print_best(results)
    print("\n".join(["", *remarks, summary["headline"], "", f"Open {page.resolve().as_uri()}"]))
    say(f"{len(results)} scores in {summary['seconds']:.0f} seconds; the same command again only reads them")


def _installed(patterns: tuple[str, ...], modality: str) -> tuple[list[Model], list[dict[str, str]]]:
    """The models that can be loaded here, and what would install the others."""
    from isomorph.models import list_models, load_model

    models, missing = [], []
    for name in dict.fromkeys(name for each in patterns for name in list_models(each, modality=modality)):
        try:
            models.append(load_model(name))
        except (MissingDependencyError, FileError) as error:
            say(f"without {name}: {error}")
            missing.append({"model": name, "reason": str(error)})
    return models, missing


def _question(benchmark: str) -> tuple[GeometryMatch | None, str]:
    """The benchmark, or why it cannot be had."""
    from isomorph.benchmarks import load_benchmark

    try:
        return load_benchmark(benchmark), ""
    except (FetchError, FileError, MissingDependencyError) as error:
        say(f"without {benchmark}: {error}")
        return None, f"This run is without {benchmark}: {error}"


def _photographs(models: list[Model], remark: str, **how: Any) -> tuple[GeometryMatch | None, str]:
    """Photographs from packages in place of the 92, with the models themselves as targets."""
    from isomorph.benchmarks import packaged_photographs
    from isomorph.results import models_on

    try:
        shown = packaged_photographs()
    except MissingDependencyError as error:
        return None, f"{remark} {error}"
    instead = (
        f"Instead the models saw {len(shown)} photographs that ship in packages and are compared with each other: no brains, no people."
    )
    say(instead)
    summary = "photographs from foolbox and scikit-image that only models have answered: each against the others' last layers"
    return models_on(shown, models, name="packaged-photographs", summary=summary, **how), f"{remark} {instead}"


def _with_notes(results: Results, remarks: list[str]) -> Results:
    """What is missing stands in the report too."""
    return replace(results, methods={**results.methods, "notes": [*remarks, *results.methods["notes"]]})


def _summary(results: Results, made: Report, missing: list[dict[str, str]], page: Path) -> dict[str, Any]:
    keys = ("model", "layer", "value", "low", "high", "ceiling_lower", "ceiling_upper")
    best = [
        {"benchmark": benchmark, "target": target, "headline": sentence}
        | {key: results.best(benchmark, target).iloc[0][key] for key in keys}
        for (benchmark, target), sentence in made.headlines.items()
    ]
    return {
        "report": str(page),
        "headline": str(made),
        "rows": len(results),
        "models": sorted(set(results.table["model"])),
        "missing": missing,
        "benchmarks": [each.name for each in results.benchmarks],
        "best": best,
    }
