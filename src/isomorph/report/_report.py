"""A report: results as a folder that anyone can open."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from isomorph.errors import InputError
from isomorph.report._answers_part import answers_parts
from isomorph.report._headline import caveats, headline
from isomorph.report._page import Section, page, sections
from isomorph.report._perception_report import PerceptionReport
from isomorph.report._write_report import write_report

if TYPE_CHECKING:
    from isomorph.results import Results

_ASSETS = ("page.css", "perception.css", "report.js", "curves.js", "heatmap.js", "map.js")


@dataclass(frozen=True, eq=False)
class Report:
    """Results, ready to be written.

    Attributes:
        results: What was measured.
    """

    results: Results

    @property
    def headlines(self) -> dict[tuple[str, str], str]:
        """For each `(benchmark, target)` a sentence to quote, without its caveats."""
        of_geometry = {(part.record.name, asked.target.name): headline(asked) for part in sections(self.results) for asked in part.asked}
        return of_geometry | {(part.record.name, "all"): part.headline for part in answers_parts(self.results)}

    def __str__(self) -> str:
        """The headline of each benchmark's first target, with what it might hide."""
        first = [part.asked[0] for part in sections(self.results) if part.asked]
        of_answers = [" ".join([part.headline, *part.caveats]) for part in answers_parts(self.results)]
        return "\n".join([*(" ".join([headline(each), *caveats(each)]) for each in first), *of_answers])

    def save(self, folder: Path | str, *, figures: bool = True) -> Path:
        """Write the report; files of an earlier report in the folder are replaced.

        Args:
            folder: Where; made if absent. It may be moved or zipped: nothing in it names a place outside.
            figures: Write figures for papers too (needs matplotlib).

        Returns:
            The page, `folder/index.html`.

        Raises:
            MissingDependencyError: `figures` are wanted and matplotlib is not installed.
            FileError: The folder cannot be written.
        """
        parts, answered = sections(self.results), answers_parts(self.results)
        index = write_report(
            folder,
            assets=_ASSETS,
            data=lambda place: self._write_data(place, parts),
            figures=(lambda place: self._draw_figures(place, parts)) if figures else None,
            page=lambda drawn: page(self.results, parts, answered, figures=drawn or {}),
        )
        for each in answered:
            if each.results is not None:
                PerceptionReport(each.results).save((Path(folder) / each.page).parent, figures=figures)
        return index

    def _write_data(self, folder: Path, parts: tuple[Section, ...]) -> None:
        self.results.to_csv(folder / "results.csv")
        self.results.to_parquet(folder / "results.parquet")
        self.results.save(folder / "saved")
        similarity = {
            part.record.name: {
                "names": part.placed.names,
                "kinds": part.placed.kinds,
                "similarity": part.placed.similarity.round(6).tolist(),
                "points": part.placed.points.round(6).tolist(),
                "stress": round(part.placed.stress, 6),
            }
            for part in parts
            if part.placed is not None
        }
        (folder / "second-order.json").write_text(json.dumps(similarity, ensure_ascii=False, indent=1), encoding="utf-8")

    def _draw_figures(self, folder: Path, parts: tuple[Section, ...]) -> dict[str, list[tuple[str, str]]]:
        from isomorph.report._figures import draw_figures

        return {part.slug: draw_figures(self.results, part, folder) for part in parts}


def report(results: Results) -> Report:
    """Turn results into a report.

    Args:
        results: As `isomorph.evaluate` returns them, or `Results.load` reads.

    Raises:
        InputError: The results hold no scores.

    Example:
        ```python
        results = isomorph.evaluate(["bundled/pixels"], ["kriegeskorte-92"])
        isomorph.report(results).save("my-report/")
        ```
    """
    if not len(results.table) or not (results.benchmarks or results.behaviour):
        raise InputError("the results hold no scores, so there is nothing to report; evaluate at least one model on one benchmark.")
    return Report(results)
