"""`isomorph demo`: bundled models beside brains and people, as a report."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from isomorph.cli._evaluate import print_best, write_report
from isomorph.cli._output import print_json, say
from isomorph.cli._parse import StoreFolder, call

if TYPE_CHECKING:
    from isomorph.benchmarks import GeometryMatch
    from isomorph.engine import Progress
    from isomorph.models import Model
    from isomorph.report import Report
    from isomorph.results import Results
    from isomorph.store import Store

_PICTURES, _WORDS = "kriegeskorte-92", "lancaster-words"


def run(words: list[str]) -> int | None:
    """Parse and run."""
    return call(demo, words, command="demo")


def demo(
    *,
    out: Path = Path("isomorph-demo"),
    replicates: int = 1000,
    permutations: int = 1000,
    seed: int = 0,
    store: StoreFolder = None,
    json: bool = False,
) -> None:
    """Score every layer of the bundled models against human and monkey IT, people's judgments and sensory norms; write a report.

    Args:
        out: The folder to write: index.html, figures, data.
        replicates: Bootstrap replicates for each interval.
        permutations: Permutations for each p-value.
        seed: Seed of both.
        store: The store's folder; default: $ISOMORPH_STORE.
        json: One JSON object: report, rows, models, missing, benchmarks, best, seconds.
    """
    from isomorph.engine import Progress
    from isomorph.report import report
    from isomorph.results import Results
    from isomorph.store import Store

    started, kept = time.perf_counter(), Store(store)
    options = {"store": kept, "replicates": replicates, "permutations": permutations, "seed": seed}
    parts, missing = [], []
    with Progress(quiet=json) as progress:
        for modality in ("image", "text"):
            models, absent = _installed(modality)
            missing += absent
            question = _question(modality, models, kept, progress)
            if models and question:
                parts.append(_evaluate(models, question, options, progress))
        results = Results.merge(*parts)
    made = report(results)
    page = write_report(made, out)
    summary = _summary(results, made, missing, page) | {"seconds": round(time.perf_counter() - started, 1)}
    if json:
        print_json(summary)
        return
    print_best(results)
    print(f"\n{summary['headline']}\n\nOpen {page.resolve().as_uri()}")
    say(f"{len(results)} scores in {summary['seconds']:.0f} seconds; the same command again only reads them")


def _installed(modality: str) -> tuple[list[Model], list[dict[str, str]]]:
    """The bundled models that can be loaded here, and what would install the others."""
    from isomorph.errors import FileError, MissingDependencyError
    from isomorph.models import list_models, load_model

    models, missing = [], []
    for name in list_models("bundled/*", modality=modality):
        try:
            models.append(load_model(name))
        except (MissingDependencyError, FileError) as error:
            say(f"without {name}: {error}")
            missing.append({"model": name, "reason": str(error)})
    return models, missing


def _question(modality: str, models: list[Model], store: Store, progress: Progress) -> GeometryMatch | None:
    """The benchmark for a modality; without the 92 pictures, photographs from packages and the models themselves as targets."""
    from isomorph.benchmarks import load_benchmark, packaged_photographs
    from isomorph.errors import IsomorphError
    from isomorph.results import models_on

    try:
        return load_benchmark(_PICTURES if modality == "image" else _WORDS)
    except IsomorphError as error:
        say(f"without {_PICTURES if modality == 'image' else _WORDS}: {error}")
    if modality == "text":
        return None
    say("Instead the models look at photographs that ship in packages and are compared with each other: no brains, no people.")
    return models_on(
        packaged_photographs(),
        models,
        name="packaged-photographs",
        summary="photographs from foolbox and scikit-image that only models have answered: each against the others' last layers",
        store=store,
        progress=progress,
    )


def _evaluate(models: list[Model], question: GeometryMatch, options: dict[str, Any], progress: Progress) -> Results:
    from isomorph.results import evaluate

    return evaluate(models, question, progress=progress, **options)


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
