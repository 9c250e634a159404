"""`isomorph demo`: bundled models beside brains and people, as a report."""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from isomorph.cli._evaluate import print_best
from isomorph.cli._output import print_json, say
from isomorph.cli._parse import call
from isomorph.cli._progress import progress

if TYPE_CHECKING:
    from isomorph.benchmarks import GeometryMatch
    from isomorph.engine import Progress
    from isomorph.models import Model
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
    store: str | None = None,
    json: bool = False,
) -> None:
    """Score every layer of the bundled models against human and monkey IT, people's judgments and sensory norms; write a report.

    Args:
        out: The folder to write: index.html, figures, data, results.
        replicates: Bootstrap replicates for each interval.
        permutations: Permutations for each p-value.
        seed: Seed of both.
        store: The store's folder; default: $ISOMORPH_STORE.
        json: One JSON object: report, rows, models, missing, benchmarks, best, seconds.
    """
    from isomorph.report import report
    from isomorph.results import Results
    from isomorph.store import Store

    started, kept = time.perf_counter(), Store(store)
    options = {"store": kept, "replicates": replicates, "permutations": permutations, "seed": seed}
    parts, missing = [], []
    with progress(quiet=json) as display:
        for modality in ("image", "text"):
            models, absent = _installed(modality)
            missing += absent
            question = _question(modality, models, kept, display)
            if models and question:
                parts.append(_evaluate(models, question, options, display))
        results = Results.merge(*parts)
    results.save(out / "results")
    page = Path(report(results).save(out)) / "index.html"
    summary = _summary(results, missing, page, time.perf_counter() - started)
    if json:
        print_json(summary)
        return
    print_best(results)
    print(f"\n{summary['headline']}\nOpen {page.resolve().as_uri()}")
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


def _question(modality: str, models: list[Model], store: Store, display: Progress) -> GeometryMatch | None:
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
        progress=display,
    )


def _evaluate(models: list[Model], question: GeometryMatch, options: dict[str, Any], display: Progress) -> Results:
    from isomorph.results import evaluate

    return evaluate(models, question, progress=display, **options)


def _summary(results: Results, missing: list[dict[str, str]], page: Path, seconds: float) -> dict[str, Any]:
    best = []
    for record in results.benchmarks:
        for target in record.targets:
            row = results.best(record.name, target.name).iloc[0].to_dict()
            keys = ("model", "layer", "value", "low", "high", "ceiling_lower", "ceiling_upper")
            best.append({"benchmark": record.name, "target": target.name} | {key: row[key] for key in keys})
    return {
        "report": str(page),
        "headline": " ".join(_sentence(each) for each in best if each["benchmark"] != "packaged-photographs") or "Models only: no people.",
        "rows": len(results),
        "models": sorted(set(results.table["model"])),
        "missing": missing,
        "benchmarks": [each.name for each in results.benchmarks],
        "best": best,
        "seconds": round(seconds, 1),
    }


def _sentence(best: dict[str, Any]) -> str:
    """One target in one sentence: the model that comes closest, with its interval and the ceiling."""
    lower, upper = best["ceiling_lower"], best["ceiling_upper"]
    ceiling = f"ceiling {lower:.2f} to {upper:.2f}" if lower is not None and not math.isnan(lower) else "no ceiling"
    return f"{best['target']}: {best['model']} ({best['layer']}) {best['value']:.2f} [{best['low']:.2f}, {best['high']:.2f}], {ceiling}."
