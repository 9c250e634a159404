"""What the page of a VisAlign set shows, computed once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from isomorph.benchmarks._abstention_match_rows import by_model, of_a_person
from isomorph.perception import Payoff, item_distances, reliability
from isomorph.report._names import printable, short_labels
from isomorph.report._perception_scores import HUMANS

if TYPE_CHECKING:
    from isomorph.visalign import VisalignResults

PEOPLE, STAND_IN, NEVER = "people", "stand-in labels", "who always abstains"
KINDS = {
    "1": "act", "2": "act, odd setting", "3": "act, attacked", "4": "abstain, other things", "5": "abstain, blends",
    "6": "abstain, relatives", "7": "abstain, drawings", "8": "unsure",
}  # fmt: skip
_LINES, _HARDEST, _COSTS = 7, 8, 41


@dataclass(frozen=True, kw_only=True)
class HardPicture:
    """One picture, what people answered, and what each model did."""

    name: str
    category: str
    distance: float
    people: tuple[tuple[str, float], ...]
    models: tuple[tuple[str, str], ...]


class VisalignView:
    """The numbers of the page.

    Args:
        results: Answers and scores.
    """

    def __init__(self, results: VisalignResults) -> None:
        self.results = results
        self.people = results.benchmark.people
        self.models: tuple[str, ...] = results.models
        self.runs = by_model(results.answers)
        self._found = {(each["model"], each["target"], each["measure"]): dict(each) for each in results.rows}

    @cached_property
    def labels(self) -> dict[str, str]:
        """Short names: the method alone where there is one network, network and method where there are more."""
        parts = {each: each.rpartition("/") for each in self.models}
        networks = short_labels([network for network, _, _ in parts.values() if network])
        alone = len({network for network, _, _ in parts.values()}) == 1
        return {each: last if alone or not network else f"{networks[network]}, {last}" for each, (network, _, last) in parts.items()}

    @property
    def own(self) -> str:
        """What the labels are called."""
        return PEOPLE if self.results.benchmark.data.labelled_by_people else STAND_IN

    @property
    def lines(self) -> tuple[str, ...]:
        """The models whose curves are drawn: the closest to people, as many as can be told apart."""
        return self.models[:_LINES]

    @property
    def series(self) -> list[str]:
        """People, then models, in the order of their colours."""
        return [self.own, *(self.labels[each] for each in self.lines)]

    @property
    def categories(self) -> list[str]:
        """Those of which there are pictures."""
        return sorted(set(self.people.groups or ()))

    def score(self, model: str, measure: str, target: str = "all") -> dict[str, Any] | None:
        """One row of the scores."""
        return self._found.get((model, target, measure))

    @cached_property
    def distance(self) -> list[dict[str, Any]]:
        """Hellinger distance by model and category."""
        return list(self._cells("hellinger"))

    @cached_property
    def abstaining(self) -> list[dict[str, Any]]:
        """Mean probability of abstaining by model and category, with people's own."""
        away, groups = self.people.probabilities[:, self.people.abstain_column], np.array(self.people.groups)
        own = [_cell(self.own, each, float(away[groups == each].mean())) for each in self.categories]
        return [*own, *self._cells("abstention")]

    def _cells(self, measure: str) -> Iterator[dict[str, Any]]:
        for model in self.models:
            for category in self.categories:
                if found := self.score(model, measure, f"category {category}"):
                    yield _cell(self.labels[model], category, found["value"])

    @cached_property
    def severities(self) -> list[str]:
        """Of corruptions, in order."""
        return sorted({*(self.people.conditions or ())} - {""}, key=float)

    @cached_property
    def severity(self) -> list[dict[str, Any]]:
        """Mean probability of abstaining at each severity, of people and the closest models."""
        away, conditions = self.people.probabilities[:, self.people.abstain_column], np.array(self.people.conditions or ())
        rows = [_point(self.own, each, float(away[conditions == each].mean())) for each in self.severities]
        for model in self.lines:
            found = [(each, self.score(model, "abstention", f"severity {each}")) for each in self.severities]
            rows += [_point(self.labels[model], each, score["value"], score["low"], score["high"]) for each, score in found if score]
        return rows

    @cached_property
    def worth(self) -> list[dict[str, Any]]:
        """R − cW per picture against c, of the closest models and of whoever always abstains."""
        n, costs = len(self.people), np.linspace(0, self.dearest, _COSTS)
        rows = [_worth(NEVER, float(c), self.silent / n) for c in costs]
        drawn = {self.labels[each]: self._decided[each] for each in self.lines}
        if self.people_worth:
            drawn = {self.own: self.people_worth} | drawn
        return [*rows, *(_worth(name, float(c), (right - c * wrong) / n) for name, (right, wrong) in drawn.items() for c in costs)]

    @cached_property
    def _decided(self) -> dict[str, tuple[float, float]]:
        """R and W of each drawn model, means over its runs."""
        found = {}
        for model in self.lines:
            runs = [reliability(each, payoff=Payoff(c=0), human=self.people, replicates=0) for each in self.runs[model]]
            found[model] = float(np.mean([each.right for each in runs])), float(np.mean([each.wrong for each in runs]))
        return found

    @cached_property
    def people_worth(self) -> tuple[float, float] | None:
        """R and W of one person after another; None where the labels are not people's."""
        if not self.results.benchmark.data.labelled_by_people:
            return None
        free, one = (of_a_person(self.people, c) for c in (0.0, 1.0))
        return free, free - one

    @cached_property
    def silent(self) -> int:
        """Pictures that nobody should answer."""
        return sum(each in "4567" for each in self.people.groups or ())

    @cached_property
    def dearest(self) -> float:
        """The right end of the axis of costs: where the last of the drawn models falls behind whoever always abstains."""
        ends = [(right - self.silent) / wrong if wrong else 1.0 for right, wrong in self._decided.values()]
        return float(np.clip(1.3 * max(ends, default=1.0), 1, 20))

    @cached_property
    def hardest(self) -> list[HardPicture]:
        """The pictures on which models are furthest from people, no category more often than its share."""
        if not self.models:
            return []
        far = np.mean([np.mean([item_distances(each, self.people) for each in self.runs[name]], axis=0) for name in self.models], axis=0)
        shown: list[int] = []
        groups = self.people.groups or ()
        most = -(-_HARDEST // len(self.categories))
        for at in np.argsort(-far, kind="stable"):
            if sum(groups[each] == groups[at] for each in shown) < most and len(shown) < _HARDEST:
                shown.append(int(at))
        return [self._picture(at, float(far[at])) for at in sorted(shown, key=lambda each: (groups[each], -far[each]))]

    def _picture(self, at: int, distance: float) -> HardPicture:
        people, name = self.people, self.people.ids[at]
        order = [each for each in np.argsort(-people.probabilities[at], kind="stable")[:3] if people.probabilities[at, each] >= 0.005]
        said = []
        for model in self.models:
            p = np.mean([each.take([name]).probabilities[0] for each in self.runs[model]], axis=0)
            said.append((self.labels[model], people.outcomes[int(p.argmax())]))
        votes = tuple((people.outcomes[each], float(people.probabilities[at, each])) for each in order)
        return HardPicture(name=name, category=(people.groups or ())[at], distance=distance, people=votes, models=tuple(said))

    def board(self) -> Iterator[dict[str, Any]]:
        """The tables, as the templates take them."""
        groups = [("all", "Mean over categories"), *((f"category {each}", f"{each} {KINDS.get(each, '')}") for each in self.categories)]
        yield self._table(
            "Distance from people", "Hellinger’s, 0 (the same shares) to 1 (nothing in common), means over pictures and seeds.",
            [("hellinger", target, words, "lower") for target, words in groups],
        )  # fmt: skip
        costs = [(f"rs_{c:g}", "all", f"RS, c = {c:g}", "higher") for c in self.results.benchmark.costs]
        yield self._table(
            "As somebody to rely on",
            f"RS = R − cW over {len(self.people)} pictures, R right decisions, W wrong answers; who always abstains has {self.silent}.",
            [("accuracy", "all", "Right where acting is", "higher"), *costs, ("aurc", "all", "AURC", "lower"),
             ("augrc", "all", "AUGRC", "lower")],
        )  # fmt: skip

    def _table(self, title: str, caption: str, columns: Sequence[tuple[str, str, str, str]]) -> dict[str, Any]:
        from isomorph.report._perception_scores import cell

        names = [*self.models, HUMANS]
        lines: list[dict[str, Any]] = [
            {"name": self.labels.get(name, "people among themselves"), "people": name == HUMANS,
             "cells": [cell(self.score(name, measure, target)) for measure, target, _, _ in columns]}
            for name in names
        ]  # fmt: skip
        heads = [(words, better) for _, _, words, better in columns]
        return {"title": title, "caption": caption, "heads": heads, "lines": [each for each in lines if any(each["cells"])]}


def _cell(method: str, category: str, value: float) -> dict[str, Any]:
    return {"method": printable(method), "category": category, "value": round(value, 4)}


def _point(observer: str, severity: str, value: float, low: float | None = None, high: float | None = None) -> dict[str, Any]:
    ends = {"low": None if low is None else round(low, 4), "high": None if high is None else round(high, 4)}
    return {"observer": printable(observer), "severity": float(severity), "value": round(value, 4), **ends}


def _worth(observer: str, c: float, score: float) -> dict[str, Any]:
    return {"observer": printable(observer), "c": round(c, 4), "score": round(score, 4)}
