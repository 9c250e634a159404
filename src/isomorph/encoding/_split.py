"""Which stimuli a map is fitted to and which it is judged on."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, TypeAlias, final

import numpy as np

from isomorph.arrays import IntArray, positions, unique_ids
from isomorph.errors import IdError, InputError, ShapeError, UnknownNameError

if TYPE_CHECKING:
    import pandas

LEAST = 3  # stimuli: fewer have neither a correlation nor a stimulus to leave out
Folds: TypeAlias = list[tuple[IntArray, IntArray]]


@dataclass(frozen=True, kw_only=True)
class Split(ABC):
    """A rule that divides stimuli into those to fit and those to judge; `EvenOdd`, `KFold`, `Shuffled`, `Halves`."""

    name: ClassVar[str]

    @property
    @abstractmethod
    def rule(self) -> str:
        """The rule in a few words, as tables have it."""

    @abstractmethod
    def _of(self, ids: tuple[str, ...], stimuli: pandas.DataFrame | None) -> Folds: ...

    @final
    def of(self, ids: Sequence[str], stimuli: pandas.DataFrame | None = None) -> Folds:
        """The folds: `(rows to train on, rows to test on)` each, rows in the order of `ids`.

        Args:
            ids: The stimuli.
            stimuli: What is known of them, a row each in the same order; needed to stratify.

        Raises:
            ShapeError: A fold has fewer than 3 stimuli to train on, or to test on.
            UnknownNameError: The table lacks the column to stratify by.
            IdError: A named stimulus is unknown.
        """
        folds = self._of(tuple(ids), stimuli)
        for number, (train, test) in enumerate(folds, 1):
            for rows, what in ((train, "train"), (test, "test")):
                if len(rows) < LEAST:
                    raise ShapeError(
                        f"the split {self.rule!r} of {len(ids)} stimuli leaves {len(rows)} to {what} on"
                        f"{f' in fold {number}' if len(folds) > 1 else ''}; {LEAST} are the fewest. "
                        "Show more stimuli, or split them otherwise."
                    )
        return folds


@dataclass(frozen=True, kw_only=True)
class EvenOdd(Split):
    """Train on rows 0, 2, 4 …, test on rows 1, 3, 5 …: the rule of Conwell et al., 2024.

    Example:
        >>> [(train.tolist(), test.tolist()) for train, test in EvenOdd().of("abcdefg")]
        [([0, 2, 4, 6], [1, 3, 5])]
    """

    name: ClassVar[str] = "even-odd"

    @property
    def rule(self) -> str:
        """The rule in a few words."""
        return "even-odd"

    def _of(self, ids: tuple[str, ...], stimuli: pandas.DataFrame | None) -> Folds:
        rows = np.arange(len(ids))
        return [(rows[::2], rows[1::2])]


@dataclass(frozen=True, kw_only=True)
class KFold(Split):
    """Each stimulus is tested once, by a fit to the other folds.

    Attributes:
        folds: How many, at least 2.
        seed: Which division.
        stratify: A column of the stimuli's table, each of whose values is spread evenly over the folds.

    Example:
        >>> sorted(row for _, test in KFold(folds=3).of("abcdefghi") for row in test.tolist())
        [0, 1, 2, 3, 4, 5, 6, 7, 8]
    """

    name: ClassVar[str] = "k-fold"

    folds: int = 5
    seed: int = 0
    stratify: str | None = None

    def __post_init__(self) -> None:
        if self.folds < 2:
            raise InputError(f"KFold.folds must be at least 2; got {self.folds}.")

    @property
    def rule(self) -> str:
        """The rule in a few words."""
        return f"{self.folds}-fold, seed {self.seed}{_by(self.stratify)}"

    def _of(self, ids: tuple[str, ...], stimuli: pandas.DataFrame | None) -> Folds:
        rng = np.random.default_rng(self.seed)
        dealt = np.concatenate([rng.permutation(rows) for rows in _strata(self.stratify, ids, stimuli)])
        fold = np.empty(len(ids), dtype=np.intp)
        fold[dealt] = np.arange(len(ids)) % self.folds
        return [(np.flatnonzero(fold != each), np.flatnonzero(fold == each)) for each in range(self.folds)]


@dataclass(frozen=True, kw_only=True)
class Shuffled(Split):
    """Random divisions, drawn independently of each other: a stimulus may be tested in several, or in none.

    Attributes:
        splits: How many.
        test: The share of the stimuli that is tested on, 0 to 1.
        seed: Which divisions.
        stratify: A column of the stimuli's table: this share of each of its values is tested on, rounded so that the total is right.

    Example:
        >>> [len(test) for _, test in Shuffled(splits=3, test=0.25).of("abcdefghijklmnop")]
        [4, 4, 4]
    """

    name: ClassVar[str] = "shuffled"

    splits: int = 10
    test: float = 0.1
    seed: int = 0
    stratify: str | None = None

    def __post_init__(self) -> None:
        if self.splits < 1:
            raise InputError(f"Shuffled.splits must be at least 1; got {self.splits}.")
        if not 0 < self.test < 1:
            raise InputError(f"Shuffled.test must be a share above 0 and below 1; got {self.test:g}.")

    @property
    def rule(self) -> str:
        """The rule in a few words."""
        return f"{self.splits} × {self.test:.0%} drawn, seed {self.seed}{_by(self.stratify)}"

    def _of(self, ids: tuple[str, ...], stimuli: pandas.DataFrame | None) -> Folds:
        rng, strata = np.random.default_rng(self.seed), _strata(self.stratify, ids, stimuli)
        return [self._drawn(rng, strata, len(ids)) for _ in range(self.splits)]

    def _drawn(self, rng: np.random.Generator, strata: list[IntArray], count: int) -> tuple[IntArray, IntArray]:
        shares = np.array([self.test * len(rows) for rows in strata])
        take = np.floor(shares).astype(int)
        left = round(self.test * count) - take.sum()
        take[np.lexsort((rng.random(len(take)), take - shares))[: max(left, 0)]] += 1  # largest remainders first, ties by lot
        tested = np.zeros(count, dtype=bool)
        for rows, size in zip(strata, take, strict=True):
            tested[rng.permutation(rows)[:size]] = True
        return np.flatnonzero(~tested), np.flatnonzero(tested)


@dataclass(frozen=True, kw_only=True)
class Halves(Split):
    """Named stimuli to train on and to test on, as a data set or a challenge fixed them; others are left out.

    Example:
        >>> Halves(train=("a", "c", "e"), test=("b", "d", "f")).of("abcdefg")
        [(array([0, 2, 4]), array([1, 3, 5]))]
    """

    name: ClassVar[str] = "halves"

    train: tuple[str, ...]
    test: tuple[str, ...]

    def __post_init__(self) -> None:
        for field in ("train", "test"):
            object.__setattr__(self, field, unique_ids(getattr(self, field), name=f"Halves.{field}"))
        trained = set(self.train)
        both = [each for each in self.test if each in trained]
        if both:
            raise IdError(f"{len(both)} stimuli are to be trained on and tested on; the first is {both[0]!r}.")

    @property
    def rule(self) -> str:
        """The rule in a few words."""
        return f"given, {len(self.train)} to train on and {len(self.test)} to test on"

    def _of(self, ids: tuple[str, ...], stimuli: pandas.DataFrame | None) -> Folds:
        return [(positions(ids, self.train, name="the recording"), positions(ids, self.test, name="the recording"))]


def _by(column: str | None) -> str:
    return "" if column is None else f", stratified by {column}"


def _strata(column: str | None, ids: tuple[str, ...], stimuli: pandas.DataFrame | None) -> list[IntArray]:
    """The rows of each value of a column; all rows where there is none."""
    if column is None:
        return [np.arange(len(ids))]
    if stimuli is None or column not in stimuli:
        raise UnknownNameError("column of stimuli", column, () if stimuli is None else map(str, stimuli.columns))
    values = stimuli[column].astype(str).to_numpy()
    return [np.flatnonzero(values == each) for each in dict.fromkeys(values)]
