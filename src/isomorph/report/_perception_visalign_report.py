"""The report on a VisAlign set: one folder that anyone can open."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from isomorph._version import __version__
from isomorph.report._page import environment
from isomorph.report._payload import as_script
from isomorph.report._perception_charts import SHAPES
from isomorph.report._perception_visalign_charts import visalign_charts, visalign_rows
from isomorph.report._perception_visalign_view import KINDS, HardPicture, VisalignView
from isomorph.report._perception_visalign_words import visalign_caveats, visalign_headline, visalign_procedure
from isomorph.report._write_report import write_report

if TYPE_CHECKING:
    from isomorph.visalign import VisalignResults

_ASSETS = ("page.css", "perception.css", "perception.js")
_PIXELS = 128


@dataclass(frozen=True, eq=False)
class VisalignReport:
    """Answers of models and people to a VisAlign set, ready to be written.

    Attributes:
        results: Of `visalign_results`, `evaluate_visalign` or a study's outcome.
    """

    results: VisalignResults

    @cached_property
    def _view(self) -> VisalignView:
        return VisalignView(self.results)

    @property
    def headline(self) -> str:
        """A sentence to quote."""
        return visalign_headline(self._view)

    def __str__(self) -> str:
        return " ".join([self.headline, *visalign_caveats(self._view)])

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
            data=self.results.save,
            figures=self._draw_figures if figures else None,
            page=lambda drawn: self._page(drawn or []),
        )

    def _page(self, figures: Sequence[tuple[str, str]]) -> str:
        view, benchmark = self._view, self.results.benchmark
        series = [(name, SHAPES[at % len(SHAPES)], at) for at, name in enumerate(view.series)]
        return environment().get_template("visalign.html").render(
            version=__version__,
            title=benchmark.name,
            headline=self.headline,
            caveats=visalign_caveats(view),
            notes=self.results.notes,
            series=series,
            left_out=len(view.models) - len(view.lines),
            part={"tables": list(view.board())},
            people_worth=view.people_worth is not None,
            any_severity=bool(view.severity),
            stand_in=not benchmark.data.labelled_by_people,
            kinds={each: KINDS.get(each, "") for each in view.categories},
            hardest=[self._shown(each) for each in view.hardest],
            procedure=visalign_procedure(view),
            figures=figures,
            citations=[benchmark.citation] if benchmark.citation else [],
            data=as_script({"charts": visalign_charts(view), "datasets": visalign_rows(view)}),
        )  # fmt: skip

    def _shown(self, picture: HardPicture) -> dict[str, Any]:
        test = self.results.benchmark.data.test
        thumbnail = base64.b64encode(test.thumbnail(test.ids.index(picture.name), _PIXELS)).decode()
        words = dict.fromkeys(word for _, word in picture.models)
        return {
            "name": picture.name, "category": picture.category, "people": picture.people, "distance": picture.distance,
            "expected": picture.people[0][0],
            "fitting": [word for word, share in picture.people if share > picture.people[0][1] - 1e-9],
            "models": [(word, [name for name, each in picture.models if each == word]) for word in words],
            "picture": f"data:image/jpeg;base64,{thumbnail}",
        }  # fmt: skip

    def _draw_figures(self, folder: Path) -> list[tuple[str, str]]:
        from isomorph.report._perception_visalign_figures import draw_visalign_figures

        return draw_visalign_figures(self._view, folder)


def visalign_report(results: VisalignResults) -> VisalignReport:
    """Put models and people who answered a VisAlign set on one page.

    Args:
        results: Of `visalign_results` or `evaluate_visalign`; of a study, `outcome.results`.

    Example:
        ```python
        outcome = VisalignStudy.load("study.toml").run()
        visalign_report(outcome.results).save("report")
        ```
    """
    return VisalignReport(results)
