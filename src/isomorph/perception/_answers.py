"""What one system answers to items, as distributions."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from isomorph.arrays import IntArray, positions, unique_ids
from isomorph.errors import IdError, InputError, ShapeError, UnknownNameError
from isomorph.perception._distributions import Floats, check_distributions, check_weights


@dataclass(frozen=True, eq=False, kw_only=True)
class Answers:
    """What one system (a person, a crowd, a model) answers to items: a distribution over named outcomes for each.

    Attributes:
        ids: The items, such as file names; each once.
        outcomes: What can be answered, in the order of the columns; any label space.
        probabilities: `[item, outcome]`, rows sum to 1 (within 0.001; the rest is divided out).
        abstain: Which outcome means "I don't answer"; None: there is none.
        counts: `[item, outcome]`, how many people gave each answer, where people did.
        truth: The right outcome of each item, `""` where there is none or it is unknown.
        groups: The group of each item: VisAlign's categories `"1"` … `"8"`, `"must-act"`, anything.
        conditions: The condition of each item, such as a corruption's severity.
        given: The numbers as they stood in a file, before they were divided by their sum; a row of NaN stood as `null`.
        subject: Who answers.
        provenance: Where it comes from.

    Raises:
        IdError: An item or an outcome stands twice.
        InputError: A row does not sum to one, holds something negative, NaN or nothing at all; the message names the item.

    Example:
        >>> answers = Answers(ids=["a.png", "b.png"], outcomes=["cat", "dog", "abstain"], probabilities=[[.7, .2, .1], [0, 0, 1]],
        ...                   abstain="abstain")
        >>> [answers.outcomes[each] for each in answers.decisions()]
        ['cat', 'abstain']
    """

    ids: tuple[str, ...]
    outcomes: tuple[str, ...]
    probabilities: Floats
    abstain: str | None = None
    counts: IntArray | None = None
    truth: tuple[str, ...] | None = None
    groups: tuple[str, ...] | None = None
    conditions: tuple[str, ...] | None = None
    given: Floats | None = None
    subject: str = ""
    provenance: str = ""

    def __post_init__(self) -> None:
        def put(name: str, value: Any) -> None:
            object.__setattr__(self, name, value)

        who = f"{self.subject!r}" if self.subject else "the answers"
        put("ids", unique_ids(self.ids, name=who))
        put("outcomes", unique_ids(self.outcomes, name=f"the outcomes of {who}"))
        put("probabilities", check_distributions(self.probabilities, name=who, ids=self.ids))
        if self.probabilities.shape[1] != len(self.outcomes):
            raise ShapeError(f"{who} has {self.probabilities.shape[1]} numbers an item for {len(self.outcomes)} outcomes.")
        if self.abstain is not None and self.abstain not in self.outcomes:
            raise UnknownNameError("outcome", self.abstain, self.outcomes)
        for name in ("counts", "given"):
            table = getattr(self, name)
            if table is not None and np.shape(table) != self.probabilities.shape:
                raise ShapeError(f"{who} has {name} of the shape {np.shape(table)} and probabilities of {self.probabilities.shape}.")
        if self.counts is not None and np.min(self.counts, initial=0) < 0:
            raise InputError(f"{who} has a count of {np.min(self.counts)}; nobody votes less than never.")
        for name in ("truth", "groups", "conditions"):
            column = getattr(self, name)
            if column is not None:
                put(name, tuple(map(str, column)))
                if len(column) != len(self.ids):
                    raise ShapeError(f"{who} has {len(column)} {name} for {len(self.ids)} items.")
        unknown = next((each for each in self.truth or () if each and each not in self.outcomes), None)
        if unknown is not None:
            raise UnknownNameError("outcome", unknown, self.outcomes)

    def __len__(self) -> int:
        return len(self.ids)

    def __repr__(self) -> str:
        votes = "" if self.counts is None else f", {int(self.counts.sum()):,} votes"
        return f"Answers({self.subject!r}, {len(self)} items, {len(self.outcomes)} outcomes{votes})"

    @classmethod
    def from_counts(cls, ids: Sequence[str], outcomes: Sequence[str], counts: Any, *, smoothing: float = 0.0, **facts: Any) -> Answers:
        """From votes `[item, outcome]`: p = (count + smoothing) / sum; `facts` are the other attributes.

        Raises:
            InputError: An item has no votes (and nothing smooths it), or a count is negative or no whole number.
        """
        table = np.asarray(counts)
        if table.dtype.kind == "f" and not (np.isfinite(table).all() and (table == np.rint(table)).all()):
            raise InputError("counts are whole numbers of votes; got fractions or NaN. Shares go into `probabilities`.")
        if smoothing < 0:
            raise InputError(f"smoothing adds votes and cannot be negative; got {smoothing:g}.")
        weights = check_weights(table + smoothing, name="the counts", ids=unique_ids(ids, name="the counts"))
        p = weights / weights.sum(axis=1, keepdims=True)
        return cls(ids=tuple(ids), outcomes=tuple(outcomes), probabilities=p, counts=table.astype(np.int64), **facts)

    @classmethod
    def from_weights(cls, ids: Sequence[str], outcomes: Sequence[str], weights: Any, **facts: Any) -> Answers:
        """From numbers ≥ 0 of any sum; each row is divided by its own, and `given` keeps what stood there."""
        table = check_weights(weights, name="the weights", ids=tuple(ids))
        p = table / table.sum(axis=1, keepdims=True)
        return cls(ids=tuple(ids), outcomes=tuple(outcomes), probabilities=p, **({"given": table} | facts))

    @classmethod
    def from_decisions(cls, ids: Sequence[str], outcomes: Sequence[str], decisions: Sequence[str], **facts: Any) -> Answers:
        """From one answer an item: all of the probability lies on it."""
        place = {each: at for at, each in enumerate(outcomes)}
        unknown = next((each for each in decisions if each not in place), None)
        if unknown is not None:
            raise UnknownNameError("outcome", unknown, outcomes)
        return cls(ids=tuple(ids), outcomes=tuple(outcomes), probabilities=np.eye(len(place))[[place[each] for each in decisions]], **facts)

    def take(self, ids: Sequence[str]) -> Answers:
        """The answers to these items, in this order; a missing item is an `IdError` that names it."""
        rows = positions(self.ids, ids, name=self.subject or "the answers")

        def pick(column: tuple[str, ...] | None) -> tuple[str, ...] | None:
            return None if column is None else tuple(column[at] for at in rows)

        return dataclasses.replace(
            self, ids=tuple(ids), probabilities=self.probabilities[rows], truth=pick(self.truth), groups=pick(self.groups),
            conditions=pick(self.conditions), counts=None if self.counts is None else self.counts[rows],
            given=None if self.given is None else self.given[rows],
        )  # fmt: skip

    def mapped(self, members: Mapping[str, Sequence[str | int]], *, how: Literal["mean", "sum"] = "mean") -> Answers:
        """The same answers in a coarser label space, such as 1,000 ImageNet classes in 16 categories.

        A category's weight is the mean of its members' probabilities (as model-vs-human does; the sum would favour categories with many
        members) or their sum; weights are then divided by their total, which moves no decision. Outcomes that belong to no category are
        left out; the outcome that abstains stays.

        Args:
            members: The categories in their order, each with its outcomes by name or by column.
            how: `"mean"` or `"sum"`; votes are summed with `"sum"` and given up with `"mean"`.

        Raises:
            InputError: A member is unknown or in two categories; or an item has no probability in any category.
        """
        from isomorph.perception._class_map import membership

        matrix, names = membership(self.outcomes, members, keep=self.abstain)
        owner = {self.outcomes[row]: names[column] for row, column in np.argwhere(matrix)}
        weights = self.probabilities @ (matrix / matrix.sum(axis=0) if how == "mean" else matrix)
        return Answers.from_weights(
            self.ids, names, weights, abstain=self.abstain, groups=self.groups, conditions=self.conditions, subject=self.subject,
            truth=None if self.truth is None else tuple(owner.get(each, "") for each in self.truth), given=None, provenance=self.provenance,
            counts=None if self.counts is None or how == "mean" else np.asarray(self.counts @ matrix, dtype=np.int64),
        )  # fmt: skip

    def decisions(self, *, ties: Literal["lowest", "abstain"] = "lowest") -> IntArray:
        """The column of the largest probability; a tie goes to the lowest column or to abstaining."""
        best = np.asarray(self.probabilities.argmax(axis=1))
        if ties == "lowest":
            return best
        tied = (self.probabilities == self.probabilities.max(axis=1, keepdims=True)).sum(axis=1) > 1
        return np.where(tied, self.abstain_column, best)

    @property
    def abstain_column(self) -> int:
        """The column of the outcome that abstains."""
        if self.abstain is None:
            raise InputError(f"none of the {len(self.outcomes)} outcomes abstains. Say which one does: Answers(..., abstain='abstain').")
        return self.outcomes.index(self.abstain)

    @property
    def truth_columns(self) -> IntArray:
        """The column of each item's truth, -1 where there is none."""
        if self.truth is None:
            raise InputError(f"{self.subject or 'these answers'} come without the truth; give Answers(..., truth=[…]).")
        place = {each: at for at, each in enumerate(self.outcomes)} | {"": -1}
        return np.array([place[each] for each in self.truth], dtype=np.intp)

    def entropy(self) -> Floats:
        """`[item]`, −Σ p ln p in nats: 0 (sure) … ln(number of outcomes)."""
        from scipy.special import entr

        return np.asarray(entr(self.probabilities).sum(axis=1))

    def save(self, path: Path | str) -> None:
        """Write `.npz`, `.json`, `.csv` or `.parquet`; see `write_answers`."""
        from isomorph.perception._answers_file import write_answers

        write_answers(self, path)

    @staticmethod
    def load(path: Path | str) -> Answers:
        """Read what `save` wrote; see `read_answers`."""
        from isomorph.perception._answers_file import read_answers

        return read_answers(path)


