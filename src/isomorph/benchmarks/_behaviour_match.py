"""A benchmark that asks: are these answers to pictures those that people give?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal, TypeAlias

from isomorph.benchmarks._behaviour_match_join import Joined, join_answers
from isomorph.benchmarks._behaviour_match_rows import Draws, distance_rows, reliability_rows, trial_rows
from isomorph.errors import InputError, UnknownNameError
from isomorph.perception import Answers, Trials

Given: TypeAlias = Joined | Answers | Trials | Sequence[Answers | Trials] | Mapping[str, Answers | Sequence[Answers]]


@dataclass(frozen=True, kw_only=True, eq=False)
class BehaviourMatch:
    """Models' answers to pictures beside those of people who saw the same pictures, trial by trial.

    Attributes:
        name: The benchmark's name.
        people: Trials of people, and of models whose answers are published.
        dropped: Which conditions do not count, as in `behaviour_table`.
        measures: Which families are asked: "trials" (consistency and accuracy), "shape-bias", "distributions", "reliability".
        costs: c of the reliability scores as a share of the number of images: VisAlign's 0, 450 and 900 are 0, ½ and 1 of 900.
        stimulus_sets: For data sets whose pictures are public, the name that `load_stimuli` knows.
        summary: One line.
        citation: The papers to cite.
        licence: The licence of the data.

    Raises:
        InputError: No subject is a person.
    """

    name: str
    people: Trials
    dropped: str | Mapping[str, Sequence[str]] = "model-vs-human"
    measures: tuple[str, ...] = ("trials", "shape-bias", "distributions", "reliability")
    costs: tuple[float, ...] = (0.0, 0.5, 1.0)
    stimulus_sets: Mapping[str, str] | None = None
    summary: str = ""
    citation: str = ""
    licence: str = ""

    def __post_init__(self) -> None:
        if not self.people.humans:
            raise InputError(f"{self.name} has no people: none of its subjects matches {self.people.people!r}.")

    @property
    def datasets(self) -> tuple[str, ...]:
        """The data sets, in order."""
        return tuple(sorted(self.people.dataset.names))

    @cached_property
    def categories(self) -> tuple[str, ...]:
        """What can be answered, without the response that stands for none."""
        names = set(self.people.category.names) | set(self.people.response.names)
        return tuple(sorted(names - {self.people.no_answer}))

    def take(self, datasets: Sequence[str]) -> BehaviourMatch:
        """The benchmark on some of its data sets."""
        for each in datasets:
            if each not in self.datasets:
                raise UnknownNameError("data set", each, self.datasets)
        return replace(self, people=self.people.take(datasets=datasets))

    def stimuli(self, dataset: str) -> Any:
        """The pictures of a data set, where they are public.

        Raises:
            InputError: They are not: show your own copy, whose file names are those of the trials.
        """
        from isomorph.benchmarks._stimulus_sets import load_stimuli

        if dataset not in self.datasets:
            raise UnknownNameError("data set", dataset, self.datasets)
        public = self.stimulus_sets or {}
        if dataset not in public:
            raise InputError(
                f"the pictures of {dataset!r} are not in the catalogue of public data; those of {', '.join(public) or 'none'} are. "
                f"Show models your own copy under upstream's file names: stimuli={{'{dataset}': Stimuli.from_folder(…)}}."
            )
        return load_stimuli(public[dataset])

    def join(self, given: Given, *, missing: Literal["raise", "drop"] = "raise") -> Joined:
        """Models' answers beside people's, by image: trials of both, and what models said as distributions.

        Args:
            given: Trials; or answers, whose `provenance` names the data set (with one data set it need not); or `{data set: answers}`.
            missing: What happens to images and data sets that some model did not answer: `"raise"`, or `"drop"` for everybody.

        Raises:
            IdError: Images are missing, or nobody was asked about an image; the message lists them.
            InputError: An answer is none of the categories.
        """
        return given if isinstance(given, Joined) else join_answers(self, given, missing=missing)

    def score(
        self,
        given: Given,
        *,
        missing: Literal["raise", "drop"] = "raise",
        replicates: int = 1000,
        seed: int = 0,
        level: float = 0.95,
        resample: Literal["images", "people", "both"] = "images",
    ) -> list[dict[str, Any]]:
        """Score every model; people among themselves and models whose answers are published stand beside them.

        Args:
            given: As in `join`, or what it returned.
            missing: As in `join`.
            replicates: Bootstrap replicates of the intervals; 0: none.
            seed: The bootstrap's.
            level: The intervals' coverage.
            resample: What the bootstrap of consistencies draws.

        Returns:
            One row a model and measure, and for distances one a data set: `model, target, measure, value, low, high, ceiling, n, subjects,
            seed, replicates`. `model` is "humans" for people among themselves; `target` is a data set or "all"; None is what cannot be had.
        """
        joined = self.join(given, missing=missing)
        draws = Draws(replicates=replicates, seed=seed, level=level, resample=resample)
        rows = trial_rows(joined.trials, self.dropped, draws, self.measures)
        if "distributions" in self.measures:
            rows += distance_rows(joined, draws)
        if "reliability" in self.measures:
            rows += reliability_rows(joined, self.costs, draws)
        subjects = len(joined.trials.humans)
        return [row | {"subjects": subjects, "seed": seed, "replicates": replicates} for row in rows]
