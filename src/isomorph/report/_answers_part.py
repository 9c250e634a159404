"""Benchmarks of answers on the page of results: what the templates show of each."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from isomorph.report._names import slugs
from isomorph.report._perception_scores import Scores
from isomorph.report._perception_words import caveats, explained, headline

if TYPE_CHECKING:
    from isomorph.results import BehaviourResults, Results
    from isomorph.results._behaviour_table import BehaviourRecord

FOLDER = "answers"


@dataclass(frozen=True, kw_only=True, eq=False)
class AnswersPart:
    """One benchmark of answers.

    Attributes:
        record: What was asked.
        slug: Its name as part of a file name.
        scores: The numbers.
        results: Trials and pictures, from which a page of its own is made; None where only scores were saved.
    """

    record: BehaviourRecord
    slug: str
    scores: Scores
    results: BehaviourResults | None

    @property
    def headline(self) -> str:
        """A sentence to quote."""
        return headline(self.scores)

    @property
    def caveats(self) -> list[str]:
        """What it might hide."""
        return caveats(self.scores)

    @cached_property
    def tables(self) -> list[dict[str, Any]]:
        """As the templates take them."""
        return list(self.scores.tables())

    @property
    def page(self) -> str:
        """Where the page of its own lies; empty where there is none."""
        return f"{FOLDER}/{self.slug}/index.html" if self.results else ""

    @property
    def procedure(self) -> list[str]:
        """How the numbers were made."""
        return explained(self.record.level, {str(each["measure"]).partition("(")[0] for each in self.scores.rows})


def answers_parts(results: Results) -> tuple[AnswersPart, ...]:
    """The benchmarks of answers in the order of the results."""
    names = slugs([each.name for each in (*results.benchmarks, *results.behaviour)])
    made = {each.benchmark: each for each in results.answered}
    return tuple(
        AnswersPart(record=each, slug=names[each.name], scores=Scores.of(results, each), results=made.get(each.name))
        for each in results.behaviour
    )
