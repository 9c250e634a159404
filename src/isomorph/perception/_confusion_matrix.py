"""What is taken for what."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from isomorph.perception._answers import Answers
from isomorph.perception._trials import Trials

if TYPE_CHECKING:
    import pandas


def confusion_matrix(answers: Answers | Trials, *, subject: str | None = None, normalise: bool = True) -> pandas.DataFrame:
    """How often each true outcome (rows) is answered with each outcome (columns).

    Args:
        answers: Answers with the truth, whose distributions are summed as they are (no decision is made); or trials.
        subject: Whose trials; by default everybody's.
        normalise: Rows as shares; a row without items is NaN.

    Returns:
        A table with the true outcomes as its index.

    Example:
        >>> answers = Answers.from_decisions(["a", "b"], ["cat", "dog"], ["cat", "cat"], truth=["cat", "dog"])
        >>> confusion_matrix(answers).loc["dog", "cat"]
        np.float64(1.0)
    """
    import pandas

    if isinstance(answers, Trials):
        part = answers if subject is None else answers.take(subjects=[subject])
        names = [*sorted(set(part.category.names) | set(part.response.names) - {part.no_answer}), part.no_answer]
        place = {each: at for at, each in enumerate(names)}
        true, said = (np.array([place[each] for each in column.names])[column.codes] for column in (part.category, part.response))
        table = np.bincount(true * len(names) + said, minlength=len(names) ** 2).reshape(len(names), -1).astype(np.float64)
    else:
        names, goal = list(answers.outcomes), answers.truth_columns
        table = np.zeros((len(names), len(names)))
        np.add.at(table, goal[goal >= 0], answers.probabilities[goal >= 0])
    if normalise:
        with np.errstate(invalid="ignore"):
            table = table / table.sum(axis=1, keepdims=True)
    return pandas.DataFrame(table, index=pandas.Index(names, name="truth"), columns=names)
