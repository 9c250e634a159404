"""`isomorph list`: what there is, by name."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import tyro

from isomorph.cli._output import cell, print_json, print_table, say
from isomorph.cli._parse import call

Kind = Literal["models", "stimuli", "benchmarks", "measures", "protocols", "data"]


def run(words: list[str]) -> int | None:
    """Parse and run."""
    return call(list_names, words, command="list")


def list_names(
    kind: Annotated[Kind, tyro.conf.Positional] = "models",
    pattern: Annotated[str, tyro.conf.Positional] = "*",
    *,
    json: bool = False,
) -> None:
    """List models, sets of stimuli, benchmarks, measures, protocols of encoding or data sets.

    Args:
        kind: What to list.
        pattern: A shell pattern for the names, in quotes: 'timm/vit*dinov2*'.
        json: One JSON object a line: name, summary and the declared facts.
    """
    listed = {
        "models": _models,
        "stimuli": _stimuli,
        "benchmarks": _benchmarks,
        "measures": _measures,
        "protocols": _protocols,
        "data": _data,
    }
    rows = listed[kind](pattern)
    if json:
        for row in rows:
            print_json(row)
        return
    columns = [
        name for name in ("name", "summary", "modality", "licence", "bounds", "invariant_to") if any(cell(row.get(name)) for row in rows)
    ]
    print_table(rows, columns or ["name"])
    things = {"data": "data sets", "stimuli": "sets of stimuli"}.get(kind, kind)
    say(f"{len(rows)} {things}" if rows else f"no {things} match {pattern!r}; `isomorph list {kind}` shows all.")


def _models(pattern: str) -> list[dict[str, Any]]:
    from isomorph.models import list_models, model_card
    from isomorph.spec import to_plain

    return [dict(to_plain(model_card(name))) for name in list_models(pattern)]


def _benchmarks(pattern: str) -> list[dict[str, Any]]:
    from isomorph import benchmarks

    return [_entry(benchmarks.registry.entry(name)) for name in benchmarks.list_benchmarks(pattern)]


def _stimuli(pattern: str) -> list[dict[str, Any]]:
    from isomorph.benchmarks import stimulus_sets

    return [_entry(stimulus_sets.entry(name)) for name in stimulus_sets.names(pattern)]


def _measures(pattern: str) -> list[dict[str, Any]]:
    from isomorph import measures

    return [_measure(measures.registry.entry(name)) for name in measures.registry.names(pattern)]


def _protocols(pattern: str) -> list[dict[str, Any]]:
    from fnmatch import fnmatchcase

    from isomorph.encoding import list_protocols

    return [{"name": name, "summary": said} for name, said in list_protocols().items() if fnmatchcase(name, pattern)]


def _measure(entry: Any) -> dict[str, Any]:
    """What it declares with its default options, which are its only source: nothing is written down twice."""
    from isomorph.measures import load_measure
    from isomorph.spec import to_plain

    measure = load_measure(entry.name)
    traits = {name: sorted(value) if isinstance(value, frozenset) else value for name, value in vars(measure.traits).items()}
    return {"name": entry.name, "summary": entry.summary, "options": to_plain(measure), **traits}


def _entry(entry: Any) -> dict[str, Any]:
    return {"name": entry.name, "summary": entry.summary, **entry.facts}


def _data(pattern: str) -> list[dict[str, Any]]:
    from isomorph.cli._data import datasets

    return datasets(pattern)
