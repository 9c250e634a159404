"""The page of an AligNet report: its numbers, and what the template fills in."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from isomorph import spec
from isomorph._version import __version__
from isomorph.report._alignet_charts import charts, curve_rows, gain_rows
from isomorph.report._alignet_view import WORDS, difference, value
from isomorph.report._alignet_words import CITATIONS, caveats, headline, procedure
from isomorph.report._page import environment
from isomorph.report._payload import as_script

if TYPE_CHECKING:
    from isomorph.report._alignet_view import AlignetView

_MOST_TRIPLETS = 12
_THUMBNAIL_PIXELS = 112


def alignet_page(view: AlignetView, *, notes: Sequence[str], figures: Sequence[tuple[str, str]]) -> str:
    """The HTML."""
    return environment().get_template("alignet.html").render(
        version=__version__,
        title=view.outcome.study.name,
        headline=headline(view),
        caveats=caveats(view),
        notes=notes,
        students=[WORDS[name] for name in view.students],
        questions=list(_questions(view)),
        any_gain=bool(gain_rows(view)),
        held_out=len(view.outcome.held_out),
        triplets=len(next(iter(view.outcome.held_out_triplets.values()))),
        changes=view.changes,
        shown=list(_shown(view)),
        procedure=procedure(view),
        labels=[(WORDS[name], each) for name, each in view.outcome.labels.items()],
        runs=[(WORDS[name], str(each), each.model.card.parameters) for name, each in view.outcome.students.items()],
        exports=[each.name for each in view.outcome.exports],
        options=list(options(spec.to_plain(view.outcome.study))),
        figures=figures,
        citations=CITATIONS,
        data=as_script({"charts": charts(view), "datasets": {"curves": curve_rows(view), "gains": gain_rows(view)}}),
    )  # fmt: skip


def _questions(view: AlignetView) -> Iterator[dict[str, Any]]:
    """The table: a question, and a line for each student."""
    for question in view.questions:
        lines = []
        for name in view.students:
            row = view.row(question, name)
            if row is None:
                continue
            by, ends = difference(row)
            line = {"student": WORDS[name], "difference": by, "ends": ends, "n": row["n"], "unit": row["unit"], "seen": row["seen"]}
            line |= {key: value(row, key) for key in ("before", "after", "chance")}
            known = None not in (row["ceiling_lower"], row["ceiling_upper"])
            line["ceiling"] = f"{value(row, 'ceiling_lower')}–{value(row, 'ceiling_upper')}" if known else ""
            lines.append(line | {"change": "" if question in view.of_neighbours else row["change"], "note": row["note"]})
        if lines:
            yield {"question": question, "lines": lines, "met": view.outcome.answers.seen.get(question)}


def _shown(view: AlignetView) -> Iterator[list[dict[str, Any]]]:
    """The first triplets about which the student changed its mind: each picture, and who takes it for the odd one."""
    triplets = next(iter(view.outcome.held_out_triplets.values()))
    stimuli, odd = view.outcome.held_out, view.outcome.answers.odd_ones
    row_of = {name: at for at, name in enumerate(stimuli.ids)}
    for row in view.changes.rows[:_MOST_TRIPLETS]:
        names = [triplets.objects[each] for each in triplets.items[row]]
        yield [
            {
                "id": name,
                "picture": _thumbnail(stimuli.thumbnail(row_of[name], _THUMBNAIL_PIXELS)),
                "odd": place == 2,
                "said": [WORDS.get(who, who) for who, said in odd.items() if said[row] == place],
            }
            for place, name in enumerate(names)
        ]


def _thumbnail(jpeg: bytes) -> str:
    return "data:image/jpeg;base64," + base64.b64encode(jpeg).decode()


def options(plain: Any, before: str = "") -> Iterator[tuple[str, str]]:
    """Every option by its dotted name."""
    for name, each in plain.items():
        if isinstance(each, dict) and each:
            yield from options(each, f"{before}{name}.")
        elif each not in (None, {}, [], ""):
            yield f"{before}{name}", ", ".join(map(str, each)) if isinstance(each, (list, tuple)) else str(each)