def joined(model: Answers, human: Answers) -> Answers:
    """The model's answers in the order of the human's items, once both have the same items and outcomes.

    Raises:
        InputError: The outcomes differ or stand in another order, or another one abstains.
        IdError: One has items that the other has not.
    """
    names = model.subject or "the model", human.subject or "the people"
    if model.outcomes != human.outcomes:
        same = set(model.outcomes) == set(human.outcomes)
        at = next((i for i, (a, b) in enumerate(zip(model.outcomes, human.outcomes, strict=False)) if a != b), None)
        detail = (
            f"outcome {at} is {model.outcomes[at]!r} for {names[0]} and {human.outcomes[at]!r} for {names[1]}"
            if at is not None
            else f"{names[0]} has {len(model.outcomes)} outcomes and {names[1]} {len(human.outcomes)}"
        )
        way = (
            "The names are the same in another order: write the columns in one order." if same else "Map one to the other: Answers.mapped."
        )
        raise InputError(f"the outcomes differ: {detail}. {way}")
    if None not in (model.abstain, human.abstain) and model.abstain != human.abstain:
        raise InputError(f"{names[0]} abstains with {model.abstain!r} and {names[1]} with {human.abstain!r}; one outcome can mean that.")
    for (has, one), (lacks, other) in (((model, names[0]), (human, names[1])), ((human, names[1]), (model, names[0]))):
        missing = sorted(set(has.ids) - set(lacks.ids))
        if missing:
            raise IdError(
                f"{len(missing)} of {len(has)} items of {one} are not among those of {other}: {', '.join(map(repr, missing[:5]))}"
                f"{' …' if len(missing) > 5 else ''}. Take the items both have: answers.take(ids)."
            )
    return model.take(human.ids)
