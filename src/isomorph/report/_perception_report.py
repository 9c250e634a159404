"""The report on answers of models and people: one folder that anyone can open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from isomorph.errors import InputError
from isomorph.report._perception_page import perception_page
from isomorph.report._perception_view import PerceptionView
from isomorph.report._perception_words import caveats, headline
from isomorph.report._write_report import write_report

if TYPE_CHECKING:
    import pandas

    from isomorph.results import BehaviourResults

_ASSETS = ("page.css", "perception.css", "perception.js")


@dataclass(frozen=True, eq=False)
class PerceptionReport:
    """Answers of models and people, ready to be written.

    Attributes:
        results: Of `evaluate_behaviour` or `behaviour_results`.
        abstention: A table with the columns `method`, `category` and `value`; or None.
        notes: Sentences that must travel with the numbers, beside those of the results.
    """

    results: BehaviourResults
    abstention: pandas.DataFrame | None = None
    notes: tuple[str, ...] = ()

    @cached_property
    def _view(self) -> PerceptionView:
        return PerceptionView(self.results, self.abstention)

    @property
    def headline(self) -> str:
        """A sentence to quote."""
        return headline(self._view.scores)

    def __str__(self) -> str:
        return " ".join([self.headline, *caveats(self._view.scores)])

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
        notes = tuple(dict.fromkeys([*self.notes, *self.results.notes]))
        return write_report(
            folder,
            assets=_ASSETS,
            data=self.results.save,
            figures=self._draw_figures if figures else None,
            page=lambda drawn: perception_page(self._view, notes=notes, figures=drawn or []),
        )

    def _draw_figures(self, folder: Path) -> list[tuple[str, str]]:
        from isomorph.report._perception_figures import draw_perception_figures

        return draw_perception_figures(self._view, folder)


def perception_report(
    results: BehaviourResults, *, abstention: pandas.DataFrame | None = None, notes: Sequence[str] = ()
) -> PerceptionReport:
    """Put models and people who answered the same pictures on one page.

    Args:
        results: Of `evaluate_behaviour` or `behaviour_results`.
        abstention: How methods of abstention do in categories of images, as columns `method`, `category`, `value`: a heat map.
        notes: Sentences that must travel with the numbers.

    Raises:
        InputError: `abstention` lacks a column.

    Example:
        ```python
        results = evaluate_behaviour(["bundled/mobilenet_v2.imagenet1k"])
        perception_report(results).save("report")
        ```
    """
    if abstention is not None:
        lacking = [each for each in ("method", "category", "value") if each not in abstention]
        if lacking:
            raise InputError(
                f"a table of abstention has the columns method, category and value; this one lacks {', '.join(lacking)}. It has "
                f"{', '.join(map(str, abstention.columns))}."
            )
    return PerceptionReport(results, abstention, tuple(notes))
