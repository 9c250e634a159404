"""One row a trial: who saw which image of which data set, in which condition, and answered what."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from isomorph.arrays import FloatArray
from isomorph.errors import InputError, ShapeError
from isomorph.perception._answers import Answers
from isomorph.perception._plain_names import image_key, plain_condition, plain_subject

if TYPE_CHECKING:
    import pandas

PEOPLE = "subject-*"
"""The names that model-vs-human gives to people."""


@dataclass(frozen=True, eq=False)
class Column:
    """Text that repeats: which of `names` stands in each row.

    Example:
        >>> column = Column.of(["dog", "cat", "dog"])
        >>> column.codes.tolist(), column.names
        ([0, 1, 0], ('dog', 'cat'))
    """

    codes: npt.NDArray[np.int32]
    names: tuple[str, ...]

    @classmethod
    def of(cls, values: Sequence[str]) -> Column:
        """Values in the order of their first appearance."""
        place = {each: at for at, each in enumerate(dict.fromkeys(values))}
        return cls(np.fromiter(map(place.__getitem__, values), np.int32, len(values)), tuple(place))

    def renamed(self, function: Callable[[str], str]) -> Column:
        """Each name through a function; names that become the same are one."""
        new = Column.of([function(each) for each in self.names])
        return Column(new.codes[self.codes], new.names)

    def take(self, rows: npt.NDArray[np.intp] | npt.NDArray[np.bool_]) -> Column:
        """These rows; names that are left without any go."""
        codes = self.codes[rows]
        used, first = np.unique(codes, return_index=True)
        order = np.argsort(first)
        new = np.empty(len(self.names), dtype=np.int32)
        new[used[order]] = np.arange(len(used), dtype=np.int32)
        return Column(new[codes], tuple(self.names[at] for at in used[order]))

    def ordered(self) -> Column:
        """The same rows with the names in alphabetical order, so that nothing depends on which file was read first."""
        order = sorted(range(len(self.names)), key=self.names.__getitem__)
        place = np.empty(len(order), dtype=np.int32)
        place[order] = np.arange(len(order), dtype=np.int32)
        return Column(place[self.codes], tuple(self.names[at] for at in order))

    def values(self) -> npt.NDArray[np.object_]:
        """The text of each row."""
        return np.array(self.names, dtype=object)[self.codes]

    def is_in(self, names: Iterable[str]) -> npt.NDArray[np.bool_]:
        """Which rows hold one of `names`."""
        wanted = set(names)
        return np.array([each in wanted for each in self.names], dtype=bool)[self.codes]


@dataclass(frozen=True, eq=False, kw_only=True)
class Trials:
    """A model-vs-human table by columns.

    Attributes:
        subject: Who answered; `_` is written `-`, as both stand for the same model.
        dataset: Which data set, such as `"cue-conflict"`.
        condition: Which distortion: numbers in their shortest form, words in lower case, none as `"0"`.
        item: The image, by the key under which people and models share it.
        image: The whole `imagename`.
        response: What was answered; `no_answer` where nothing was.
        category: What would have been right.
        rt: Seconds to the response, NaN where unknown.
        session: The session.
        trial: The number of the trial.
        people: A shell pattern: which subjects are people.
        no_answer: The response that stands for none.

    Raises:
        ShapeError: The columns have different lengths.
        InputError: There is no trial.
    """

    subject: Column
    dataset: Column
    condition: Column
    item: Column
    image: Column
    response: Column
    category: Column
    rt: FloatArray
    session: Column
    trial: Column
    people: str = PEOPLE
    no_answer: str = "na"

    def __post_init__(self) -> None:
        lengths = {name: len(column.codes) for name, column in self._columns().items()} | {"rt": len(self.rt)}
        if len(set(lengths.values())) > 1:
            raise ShapeError(f"the columns of trials have different lengths: {', '.join(f'{k} {v}' for k, v in lengths.items())}.")
        if len(self.rt) == 0:
            raise InputError("there is no trial.")

    def __len__(self) -> int:
        return len(self.rt)

    def __repr__(self) -> str:
        return f"Trials({len(self):,} trials, {len(self.dataset.names)} data sets, {len(self.models)} models, people {self.people!r})"

    @property
    def correct(self) -> npt.NDArray[np.bool_]:
        """Which responses are right."""
        place = {each: at for at, each in enumerate(self.category.names)}
        codes = np.array([place.get(each, -1) for each in self.response.names])
        return np.asarray(codes[self.response.codes] == self.category.codes)

    @property
    def models(self) -> tuple[str, ...]:
        """The subjects that are no people, in order."""
        return tuple(sorted(each for each in self.subject.names if not fnmatchcase(each, self.people)))

    @property
    def humans(self) -> tuple[str, ...]:
        """The subjects that are people, in order."""
        return tuple(sorted(each for each in self.subject.names if fnmatchcase(each, self.people)))

    def where(self, rows: npt.NDArray[np.intp] | npt.NDArray[np.bool_]) -> Trials:
        """These rows."""
        columns: dict[str, Any] = {name: column.take(rows) for name, column in self._columns().items()}
        return dataclasses.replace(self, rt=self.rt[rows], **columns)

    def take(self, *, datasets: Sequence[str] | None = None, subjects: Sequence[str] | None = None) -> Trials:
        """The trials of these data sets and subjects.

        Raises:
            InputError: A data set or subject has no trial.
        """
        keep = np.ones(len(self), dtype=bool)
        for what, column, names in (("data set", self.dataset, datasets), ("subject", self.subject, subjects)):
            if names is None:
                continue
            wanted = [plain_subject(each) if what == "subject" else each for each in names]
            unknown = next((each for each in wanted if each not in column.names), None)
            if unknown is not None:
                raise InputError(f"no trial is of the {what} {unknown!r}. There are: {', '.join(sorted(column.names))}.")
            keep &= column.is_in(wanted)
        return self.where(keep)

    def answers(self, dataset: str, *, subjects: Sequence[str] | None = None) -> Answers:
        """What these subjects (by default: all people) answered to each image of one data set, as votes.

        An item is an image in a condition; the response that stands for none is the outcome that abstains.
        """
        part, items, which = self._by_item(dataset, subjects)
        outcomes = (*sorted(set(self.category.names) | set(self.response.names) - {self.no_answer}), self.no_answer)
        place = {each: at for at, each in enumerate(outcomes)}
        columns = np.array([place[each] for each in part.response.names])[part.response.codes]
        counts = np.bincount(which * len(outcomes) + columns, minlength=len(items) * len(outcomes)).reshape(len(items), -1)
        first = np.unique(which, return_index=True)[1]
        return Answers.from_counts(
            items, outcomes, counts, abstain=self.no_answer, truth=part.category.values()[first].tolist(),
            conditions=part.condition.values()[first].tolist(), subject=" + ".join(part.subject.names), provenance=dataset,
        )  # fmt: skip

    def responses(self, dataset: str, *, subjects: Sequence[str] | None = None) -> pandas.DataFrame:
        """The same answers one by one: a table item × subject, `""` where a subject did not see an item, for coefficients of agreement."""
        import pandas

        part, items, which = self._by_item(dataset, subjects)
        table = np.full((len(items), len(part.subject.names)), "", dtype=object)
        table[which, part.subject.codes] = part.response.values()
        return pandas.DataFrame(table, index=pandas.Index(items, name="item"), columns=part.subject.names)

    def _by_item(self, dataset: str, subjects: Sequence[str] | None) -> tuple[Trials, list[str], npt.NDArray[np.intp]]:
        """The trials of one data set, its items by name (with their condition, if there are several), and the item of each trial."""
        part = self.take(datasets=[dataset], subjects=subjects or self.humans)
        item, condition = part.item.ordered(), part.condition.ordered()
        keys = item.codes.astype(np.int64) * len(condition.names) + condition.codes
        found, which = np.unique(keys, return_inverse=True)
        names = [(condition.names[key % len(condition.names)], item.names[key // len(condition.names)]) for key in found]
        return part, [name if len(condition.names) == 1 else f"{level}/{name}" for level, name in names], which.ravel()

    def _columns(self) -> dict[str, Column]:
        names = ("subject", "dataset", "condition", "item", "image", "response", "category", "session", "trial")
        return {name: getattr(self, name) for name in names}

    def mapped(self, members: Mapping[str, Sequence[str]]) -> Trials:
        """Responses and categories in a coarser label space; names that belong to no category stay."""
        owner = {each: category for category, names in members.items() for each in names}
        return dataclasses.replace(
            self, response=self.response.renamed(lambda x: owner.get(x, x)), category=self.category.renamed(lambda x: owner.get(x, x))
        )

    @classmethod
    def from_answers(
        cls, answers: Answers, *, dataset: str, no_answer: str = "na", people: str = PEOPLE, key: Callable[[str], str] = image_key
    ) -> Trials:
        """A system's decisions as trials: each item once, in its condition; abstaining becomes `no_answer`. `key` as in `read_trials`.

        Raises:
            InputError: The answers come without the truth or without a subject.
        """
        if answers.truth is None or not answers.subject:
            raise InputError("trials need to know who answers and what is right: Answers(..., subject='my-model', truth=[…]).")
        n = len(answers)
        said = [no_answer if answers.outcomes[at] == answers.abstain else answers.outcomes[at] for at in answers.decisions()]
        return cls(
            subject=Column.of([plain_subject(answers.subject)] * n), dataset=Column.of([dataset] * n), rt=np.full(n, np.nan),
            condition=Column.of(answers.conditions or ["0"] * n).renamed(plain_condition), item=Column.of(answers.ids).renamed(key),
            image=Column.of(answers.ids),
            response=Column.of(said), category=Column.of(answers.truth), session=Column.of(["1"] * n),
            trial=Column.of([str(at + 1) for at in range(n)]), people=people, no_answer=no_answer,
        )  # fmt: skip

    @classmethod
    def joined(cls, parts: Sequence[Trials]) -> Trials:
        """Several tables as one, row after row; people's pattern and the response that stands for none are the first's."""
        columns: dict[str, Any] = {
            name: Column.of([each for part in parts for each in getattr(part, name).values()]) for name in parts[0]._columns()
        }
        return dataclasses.replace(parts[0], rt=np.concatenate([part.rt for part in parts]), **columns)
