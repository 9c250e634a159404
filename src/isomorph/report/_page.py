"""The page: what the templates fill in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from isomorph._version import __version__
from isomorph.report import _headline as said
from isomorph.report import _methods, _perception_words
from isomorph.report._names import measure_words, printable, slugs
from isomorph.report._payload import as_script, payload, picture
from isomorph.report._question import Answer, Question, all_labels, questions
from isomorph.report._relations import Map, Shown, heatmaps, relation_map, shown

if TYPE_CHECKING:
    from jinja2 import Environment

    from isomorph.report._answers_part import AnswersPart
    from isomorph.results import BenchmarkRecord, Results


@dataclass(frozen=True, kw_only=True)
class Section:
    """One benchmark, with everything its part of the page and its figures show."""

    record: BenchmarkRecord
    slug: str
    asked: tuple[Question, ...]
    drawn: Shown
    placed: Map | None


def sections(results: Results) -> tuple[Section, ...]:
    """The benchmarks in the order of the results."""
    names = slugs([each.name for each in (*results.benchmarks, *results.behaviour)])
    return tuple(
        Section(
            record=record,
            slug=names[record.name],
            asked=questions(results, record),
            drawn=shown(record),
            placed=relation_map(results, record),
        )
        for record in results.benchmarks
    )


def page(
    results: Results, parts: tuple[Section, ...], answered: tuple[AnswersPart, ...], *, figures: dict[str, list[tuple[str, str]]]
) -> str:
    """The HTML of the report.

    Args:
        results: What was measured.
        parts: Its benchmarks.
        answered: Its benchmarks of answers.
        figures: For each section's slug the `(stem, caption)` of its figures.
    """
    maps = {part.slug: heatmaps(results, part.record) for part in parts}
    labels = all_labels(results)
    data = {part.slug: payload(part.record, part.asked, part.drawn, maps[part.slug], part.placed, labels=labels) for part in parts}
    template = environment().get_template("page.html")
    return template.render(
        version=__version__,
        parts=parts,
        answered=answered,
        maps=maps,
        figures=figures,
        labels=labels,
        strips={part.slug: _strip(part) for part in parts},
        procedure=_methods.procedure(results),
        facts={part.slug: _methods.benchmark_facts(part.record) for part in parts},
        models=_methods.model_rows(results),
        citations=_citations(results, parts),
        versions=results.methods.get("versions", {}),
        data=as_script(data),
    )


def environment() -> Environment:
    """Templates in which every name from the data is escaped."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("isomorph.report", "assets"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {
        "number": said.number,
        "p_value": said.p_value,
        "words": measure_words,
        "printable": lambda text: printable(str(text)),
    }
    environment.globals |= {"headline": said.headline, "caveats": said.caveats, "bar": interval_bar, "axis": axis_ticks}
    return environment


def interval_bar(question: Question, answer: Answer) -> dict[str, float | None]:
    """Where an answer's dot, interval and ceiling stand, in per cent of the axis."""
    best, ceiling = answer.best, question.ceiling or (None, None)
    ends = {"value": best.value, "low": best.low, "high": best.high, "lower": ceiling[0], "upper": ceiling[1], "zero": 0.0}
    return {name: None if end is None else _share(question, end) for name, end in ends.items()}


def axis_ticks(question: Question) -> list[tuple[float, str]]:
    """Round numbers along the axis of the interval bars: `(per cent, text)`."""
    low, high = question.best_domain
    step = next(each for each in (0.1, 0.2, 0.5, 1.0) if (high - low) / each <= 4.5 or each == 1.0)
    first = round(low / step)
    ticks = [index * step for index in range(first, first + 6) if low - 1e-9 <= index * step <= high + 1e-9]
    return [(_share(question, tick), f"{tick:.1f}".replace("-", "−")) for tick in ticks]


def _share(question: Question, value: float) -> float:
    low, high = question.best_domain
    return round(100 * (value - low) / (high - low), 2)


def _strip(part: Section) -> list[tuple[str, str, str]]:
    """A dozen stimuli spread over the categories: `(id, text, thumbnail)`."""
    stimuli, places = part.record.stimuli, part.drawn.positions
    step = max(1, len(places) / 12)
    chosen = [int(places[int((index + 0.5) * step)]) for index in range(min(12, len(places)))]
    return [
        (
            stimuli.ids[each],
            stimuli.texts[each] if stimuli.texts else stimuli.ids[each],
            picture(stimuli.thumbnails[each]) if stimuli.thumbnails else "",
        )
        for each in chosen
    ]


def _citations(results: Results, parts: tuple[Section, ...]) -> list[str]:
    found: list[Any] = [each.citation for each in (*(part.record for part in parts), *results.behaviour)]
    found += [target.citation for part in parts for target in part.record.targets]
    found += [card.get("citation") for card in results.methods.get("models", {}).values()]
    own = [*(_methods.CITATIONS if parts else ()), *(_perception_words.CITATIONS if results.behaviour else ())]
    return list(dict.fromkeys(str(each) for each in [*found, *own] if each))
