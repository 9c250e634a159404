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
        results: One or more folders that `isomorph evaluate --out` wrote; several are merged.
        out: The folder to write.
        json: One JSON object: report, rows, models.
    """
    from isomorph.report import report as make_report
    from isomorph.results import Results

    if not results:
        wrong_usage("report", "at least one folder of results is needed.")
    merged = Results.merge(*(Results.load(each) for each in results))
    page = write_report(make_report(merged), out)
    answer = {"report": str(page), "rows": len(merged), "models": sorted(set(merged.table["model"]))}
    print_json(answer) if json else print_facts(answer)
