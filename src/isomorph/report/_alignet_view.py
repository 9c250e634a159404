"""What a report of an AligNet study shows, in the order in which it shows it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from isomorph.report._headline import number

if TYPE_CHECKING:
    from isomorph.alignet._study_outcome import StudyOutcome

STUDENT, CONTROL = "alignet", "unalignet"
WORDS = {STUDENT: "student", CONTROL: "control"}
TEACHER = "agreement with the teacher"
_MOST_POINTS = 240

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Changes:
    """What became of the answers that are not what they were.

    Attributes:
        rows: The triplets.
        to_teacher: How many turned to the teacher's answer.
        from_teacher: How many turned away from it.
    """

    rows: Sequence[int]
    to_teacher: int
    from_teacher: int


@dataclass(frozen=True, eq=False)
class AlignetView:
    """The numbers of an outcome, sorted by what they are about."""

    outcome: StudyOutcome

    @cached_property
    def questions(self) -> tuple[str, ...]:
        """The teacher, people, what labels tell, and then what neighbours tell."""
        order = {name: at for at, name in enumerate(self.outcome.check.questions)}
        return tuple(sorted(order, key=lambda name: (_place(name), order[name])))

    def row(self, question: str, student: str = STUDENT) -> Row | None:
        """One line of the table, a bound that is not known as None; None where it says nothing."""
        found = (each for each in self.outcome.check.rows if each["question"] == question and each["transform"] == student)
        row = next(found, None)
        if row is None or math.isnan(row["difference"]):
            return None
        return {key: None if isinstance(each, float) and math.isnan(each) else each for key, each in row.items()}

    @property
    def students(self) -> tuple[str, ...]:
        """The student, and the control where there is one."""
        return tuple(self.outcome.students)

    @property
    def of_people(self) -> tuple[str, ...]:
        """The questions about people's judgments that were answered."""
        return tuple(name for name in self.questions if _place(name) == 1 and self.row(name))

    @property
    def of_neighbours(self) -> tuple[str, ...]:
        """The questions about neighbours."""
        return tuple(name for name in self.questions if _place(name) == 3)

    @cached_property
    def changes(self) -> Changes:
        """Held-out triplets about which the student has changed its mind."""
        before, after = (np.asarray(self.outcome.answers.odd_ones[name]) for name in ("before", STUDENT))
        changed = before != after
        return Changes(np.flatnonzero(changed).tolist(), int((changed & (after == 2)).sum()), int((changed & (before == 2)).sum()))

    def curves(self) -> Iterator[dict[str, Any]]:
        """Points of all curves: `student`, `set`, `step`, `loss`, `agreement`; long runs as means over equally many steps."""
        for name, student in self.outcome.students.items():
            steps = list(student.history)
            width = max(1, math.ceil(len(steps) / _MOST_POINTS))
            for start in range(0, len(steps), width):
                part = steps[start : start + width]
                means = {key: float(np.mean([each[key] for each in part])) for key in ("loss", "agreement")}
                yield {"student": WORDS[name], "set": "training batches", "step": part[-1]["step"] + 1, **means}
            for each in steps:
                for where, look in each.get("validation", {}).items():
                    yield {"student": WORDS[name], "set": where, "step": each["step"] + 1} | {
                        key: look[key] for key in ("loss", "agreement")
                    }


def _place(question: str) -> int:
    if question == TEACHER:
        return 0
    return 1 if question.startswith("people") else 3 if question.startswith("neighbours") else 2


def is_share(row: Row) -> bool:
    """Whether a row's figures are shares of something, and not correlations or areas under a curve."""
    return row["chance"] > 0 and not row["question"].startswith("anomaly")


def value(row: Row, name: str, *, decimals: int = 1) -> str:
    """One figure of a row: `"71.2%"`, or `"0.44"` for what is no share."""
    return f"{row[name]:.{decimals}%}" if is_share(row) else number(row[name])


def difference(row: Row, *, decimals: int = 1) -> tuple[str, str]:
    """The difference in points or as a number, and its interval in brackets."""

    def signed(figure: float) -> str:
        text = f"{100 * figure:+.{decimals}f}" if is_share(row) else f"{figure:+.2f}"
        return text.replace("-", "−") if text.strip("+-0.") else text.lstrip("+-")

    return signed(row["difference"]), "" if row["low"] is None else f"[{signed(row['low'])}, {signed(row['high'])}]"
