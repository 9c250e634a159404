"""The report of an AligNet study: one folder that anyone can open."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from isomorph import spec
from isomorph.report._alignet_page import alignet_page
from isomorph.report._alignet_view import AlignetView
from isomorph.report._alignet_words import caveats, headline
from isomorph.report._write_report import write_report

if TYPE_CHECKING:
    from isomorph.alignet._study_outcome import StudyOutcome

_ASSETS = ("page.css", "alignet.css", "alignet.js")


@dataclass(frozen=True, eq=False)
class AlignetReport:
    """What a study made and found, ready to be written.

    Attributes:
        outcome: Of `AlignetStudy.run`.
        notes: Sentences that must travel with the numbers, beside those of the outcome.
    """

    outcome: StudyOutcome
    notes: tuple[str, ...] = ()

    @cached_property
    def _view(self) -> AlignetView:
        return AlignetView(self.outcome)

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
        notes = tuple(dict.fromkeys([*self.notes, *self.outcome.notes, *self.outcome.check.notes]))
        return write_report(
            folder,
            assets=_ASSETS,
            data=self._write_data,
            figures=self._draw_figures if figures else None,
            page=lambda drawn: alignet_page(self._view, notes=notes, figures=drawn or []),
        )

    def _write_data(self, folder: Path) -> None:
        self.outcome.check.save(folder / "check.csv")
        self.outcome.check.save(folder / "check.json")
        (folder / "study.json").write_text(json.dumps(spec.to_plain(self.outcome.study), indent=1, ensure_ascii=False), encoding="utf-8")
        rows = [{"student": name, **_flat(each)} for name, student in self.outcome.students.items() for each in student.history]
        with (folder / "history.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(dict.fromkeys(name for each in rows for name in each)))
            writer.writeheader()
            writer.writerows(rows)

    def _draw_figures(self, folder: Path) -> list[tuple[str, str]]:
        from isomorph.report._alignet_figures import draw_alignet_figures

        return draw_alignet_figures(self._view, folder)


def alignet_report(outcome: StudyOutcome, *, notes: Sequence[str] = ()) -> AlignetReport:
    """Turn the outcome of a study into a report.

    Args:
        outcome: Of `AlignetStudy.run`.
        notes: Sentences that must travel with the numbers.

    Example:
        ```python
        outcome = AlignetStudy.load("study.toml").run(Store())
        alignet_report(outcome).save("report")
        ```
    """
    return AlignetReport(outcome, tuple(notes))


def _flat(entry: Mapping[str, Any]) -> dict[str, Any]:
    """One step with what its looks at validation triplets found."""
    plain = {name: each for name, each in entry.items() if name != "validation"}
    looks = entry.get("validation", {})
    return plain | {f"{where}: {name}": each for where, look in looks.items() for name, each in look.items()}
