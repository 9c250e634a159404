"""The report of a consistency study: one folder that anyone can open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from isomorph.errors import InputError
from isomorph.report._consistency_page import consistency_page
from isomorph.report._consistency_view import View
from isomorph.report._consistency_words import caveats, headline
from isomorph.report._names import slugs
from isomorph.report._write_report import write_report

if TYPE_CHECKING:
    from isomorph.consistency import ConsistencyResult, Similarities

_ASSETS = ("page.css", "consistency.js")


@dataclass(frozen=True, eq=False)
class ConsistencyReport:
    """Similarities and their consistency, ready to be written.

    Attributes:
        similarities: All models against all, on every data set.
        results: What groups the models → consistency of these sets.
        title: What the study is called.
        notes: Sentences that must travel with the numbers.
    """

    similarities: Similarities
    results: Mapping[str, ConsistencyResult]
    title: str = "Consistency"
    notes: tuple[str, ...] = ()

    @cached_property
    def _view(self) -> View:
        return View(self.similarities, self.results)

    @property
    def headline(self) -> str:
        """A sentence to quote."""
        return headline(self._view)

    def __str__(self) -> str:
        return " ".join([self.headline, *caveats(self._view)])

    def save(self, folder: Path | str, *, figures: bool = True) -> Path:
        """Write `index.html`, its assets, the data and figures for papers.

        Args:
            folder: Where; made if absent. Nothing in it names a place outside.
            figures: Write PNG, SVG and PDF figures too (needs matplotlib).

        Returns:
            The page, `folder/index.html`.

        Raises:
            MissingDependencyError: `figures` are wanted and matplotlib is not installed.
            FileError: The folder cannot be written.
        """
        return write_report(
            folder,
            assets=_ASSETS,
            data=self._write_data,
            figures=self._draw_figures if figures else None,
            page=lambda drawn: consistency_page(self._view, title=self.title, notes=self._notes, figures=drawn or []),
        )

    @property
    def _notes(self) -> tuple[str, ...]:
        said: list[str] = [*self.notes]
        for result in self.results.values():
            said += [str(each) for key in ("notes", "skipped") for each in result.options.get(key, ())]
        return tuple(dict.fromkeys(said))

    def _write_data(self, folder: Path) -> None:
        self.similarities.save(folder / "similarities")
        self.similarities.to_long(list(self._view.attributes)).to_csv(folder / "similarities.csv", index=False)
        for name, slug in slugs(list(self.results)).items():
            self.results[name].save(folder / slug)

    def _draw_figures(self, folder: Path) -> list[tuple[str, str]]:
        from isomorph.report._consistency_figures import draw_consistency_figures

        return draw_consistency_figures(self._view, folder)


def consistency_report(
    similarities: Similarities,
    results: ConsistencyResult | Mapping[str, ConsistencyResult],
    *,
    title: str = "Consistency",
    notes: Sequence[str] = (),
) -> ConsistencyReport:
    """Turn similarities and their consistency into a report.

    Args:
        similarities: What was compared.
        results: One result, or several by what groups the models.
        title: What the study is called.
        notes: Sentences that must travel with the numbers.

    Raises:
        InputError: There is no result.
    """
    by_name = dict(results) if isinstance(results, Mapping) else {str(results.options.get("by") or "all models"): results}
    if not by_name:
        raise InputError("there is no consistency to report; analyse at least one grouping of the models.")
    return ConsistencyReport(similarities, by_name, title, tuple(notes))
