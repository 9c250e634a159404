"""A benchmark that asks: does a model act where people act, abstain where they abstain, and is it unsure where they are?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from isomorph.errors import InputError
from isomorph.perception import Answers

if TYPE_CHECKING:
    from isomorph.benchmarks._visalign_set import VisalignSet

CITATION = (
    "Lee, J. et al. (2023). VisAlign: dataset for measuring the degree of alignment between AI and humans in visual perception. "
    "arXiv:2308.01525."
)
WAY = (
    "visalign is scored on a folder of yours, VisAlign's own as its archive unpacks or one that `isomorph visalign build` made: "
    "load_benchmark('visalign', folder=…), or `isomorph evaluate MODEL --benchmarks visalign --folder FOLDER`."
)


@dataclass(frozen=True, kw_only=True, eq=False)
class AbstentionMatch:
    """Answers with abstaining beside people's, in VisAlign's eight categories of pictures.

    Attributes:
        name: The benchmark's name.
        data: The set: its test pictures, and people's answers to them.
        costs: The c of the reliability scores; VisAlign's are none, half and all of its 900 pictures.
        summary: One line.
        citation: The papers to cite.
        licence: The licence of the data.

    Raises:
        FileError: The set holds no labels.
    """

    name: str
    data: VisalignSet
    costs: tuple[float, ...] = (0.0, 450.0, 900.0)
    summary: str = ""
    citation: str = ""
    licence: str = ""

    def __post_init__(self) -> None:
        if not self.costs:
            raise InputError(f"{self.name} needs a cost of a wrong act for its reliability scores.")
        _ = self.people

    @property
    def people(self) -> Answers:
        """The gold labels, with categories as groups."""
        return self.data.gold

    def score(
        self, answers: Answers | Sequence[Answers], *, replicates: int = 1000, seed: int = 0, level: float = 0.95
    ) -> list[dict[str, Any]]:
        """Score every model; pictures meet by their file names.

        Runs called `<model>/<seed>` (as `<network>/<method>/<seed>`) are one model, whose values are means over seeds and whose intervals
        are of those means.

        Args:
            answers: Answers over the set's outcomes, each with a subject.
            replicates: Bootstrap replicates over pictures, within a category where the measure is of one; 0: none.
            seed: The bootstrap's.
            level: The intervals' coverage.

        Returns:
            Rows as `BehaviourMatch.score` has them, and in each `sd` and `seeds`. `hellinger` for each category and, as "all", its mean
            over categories; `abstention`, the mean probability of abstaining, for each category and severity; over all pictures `accuracy`
            where acting is right, `rs_<c>`, `aurc` and `augrc`. The model "humans" is two halves of the people (distances) or one person
            after another (reliability), where the labels are people's.

        Raises:
            InputError: Outcomes or their order differ from the set's, or two runs have one name.
            IdError: Pictures are missing or unknown.
        """
        from isomorph.benchmarks._abstention_match_rows import Bootstrap, scored

        several = [answers] if isinstance(answers, Answers) else list(answers)
        how = Bootstrap(replicates=replicates, seed=seed, level=level)
        rows = scored(several, self.people, self.costs, how, asked=self.data.labelled_by_people)
        votes = self.people.counts
        subjects = 0 if votes is None else int(votes.sum(axis=1).max())
        return [each | {"subjects": subjects, "seed": seed, "replicates": replicates} for each in rows]


def visalign(folder: Path | str | None = None) -> AbstentionMatch:
    """VisAlign, on a folder of the user's."""
    from isomorph.benchmarks._visalign_set import open_set

    if folder is None:
        raise InputError(WAY)
    return AbstentionMatch(
        name="visalign", data=open_set(folder), summary="does a model act, abstain and doubt where people do?",
        citation=CITATION, licence="VisAlign's own pictures: CC BY 4.0",
    )  # fmt: skip
