"""The images of one data set by the names under which people and models share them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import PurePosixPath

from isomorph.errors import IdError
from isomorph.perception import Answers, Trials
from isomorph.perception._plain_names import image_key, plain_condition

_SUFFIXES = {".png", ".jpg", ".jpeg"}


@dataclass(frozen=True, eq=False)
class Images:
    """What was shown in one data set.

    Attributes:
        dataset: Its name.
        facts: For each image, called as `Trials.answers` calls it, what is right and its condition.
        by_stem: The image of a condition and a file name without suffix.
        people: The pattern of people's names.
        no_answer: The response that stands for none.
    """

    dataset: str
    facts: Mapping[str, tuple[str, str]]
    by_stem: Mapping[tuple[str, str], str]
    people: str
    no_answer: str

    @classmethod
    def of(cls, trials: Trials, dataset: str, subjects: Sequence[str] | None = None) -> Images:
        """The images of a data set that people, or these subjects, answered."""
        part = trials.take(datasets=[dataset], subjects=subjects or trials.humans)
        names = cls.names(part)
        rows = list(zip(part.condition.values(), part.item.values(), part.category.values(), strict=True))
        facts = {name: (category, condition) for name, (condition, _, category) in zip(names, rows, strict=True)}
        by_stem = {(condition, _stem(item)): name for name, (condition, item, _) in zip(names, rows, strict=True)}
        return cls(dataset, dict(sorted(facts.items())), by_stem, trials.people, trials.no_answer)

    @staticmethod
    def names(part: Trials) -> list[str]:
        """The name of the image of each trial of one data set, its condition before it unless there is a single one."""
        items, conditions = part.item.values(), part.condition.values()
        if len(part.condition.names) == 1:
            return [str(each) for each in items]
        return [f"{condition}/{item}" for condition, item in zip(conditions, items, strict=True)]

    @property
    def ids(self) -> tuple[str, ...]:
        """The images in order."""
        return tuple(self.facts)

    @cached_property
    def condition(self) -> str | None:
        """The only condition; None where there are several."""
        found = {condition for condition, _ in self.by_stem}
        return next(iter(found)) if len(found) == 1 else None

    def renamed(self, answers: Answers) -> tuple[Answers, list[str]]:
        """Answers under the people's names for the images, and the names of those that nobody was asked about.

        Folders and suffixes of a model's names do not matter; the condition is the answers' own, or the fourth field of upstream's names.
        """
        given = answers.conditions or (None,) * len(answers)
        places = [self._place(name, each) for name, each in zip(answers.ids, given, strict=True)]
        twice = next((place for place, count in Counter(places).items() if count > 1), None)
        if twice is not None:
            same = [name for name, place in zip(answers.ids, places, strict=True) if place == twice]
            raise IdError(f"{self.dataset}: {answers.subject} answered one image twice, as {same[0]!r} and as {same[1]!r}.")
        known = {name: self.by_stem[place] for name, place in zip(answers.ids, places, strict=True) if place in self.by_stem}
        unknown = [name for name in answers.ids if name not in known]
        if not known:
            raise IdError(
                f"{self.dataset}: people saw none of {len(answers)} images that {answers.subject} answered, such as {answers.ids[0]!r}; "
                f"theirs are called {self.ids[0]!r}. Give the pictures upstream's names, or the conditions: Answers(..., conditions=[…])."
            )
        part = answers.take(list(known))
        return replace(part, ids=tuple(known.values())), unknown

    def find(self, image: str, names: Sequence[str]) -> int | None:
        """Which of a model's names for pictures is this image; None: none of them."""
        return next((at for at, name in enumerate(names) if self.by_stem.get(self._place(name, None)) == image), None)

    def trials(self, answers: Answers) -> Trials:
        """Answers under the people's names as trials."""
        several = self.condition is None
        return Trials.from_answers(
            answers, dataset=self.dataset, people=self.people, no_answer=self.no_answer,
            key=(lambda name: name.partition("/")[2]) if several else str,
        )  # fmt: skip

    def _place(self, name: str, condition: str | None) -> tuple[str, str]:
        plain = PurePosixPath(name).name
        if self.condition is not None:
            return self.condition, _stem(image_key(plain))
        fields = plain.split("_")
        if condition is None:
            condition = fields[3] if len(fields) > 5 else "0"
        return plain_condition(condition), _stem(image_key(plain))


def _stem(item: str) -> str:
    return item[: -len(PurePosixPath(item).suffix)] if PurePosixPath(item).suffix.lower() in _SUFFIXES else item
