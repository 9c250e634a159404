"""`isomorph report`: saved results as a page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import tyro

from isomorph.cli._evaluate import write_report
from isomorph.cli._output import print_facts, print_json
from isomorph.cli._parse import call, wrong_usage


def run(words: list[str]) -> int | None:
    """Parse and run."""
    return call(report, words, command="report")


def report(
    results: Annotated[tuple[Path, ...], tyro.conf.Positional],
    *,
    out: Path = Path("isomorph-report"),
    json: bool = False,
) -> None:
    """Write a folder with a page that opens in a browser without network, figures for papers, and the data.

    Args:
        results: One or more folders that `isomorph evaluate --out` or `isomorph encode --out` wrote; several are merged.
        out: The folder to write.
        json: One JSON object: report, rows, models.
    """
    from isomorph.report import report as make_report
    from isomorph.results import Results

    if not results:
        wrong_usage("report", "at least one folder of results is needed.")
    if all((each / "scores.json").is_file() for each in results):
        _brain_scores(results, out, json=json)
        return
    merged = Results.merge(*(Results.load(each) for each in results))
    page = write_report(make_report(merged), out)
    answer = {"report": str(page), "rows": len(merged), "models": sorted(set(merged.table["model"]))}
    print_json(answer) if json else print_facts(answer)


def _brain_scores(folders: tuple[Path, ...], out: Path, *, json: bool) -> None:
    """Of each recording the scores of all folders together."""
    from isomorph.encoding import BrainScores
    from isomorph.report import encoding_report

    by_digest: dict[str, list[BrainScores]] = {}
    for each in folders:
        scores = BrainScores.load(each)
        by_digest.setdefault(str(scores.recording["digest"]), []).append(scores)
    names = [str(first.recording["name"]) for first, *_ in by_digest.values()]
    merged = {}
    for name, (digest, (first, *others)) in zip(names, by_digest.items(), strict=True):
        alone = name and names.count(name) == 1  # a recording at two times has one name and two digests
        merged[name if alone else f"{name} {digest[:8]}".strip()] = first.merge(*others)
    page = write_report(encoding_report(merged), out)
    rows = sum(len(each.table) for each in merged.values())
    answer = {"report": str(page), "rows": rows, "models": sorted({name for each in merged.values() for name in each.models})}
    print_json(answer) if json else print_facts(answer)
