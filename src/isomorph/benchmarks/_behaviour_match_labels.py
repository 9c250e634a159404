"""A benchmark that asks: are these distributions over classes those of people?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from isomorph.benchmarks._behaviour_match_rows import DISTANCES, HUMANS, halves, row
from isomorph.errors import InputError
from isomorph.perception import Answers, compare_answers, risk_coverage
from isomorph.perception._draws import mean_interval


@dataclass(frozen=True, kw_only=True, eq=False)
class LabelMatch:
    """Models' distributions over classes beside those of people's labels, image by image.

    Attributes:
        name: The benchmark's name.
        people: Votes with the truth.
        floor: The least probability of a model where a measure would else be infinite.
        costs: c of the reliability scores as a share of the number of images.
        summary: One line.
        citation: The papers to cite.
        licence: The licence of the data.

    Raises:
        InputError: `people` are no votes.
    """

    name: str
    people: Answers
    floor: float = 1e-12
    costs: tuple[float, ...] = (0.0, 0.5, 1.0)
    summary: str = ""
    citation: str = ""
    licence: str = ""

    def __post_init__(self) -> None:
        if self.people.counts is None or self.people.truth is None:
            raise InputError(f"{self.name} needs people's votes and the truth: Answers.from_counts(…, truth=[…]).")

    def score(
        self, answers: Answers | Sequence[Answers], *, replicates: int = 1000, seed: int = 0, level: float = 0.95
    ) -> list[dict[str, Any]]:
        """Score every model; items meet by id, classes by name and order.

        Args:
            answers: One model's answers or several models'.
            replicates: Bootstrap replicates over images.
            seed: The bootstrap's.
            level: The intervals' coverage.

        Returns:
            Rows as `BehaviourMatch.score` has them; `ceiling` of a distance is that between two halves of the people, of accuracy and
            reliability what single people reach.

        Raises:
            InputError: The classes differ, or stand in another order.
            IdError: The images differ.
        """
        several = [answers] if isinstance(answers, Answers) else list(answers)
        table = compare_answers(
            several, self.people, metric=list(DISTANCES), by=None, floor=self.floor, replicates=replicates, seed=seed, level=level
        )
        found = [
            row(each["model"], self.name, DISTANCES[each["metric"]], each["value"], each["low"], each["high"], each["ceiling"], each["n"])
            for each in table.to_dict("records")
        ]
        how: dict[str, Any] = {"replicates": replicates, "seed": seed, "level": level}
        found += halves(found)
        for at, model in enumerate(several):
            found += self._decided(model, model.subject or f"model {at}", how)
        right = self._people_right
        found += [row(HUMANS, self.name, "accuracy", right, n=len(self.people))]
        found += [row(HUMANS, self.name, _reliability(share), self._worth(right, share), n=len(self.people)) for share in self.costs]
        subjects = int(self.people.counts.sum(axis=1).max()) if self.people.counts is not None else 0
        return [each | {"subjects": subjects, "seed": seed, "replicates": replicates} for each in found]

    @property
    def _people_right(self) -> float:
        return float(self.people.probabilities[np.arange(len(self.people)), self.people.truth_columns].mean())

    def _worth(self, right: float, share: float) -> float:
        return right - share * len(self.people) * (1 - right)

    def _decided(self, model: Answers, name: str, how: dict[str, Any]) -> list[dict[str, Any]]:
        """Accuracy, the area under risk and coverage, and reliability without abstention."""
        part = model.take(self.people.ids)
        goal = self.people.truth_columns
        right = np.asarray(part.decisions() == goal, dtype=np.float64)
        low, high = mean_interval(right, **how)
        n, accuracy = len(part), float(right.mean())
        found = [row(name, self.name, "accuracy", accuracy, low, high, self._people_right, n)]
        unsure = 1 - part.probabilities.max(axis=1)
        fewer = how | {"replicates": min(how["replicates"], 200)}
        curve = risk_coverage(unsure, 1 - right, **fewer)
        found.append(row(name, self.name, "aurc", curve.aurc, curve.aurc_low, curve.aurc_high, None, n))
        for share in self.costs:
            value, below, above, people = (self._worth(each, share) for each in (accuracy, low, high, self._people_right))
            found.append(row(name, self.name, _reliability(share), value, below, above, people, n))
        return found


def _reliability(share: float) -> str:
    return f"reliability(c={share:g}n)"
