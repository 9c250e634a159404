"""Scores of answers as rows of the table that geometries have, and the record of who was asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from isomorph.errors import InputError

if TYPE_CHECKING:
    from isomorph.benchmarks import BehaviourMatch
    from isomorph.results._behaviour import BehaviourResults
    from isomorph.store import StoredObject

_OF_PEOPLE = {"stimuli": "images", "subjects": "people", "both": "both"}
_OF_ONE_TABLE = "mean_rank"
"""What depends on who else stands in a table, and is no score of a model."""


@dataclass(frozen=True, kw_only=True)
class BehaviourRecord:
    """A benchmark of answers as a report needs it.

    Attributes:
        name: The benchmark's name.
        summary: One line.
        citation: The papers to cite.
        licence: The licence of people's data.
        datasets: The data sets whose pictures models answered.
        level: The intervals' coverage.
        notes: Sentences that must travel with the numbers.
    """

    name: str
    summary: str
    citation: str
    licence: str
    datasets: tuple[str, ...]
    level: float
    notes: tuple[str, ...]

    @staticmethod
    def of(results: BehaviourResults) -> BehaviourRecord:
        """The record of `results`."""
        return BehaviourRecord(
            name=results.benchmark, summary=results.summary, citation=results.citation, licence=results.licence,
            datasets=tuple(sorted(results.joined.trials.dataset.names)), level=results.level, notes=results.notes,
        )  # fmt: skip


def answered(benchmark: BehaviourMatch, fragments: Sequence[StoredObject], options: Mapping[str, Any]) -> BehaviourResults:
    """A benchmark's fragments, scored together as `evaluate_behaviour` scores them.

    Raises:
        InputError: A model that is asked nothing else has no classes to answer with, or nobody has.
    """
    from isomorph.results._behaviour import behaviour_results
    from isomorph.results._behaviour_unit import given_answers, public_stimuli

    own = _own(benchmark.name, fragments)
    reasons = {name: str(each.meta["left_out"]) for name, each in own.items() if each.meta["left_out"]}
    others = {each.spec["model"]["name"] for each in fragments if each.spec["kind"] == "evaluation"}
    stuck = next((name for name in reasons if name not in others or len(reasons) == len(own)), None)
    if stuck is not None:
        raise InputError(f"{stuck} cannot answer {benchmark.name}: {reasons[stuck]}")
    stimuli = public_stimuli(benchmark)
    given = given_answers({name: each for name, each in own.items() if name not in reasons})
    how = {"replicates": options["replicates"], "seed": options["seed"], "resample": _OF_PEOPLE[options["resample"]]}
    notes = [f"{name} was left out on {benchmark.name}: {reason}" for name, reason in reasons.items()]
    return behaviour_results(benchmark.take(list(stimuli)), given, stimuli=stimuli, missing="drop", notes=notes, **how)


def table_rows(results: BehaviourResults, fragments: Sequence[StoredObject]) -> list[dict[str, Any]]:
    """The scores with the columns of `Results.table`; models by their full names."""
    from isomorph.perception._plain_names import plain_subject
    from isomorph.results._behaviour_unit import subject_names

    own = {name: each for name, each in _own(results.benchmark, fragments).items() if not each.meta["left_out"]}
    models = {plain_subject(said): own[name] for name, said in subject_names(list(own)).items()}
    digests = {name: each.digest for name, each in results.stimuli.items()}
    nobody: dict[str, Any] = {"model_fingerprint": "", "extraction_fingerprint": "", "isomorph_version": "", "torch_version": ""}
    width, found = len(results.joined.trials.category.names), []
    for row in (dict(each) for each in results.rows if each["measure"] != _OF_ONE_TABLE):
        ceiling, fragment = row.pop("ceiling"), models.get(row["model"])
        facts = nobody if fragment is None else _facts(fragment)
        found.append(
            {"layer": "", "layer_index": -1, "depth": None, "width": width, "reduction": "", "seen": False}
            | {"ceiling_lower": ceiling, "ceiling_upper": ceiling, "p": None, "benchmark": results.benchmark}
            | row | {"stimuli_fingerprint": digests.get(row["target"], "")} | facts
        )  # fmt: skip
    return found


def _own(benchmark: str, fragments: Sequence[StoredObject]) -> dict[str, StoredObject]:
    from isomorph.results._behaviour_unit import KIND

    return {
        each.spec["model"]["name"]: each for each in fragments if each.spec["kind"] == KIND and each.spec["benchmark"]["name"] == benchmark
    }


def _facts(fragment: StoredObject) -> dict[str, Any]:
    return {
        "model": fragment.spec["model"]["name"],
        "model_fingerprint": fragment.spec["model"]["fingerprint"],
        "extraction_fingerprint": fragment.fingerprint,
        "isomorph_version": fragment.meta["versions"]["isomorph"],
        "torch_version": fragment.meta["versions"]["torch"],
    }
