"""The report of brain scores: one folder that anyone can open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from isomorph.errors import InputError
from isomorph.report._encoding_joined import joined
from isomorph.report._encoding_page import encoding_page
from isomorph.report._encoding_view import EncodingView
from isomorph.report._encoding_words import caveats, headline, headlines, hierarchy
from isomorph.report._names import slugs
from isomorph.report._write_report import write_report

if TYPE_CHECKING:
    import pandas

    from isomorph.encoding import BrainScores

_ASSETS = ("page.css", "encoding.js")


@dataclass(frozen=True, eq=False)
class EncodingReport:
    """Brain scores, ready to be written.

    Attributes:
        scores: Every layer of every model against every region; of several recordings by name.
        contrasts: Name → controlled comparison of models.
        query_sheet: What a regression on queries said.
        title: What the study is called.
        notes: Sentences that must travel with the numbers, beside those of the scores.
    """

    scores: BrainScores | Mapping[str, BrainScores]
    contrasts: Mapping[str, Any]
    query_sheet: Any = None
    title: str = "Brain scores"
    notes: tuple[str, ...] = ()

    @cached_property
    def _view(self) -> EncodingView:
        return EncodingView(joined(self.scores), self.contrasts, self.query_sheet)

    @property
    def headline(self) -> str:
        """A sentence to quote."""
        return headline(self._view)

    @property
    def headlines(self) -> dict[tuple[str, str], str]:
        """For each `(metric, region)` a sentence to quote, without its caveats."""
        return headlines(self._view)

    @property
    def chosen(self) -> pandas.DataFrame:
        """One row a model × metric × region: the layers that train chose, with their test scores averaged over subjects."""
        return self._view.choices.drop(columns="recording")

    @property
    def all_notes(self) -> tuple[str, ...]:
        """Sentences that must travel with the numbers: those that were given, of the scores and of the contrasts."""
        compared = [f"{name}: {note}" for name, each in self.contrasts.items() for note in each.notes]
        return tuple(dict.fromkeys([*self.notes, *self._view.scores.notes, *compared]))

    def __str__(self) -> str:
        return " ".join([self.headline, *hierarchy(self._view), *caveats(self._view)])

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
            page=lambda drawn: encoding_page(self._view, title=self.title, notes=self.all_notes, figures=drawn or []),
        )

    def _write_data(self, folder: Path) -> None:
        import json

        self._view.scores.table.to_csv(folder / "table.csv", index=False)
        self._view.scores.table.to_parquet(folder / "table.parquet", index=False)
        self._view.choices.to_csv(folder / "chosen.csv", index=False)
        said = {f"{metric} × {region}": each for (metric, region), each in self.headlines.items()}
        (folder / "headlines.json").write_text(json.dumps(said, indent=1, ensure_ascii=False), encoding="utf-8")
        for name, slug in slugs(list(self.contrasts)).items():
            self.contrasts[name].pairs.to_csv(folder / f"contrast-{slug}.csv", index=False)
        if self.query_sheet is not None:
            self.query_sheet.table.to_csv(folder / "queries.csv", index=False)
            self.query_sheet.importances.to_csv(folder / "importances.csv", index=False)

    def _draw_figures(self, folder: Path) -> list[tuple[str, str]]:
        from isomorph.report._encoding_figures import draw_encoding_figures

        return draw_encoding_figures(self._view, folder)


def encoding_report(
    scores: BrainScores | Mapping[str, BrainScores],
    *,
    contrasts: Mapping[str, Any] | Sequence[Any] = (),
    query_sheet: Any = None,
    title: str = "Brain scores",
    notes: Sequence[str] = (),
) -> EncodingReport:
    """Turn brain scores into a report: layer curves, model × region, dimensionality, units, penalties, contrasts, queries.

    Args:
        scores: As `isomorph.encode` returns them; of several recordings by name.
        contrasts: Controlled comparisons of models, by name or in a sequence: what `isomorph.results.contrast` returns.
        query_sheet: What `isomorph.encoding.query_sheet` returns, to stand beside the scores of layers. Its own `scores` are not those:
            their rows are sets of features, which have no order from input to output.
        title: What the study is called.
        notes: Sentences that must travel with the numbers.

    Raises:
        InputError: There is no score to report, or the scores are the sheet's own.

    Example:
        ```python
        scores = isomorph.encode(extraction, recording, model="bundled/mobilenet_v2.imagenet1k")
        encoding_report(scores).save("my-report/")
        ```
    """
    joined(scores)
    if query_sheet is not None and scores is query_sheet.scores:
        raise InputError("these scores are the query sheet's own: sets of features, no layers to draw in a row. Pass those of encode(…).")
    named = dict(contrasts) if isinstance(contrasts, Mapping) else {f"contrast {at}": each for at, each in enumerate(contrasts, start=1)}
    return EncodingReport(scores, named, query_sheet, title, tuple(notes))
